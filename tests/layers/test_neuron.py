from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.layers import LAYER_TYPES
from netcompile.layers.neuron import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.layers import Applied
    from netcompile.shapes import ShapeError

    Apply = Callable[[str, str], Applied]
    Derive = Callable[[str, str], tuple[str, str]]
    Refuse = Callable[[str, str], list[ShapeError]]

ELEMENTWISE = [kind.name for kind in TYPES if kind.name != "PReLU"]


@pytest.mark.parametrize("shape", ["2x3x4x5", "7", "scalar", "0x3", "?x3x?", "1x2x3x4x5x6", "unknown"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_same_shape_and_nothing_learned(name: str, shape: str, derive: Derive) -> None:
    assert derive(f'type: "{name}"', shape) == (shape, "")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_unshaped_bottom_makes_a_scalar(name: str, derive: Derive) -> None:
    assert derive(f'type: "{name}"', "unshaped") == ("scalar", "")


@pytest.mark.parametrize("name", [*ELEMENTWISE, "PReLU"])
@pytest.mark.parametrize(
    ("given", "bottoms", "code"),
    [
        ("", "", "bottom-count"),
        ("", "2x3 2x3", "bottom-count"),
        ('top: "x" top: "y"', "2x3", "top-count"),
    ],
)
def test_one_bottom_and_one_top(name: str, given: str, bottoms: str, code: str, refuse: Refuse) -> None:
    assert code in [error.code for error in refuse(f'type: "{name}" {given}', bottoms)]


@pytest.mark.parametrize(
    ("text", "bottom", "blob"),
    [
        ("", "2x3", "3"),
        ("", "2x3x4x5", "3"),
        ("", "?x?x4x5", "?"),
        ("prelu_param { channel_shared: true }", "2x3x4", "scalar"),
        ("prelu_param { filler { type: 'gaussian' std: 0.1 } }", "2x3", "3"),
    ],
)
def test_prelu_learns_a_slope_per_channel(text: str, bottom: str, blob: str, derive: Derive) -> None:
    assert derive(f'type: "PReLU" {text}', bottom) == (bottom, blob)


def test_prelu_of_an_unknown_blob_has_one_blob(derive: Derive) -> None:
    assert derive('type: "PReLU"', "unknown") == ("unknown", "?")


ACCEPTED = [
    'type: "Clip" clip_param { min: -1 max: 1 }',
    'type: "Clip" clip_param { min: 2 max: 1 }',
    'type: "Exp" exp_param { base: 2 }',
    'type: "Exp" exp_param { base: 1 }',
    'type: "Exp" exp_param { base: -1 }',
    'type: "Log" log_param { base: 10 scale: 2 shift: 1 }',
    'type: "Dropout" dropout_param { dropout_ratio: 0 }',
    'type: "ReLU" relu_param { negative_slope: -3 }',
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted_parameters(text: str, derive: Derive) -> None:
    assert derive(text, "2x3") == ("2x3", "")


REFUSED = [
    ('type: "AbsVal" bottom: "x" top: "x"', "2x3", "in-place-refused", "top:0"),
    ('type: "Exp" exp_param { base: 0 }', "2x3", "bad-value", "exp_param.base"),
    ('type: "Exp" exp_param { base: -2 }', "2x3", "bad-value", "exp_param.base"),
    ('type: "Exp" exp_param { base: inf }', "2x3", "bad-value", "exp_param.base"),
    ('type: "Exp" exp_param { base: nan }', "2x3", "bad-value", "exp_param.base"),
    ('type: "Log" log_param { base: 1 }', "2x3", "bad-value", "log_param.base"),
    ('type: "Log" log_param { base: 0 }', "2x3", "bad-value", "log_param.base"),
    ('type: "Log" log_param { base: inf }', "2x3", "bad-value", "log_param.base"),
    ('type: "PReLU"', "3", "axis-count", "bottom:0"),
    ('type: "PReLU"', "scalar", "axis-count", "bottom:0"),
    ('type: "PReLU"', "1x2x3x4x5", "axis-count", ""),
    ('type: "PReLU"', "2x3x0", "empty-blob", "bottom:0"),
    ('type: "PReLU" prelu_param { channel_shared: true }', "2x0", "empty-blob", "bottom:0"),
    ('type: "PReLU" prelu_param { filler { type: "xaver" } }', "2x3", "unknown-filler", "prelu_param.filler.type"),
    ('type: "PReLU" prelu_param { channel_shared: true filler { type: "msra" } }', "2x3", "filler-shape",
     "prelu_param.filler"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bottom", "code", "at"), REFUSED)
def test_refused(text: str, bottom: str, code: str, at: str, refuse: Refuse) -> None:
    assert [(error.code, error.at) for error in refuse(text, bottom)] == [(code, at)]


def test_clip_needs_both_bounds_where_one_is_given() -> None:
    layer = LayerParameter(type="Clip", bottom=["x"], top=["y"])
    layer.clip_param.min = 1
    (check,) = LAYER_TYPES["Clip"].checks
    assert [(error.code, error.at) for error in check(layer)] == [("missing-field", "clip_param")]


@pytest.mark.parametrize(
    ("text", "aborts"),
    [
        ("dropout_param { dropout_ratio: 1.5 }", True),
        ("dropout_param { dropout_ratio: -0.5 } phase: TRAIN", True),
        ("dropout_param { dropout_ratio: 1.5 } phase: TEST", False),
        ("dropout_param { dropout_ratio: 1 }", False),
    ],
)
def test_a_dropout_ratio_out_of_range_aborts_in_training(text: str, aborts: bool, apply: Apply) -> None:  # noqa: FBT001
    applied = apply(f'type: "Dropout" {text}', "2x3")
    assert not applied.errors
    assert [error.code for error in applied.later] == ["bad-value"] * aborts


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('type: "AbsVal"', "refused"),
        ('type: "BNLL"', "forward"),
        ('type: "Clip"', "forward"),
        ('type: "Dropout"', "exact"),
        ('type: "ELU"', "exact"),
        ('type: "ELU" elu_param { alpha: -1 }', "forward"),
        ('type: "Exp"', "exact"),
        ('type: "Log"', "forward"),
        ('type: "Power"', "forward"),
        ('type: "PReLU"', "exact"),
        ('type: "ReLU"', "exact"),
        ('type: "ReLU" relu_param { negative_slope: 0.1 }', "exact"),
        ('type: "ReLU" relu_param { negative_slope: -0.1 }', "forward"),
        ('type: "Sigmoid"', "exact"),
        ('type: "Swish"', "exact"),
        ('type: "TanH"', "exact"),
        ('type: "Threshold"', "forward"),
    ],
)
def test_in_place(text: str, what: str) -> None:
    layer = text_format.Parse(text, LayerParameter())
    assert LAYER_TYPES[layer.type].in_place_of(layer) == what


def test_only_threshold_has_no_gradient_at_all() -> None:
    assert [kind.name for kind in TYPES if kind.no_gradient != ()] == ["Threshold"]
    assert LAYER_TYPES["Threshold"].no_gradient is None
