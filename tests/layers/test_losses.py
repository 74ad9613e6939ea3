from __future__ import annotations

import pytest

from netcompile.layers import LAYER_TYPES

TWO = 'top: "x" top: "y" loss_weight: 1 loss_weight: 0'
MATRIX = 'infogain_loss_param { source: "m.binaryproto" }'


@pytest.mark.parametrize(
    ("text", "bottoms", "tops"),
    [
        ('type: "Accuracy"', "64x10 64", "scalar"),
        (f'type: "Accuracy" {TWO}', "64x10 64", "scalar 10"),
        ('type: "Accuracy" accuracy_param { axis: -1 top_k: 4 }', "2x3x4 3x2x1", "scalar"),
        ('type: "Accuracy"', "1x4 scalar", "scalar"),
        ('type: "Accuracy" accuracy_param { top_k: 0 }', "2x3x4x5 2x1x4x5", "scalar"),
        ('type: "Accuracy" accuracy_param { top_k: 2147483648 }', "64x4 64", "scalar"),
        (f'type: "Accuracy" {TWO}', "?x10 ?", "scalar 10"),
        (f'type: "Accuracy" {TWO}', "unknown 64", "scalar ?"),
        ('type: "ContrastiveLoss"', "8x4 8x4x1x1 8", "scalar"),
        ('type: "ContrastiveLoss"', "8x4 8x4 scalar", "scalar"),
        ('type: "ContrastiveLoss"', "8x4 8x4 3x1x1x1", "scalar"),
        ('type: "ContrastiveLoss"', "8x? ?x4x? unknown", "scalar"),
        ('type: "EuclideanLoss"', "128x1x21x21 128x1x21x21", "scalar"),
        ('type: "EuclideanLoss"', "8x4x2 8x8", "scalar"),
        ('type: "EuclideanLoss"', "?x4x2 8x?", "scalar"),
        ('type: "EuclideanLoss"', "unknown 8x4", "scalar"),
        ('type: "HingeLoss"', "8x4 8", "scalar"),
        ('type: "HingeLoss"', "8x4 8x2x3", "scalar"),
        ('type: "HingeLoss" bottom: "x" bottom: "y" top: "x"', "8x4 8", "scalar"),
        ('type: "HingeLoss"', "unknown ?", "scalar"),
        (f'type: "InfogainLoss" {MATRIX}', "8x4 8", "scalar"),
        (f'type: "InfogainLoss" {MATRIX} {TWO}', "8x4x2 8x2", "scalar 8x4x2"),
        ('type: "InfogainLoss"', "8x4 8 4x4", "scalar"),
        ('type: "InfogainLoss" infogain_loss_param { axis: 2 }', "8x4x2 8x4 1x1x2x2", "scalar"),
        (f'type: "InfogainLoss" {TWO}', "?x4 8 ?x4", "scalar ?x4"),
        ('type: "MultinomialLogisticLoss"', "8x4 8", "scalar"),
        ('type: "MultinomialLogisticLoss"', "8x4x3 8x1x1x1", "scalar"),
        ('type: "MultinomialLogisticLoss"', "8x4 unknown", "scalar"),
        ('type: "SigmoidCrossEntropyLoss"', "8x4 8x4", "scalar"),
        ('type: "SigmoidCrossEntropyLoss"', "8x4x3 8x12", "scalar"),
        ('type: "SigmoidCrossEntropyLoss"', "0x4 0x5", "scalar"),
        ('type: "SigmoidCrossEntropyLoss"', "?x4 ?x?", "scalar"),
        ('type: "SoftmaxWithLoss"', "64x10 64", "scalar"),
        ('type: "SoftmaxWithLoss"', "64x10 64x1x1x1", "scalar"),
        ('type: "SoftmaxWithLoss"', "2x21x5x6 2x1x5x6", "scalar"),
        ('type: "SoftmaxWithLoss" softmax_param { axis: -1 }', "2x3x4 2x3", "scalar"),
        ('type: "SoftmaxWithLoss" loss_weight: 0', "0x10 0", "scalar"),
        ('type: "SoftmaxWithLoss"', "?x10 ?x1", "scalar"),
        ('type: "SoftmaxWithLoss"', "unknown unknown", "scalar"),
    ],
)
def test_accepted(text, bottoms, tops, derive):
    assert derive(text, bottoms) == (tops, "")


LOSSES = [kind.name for kind in LAYER_TYPES.values() if kind.loss]


def test_there_are_seven_losses():
    assert len(LOSSES) == 7


