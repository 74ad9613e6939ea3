"""Layers with several bottoms or several tops: they join, divide, compare or choose."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from netcompile.caffe.caffe_pb2 import EltwiseParameter
from netcompile.layers._checks import exclusive, is_set
from netcompile.layers._layer import Arity, Inferred, layer_type
from netcompile.layers._rules import axis_of, in_place, met, refuse_empty
from netcompile.layers._words import named, plural
from netcompile.shapes import Dim, Shape, ShapeError, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import InPlace

_ROUNDING = "Pooling rounds sizes up where Convolution rounds down: give one branch another pad, or Crop it"
_NO_BROADCAST = "Eltwise does not broadcast; Scale and Bias with two bottoms do, from their `axis` on"
_PLANE = 2  # the first axis of the plane in N x C x H x W


def _axis(layer: LayerParameter, x: Shape, block: str, old: str) -> int:
    """The axis that `axis` stands for, or the `old` field, which can't be negative."""
    return axis_of(layer, x, f"{block}.{old if is_set(layer, f'{block}.{old}') else 'axis'}")


@layer_type(
    "Concat",
    bottoms=(1, None),
    checks=[exclusive("concat_param.axis", "concat_param.concat_dim")],
    implies_bottom=False,
)
def concat(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Puts the bottoms one after the other along `axis`, whose dims add up. All other dims must be equal."""
    x = bottoms[0]
    axis = _axis(layer, x, "concat_param", "concat_dim")
    top, total = x, x[axis]
    for i, other in enumerate(bottoms[1:], 1):
        _check_joinable(layer, x, i, other, axis)
        top, total = met(top, other), total + other[axis]
    if len(bottoms) == 1:
        refuse_empty(x.count(), layer, x, "to share with its top")
    return Inferred([top.replaced(axis, total)])


def _check_joinable(layer: LayerParameter, x: Shape, i: int, other: Shape, axis: int) -> None:
    both = f"{layer.bottom[0]} has {x}, {layer.bottom[i]} has {other}"
    if len(other) != len(x):
        raise ShapeError(f"bottoms differ in their number of axes: {both}", f"bottom:{i}", "shape-mismatch")
    for k, (a, b) in enumerate(zip(x, other, strict=True)):
        if k != axis and a != b:
            message = f"bottoms differ in axis {k}: {both}; only the dims of axis {axis} may differ"
            hint = _ROUNDING if k >= _PLANE and _one_apart(a, b) else None
            raise ShapeError(message, f"bottom:{i}", "shape-mismatch", hint)


def _one_apart(a: Dim, b: Dim) -> bool:
    return a == b + 1 or b == a + 1


def _check_points(layer: LayerParameter) -> Iterator[ShapeError]:
    points = list(layer.slice_param.slice_point)
    if not points:
        return
    if len(points) != len(layer.top) - 1:
        message = f"slice_point has {plural(len(points), 'point')} for {plural(len(layer.top), 'top')}"
        hint = "give one fewer than there are tops, or none for equal parts"
        yield ShapeError(message, "slice_param.slice_point", "count-mismatch", hint)
    for i, (before, point) in enumerate(pairwise([0, *points])):
        if point <= before:
            message = f"slice_point {point} comes after {before}; the points must grow, from at least 1"
            yield ShapeError(message, f"slice_param.slice_point:{i}", "bad-value")


@layer_type(
    "Slice",
    tops=(1, None),
    checks=[exclusive("slice_param.axis", "slice_param.slice_dim"), _check_points],
    names_tops=True,
)
def slice_(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Divides the bottom along `axis` into one part for each top: at each `slice_point`, or without any, equally."""
    (x,) = bottoms
    axis = _axis(layer, x, "slice_param", "slice_dim")
    parts = _parts(layer, x, axis)
    tops = [x.replaced(axis, part) for part in parts]
    if len(tops) == 1:
        refuse_empty(x.count(), layer, x, "to share with its top")
    elif in_place(layer) and x.count() != tops[0].count():
        message = f"can't work in place on {named(layer, 0, x)}: the first of {len(tops)} parts would replace the whole"
        raise ShapeError(message, "top:0", "in-place-refused", "give the first top another name")
    return Inferred(tops)


def _parts(layer: LayerParameter, x: Shape, axis: int) -> list[Dim]:
    n, size = len(layer.top), x[axis]
    points = list(layer.slice_param.slice_point)
    whole = f"axis {axis} of {named(layer, 0, x)}"
    if not points and size % n != 0:
        hint = "give `slice_point` for parts of different sizes"
        raise ShapeError(f"{whole} does not divide into {n} equal parts", "top", "count-mismatch", hint)
    if not points:
        return [size // n] * n
    if size < points[-1]:
        message = f"slice_point {points[-1]} lies past the end of {whole}"
        raise ShapeError(message, f"slice_param.slice_point:{len(points) - 1}", "bad-value")
    if size < n:
        raise ShapeError(f"{whole} is too short for {n} tops", "top", "count-mismatch")
    return [after - before for before, after in pairwise([0, *points, size])]


@layer_type("Split", tops=(1, None), in_place="refused", names_tops=True)
def split(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Gives its bottom out under several names, each of the same shape. Caffe adds one by itself where it needs it."""
    (x,) = bottoms
    if type(x) is not Shape:
        refuse_empty(x.count(), layer, x, "to hand on")
    return Inferred([x] * len(layer.top))


def _eltwise_in_place(layer: LayerParameter) -> InPlace:
    return "forward" if layer.eltwise_param.operation == EltwiseParameter.PROD else "wrong"


def _check_coeff(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.eltwise_param
    given, wanted = len(p.coeff), len(layer.bottom)
    if given not in (0, wanted):
        message = f"{plural(given, 'coeff')} for {plural(wanted, 'bottom')}; give one each, or none"
        yield ShapeError(message, "eltwise_param.coeff", "count-mismatch")
    if given and p.operation == EltwiseParameter.PROD:
        message = "coeff weighs the bottoms of a SUM; a PROD takes none"
        yield ShapeError(message, "eltwise_param.coeff", "conflicting-fields")


@layer_type("Eltwise", bottoms=(2, None), checks=[_check_coeff], in_place=_eltwise_in_place, implies_bottom=False)
def eltwise(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """The sum (weighted by `coeff`), product or maximum of the bottoms, element by element. All have one shape."""
    top = Shape(bottoms[0])
    for i, other in enumerate(bottoms[1:], 1):
        if top.differs(other):
            message = f"bottoms differ in shape: {layer.bottom[0]} has {bottoms[0]}, {layer.bottom[i]} has {other}"
            raise ShapeError(message, f"bottom:{i}", "shape-mismatch", _hint(bottoms[0], other))
        top = met(top, other)
    return Inferred([top])


def _hint(x: Shape, other: Shape) -> str:
    plane = zip(x[_PLANE:], other[_PLANE:], strict=False)
    near = len(x) == len(other) and not Shape(x[:_PLANE]).differs(Shape(other[:_PLANE]))
    return _ROUNDING if near and any(_one_apart(a, b) for a, b in plane) else _NO_BROADCAST


@layer_type("Silence", bottoms=(1, None), tops=0, implies_bottom=False)
def silence(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Reads its bottoms and does nothing, so that they don't become outputs of the net."""
    del layer, bottoms
    return Inferred([])


def _filter_tops(layer: LayerParameter) -> Arity:
    n = max(1, len(layer.bottom) - 1)
    return Arity(n, n, "as many tops as bottoms before the last" if n > 1 else None)


@layer_type("Filter", bottoms=(2, None), tops=_filter_tops, names_tops=True, no_gradient=[-1])
def filter_(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Keeps those items of each bottom for which the last one, the selector, is not 0: one top per other bottom.

    The number of items is known only when the net runs; at set-up Caffe reports that of the bottoms.
    """
    *data, selector = bottoms
    last = len(data)
    for i, shape in enumerate(bottoms):
        if not shape:
            message = f"picks items along axis 0, but {layer.bottom[i]} has no axes"
            raise ShapeError(message, f"bottom:{i}", "axis-count")
    who = f"the selector {named(layer, last, selector)}"
    if any(dim != 1 for dim in selector[1:]):
        raise ShapeError(f"{who} must have one value per item", f"bottom:{last}", "shape-mismatch")
    for i, shape in enumerate(data):
        if shape[0] != selector[0]:
            message = f"{who} is for {plural(selector[0], 'item')}, but {named(layer, i, shape)} has {shape[0]}"
            raise ShapeError(message, f"bottom:{i}", "shape-mismatch")
    if selector[0] == 0:
        raise ShapeError(f"{who} has no values", f"bottom:{last}", "empty-blob")
    return Inferred([met(shape, shape.replaced(0, selector[0])) for shape in data])


@layer_type("BatchReindex", bottoms=2, no_gradient=[1])
def batch_reindex(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Picks items of the first bottom, by the indices in the second: as many items as there are indices."""
    x, indices = bottoms
    if len(indices) != 1:
        message = f"needs indices with 1 axis, but {named(layer, 1, indices)} has {axes(len(indices))}"
        raise ShapeError(message, "bottom:1", "axis-count")
    later = []
    if not x and indices[0] > 0:
        message = f"picks items along axis 0, but {layer.bottom[0]} has no axes"
        later.append(ShapeError(message, "bottom:0", "axis-count"))
    return Inferred([Shape((indices[0], *x[1:]))], later=later)


TYPES = (batch_reindex, concat, eltwise, filter_, silence, slice_, split)
