from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.layers import LAYER_TYPES
from netcompile.layers.combining import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.layers import Applied
    from netcompile.shapes import ShapeError

    Apply = Callable[[str, str], Applied]
    Derive = Callable[[str, str], tuple[str, str]]
    Refuse = Callable[[str, str], list[ShapeError]]
    Contradictions = Callable[[str, str], list[str]]

# A layer, its bottoms, its tops.
ACCEPTED = [
    ('type: "Concat"', "2x3x4 2x5x4", "2x8x4"),
    ('type: "Concat"', "2x3", "2x3"),
    ('type: "Concat" concat_param { axis: 0 }', "2x3 1x3 4x3", "7x3"),
    ('type: "Concat" concat_param { axis: -1 }', "2x3 2x4", "2x7"),
    ('type: "Concat" concat_param { concat_dim: 2 }', "2x3x4 2x3x4", "2x3x8"),
    ('type: "Concat"', "2x0x4 2x5x4", "2x5x4"),
    ('type: "Concat"', "?x3x4 2x?x? ?x1x4", "2x?x4"),
    ('type: "Concat"', "?x3 ?x4", "?x7"),
    ('type: "Concat"', "unknown 2x3x4", "2x?x4"),
    ('type: "Concat"', "unknown unknown", "unknown"),
    ('type: "Slice" top: "x" top: "y" top: "z"', "2x6x4", "2x2x4 2x2x4 2x2x4"),
    ('type: "Slice"', "2x6", "2x6"),
    ('type: "Slice" slice_param { axis: -1 slice_point: 1 } top: "x" top: "y"', "2x6x4", "2x6x1 2x6x3"),
    ('type: "Slice" slice_param { slice_dim: 0 slice_point: 1 slice_point: 3 } top: "x" top: "y" top: "z"', "6x2",
     "1x2 2x2 3x2"),
    ('type: "Slice" slice_param { slice_point: 3 } top: "x" top: "y"', "2x3", "2x3 2x0"),
    ('type: "Slice" top: "x" top: "y"', "2x0", "2x0 2x0"),
    ('type: "Slice" bottom: "a" slice_param { slice_point: 3 } top: "a" top: "y"', "2x3", "2x3 2x0"),
    ('type: "Slice" top: "x" top: "y"', "?x?", "?x? ?x?"),
    ('type: "Slice" slice_param { slice_point: 3 } top: "x" top: "y"', "?x?", "?x3 ?x?"),
    ('type: "Slice" top: "x" top: "y"', "unknown", "unknown unknown"),
    ('type: "Split" top: "x" top: "y"', "2x3", "2x3 2x3"),
    ('type: "Split" top: "x"', "2x0", "2x0"),
    ('type: "Split" top: "x" top: "y"', "unknown", "unknown unknown"),
    ('type: "Eltwise"', "2x3 2x3 2x3", "2x3"),
    ('type: "Eltwise" eltwise_param { coeff: 1 coeff: -1 }', "2x3 2x3", "2x3"),
    ('type: "Eltwise" eltwise_param { operation: MAX coeff: 1 coeff: -1 }', "2x3 2x3", "2x3"),
    ('type: "Eltwise" eltwise_param { operation: PROD }', "scalar unshaped", "scalar"),
    ('type: "Eltwise"', "?x3x? 2x?x?", "2x3x?"),
    ('type: "Eltwise"', "unknown 2x3", "2x3"),
    ('type: "Eltwise"', "unknown unknown", "unknown"),
    ('type: "Silence"', "2x3 4 scalar unshaped unknown", ""),
    ('type: "Filter" top: "x" top: "y"', "4x3 4x5x6 4x1x1", "4x3 4x5x6"),
    ('type: "Filter"', "4x0 4", "4x0"),
    ('type: "Filter"', "?x3 4", "4x3"),
    ('type: "Filter"', "4x3 ?x?", "4x3"),
    ('type: "Filter"', "unknown 4", "unknown"),
    ('type: "Filter"', "4x3 unknown", "4x3"),
    ('type: "BatchReindex"', "4x3x2 7", "7x3x2"),
    ('type: "BatchReindex"', "4x3 0", "0x3"),
    ('type: "BatchReindex"', "scalar 7", "7"),
    ('type: "BatchReindex"', "4x? ?", "?x?"),
    ('type: "BatchReindex"', "4x3 unknown", "?x3"),
    ('type: "BatchReindex"', "unknown 7", "unknown"),
]  # fmt: skip