COMMON = [
    ("8x4 9x4", "shape-mismatch", "bottom:1"),
    ("?x4 scalar", "axis-count", "bottom:1"),
    ("scalar 8", "axis-count", "bottom:0"),
    ("unshaped 8", "axis-count", "bottom:0"),
    ("8x4", "bottom-count", "bottom"),
]


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "ContrastiveLoss"])
@pytest.mark.parametrize(("bottoms", "code", "at"), COMMON)
def test_bottoms_have_items(name, bottoms, code, at, refuse):
    source = MATRIX if name == "InfogainLoss" else ""
    assert [(error.code, error.at) for error in refuse(f'type: "{name}" {source}', bottoms)] == [(code, at)]


@pytest.mark.parametrize(
    ("text", "bottoms", "code", "at"),
    [
        ('type: "Accuracy"', "64x10", "bottom-count", "bottom"),
        ('type: "Accuracy"', "10 10", "axis-range", "accuracy_param.axis"),
        ('type: "Accuracy" accuracy_param { axis: -3 }', "64x10 64", "axis-range", "accuracy_param.axis"),
        ('type: "Accuracy"', "64x10 63", "count-mismatch", "bottom:1"),
        ('type: "Accuracy"', "64x10 64x10", "count-mismatch", "bottom:1"),
        ('type: "Accuracy"', "64x10 0", "empty-blob", "bottom:1"),
        ('type: "Accuracy"', "64x10 unshaped", "empty-blob", "bottom:1"),
        ('type: "Accuracy" accuracy_param { top_k: 5 }', "64x4 64", "bad-value", "accuracy_param.top_k"),
        ('type: "Accuracy"', "64x0 64", "bad-value", "accuracy_param.top_k"),
        (f'type: "Accuracy" bottom: "x" bottom: "l" {TWO}', "64x10 64", "in-place-refused", "top:0"),
        ('type: "Accuracy" top: "x" top: "y" top: "z"', "64x10 64", "top-count", "top:2"),
        ('type: "ContrastiveLoss"', "8x4 8x4", "bottom-count", "bottom"),
        ('type: "ContrastiveLoss"', "8x4 8x5 8", "shape-mismatch", "bottom:1"),
        ('type: "ContrastiveLoss"', "8x4 9x4 8", "shape-mismatch", "bottom:1"),
        ('type: "ContrastiveLoss"', "8x4x2 8x4 8", "shape-mismatch", "bottom:0"),
        ('type: "ContrastiveLoss"', "8x4 8x4x1x2 8", "shape-mismatch", "bottom:1"),
        ('type: "ContrastiveLoss"', "8x4 8x4 8x2", "count-mismatch", "bottom:2"),
        ('type: "ContrastiveLoss"', "8x4 8x4 8x1x1x1x1", "axis-count", "bottom:2"),
        ('type: "ContrastiveLoss"', "scalar scalar 8", "axis-count", "bottom:0"),
        ('type: "EuclideanLoss"', "8x4 8x5", "count-mismatch", "bottom:1"),
        ('type: "EuclideanLoss"', "?x4 ?x5", "count-mismatch", "bottom:1"),
        ('type: "EuclideanLoss"', "0x4 0x5", "count-mismatch", "bottom:1"),
        ('type: "EuclideanLoss" bottom: "x" bottom: "y" top: "x"', "8x4 8x4", "in-place-refused", "top:0"),
        ('type: "InfogainLoss"', "8x4 8", "missing-field", ""),
        (
            'type: "InfogainLoss" infogain_loss_param { source: "" }',
            "8x4 8",
            "missing-field",
            "infogain_loss_param.source",
        ),
        (
            f'type: "InfogainLoss" {MATRIX} loss_param {{ normalize: false }}',
            "8x4 8",
            "bad-value",
            "loss_param.normalize",
        ),
        ('type: "InfogainLoss"', "8x4 8 4x5", "count-mismatch", "bottom:2"),
        (f'type: "InfogainLoss" {MATRIX}', "8x4 8x4", "count-mismatch", "bottom:1"),
        (f'type: "InfogainLoss" {MATRIX}', "8 8", "axis-range", "infogain_loss_param.axis"),
        (f'type: "InfogainLoss" {MATRIX}', "8x0 8", "empty-blob", "bottom:0"),
        (f'type: "InfogainLoss" {MATRIX} loss_weight: 0', "0x4 0", "empty-blob", "bottom:0"),
        (f'type: "InfogainLoss" {MATRIX} bottom: "x" bottom: "l" top: "x"', "8x4 8", "in-place-refused", "top:0"),
        ('type: "InfogainLoss"', "8x4 8 4x4 1", "bottom-count", "bottom:3"),
        ('type: "MultinomialLogisticLoss"', "8x4 8x2", "count-mismatch", "bottom:1"),
        ('type: "MultinomialLogisticLoss"', "8x4 8x1x1x1x1", "axis-count", "bottom:1"),
        (f'type: "MultinomialLogisticLoss" {TWO}', "8x4 8", "top-count", "top:1"),
        ('type: "SigmoidCrossEntropyLoss"', "8x4 8x5", "count-mismatch", "bottom:1"),
        ('type: "SigmoidCrossEntropyLoss" loss_weight: 2', "0x4 0x4", "empty-blob", "bottom:0"),
        ('type: "SoftmaxWithLoss"', "64x10 64x10", "count-mismatch", "bottom:1"),
        ('type: "SoftmaxWithLoss"', "?x10x4 ?x5", "count-mismatch", "bottom:1"),
        ('type: "SoftmaxWithLoss"', "64 64", "axis-range", "softmax_param.axis"),
        ('type: "SoftmaxWithLoss"', "64x0 64", "empty-blob", "bottom:0"),
        ('type: "SoftmaxWithLoss"', "0x10 0", "empty-blob", "bottom:0"),
        (f'type: "SoftmaxWithLoss" {TWO} loss_weight: 1 loss_weight: 0', "64x10 64", "top-count", "top:1"),
        ('type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "x"', "64x10 64", "in-place-refused", "top:0"),
    ],
)
def test_refused(text, bottoms, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(text, bottoms)] == [(code, at)]


