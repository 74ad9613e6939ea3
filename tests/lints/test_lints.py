"""When each lint fires, and when it does not: one table by theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netcompile.codes import CODES
from netcompile.lints import LAYER_LINTS, LINTS, NET_LINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    Lints = Callable[..., list[str]]

CONV = "{name: conv, type: Convolution, num_output: 6, kernel_size: 3, weight_filler: msra, bottom: data}"
RELU = "{name: relu, type: ReLU, in_place: true}"
BN = "{name: bn, type: BatchNorm, in_place: true}"
SCALE = "{name: scale, type: Scale, in_place: true, bias_term: true}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([CONV, RELU], []),
        ([CONV, BN, SCALE, RELU], []),
        # in place: values
        ([CONV, "{name: x, type: LRN, in_place: true}"], ["in-place-values x"]),
        ([CONV, "{name: x, type: LRN}"], []),
        ([CONV, "{name: x, type: Pooling, pool: MAX, kernel_size: 1, in_place: true}"], ["in-place-values x"]),
        (["{name: x, type: Power, bottom: data, top: data}"], ["in-place-values x"]),  # constant data
        # in place: the layer's own gradient
        ([CONV, "{name: x, type: Power, power: 2, in_place: true}"], ["in-place-gradient x"]),
        ([CONV, "{name: x, type: BNLL, in_place: true}"], ["in-place-gradient x"]),
        ([CONV, "{name: x, type: BNLL}"], []),
        ([CONV, "{name: x, type: ReLU, negative_slope: 0.1, in_place: true}"], []),
        ([CONV, "{name: x, type: ReLU, negative_slope: -0.1, in_place: true}"], ["in-place-gradient x"]),
        # in place: the gradient of the layer before
        ([CONV, "{name: a, type: Sigmoid}", "{name: x, type: Dropout, in_place: true}"], ["in-place-gradient x"]),
        ([CONV, "{name: a, type: Sigmoid}", "{name: x, type: ReLU, in_place: true}"], []),
        ([CONV, "{name: a, type: TanH, in_place: true}", "{name: x, type: Dropout, in_place: true}"],
         ["in-place-gradient x"]),
        ([CONV, RELU, "{name: x, type: Dropout, in_place: true}"], []),
        ([CONV, RELU, BN, SCALE], ["in-place-gradient bn"]),
        ([CONV, "{name: relu, type: ReLU}", BN, SCALE], []),
        ([CONV, "{name: a, type: LRN}", "{name: x, type: Dropout, in_place: true}"], ["in-place-gradient x"]),
        ([CONV, "{name: a, type: LRN}", "{name: x, type: ReLU, in_place: true}"], []),
        ([CONV, "{name: a, type: LRN, norm_region: WITHIN_CHANNEL}", "{name: x, type: Dropout, in_place: true}"], []),
        ([CONV, "{name: a, type: Pooling, pool: MAX, kernel_size: 2}", "{name: x, type: TanH, in_place: true}"], []),
        ([CONV, "{name: a, type: Sigmoid}", "{name: f, type: Flatten}", "{name: x, type: Dropout, in_place: true}"],
         ["in-place-gradient x"]),  # the same memory under another name
        # lost between layers that share memory
        ([CONV, "{name: r, type: Reshape, shape: {dim: [0, 0, -1]}}", "{name: x, type: Flatten}"], ["lost-gradient x"]),
        ([CONV, "{name: c, type: Concat, bottom: conv}", "{name: x, type: Flatten}"], ["lost-gradient x"]),
        ([CONV, "{name: f, type: Flatten}", "{name: r, type: Reshape, shape: {dim: [0, -1]}}"], []),
        (["{name: r, type: Reshape, shape: {dim: [0, 0, -1]}, bottom: data}", "{name: x, type: Flatten}"], []),
        # BatchNorm
        ([CONV, BN, RELU], ["batch-norm-alone bn"]),
        ([CONV, "{name: bn, type: BatchNorm, in_place: true, use_global_stats: true}", SCALE], ["batch-norm-phase bn"]),
        ([CONV, "{name: bn, type: BatchNorm, in_place: true, use_global_stats: false}", SCALE],
         ["batch-norm-phase bn"]),
        ([CONV, ("{name: bn, type: BatchNorm, in_place: true, train: {use_global_stats: false}, "
                "test: {use_global_stats: true}}"), SCALE], []),
        # fields and values
        ([CONV, "{name: x, type: Dropout, dropout_ratio: 1, in_place: true}"], ["odd-value x"]),
        ([CONV, "{name: x, type: Dropout, dropout_ratio: 0.9, in_place: true}"], []),
        ([CONV, "{name: x, type: ReLU, pooling_param: {kernel_size: 2}}"], ["unused-field x"]),
        ([CONV, "{name: x, type: Scale, bias_filler: {value: 1}}"], ["unused-field x"]),
        ([CONV, "{name: x, type: Scale, bias_term: true, bias_filler: {value: 1}}"], []),
        ([CONV, "{name: x, type: LRN, norm_region: WITHIN_CHANNEL, k: 2}"], ["unused-field x"]),
        ([CONV, "{name: x, type: LRN, k: 2}"], []),
        ([CONV, "{name: x, type: Clip}"], ["odd-value x"]),
        ([CONV, "{name: x, type: Clip, min: 2, max: 1}"], ["odd-value x"]),
        ([CONV, "{name: x, type: Clip, min: -1, max: 1}"], []),
        ([CONV, "{name: x, type: ReLU, phase: TEST}"], ["layer-phase x"]),
        ([CONV, "{name: x, type: Eltwise, bottom: [conv, conv]}"], ["odd-value x"]),
        ([CONV, "{name: x, type: Eltwise, bottom: [conv, conv], operation: PROD}"], []),
        ([CONV, "{name: x, type: Pooling, pool: MAX, kernel_size: 6, stride: 7}"], []),  # one window, no gap
        ([CONV, "{name: x, type: Pooling, pool: MAX, kernel_size: 2, stride: 4}"], ["stride-gap x"]),
        ([CONV, "{name: x, type: Pooling, pool: MAX, kernel_size: 1, stride: 2}"], []),
        ([CONV, "{name: x, type: Pooling, pool: MAX, kernel_size: 3, stride: 3}"], []),
        # names
        ([CONV, "{name: conv, type: ReLU, top: y}"], ["duplicate-layer conv"]),
        ([CONV, "{name: conv, type: ReLU, top: y, train: {}, test: {}}"], ["duplicate-layer conv"]),
    ],
)  # fmt: skip
def test_layers_of_a_net_in_training(trained: Lints, layers: list[str], expected: list[str]) -> None:
    assert trained(*layers) == expected


DATA = "{name: data, type: DummyData, top: [data, label], shape: [{dim: [4, 3, 8, 8]}, {dim: 4}]}"
IP = "{name: ip, type: InnerProduct, num_output: 5, weight_filler: xavier, bottom: data}"
LOSS = "{name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}"
SOLVER = "solver: {base_lr: 0.1, lr_policy: fixed, max_iter: 9%s}\n"


def ip(name: str, bottom: str, rest: str = "weight_filler: xavier", n: int = 5) -> str:
    return f"{{name: {name}, type: InnerProduct, num_output: {n}, bottom: {bottom}, {rest}}}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([DATA, IP, LOSS], []),
        # who reads what
        ([DATA, IP, "{name: x, type: Softmax}", LOSS], ["unused-top x"]),
        ([DATA, IP, "{name: x, type: Softmax, include: TEST}", LOSS], []),
        ([DATA, IP, "{name: x, type: Softmax}", "{name: s, type: Silence, bottom: x}", LOSS], []),
        ([DATA, IP, "{name: x, type: Reduction}", LOSS], []),  # a number to look at
        ([DATA, IP, "{name: x, type: Reduction, loss_weight: 1}", LOSS], []),
        ([DATA, IP, "{name: a, type: Accuracy, bottom: [ip, label]}", LOSS], []),
        ([DATA, IP, ip("x", "data"), LOSS], ["unused-top x"]),
        ([DATA, "{name: spare, type: DummyData, shape: {dim: 3}}", IP, LOSS], []),
        ([DATA, IP], []),  # no loss: perhaps a deploy net
        # what no gradient gets to
        ([DATA, IP, ip("x", "data"), "{name: a, type: Accuracy, bottom: [x, label]}", LOSS], ["untrained-layer x"]),
        ([DATA, IP, ip("x", "data", "weight_filler: xavier, param: [{lr_mult: 0}, {lr_mult: 0}]"),
          "{name: a, type: Accuracy, bottom: [x, label]}", LOSS], []),
        ([DATA, IP, ip("x", "data"), ip("y", "x"), "{name: a, type: Accuracy, bottom: [y, label]}", LOSS],
         ["untrained-layer y"]),
        ([DATA, IP, ip("x", "data"), "{name: s, type: Silence, bottom: x}", LOSS], []),
        ([DATA, ip("x", "data"), ip("ip", "x", "weight_filler: xavier, propagate_down: false"), LOSS],
         ["untrained-layer x"]),
        ([DATA, ip("x", "data"), ip("ip", "x", "weight_filler: xavier, propagate_down: true"), LOSS], []),
        ([DATA, IP, LOSS, ip("x", "data"), "{name: aux, type: SoftmaxWithLoss, bottom: [x, label], loss_weight: 0}"],
         ["untrained-layer x"]),
        # losses that are read
        ([DATA, IP, LOSS, "{name: s, type: Silence, bottom: loss}"], ["loss-top-read loss"]),
        ([DATA, IP, LOSS, "{name: p, type: Power, bottom: loss, loss_weight: 1}"], ["loss-top-read loss"]),
        ([DATA, IP, "{name: loss, type: SoftmaxWithLoss, bottom: [ip, label], loss_weight: 1}",
          "{name: s, type: Silence, bottom: loss}"], ["loss-top-read loss"]),
        ([DATA, IP, LOSS, "{name: s, type: Silence, bottom: loss, include: TEST}"], []),
        ([DATA, IP, "{name: r, type: Reduction, loss_weight: 1}", "{name: s, type: Silence, bottom: r}"], []),
        ([DATA, IP, "{name: x, type: Slice, top: [a, b], slice_point: 2, loss_weight: [1, 1]}",
          "{name: s, type: Silence, bottom: a}"], ["loss-top-read x"]),
        # weights that start at 0
        ([DATA, ip("ip", "data", "bias_term: true"), LOSS], ["zero-weights ip"]),
        ([DATA, ip("ip", "data", "weight_filler: {type: constant}"), LOSS], ["zero-weights ip"]),
        ([DATA, ip("ip", "data", "weight_filler: {std: 0.1}"), LOSS], ["zero-weights ip"]),
        ([DATA, ip("ip", "data", "weight_filler: {type: constant, value: 0}"), LOSS], []),  # the last layer learns
        ([DATA, ip("x", "data", "weight_filler: {type: constant, value: 0}"), "{name: r, type: ReLU}", ip("ip", "r"),
          LOSS], ["zero-weights x"]),
        ([DATA, ip("x", "data", "weight_filler: {type: constant, value: 0}, bias_filler: {value: 1}"),
          "{name: r, type: ReLU}", ip("ip", "r"), LOSS], []),
        ([DATA, ip("x", "data", "param: [{lr_mult: 0}, {lr_mult: 0}]"), ip("ip", "x"), LOSS], []),
        ([DATA, ip("a", "data", "bias_term: true"), ip("b", "a", "bias_term: true"), ip("ip", "b", "bias_term: true"),
          LOSS], ["zero-weights a"]),  # said once
        ([DATA, ip("ip", "data", "weight_filler: {type: xavier, std: 1}"), LOSS], ["unused-field ip"]),
        # shared weights
        ([DATA, ip("a", "data", "weight_filler: xavier, param: [{name: w}, {name: b}]"),
          ip("b", "data", "weight_filler: msra, param: [{name: w}, {name: b}]"),
          "{name: e, type: EuclideanLoss, bottom: [a, b]}"], ["shared-filler b"]),
        ([DATA, ip("a", "data", "weight_filler: xavier, param: [{name: w}, {name: b}]"),
          ip("b", "data", "weight_filler: xavier, param: [{name: w}, {name: b}]"),
          "{name: e, type: EuclideanLoss, bottom: [a, b]}"], []),
        # losses and what they get
        ([DATA, IP, "{name: p, type: Softmax}", "{name: l, type: SoftmaxWithLoss, bottom: [p, label]}"],
         ["loss-input l"]),
        ([DATA, IP, "{name: l, type: MultinomialLogisticLoss, bottom: [ip, label]}"], ["loss-input l"]),
        ([DATA, IP, "{name: p, type: Softmax}", "{name: l, type: MultinomialLogisticLoss, bottom: [p, label]}"], []),
        ([DATA, ip("x", "data", n=1), "{name: l, type: SoftmaxWithLoss, bottom: [x, label]}"], ["one-class l"]),
        ([DATA, IP, ip("x", "data", n=7), LOSS, "{name: l, type: SoftmaxWithLoss, bottom: [x, label]}"],
         ["class-count l"]),
        ([DATA, IP, LOSS, "{name: a, type: Accuracy, bottom: [ip, label], top_k: 5}"], ["odd-value a"]),
        ([DATA, IP, LOSS, "{name: a, type: Accuracy, bottom: [ip, label], top_k: 4}"], []),
        ([DATA, IP, "{name: l, type: EuclideanLoss, bottom: [ip, ip]}"], ["odd-value l"]),
        (["{name: d, type: DummyData, top: [x, y], shape: [{dim: [2, 1, 3, 4]}, {dim: [2, 1, 4, 3]}]}",
          "{name: l, type: EuclideanLoss, bottom: [x, y]}"], ["swapped-axes l"]),
        (["{name: d, type: DummyData, top: [x, y], shape: [{dim: [2, 1, 3, 4]}, {dim: [2, 12]}]}",
          "{name: l, type: EuclideanLoss, bottom: [x, y]}"], []),
        ([DATA, IP, "{name: p, type: Python, module: m, layer: MyLoss, bottom: [ip, label]}"], ["unweighted-loss p"]),
        ([DATA, IP, "{name: p, type: Python, module: m, layer: MyLoss, bottom: [ip, label], loss_weight: 1}"], []),
        ([DATA, IP, "{name: p, type: Python, module: a/m.py, layer: My, bottom: ip}", LOSS], ["python-module p"]),
        ([DATA, IP, "{name: loss, type: SoftmaxWithLoss, bottom: [ip, label], include: TEST}"], ["no-loss loss"]),
        # upsampling
        (["{name: d, type: DummyData, top: [x, y], shape: [{dim: [2, 3, 4, 4]}, {dim: [2, 3, 8, 8]}]}",
          ("{name: up, type: Deconvolution, bottom: x, num_output: 3, kernel_size: 4, stride: 2, pad: 1, "
          "weight_filler: bilinear}"), "{name: l, type: EuclideanLoss, bottom: [up, y]}"], ["upsampling up"]),
        (["{name: d, type: DummyData, top: [x, y], shape: [{dim: [2, 3, 4, 4]}, {dim: [2, 3, 8, 8]}]}",
          ("{name: up, type: Deconvolution, bottom: x, num_output: 3, group: 3, kernel_size: 4, stride: 2, pad: 1, "
          "weight_filler: bilinear}"), "{name: l, type: EuclideanLoss, bottom: [up, y]}"], []),
        # data
        (["{name: d, type: Data, top: [data, label], source: a_lmdb, batch_size: 2}"], ["odd-value d"]),
        (["{name: d, type: Data, top: [data, label], source: a_lmdb, backend: LMDB, batch_size: 2}"], []),
        (["{name: d, type: Data, top: [data, label], source: a, batch_size: 2, transform_param: {mirror: true}}"],
         ["random-test d"]),
        ([("{name: d, type: Data, top: [data, label], source: a, batch_size: 2, "
          "train: {transform_param: {mirror: true}}}")], []),
    ],
)  # fmt: skip
def test_nets(lints: Lints, layers: list[str], expected: list[str]) -> None:
    assert lints(layers) == expected


@pytest.mark.parametrize(
    ("layers", "solver", "expected"),
    [
        ([DATA, IP], "", ["no-loss ip"]),
        ([DATA, IP, LOSS], "", []),
        ([DATA, ip("ip", "data", "bias_term: true"), LOSS], ", weights: a.caffemodel", []),
        ([DATA, "{name: p, type: Pooling, pool: STOCHASTIC, kernel_size: 2, bottom: data}", ip("ip", "p"), LOSS],
         ", solver_mode: CPU", ["cpu-mode p"]),
        ([DATA, "{name: p, type: Pooling, pool: STOCHASTIC, kernel_size: 2, bottom: data}", ip("ip", "p"), LOSS],
         "", []),
        ([DATA, IP, LOSS, "{name: a, type: Accuracy, bottom: [ip, label], include: {stage: on-tset}}"],
         ", test_iter: 1, test_interval: 1, test_state: {stage: on-test}", ["unknown-stage a"]),
        ([DATA, IP, LOSS, "{name: a, type: Accuracy, bottom: [ip, label], include: {stage: on-test}}"],
         ", test_iter: 1, test_interval: 1, test_state: {stage: on-test}", []),
    ],
)  # fmt: skip
def test_nets_of_a_solver(lints: Lints, layers: list[str], solver: str, expected: list[str]) -> None:
    assert lints(layers, SOLVER % solver) == expected


def test_weights_that_differ_between_the_phases(lints: Lints) -> None:
    shapes = "train: {shape: [{dim: [4, 3, 8, 8]}, {dim: 4}]}, test: {shape: [{dim: [2, 3, 9, 9]}, {dim: 2}]}"
    data = f"{{name: data, type: DummyData, top: [data, label], {shapes}}}"
    assert lints([data, IP, LOSS]) == ["weights-mismatch ip"]
    assert lints([data.replace("9, 9", "8, 8"), IP, LOSS]) == []


def test_equal_layers_each_have_their_finding(lints: Lints) -> None:
    drops = [f"{{name: x{i}, type: Dropout, dropout_ratio: 1, in_place: true}}" for i in range(3)]
    relu = "{name: r, type: ReLU, bottom: data}"
    assert lints([DATA, relu, *drops, ip("ip", "r"), LOSS]) == ["odd-value x0", "odd-value x1", "odd-value x2"]


def test_every_lint_has_a_code_that_can_be_silenced() -> None:
    codes = {one.code for one in (*LAYER_LINTS, *LINTS, *NET_LINTS)}
    assert all(CODES[code].silenceable for code in codes)
