"""Layers that work on each element alone."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

from netcompile.caffe.caffe_pb2 import TEST
from netcompile.layers._checks import require
from netcompile.layers._layer import Inferred, Learned, elementwise, layer_type
from netcompile.layers._rules import refuse_empty
from netcompile.layers._words import named
from netcompile.shapes import Shape, ShapeError, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import InPlace


def _base_is_fine(base: float) -> bool:
    return base == -1 or (base > 0 and not isinf(base))


def _log_base_is_fine(base: float) -> bool:
    return base != 1 and _base_is_fine(base)


def _both_bounds(layer: LayerParameter) -> Iterator[ShapeError]:
    """Both bounds are required where there is a clip_param; without one, Caffe clips everything to 0."""
    if not layer.HasField("clip_param"):
        return
    for name in ("min", "max"):
        if not layer.clip_param.HasField(name):
            yield ShapeError(f"{name} is missing; a Clip needs min and max", "clip_param", "missing-field")


def _relu_in_place(layer: LayerParameter) -> InPlace:
    # Backward looks at the sign of the input, which in place is the sign of the output (relu_layer.cpp).
    return "exact" if layer.relu_param.negative_slope >= 0 else "forward"


def _elu_in_place(layer: LayerParameter) -> InPlace:
    return "exact" if layer.elu_param.alpha >= 0 else "forward"


@layer_type("Dropout", in_place="exact")
def dropout(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """In TRAIN, sets a random share `dropout_ratio` of the values to 0 and scales the rest up to make up. Same shape.

    In TEST, changes nothing.
    """
    ratio = layer.dropout_param.dropout_ratio
    later = []
    if not 0 <= ratio <= 1 and not _in_test(layer):
        message = f"dropout_ratio is {ratio:g}; it must lie between 0 and 1"
        later.append(ShapeError(message, "dropout_param.dropout_ratio", "bad-value"))
    return Inferred([Shape(bottoms[0])], later=later)


def _in_test(layer: LayerParameter) -> bool:
    return layer.HasField("phase") and layer.phase == TEST


@layer_type("PReLU", in_place="exact")
def prelu(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """max(0, x); below zero, a learned slope per channel (axis 1), or one in all with `channel_shared`. Same shape."""
    (x,) = bottoms
    if len(x) < 2:  # noqa: PLR2004 - the channels are axis 1
        message = f"needs at least 2 axes, with the channels in axis 1, but {named(layer, 0, x)} has {axes(len(x))}"
        raise ShapeError(message, "bottom:0", "axis-count")
    channels = x.legacy(1)
    refuse_empty(x.count(1), layer, x, "to work on")
    slopes = Shape(()) if layer.prelu_param.channel_shared else Shape((channels,))
    return Inferred([x], [Learned(slopes, "prelu_param.filler")])


TYPES = (
    elementwise("AbsVal", "The absolute value of each element. Same shape; can't work in place.", in_place="refused"),
    elementwise("BNLL", "log(1 + exp(x)), a smooth ReLU. Same shape.", in_place="forward"),
    elementwise(
        "Clip",
        "Each value limited to the range from `min` to `max`. Same shape.",
        in_place="forward",
        checks=[_both_bounds],
    ),
    dropout,
    elementwise("ELU", "x above zero, `alpha` * (exp(x) - 1) below. Same shape.", in_place=_elu_in_place),
    elementwise(
        "Exp",
        "`base` to the power of (`shift` + `scale` * x); the default base -1 stands for e. Same shape.",
        checks=[require("exp_param.base", _base_is_fine, "must be above 0 and finite, or -1 for e")],
    ),
    elementwise(
        "Log",
        "The logarithm to `base` of (`shift` + `scale` * x); the default base -1 stands for e. Same shape.",
        in_place="forward",
        checks=[require("log_param.base", _log_base_is_fine, "must be above 0, finite and not 1, or -1 for e")],
    ),
    elementwise("Power", "(`shift` + `scale` * x) to the power of `power`. Same shape.", in_place="forward"),
    prelu,
    elementwise("ReLU", "max(0, x); below zero, a slope of `negative_slope`. Same shape.", in_place=_relu_in_place),
    elementwise("Sigmoid", "1 / (1 + exp(-x)). Same shape."),
    elementwise("Swish", "x * sigmoid(`beta` * x). Same shape."),
    elementwise("TanH", "The hyperbolic tangent of each element. Same shape."),
    elementwise(
        "Threshold",
        "1 where x is above `threshold`, else 0. Same shape; has no gradient.",
        in_place="forward",
        no_gradient=None,
    ),
)