def test_the_message_names_both_counts(refuse):
    (error,) = refuse('type: "EuclideanLoss" bottom: "conv3" bottom: "label"', "128x1x19x19 128x1x21x21")
    assert error.message == "bottoms differ in count: conv3 has 128x1x19x19 = 46208, label has 128x1x21x21 = 56448"
    (error,) = refuse('type: "EuclideanLoss" bottom: "conv3" bottom: "label"', "?x1x19x19 ?x1x21x21")
    assert (
        error.message == "bottoms differ in count: conv3 has ?x1x19x19, 361 per item, label has ?x1x21x21, 441 per item"
    )


@pytest.mark.parametrize(
    ("bottoms", "message", "hint"),
    [
        (
            "64x10 64x10",
            "a (64x10) needs 64 labels, one for each position off axis 1, but b has 64x10 = 640",
            "labels are class numbers, not one value for each class",
        ),
        (
            "2x4x5x21 2x4x5",
            "a (2x4x5x21) needs 210 labels, one for each position off axis 1, but b has 2x4x5 = 40",
            "`axis: 3` fits these labels",
        ),
        ("8x10x4 8x5", "a (8x10x4) needs 32 labels, one for each position off axis 1, but b has 8x5 = 40", None),
        ("?x10x4 ?x5", "a (?x10x4) needs 4 labels per item, but b has ?x5, 5 per item", None),
    ],
)
def test_the_message_says_how_many_labels(bottoms, message, hint, refuse):
    (error,) = refuse('type: "SoftmaxWithLoss"', bottoms)
    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize("name", ["EuclideanLoss", "HingeLoss", "MultinomialLogisticLoss"])
def test_over_four_axes_abort_when_it_runs(name, apply):
    labels = "8x1x1x1x1" if name == "EuclideanLoss" else "8"
    applied = apply(f'type: "{name}"', f"8x1x1x1x1 {labels}")
    assert not applied.errors
    assert [(error.code, error.at) for error in applied.later] == [("axis-count", "bottom:0")]
    assert not apply(f'type: "{name}"', "8x1x1x1 8").later


def test_top_k_is_compared_with_the_classes(refuse):
    (error,) = refuse('type: "Accuracy" accuracy_param { top_k: 5 }', "64x3 64")
    assert error.message == "top_k is 5, but a (64x3) has 3 classes on axis 1"


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_makes_its_own_top(name, derive):
    bottoms = "8x4 8x4 8" if name == "ContrastiveLoss" else "8x4 8x4" if name[:2] in ("Eu", "Si") else "8x4 8"
    source = MATRIX if name == "InfogainLoss" else ""
    assert derive(f'type: "{name}" {source}', bottoms) == ("scalar", "")


@pytest.mark.parametrize(
    ("name", "no_gradient", "unforced"),
    [
        ("Accuracy", (0, 1), ()),
        ("ContrastiveLoss", (), (2,)),
        ("EuclideanLoss", (), ()),
        ("HingeLoss", (1,), (1,)),
        ("InfogainLoss", (1, 2), (1,)),
        ("MultinomialLogisticLoss", (1,), (1,)),
        ("SigmoidCrossEntropyLoss", (1,), (1,)),
        ("SoftmaxWithLoss", (1,), (1,)),
    ],
)
def test_gradients(name, no_gradient, unforced):
    assert (LAYER_TYPES[name].no_gradient, LAYER_TYPES[name].unforced) == (no_gradient, unforced)
