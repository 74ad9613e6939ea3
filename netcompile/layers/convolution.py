"""Layers that slide a window over N spatial axes: Convolution, Deconvolution and Im2col."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import at_least, positive
from netcompile.layers._layer import Arity, Inferred, Learned, layer_type
from netcompile.layers._rules import axis_of
from netcompile.layers._windows import (
    AT,
    Windows,
    axis_name,
    convolved,
    field_at,
    one_spelling,
    refuse_zero_stride,
    too_large,
    usable_kernel,
    usable_stride,
    windows,
)
from netcompile.layers._words import named, plural
from netcompile.shapes import Dim, Shape, ShapeError, as_int, axes, check_blob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import BlobProto, LayerParameter

_PARAMS = ("convolution_param",)


def _as_many_tops(layer: LayerParameter) -> Arity:
    n = max(len(layer.bottom), 1)
    return Arity(n, n, "as many tops as bottoms" if n > 1 else None)


def _check_group(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.convolution_param
    if p.group and p.num_output % p.group:
        message = f"group is {p.group}, which doesn't divide num_output, {p.num_output}"
        yield ShapeError(message, f"{AT}.group", "group-mismatch")


def _check_cudnn(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.convolution_param
    if p.engine == p.CUDNN and any(value > 1 for value in p.dilation):
        message = f"engine CUDNN can't dilate, and dilation is {max(p.dilation)}"
        yield ShapeError(message, f"{AT}.dilation", "conflicting-fields", "write `engine: CAFFE`")


_KERNEL_CHECKS = (one_spelling("kernel_size", lone=False), one_spelling("pad", lone=True))
_SPATIAL_CHECKS = (usable_kernel, usable_stride)
_WEIGHT_CHECKS = (
    positive(f"{AT}.num_output"),
    at_least(f"{AT}.group", 1),
    _check_group,
    _check_cudnn,
    *_KERNEL_CHECKS,
)


@layer_type(
    "Convolution",
    bottoms=(1, None),
    tops=_as_many_tops,
    checks=[*_WEIGHT_CHECKS, one_spelling("stride", lone=False)],
    spatial_checks=_SPATIAL_CHECKS,
)
def convolution(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Slides `num_output` learned kernels over the axes after `axis`, of which each becomes
    (input + 2 pad - kernel) / stride + 1, rounded down.

    The rounding is toward zero. A dilated kernel covers dilation * (kernel - 1) + 1.
    """  # noqa: D205
    x, p = bottoms[0], layer.convolution_param
    channel, found = _set_up(layer, bottoms)
    refuse_zero_stride(layer, found)
    dims = convolved(layer, x, channel, found)
    weights = Shape((p.num_output, x[channel] // p.group, *found.kernel))
    top = Shape((*x[:channel], p.num_output, *dims))
    later = []
    for i, dim in enumerate(dims):
        if dim == 0:
            # With a bias Caffe fills a plane of ones at once; without, it first reads the top's memory when it runs.
            later.append(too_large(layer, x, channel, found, i))
    if later and p.bias_term:
        raise later[0]
    check_blob(Shape((x[channel] * found.elements(), *dims)), "the column buffer of one item")
    # Multiply-accumulates of the weights for the whole batch; adding the bias isn't counted.
    macs = top.count() * weights.count(1) * len(bottoms)
    return Inferred([top] * len(bottoms), _learned(layer, weights), macs, later)


@layer_type("Deconvolution", bottoms=(1, None), tops=_as_many_tops, params=_PARAMS,
            checks=[*_WEIGHT_CHECKS, one_spelling("stride", lone=True)], spatial_checks=_SPATIAL_CHECKS)  # fmt: skip
def deconvolution(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Convolution with input and output exchanged, which enlarges: each axis after `axis` becomes
    stride * (input - 1) + kernel - 2 pad.
    """  # noqa: D205
    x, p = bottoms[0], layer.convolution_param
    channel, found = _set_up(layer, bottoms)
    later = []
    try:
        refuse_zero_stride(layer, found)
    except ShapeError as error:
        # The _h and _w spelling isn't checked, and only the two-dimensional col2im divides by the stride, when it runs.
        if not p.HasField("stride_h") and not p.HasField("stride_w"):
            raise
        if not p.force_nd_im2col:
            later.append(error)
    dims = []
    for i, size in enumerate(x[channel + 1 :]):
        dim = as_int(found.stride[i] * (size - 1) + found.extent(i) - 2 * found.pad[i])
        if dim < 0 or (dim == 0 and p.bias_term):
            raise _nothing_left(layer, x, found, i, dim)
        if dim == 0:
            later.append(_nothing_left(layer, x, found, i, dim))
        dims.append(dim)
    weights = Shape((x[channel], p.num_output // p.group, *found.kernel))
    top = Shape((*x[:channel], p.num_output, *dims))
    check_blob(Shape((p.num_output * found.elements(), *x[channel + 1 :])), "the column buffer of one item")
    # Each input value is multiplied with its weights once; adding the bias isn't counted.
    macs = x.count() * weights.count(1) * len(bottoms)
    return Inferred([top] * len(bottoms), _learned(layer, weights), macs, later)


@layer_type("Im2col", params=_PARAMS, checks=[*_KERNEL_CHECKS, one_spelling("stride", lone=False)],
            spatial_checks=_SPATIAL_CHECKS)  # fmt: skip
def im2col(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Copies each window of a convolution into the channel axis: channels times kernel elements, over the places that
    Convolution's windows take.
    """  # noqa: D205
    (x,) = bottoms
    channel = axis_of(layer, x, f"{AT}.axis")
    if channel == len(x) - 1:
        message = f"needs a spatial axis after axis {channel}, but {named(layer, 0, x)} has {axes(len(x))}"
        raise ShapeError(message, "bottom:0", "axis-count")
    found = windows(layer, x, channel)
    refuse_zero_stride(layer, found)
    dims = convolved(layer, x, channel, found)
    later = [too_large(layer, x, channel, found, i) for i, dim in enumerate(dims) if dim == 0]
    return Inferred([Shape((*x[:channel], x[channel] * found.elements(), *dims))], later=later)


def _set_up(layer: LayerParameter, bottoms: Sequence[Shape]) -> tuple[int, Windows]:
    """The channel axis and the windows, with the checks that Convolution and Deconvolution share."""
    x, p = bottoms[0], layer.convolution_param
    channel = axis_of(layer, x, f"{AT}.axis")
    for i, other in enumerate(bottoms):
        if other.differs(x):
            message = f"bottoms must have one shape: {named(layer, 0, x)} and {named(layer, i, other)} differ"
            raise ShapeError(message, f"bottom:{i}")
    found = windows(layer, x, channel)
    if x[channel] % p.group != 0:
        message = f"group is {p.group}, which doesn't divide the {x[channel]} channels of {named(layer, 0, x)}"
        raise ShapeError(message, f"{AT}.group", "group-mismatch")
    if p.engine == p.CUDNN and len(found.kernel) != 2:  # noqa: PLR2004 - height and width
        message = f"engine CUDNN works on 2 spatial axes only, and {named(layer, 0, x)} has {len(found.kernel)}"
        raise ShapeError(message, f"{AT}.engine", "axis-count", "write `engine: CAFFE`")
    return channel, found


def _nothing_left(layer: LayerParameter, x: Shape, found: Windows, i: int, dim: Dim) -> ShapeError:
    axis = axis_name(x, len(x) - len(found.kernel) - 1, i)
    size, stride, extent, pad = x[len(x) - len(found.kernel) + i], found.stride[i], found.extent(i), found.pad[i]
    message = (
        f"the output's {axis} would be {dim}, from {named(layer, 0, x)}: "
        f"stride {stride} * ({axis} {size} - 1) + kernel {extent} - 2 * pad {pad}"
    )
    at = field_at(layer, "pad", i) if pad else "bottom:0"
    return ShapeError(message, at, "negative-dim" if dim < 0 else "empty-blob")


def _learned(layer: LayerParameter, weights: Shape) -> list[Learned]:
    """The learned blobs; `blobs` written in the layer must fit them, and are then not filled."""
    p = layer.convolution_param
    blobs = [Learned(weights, f"{AT}.weight_filler")]
    if p.bias_term:
        blobs.append(Learned(Shape((p.num_output,)), f"{AT}.bias_filler"))
    if not layer.blobs:
        return blobs
    if len(layer.blobs) != len(blobs):
        message = f"blobs has {plural(len(layer.blobs), 'entry', 'entries')}; this layer learns {len(blobs)}"
        raise ShapeError(message, "blobs", "count-mismatch")
    for i, (blob, preset) in enumerate(zip(blobs, layer.blobs, strict=True)):
        if blob.shape.differs(_preset_shape(preset)):
            message = f"entry {i} of blobs has shape {_preset_shape(preset)}; it must have {blob.shape}"
            raise ShapeError(message, "blobs")
    return [Learned(blob.shape) for blob in blobs]


def _preset_shape(blob: BlobProto) -> Shape:
    legacy = ("num", "channels", "height", "width")
    if any(blob.HasField(name) for name in legacy):
        return Shape(getattr(blob, name) for name in legacy)
    return Shape(blob.shape.dim)


TYPES = (convolution, deconvolution, im2col)
