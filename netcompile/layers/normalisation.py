"""Layers that normalise, scale and shift: BatchNorm, MVN, Scale, Bias and Softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netcompile.layers._layer import Inferred, Learned, layer_type
from netcompile.layers._rules import axis_of, refuse_empty, stored_shape
from netcompile.layers._words import named
from netcompile.shapes import Shape, ShapeError, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter

_STATISTICS = 3


def _frozen(layer: LayerParameter) -> Iterator[ShapeError]:
    # Exactly three entries are set to lr_mult 0 when Caffe reads the file (upgrade_proto.cpp).
    if len(layer.param) == _STATISTICS:
        return
    for i, spec in enumerate(layer.param):
        if spec.lr_mult != 0:
            given = f"has lr_mult {spec.lr_mult:g}" if spec.HasField("lr_mult") else "leaves lr_mult at 1"
            message = f"param {i} {given}; the statistics of BatchNorm are not learned by gradient"
            yield ShapeError(message, f"param:{i}", "bad-value", "write `lr_mult: 0`, or leave `param` out")


@layer_type("BatchNorm", in_place="exact", checks=[_frozen])
def batch_norm(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Normalises each channel to mean 0, variance 1: by the batch in TRAIN, by running statistics in TEST. Same shape.

    It has no learned scale and shift: a Scale with `bias_term: true` usually follows.
    """
    (x,) = bottoms
    if len(x) < 2:  # noqa: PLR2004 - the channels are axis 1
        message = f"needs at least 2 axes, with the channels in axis 1, but {named(layer, 0, x)} has {axes(len(x))}"
        raise ShapeError(message, "bottom:0", "axis-count")
    refuse_empty(x.count(), layer, x, "to normalise")
    channels = Shape(x[1:2])
    return Inferred([x], [Learned(channels), Learned(channels), Learned(Shape((1,)))])


@layer_type("MVN", in_place="forward")
def mvn(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Normalises each channel of each item, or all `across_channels`, to mean 0 and variance 1. Top: N x C x H x W.

    Missing axes are added as 1. Without `normalize_variance`, only the mean is subtracted.
    """
    (x,) = bottoms
    top = Shape(x.legacy(axis) for axis in range(4))
    summed = top.count(1 if layer.mvn_param.across_channels else 2)
    refuse_empty(summed, layer, x, "to take the mean of")
    return Inferred([top])


@layer_type("Softmax", in_place="exact")
def softmax(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """exp(x), divided by its sum along `axis`: probabilities. Same shape."""
    (x,) = bottoms
    axis = axis_of(layer, x, "softmax_param.axis")
    refuse_empty(x[axis], layer, x, f"to choose from in axis {axis}")
    return Inferred([x])


@layer_type("Bias", bottoms=(1, 2), in_place="exact")
def bias(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Adds a bias, a learned blob or the second bottom, that spans `num_axes` axes from `axis` on. Same shape."""
    x = Shape(bottoms[0])
    if len(bottoms) > 1:
        factor, blobs = bottoms[1], []
        start = _align(layer, x, factor, "bias_param")
    else:
        start, factor = _learned(layer, x, "bias_param")
        blobs = [Learned(factor, "bias_param.filler")]
    refuse_empty(x.count(start + len(factor)), layer, x, "to add the bias to")
    return Inferred([x], blobs)


@layer_type("Scale", bottoms=(1, 2), in_place="exact")
def scale(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Multiplies by a factor, learned or the second bottom, that spans `num_axes` axes from `axis` on. Same shape.

    With `bias_term`, adds a learned bias of the same span.
    """
    x, p = Shape(bottoms[0]), layer.scale_param
    if len(bottoms) > 1:
        factor, blobs = bottoms[1], []
        start = _align(layer, x, factor, "scale_param")
    else:
        start, factor = _learned(layer, x, "scale_param")
        blobs = [Learned(factor, "scale_param.filler")]
    if p.bias_term:
        _check_bias_axis(layer, x)
        blobs.append(Learned(Shape(x[start : start + len(factor)]), "scale_param.bias_filler"))
    outer, inner = x.count(0, start), x.count(start + len(factor))
    if p.bias_term or outer == 0:
        refuse_empty(inner, layer, x, "to scale")
    return Inferred([x], blobs)


def _check_bias_axis(layer: LayerParameter, x: Shape) -> None:
    """Check the axis from which the bias counts: of a new one, even if a scalar; of a stored one, which is the last."""
    if not layer.blobs:
        axis_of(layer, x, "scale_param.axis")
        return
    for i in {0, len(layer.blobs) - 1}:
        _align(layer, x, stored_shape(layer.blobs[i]), "scale_param", f"blobs:{i}")


def _learned(layer: LayerParameter, x: Shape, block: Literal["bias_param", "scale_param"]) -> tuple[int, Shape]:
    """The axis from which a learned factor counts, and its shape."""
    if layer.blobs:  # a stored factor is taken as it is
        factor = stored_shape(layer.blobs[0])
        return _align(layer, x, factor, block, "blobs:0"), factor
    axis, span = axis_of(layer, x, f"{block}.axis"), getattr(layer, block).num_axes
    if span < -1:
        message = f"num_axes is {span}; it must be at least 0, or -1 for all axes from {axis} on"
        raise ShapeError(message, f"{block}.num_axes", "bad-value")
    if axis + span > len(x):
        message = f"num_axes is {span}, but {named(layer, 0, x)} has only {axes(len(x) - axis)} from axis {axis} on"
        raise ShapeError(message, f"{block}.num_axes", "axis-range")
    if span == 0:
        return 0, Shape(())
    return axis, Shape(x[axis:] if span == -1 else x[axis : axis + span])


def _align(
    layer: LayerParameter, x: Shape, factor: Shape, block: Literal["bias_param", "scale_param"], at: str = "bottom:1"
) -> int:
    """The axis of `x` from which `factor`, a bottom or stored, counts; its dims must be those of `x` there."""
    if not factor:
        return 0
    start = axis_of(layer, x, f"{block}.axis")
    wanted = Shape(x[start : start + len(factor)])
    what = layer.bottom[1] if at == "bottom:1" else f"its stored blob {at.rpartition(':')[2]}"
    if len(wanted) < len(factor):
        message = f"{what} has {factor}, more axes than {named(layer, 0, x)} from axis {start} on"
        raise ShapeError(message, at, "axis-range")
    if factor.differs(wanted):
        message = f"{what} has {factor}, but {named(layer, 0, x)} has {wanted} from axis {start} on"
        raise ShapeError(message, at, "shape-mismatch")
    return start


TYPES = (batch_norm, bias, mvn, scale, softmax)
