"""What several shape rules share: dims out of messages, tops in place, blobs that must not be empty.

Nothing here knows a layer type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.layers._checks import is_set, value_at
from netcompile.layers._words import named
from netcompile.shapes import MAX_COUNT, Dim, Shape, ShapeError, Unshaped, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import BlobProto, BlobShape, LayerParameter
    from netcompile.layers._layer import Check


def dims_of(message: BlobShape, at: str) -> Shape:
    """The dims of a BlobShape; `at` is its path in the layer."""
    return Shape(cut(dim, at) for dim in message.dim)


def cut(dim: int, at: str) -> int:
    """The dim as Caffe holds it, in 32 bits: a huge one can become small, and is refused where it becomes negative."""
    if -MAX_COUNT <= dim <= MAX_COUNT:
        return dim
    cut = (dim + 2**31) % 2**32 - 2**31
    if cut < 0 < dim:
        raise ShapeError(f"dim {dim} does not fit into the 32 bits of a blob's dim", at, "blob-too-large")
    return cut


def axis_of(layer: LayerParameter, x: Shape, path: str) -> int:
    """The axis of the first bottom, `x`, that the field at `path` stands for, counted from the front."""
    axis: int = value_at(layer, path)
    try:
        return x.canonical(axis)
    except ShapeError:
        name = path.rpartition(".")[2]
        message = f"{name} {axis} is out of range for {named(layer, 0, x)}, which has {axes(len(x))}"
        hint = None if is_set(layer, path) else f"{name} is {axis} where it is not given"
        raise ShapeError(message, path, "axis-range", hint) from None


def in_place(layer: LayerParameter) -> bool:
    """True where the first top replaces the first bottom."""
    return bool(layer.top and layer.bottom) and layer.top[0] == layer.bottom[0]


def refuse_empty(count: Dim, layer: LayerParameter, x: Shape, task: str) -> None:
    """Refuse a count of 0 in the first bottom, `x`; `task` says what it leaves nothing for: 'to scale'.

    Caffe gives an empty blob no memory, and aborts where a layer touches it at set-up.
    """
    if count == 0:
        shaped = type(x) is not Unshaped
        state = f"{named(layer, 0, x)} has a dim of 0" if shaped else f"{layer.bottom[0]} has no shape"
        hint = None if shaped else "give its Input layer a `shape`"
        raise ShapeError(f"has nothing {task}: {state}", "bottom:0", "empty-blob", hint)


def met(x: Shape, other: Shape) -> Shape:
    """The dims that are known from either of two shapes that must be equal."""
    return Shape(a if type(a) is int else b for a, b in zip(x, other, strict=True))


def once_or_each(layer: LayerParameter, path: str, *, optional: bool = False) -> Iterator[ShapeError]:
    """Yield an error where the repeated field at `path` has neither one entry nor one for each top."""
    given, wanted = len(value_at(layer, path)), len(layer.top)
    if not wanted or given in (1, wanted) or (optional and not given):
        return
    block, _, name = path.partition(".")
    times = "once" if wanted == 1 else f"once, or once for each of the {wanted} tops"
    if given:
        yield ShapeError(f"{name} is given {given} times; it must be given {times}", path, "count-mismatch")
    else:
        yield ShapeError(f"{name} is missing; it must be given {times}", block, "missing-field")


def entry(values: Sequence[Any], i: int) -> Any:
    """The value for top `i` of a field that is given once, or once for each top."""
    return values[0] if len(values) == 1 else values[i]


def written(path: str, what: str) -> Check:
    """The text field must be written and not empty; `what` says what it names."""
    block, _, name = path.partition(".")

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        if not value_at(layer, path):
            at = path if is_set(layer, path) else block
            state = "empty" if is_set(layer, path) else "missing"
            yield ShapeError(f"{name} is {state}; it must be {what}", at, "missing-field")

    return check


def stored_shape(blob: BlobProto) -> Shape:
    """The shape of a stored blob, in the new or the old four-axis form."""
    if any(blob.HasField(field) for field in ("num", "channels", "height", "width")):
        return Shape((blob.num, blob.channels, blob.height, blob.width))
    return Shape(blob.shape.dim)
