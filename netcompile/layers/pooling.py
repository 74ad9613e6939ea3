"""Layers that reduce windows of the plane to one value each: Pooling and SPP."""

from __future__ import annotations

import struct
from math import ceil, floor
from typing import TYPE_CHECKING, TypeAlias

from netcompile.layers._checks import positive
from netcompile.layers._layer import Arity, Inferred, layer_type
from netcompile.layers._rules import in_place
from netcompile.layers._words import named, need_axes
from netcompile.records import NamedTuple
from netcompile.shapes import UNKNOWN, Dim, Shape, ShapeError, as_int, check_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter, PoolingParameter

_AT = "pooling_param"
_SIDES = ("height", "width")
# At 31 levels the last would have 2^30 bins each way, which no blob can hold.
_MOST_LEVELS = 31

_Rounded: TypeAlias = "Callable[[float], int]"


class _Side(NamedTuple):
    """The windows along the height or the width."""

    kernel: int
    stride: int
    pad: int


def _tops(layer: LayerParameter) -> Arity:
    p = layer.pooling_param
    return Arity(1, 2 if p.pool == p.MAX else 1)


def _check_kernel(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.pooling_param
    written = [name for name in ("kernel_size", "kernel_h", "kernel_w") if p.HasField(name)]
    if p.global_pooling:
        if written:
            message = f"global_pooling takes the bottom's own height and width, so {written[0]} can't be given"
            yield ShapeError(message, f"{_AT}.{written[0]}", "conflicting-fields")
        return
    # Caffe doesn't mind kernel_size with only one of the pair, and ignores that one (pooling_layer.cpp, LayerSetUp).
    if len(written) == 3:  # noqa: PLR2004 - all of them
        message = "kernel_size is given, and kernel_h and kernel_w too; Caffe takes one of the two spellings"
        yield ShapeError(message, f"{_AT}.kernel_h", "conflicting-fields")
        return
    if not written:
        hint = "write `kernel_size: N`, or `global_pooling: true`"
        yield ShapeError("kernel_size is missing", _AT, "missing-field", hint)
        return
    yield from _check_pair(p, "kernel")
    for name in ["kernel_size"] if p.HasField("kernel_size") else written:
        value = as_int(getattr(p, name))
        if value <= 0:
            yield ShapeError(f"{name} is {value}; it must be at least 1", f"{_AT}.{name}", "bad-value")


def _check_pair(p: PoolingParameter, stem: str) -> Iterator[ShapeError]:
    """`pad` or `stride` excludes its `_h` and `_w` pair, and a pair is given whole."""
    pair = [f"{stem}_h", f"{stem}_w"]
    written = [name for name in pair if p.HasField(name)]
    if stem == "kernel":
        if len(written) == 1 and not p.HasField("kernel_size"):
            yield _lone(pair, written[0])
    elif written and p.HasField(stem):
        message = f"{stem} and {written[0]} are both given; Caffe takes one of the two spellings"
        yield ShapeError(message, f"{_AT}.{written[0]}", "conflicting-fields")
    elif len(written) == 1:
        yield _lone(pair, written[0])


def _lone(pair: Sequence[str], written: str) -> ShapeError:
    missing = pair[1 - pair.index(written)]
    message = f"{written} is given without {missing}"
    return ShapeError(message, f"{_AT}.{written}", "missing-field", f"write `{missing}: N` too")


def _check_stride(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.pooling_param
    yield from _check_pair(p, "stride")
    for name in ("stride", "stride_h", "stride_w"):
        value = getattr(p, name)
        if value == 0 and p.HasField(name):
            yield ShapeError(f"{name} is 0; it must be at least 1", f"{_AT}.{name}", "bad-value")
        elif p.global_pooling and value > 1:
            message = f"{name} is {value}; with global_pooling there is one window, and it must be 1"
            yield ShapeError(message, f"{_AT}.{name}", "conflicting-fields")


def _check_pad(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.pooling_param
    spelling = list(_check_pair(p, "pad"))
    yield from spelling
    for name in ("pad", "pad_h", "pad_w"):
        value = getattr(p, name)
        if p.global_pooling and value > 0:
            message = f"{name} is {value}; with global_pooling it must be 0"
            yield ShapeError(message, f"{_AT}.{name}", "conflicting-fields")
        elif p.pool == p.STOCHASTIC and value > 0:
            message = f"{name} is {value}; a STOCHASTIC pooling can't pad"
            yield ShapeError(message, f"{_AT}.{name}", "conflicting-fields")
    if not spelling and not p.global_pooling:
        yield from _check_padding_within_kernel(p)


def _check_padding_within_kernel(p: PoolingParameter) -> Iterator[ShapeError]:
    sides = _sides(p)
    if not any(side.pad for side in sides):
        return
    for suffix, side in zip("hw", sides, strict=True):
        if side.pad >= side.kernel > 0:
            name = "pad" if not p.HasField("pad_h") else f"pad_{suffix}"
            message = f"{name} is {side.pad}; it must be smaller than the kernel, which is {side.kernel}"
            yield ShapeError(message, f"{_AT}.{name}", "bad-value")
            return


@layer_type("Pooling", tops=_tops, checks=[_check_kernel, _check_stride, _check_pad])
def pooling(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Takes the maximum or mean of each window of the plane: N x C x H x W to N x C x H' x W', each side
    (input + 2 pad - kernel) / stride + 1, rounded up.

    `round_mode: FLOOR` rounds down; `global_pooling` gives a plane of 1 x 1. A second top of a MAX pooling holds the
    places of the maxima.
    """  # noqa: D205
    (x,) = bottoms
    need_axes(layer, bottoms, 0, 4, "N x C x H x W")
    if layer.pooling_param.global_pooling:
        _refuse_empty_plane(layer, x)
        return Inferred([Shape((*x[:2], 1, 1))] * len(layer.top))
    dims, later = _pool(layer, x)
    return Inferred([Shape((*x[:2], *dims))] * len(layer.top), later=later)


def _check_levels(layer: LayerParameter) -> Iterator[ShapeError]:
    height = layer.spp_param.pyramid_height
    if height > _MOST_LEVELS:
        message = f"pyramid_height is {height}: its last level would have 2^{height - 1} bins each way"
        yield ShapeError(message, "spp_param.pyramid_height", "bad-value")


@layer_type("SPP", checks=[positive("spp_param.pyramid_height"), _check_levels])
def spp(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Spatial pyramid pooling: N x C x H x W into 1 x 1, 2 x 2, 4 x 4 ... bins, `pyramid_height` levels, side by side
    in N x values (one level alone: N x C x 1 x 1).
    """  # noqa: D205
    (x,) = bottoms
    need_axes(layer, bottoms, 0, 4, "N x C x H x W")
    _refuse_empty_plane(layer, x)
    values: Dim = 0
    for level in range(layer.spp_param.pyramid_height):
        dims = [_binned(layer, x, i, level) for i in range(2)]
        pooled = Shape((*x[:2], *dims))
        check_blob(pooled, f"level {level} of the pyramid")
        values = values + pooled.count(1)
    if layer.spp_param.pyramid_height == 1:
        return Inferred([pooled])
    if in_place(layer):
        message = f"can't work in place with more than one level: {layer.bottom[0]} would lose its plane"
        raise ShapeError(message, "top:0", "in-place-refused", "give the top another name")
    return Inferred([Shape((x[0], values))])


def _binned(layer: LayerParameter, x: Shape, i: int, level: int) -> Dim:
    """The number of windows that a level of the pyramid gets along the height (0) or the width (1)."""
    size, bins = x[2 + i], 1 << level
    if type(size) is not int:
        return UNKNOWN
    p = layer.spp_param
    kernel = -(-size // bins)
    pad = (kernel * bins - size + 1) // 2
    where = f"level {level} splits {_SIDES[i]} {size} of {named(layer, 0, x)} into {bins} bins"
    if pad and p.pool == p.STOCHASTIC:
        message = f"{where}, which needs padding, and a STOCHASTIC pooling can't pad"
        raise ShapeError(message, "spp_param.pool", "conflicting-fields")
    if pad >= kernel:
        message = f"{where}: windows of {kernel} would need a padding of {pad}, which must be smaller"
        hint = f"a pyramid_height of {level} fits this {_SIDES[i]}"
        raise ShapeError(message, "spp_param.pyramid_height", "bad-value", hint)
    return _pooled(size, _Side(kernel, kernel, pad), ceil, padded=pad > 0)


def _sides(p: PoolingParameter) -> tuple[_Side, _Side]:
    """The windows along height and width, read as Caffe does where the spelling is mixed."""
    kernel = (p.kernel_size, p.kernel_size) if p.HasField("kernel_size") else (p.kernel_h, p.kernel_w)
    stride = (p.stride_h, p.stride_w) if p.HasField("stride_h") else (p.stride, p.stride)
    pad = (p.pad_h, p.pad_w) if p.HasField("pad_h") else (p.pad, p.pad)
    height, width = (_Side(*map(as_int, side)) for side in zip(kernel, stride, pad, strict=True))
    return height, width


def _pool(layer: LayerParameter, x: Shape) -> tuple[list[Dim], list[ShapeError]]:
    """The plane that is left, and what aborts when the layer runs: a plane without elements."""
    p = layer.pooling_param
    sides, rounded = _sides(p), floor if p.round_mode == p.FLOOR else ceil
    padded = any(side.pad for side in sides)
    dims, later = [], []
    for i, side in enumerate(sides):
        dim = _pooled(x[2 + i], side, rounded, padded=padded)
        if dim < 0:
            raise _too_large(layer, x, i, side, dim)
        if dim == 0:
            later.append(_too_large(layer, x, i, side, dim))
        dims.append(dim)
    return dims, later


def _pooled(size: Dim, side: _Side, rounded: _Rounded, *, padded: bool) -> Dim:
    """The number of windows along one side."""
    if type(size) is not int:
        return UNKNOWN
    kernel, stride, pad = side
    # Caffe divides in single precision, which tells from 2^24 on (pooling_layer.cpp, Reshape).
    dim = rounded(_single(_single(as_int(size + 2 * pad - kernel)) / _single(stride))) + 1
    if padded and as_int((dim - 1) * stride) >= as_int(size + pad):
        dim -= 1  # the last window would start in the padding
    if padded and as_int((dim - 1) * stride) >= as_int(size + pad):
        message = f"the last of {dim} windows would start beyond a size of {size}, which single precision can't hold"
        raise ShapeError(message, "bottom:0", "bad-value")
    return dim


def _single(value: float) -> float:
    """The nearest number of single precision."""
    return struct.unpack("f", struct.pack("f", value))[0]  # type: ignore[no-any-return]


def _too_large(layer: LayerParameter, x: Shape, i: int, side: _Side, dim: Dim) -> ShapeError:
    size = x[2 + i]
    room = f"{_SIDES[i]} is {size}" + (f", {size + 2 * side.pad} with its padding" if side.pad else "")
    message = f"a kernel of {side.kernel} doesn't fit {named(layer, 0, x)}: its {room}, so the output would be {dim}"
    name = "kernel_size" if layer.pooling_param.HasField("kernel_size") else f"kernel_{_SIDES[i][0]}"
    most = size + 2 * side.pad
    hint = f"a kernel of at most {most} fits; `global_pooling: true` takes the whole plane" if most >= 1 else None
    return ShapeError(message, f"{_AT}.{name}", "window-too-large", hint)


def _refuse_empty_plane(layer: LayerParameter, x: Shape) -> None:
    for i, size in enumerate(x[2:]):
        if size == 0:
            raise ShapeError(f"the {_SIDES[i]} of {named(layer, 0, x)} is 0", "bottom:0", "empty-blob")


TYPES = (pooling, spp)
