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
    ('type: "BatchNorm"', "2x3x4x5", "2x3x4x5", "3 3 1"),
    ('type: "BatchNorm"', "2x3", "2x3", "3 3 1"),
    ('type: "BatchNorm"', "2x3x4x5x6", "2x3x4x5x6", "3 3 1"),
    ('type: "BatchNorm"', "?x3x?x?", "?x3x?x?", "3 3 1"),
    ('type: "BatchNorm"', "unknown", "unknown", "? ? 1"),
    ('type: "BatchNorm" param { lr_mult: 0 } param { lr_mult: 0 }', "2x3", "2x3", "3 3 1"),
    ('type: "BatchNorm" param { lr_mult: 1 } param { } param { lr_mult: 2 }', "2x3", "2x3", "3 3 1"),
    ('type: "MVN"', "2x3x4x5", "2x3x4x5", ""),
    ('type: "MVN"', "4x5", "4x5x1x1", ""),
    ('type: "MVN"', "scalar", "1x1x1x1", ""),
    ('type: "MVN"', "unshaped", "1x1x1x1", ""),
    ('type: "MVN"', "2x0x4x5", "2x0x4x5", ""),
    ('type: "MVN"', "?x3", "?x3x1x1", ""),
    ('type: "MVN"', "unknown", "?x?x?x?", ""),
    ('type: "Softmax"', "2x10", "2x10", ""),
    ('type: "Softmax" softmax_param { axis: 0 }', "10", "10", ""),
    ('type: "Softmax" softmax_param { axis: -4 }', "3x2x0x3", "3x2x0x3", ""),
    ('type: "Softmax"', "?x?", "?x?", ""),
    ('type: "Softmax"', "unknown", "unknown", ""),
    ('type: "Bias"', "2x3x4", "2x3x4", "3"),
    ('type: "Bias" bias_param { num_axes: 2 }', "2x3x4", "2x3x4", "3x4"),
    ('type: "Bias" bias_param { num_axes: -1 }', "2x3x4x5", "2x3x4x5", "3x4x5"),
    ('type: "Bias" bias_param { num_axes: 0 }', "2x3", "2x3", "scalar"),
    ('type: "Bias" bias_param { axis: -2 }', "2x3x4", "2x3x4", "3"),
    ('type: "Bias" bias_param { axis: 0 }', "7", "7", "7"),
    ('type: "Bias"', "0x3x4", "0x3x4", "3"),
    ('type: "Bias"', "?x3x?", "?x3x?", "3"),
    ('type: "Bias"', "unknown", "unknown", "?"),
    ('type: "Bias"', "2x3x4 3", "2x3x4", ""),
    ('type: "Bias"', "2x3x4 3x4", "2x3x4", ""),
    ('type: "Bias" bias_param { axis: 0 num_axes: -7 }', "2x3x4 2x3", "2x3x4", ""),
    ('type: "Bias"', "2x3x4 ?", "2x3x4", ""),
    ('type: "Bias" bias_param { axis: 9 }', "2x3x4 scalar", "2x3x4", ""),
    ('type: "Bias"', "2x3x4 unknown", "2x3x4", ""),
    ('type: "Bias"', "unshaped scalar", "scalar", ""),
    ('type: "Scale"', "2x3x4", "2x3x4", "3"),
    ('type: "Scale" scale_param { bias_term: true }', "2x3x4", "2x3x4", "3 3"),
    ('type: "Scale" scale_param { bias_term: true num_axes: -1 }', "2x3x4", "2x3x4", "3x4 3x4"),
    ('type: "Scale" scale_param { num_axes: 0 }', "2x3x4", "2x3x4", "scalar"),
    ('type: "Scale"', "5x1x0x5", "5x1x0x5", "1"),
    ('type: "Scale" scale_param { axis: -1 bias_term: true }', "4x0x5x3x5", "4x0x5x3x5", "5 5"),
    ('type: "Scale" scale_param { bias_term: true }', "?x3x?x?", "?x3x?x?", "3 3"),
    ('type: "Scale"', "unknown", "unknown", "?"),
    ('type: "Scale"', "2x3x4 3", "2x3x4", ""),
    ('type: "Scale" scale_param { axis: 0 bias_term: true }', "2x3x4 2x3", "2x3x4", "2x3"),
    ('type: "Scale" scale_param { bias_term: true }', "2x3x4 scalar", "2x3x4", "scalar"),
    ('type: "Scale" scale_param { axis: 9 }', "2x3x4 scalar", "2x3x4", ""),
]

