"""Phrases that shape rules share, so that every refusal names its bottoms in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.shapes import UNKNOWN, ShapeError, axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.shapes import Shape


def named(layer: LayerParameter, i: int, shape: Shape) -> str:
    """Bottom `i` with its shape: 'conv3 (128x1x19x19)'."""
    return f"{layer.bottom[i]} ({shape})"


def counted(layer: LayerParameter, i: int, shape: Shape) -> str:
    """Bottom `i` with its elements: 'conv3 has 128x1x19x19 = 46208', per item where the first dim is unknown."""
    if not shape:
        return f"{layer.bottom[i]} is a scalar"
    if shape.count() is UNKNOWN:
        return f"{layer.bottom[i]} has {shape}, {shape.count(1)} per item"
    return f"{layer.bottom[i]} has {shape}" + (f" = {shape.count()}" if len(shape) > 1 else "")


def plural(n: object, noun: str, nouns: str | None = None) -> str:
    """A number and its noun: '1 label', '64 labels', '2 spatial axes'."""
    return f"{n} {noun}" if n == 1 else f"{n} {nouns or noun + 's'}"


def need_axes(layer: LayerParameter, bottoms: Sequence[Shape], i: int, n: int, what: str) -> None:
    """Refuse bottom `i` unless it has exactly `n` axes; `what` says which: 'N x C x H x W'."""
    shape = bottoms[i]
    if len(shape) != n:
        message = f"needs {axes(n)} ({what}), but {named(layer, i, shape)} has {axes(len(shape))}"
        raise ShapeError(message, f"bottom:{i}", "axis-count")
