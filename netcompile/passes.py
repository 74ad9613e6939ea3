"""What aborts when a net that Caffe has built is run: in its first forward pass, or in its first backward pass.

Which layers run Backward, and which bottoms then ask for a gradient, is found as Caffe finds it: once from front to
back, once from back to front, over the net with the automatic Split layers in it. What is not known (the learned blobs
of a Python layer) counts as not there, so that nothing is reported that may be right. Knows no solver and no text.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from netcompile.diagnostics import worded
from netcompile.records import NamedTuple
from netcompile.shapes import ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.diagnostics import Report
    from netcompile.ir import Graph, GraphLayer

_Top: TypeAlias = "tuple[int, int]"  # the index of a layer, and that of one of its tops
_Blob: TypeAlias = "str | tuple[_Top, int]"  # its name, or copy k of a top that several read

_ANONYMOUS = ""  # the top that Caffe makes for a loss layer without one; no layer can read it


def check_run(
    graph: Graph, report: Report, *, backward: bool, force_backward: bool = False, severity: str | None = None
) -> None:
    """Report what aborts in the first forward pass of `graph` and, where asked, in its first backward pass.

    `severity` replaces that of the codes, for a pass that comes late or never.
    """
    for one in graph.layers:
        for error in one.later:
            _add(report, one, error, "run-abort", severity)
    if backward:
        for one, i in _missing_gradients(graph, force=force_backward):
            _add(report, one, _gradient_error(one.layer.message, i), "no-gradient", severity)


def check_parameters(graph: Graph, report: Report) -> None:
    """Report the parameters with which a layer aborts in its first forward pass, in a graph that is refused anyway."""
    for one in graph.layers:
        for error in () if one.layer.damaged else one.later:
            if error.code == "bad-value":
                _add(report, one, error, "run-abort", None)


def run_backward(graph: Graph, *, force: bool = False) -> list[bool]:
    """Find for each layer of a graph whether its Backward runs. `force` stands for the net's `force_backward`."""
    steps = _insert_splits(graph)
    runs = _backward(steps, force=force)
    return [run.runs for step, run in zip(steps, runs, strict=True) if step.layer is not None]


def _add(report: Report, one: GraphLayer, error: ShapeError, code: str, severity: str | None) -> None:
    message, origin = one.layer.message, one.layer.origin
    text = f"{message.type} '{message.name}'" if message.name else f"{message.type} layer"
    report.add(
        code,
        origin.span(error.at),
        f"{text}: {error.message}",
        notes=origin.notes(error.at),
        hint=worded(error.hint, in_spec=origin.in_spec),
        severity=severity,
    )


def _gradient_error(message: LayerParameter, i: int | None) -> ShapeError:
    """Say that a layer can't give the gradient for bottom `i`, or any at all."""
    if i is None:
        text = "a gradient is asked of it, but its type has none: the first backward pass aborts"
        hint = "`propagate_down: false` on the layers that read it, or `lr_mult: 0` on all that is learned before it"
        return ShapeError(text, "type", "no-gradient", hint)
    bottom = message.bottom[i]
    text = f"a gradient is asked for bottom '{bottom}', and there is none: the first backward pass aborts"
    if i < len(message.propagate_down) and message.propagate_down[i]:
        return ShapeError(text, f"propagate_down:{i}", "no-gradient", f"make propagate_down false for '{bottom}'")
    hint = f"`propagate_down: false` for '{bottom}', or `lr_mult: 0` on all that is learned before it"
    return ShapeError(text, f"bottom:{i}", "no-gradient", hint)


def _missing_gradients(graph: Graph, *, force: bool) -> Iterator[tuple[GraphLayer, int | None]]:
    """Layers whose Backward aborts: with the bottom that has no gradient, or None where no call of it is possible."""
    if not force and not any(_may_abort(graph, index) for index, one in enumerate(graph.layers) if _lacks(one)):
        return  # most nets: labels come straight from data, and nothing reads an Accuracy
    steps = _insert_splits(graph)
    runs = _backward(steps, force=force)
    for step, run in zip(steps, runs, strict=True):
        kind = step.layer.kind if step.layer else None
        if step.layer is None or kind is None or not run.runs:
            continue
        if kind.no_gradient is None:
            yield step.layer, None
            continue
        count = len(step.bottoms)
        without = {i + count if i < 0 else i for i in kind.no_gradient}
        yield from ((step.layer, i) for i, asked in enumerate(run.asks) if asked and i in without)


def _lacks(one: GraphLayer) -> bool:
    return one.kind is not None and one.kind.no_gradient != ()


def _may_abort(graph: Graph, index: int) -> bool:
    """Tell in passing whether a layer could be asked for a gradient that it lacks: for what is no plain data."""
    one, wires = graph.layers[index], graph.reads[index]
    message, kind = one.layer.message, one.kind
    assert kind is not None
    if not kind.loss and not message.loss_weight and not any(version.readers for version in graph.writes[index]):
        return False
    without = range(len(wires)) if kind.no_gradient is None else kind.no_gradient
    makers = [version.maker for version in (wires[i] for i in without if i < len(wires)) if version is not None]
    return bool(message.propagate_down or one.blobs) or any(
        graph.reads[maker] or graph.layers[maker].blobs for maker in makers
    )


