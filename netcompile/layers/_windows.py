"""The windows of Convolution, Deconvolution and Im2col: what `convolution_param` says of each spatial axis.

Caffe takes each of kernel, stride and pad once for all spatial axes, once per axis, or, with two spatial axes, as a
pair of `_h` and `_w` fields. Dilation has no such pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._words import named, plural
from netcompile.records import NamedTuple
from netcompile.shapes import Dim, Shape, ShapeError, as_int, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import Check

AT = "convolution_param"
_PLANE = 2


class Windows(NamedTuple):
    """Kernel, stride, pad and dilation of each spatial axis, as Caffe's signed integers."""

    kernel: Sequence[int]
    stride: Sequence[int]
    pad: Sequence[int]
    dilation: Sequence[int]

    def extent(self, i: int) -> int:
        """The length that the dilated kernel covers on spatial axis `i`."""
        return self.dilation[i] * (self.kernel[i] - 1) + 1

    def elements(self) -> int:
        """The number of weights of one kernel."""
        product = 1
        for size in self.kernel:
            product *= size
        return product


def one_spelling(field: str, *, lone: bool) -> Check:
    """`field` and its `_h` and `_w` fields exclude each other, and unless `lone` the pair needs both."""
    pair = _pair(field)

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        p = layer.convolution_param
        written = [name for name in pair if p.HasField(name)]
        if written and getattr(p, field):
            message = f"{field} and {written[0]} are both given; Caffe takes one of the two spellings"
            yield ShapeError(message, f"{AT}.{written[0]}", "conflicting-fields")
        elif len(written) == 1 and not lone:
            missing = pair[1 - pair.index(written[0])]
            message = f"{written[0]} is given without {missing}, which then counts as 0"
            yield ShapeError(message, f"{AT}.{written[0]}", "missing-field", f"write `{missing}: N` too")

    return check


def windows(layer: LayerParameter, x: Shape, channel: int) -> Windows:
    """Read the windows of `layer`, whose first bottom `x` has its channels at axis `channel`."""
    spatial = len(x) - channel - 1
    found = Windows(
        _per_axis(layer, x, spatial, "kernel_size", None),
        _per_axis(layer, x, spatial, "stride", 1),
        _per_axis(layer, x, spatial, "pad", 0),
        _per_axis(layer, x, spatial, "dilation", 1),
    )
    for error in usable_kernel(layer) if spatial else ():
        raise error
    return found


def usable_kernel(layer: LayerParameter) -> Iterator[ShapeError]:
    """The kernel must be given, and cover something on each spatial axis."""
    if not _written_pair(layer, "kernel_size") and not layer.convolution_param.kernel_size:
        yield _missing_kernel()
    for at, kernel in _given(layer, "kernel_size"):
        if kernel <= 0:
            yield ShapeError(f"a kernel of {kernel} covers nothing; it must be at least 1", at, "bad-value")


def usable_stride(layer: LayerParameter) -> Iterator[ShapeError]:
    """Caffe refuses a stride of 0 or less; in the _h and _w spelling it only fails to divide by 0."""
    pair = _written_pair(layer, "stride")
    for at, stride in _given(layer, "stride"):
        if stride == 0 or (stride < 0 and not pair):
            yield _bad_stride(stride, at)


def _given(layer: LayerParameter, field: str) -> Iterator[tuple[str, int]]:
    """The written values of `field`, or of its `_h` and `_w` pair, each with its path."""
    p = layer.convolution_param
    for name in _written_pair(layer, field):
        yield f"{AT}.{name}", as_int(getattr(p, name))
    for value in () if _written_pair(layer, field) else getattr(p, field):
        yield f"{AT}.{field}", as_int(value)


def _bad_stride(stride: int, at: str) -> ShapeError:
    return ShapeError(f"stride is {stride}; it must be at least 1", at, "bad-value")


def _missing_kernel() -> ShapeError:
    message = "kernel_size is missing; give it once, or once per spatial axis"
    return ShapeError(message, AT, "missing-field", "write `kernel_size: N`")


