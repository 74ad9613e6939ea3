"""In which states a net is checked that no solver speaks for, and what is found there.

Most nets are for both phases. One that has no data in a phase is not meant for it, and one that builds only with stages
waits for a solver that names them: neither is held against the net. Straight-line code over `infer`, `passes` and
`lints`; knows no files and no solvers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.diagnostics import Note, Report
from netcompile.infer import infer
from netcompile.lints import lint, lint_layers
from netcompile.passes import check_parameters, check_run
from netcompile.records import NamedTuple
from netcompile.states import PHASES, State, includes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.ir import Graph, Layer, Net
    from netcompile.layers import Known
    from netcompile.tree import Span

_Asked: TypeAlias = "tuple[int, tuple[str, ...]]"  # a level and stages

_MOST_TRIED: Final = 16  # stages and levels, each in both phases
_MOST_NAMED: Final = 4


class Built(NamedTuple):
    """A net in one state, with what Caffe would refuse there.

    `incomplete`: a part of the net could not be read; `lacks_layers`: layers are missing for that.
    """

    state: State
    graph: Graph
    findings: Report
    incomplete: bool = False
    lacks_layers: bool = False


def build(net: Net, state: State, *, incomplete: bool = False, known: Known | None = None) -> Built:
    """Build a net in a state; `incomplete` and `known` are as in `infer`."""
    findings = Report()
    graph = infer(net, state, findings, incomplete=incomplete, known=known)
    # What a damaged layer lacks is not held against it, so that nothing later may count on its wiring.
    damaged = any(one.layer.damaged for one in graph.layers)
    return Built(state, graph, findings, incomplete or damaged, incomplete)


def build_phases(
    net: Net, *, level: int = 0, stages: Sequence[str] = (), incomplete: bool = False, known: Known | None = None
) -> dict[str, Built]:
    """Build a net in "TRAIN" and in "TEST". Where no rule tells the two apart, they have the same layers."""
    known = {} if known is None else known
    train, test = (State(phase, level, (*net.header.state.stage, *stages)) for phase in ("TRAIN", "TEST"))
    trained = build(net, train, incomplete=incomplete, known=known)
    if any("include" in layer.given or "exclude" in layer.given for layer in net.layers):
        return {"TRAIN": trained, "TEST": build(net, test, incomplete=incomplete, known=known)}
    return {"TRAIN": trained, "TEST": trained._replace(state=test, graph=trained.graph.in_phase("TEST"))}


def check_run_of(one: Built, report: Report, *, force_backward: bool = False) -> None:
    """Report what is wrong with a net in its state, and what aborts when it is run there: backward in TRAIN alone."""
    found = findings_of(one)
    if not found.failed and not one.incomplete:
        backward = one.state.phase == "TRAIN"
        check_run(one.graph, found, backward=backward, force_backward=backward and force_backward)
    report.extend_new(found)


def findings_of(one: Built) -> Report:
    """What is wrong with a net in its state, and with parameters that would count only if it could be built."""
    found = Report()
    found.extend(one.findings)
    if found.failed:
        check_parameters(one.graph, found)
    return found


def check_phases(
    net: Net, built: Mapping[str, Built], report: Report, *, chosen: bool = False, incomplete: bool = False,
    known: Known | None = None,
) -> None:  # fmt: skip
    """Report what is wrong with a net in the states that it is for, as far as it says so itself.

    `built` has the net in both phases. A phase without data is passed over with a note; where a net builds with a stage
    or level of its rules, and not without, that is a warning in place of the errors. `chosen`: stage and level are what
    the user asked for, and no others are tried. `incomplete`: the net lacks layers that could not be read, so that
    nothing of this can be told.
    """
    whole = not report.failed
    check = _Check(net, report, alone=chosen or incomplete, known={} if known is None else known)
    phases = list(built.values())
    fed = [one for one in phases if incomplete or _is_fed(net, one.state)]
    if fed:
        check.by_phases(fed)
    else:
        check.by_rules(phases)
    for one in phases if fed else ():
        if one not in fed:
            check.note_skipped(one.state)
    check.finish(whole=whole)


def lint_states(
    net: Net, built: Iterable[Built], report: Report, solver: SolverParameter | None = None, *, whole: bool
) -> None:
    """Look for what is probably wrong with a net in some states: in those that are not sound, with single layers.

    `whole`: nothing is lost of what the net is made of. Of a spec that lacks a part, nothing is looked for: it may have
    been defaults of the layers that are left. Layers of prototxt say all of themselves.
    """
    ones = list(built)
    sound = [one.graph for one in ones if whole and not one.incomplete and not one.findings.failed]
    lint(net, sound, report, solver)
    specs = any(layer.origin.in_spec for layer in net.layers[:1])
    rest = [one.graph for one in ones if one.graph not in sound and not (specs and one.lacks_layers)]
    lint_layers(net, rest, report, solver)


class _Check:
    """Checks one net, phase by phase."""

    def __init__(self, net: Net, report: Report, *, alone: bool, known: Known) -> None:
        self._net = net
        self._report = report
        self._alone = alone
        self._known = known
        self._run: list[Built] = []
        self._found: list[tuple[str, Report]] = []

    def by_phases(self, fed: Sequence[Built]) -> None:
        """Check the phases in which the net has data; with a stage or level where it builds with that alone."""
        better = [[found for found in self._others(one) if not found.findings.failed] for one in fed]
        staged = [(one, found) for one, found in zip(fed, better, strict=True) if found]
        if staged:
            self._warn([one.state for _, found in staged for one in found], staged[0][0])
        for one, found in zip(fed, better, strict=True):
            self._check(found[0] if found else one)

    def by_rules(self, built: Sequence[Built]) -> None:
        """Check a net that has no data without a stage or level: for each that brings some, in a phase that builds."""
        sound: list[Built] = []
        failed: list[Built] = []
        for tried in self._fed(("TRAIN", "TEST")):
            fine = [one for one in tried if not one.findings.failed]
            sound += fine
            failed += [] if fine else tried
        if sound:
            self._warn([one.state for one in sound], None)
        for one in (*sound, *failed) or built:
            self._check(one)

    def note_skipped(self, state: State) -> None:
        """Say that a phase is passed over, and what would bring data into it."""
        layer = next(layer for layer in self._net.layers if _is_source(layer))
        text = f"not checked in {state}: no layer without bottoms is in the net there"
        fed = [tried[0].state for tried in self._fed((state.phase,))]
        hint = f"there is one with {_listed(fed)}; --stage and --level choose what is checked" if fed else None
        self._report.add("skipped-state", _rule_span(layer), text, hint=hint)

    def finish(self, *, whole: bool) -> None:
        """Report what is found in the states that were checked, and what is probably wrong there, as `lint_states`."""
        self._report.extend_states(self._found)
        lint_states(self._net, self._run, self._report, whole=whole)

    def _check(self, one: Built) -> None:
        found = Report()
        check_run_of(one, found, force_backward=self._net.header.force_backward)
        self._found.append((str(one.state), found))
        self._run.append(one)

    def _warn(self, states: Sequence[State], without: Built | None) -> None:
        layers = self._net.layers
        layer = next((layer for state in states for layer in layers if _needs(layer, state)), layers[0])
        text = f"the net builds only with {_listed(states)}"
        notes: tuple[Note, ...] = ()
        if without is not None:
            first = next(found for found in without.findings.ordered() if found.severity == "error")
            notes = (Note(f"in {without.state}: {first.message}", first.span),)
        hint = "the solver names it, as `train_state` or `test_state`; --stage and --level choose what is checked"
        self._report.add("needs-stage", _rule_span(layer), text, notes=notes, hint=hint)

    def _others(self, one: Built) -> Iterator[Built]:
        """Build a net that is refused in a phase with all that the rules ask for there, one by one."""
        if not one.findings.failed:
            return
        phase = one.state.phase
        for asked in self._asked((phase,)):
            for level, stages in asked:
                yield build(self._net, self._state(phase, level, stages), known=self._known)

    def _fed(self, phases: Sequence[str]) -> list[list[Built]]:
        """Build the net with each level and stages that bring data, in the phases where they do."""
        found: list[list[Built]] = []
        for asked in self._asked(phases):
            for level, stages in asked if not found else ():
                states = [self._state(phase, level, stages) for phase in phases]
                tried = [build(self._net, state, known=self._known) for state in states if _is_fed(self._net, state)]
                found += [tried] if tried else []
        return found

    def _state(self, phase: str, level: int, stages: tuple[str, ...]) -> State:
        return State(phase, level, (*self._net.header.state.stage, *stages))

    def _asked(self, phases: Sequence[str]) -> tuple[list[_Asked], list[_Asked]]:
        """List the levels and stages that rules of the layers ask for in some phases; and what all ask for together."""
        layers = () if self._alone else self._net.layers
        found = list(dict.fromkeys(asked for layer in layers for asked in _asked(layer, phases)))
        every = (
            max((level for level, _ in found), default=0),
            tuple(dict.fromkeys(s for _, more in found for s in more)),
        )
        return found[:_MOST_TRIED], [] if every in found or not found else [every]


def _is_fed(net: Net, state: State) -> bool:
    return any(_is_source(layer) and includes(layer.message, state) for layer in net.layers)


def _is_source(layer: Layer) -> bool:
    return not layer.message.bottom and layer.message.type != "Parameter"


def _asked(layer: Layer, phases: Sequence[str]) -> Iterator[_Asked]:
    """The levels and stages with which a layer comes into the net in some phase, and without which it doesn't."""
    numbers = [PHASES[phase] for phase in phases]
    for rule in layer.message.include:
        if (rule.stage or rule.min_level > 0) and (not rule.HasField("phase") or rule.phase in numbers):
            yield max(rule.min_level, 0), tuple(rule.stage)
    for rule in layer.message.exclude:
        if rule.not_stage or (rule.HasField("max_level") and rule.max_level >= 0):
            yield (rule.max_level + 1 if rule.HasField("max_level") else 0), tuple(rule.not_stage)


def _needs(layer: Layer, state: State) -> bool:
    return includes(layer.message, state) and not includes(layer.message, State(state.phase))


def _rule_span(layer: Layer) -> Span | None:
    return layer.origin.span("include:0" if layer.message.include else "exclude:0")


def _listed(states: Sequence[State]) -> str:
    """Name states by their stages and level, with the phase where it is only one of them."""
    phases: dict[str, list[str]] = {}
    for state in states:
        level = [f"level {state.level}"] if state.level else []
        asked = " and ".join([*level, *(f"stage '{stage}'" for stage in state.stages)])
        phases.setdefault(asked, []).append(state.phase)
    words = [asked if len(found) > 1 else f"{asked} in {found[0]}" for asked, found in phases.items()]
    return " or ".join([*words[:_MOST_NAMED], *(["others"] if len(words) > _MOST_NAMED else [])])
