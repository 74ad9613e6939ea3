"""Solver files and the net files that they name, as text: the stages in order, for each of them.

Like `compiler`, this is straight-line code: nothing here decides what a solver or a net means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import SolverParameter
from netcompile.checked_states import build, findings_of, lint_states
from netcompile.diagnostics import Report
from netcompile.ir import Layer, Net, given_fields
from netcompile.passes import check_run
from netcompile.solver import NetUse, state_of
from netcompile.solver import check_solver as check_message
from netcompile.solving.section import SectionOrigin, batch_of, derive_tests, fill_solver, lost_keys, names_net
from netcompile.text_format.lost import REST, Lost
from netcompile.tree import Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.checked_states import Built
    from netcompile.diagnostics import Diagnostic, Note
    from netcompile.forks.read import Fork
    from netcompile.ir import Graph, Origin
    from netcompile.layers import Known
    from netcompile.solver import BuiltNet
    from netcompile.states import State
    from netcompile.text_format.positions import Positions
    from netcompile.tree import Mapping


def check_solver(text: str, nets: AbstractMapping[str, str], *, caffe_pb2: Any = None) -> tuple[Diagnostic, ...]:
    """Find what is wrong with the text of a solver file, and with its nets: `nets` has the text of each by its path.

    A finding is an error exactly where Caffe fails when it makes the solver, or in its first iteration. A net that is
    not in `nets` is not checked, with a warning. `caffe_pb2` is a fork's module, or its path, whose messages are read.
    """
    report = Report()
    sources = {path: Source(path, net) for path, net in nets.items()}
    check_source(Source("solver.prototxt", text), sources.get, report, fork=_fork_of(caffe_pb2))
    return report.ordered()


def _fork_of(caffe_pb2: Any) -> Fork | None:
    if caffe_pb2 is None:
        return None
    from netcompile.forks.read import fork_of  # noqa: PLC0415 - most nets are Caffe's own

    return fork_of(caffe_pb2)


def check_source(
    solver: Source, open_net: Callable[[str], Source | None], report: Report, *, fork: Fork | None = None,
    allow_custom: bool = False,
) -> list[BuiltNet]:  # fmt: skip
    """Check a solver file, like `check_solver`; returns its nets as they are built.

    `open_net` gives the text of a net by its path as written, None where it is not at hand.
    """
    reading = Report()
    from netcompile.prototxt import read_prototxt  # noqa: PLC0415 - specs do without it

    parsed = read_prototxt(solver, fork.SolverParameter if fork else SolverParameter, reading)
    report.extend(reading)
    origin = _FieldOrigin(parsed.positions)
    builder = _Builder(report, fork, allow_custom=allow_custom)
    lost = parsed.lost.union(name for name, _ in parsed.unsound)
    nets = _TextNets(builder, origin, open_net, lost)
    message = fork.solver_for_rules(parsed.message) if fork else parsed.message
    built = check_message(message, origin, report, nets, Lost(lost, SolverParameter.DESCRIPTOR.fields_by_name))
    builder.finish(message, whole=True)
    return built


def compile_solver(
    section: Mapping, whole: Span, net: Net, path: str, *, report: Report, checks: Report, incomplete: bool = False,
    known: Known | None = None, fork: Fork | None = None, built: Iterable[Built] = (), document: Mapping | None = None,
) -> SolverParameter:  # fmt: skip
    """Make the solver of a spec from its validated section, and check it against the net of the spec.

    `whole` is the place that stands for the section, `path` that of the emitted net; `document` is the spec as it is
    written, where it may have had more. What the message can't hold goes
    to `report`, the rest to `checks`. `incomplete`: the net lacks layers that could not be read; `known` has what was
    derived of it before, `built` the net in states in which it is built already. The solver is in the messages of
    `fork`, where there is one.
    """
    lost = set() if document is None else lost_keys(section, document.entries.get("solver"), report)
    written = fill_solver(section, report, fork.SolverParameter if fork else SolverParameter)
    if not names_net(section):
        written.net = path
    solver = fork.solver_for_rules(written) if fork else written
    builder = _Builder(checks, fork)
    builder.start_from(net, known, built, incomplete=incomplete)

    def graph_of(test: int) -> Graph | None:
        state = state_of(solver, NetUse("net", test), net.header)
        one = build(net, state, known=known) if incomplete else builder.built_in(net, state)
        untold = incomplete and batch_of(one.graph) is None  # what tells it may be what is lost
        return None if one.findings.failed or one.incomplete or untold else one.graph

    if not derive_tests(solver, section, graph_of, report) or "test_set" in lost:
        lost.add("test_iter")
    _check_own(solver, SectionOrigin(section, whole), net, builder, lost)
    if fork is not None:
        written.test_iter[:] = solver.test_iter
        fork.complete(written)
    return written


def check_own(
    solver: SolverParameter, origin: Origin, net: Net, report: Report, *, incomplete: bool = False,
    known: Known | None = None, fork: Fork | None = None,
) -> list[BuiltNet]:  # fmt: skip
    """Check a solver against the net that was made together with it; returns its nets as they are built.

    What it names is taken to be that net, but for a `test_net` beside `net`. `incomplete`: the net lacks layers that
    could not be read. `known` has what was derived of the net before.
    """
    builder = _Builder(report, fork)
    builder.start_from(net, known, (), incomplete=incomplete)
    return _check_own(solver, origin, net, builder, ())


def _check_own(
    solver: SolverParameter, origin: Origin, net: Net, builder: _Builder, lost: Collection[str]
) -> list[BuiltNet]:
    report = builder.report
    whole = not report.failed
    nets = _OwnNets(builder, solver, origin, net)
    built = check_message(solver, origin, report, nets, Lost(lost, SolverParameter.DESCRIPTOR.fields_by_name))
    builder.finish(solver, whole=whole)
    return built


class _Builder:
    """Builds and runs nets, and makes nets of messages that a solver holds."""

    def __init__(self, report: Report, fork: Fork | None = None, *, allow_custom: bool = False) -> None:
        self.report = report
        self.fork = fork
        self.allow_custom = allow_custom
        self.unsound: set[int] = set()  # ids of nets of which a part could not be read
        self.derived: dict[int, Known] = {}
        self.built: dict[tuple[int, State], Built] = {}
        self.asked: dict[int, tuple[Net, dict[State, Built]]] = {}  # by id, the nets of the solver and their states

    def start_from(self, net: Net, known: Known | None, built: Iterable[Built], *, incomplete: bool) -> None:
        """Take over what is known of a net, and the states in which it is built."""
        self.derived[id(net)] = {} if known is None else known
        self.built.update(((id(net), one.state), one) for one in built)
        if incomplete:
            self.unsound.add(id(net))

    def hold(self, use: NetUse, origin: Origin) -> Net:
        message: Any = use.message
        layers = [
            Layer(
                layer,
                given_fields(layer),
                _InnerOrigin(origin, f"{use.field}.layer:{i}"),
                custom=self._is_custom(layer.type),
            )
            for i, layer in enumerate(message.layer)
        ]
        return Net(message, layers)

    def _is_custom(self, type_name: str) -> bool:
        return self.allow_custom or (self.fork is not None and self.fork.has_type(type_name))

    def build(self, net: Net, state: State) -> Graph | None:
        one = self.asked.setdefault(id(net), (net, {}))[1][state] = self.built_in(net, state)
        return None if one.incomplete or one.findings.failed else one.graph

    def built_in(self, net: Net, state: State) -> Built:
        """The net in a state, built once."""
        one = self.built.get((id(net), state))
        if one is None:
            known = self.derived.setdefault(id(net), {})
            one = build(net, state, incomplete=id(net) in self.unsound, known=known)
            self.built[id(net), state] = one
        return one

    def run(self, net: Net, graph: Graph, *, backward: bool, severity: str | None) -> None:
        running = Report()
        force = net.header.force_backward
        check_run(graph, running, backward=backward, force_backward=force, severity=severity)
        self.report.extend_new(running)

    def finish(self, solver: SolverParameter, *, whole: bool) -> None:
        """Report what is wrong with each net in all its states together, and what is probably wrong.

        `whole`: nothing was found wrong before with what the nets are made of.
        """
        for net, states in self.asked.values():
            self.report.extend_states([(str(state), findings_of(one)) for state, one in states.items()])
            lint_states(net, states.values(), self.report, solver, whole=whole)


class _TextNets:
    """The nets of a solver file: those that it names and those that it holds."""

    def __init__(
        self, builder: _Builder, origin: Origin, open_net: Callable[[str], Source | None], lost: Collection[str]
    ) -> None:
        self._builder = builder
        self._origin = origin
        self._open = open_net
        self._lost = lost
        self._known: dict[str, Net | None] = {}
        self.build = builder.build
        self.run = builder.run

    def read(self, use: NetUse) -> Net | None:
        key = use.field if use.path is None else f"file {use.path}"
        if key not in self._known:
            self._known[key] = self._held(use) if use.path is None else self._named(use, use.path)
        return self._known[key]

    def _held(self, use: NetUse) -> Net:
        net = self._builder.hold(use, self._origin)
        if use.field.partition(":")[0] in self._lost or REST in self._lost:
            self._builder.unsound.add(id(net))
        return net

    def _named(self, use: NetUse, path: str) -> Net | None:
        report = self._builder.report
        source = self._open(path)
        if source is None:
            text = f"the net '{path}' is not at hand, so it is not checked"
            report.add("unread-net", self._origin.span(use.field), text)
            return None
        from netcompile.net_files import read_net  # noqa: PLC0415 - specs do without it

        reading = Report()
        net = read_net(source, reading, fork=self._builder.fork, allow_custom=self._builder.allow_custom)
        report.extend(reading)
        if net is not None and net.lacks_tops():
            self._builder.unsound.add(id(net))
        return net


class _OwnNets:
    """The nets of a spec's solver: the spec's own, and those that the solver holds."""

    def __init__(self, builder: _Builder, solver: SolverParameter, origin: Origin, net: Net) -> None:
        self._builder = builder
        self._origin = origin
        self._net = net
        self._in_two_files = solver.HasField("train_net")
        self._known: dict[str, Net] = {}
        self.build = builder.build
        self.run = builder.run

    def read(self, use: NetUse) -> Net | None:
        if use.path is not None:
            return self._net if self._in_two_files or not use.field.startswith("test_net") else None
        if use.field not in self._known:
            self._known[use.field] = self._builder.hold(use, self._origin)
        return self._known[use.field]


class _FieldOrigin:
    """The places of a solver's fields. The text's start stands for the whole."""

    __slots__ = ("_positions",)
    in_spec: Final = False

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    def span(self, at: str) -> Span | None:
        return self._find(at, key=False)

    def key_span(self, at: str) -> Span | None:
        return self._find(at, key=True)

    def notes(self, at: str) -> Sequence[Note]:
        del at
        return ()

    def _find(self, at: str, *, key: bool) -> Span | None:
        element, _, path = at.partition(".")
        name, _, index = element.partition(":")
        found = self._positions.find(name, int(index or 0), path, key=key)
        return found or Span(self._positions.source, 1, 1, 1, 1)


class _InnerOrigin:
    """The places of what stands within a field."""

    __slots__ = ("_outer", "_prefix")
    in_spec: Final = False

    def __init__(self, outer: Origin, prefix: str) -> None:
        self._outer = outer
        self._prefix = prefix

    def span(self, at: str) -> Span | None:
        return self._outer.span(self._path(at))

    def key_span(self, at: str) -> Span | None:
        return self._outer.key_span(self._path(at))

    def notes(self, at: str) -> Sequence[Note]:
        return self._outer.notes(self._path(at))

    def _path(self, at: str) -> str:
        return f"{self._prefix}.{at}" if at else self._prefix
