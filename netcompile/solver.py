"""Checks a solver against its nets: which nets it builds, in which states, and what goes wrong across them.

A finding is an error exactly where Caffe fails when it makes the solver, or in its first iteration: the first test, the
first forward and backward pass, the first update. What fails only later is a warning. How a net is read and built is
the caller's affair (`Nets`), so this module knows neither files nor how shapes are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from netcompile.caffe.caffe_pb2 import TRAIN, NetParameter
from netcompile.records import NamedTuple
from netcompile.solving.graphs import (
    check_outputs,
    check_regularization,
    check_saving,
    check_weights,
    first_test,
    severity_of_tests,
)
from netcompile.solving.rules import TRAIN_NETS, Findings, check_fields
from netcompile.states import State
from netcompile.text_format.lost import Lost

if TYPE_CHECKING:
    from netcompile.caffe.caffe_pb2 import NetState, SolverParameter
    from netcompile.diagnostics import Report
    from netcompile.ir import Graph, Net, Origin


_NOTHING: Final = Lost()


class NetUse(NamedTuple):
    """A net that a solver builds: `test` is its number among the test nets, None for the training net.

    `field` is the path of the solver's field that names it (`path`) or holds it (`message`).
    """

    field: str
    test: int | None
    path: str | None = None
    message: NetParameter | None = None


class BuiltNet(NamedTuple):
    """A net of a solver in its state; `net` is None where it is not at hand, `graph` where Caffe would refuse it."""

    use: NetUse
    state: State
    net: Net | None
    graph: Graph | None


class Nets(Protocol):
    """How `check_solver` comes to nets. Each method reports its own findings."""

    def read(self, use: NetUse) -> Net | None:
        """Give the net, the same object for the same path: upgraded from an old format if it is a file's."""

    def build(self, net: Net, state: State) -> Graph | None:
        """Give the graph of a net in a state; None where Caffe refuses to build it."""

    def run(self, net: Net, graph: Graph, *, backward: bool, severity: str | None) -> None:
        """Report what aborts in the first forward (and backward) pass; `severity` replaces that of the codes."""


def net_uses(solver: SolverParameter) -> list[NetUse]:
    """List the nets that `solver` builds, in Caffe's order: the training net, then the test nets.

    No training net where the solver does not have exactly one.
    """
    given = [field for field in TRAIN_NETS if solver.HasField(field)]
    uses = [_use(solver, given[0], None)] if len(given) == 1 else []
    tests = [NetUse(f"test_net_param:{i}", i, message=net) for i, net in enumerate(solver.test_net_param)]
    for i, path in enumerate(solver.test_net):
        tests.append(NetUse(f"test_net:{i}", len(tests), path))
    if given in (["net"], ["net_param"]):
        # What test_iter has beyond the nets for tests alone makes test nets of the common net.
        tests.extend(_use(solver, given[0], i) for i in range(len(tests), len(solver.test_iter)))
    return uses + tests


def _use(solver: SolverParameter, field: str, test: int | None) -> NetUse:
    value = getattr(solver, field)
    return NetUse(field, test, value) if isinstance(value, str) else NetUse(field, test, message=value)


def state_of(solver: SolverParameter, use: NetUse, header: NetParameter) -> State:
    """Find the state in which a net is built: the phase of its use, the net's own `state`, then the solver's for it."""
    if use.test is None:
        return _merged("TRAIN", header.state, solver.train_state)
    given = [solver.test_state[use.test]] if use.test < len(solver.test_state) else []
    return _merged("TEST", header.state, *given)


def _merged(phase: str, *states: NetState) -> State:
    level = 0
    stages: list[str] = []
    for state in states:
        if state.HasField("phase"):
            phase = "TRAIN" if state.phase == TRAIN else "TEST"
        if state.HasField("level"):
            level = state.level
        stages.extend(state.stage)
    return State(phase, level, tuple(stages))


