"""What would make two blobs fit: one parameter of a layer on the way to one of them, found by trying its rule.

Only for what is refused. What is advised fits: the layers behind are tried as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import LayerParameter, PoolingParameter
from netcompile.inferring.ways import PLANE, WINDOWS, branches, last_change, written
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netcompile.inferring.ways import Step, Wiring
    from netcompile.ir import Version

_KERNELS_APART: Final = 4  # a kernel that differs by more is another layer
_STRIDES: Final = (1, 2, 3, 4)


def wanted_shapes(bottoms: tuple[Version, Version], reader: LayerParameter) -> tuple[Shape, Shape] | None:
    """The shapes that each of two blobs would need beside the other; None where that is no matter of one size."""
    x, y = bottoms[0].shape, bottoms[1].shape
    if x is None or y is None or not x.known or not y.known:
        return None
    kind = LAYER_TYPES.get(reader.type)
    labels = kind is not None and kind.no_gradient is not None and 1 in kind.no_gradient
    if reader.type == "Concat" and len(x) == len(y):
        wanted = Shape((*x[:PLANE], *y[PLANE:])), Shape((*y[:PLANE], *x[PLANE:]))
    elif labels and len(x) > PLANE and len(x) - 1 <= len(y) <= len(x):  # of N x H x W, or N x 1 x H x W
        before = len(y) - len(x) + PLANE
        wanted = Shape((*x[:PLANE], *y[before:])), Shape((*y[:before], *x[PLANE:]))
    else:
        wanted = y, x
    differing = differing_axes(x, wanted[0])
    same_rank = len(x) == len(wanted[0]) and bool(differing)
    return wanted if same_rank and (min(differing) >= PLANE or differing == [1]) else None


def differing_axes(x: Shape, y: Shape) -> list[int]:
    """The axes in which two shapes differ."""
    return [i for i, (a, b) in enumerate(zip(x, y, strict=False)) if a != b]


def remedy(bottoms: tuple[Version, Version], wanted: tuple[Shape, Shape] | None, wiring: Wiring) -> str | None:
    """A parameter of a layer on the way to one of two blobs, with which that would have the size of the other."""
    if wanted is None:
        return None
    ways, parted = branches(*bottoms, wiring)
    axes = differing_axes(bottoms[0].shape or Shape(), wanted[0])
    for side, step in _suspects(bottoms, ways, axes, wiring, parted=parted):
        way = ways[side]
        behind = [wiring.layers[one.layer].message for one in way[way.index(step) + 1 :]] if step in way else []
        found = _fit(step, behind, wanted[side], wiring)
        if found is not None:
            message = wiring.layers[step.layer].message
            source = f"{wiring.names[step.layer][0][0]} ({step.bottom.shape})"
            window = written(message)
            return f"{message.name} comes from {source}{f' with {window}' if window else ''}; {found}"
    return None


def _suspects(
    bottoms: tuple[Version, Version], ways: Sequence[list[Step]], axes: Sequence[int], wiring: Wiring, *, parted: bool
) -> list[tuple[int, Step]]:
    """The layers that may have made two blobs differ, each with the blob that it is on the way to, likeliest first.

    Where the ways part that is the first on each at which the sizes differ, else the last before the blob.
    """
    if axes == [1]:
        changes = [(side, last_change(bottoms[side], axes, wiring)) for side in (1, 0)]
        return [(side, step) for side, step in changes if step is not None]
    resized = [[step for step in way if step.resizes] for way in ways]
    if parted:
        while resized[0] and resized[1] and _alike(resized[0][0], resized[1][0]):
            del resized[0][0], resized[1][0]
    else:
        resized = [steps[::-1] for steps in resized]
    found = [
        (side, steps[i]) for i in range(max(map(len, resized))) for side in (1, 0) if i < len(steps := resized[side])
    ]
    near = all(abs(a - b) <= 1 for a, b in _planes(bottoms))
    # Of sizes that differ by one, one was rounded up, which of the two that round only Pooling does.
    return sorted(found, key=lambda one: near and wiring.layers[one[1].layer].message.type != "Pooling")


def _alike(one: Step, other: Step) -> bool:
    return (one.top.shape or ())[PLANE:] == (other.top.shape or ())[PLANE:]


def _planes(bottoms: tuple[Version, Version]) -> list[tuple[int, int]]:
    pairs = zip((bottoms[0].shape or ())[PLANE:], (bottoms[1].shape or ())[PLANE:], strict=False)
    return [(a, b) for a, b in pairs if type(a) is int and type(b) is int]


def _fit(step: Step, behind: Sequence[LayerParameter], wanted: Shape, wiring: Wiring) -> str | None:
    """What makes the layers from a step on give the wanted shape, in words."""
    assert step.bottom.shape is not None
    message = wiring.layers[step.layer].message
    for words, changed in _changes(message, step, wanted):
        made = top_of(changed, step.bottom.shape)
        top = made
        for layer in behind:
            top = top if top is None else top_of(layer, top)
        if made is not None and top == wanted:
            plane = () if "num_output" in words else made[PLANE:]
            return f"{words} gives {plane[0] if len(set(plane)) == 1 else 'x'.join(map(str, plane or made))}"
    return None


def _changes(message: LayerParameter, step: Step, wanted: Shape) -> Iterator[tuple[str, LayerParameter]]:
    """The layer with one parameter changed, the likeliest first."""
    have = step.top.shape or ()
    if message.type == "Pooling":
        yield "`round_mode: FLOOR`", with_rounding(message, PoolingParameter.FLOOR)
        yield "`round_mode: CEIL`", with_rounding(message, PoolingParameter.CEIL)
    if message.type in WINDOWS:
        kernel = _kernel(message)
        if any(_is_half(a, b) or _is_half(b, a) for a, b in _sizes(have, wanted)):
            yield from _resized(message, "stride", "a stride", _STRIDES)
        near = range(max(2, kernel - _KERNELS_APART), kernel + _KERNELS_APART + 1)
        yield from _resized(message, "kernel_size", "a kernel", near)
        yield from _resized(message, "pad", "a pad", range(kernel // 2 + 1))
        yield from _resized(message, "stride", "a stride", _STRIDES)
        if kernel <= 1 + _KERNELS_APART:
            yield from _resized(message, "kernel_size", "a kernel", range(1, 2))
    if message.type in ("Convolution", "InnerProduct") and len(wanted) > 1 and type(wanted[1]) is int:
        changed = _copy(message)
        p = changed.convolution_param if message.type == "Convolution" else changed.inner_product_param
        p.num_output = max(wanted[1], 1)
        yield f"a num_output of {wanted[1]}", changed


def _sizes(have: Sequence[Any], wanted: Sequence[Any]) -> list[tuple[int, int]]:
    pairs = zip(have[PLANE:], wanted[PLANE:], strict=False)
    return [(a, b) for a, b in pairs if type(a) is int and type(b) is int]


def _is_half(a: int, b: int) -> bool:
    return a in (b // 2, (b + 1) // 2)


def _kernel(message: LayerParameter) -> int:
    """The length that the kernel covers; 0 where it is not the same on all sides."""
    p: Any = getattr(message, WINDOWS[message.type])
    sizes = [p.kernel_size] if isinstance(p.kernel_size, int) else list(p.kernel_size)
    if len(set(sizes)) != 1:
        return 0
    dilations = {1} if message.type == "Pooling" else set(p.dilation) or {1}
    return max(dilations) * (sizes[0] - 1) + 1


def _resized(
    message: LayerParameter, field: str, words: str, sizes: Iterable[int]
) -> Iterator[tuple[str, LayerParameter]]:
    for size in sizes:
        changed = _copy(message)
        if _set(getattr(changed, WINDOWS[message.type]), field, size):
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


def with_rounding(message: LayerParameter, mode: PoolingParameter.RoundMode) -> LayerParameter:
    """A pooling layer that rounds otherwise."""
    copy = _copy(message)
    copy.pooling_param.round_mode = mode
    return copy


def top_of(message: LayerParameter, bottom: Shape) -> Shape | None:
    """The shape that a layer makes of its bottom; None where it is refused, or has several."""
    kind = LAYER_TYPES.get(message.type)
    if kind is None or len(message.bottom) != 1:
        return None
    applied = apply_type(kind, message, [bottom])
    return None if applied.errors or not applied.tops else applied.tops[0]