def refuse_zero_stride(layer: LayerParameter, found: Windows) -> None:
    """The same for all spatial axes that there are: of a pair, what is not written is 0."""
    pair = _written_pair(layer, "stride")
    for i, stride in enumerate(found.stride):
        if stride == 0 or (stride < 0 and not pair):
            raise _bad_stride(stride, field_at(layer, "stride", i))


def convolved(layer: LayerParameter, x: Shape, channel: int, found: Windows) -> Sequence[Dim]:
    """The spatial dims that windows sliding over `x` give: 0 is let pass, less is refused."""
    dims = []
    for i, size in enumerate(x[channel + 1 :]):
        # C division: toward zero, so a window too large by less than a stride still gives 1 (conv_layer.cpp).
        dim = as_int(truncated(as_int(size + 2 * found.pad[i] - found.extent(i)), found.stride[i]) + 1)
        if dim < 0:
            raise too_large(layer, x, channel, found, i)
        dims.append(dim)
    return dims


def too_large(layer: LayerParameter, x: Shape, channel: int, found: Windows, i: int) -> ShapeError:
    """The refusal of a window that leaves nothing of spatial axis `i` of `x`."""
    kernel, pad, dilation, extent = found.kernel[i], found.pad[i], found.dilation[i], found.extent(i)
    size = x[channel + 1 + i]
    padded = size + 2 * pad
    out = truncated(padded - extent, found.stride[i]) + 1
    window = f"a kernel of {kernel}" + (f" with dilation {dilation} covers {extent}, which" if dilation > 1 else "")
    room = f"{axis_name(x, channel, i)} is {size}" + (f", {padded} with its padding" if pad else "")
    message = f"{window} doesn't fit {named(layer, 0, x)}: its {room}, so the output would be {out}"
    most = (padded - 1) // max(dilation, 1) + 1
    hint = f"a kernel of at most {most} fits" if most >= 1 else None
    return ShapeError(message, field_at(layer, "kernel_size", i), "window-too-large", hint)


def field_at(layer: LayerParameter, field: str, i: int) -> str:
    """The path of the field that sets spatial axis `i`: `field`, or one of its `_h` and `_w` pair."""
    return f"{AT}.{_pair(field)[i] if _written_pair(layer, field) else field}"


def axis_name(x: Shape, channel: int, i: int) -> str:
    """Spatial axis `i` in words: height and width where there are two."""
    return ("height", "width")[i] if len(x) - channel - 1 == _PLANE else f"axis {channel + 1 + i}"


def _pair(field: str) -> tuple[str, str]:
    stem = field.removesuffix("_size")
    return f"{stem}_h", f"{stem}_w"


def _written_pair(layer: LayerParameter, field: str) -> list[str]:
    if field == "dilation":
        return []
    return [name for name in _pair(field) if layer.convolution_param.HasField(name)]


def _per_axis(layer: LayerParameter, x: Shape, spatial: int, field: str, default: int | None) -> Sequence[int]:
    p = layer.convolution_param
    pair = _written_pair(layer, field)
    if pair and spatial != _PLANE:
        message = f"{pair[0]} needs 2 spatial axes, but {_spatial_axes(layer, x, spatial)}"
        raise ShapeError(message, f"{AT}.{pair[0]}", "axis-count", f"write `{field}`")
    if pair:
        return [as_int(getattr(p, name)) for name in _pair(field)]
    values = [as_int(value) for value in getattr(p, field)]
    if not values and default is None and spatial:
        raise _missing_kernel()
    if not values:
        return [default or 0] * spatial
    if len(values) not in (1, spatial):
        message = f"{field} has {plural(len(values), 'value')}, but {_spatial_axes(layer, x, spatial)}"
        hint = f"give one value for all, or {spatial}" if spatial > 1 else "give one value"
        raise ShapeError(message, f"{AT}.{field}", "axis-count", hint)
    return values if len(values) == spatial else values * spatial


def _spatial_axes(layer: LayerParameter, x: Shape, spatial: int) -> str:
    return (
        f"{named(layer, 0, x)} has {plural(spatial, 'spatial axis', 'spatial axes')} after axis {len(x) - spatial - 1}"
    )