def check_solver(
    solver: SolverParameter, origin: Origin, report: Report, nets: Nets, lost: Lost = _NOTHING
) -> list[BuiltNet]:
    """Find what is wrong with a solver and its nets; returns the nets that it builds.

    `solver` is as written, with an old `solver_type` as it stands. `lost` has the fields that were lost to an error:
    what only follows from their absence is not found, and a net whose state is among them is not built.
    """
    findings = Findings(origin, report, lost)
    check_fields(solver, findings)
    built = _build(solver, nets, lost)
    for one in built:
        _check_phase(solver, one, findings)
        _check_old_form(one, findings)
        if one.use.test is None:
            _check_training(solver, one, nets, findings)
        else:
            _check_test(solver, one, nets, findings)
    train = next((one.graph for one in built if one.use.test is None), None)
    check_regularization(solver, train, findings)
    if train is not None:
        check_saving(solver, train, findings)
        for one in built:
            if one.use.test is not None and one.graph is not None:
                check_weights(solver, train, one.graph, findings)
    return built


def _build(solver: SolverParameter, nets: Nets, lost: Lost) -> list[BuiltNet]:
    graphs: dict[tuple[int, State], Graph | None] = {}
    built: list[BuiltNet] = []
    for use in net_uses(solver):
        net = nets.read(use)
        state = state_of(solver, use, NetParameter() if net is None else net.header)
        if net is None or ("train_state" if use.test is None else "test_state") in lost:
            built.append(BuiltNet(use, state, None, None))
            continue
        # Findings that come twice are kept once, so building only each state of each net is for speed.
        key = (id(net), state)
        if key not in graphs:
            graphs[key] = nets.build(net, state)
        built.append(BuiltNet(use, state, net, graphs[key]))
    return built


def _check_phase(solver: SolverParameter, one: BuiltNet, findings: Findings) -> None:
    test = one.use.test
    wanted, doing = ("TRAIN", "trained") if test is None else ("TEST", "tested")
    if one.state.phase == wanted:
        return
    at = "train_state.phase" if test is None else f"test_state:{test}.phase"
    states = [solver.train_state] if test is None else solver.test_state[test : test + 1]
    if not any(state.HasField("phase") for state in states):
        at = one.use.field  # the net's own `state` says so
    text = f"the state given for it has phase {one.state.phase}, in which the net is then {doing}"
    findings.add(at, "net-state", text, hint=f"leave the phase out: it is {wanted} anyway")


def _check_old_form(one: BuiltNet, findings: Findings) -> None:
    net = one.use.message
    if net is None or not (net.layers or net.input):
        return
    passed_over = "`layers`" if net.layers else "`input`"
    text = f"{passed_over} in a net inside a solver is passed over: Caffe upgrades old forms in net files only"
    hint = "move the net to a file of its own, or write `layer` entries"
    findings.add(one.use.field, "not-upgraded", text, hint=hint)


def _check_training(solver: SolverParameter, one: BuiltNet, nets: Nets, findings: Findings) -> None:
    if one.net is None or one.graph is None or solver.iter_size <= 0:
        return
    if not one.graph.layers:
        findings.add(one.use.field, "empty-net", f"the net has no layers in {one.state}: the first iteration aborts")
    nets.run(one.net, one.graph, backward=True, severity=None)
    if solver.display:
        check_outputs(one.graph, "the first iteration", None, findings)


def _check_test(solver: SolverParameter, one: BuiltNet, nets: Nets, findings: Findings) -> None:
    test = one.use.test
    if one.net is None or one.graph is None or test is None or test >= len(solver.test_iter):
        return
    if solver.test_iter[test] <= 0:
        return
    severity = severity_of_tests(solver)
    if not one.graph.layers:
        text = f"the net has no layers in {one.state}: {first_test(solver)} aborts"
        findings.add(one.use.field, "empty-net", text, severity=severity)
    nets.run(one.net, one.graph, backward=False, severity=severity)
    check_outputs(one.graph, first_test(solver), severity, findings)
