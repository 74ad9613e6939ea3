"""Layers on planes that learn nothing and pool nothing: Crop and LRN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import require
from netcompile.layers._layer import Inferred, layer_type
from netcompile.layers._rules import axis_of
from netcompile.layers._words import named, need_axes, plural
from netcompile.shapes import Shape, ShapeError, as_int, axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import InPlace


@layer_type("Crop", bottoms=2)
def crop(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Cuts the first bottom to the size of the second in the axes from `axis` on; `offset` says where it begins."""
    x, reference = bottoms
    p = layer.crop_param
    axis = axis_of(layer, x, "crop_param.axis")
    cropped = len(x) - axis
    if len(p.offset) > 1 and len(p.offset) != cropped:
        message = f"offset has {len(p.offset)} values, for {plural(cropped, 'axis', 'axes')} of {named(layer, 0, x)}"
        hint = f"give one value for all, or {cropped}" if cropped > 1 else "give one value"
        raise ShapeError(message, "crop_param.offset", "count-mismatch", hint)
    if len(reference) < len(x):
        message = (
            f"{named(layer, 1, reference)} has {axes(len(reference))}; the size of {named(layer, 0, x)} takes {len(x)}"
        )
        raise ShapeError(message, "bottom:1", "axis-count")
    offsets = list(p.offset) if len(p.offset) > 1 else [p.offset[0] if p.offset else 0] * cropped
    for i, offset in enumerate(offsets, axis):
        if as_int(x[i] - offset) < reference[i]:
            start = f", from {offset} on" if offset else ""
            wanted = named(layer, 1, reference)
            message = f"axis {i} of {named(layer, 0, x)} can't be cut to {reference[i]}{start}, as {wanted} asks"
            raise ShapeError(message, "bottom:0", "window-too-large")
    return Inferred([Shape((*x[:axis], *reference[axis : len(x)]))])


def _lrn_in_place(layer: LayerParameter) -> InPlace:
    return "forward" if layer.lrn_param.norm_region == layer.lrn_param.WITHIN_CHANNEL else "wrong"


@layer_type(
    "LRN",
    in_place=_lrn_in_place,
    checks=[require("lrn_param.local_size", lambda size: as_int(size) > 0 and size % 2 == 1, "must be odd")],
)
def lrn(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Local response normalisation: divides each value by a power of the sum of squares around it, across
    `local_size` channels or within one. N x C x H x W stays.
    """  # noqa: D205
    need_axes(layer, bottoms, 0, 4, "N x C x H x W")
    return Inferred(bottoms)


TYPES = (crop, lrn)
