"""Runs one layer type on shapes written as words: `2x3x?`, `scalar`, `unshaped` (an Input without shape), `unknown`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.layers._checks import value_at
from netcompile.layers._fillers import check_filler
from netcompile.shapes import Shape, Unshaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netcompile.layers import Applied
    from netcompile.shapes import ShapeError

NAMES = "abcdefgh"


def parse(word: str) -> Shape | None:
    if word == "unknown":
        return None
    if word == "unshaped":
        return Unshaped()
    return Shape.of([] if word == "scalar" else [None if dim == "?" else int(dim) for dim in word.split("x")])


def show(shape: Shape | None) -> str:
    if shape is None:
        return "unknown"
    if isinstance(shape, Unshaped):
        return "unshaped"
    return "x".join(map(str, shape)) or "scalar"


def build(text: str, bottoms: str) -> LayerParameter:
    """A layer from text format; bottoms not named there are a, b, c..., and it has one top unless the text says so."""
    layer = text_format.Parse(text, LayerParameter())
    if not layer.bottom:
        layer.bottom.extend(NAMES[: len(bottoms.split())])
    if not layer.top and LAYER_TYPES[layer.type].tops_of(layer).most != 0:
        layer.top.append("top")
    return layer


@pytest.fixture
def apply() -> Callable[[str, str], Applied]:
    """The outcome of a layer in text format on shapes in words."""

    def run(text: str, bottoms: str) -> Applied:
        layer = build(text, bottoms)
        return apply_type(LAYER_TYPES[layer.type], layer, [parse(word) for word in bottoms.split()])

    return run


@pytest.fixture
def derive(apply: Callable[[str, str], Applied]) -> Callable[[str, str], tuple[str, str]]:
    """The tops and the learned blobs of a layer that is accepted, in words."""

    def run(text: str, bottoms: str) -> tuple[str, str]:
        applied = apply(text, bottoms)
        assert [error.message for error in applied.errors] == []
        blobs = "unknown" if applied.blobs is None else " ".join(show(shape) for shape, _ in applied.blobs)
        return " ".join(map(show, applied.tops)), blobs

    return run


@pytest.fixture
def refuse(apply: Callable[[str, str], Applied]) -> Callable[[str, str], list[ShapeError]]:
    """The errors of a layer, those of its fillers included."""

    def run(text: str, bottoms: str) -> list[ShapeError]:
        applied = apply(text, bottoms)
        errors = list(applied.errors)
        layer = build(text, bottoms)
        for shape, filler in applied.blobs or ():
            if filler is not None and shape is not None:
                errors.extend(check_filler(value_at(layer, filler), shape, filler))
        return errors

    return run


def masks(word: str) -> Iterator[str]:
    """The shape with each of its dims unknown in turn, with all unknown, and without even its number of axes."""
    yield "unknown"
    if word in {"scalar", "unshaped", "unknown"}:
        return
    dims = word.split("x")
    yield "x".join("?" for _ in dims)
    for i in range(len(dims)):
        yield "x".join([*dims[:i], "?", *dims[i + 1 :]])


@pytest.fixture
def contradictions(apply: Callable[[str, str], Applied]) -> Callable[[str, str], list[str]]:
    """What is derived of partly unknown bottoms and is not so of the bottoms themselves, which must be accepted."""

    def run(text: str, bottoms: str) -> list[str]:
        words = bottoms.split()
        whole = apply(text, bottoms)
        found = []
        for i, word in enumerate(words):
            for mask in masks(word):
                masked = [*words[:i], mask, *words[i + 1 :]]
                part = apply(text, " ".join(masked))
                shapes = [*part.tops, *(shape for shape, _ in part.blobs or ())]
                wanted = [*whole.tops, *(shape for shape, _ in (whole.blobs or ()) if part.blobs is not None)]
                if part.errors or not all(map(fits, shapes, wanted)):
                    found.append(" ".join([*masked, "->", *map(show, shapes), *map(str, part.errors)]))
        return found

    return run


def fits(part: Shape | None, whole: Shape | None) -> bool:
    return part is None or whole is None or not part.differs(whole)
