"""Two nets compared by what they mean: what is no difference, and what is one."""

import json

import pytest
from comparing import DATA, LABEL, conv, difference, layer, told

from netcompile.diffing.report import to_json, to_text

CONV = DATA + conv("c", "data")
SAME = {
    "a default written out": (
        CONV,
        DATA + conv("c", "data", "stride: 1 pad: 0 dilation: 1 group: 1 bias_term: true axis: 1"),
    ),
    "both sides of a window": (CONV, CONV.replace("kernel_size: 3", "kernel_h: 3 kernel_w: 3")),
    "one size for each axis": (CONV, CONV.replace("kernel_size: 3", "kernel_size: 3 kernel_size: 3")),
    "a filler at its default": (CONV, DATA + conv("c", "data", 'bias_filler { type: "constant" value: 0 }')),
    "an empty message": (DATA + layer("r", "ReLU", "data"), DATA + layer("r", "ReLU", "data", more="relu_param {}")),
    "param entries at their defaults": (
        CONV,
        CONV.replace("convolution_param", "param { lr_mult: 1 } param {} convolution_param"),
    ),
    "a loss's own weight": (
        DATA + layer("l", "EuclideanLoss", "data data"),
        DATA + layer("l", "EuclideanLoss", "data data", more="loss_weight: 1"),
    ),
    "weights of 0 behind the first": (
        DATA + layer("s", "Split", "data", "a b", "loss_weight: 1 loss_weight: 0"),
        DATA + layer("s", "Split", "data", "a b", "loss_weight: 1"),
    ),
    "the order of independent layers": (
        DATA + conv("a", "data") + conv("b", "data"),
        DATA + conv("b", "data") + conv("a", "data"),
    ),
    "an old format": (
        'input: "data" input_dim: [2, 3, 8, 8] layers { name: "r" type: RELU bottom: "data" top: "r" }',
        DATA.replace('name: "data"', 'name: "input"', 1) + layer("r", "ReLU", "data"),
    ),
    "the phase that Caffe writes into a snapshot": (
        CONV,
        CONV.replace("convolution_param", "phase: TRAIN convolution_param"),
    ),
    "a rule for both phases": (
        CONV,
        CONV.replace("convolution_param", "include { phase: TRAIN } include { phase: TEST } convolution_param"),
    ),
    "net-level inputs": (
        'input: "a" input: "b" input_shape { dim: 2 } input_shape { dim: 3 }' + layer("r", "ReLU", "a"),
        layer("in", "Input", top="a", more="input_param { shape { dim: 2 } }")
        + layer("other", "Input", top="b", more="input_param { shape { dim: 3 } }")
        + layer("r", "ReLU", "a"),
    ),
    "what BatchNorm's param entries say in any case": (
        DATA + layer("b", "BatchNorm", "data"),
        DATA + layer("b", "BatchNorm", "data", more="param { lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 }"),
    ),
    "a decay where nothing is learned": (
        CONV.replace("convolution_param", "param { lr_mult: 0 } convolution_param"),
        CONV.replace("convolution_param", "param { lr_mult: 0 decay_mult: 0 } convolution_param"),
    ),
    "normalize: true, which is the default": (
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label"),
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label", more="loss_param { normalize: true }"),
    ),
    "normalize: false, in the newer words": (
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label", more="loss_param { normalization: BATCH_SIZE }"),
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label", more="loss_param { normalize: false }"),
    ),
    "normalization, which goes before normalize": (
        DATA + layer("l", "SigmoidCrossEntropyLoss", "data data", more="loss_param { normalization: FULL }"),
        DATA
        + layer("l", "SigmoidCrossEntropyLoss", "data data", more="loss_param { normalization: FULL normalize: true }"),
    ),
    "not a number": (
        DATA + layer("p", "Power", "data", more="power_param { scale: nan }"),
        DATA + layer("p", "Power", "data", more="power_param { scale: nan }"),
    ),
    "layers without names": ('layer { type: "ReLU" bottom: "x" top: "x" }',) * 2,
}


@pytest.mark.parametrize(("before", "after"), SAME.values(), ids=SAME)
def test_no_difference(before, after):
    found = difference(before, after)
    assert found.equal, to_text(found)
    assert to_text(found) == "A and B are the same net\n"
    assert difference(after, before).equal


