"""What a solver's fields must satisfy by themselves, whatever its nets are: errors where Caffe fails, and lints.

Caffe looks at the method and at the counts when it makes the solver, but at the learning rate's policy only when it
first updates the weights: after all loading, and after the first test. Both are errors here. Lints are about what
Caffe takes and what is hardly meant. Knows nothing of nets.
"""

from __future__ import annotations

from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.diagnostics import Note, Report
    from netcompile.ir import Origin
    from netcompile.text_format.lost import Lost

TRAIN_NETS: Final = ("net", "net_param", "train_net", "train_net_param")

_ENUM_TYPES: Final = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")  # in the order of solver_type
_MOMENTUM: Final = MappingProxyType({"Adam": 0.9, "AdaDelta": 0.95})  # what their papers take; Caffe's default is 0
_TYPE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "momentum2": ("Adam",),
    "rms_decay": ("RMSProp",),
    "delta": ("AdaGrad", "RMSProp", "AdaDelta", "Adam"),
})  # fmt: skip

_POLICIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power",),
    "sigmoid": ("gamma", "stepsize"),
})  # fmt: skip
_POLICY_FIELDS: Final = ("gamma", "power", "stepsize", "stepvalue")
_IDLE: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType({  # what a field that is 0 or absent does
    "step": (("gamma", "falls to 0 at the first step"),),
    "exp": (("gamma", "falls to 0 after the first iteration"),),
    "inv": (("gamma", "never falls"), ("power", "never falls")),
    "multistep": (("stepvalue", "never falls"), ("gamma", "falls to 0 at the first step")),
    "poly": (("power", "never falls"),),
    "sigmoid": (("gamma", "is always half of base_lr"),),
})  # fmt: skip


class Findings:
    """Reports findings on one solver, each at its field. `report` takes those on its nets.

    `lost` has the fields that may be given in what could not be read.
    """

    __slots__ = ("_origin", "lost", "report")

    def __init__(self, origin: Origin, report: Report, lost: Lost) -> None:
        self._origin = origin
        self.report = report
        self.lost = lost

    def add(
        self,
        at: str,
        code: str,
        message: str,
        *,
        notes: Sequence[Note] = (),
        hint: str | None = None,
        severity: str | None = None,
    ) -> None:
        """Record a finding at the field of this path."""
        origin = self._origin
        notes = (*notes, *origin.notes(at))
        self.report.add(code, origin.span(at), message, notes=notes, hint=hint, severity=severity)

    def absent(self, fields: Iterable[str], code: str, message: str, *, at: str = "", hint: str | None = None) -> None:
        """Record what follows from fields that are not given; not where a part was lost that may have been they."""
        if not self.lost.any_of(*fields):
            self.add(at, code, message, hint=hint)


def check_fields(solver: SolverParameter, findings: Findings) -> None:
    """Find what is wrong with the fields of `solver` alone."""
    _check_type(solver, findings)
    _check_policy(solver, findings)
    _check_nets(solver, findings)
    _check_tests(solver, findings)
    _check_snapshots(solver, findings)
    _check_reach(solver, findings)
    _check_training(solver, findings)


def _check_type(solver: SolverParameter, findings: Findings) -> None:
    kind = solver.type
    if not solver.HasField("type") and not solver.HasField("solver_type") and "type" in findings.lost:
        return
    if solver.HasField("solver_type"):
        kind = _ENUM_TYPES[solver.solver_type]
        if solver.HasField("type"):
            text = f"solver_type {solver.SolverType.Name(solver.solver_type)} and type '{solver.type}' are both given"
            findings.add("solver_type", "conflicting-fields", text, hint="solver_type is the old form; keep `type`")
            return
    if kind not in _ENUM_TYPES:
        text = f"type '{kind}' is none of Caffe's: {', '.join(_ENUM_TYPES)}"
        findings.add("type", "unknown-enum-value", text, hint=_meant(kind, _ENUM_TYPES))
        return
    _check_method(solver, kind, findings)


