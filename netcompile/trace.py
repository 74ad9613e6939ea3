"""Where a size came from: what a refused shape owes to the layers before, said in notes, and what would make it fit.

Reads the layers that are inferred already, and tries their rules with other parameters. Only for what is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import LayerParameter, PoolingParameter
from netcompile.diagnostics import Note
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.records import NamedTuple
from netcompile.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netcompile.ir import Layer, Version
    from netcompile.shapes import ShapeError

TRACED: Final = frozenset({"count-mismatch", "shape-mismatch", "window-too-large"})

_WINDOWS: Final = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "Pooling": "pooling_param",
}
_USUAL: Final = {"kernel_size": 0, "kernel_h": 0, "kernel_w": 0, "stride": 1, "pad": 0, "dilation": 1}
_PLANE: Final = 2  # the first axis of the plane in N x C x H x W
_MOST_STEPS: Final = 8  # of a chain, the last ones
_LARGEST: Final = 64  # kernels and pads that are tried


class Wiring(NamedTuple):
    """The layers so far, and of each the names and versions of its bottoms."""

    layers: Sequence[Layer]
    names: Sequence[tuple[Sequence[str], Sequence[str]]]
    reads: Sequence[Sequence[Version | None]]


class Origin(NamedTuple):
    """The layer that gave a blob its size, by its index; its bottom, and the blob as it left that layer."""

    layer: int
    bottom: Version
    top: Version


def explain(error: ShapeError, index: int, wiring: Wiring) -> tuple[list[Note], str | None]:
    """The notes on a refused layer, and the hint: the error's own where nothing better is known."""
    if error.code == "window-too-large":
        return _chain_to(index, wiring), error.hint
    bottoms = _compared(error, index, wiring)
    if bottoms is None:
        return [], error.hint
    notes = _rounding(bottoms, wiring) or _makers(bottoms, wiring)
    wanted = _wanted(bottoms, wiring.layers[index].message)
    if wanted is not None and error.code == "count-mismatch":
        first, second = wiring.names[index][0][:2]
        notes.append(
            Note(f"'{second}' would have to be {wanted[1]} for '{first}' as it is; a pad or a Crop changes that")
        )
    return notes, _remedy(bottoms, wanted, wiring) or error.hint


def _compared(error: ShapeError, index: int, wiring: Wiring) -> tuple[Version, Version] | None:
    """The bottoms that an error is about: the one where it stands, and the first."""
    name, _, number = error.at.partition(":")
    reads = wiring.reads[index]
    i = int(number) if name == "bottom" and number else 0
    first, second = (reads[0], reads[i]) if 0 < i < len(reads) else (None, None)
    if first is None or second is None or first is second or first.shape is None or second.shape is None:
        return None
    return first, second


# The way back


def _origin(version: Version, wiring: Wiring) -> Origin | None:
    """Who gave a blob its size: the last layer on the way that changed it; None where it came so from outside."""
    for before in _back(version, wiring):
        if before.bottom.shape != before.top.shape:
            return before
    return None


def _back(version: Version, wiring: Wiring) -> Iterator[Origin]:
    """The layers on the way to a blob, the last first, each by its first bottom."""
    while True:
        reads = wiring.reads[version.maker]
        bottom = reads[0] if reads else None
        if bottom is None or bottom.shape is None or version.shape is None:
            return
        yield Origin(version.maker, bottom, version)
        version = bottom


def _chain_to(index: int, wiring: Wiring) -> list[Note]:
    """The sizes on the way to a layer, as one note."""
    version = wiring.reads[index][0]
    if version is None or version.shape is None:
        return []
    steps: list[str] = []
    last = version
    for step in _back(version, wiring):
        last = step.bottom
        if _plane(step.bottom) != _plane(step.top):
            steps.append(f"{_name(step.top, wiring)} {_plane(step.top)}{_in_brackets(_written(step.layer, wiring))}")
    if not steps:
        return []
    shown = [f"{_name(last, wiring)} {_plane(last)}", *reversed(steps)]
    cut = ["...", *shown[-_MOST_STEPS:]] if len(shown) > _MOST_STEPS else shown
    return [Note(f"the size on the way: {', '.join(cut)}")]


