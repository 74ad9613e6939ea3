"""What Caffe demands of a filler and of the blob that it fills (filler.hpp: the constructors and Fill)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.shapes import Dim, Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.caffe.caffe_pb2 import FillerParameter

TYPES: Final = ("constant", "gaussian", "uniform", "xavier", "msra", "bilinear", "positive_unitball")
_NEED_AXES: Final = frozenset({"positive_unitball", "xavier", "msra"})


def check_filler(filler: FillerParameter, shape: Shape | None, at: str) -> Iterator[ShapeError]:
    """Yield what Caffe refuses when `filler` fills a blob of `shape`; `at` is the path of the filler in its layer.

    Where the shape is not known, only what is refused whatever it is.
    """
    kind = filler.type
    if kind not in TYPES:
        yield ShapeError(
            f"unknown filler type {kind!r}; Caffe knows {', '.join(TYPES)}", f"{at}.type", "unknown-filler"
        )
        return
    yield from _check_values(filler, at)
    if shape is not None:
        yield from _check_shape(filler, shape, at)


def _check_values(filler: FillerParameter, at: str) -> Iterator[ShapeError]:
    kind = filler.type
    if kind == "gaussian" and not filler.std > 0:
        yield ShapeError(f"std is {filler.std:g}; a gaussian filler needs more than 0", f"{at}.std", "bad-value")
    if kind == "uniform" and not filler.min <= filler.max:
        message = f"min is {filler.min:g}, more than max, which is {filler.max:g}"
        yield ShapeError(message, f"{at}.min", "bad-value")
    if kind == "gaussian" and filler.sparse < -1:
        yield ShapeError(
            f"sparse is {filler.sparse}; it must be at least 0, or -1 for none", f"{at}.sparse", "bad-value"
        )
    if kind != "gaussian" and filler.sparse != -1:
        yield ShapeError(f"sparse works with a gaussian filler only, not with {kind}", f"{at}.sparse", "bad-value")


def _check_shape(filler: FillerParameter, shape: Shape, at: str) -> Iterator[ShapeError]:
    kind, dims = filler.type, list(shape)
    if shape.count() == 0:
        yield ShapeError(f"the blob to fill, {shape}, has no elements", at, "empty-blob")
        return
    if kind == "bilinear" and (len(dims) != 4 or dims[2] != dims[3]):  # noqa: PLR2004 - N, C, H, W
        message = f"a bilinear filler needs a blob of 4 axes with a square kernel, not {shape}"
        yield ShapeError(message, at, "filler-shape")
    if kind in _NEED_AXES and not dims:
        yield ShapeError(f"a filler of type {kind} can't fill a scalar", at, "filler-shape")
    if kind == "gaussian" and filler.sparse >= 0 and (not dims or _less(dims[0], filler.sparse)):
        message = f"sparse is {filler.sparse}, but the blob has {dims[0] if dims else 'no'} outputs"
        yield ShapeError(message, f"{at}.sparse", "filler-shape")


def _less(dim: Dim, least: int) -> bool:
    return dim < least