def _check_method(solver: SolverParameter, kind: str, findings: Findings) -> None:
    momentum = solver.momentum
    if kind in ("AdaGrad", "RMSProp"):
        if momentum != 0:
            text = f"momentum is {momentum:g}, but {kind} has none: it takes 0 or nothing"
            findings.add("momentum", "bad-value", text, hint=f"leave momentum out, or use another type than {kind}")
    elif kind in _MOMENTUM and not solver.HasField("momentum"):
        role = "beta1" if kind == "Adam" else "decay"
        text = f"{kind} takes its {role} from momentum, which is not given and so 0"
        findings.absent(("momentum",), "odd-value", text, hint=f"write `momentum: {_MOMENTUM[kind]}`, the usual {role}")
    elif not 0 <= momentum < 1:
        text = f"momentum is {momentum:g}; it is a share of the last update, from 0 to below 1"
        findings.add("momentum", "odd-value", text)
    if kind == "RMSProp" and not 0 <= solver.rms_decay < 1:
        text = f"rms_decay is {solver.rms_decay:g}; RMSProp takes 0 or more, below 1"
        findings.add("rms_decay", "bad-value", text)
    if kind == "Adam" and not 0 <= solver.momentum2 < 1:
        text = f"momentum2 is {solver.momentum2:g}: Adam's updates become 0 or no numbers from 1 on"
        findings.add("momentum2", "odd-value", text, hint="the usual beta2 is 0.999")
    if kind in _TYPE_FIELDS["delta"] and not solver.delta > 0:
        text = f"delta is {solver.delta:g}: {kind} divides by it where a gradient is 0"
        findings.add("delta", "odd-value", text, hint="a small number above 0, such as 1e-8")
    for field, readers in _TYPE_FIELDS.items():
        if solver.HasField(field) and kind not in readers:
            text = f"{field} has no effect: {kind} does not read it, only {_listed(readers)}"
            findings.add(field, "unused-field", text)


def _check_policy(solver: SolverParameter, findings: Findings) -> None:
    policy = solver.lr_policy
    if not solver.HasField("lr_policy"):
        text = "lr_policy is missing: the first update aborts"
        findings.absent(
            ("lr_policy",), "missing-field", text, hint=f"one of {', '.join(_POLICIES)}; fixed keeps base_lr as it is"
        )
    elif policy not in _POLICIES:
        text = f"lr_policy '{policy}' is none of Caffe's ({', '.join(_POLICIES)}): the first update aborts"
        findings.add("lr_policy", "unknown-enum-value", text, hint=_meant(policy, _POLICIES))
    else:
        _check_policy_fields(solver, policy, findings)
    rate = solver.base_lr
    if not solver.HasField("base_lr"):
        text = "base_lr is not given, so the learning rate is 0 and nothing is learned"
        findings.absent(("base_lr",), "learning-rate", text)
    elif not rate > 0 or not isfinite(rate):
        effect = "training goes uphill" if rate < 0 else "nothing is learned" if rate == 0 else "the weights are lost"
        findings.add("base_lr", "learning-rate", f"base_lr is {rate:g}: {effect}")


def _check_policy_fields(solver: SolverParameter, policy: str, findings: Findings) -> None:
    read = _POLICIES[policy]
    if "gamma" in read and not solver.gamma >= 0:
        text = f"gamma is {solver.gamma:g}; lr_policy '{policy}' takes 0 or more: the first update aborts"
        findings.add("gamma", "bad-value", text)
    if "stepsize" in read and solver.stepsize <= 0:
        text = f"lr_policy '{policy}' needs a stepsize of at least 1: the first update aborts"
        if solver.HasField("stepsize"):
            findings.add("stepsize", "bad-value", f"stepsize is {solver.stepsize}; {text}")
        else:
            text = f"stepsize is missing; {text}"
            findings.absent(("stepsize",), "missing-field", text, at="lr_policy", hint="write `stepsize: N`")
    for field, effect in _IDLE.get(policy, ()):
        if getattr(solver, field):
            continue
        given = _given(solver, field)
        text = f"lr_policy '{policy}' {f'with {field} 0' if given else f'without {field}'}: the learning rate {effect}"
        findings.absent((field,), "learning-rate", text, at=field if given else "lr_policy")
        break
    for field in _POLICY_FIELDS:
        if field not in read and _given(solver, field):
            readers = [name for name, fields in _POLICIES.items() if field in fields]
            text = f"{field} has no effect: lr_policy '{policy}' does not read it, only {_listed(readers)}"
            findings.add(field, "unused-field", text)
    if policy == "poly" and solver.max_iter <= 0:
        text = "lr_policy 'poly' divides by max_iter, which is not above 0: the learning rate is no number"
        findings.absent(
            ("max_iter",), "learning-rate", text, at="lr_policy", hint="write `max_iter: N`; the rate reaches 0 there"
        )
    if policy == "multistep":
        _check_steps(solver, findings)