def _name(version: Version, wiring: Wiring) -> str:
    return wiring.layers[version.maker].message.name


def _plane(version: Version) -> str:
    """Height and width of a blob; all of its shape where it has none."""
    shape = version.shape or ()
    return "x".join(map(str, shape[_PLANE:] if len(shape) > _PLANE else shape))


def _written(index: int, wiring: Wiring) -> str:
    """What a layer says of its window, and what is not usual: 'kernel_size 7, stride 2'."""
    message = wiring.layers[index].message
    block = _WINDOWS.get(message.type)
    fields = {field.name: value for field, value in getattr(message, block).ListFields()} if block else {}
    if fields.get("global_pooling"):
        return "global_pooling"
    sizes = {name: _sizes(fields[name]) for name in _USUAL if name in fields}
    return ", ".join(
        f"{name} {'x'.join(map(str, size))}" for name, size in sizes.items() if set(size) != {_USUAL[name]}
    )


def _sizes(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


# Notes on two blobs that don't fit


def _makers(bottoms: Sequence[Version], wiring: Wiring) -> list[Note]:
    """Where each of two blobs comes from."""
    notes = []
    for version in bottoms:
        origin = _origin(version, wiring)
        made = wiring.layers[version.maker if origin is None else origin.layer]
        notes.append(
            Note(f"{version.shape} comes from {made.message.type} '{made.message.name}'", made.origin.span(""))
        )
    return notes


def _rounding(bottoms: Sequence[Version], wiring: Wiring) -> list[Note]:
    """The layers at which two branches of almost one size came to differ, since one rounds up and one down."""
    if not _one_apart(*bottoms):
        return []
    ways = [[step for step in _back(version, wiring) if step.bottom.shape != step.top.shape] for version in bottoms]
    common = {step.layer for step in ways[0]} & {step.layer for step in ways[1]}
    return [note for way in ways for step in way if step.layer not in common for note in _rounds(step, wiring)]


def _one_apart(first: Version, second: Version) -> bool:
    x, y = first.shape or (), second.shape or ()
    pairs = [(a, b) for a, b in zip(x[_PLANE:], y[_PLANE:], strict=False) if type(a) is int and type(b) is int]
    return len(x) == len(y) and any(abs(a - b) == 1 for a, b in pairs) and all(abs(a - b) <= 1 for a, b in pairs)


def _rounds(step: Origin, wiring: Wiring) -> Iterator[Note]:
    layer = wiring.layers[step.layer]
    message, shape = layer.message, step.bottom.shape
    if message.type not in _WINDOWS or shape is None:
        return
    sizes = f"{_plane(step.bottom)} becomes {_plane(step.top)}"
    if message.type == "Pooling":
        floor = _with_rounding(message, PoolingParameter.FLOOR)
        down = _top(floor, shape)
        if down is not None and down != step.top.shape:
            text = f"Pooling '{message.name}' rounds up: {sizes}, with `round_mode: FLOOR` {_plane_of(down)}"
            yield Note(text, layer.origin.span(""))
    elif type(shape[_PLANE]) is int and _top(message, shape.replaced(_PLANE, shape[_PLANE] - 1)) == step.top.shape:
        yield Note(f"{message.type} '{message.name}' rounds down: {sizes}", layer.origin.span(""))


# What would fit


def _remedy(bottoms: Sequence[Version], wanted: Sequence[Shape] | None, wiring: Wiring) -> str | None:
    """A parameter of the layer that made one of two blobs, with which it would have the size of the other."""
    pairs = [(_origin(version, wiring), shape) for version, shape in zip(bottoms, wanted or (), strict=False)]
    known = [(origin, shape) for origin, shape in reversed(pairs) if origin is not None]
    for origin, shape in sorted(known, key=lambda pair: wiring.layers[pair[0].layer].message.type != "Pooling"):
        message = wiring.layers[origin.layer].message
        fit = None if origin.bottom.shape is None else _fit(message, origin.bottom.shape, shape)
        if fit is not None:
            source = f"{wiring.names[origin.layer][0][0]} ({origin.bottom.shape})"
            return f"{message.name} comes from {source}{_in_words(_written(origin.layer, wiring))}; {fit}"
    return None


def _wanted(bottoms: tuple[Version, Version], reader: LayerParameter) -> tuple[Shape, Shape] | None:
    """The shapes that each of two blobs would need beside the other; None where that is no matter of one size."""
    x, y = bottoms[0].shape, bottoms[1].shape
    if x is None or y is None or not x.known or not y.known:
        return None
    kind = LAYER_TYPES.get(reader.type)
    labels = kind is not None and kind.no_gradient is not None and 1 in kind.no_gradient
    if reader.type == "Concat" and len(x) == len(y):
        wanted = Shape((*x[:_PLANE], *y[_PLANE:])), Shape((*y[:_PLANE], *x[_PLANE:]))
    elif labels and len(x) > _PLANE and len(x) - 1 <= len(y) <= len(x):  # of N x H x W, or N x 1 x H x W
        before = len(y) - len(x) + _PLANE
        wanted = Shape((*x[:_PLANE], *y[before:])), Shape((*y[:before], *x[_PLANE:]))
    else:
        wanted = y, x
    differing = [i for i, (a, b) in enumerate(zip(x, wanted[0], strict=False)) if a != b]
    same_rank = len(x) == len(wanted[0]) and bool(differing)
    return wanted if same_rank and (min(differing) >= _PLANE or differing == [1]) else None


def _in_words(window: str) -> str:
    return f" with {window}" if window else ""


def _fit(message: LayerParameter, bottom: Shape, wanted: Shape) -> str | None:
    """What makes a layer give the wanted shape, in words."""
    for words, changed in _changes(message, wanted):
        if _top(changed, bottom) == wanted:
            plane = () if "num_output" in words else wanted[_PLANE:]
            return f"{words} gives {plane[0] if len(set(plane)) == 1 else 'x'.join(map(str, plane or wanted))}"
    return None


def _changes(message: LayerParameter, wanted: Shape) -> Iterator[tuple[str, LayerParameter]]:
    """The layer with one parameter changed, the likeliest first."""
    if message.type == "Pooling":
        yield "`round_mode: FLOOR`", _with_rounding(message, PoolingParameter.FLOOR)
        yield "`round_mode: CEIL`", _with_rounding(message, PoolingParameter.CEIL)
    if message.type in _WINDOWS:
        yield from _resized(message, "kernel_size", "a kernel", range(2, _LARGEST))
        yield from _resized(message, "pad", "a pad", range(_LARGEST))
        yield from _resized(message, "kernel_size", "a kernel", range(1, 2))
    if message.type in ("Convolution", "InnerProduct") and len(wanted) > 1 and type(wanted[1]) is int:
        changed = _copy(message)
        p = changed.convolution_param if message.type == "Convolution" else changed.inner_product_param
        p.num_output = max(wanted[1], 1)
        yield f"a num_output of {wanted[1]}", changed


def _resized(
    message: LayerParameter, field: str, words: str, sizes: Iterable[int]
) -> Iterator[tuple[str, LayerParameter]]:
    for size in sizes:
        changed = _copy(message)
        if _set(getattr(changed, _WINDOWS[message.type]), field, size):
            yield f"{words} of {size}", changed


def _set(message: Any, field: str, size: int) -> bool:
    """Set a field that counts for all sides, where it does."""
    if message.HasField(f"{field.removesuffix('_size')}_h"):
        return False
    if isinstance(getattr(message, field), int):
        setattr(message, field, size)
    else:
        getattr(message, field)[:] = [size]
    return True


def _copy(message: LayerParameter) -> LayerParameter:
    copy = LayerParameter()
    copy.CopyFrom(message)
    del copy.param[:]
    del copy.blobs[:]
    return copy


def _with_rounding(message: LayerParameter, mode: PoolingParameter.RoundMode) -> LayerParameter:
    copy = _copy(message)
    copy.pooling_param.round_mode = mode
    return copy


def _top(message: LayerParameter, bottom: Shape) -> Shape | None:
    """The shape that a layer makes of its bottom; None where it is refused."""
    applied = apply_type(LAYER_TYPES[message.type], message, [bottom])
    return None if applied.errors or not applied.tops else applied.tops[0]


def _plane_of(shape: Shape) -> str:
    return "x".join(map(str, shape[_PLANE:]))