MODEL = "weights of a model trained before"
RELU = DATA + conv("c", "data") + layer("r", "ReLU", "c", "c") + conv("d", "c")
CHANGES = {
    "an input's blob": (
        DATA + layer("r", "ReLU", "data"),
        DATA.replace('"data"', '"image"') + layer("r", "ReLU", "image"),
        ["layers", "  ~ 'data' is now 'image' (Input)"],
    ),
    "a type, and all that belongs to it": (
        CONV,
        DATA + layer("c", "InnerProduct", "data", more="inner_product_param { num_output: 7 bias_term: false }"),
        ["parameters and wiring", "  'c' (InnerProduct)", "    type: Convolution -> InnerProduct",
         "    convolution_param.num_output: 4 -> nothing", "    convolution_param.kernel_size: 3 -> nothing",
         "    num_output: nothing -> 7", "    bias_term: nothing -> false",
         "shapes", "  1 blob because of 'c'", "    c  2x4x6x6 -> 2x7", MODEL,
         "  'c' does not load: 4x3x3x3 + 4 there, 7x192 here"],
    ),
    "a type that reads another's message": (
        layer("d", "Data", top="d l", more='data_param { source: "a" batch_size: 2 backend: LMDB prefetch: 2 }'),
        layer("d", "ImageData", top="d l", more='image_data_param { source: "b" batch_size: 2 is_color: false }'
              " data_param { prefetch: 3 } transform_param { crop_size: 8 }"),
        ["parameters and wiring", "  'd' (ImageData)", "    type: Data -> ImageData",
         "    transform_param.crop_size: 0 -> 8",
         "    data_param.source: a -> nothing", "    data_param.batch_size: 2 -> nothing",
         "    data_param.backend: LMDB -> LEVELDB", "    data_param.prefetch: 2 -> 3",
         "    source: nothing -> b", "    batch_size: nothing -> 2", "    is_color: nothing -> false"],
    ),
    "BatchNorm's statistics, which Caffe refuses to learn": (
        DATA + layer("b", "BatchNorm", "data"),
        DATA + layer("b", "BatchNorm", "data", more="param { }"),
        ["parameters and wiring", "  'b' (BatchNorm)", "    param[0].lr_mult: 0 -> 1",
         MODEL, "  ? 'b': 3 + 3 + 1 there, unknown blobs here", "not known",
         "  B: BatchNorm 'b': param 0 leaves lr_mult at 1; the statistics of BatchNorm are not learned by gradient"],
    ),
    "normalize: true, which is no default there": (
        DATA + layer("l", "SigmoidCrossEntropyLoss", "data data"),
        DATA + layer("l", "SigmoidCrossEntropyLoss", "data data", more="loss_param { normalize: true }"),
        ["parameters and wiring", "  'l' (SigmoidCrossEntropyLoss)", "    normalization: BATCH_SIZE -> VALID"],
    ),
    "two layers of one name": (
        DATA + conv("c", "data", top="x") + conv("c", "data", top="y"),
        DATA + conv("c", "data", "bias_term: false", top="x") + conv("c", "data", "bias_term: false", top="y"),
        ["parameters and wiring", "  'c' (Convolution)", "    bias_term: true -> false", "    bias_term: true -> false",
         MODEL, "  'c' does not load: 4x3x3x3 + 4 there, 4x3x3x3 here"],
    ),
    "two layers of one name gone": (
        DATA + conv("c", "data", top="x") + conv("c", "data", top="y"),
        DATA,
        ["layers", "  - 'c' (Convolution)", "  - 'c' (Convolution)", MODEL, "  c: in the model, and not used"],
    ),
    "a level that takes a layer out": (
        CONV + layer("r", "ReLU", "c", more="include { min_level: 0 }"),
        CONV + layer("r", "ReLU", "c", more="include { min_level: 3 }"),
        ["layers", "  - 'r' (ReLU)", "parameters and wiring", "  'r' (ReLU)",
         "    include: [{min_level: 0}] -> [{min_level: 3}]  [other states]",
         "not known", "  shapes and weights in other states: --stage and --level choose one"],
    ),
    "a stage that brings a layer in": (
        CONV + layer("r", "ReLU", "c", more='include { phase: TEST stage: "a" }'),
        CONV + layer("r", "ReLU", "c", more="include { phase: TEST }"),
        ["layers", "  + 'r' (ReLU)  [TEST only]", "parameters and wiring", "  'r' (ReLU)",
         "    include: [{phase: TEST, stage: [a]}] -> [{phase: TEST}]  [other states]",
         "not known", "  shapes and weights in other states: --stage and --level choose one"],
    ),
    "a layer gone": (RELU, DATA + conv("c", "data") + conv("d", "c"), ["layers", "  - 'r' (ReLU)"]),
    "a layer in between, in place": (
        RELU,
        DATA + conv("c", "data") + layer("b", "BatchNorm", "c", "c") + layer("r", "ReLU", "c", "c") + conv("d", "c"),
        ["layers", "  + 'b' (BatchNorm)", MODEL, "  b: not in the model, starting afresh"],
    ),
    "a layer in between, with a top of its own": (
        RELU,
        DATA + conv("c", "data") + layer("r", "ReLU", "c", "c") + layer("p", "Power", "c") + conv("d", "p"),
        ["layers", "  + 'p' (Power)", "parameters and wiring", "  'd' (Convolution)", "    bottom: [c] -> [p]"],
    ),
    "renamed, with the blob": (
        DATA + conv("c", "data") + conv("d", "c"),
        DATA + conv("x", "data") + conv("d", "x"),
        ["layers", "  ~ 'c' is now 'x' (Convolution)", MODEL,
         "  x: not in the model, starting afresh", "  c: in the model, and not used"],
    ),
    "renamed in a chain, in place": (
        RELU,
        RELU.replace('"r"', '"s"').replace('"d"', '"e"'),
        ["layers", "  ~ 'r' is now 's' (ReLU)", "  ~ 'd' is now 'e' (Convolution)", MODEL,
         "  e: not in the model, starting afresh", "  d: in the model, and not used"],
    ),
    "siblings renamed, told apart by their parameters": (
        DATA + conv("a", "data", out=4) + conv("b", "data", out=8),
        DATA + conv("y", "data", out=8) + conv("x", "data", out=4),
        ["layers", "  ~ 'b' is now 'y' (Convolution)", "  ~ 'a' is now 'x' (Convolution)", MODEL,
         "  y, x: not in the model, starting afresh", "  a, b: in the model, and not used"],
    ),
    "siblings renamed, told apart by who reads them": (
        DATA + conv("a", "data") + conv("b", "data") + layer("r", "ReLU", "b"),
        DATA + conv("y", "data", "group: 1") + layer("r", "ReLU", "y") + conv("x", "data"),
        ["layers", "  ~ 'b' is now 'y' (Convolution)", "  ~ 'a' is now 'x' (Convolution)", MODEL,
         "  y, x: not in the model, starting afresh", "  a, b: in the model, and not used"],
    ),
    "renamed, in other words": (
        DATA + conv("c", "data", "stride: 1").replace("convolution_param", "param { lr_mult: 0 } convolution_param"),
        DATA + conv("d", "data").replace("convolution_param", "param { lr_mult: 0 decay_mult: 2 } convolution_param")
        + layer("r", "ReLU", "d"),
        ["layers", "  + 'r' (ReLU)", "  ~ 'c' is now 'd' (Convolution)", MODEL,
         "  d: not in the model, starting afresh", "  c: in the model, and not used"],
    ),
    "another layer in the place of one": (
        DATA + conv("c", "data") + layer("r", "ReLU", "c"),
        DATA + layer("p", "Pooling", "data", more="pooling_param { kernel_size: 1 }") + layer("r", "ReLU", "p"),
        ["layers", "  - 'c' (Convolution)", "  + 'p' (Pooling)", "parameters and wiring", "  'r' (ReLU)",
         "    bottom: [c] -> [p]", "shapes", "  1 blob because of 'p'", "    r  2x4x6x6 -> 2x3x8x8", MODEL,
         "  c: in the model, and not used"],
    ),
    "a type": (
        DATA + layer("r", "ReLU", "data", more="relu_param { negative_slope: 1 }"),
        DATA + layer("r", "ELU", "data", more="elu_param { alpha: 2 }"),
        ["parameters and wiring", "  'r' (ELU)", "    type: ReLU -> ELU",
         "    relu_param.negative_slope: 1 -> nothing", "    alpha: nothing -> 2"],
    ),
    "a field, and a default for one that was set": (
        DATA + conv("c", "data", "stride: 2 group: 1"),
        DATA + conv("c", "data", "pad: 1"),
        ["parameters and wiring", "  'c' (Convolution)", "    stride: 2 -> 1", "    pad: 0 -> 1",
         "shapes", "  1 blob because of 'c'", "    c  2x4x3x3 -> 2x4x8x8"],
    ),
    "the sides of a window": (
        CONV,
        CONV.replace("kernel_size: 3", "kernel_h: 3 kernel_w: 1 pad_w: 1"),
        ["parameters and wiring", "  'c' (Convolution)", "    kernel_size: 3 -> [3, 1]", "    pad: 0 -> [0, 1]",
         "shapes", "  1 blob because of 'c'", "    c  2x4x6x6 -> 2x4x6x10", MODEL,
         "  'c' does not load: 4x3x3x3 + 4 there, 4x3x3x1 + 4 here"],
    ),
    "multipliers, sharing and fillers": (
        CONV,
        CONV.replace("convolution_param {", 'param { name: "w" lr_mult: 0 } convolution_param {')
        .replace("kernel_size: 3", 'kernel_size: 3 weight_filler { type: "gaussian" std: 0.1 }'),
        ["parameters and wiring", "  'c' (Convolution)",
         "    weight_filler: {type: constant} -> {type: gaussian, std: 0.1}",
         "    param[0].name: nothing -> w", "    param[0].lr_mult: 1 -> 0"],
    ),
    "stored statistics, which TEST takes in any case": (
        DATA + layer("b", "BatchNorm", "data"),
        DATA + layer("b", "BatchNorm", "data", more="batch_norm_param { use_global_stats: true }"),
        ["parameters and wiring", "  'b' (BatchNorm)", "    use_global_stats: false -> true  [TRAIN only]"],
    ),
    "statistics of the batch, which TRAIN takes in any case": (
        DATA + layer("b", "BatchNorm", "data"),
        DATA + layer("b", "BatchNorm", "data", more="batch_norm_param { use_global_stats: false eps: 1 }"),
        ["parameters and wiring", "  'b' (BatchNorm)", "    eps: 1e-05 -> 1",
         "    use_global_stats: true -> false  [TEST only]"],
    ),
    "a field without a default": (
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label"),
        DATA + LABEL + layer("l", "SoftmaxWithLoss", "data label", more="loss_param { ignore_label: 0 }"),
        ["parameters and wiring", "  'l' (SoftmaxWithLoss)", "    ignore_label: nothing -> 0"],
    ),
    "a loss weight": (
        DATA + layer("l", "EuclideanLoss", "data data"),
        DATA + layer("l", "EuclideanLoss", "data data", more="loss_weight: 0"),
        ["parameters and wiring", "  'l' (EuclideanLoss)", "    loss_weight: 1 -> 0"],
    ),
    "one phase": (
        CONV,
        CONV.replace("convolution_param", "exclude { phase: TEST } convolution_param"),
        ["layers", "  - 'c' (Convolution)  [TEST only]"],
    ),
    "a stage": (
        CONV + layer("r", "ReLU", "c", more='include { phase: TEST stage: "a" }'),
        CONV + layer("r", "ReLU", "c", more='include { phase: TEST stage: "b" } relu_param { engine: CAFFE }'),
        ["parameters and wiring", "  'r' (ReLU)", "    engine: DEFAULT -> CAFFE  [other states]",
         "    include: [{phase: TEST, stage: [a]}] -> [{phase: TEST, stage: [b]}]  [other states]",
         "not known", "  shapes and weights in other states: --stage and --level choose one"],
    ),
    "a rule that leaves the layer where it is": (
        CONV,
        CONV.replace("convolution_param", 'include { not_stage: "deploy" } convolution_param'),
        ["parameters and wiring", "  'c' (Convolution)", "    include: nothing -> [{not_stage: [deploy]}]"],
    ),
    "the order of layers in place": (
        DATA + layer("a", "ReLU", "data", "data") + layer("b", "Power", "data", "data"),
        DATA + layer("b", "Power", "data", "data") + layer("a", "ReLU", "data", "data"),
        ["parameters and wiring", "  'b' (Power)", "    bottom: [data of a] -> [data of data]", "  'a' (ReLU)",
         "    bottom: [data of data] -> [data of b]"],
    ),
    "the net itself": ('name: "a" ' + CONV, 'name: "b" force_backward: true state { stage: "s" } ' + CONV,
                       ["net", "  name: a -> b", "  state.stage: nothing -> [s]", "  force_backward: false -> true"]),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "lines"), CHANGES.values(), ids=CHANGES)
def test_differences(before, after, lines):
    found = difference(before, after)
    assert not found.equal
    assert told(before, after) == lines
    json.dumps(to_json(found), allow_nan=False)


def test_json_has_text_for_what_is_no_number():
    before = DATA + layer("p", "Power", "data", more="power_param { scale: inf }")
    told = to_json(difference(before, before.replace("inf", "nan")))
    assert json.loads(json.dumps(told, allow_nan=False))["changed"] == [
        {
            "layer": "p",
            "type": "Power",
            "field": "power_param.scale",
            "before": "inf",
            "after": "nan",
            "phases": ["TRAIN", "TEST"],
        }
    ]
