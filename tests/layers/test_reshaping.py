from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netcompile.layers.reshaping import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.shapes import ShapeError

    Derive = Callable[[str, str], tuple[str, str]]
    Refuse = Callable[[str, str], list[ShapeError]]
    Contradictions = Callable[[str, str], list[str]]

# A layer, its bottom, its top.
ACCEPTED = [
    ('type: "Flatten"', "2x3x4x5", "2x60"),
    ('type: "Flatten" flatten_param { axis: 2 }', "2x3x4x5", "2x3x20"),
    ('type: "Flatten" flatten_param { axis: 0 end_axis: 1 }', "2x3x4", "6x4"),
    ('type: "Flatten" flatten_param { axis: -3 end_axis: -2 }', "2x3x4x5", "2x12x5"),
    ('type: "Flatten" flatten_param { axis: 2 end_axis: 1 }', "2x3x4", "2x3x1x4"),
    ('type: "Flatten"', "2x3x0x4", "2x0"),
    ('type: "Flatten" flatten_param { axis: 0 }', "7", "7"),
    ('type: "Flatten"', "?x3x4", "?x12"),
    ('type: "Flatten"', "2x?x4", "2x?"),
    ('type: "Flatten"', "unknown", "?x?"),
    ('type: "Reshape" reshape_param { shape { dim: 6 dim: 4 } }', "2x3x4", "6x4"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }', "2x3x4", "2x12"),
    ('type: "Reshape" reshape_param { shape { dim: -1 } }', "2x3x4", "24"),
    ('type: "Reshape" reshape_param { shape { dim: -1 dim: 0 } }', "2x3x4", "8x3"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 0 dim: 2 dim: 2 } }', "2x3x4", "2x3x2x2"),
    ('type: "Reshape" reshape_param { shape { dim: -1 } axis: 1 }', "2x3x4", "2x12"),
    ('type: "Reshape" reshape_param { shape { dim: 1 dim: 1 } axis: -1 }', "2x3", "2x3x1x1"),
    ('type: "Reshape" reshape_param { shape { dim: 1 } axis: 1 num_axes: 0 }', "2x3", "2x1x3"),
    ('type: "Reshape" reshape_param { shape { dim: -1 } axis: 1 num_axes: 2 }', "2x3x4x5", "2x12x5"),
    ('type: "Reshape" reshape_param { shape { dim: 2 dim: 0 dim: -1 } num_axes: 1 }', "12x3x2", "2x3x2x3x2"),
    ('type: "Reshape"', "1x1", "scalar"),
    ('type: "Reshape" reshape_param { shape { } axis: 1 }', "5x1x1", "5"),
    ('type: "Reshape" reshape_param { shape { dim: 4294967297 dim: -1 } }', "2x3", "1x6"),
    # Dims that are not known: those that stay or are copied cancel.
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }', "?x3x4", "?x12"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 2 dim: -1 } }', "?x3x4", "?x2x6"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 4 dim: 3 } }', "?x3x4", "?x4x3"),
    ('type: "Reshape" reshape_param { shape { dim: -1 dim: 12 } }', "?x3x4", "?x12"),
    ('type: "Reshape" reshape_param { shape { dim: 5 dim: 12 } }', "?x3x4", "5x12"),
    ('type: "Reshape" reshape_param { shape { dim: -1 } axis: 1 num_axes: 1 }', "?x6x?", "?x6x?"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }', "unknown", "?x?"),
    ('type: "Reshape" reshape_param { shape { dim: 3 dim: 4 } }', "unknown", "3x4"),
    ('type: "Tile" tile_param { tiles: 3 }', "2x3x4", "2x9x4"),
    ('type: "Tile" tile_param { tiles: 3 axis: -1 }', "2x3x4", "2x3x12"),
    ('type: "Tile" tile_param { tiles: 3 axis: 0 }', "0", "0"),
    ('type: "Tile" tile_param { tiles: -1 }', "2x0", "2x0"),
    ('type: "Tile" tile_param { tiles: 2147483647 }', "1x3", "1x2147483645"),
    ('type: "Tile" tile_param { tiles: 3 }', "?x3x?", "?x9x?"),
    ('type: "Tile" tile_param { tiles: 3 }', "2x?", "2x?"),
    ('type: "Tile" tile_param { tiles: 3 }', "unknown", "unknown"),
    ('type: "Reduction"', "2x3x4", "scalar"),
    ('type: "Reduction" reduction_param { axis: 1 operation: MEAN }', "2x3x4", "2"),
    ('type: "Reduction" reduction_param { axis: -1 operation: SUMSQ }', "2x3x4", "2x3"),
    ('type: "Reduction" reduction_param { operation: ASUM }', "2x0", "scalar"),
    ('type: "Reduction" reduction_param { axis: 1 }', "0x3", "0"),
    ('type: "Reduction" bottom: "x" top: "x"', "2x0", "scalar"),
    ('type: "Reduction" reduction_param { axis: 1 }', "?x?x3", "?"),
    ('type: "Reduction"', "unknown", "scalar"),
    ('type: "Reduction" reduction_param { axis: 2 }', "unknown", "?x?"),
    ('type: "ArgMax"', "2x3x4x5", "2x1x1x1"),
    ('type: "ArgMax" argmax_param { top_k: 3 }', "2x10", "2x1x3"),
    ('type: "ArgMax" argmax_param { top_k: 3 out_max_val: true }', "2x10x1x1x1", "2x2x3x1x1"),
    ('type: "ArgMax"', "7", "7x1x1"),
    ('type: "ArgMax" argmax_param { axis: 1 top_k: 2 }', "2x3x4", "2x2x4"),
    ('type: "ArgMax" argmax_param { axis: -1 out_max_val: true }', "2x3x4", "2x3x1"),
    ('type: "ArgMax" argmax_param { axis: 1 top_k: 20 }', "2x?x4", "2x20x4"),
    ('type: "ArgMax" argmax_param { top_k: 20 }', "?x3x?", "?x1x20"),
    ('type: "ArgMax"', "unknown", "unknown"),
]

