"""Layers that change the shape of one blob: Flatten, Reshape, Tile, Reduction and ArgMax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.caffe.caffe_pb2 import ReductionParameter
from netcompile.layers._checks import at_least, positive
from netcompile.layers._layer import Inferred, layer_type
from netcompile.layers._rules import axis_of, cut, dims_of, in_place, refuse_empty
from netcompile.layers._words import named, plural
from netcompile.shapes import UNKNOWN, Dim, Shape, ShapeError, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter

_SHAPE = "reshape_param.shape"
_TILES = "tile_param.tiles"
_SUMMING = frozenset({ReductionParameter.SUM, ReductionParameter.MEAN})
_ARGMAX_AXES = 3


@layer_type("Flatten", in_place="refused")
def flatten(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Makes one axis of those from `axis` to `end_axis`: by default, each item becomes one row of values."""
    (x,) = bottoms
    start = axis_of(layer, x, "flatten_param.axis")
    end = axis_of(layer, x, "flatten_param.end_axis") + 1
    if start > end:
        message = f"axis {start} lies behind end_axis {end - 1} of {named(layer, 0, x)}"
        raise ShapeError(message, "flatten_param.end_axis", "axis-range")
    # Where axis is end_axis + 1, Caffe flattens no axis at all, which puts in a dim of 1.
    return Inferred([Shape((*x[:start], x.count(start, end), *x[end:]))])