class _Step(NamedTuple):
    """A layer as it is run, or an automatic Split layer (`layer` is None). `losses`: of each top, its loss weight."""

    layer: GraphLayer | None
    bottoms: Sequence[_Blob]
    tops: Sequence[_Blob]
    losses: Sequence[float]


def _insert_splits(graph: Graph) -> list[_Step]:
    """List the layers of a graph in order, each top with several readers followed by a Split layer that copies it.

    An explicit loss weight is a reader too: the first copy takes it, and the layer loses all its weights
    (insert_splits.cpp).
    """
    read, uses = _count_uses(graph)
    taken: Counter[_Top] = Counter()
    steps: list[_Step] = []
    for index, one in enumerate(graph.layers):
        message = one.layer.message
        bottoms: list[_Blob] = []
        for name, top in zip(message.bottom, read[index], strict=True):
            bottoms.append((top, taken[top]) if uses[top] > 1 else name)
            taken[top] += 1
        split = [(index, i) for i in range(len(message.top)) if uses[index, i] > 1]
        weighted = [top for top in split if top[1] < len(message.loss_weight) and message.loss_weight[top[1]]]
        weights = () if weighted else tuple(message.loss_weight)
        steps.append(_Step(one, bottoms, *_tops(one, weights)))
        taken.update(weighted)
        for top in split:
            copies: list[_Blob] = [(top, k) for k in range(uses[top])]
            steps.append(_Step(None, [message.top[top[1]]], copies, [1.0] if top in weighted else ()))
    return steps


def _count_uses(graph: Graph) -> tuple[list[list[_Top]], Counter[_Top]]:
    """For each layer, the top that each bottom reads; and how often each top is used."""
    latest: dict[str, _Top] = {}
    read = []
    uses: Counter[_Top] = Counter()
    for index, one in enumerate(graph.layers):
        message = one.layer.message
        read.append([latest[bottom] for bottom in message.bottom])
        latest.update((top, (index, i)) for i, top in enumerate(message.top))
        uses.update(read[-1])
        uses.update((index, i) for i, weight in enumerate(message.loss_weight[: len(message.top)]) if weight)
    return read, uses


def _tops(one: GraphLayer, weights: Sequence[float]) -> tuple[list[_Blob], Sequence[float]]:
    tops: list[_Blob] = list(one.layer.message.top)
    if one.kind is None or not one.kind.loss:
        return tops, weights
    return tops or [_ANONYMOUS], weights or (1.0,)


class _Backward(NamedTuple):
    """Whether Backward of a step runs, and for which of its bottoms it is asked for a gradient."""

    runs: bool
    asks: Sequence[bool]


def _backward(steps: Sequence[_Step], *, force: bool) -> list[_Backward]:
    """Find what the backward pass does at each step (net.cpp, Init)."""
    wanted = _wanted(steps)
    done: list[_Backward] = []
    under_loss: set[_Blob] = set()
    skipped: set[_Blob] = set()
    for step, (needed, asks) in zip(reversed(steps), reversed(wanted), strict=True):
        contributes = any(step.losses) or not under_loss.isdisjoint(step.tops)
        runs = needed and not skipped.issuperset(step.tops)
        if not contributes or (needed and not runs):
            asks = [False] * len(asks)  # noqa: PLW2901 - nothing is asked for after all
        if contributes:
            under_loss.update(step.bottoms)
        skipped.update(bottom for bottom, asked in zip(step.bottoms, asks, strict=True) if not asked)
        done.append(_Backward(runs and contributes, asks))
    done.reverse()
    return [_forced(step, run) for step, run in zip(steps, done, strict=True)] if force else done


def _wanted(steps: Sequence[_Step]) -> list[tuple[bool, list[bool]]]:
    """Of each step, whether something before or in it is learned, and which bottoms want a gradient for that."""
    marked: set[_Blob] = set()
    wanted = []
    for step in steps:
        marks = [bottom in marked for bottom in step.bottoms]
        given = step.layer.layer.message.propagate_down if step.layer else ()
        needed = any(marks) or (step.layer is not None and _learns(step.layer))
        if needed:
            marked.update(step.tops)
        wanted.append((needed, list(given) or marks))
    return wanted


def _learns(one: GraphLayer) -> bool:
    """Tell whether a learned blob has a rate as it is written. BatchNorm's own zeros come too late to count."""
    params = one.layer.message.param
    return any(i >= len(params) or params[i].lr_mult != 0 for i in range(len(one.blobs or ())))


def _forced(step: _Step, run: _Backward) -> _Backward:
    """Apply `force_backward`, which spares only the bottoms that a type excepts."""
    kind = step.layer.kind if step.layer else None
    spared = kind.unforced if kind else ()
    return _Backward(True, [asked or i not in spared for i, asked in enumerate(run.asks)])