# A layer, its bottom, the code of the refusal and its place.
REFUSED = [
    ('type: "Flatten"', "7", "axis-range", "flatten_param.axis"),
    ('type: "Flatten" flatten_param { end_axis: 3 }', "2x3x4", "axis-range", "flatten_param.end_axis"),
    ('type: "Flatten" flatten_param { axis: 2 end_axis: 0 }', "2x3x4", "axis-range", "flatten_param.end_axis"),
    ('type: "Flatten" bottom: "x" top: "x"', "2x3x4", "in-place-refused", "top:0"),
    ('type: "Reshape" bottom: "x" top: "x"', "1x1", "in-place-refused", "top:0"),
    ('type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }', "2x3", "bad-value", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: -2 } }', "2x3", "bad-value", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { num_axes: -2 }', "2x3", "bad-value", "reshape_param.num_axes"),
    ('type: "Reshape" reshape_param { axis: 3 }', "2x3", "axis-range", "reshape_param.axis"),
    ('type: "Reshape" reshape_param { axis: -4 }', "2x3", "axis-range", "reshape_param.axis"),
    ('type: "Reshape" reshape_param { axis: 1 num_axes: 2 }', "2x3", "axis-range", "reshape_param.num_axes"),
    ('type: "Reshape" reshape_param { shape { dim: 2 dim: 3 dim: 0 } }', "2x3", "axis-range", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: 7 } }', "2x3", "count-mismatch", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: 4 dim: -1 } }', "2x3", "count-mismatch", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 5 dim: -1 } }', "?x3x4", "count-mismatch",
     "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: 0 dim: 13 } }', "?x3x4", "count-mismatch", "reshape_param.shape"),
    ('type: "Reshape"', "2x3", "count-mismatch", "reshape_param.shape"),
    ('type: "Reshape" reshape_param { shape { dim: 0 } }', "0", "empty-blob", "bottom:0"),
    ('type: "Reshape" reshape_param { shape { dim: 1 } }', "unshaped", "empty-blob", "bottom:0"),
    ('type: "Reshape" reshape_param { shape { dim: 2147483648 } }', "2", "blob-too-large", "reshape_param.shape"),
    ('type: "Tile"', "2x3", "missing-field", "tile_param"),
    ('type: "Tile" tile_param { tiles: 0 }', "2x3", "bad-value", "tile_param.tiles"),
    ('type: "Tile" tile_param { tiles: -1 }', "2x3", "bad-value", "tile_param.tiles"),
    ('type: "Tile" tile_param { tiles: 2 }', "7", "axis-range", "tile_param.axis"),
    ('type: "Tile" tile_param { tiles: 2147483647 }', "2x2", "blob-too-large", "tile_param.tiles"),
    ('type: "Tile" tile_param { tiles: 2147483647 }', "2x3", "blob-too-large", ""),
    ('type: "Reduction"', "scalar", "axis-range", "reduction_param.axis"),
    ('type: "Reduction" reduction_param { axis: -3 }', "2x3", "axis-range", "reduction_param.axis"),
    ('type: "Reduction"', "2x0", "empty-blob", "bottom:0"),
    ('type: "Reduction" reduction_param { operation: MEAN axis: 1 }', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "ArgMax" argmax_param { top_k: 0 }', "2x3", "bad-value", "argmax_param.top_k"),
    ('type: "ArgMax" argmax_param { top_k: 4 axis: 1 }', "2x3", "bad-value", "argmax_param.top_k"),
    ('type: "ArgMax" argmax_param { top_k: 13 }', "?x3x4", "bad-value", "argmax_param.top_k"),
    ('type: "ArgMax" argmax_param { axis: 2 }', "2x3", "axis-range", "argmax_param.axis"),
    ('type: "ArgMax"', "scalar", "axis-count", "bottom:0"),
    ('type: "ArgMax"', "2x0", "bad-value", "argmax_param.top_k"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bottom", "top"), ACCEPTED)
def test_shapes(text: str, bottom: str, top: str, derive: Derive) -> None:
    assert derive(text, bottom) == (top, "")


@pytest.mark.parametrize(("text", "bottoms"), [case[:2] for case in ACCEPTED])
def test_what_is_known_of_unknown_dims_is_so(text: str, bottoms: str, contradictions: Contradictions) -> None:
    assert contradictions(text, bottoms) == []


@pytest.mark.parametrize(("text", "bottoms", "code", "at"), REFUSED)
def test_refused(text: str, bottoms: str, code: str, at: str, refuse: Refuse) -> None:
    assert [(error.code, error.at) for error in refuse(text, bottoms)] == [(code, at)]


@pytest.mark.parametrize("name", [kind.name for kind in TYPES])
@pytest.mark.parametrize(
    ("given", "bottoms", "code"),
    [("", "", "bottom-count"), ("", "2x3 2x3", "bottom-count"), ('top: "x" top: "y"', "2x3", "top-count")],
)
def test_one_bottom_and_one_top(name: str, given: str, bottoms: str, code: str, refuse: Refuse) -> None:
    assert code in [error.code for error in refuse(f'type: "{name}" {given}', bottoms)]


@pytest.mark.parametrize(
    ("dims", "bottom", "message"),
    [
        ("dim: 0 dim: 13", "2x3x4", "a (2x3x4) has 24 elements, the new shape 2x13 has 26"),
        ("dim: 0 dim: 5 dim: -1", "2x3x4", "a (2x3x4) has 24 elements, no multiple of the 10 of 2x5x?"),
        ("dim: 0 dim: 13", "?x3x4", "a (?x3x4) has 12 elements, unknown dims aside, the new shape ?x13 has 13"),
    ],
)
def test_a_reshape_that_does_not_fit_says_by_how_much(dims: str, bottom: str, message: str, refuse: Refuse) -> None:
    (error,) = refuse(f'type: "Reshape" reshape_param {{ shape {{ {dims} }} }}', bottom)
    assert error.message == message


def test_argmax_has_no_gradient() -> None:
    assert [kind.name for kind in TYPES if kind.no_gradient is None] == ["ArgMax"]


def test_in_place() -> None:
    assert {kind.name for kind in TYPES if kind.in_place == "refused"} == {"Flatten", "Reshape"}
    assert {kind.in_place for kind in TYPES} == {"refused", "wrong"}