# A layer, its bottoms, the code of the refusal and its place.
REFUSED = [
    ('type: "BatchNorm"', "3", "axis-count", "bottom:0"),
    ('type: "BatchNorm"', "scalar", "axis-count", "bottom:0"),
    ('type: "BatchNorm"', "0x3", "empty-blob", "bottom:0"),
    ('type: "BatchNorm"', "2x0x4", "empty-blob", "bottom:0"),
    ('type: "BatchNorm"', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "BatchNorm" param { lr_mult: 1 }', "2x3", "bad-value", "param:0"),
    ('type: "BatchNorm" param { lr_mult: 0 } param { decay_mult: 0 }', "2x3", "bad-value", "param:1"),
    ('type: "MVN"', "1x2x3x4x5", "axis-count", ""),
    ('type: "MVN"', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "MVN" mvn_param { across_channels: true }', "2x0x4x5", "empty-blob", "bottom:0"),
    ('type: "Softmax"', "10", "axis-range", "softmax_param.axis"),
    ('type: "Softmax" softmax_param { axis: -3 }', "2x10", "axis-range", "softmax_param.axis"),
    ('type: "Softmax"', "2x0", "empty-blob", "bottom:0"),
    ('type: "Bias"', "7", "axis-range", "bias_param.axis"),
    ('type: "Bias" bias_param { num_axes: 0 }', "7", "axis-range", "bias_param.axis"),
    ('type: "Bias" bias_param { axis: 0 }', "scalar", "axis-range", "bias_param.axis"),
    ('type: "Bias" bias_param { num_axes: -2 }', "2x3", "bad-value", "bias_param.num_axes"),
    ('type: "Bias" bias_param { num_axes: 2 }', "2x3", "axis-range", "bias_param.num_axes"),
    ('type: "Bias"', "2x0x4", "empty-blob", "bias_param.filler"),
    ('type: "Bias"', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "Bias"', "2x3x4 4", "shape-mismatch", "bottom:1"),
    ('type: "Bias"', "2x3x4 3x4x5", "axis-range", "bottom:1"),
    ('type: "Bias"', "2x3x4 3x?x5", "axis-range", "bottom:1"),
    ('type: "Bias" bias_param { axis: 3 }', "2x3x4 4", "axis-range", "bias_param.axis"),
    ('type: "Bias"', "2x3x0 3", "empty-blob", "bottom:0"),
    ('type: "Bias"', "2x3 3 3", "bottom-count", "bottom:2"),
    ('type: "Bias" bias_param { filler { type: "xavier" } num_axes: 0 }', "2x3", "filler-shape", "bias_param.filler"),
    ('type: "Scale"', "7", "axis-range", "scale_param.axis"),
    ('type: "Scale" scale_param { num_axes: -2 }', "2x3", "bad-value", "scale_param.num_axes"),
    ('type: "Scale" scale_param { num_axes: 3 }', "2x3x4", "axis-range", "scale_param.num_axes"),
    ('type: "Scale"', "0x3x0", "empty-blob", "bottom:0"),
    ('type: "Scale" scale_param { bias_term: true }', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "Scale"', "2x3x4 4", "shape-mismatch", "bottom:1"),
    ('type: "Scale"', "2x?x4 3x5", "shape-mismatch", "bottom:1"),
    ('type: "Scale" scale_param { axis: 9 bias_term: true }', "2x3x4 scalar", "axis-range", "scale_param.axis"),
    ('type: "Scale" scale_param { bias_term: true bias_filler { type: "x" } }', "2x3", "unknown-filler",
     "scale_param.bias_filler.type"),
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


def test_every_learned_statistic_is_a_finding(refuse: Refuse) -> None:
    errors = refuse('type: "BatchNorm" param { lr_mult: 0.5 } param { name: "v" }', "2x3")
    assert [error.at for error in errors] == ["param:0", "param:1"]
    assert "has lr_mult 0.5" in errors[0].message
    assert "leaves lr_mult at 1" in errors[1].message


def test_fillers_stand_in_the_order_of_the_blobs(apply: Apply) -> None:
    applied = apply('type: "Scale" scale_param { bias_term: true }', "2x3")
    assert applied.blobs is not None
    assert [filler for _, filler in applied.blobs] == ["scale_param.filler", "scale_param.bias_filler"]
    applied = apply('type: "BatchNorm"', "2x3")
    assert applied.blobs is not None
    assert [filler for _, filler in applied.blobs] == [None, None, None]


def test_the_refusal_of_a_second_bottom_names_both(refuse: Refuse) -> None:
    (error,) = refuse('type: "Scale" bottom: "conv" bottom: "gate"', "2x3x4 5")
    assert error.message == "gate has 5, but conv (2x3x4) has 3 from axis 1 on"


STORED = "blobs { shape { dim: 3 } }"
WIDER = "blobs { shape { dim: 3 dim: 4 } }"


@pytest.mark.parametrize(
    ("text", "bottoms", "at"),
    [
        (f'type: "Bias" {STORED}', "2x3", None),
        (f'type: "Bias" bias_param {{ num_axes: -9 }} {WIDER}', "2x3x4", None),
        (f'type: "Bias" {STORED}', "2x4", "blobs:0"),
        (f'type: "Bias" {WIDER}', "2x3", "blobs:0"),
        (f'type: "Bias" {WIDER}', "2x3 3", None),
        (f'type: "Scale" {STORED}', "2x4", "blobs:0"),
        (f'type: "Scale" {STORED} {WIDER}', "2x3", None),
        (f'type: "Scale" scale_param {{ bias_term: true }} {STORED} {WIDER}', "2x3", "blobs:1"),
        (f'type: "Scale" scale_param {{ bias_term: true }} {STORED} {WIDER}', "2x3x4", None),
        (f'type: "Scale" scale_param {{ bias_term: true }} {WIDER}', "2x3 3", "blobs:0"),
    ],
)
def test_stored_blobs_must_fit_the_first_bottom(text: str, bottoms: str, at: str | None, apply: Apply) -> None:
    assert [error.at for error in apply(text, bottoms).errors] == ([at] if at else [])