# A layer, its bottoms, the code of the refusal and its place.
REFUSED = [
    ('type: "Concat" top: "x"', "", "bottom-count", "bottom"),
    ('type: "Concat" concat_param { axis: 1 concat_dim: 1 }', "2x3", "conflicting-fields", "concat_param.concat_dim"),
    ('type: "Concat"', "3 4", "axis-range", "concat_param.axis"),
    ('type: "Concat" concat_param { concat_dim: 4294967295 }', "2x3", "axis-range", "concat_param.concat_dim"),
    ('type: "Concat"', "2x3 2x3x1", "shape-mismatch", "bottom:1"),
    ('type: "Concat"', "2x3x4 2x3x4 2x3x5", "shape-mismatch", "bottom:2"),
    ('type: "Concat"', "?x3x4 2x?x5", "shape-mismatch", "bottom:1"),
    ('type: "Concat"', "0x3", "empty-blob", "bottom:0"),
    ('type: "Concat"', "1x2000000000 1x2000000000", "blob-too-large", ""),
    ('type: "Slice" slice_param { axis: 1 slice_dim: 1 }', "2x3", "conflicting-fields", "slice_param.slice_dim"),
    ('type: "Slice" slice_param { slice_dim: 2 }', "2x3", "axis-range", "slice_param.slice_dim"),
    ('type: "Slice"', "3", "axis-range", "slice_param.axis"),
    ('type: "Slice" top: "x" top: "y"', "2x3", "count-mismatch", "top"),
    ('type: "Slice"', "0x3", "empty-blob", "bottom:0"),
    ('type: "Slice" slice_param { slice_point: 1 }', "2x3", "count-mismatch", "slice_param.slice_point"),
    ('type: "Slice" slice_param { slice_point: 0 } top: "x" top: "y"', "2x3", "bad-value", "slice_param.slice_point:0"),
    ('type: "Slice" slice_param { slice_point: 2 slice_point: 2 } top: "x" top: "y" top: "z"', "2x3", "bad-value",
     "slice_param.slice_point:1"),
    ('type: "Slice" slice_param { slice_point: 4 } top: "x" top: "y"', "2x3", "bad-value", "slice_param.slice_point:0"),
    ('type: "Slice" slice_param { slice_point: 1 slice_point: 2 } top: "x" top: "y" top: "z"', "?x2", "count-mismatch",
     "top"),
    ('type: "Slice" bottom: "a" top: "a" top: "y"', "2x4", "in-place-refused", "top:0"),
    ('type: "Split" bottom: "a" top: "a" top: "y"', "2x4", "in-place-refused", "top:0"),
    ('type: "Split" top: "x" top: "y"', "unshaped", "empty-blob", "bottom:0"),
    ('type: "Eltwise"', "2x3", "bottom-count", "bottom"),
    ('type: "Eltwise"', "2x3 2x4", "shape-mismatch", "bottom:1"),
    ('type: "Eltwise"', "2x3 2x3 2x3x1", "shape-mismatch", "bottom:2"),
    ('type: "Eltwise"', "?x3 2x? 3x3", "shape-mismatch", "bottom:2"),
    ('type: "Eltwise" eltwise_param { coeff: 1 }', "2x3 2x3", "count-mismatch", "eltwise_param.coeff"),
    ('type: "Eltwise" eltwise_param { operation: PROD coeff: 1 coeff: 2 }', "2x3 2x3", "conflicting-fields",
     "eltwise_param.coeff"),
    ('type: "Silence"', "", "bottom-count", "bottom"),
    ('type: "Silence" top: "x"', "2x3", "top-count", "top:0"),
    ('type: "Filter"', "4x3", "bottom-count", "bottom"),
    ('type: "Filter"', "4x3 4x3 4", "top-count", "top"),
    ('type: "Filter" top: "x" top: "y"', "4x3 4", "top-count", "top:1"),
    ('type: "Filter"', "4x3 4x2", "shape-mismatch", "bottom:1"),
    ('type: "Filter" top: "x" top: "y"', "4x3 5x3 4", "shape-mismatch", "bottom:1"),
    ('type: "Filter"', "0x3 0", "empty-blob", "bottom:1"),
    ('type: "Filter"', "scalar 4", "axis-count", "bottom:0"),
    ('type: "Filter"', "4x3 scalar", "axis-count", "bottom:1"),
    ('type: "BatchReindex"', "4x3", "bottom-count", "bottom"),
    ('type: "BatchReindex"', "4x3 7x1", "axis-count", "bottom:1"),
    ('type: "BatchReindex"', "4x3 scalar", "axis-count", "bottom:1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bottoms", "tops"), ACCEPTED)