def _check_steps(solver: SolverParameter, findings: Findings) -> None:
    before = None
    for i, value in enumerate(solver.stepvalue):
        at = f"stepvalue:{i}"
        if before is not None and value <= before:
            text = f"stepvalue {value} comes after {before}: Caffe waits for each in turn, so both drop together"
            findings.add(at, "step-order", text, hint="write them in ascending order")
        elif value <= 0:
            findings.add(at, "step-order", f"stepvalue {value} is reached at once: base_lr is never used as it is")
        elif 0 < solver.max_iter <= value:
            text = f"stepvalue {value} is never reached: training ends at max_iter {solver.max_iter}"
            findings.add(at, "step-order", text)
        before = value if before is None else max(before, value)


def _check_nets(solver: SolverParameter, findings: Findings) -> None:
    given = [field for field in TRAIN_NETS if solver.HasField(field)]
    if not given:
        text = f"there is no net to train: one of {_listed(TRAIN_NETS)} is needed"
        findings.absent(
            TRAIN_NETS, "missing-field", text, hint='write `net: "PATH"`, the path from where Caffe is started'
        )
    elif len(given) > 1:
        text = f"{' and '.join(given)} are given; Caffe takes exactly one net to train"
        findings.add(given[1], "conflicting-fields", text, hint="give a net for tests alone as test_net")
    for i, files in enumerate(solver.weights):
        if not all(file.strip() for file in files.split(",")):
            text = f"weights '{files}' names a file with an empty name, which Caffe can't open"
            findings.add(f"weights:{i}", "bad-value", text, hint="no comma at the end")


def _check_tests(solver: SolverParameter, findings: Findings) -> None:
    tests = len(solver.test_iter)
    named = len(solver.test_net_param) + len(solver.test_net)
    trains = [field for field in TRAIN_NETS if solver.HasField(field)]
    generic = trains in (["net"], ["net_param"])
    counted = len(trains) == 1 and not findings.lost.any_of("test_iter", "test_net", "test_net_param")
    if counted and (tests < named or (tests > named and not generic)):
        _report_count(solver, tests, named, findings, generic=generic)
        tests = min(tests, named)
    elif solver.test_state and len(solver.test_state) != tests and counted and "test_state" not in findings.lost:
        states = _counted(len(solver.test_state), "test_state")
        text = f"{states} for {_counted(tests, 'test net')}; give one each, or none"
        hint = "with net or net_param, one test_iter makes one test net" if generic else None
        findings.add("test_state", "test-count", text, hint=hint)
    if tests:
        _check_test_plan(solver, findings)
    elif solver.test_interval and not named and not solver.test_iter:
        text = f"test_interval {solver.test_interval} has no effect: without test_iter there is no test net"
        hint = "`test_iter: N` tests on N batches"
        findings.absent(("test_iter",), "unused-field", text, at="test_interval", hint=hint)


def _report_count(solver: SolverParameter, tests: int, named: int, findings: Findings, *, generic: bool) -> None:
    least = "at least " if generic else ""
    text = f"{_counted(tests, 'test_iter')} for {_counted(named, 'test net')}; Caffe takes {least}one each"
    if tests > named:
        train = next(field for field in TRAIN_NETS if solver.HasField(field))
        common = "net" if train == "train_net" else "net_param"
        hint = f"{train} is for training alone: `{common}` is tested too, or `test_net` names a net for tests"
    else:
        hint = "write `test_iter: N`, the number of batches, once for each"
    field = "test_net" if solver.test_net else "test_net_param"
    findings.add("test_iter" if tests else field, "test-count", text, hint=hint)


