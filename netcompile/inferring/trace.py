"""Where a size came from: what a refused shape owes to the layers before, said in notes, and what would make it fit.

Reads the layers that are inferred already. Only for what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import PoolingParameter
from netcompile.diagnostics import Note
from netcompile.inferring.fitting import differing_axes, remedy, top_of, wanted_shapes, with_rounding
from netcompile.inferring.ways import PLANE, WINDOWS, Wiring, back, branches, last_change, plane, written
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.records import NamedTuple
from netcompile.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.inferring.ways import Step
    from netcompile.ir import Version
    from netcompile.shapes import Wording

_MOST_STEPS: Final = 8  # of a chain, the last ones


class Explained(NamedTuple):
    """A refusal as it is to be told: of which layer, with which notes and hint."""

    layer: int
    error: ShapeError
    notes: Sequence[Note]
    hint: str | Wording | None


def explain(error: ShapeError, index: int, wiring: Wiring) -> Explained:
    """What led to the refusal of a layer. Its own hint stays where nothing better is known."""
    if error.code == "empty-blob":
        return _ran_out(index, wiring, error) or Explained(index, error, (), error.hint)
    if error.code == "window-too-large":
        return Explained(index, error, _chain_to(index, wiring), error.hint)
    swapped = _swapped(index, wiring)
    if swapped is not None:
        return Explained(index, ShapeError(error.message, "bottom:0", error.code), (), swapped)
    bottoms = _compared(error, index, wiring) if error.code in _COMPARING else None
    if bottoms is None:
        return Explained(index, error, (), error.hint)
    wanted = wanted_shapes(bottoms, wiring.layers[index].message)
    notes = _rounding(bottoms, wiring) or _makers(bottoms, wanted, wiring)
    if wanted is not None and error.code == "count-mismatch":
        first, second = wiring.names[index][0][:2]
        of_planes = differing_axes(bottoms[1].shape or Shape(), wanted[1])[:1] != [1]
        changed = "; a pad or a Crop changes that" if of_planes else ""
        notes.append(Note(f"'{second}' would have to be {wanted[1]} for '{first}' as it is{changed}"))
    return Explained(index, error, notes, remedy(bottoms, wanted, wiring) or error.hint)


_COMPARING: Final = frozenset({"count-mismatch", "shape-mismatch"})


def _compared(error: ShapeError, index: int, wiring: Wiring) -> tuple[Version, Version] | None:
    """The bottoms that an error is about: the one where it stands, and the first."""
    name, _, number = error.at.partition(":")
    reads = wiring.reads[index]
    i = int(number) if name == "bottom" and number else 0
    first, second = (reads[0], reads[i]) if 0 < i < len(reads) else (None, None)
    if first is None or second is None or first is second or first.shape is None or second.shape is None:
        return None
    return first, second


def _swapped(index: int, wiring: Wiring) -> str | None:
    """The hint for a loss or measure whose labels are given first."""
    message = wiring.layers[index].message
    kind, shapes = LAYER_TYPES[message.type], [None if read is None else read.shape for read in wiring.reads[index]]
    if kind.no_gradient is None or 1 not in kind.no_gradient or len(shapes) < 2 or None in shapes:  # noqa: PLR2004 - a pair
        return None
    other_way = [shapes[1], shapes[0], *shapes[2:]]
    if not kind.name.endswith(("Loss", "Accuracy")) or apply_type(kind, message, other_way).errors:
        return None
    labels, scores = wiring.names[index][0][:2]
    return f"the scores come first, then the labels: '{scores}', '{labels}'"


# Sizes that ran out


def _ran_out(index: int, wiring: Wiring, error: ShapeError) -> Explained | None:
    """The window on the way to a layer that left nothing over, where that is why the layer is refused."""
    for read in wiring.reads[index]:
        for step in back(read, wiring) if read is not None else ():
            shape = step.bottom.shape
            if shape is None or 0 in shape or 0 not in (step.top.shape or ()):
                continue
            layer, reader = wiring.layers[step.layer], wiring.layers[index]
            later = apply_type(LAYER_TYPES[layer.message.type], layer.message, [shape]).later
            if layer.message.type not in WINDOWS or not later:
                return None
            text = f"Caffe refuses it at '{reader.message.name}': {error.message}"
            notes = [*_chain_to(step.layer, wiring), Note(text, reader.origin.span(error.at))]
            return Explained(step.layer, later[0], notes, later[0].hint)
    return None


def _chain_to(index: int, wiring: Wiring) -> list[Note]:
    """The sizes on the way to a layer, as one note."""
    version = wiring.reads[index][0]
    if version is None or version.shape is None:
        return []
    steps: list[str] = []
    last = version
    for step in back(version, wiring):
        last = step.bottom
        if step.resizes:
            window = written(wiring.layers[step.layer].message)
            steps.append(f"{wiring.name(step.top)} {plane(step.top)}{f' ({window})' if window else ''}")
    if not steps:
        return []
    shown = [f"{wiring.name(last)} {plane(last)}", *reversed(steps)]
    cut = ["...", *shown[-_MOST_STEPS:]] if len(shown) > _MOST_STEPS else shown
    return [Note(f"the size on the way: {', '.join(cut)}")]


# Two blobs that don't fit


def _makers(bottoms: tuple[Version, Version], wanted: tuple[Shape, Shape] | None, wiring: Wiring) -> list[Note]:
    """Where each of two blobs comes from: what gave it the dims in which they differ, else its shape."""
    shapes = [version.shape for version in bottoms if version.shape is not None]
    axes = differing_axes(shapes[0], wanted[0] if wanted else shapes[1])
    notes = []
    for version, shape in zip(bottoms, shapes, strict=True):
        every = range(len(shape))
        origin = last_change(version, axes, wiring) or last_change(version, every, wiring)
        made = wiring.layers[version.maker if origin is None else origin.layer]
        size = shape if origin is None else origin.top.shape
        notes.append(Note(f"{size} comes from {made.message.type} '{made.message.name}'", made.origin.span("")))
    return notes


def _rounding(bottoms: tuple[Version, Version], wiring: Wiring) -> list[Note]:
    """The layers at which two branches of almost one size came to differ, since one rounds up and one down."""
    if not _one_apart(*bottoms):
        return []
    ways, _ = branches(*bottoms, wiring)
    return [note for way in ways for step in reversed(way) for note in _rounds(step, wiring)]


def _one_apart(first: Version, second: Version) -> bool:
    x, y = first.shape or (), second.shape or ()
    pairs = [(a, b) for a, b in zip(x[PLANE:], y[PLANE:], strict=False) if type(a) is int and type(b) is int]
    return len(x) == len(y) and any(abs(a - b) == 1 for a, b in pairs) and all(abs(a - b) <= 1 for a, b in pairs)


def _rounds(step: Step, wiring: Wiring) -> Iterator[Note]:
    layer = wiring.layers[step.layer]
    message, shape = layer.message, step.bottom.shape
    if message.type not in WINDOWS or shape is None or not step.resizes:
        return
    sizes = f"{plane(step.bottom)} becomes {plane(step.top)}"
    if message.type == "Pooling":
        floor = with_rounding(message, PoolingParameter.FLOOR)
        down = top_of(floor, shape)
        if down is not None and down != step.top.shape:
            smaller = "x".join(map(str, down[PLANE:]))
            text = f"Pooling '{message.name}' rounds up: {sizes}, with `round_mode: FLOOR` {smaller}"
            yield Note(text, layer.origin.span(""))
    elif type(shape[PLANE]) is int and top_of(message, shape.replaced(PLANE, shape[PLANE] - 1)) == step.top.shape:
        yield Note(f"{message.type} '{message.name}' rounds down: {sizes}", layer.origin.span(""))