def test_shapes(text: str, bottoms: str, tops: str, derive: Derive) -> None:
    assert derive(text, bottoms) == (tops, "")


@pytest.mark.parametrize(("text", "bottoms"), [case[:2] for case in ACCEPTED])
def test_what_is_known_of_unknown_dims_is_so(text: str, bottoms: str, contradictions: Contradictions) -> None:
    assert contradictions(text, bottoms) == []


@pytest.mark.parametrize(("text", "bottoms", "code", "at"), REFUSED)
def test_refused(text: str, bottoms: str, code: str, at: str, refuse: Refuse) -> None:
    assert [(error.code, error.at) for error in refuse(text, bottoms)] == [(code, at)]


@pytest.mark.parametrize("name", ["Concat", "Eltwise"])
@pytest.mark.parametrize(("bottoms", "rounded"), [("1x8x13x13 1x8x12x12", True), ("1x8x13x13 1x8x7x7", False)])
def test_sizes_that_differ_by_one_hint_at_rounding(name: str, bottoms: str, rounded: bool, refuse: Refuse) -> None:  # noqa: FBT001 - a case
    (error,) = refuse(f'type: "{name}"', bottoms)
    assert "a has 1x8x13x13, b has 1x8x" in error.message
    assert ("rounds" in (error.hint or "")) is rounded


def test_all_faults_of_slice_points_are_found(refuse: Refuse) -> None:
    errors = refuse('type: "Slice" slice_param { slice_point: 0 slice_point: 0 }', "2x3")
    assert [error.code for error in errors] == ["count-mismatch", "bad-value", "bad-value"]


@pytest.mark.parametrize(
    ("name", "fields", "in_place"),
    [
        ("Eltwise", "", "wrong"),
        ("Eltwise", "eltwise_param { operation: PROD }", "forward"),
        ("Eltwise", "eltwise_param { operation: MAX }", "wrong"),
        ("Concat", "", "wrong"),
        ("Split", "", "refused"),
    ],
)
def test_in_place(name: str, fields: str, in_place: str) -> None:
    layer = text_format.Parse(fields, LayerParameter(type=name))
    assert LAYER_TYPES[name].in_place_of(layer) == in_place


def test_gradients() -> None:
    assert LAYER_TYPES["Filter"].no_gradient == (-1,)
    assert LAYER_TYPES["BatchReindex"].no_gradient == (1,)
    assert {kind.no_gradient for kind in TYPES} == {(-1,), (1,), ()}


def test_what_a_spec_may_leave_out() -> None:
    assert {kind.name for kind in TYPES if kind.names_tops} == {"Filter", "Slice", "Split"}
    assert {kind.name for kind in TYPES if not kind.implies_bottom} == {"Concat", "Eltwise", "Silence"}


def test_a_scalar_has_no_items_to_reindex(apply: Apply) -> None:
    assert [error.code for error in apply('type: "BatchReindex"', "scalar 7").later] == ["axis-count"]
    assert not apply('type: "BatchReindex"', "4 7").later
    assert not apply('type: "BatchReindex"', "scalar 0").later
