from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.layers import Applied
    from netcompile.shapes import ShapeError

    Apply = Callable[[str, str], Applied]
    Derive = Callable[[str, str], tuple[str, str]]
    Refuse = Callable[[str, str], list[ShapeError]]
    Contradictions = Callable[[str, str], list[str]]

# A layer, its bottoms, its tops, its learned blobs.
ACCEPTED = [
    ('type: "InnerProduct" inner_product_param { num_output: 10 }', "64x50x4x4", "64x10", "10x800 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 bias_term: false }', "64x50", "64x10", "10x50"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 transpose: true }', "2x3x4", "2x10", "12x10 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 axis: 2 }', "2x3x4x5", "2x3x10", "10x20 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 axis: -1 }', "2x3x4", "2x3x10", "10x4 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 axis: 0 }', "7", "10", "10x7 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 bias_term: false }', "0x2", "0x10", "10x2"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 }', "?x3x4", "?x10", "10x12 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 }', "5x?x4", "5x10", "10x? 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 }', "unknown", "?x10", "10x? 10"),
    ('type: "InnerProduct" inner_product_param { num_output: 10 axis: -1 }', "unknown", "unknown", "10x? 10"),
    ('type: "Embed" embed_param { num_output: 5 input_dim: 100 }', "20x8", "20x8x5", "100x5 5"),
    ('type: "Embed" embed_param { num_output: 5 input_dim: 100 bias_term: false }', "0", "0x5", "100x5"),
    ('type: "Embed" embed_param { num_output: 5 input_dim: 100 }', "scalar", "5", "100x5 5"),
    ('type: "Embed" embed_param { num_output: 5 input_dim: 100 }', "?x8", "?x8x5", "100x5 5"),
    ('type: "Embed" embed_param { num_output: 5 input_dim: 100 }', "unknown", "unknown", "100x5 5"),
]

# A layer, its bottoms, the code of the refusal and its place.
REFUSED = [
    ('type: "InnerProduct"', "2x3", "missing-field", "inner_product_param"),
    ('type: "InnerProduct" inner_product_param { num_output: 0 }', "2x3", "bad-value",
     "inner_product_param.num_output"),
    ('type: "InnerProduct" inner_product_param { num_output: 4294967295 }', "2x3", "blob-too-large", ""),
    ('type: "InnerProduct" inner_product_param { num_output: 2 }', "7", "axis-range", "inner_product_param.axis"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 axis: -3 }', "2x3", "axis-range",
     "inner_product_param.axis"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 }', "0x3", "empty-blob", "bottom:0"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 bias_term: false }', "4x0", "empty-blob",
     "inner_product_param.weight_filler"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 weight_filler { type: "bilinear" } }', "2x3",
     "filler-shape", "inner_product_param.weight_filler"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 bias_filler { type: "gaussian" std: 0 } }', "2x3",
     "bad-value", "inner_product_param.bias_filler.std"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 }', "2x3 2x3", "bottom-count", "bottom:1"),
    ('type: "InnerProduct" inner_product_param { num_output: 2 } top: "x" top: "y"', "2x3", "top-count", "top:1"),
    ('type: "Embed" embed_param { num_output: 5 }', "2x3", "missing-field", "embed_param"),
    ('type: "Embed" embed_param { input_dim: 5 }', "2x3", "missing-field", "embed_param"),
    ('type: "Embed" embed_param { input_dim: 5 num_output: 0 }', "2x3", "bad-value", "embed_param.num_output"),
    ('type: "Embed" embed_param { input_dim: 5 num_output: 4 }', "2x0", "empty-blob", "bottom:0"),
    ('type: "Embed" embed_param { input_dim: 5 num_output: 4 }', "unshaped", "empty-blob", "bottom:0"),
    ('type: "Embed" embed_param { input_dim: 5 num_output: 4 weight_filler { type: "uniform" min: 2 } }', "2x3",
     "bad-value", "embed_param.weight_filler.min"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bottoms", "tops", "blobs"), ACCEPTED)
def test_shapes(text: str, bottoms: str, tops: str, blobs: str, derive: Derive) -> None:
    assert derive(text, bottoms) == (tops, blobs)


@pytest.mark.parametrize(("text", "bottoms"), [case[:2] for case in ACCEPTED])
def test_what_is_known_of_unknown_dims_is_so(text: str, bottoms: str, contradictions: Contradictions) -> None:
    assert contradictions(text, bottoms) == []


@pytest.mark.parametrize(("text", "bottoms", "code", "at"), REFUSED)
def test_refused(text: str, bottoms: str, code: str, at: str, refuse: Refuse) -> None:
    assert [(error.code, error.at) for error in refuse(text, bottoms)] == [(code, at)]


def test_a_missing_num_output_and_input_dim_are_two_findings(refuse: Refuse) -> None:
    assert [error.code for error in refuse('type: "Embed"', "2x3")] == ["missing-field", "missing-field"]


@pytest.mark.parametrize(
    ("text", "bottom", "macs"),
    [
        ('type: "InnerProduct" inner_product_param { num_output: 500 }', "64x50x4x4", 64 * 800 * 500),
        ('type: "InnerProduct" inner_product_param { num_output: 3 axis: 2 bias_term: false }', "2x5x7", 2 * 5 * 7 * 3),
        ('type: "Embed" embed_param { num_output: 5 input_dim: 100 }', "20x8", 0),
    ],
)
def test_multiply_accumulates(text: str, bottom: str, macs: int, apply: Apply) -> None:
    assert apply(text, bottom).macs == macs


def test_the_axis_error_names_the_bottom_and_the_default(refuse: Refuse) -> None:
    (error,) = refuse('type: "InnerProduct" inner_product_param { num_output: 2 } bottom: "conv"', "7")
    assert error.message == "axis 1 is out of range for conv (7), which has 1 axis"
    assert error.hint == "axis is 1 where it is not given"


def test_in_place_with_another_size_aborts_when_it_runs(apply: Apply) -> None:
    text = 'type: "InnerProduct" bottom: "x" top: "x" inner_product_param { num_output: 5 }'
    assert [error.code for error in apply(text, "2x7").later] == ["shape-mismatch"]
    assert not apply(text, "2x5").later
    assert not apply(text, "2x?").later