@layer_type("Reshape", in_place="refused", checks=[at_least("reshape_param.num_axes", -1)])
def reshape(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Gives the same values another shape: a dim of 0 copies that of the bottom, one of -1 is inferred from the rest.

    `axis` and `num_axes` limit the dims that are replaced.
    """
    (x,) = bottoms
    start, end = _replaced(layer, x)
    refuse_empty(x.count(), layer, x, "to reshape")
    dims = _new_dims(layer)
    copied = [start + i for i, dim in enumerate(dims) if dim == 0]
    if copied and copied[-1] >= len(x):
        message = f"shape copies axis {copied[-1]} with a dim of 0, but {named(layer, 0, x)} has {axes(len(x))}"
        raise ShapeError(message, _SHAPE, "axis-range")
    # Axes that are kept or copied where they were stand on both sides: they cancel, known or not.
    have = Shape(x[i] for i in range(start, end) if i not in copied).count()
    given = Shape(dim for dim in dims if dim not in (0, -1)).count()
    want = given * Shape(x[i] for i in copied if i >= end).count()
    inferred = UNKNOWN if have % want != 0 else have // want
    new = (x[start + i] if dim == 0 else inferred if dim == -1 else dim for i, dim in enumerate(dims))
    top = Shape((*x[:start], *new, *x[end:]))
    if have % want != 0 or (-1 not in dims and have != want):
        raise ShapeError(_misfit(layer, x, top, have, want), _SHAPE, "count-mismatch")
    return Inferred([top])


def _new_dims(layer: LayerParameter) -> list[Dim]:
    dims = list(dims_of(layer.reshape_param.shape, _SHAPE))
    if any(dim < -1 for dim in dims):
        message = f"shape is {dims}; -1 has a dim inferred, no other can be negative"
        raise ShapeError(message, _SHAPE, "bad-value")
    if dims.count(-1) > 1:
        raise ShapeError(f"shape is {dims}; only one dim can be inferred by -1", _SHAPE, "bad-value")
    return dims


def _replaced(layer: LayerParameter, x: Shape) -> tuple[int, int]:
    """The axes of `x` that the new dims replace, from the first up to one past the last."""
    p, n = layer.reshape_param, len(x)
    # -1 is not the last axis, but what comes after it (reshape_layer.cpp).
    start = p.axis if p.axis >= 0 else n + p.axis + 1
    if not 0 <= start <= n:
        message = f"axis {p.axis} is out of range for {named(layer, 0, x)}, which has {axes(n)}"
        raise ShapeError(message, "reshape_param.axis", "axis-range")
    end = n if p.num_axes == -1 else start + p.num_axes
    if end > n:
        message = f"{axes(p.num_axes)} from {start} on reach past the end of {named(layer, 0, x)}, which has {axes(n)}"
        raise ShapeError(message, "reshape_param.num_axes", "axis-range")
    return start, end


def _misfit(layer: LayerParameter, x: Shape, top: Shape, have: Dim, want: Dim) -> str:
    """Say that `have` elements don't become `want`, with the dims on both sides put back where they are known."""
    both = x.count() // have if x.known else 1
    aside = "" if x.known else ", unknown dims aside"
    rest = f"no multiple of the {both * want} of {top}"
    if -1 not in layer.reshape_param.shape.dim:
        rest = f"the new shape {top} has {both * want}"
    return f"{named(layer, 0, x)} has {both * have} elements{aside}, {rest}"


def _check_tiles(layer: LayerParameter) -> Iterator[ShapeError]:
    if not layer.tile_param.HasField("tiles"):
        yield ShapeError("tiles is missing; it must be at least 1", "tile_param", "missing-field", "write `tiles: N`")
    elif layer.tile_param.tiles == 0:
        yield ShapeError("tiles is 0; it must be at least 1", _TILES, "bad-value")


@layer_type("Tile", checks=[_check_tiles])
def tile(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Repeats the bottom `tiles` times along `axis`, whose dim is multiplied by `tiles`."""
    (x,) = bottoms
    axis, tiles = axis_of(layer, x, "tile_param.axis"), layer.tile_param.tiles
    if tiles < 0 and x[axis] != 0:  # of a dim of 0, Caffe doesn't mind
        raise ShapeError(f"tiles is {tiles}; it must be at least 1", _TILES, "bad-value")
    dim = x[axis] * tiles
    return Inferred([x.replaced(axis, cut(dim, _TILES) if isinstance(dim, int) else dim)])


@layer_type("Reduction")
def reduction(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Reduces all axes from `axis` on to one number each (sum, sum of absolutes, of squares, or mean), times `coeff`.

    The top has the axes before `axis`: by default none, so that it is a scalar.
    """
    (x,) = bottoms
    axis = axis_of(layer, x, "reduction_param.axis")
    if layer.reduction_param.operation in _SUMMING and not in_place(layer):
        # In place, Caffe looks at the dims when they are gone already (reduction_layer.cpp, Reshape).
        refuse_empty(x.count(axis), layer, x, "to sum up")
    return Inferred([Shape(x[:axis])])


@layer_type("ArgMax", checks=[positive("argmax_param.top_k")], no_gradient=None)
def argmax(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """The indices of the `top_k` largest values along `axis`, or their values with `out_max_val`.

    Without `axis`, those of each item: N x 1 x `top_k`, or N x 2 x `top_k` with `out_max_val`, padded with dims of 1 to
    the axes of the bottom. Has no gradient.
    """
    (x,) = bottoms
    p = layer.argmax_param
    if p.HasField("axis"):
        axis = axis_of(layer, x, "argmax_param.axis")
        _check_top_k(p.top_k, x[axis], f"axis {axis} of {named(layer, 0, x)}")
        return Inferred([x.replaced(axis, p.top_k)])
    if not x:
        message = f"looks at each item along axis 0, but {layer.bottom[0]} has no axes"
        raise ShapeError(message, "bottom:0", "axis-count")
    _check_top_k(p.top_k, x.count(1), f"an item of {named(layer, 0, x)}")
    ones = (1,) * (len(x) - _ARGMAX_AXES)
    return Inferred([Shape((x[0], 2 if p.out_max_val else 1, p.top_k, *ones))])


def _check_top_k(top_k: int, values: Dim, where: str) -> None:
    if values < top_k:
        message = f"top_k is {top_k}, but {where} has {plural(values, 'value')}"
        raise ShapeError(message, "argmax_param.top_k", "bad-value")


TYPES = (argmax, flatten, reduction, reshape, tile)