def _check_test_plan(solver: SolverParameter, findings: Findings) -> None:
    if solver.test_interval <= 0:
        if solver.HasField("test_interval"):
            text = f"test_interval is {solver.test_interval}; with a test net it must be at least 1"
            findings.add("test_interval", "bad-value", text)
        else:
            text = "test_iter makes a test net, but test_interval is missing"
            hint = "write `test_interval: N`, to test every N iterations"
            findings.absent(("test_interval",), "missing-field", text, at="test_iter", hint=hint)
    for i, count in enumerate(solver.test_iter):
        if count <= 0:
            findings.add(f"test_iter:{i}", "odd-value", f"test_iter is {count}: the test runs on nothing")


def _check_snapshots(solver: SolverParameter, findings: Findings) -> None:
    every, last = abs(solver.snapshot), solver.snapshot_after_train
    fields = ("snapshot", "snapshot_after_train")
    if every == 0 and not last:
        text = "snapshot_after_train is false and snapshot is 0, so the trained weights are never saved"
        findings.absent(fields, "no-snapshot", text, at="snapshot_after_train")
    elif every == 0 and solver.HasField("snapshot_prefix"):
        text = "snapshot_prefix without snapshot: weights are saved at the end of training alone"
        hint = "`snapshot: N` saves every N iterations"
        findings.absent(fields, "no-snapshot", text, at="snapshot_prefix", hint=hint)
    elif 0 < solver.max_iter < every:
        at_end = "weights are saved at the end of training alone" if last else "the trained weights are never saved"
        text = f"snapshot is {every}, and training ends at max_iter {solver.max_iter}: {at_end}"
        findings.absent(fields, "no-snapshot", text, at="snapshot", hint="a `snapshot` of at most max_iter")


def _check_reach(solver: SolverParameter, findings: Findings) -> None:
    """Find intervals that are longer than the training."""
    last = solver.max_iter
    if last <= 0:
        return
    if solver.lr_policy == "step" and solver.stepsize >= last:
        text = f"stepsize is {solver.stepsize}, and training ends at max_iter {last}: the learning rate never falls"
        findings.add("stepsize", "step-order", text, hint='a stepsize below max_iter, or `lr_policy: "fixed"`')
    # Who switches off the first test too means to test by other means: test_interval 999999999 is an idiom for that.
    if solver.test_iter and solver.test_initialization and solver.test_interval > last:
        text = f"test_interval is {solver.test_interval}, and training ends at max_iter {last}: the net is tested"
        findings.add(
            "test_interval", "odd-value", f"{text} before training alone", hint="a `test_interval` of at most max_iter"
        )


def _check_training(solver: SolverParameter, findings: Findings) -> None:
    if solver.average_loss < 1:
        findings.add("average_loss", "bad-value", f"average_loss is {solver.average_loss}; it must be at least 1")
    if not solver.HasField("max_iter"):
        text = "max_iter is not given, so the caffe command trains for no iteration"
        findings.absent(("max_iter",), "no-iterations", text)
    elif solver.max_iter <= 0:
        text = f"max_iter is {solver.max_iter}, so the caffe command trains for no iteration"
        findings.add("max_iter", "no-iterations", text)
    if solver.iter_size <= 0:
        findings.add("iter_size", "odd-value", f"iter_size is {solver.iter_size}: no gradient is ever computed")
    if solver.clip_gradients == 0:
        text = "clip_gradients is 0: every gradient is scaled down to 0"
        findings.add("clip_gradients", "odd-value", text, hint="a negative value, or none, switches clipping off")
    for field in ("snapshot", "display", "weight_decay"):
        value = getattr(solver, field)
        if not value >= 0:
            effect = "the weights grow" if field == "weight_decay" else "Caffe takes it as if it were positive"
            findings.add(field, "odd-value", f"{field} is {value:g}: {effect}")


def _given(solver: SolverParameter, field: str) -> bool:
    return bool(solver.stepvalue) if field == "stepvalue" else solver.HasField(field)


def _meant(word: str, known: Iterable[str]) -> str | None:
    meant = did_you_mean(word, known)
    return f"did you mean '{meant}'?" if meant else None


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n or 'no'} {noun}s"
