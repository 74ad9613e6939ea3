"""What a solver asks of the graphs of its nets: outputs to print, names to save under, blobs to decay and to share.

Each check is an error where Caffe aborts in the first iteration, and a warning where it aborts later.
Knows nothing of how the nets are read and built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.weights import blobs_in_words, misfits

if TYPE_CHECKING:
    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.ir import Graph, GraphLayer
    from netcompile.solving.rules import Findings

_REGULARIZATIONS: Final = ("L2", "L1")


def severity_of_tests(solver: SolverParameter) -> str | None:
    """Rate what aborts in a test: None for the code's own severity, unless the first iteration comes before."""
    return None if solver.test_initialization else "warning"


def first_test(solver: SolverParameter) -> str:
    """Say which test is the first."""
    return "the first test" if solver.test_initialization else f"the first test, at iteration {solver.test_interval},"


def check_outputs(graph: Graph, when: str, severity: str | None, findings: Findings) -> None:
    """Find outputs without elements: a blob without storage, which Caffe can't print."""
    outputs: dict[str, tuple[int, int]] = {}
    for index, (bottoms, tops) in enumerate(graph.names):
        for bottom in bottoms:
            outputs.pop(bottom, None)
        for i, top in enumerate(tops):
            outputs[top] = index, i
    for name, (index, i) in outputs.items():
        one = graph.layers[index]
        shape = one.tops[i]
        if shape is not None and shape.count() == 0:
            text = f"blob '{name}' is an output of the net in {graph.phase} and has no elements to print: {when} aborts"
            hint = "a Silence layer that reads it makes it no output"
            findings.report.add("run-abort", one.layer.origin.span(f"top:{i}"), text, hint=hint, severity=severity)


def check_saving(solver: SolverParameter, train: Graph, findings: Findings) -> None:
    """Find the first layer that can't be saved, where snapshots are HDF5 files."""
    every = abs(solver.snapshot)
    if solver.snapshot_format != solver.HDF5 or not (every or solver.snapshot_after_train):
        return
    found = _unsaved(train)
    if found is None:
        return
    layer, why = found
    when = f"the snapshot at iteration {every}" if every else "saving at the end of training"
    text = f"layer '{layer.layer.message.name}' can't be saved as HDF5, {why}: {when} aborts"
    notes = [Note("the layer", layer.layer.origin.span(""))]
    hint = "`snapshot_format: BINARYPROTO` takes any name"
    severity = None if every == 1 else "warning"
    findings.add("snapshot_format", "hdf5-name", text, notes=notes, hint=hint, severity=severity)


def _unsaved(graph: Graph) -> tuple[GraphLayer, str] | None:
    """Find the first layer whose name is no group of its own in a file: names are paths there, made step by step."""
    groups: set[tuple[str, ...]] = {(), ("data",)}
    for one in graph.layers:
        name = one.layer.message.name
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        path = parts if name.startswith("/") else ("data", *parts)
        if not parts:
            return one, "as its name is empty"
        if path in groups:
            return one, "as another layer has this name"
        if path[:-1] not in groups:
            return one, "as its name has a '/' and Caffe makes no group for the part before"
        groups.add(path)
    return None


def check_regularization(solver: SolverParameter, train: Graph | None, findings: Findings) -> None:
    """Find an unknown regularization, which Caffe asks for when it first decays a blob."""
    kind = solver.regularization_type
    if kind in _REGULARIZATIONS:
        return
    applies = bool(solver.weight_decay) and (train is None or _decays(train))
    text = f"regularization_type '{kind}' is neither L2 nor L1"
    effect = "the first update aborts" if applies else "nothing is decayed, so it has no effect"
    hint = f"did you mean '{kind.upper()}'?" if kind.upper() in _REGULARIZATIONS else None
    severity = None if applies else "warning"
    findings.add("regularization_type", "unknown-enum-value", f"{text}: {effect}", hint=hint, severity=severity)


def _decays(graph: Graph) -> bool:
    """Tell whether weight decay reaches a learned blob. A shared blob has the multiplier first written."""
    multipliers: dict[tuple[int, int], float | None] = {}
    for index, one in enumerate(graph.layers):
        params = one.layer.message.param
        for i in range(len(one.blobs or ())):
            written = params[i].decay_mult if i < len(params) and params[i].HasField("decay_mult") else None
            blob = (one.owners[i] if i < len(one.owners) else None) or (index, i)
            if multipliers.get(blob) is None:
                multipliers[blob] = written
    return any(multiplier is None or multiplier != 0 for multiplier in multipliers.values())


def check_weights(solver: SolverParameter, train: Graph, test: Graph, findings: Findings) -> None:
    """Find layers that can't take the weights of the training net's layer of their name, as each does before a test."""
    for source, target in misfits(train, test):
        message, origin = target.layer.message, target.layer.origin
        text = (
            f"{message.type} '{message.name}' has {blobs_in_words(target.blobs)} in {test.phase}, but in the training "
            f"net {blobs_in_words(source.blobs)}: {first_test(solver)} aborts where it takes over the weights"
        )
        notes = (Note("the layer of the training net", source.layer.origin.span("")), *origin.notes(""))
        hint = "give it another name where it is to have weights of its own, else the same shapes"
        findings.report.add(
            "weights-mismatch", origin.span(""), text, notes=notes, hint=hint, severity=severity_of_tests(solver)
        )
