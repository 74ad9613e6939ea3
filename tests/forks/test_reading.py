"""Prototxt of a fork: without its messages, one finding for each field and type; with them, what the fork means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import netcompile
from netcompile.diagnostics import Report
from netcompile.infer import infer
from netcompile.net_files import read_net
from netcompile.states import State
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Proto

    from netcompile.diagnostics import Diagnostic
    from netcompile.forks.read import Fork

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 8 dim: 9 dim: 9 } } }\n'
CONV = (
    'layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv" '
    "convolution_param {{ num_output: 8 kernel_size: 3 {} }} }}\n"
)
SHUFFLE = (
    'layer { name: "shuffle" type: "ShuffleChannel" bottom: "data" top: "shuffle"\n'
    "  shuffle_channel_param { group: 4 seed: 1 seed: 2 order: ROWS lrn { depth: 1 } } }\n"
)
RESCALE = 'layer { name: "scaled" type: "Zoom" bottom: "data" top: "scaled" rescale_param { factor: 2 } }\n'


def errors(text: str, caffe: object = None, **options: object) -> list[Diagnostic]:
    try:
        netcompile.analyze(text, caffe_pb2=caffe, **options)
    except netcompile.CompileError as error:
        return [found for found in error.diagnostics if found.severity == "error"]
    return []


def said(found: list[Diagnostic]) -> list[tuple[int, str, str | None]]:
    return [(one.span.line if one.span else 0, one.message, one.hint) for one in found]


# Without the fork's messages

NEEDS_FORK = "needs the fork's messages: --caffe"


def test_each_field_of_a_fork_is_one_finding_that_names_the_remedy() -> None:
    tagged = 'layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" tag: "x" }'
    text = INPUT + CONV.format("weight_bits: 8") + SHUFFLE + tagged
    found = errors(text)
    assert [(one.code, one.span.line, one.message) for one in found if one.span] == [
        ("unknown-field", 2, "ConvolutionParameter has no field 'weight_bits'"),
        ("unknown-field", 4, "LayerParameter has no field 'shuffle_channel_param'"),
        ("unknown-field", 5, "LayerParameter has no field 'tag'"),
    ]
    assert all(one.hint and NEEDS_FORK in one.hint for one in found)


def test_an_enum_value_of_a_fork_is_one_finding_that_names_the_remedy() -> None:
    loss = (
        'layer { name: "l" type: "SoftmaxWithLoss" bottom: "data" bottom: "data" loss_param { normalization: FIXED } }'
    )
    found = errors(INPUT + loss)
    assert said(found) == [
        (2, "'normalization' has no value FIXED",
         "one of FULL, VALID, BATCH_SIZE, NONE; a value of a Caffe fork needs the fork's messages: --caffe"),
    ]  # fmt: skip


def test_a_type_of_a_fork_is_one_finding_that_names_the_remedy() -> None:
    layer = 'layer { name: "s" type: "ShuffleChannel" bottom: "data" top: "s" }\n'
    reader = 'layer { name: "r" type: "ReLU" bottom: "s" top: "r" }'
    assert said(errors(INPUT + layer + reader)) == [
        (2, "ShuffleChannel 's': 'ShuffleChannel' is not a layer type of Caffe",
         ("it is a type of ShuffleNet's forks: --caffe PATH reads its messages; --allow-custom-layers takes it as it "
          "is")),
    ]  # fmt: skip


READERS = (
    'layer { name: "sum" type: "Eltwise" bottom: "s" bottom: "data" top: "sum" }\n'
    'layer { name: "pool" type: "Pooling" bottom: "s" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }\n'
    'layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 3 } }\n'
    'layer { name: "far" type: "Convolution" bottom: "data" top: "far"\n'
    "  convolution_param { num_output: 4 kernel_size: 20 } }\n"
)


@pytest.mark.parametrize("unknown", ["shuffle_channel_param { group: 4 }", ""])
def test_the_rest_is_still_checked_and_nothing_follows_from_the_unknown(unknown: str) -> None:
    layer = f'layer {{ name: "s" type: "ShuffleChannel" bottom: "data" top: "s" {unknown} }}\n'
    report = Report()
    net = read_net(Source("net.prototxt", INPUT + layer + READERS), report)
    assert net is not None
    infer(net, State("TRAIN"), report, incomplete=report.failed)
    found = [(one.code, one.span.line) for one in report.ordered() if one.span]
    assert found == [("unknown-field" if unknown else "unknown-type", 2), ("window-too-large", 7)]


def test_unknown_shapes_flow_on_dim_by_dim() -> None:
    layer = 'layer { name: "s" type: "ShuffleChannel" bottom: "data" top: "s" }\n'
    near = READERS.replace("20", "2")
    graph = netcompile.analyze(INPUT + layer + near, allow_custom_layers=True)
    assert (graph.blobs["s"], graph.blobs["sum"]) == (None, (2, 8, 9, 9))
    assert (graph.blobs["pool"], graph.blobs["ip"]) == ((None, None, None, None), (None, 3))
    assert graph.params["ip"] == [(3, None), (3,)]


# With the fork's messages


def test_fields_types_and_values_of_the_fork_are_read(module: str) -> None:
    loss = (
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" tag: "x"\n'
        "  inner_product_param { num_output: 3 } }\n"
        'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }\n'
        'layer { name: "l" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" loss_param { normalization: FIXED } }'
    )
    assert errors(INPUT + CONV.format("weight_bits: 8") + SHUFFLE + RESCALE + loss, module) == []


def test_a_type_that_the_fork_does_not_speak_of_is_unknown_still(module: str) -> None:
    other = 'layer { name: "o" type: "Other" bottom: "data" top: "o" }'
    assert [found.code for found in errors(INPUT + other, module)] == ["unknown-type"]
    assert errors(INPUT + other, module, allow_custom_layers=True) == []
    lower = 'layer { name: "o" type: "shuffle_channel" bottom: "data" top: "o" }'
    assert [found.code for found in errors(INPUT + lower, module)] == ["unknown-type"]


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("dilation: 2", "Caffe has it, but the fork that --caffe names does not"),
        ("xyzzy: 2", "the fork that --caffe names has no such field either"),
    ],
)
def test_a_field_that_the_fork_lacks_is_a_finding(field: str, hint: str, module: str) -> None:
    (found,) = errors(INPUT + CONV.format(field), module)
    assert (found.code, found.hint) == ("unknown-field", hint)


def test_a_kind_is_that_of_the_fork(module: str) -> None:
    found = errors(INPUT + CONV.format("kernel_size: 3"), module)
    assert [one.code for one in found] == ["duplicate-field"]
    assert errors(INPUT + CONV.format("kernel_size: 3")) == []
    assert [one.code for one in errors(INPUT + SHUFFLE.replace("ROWS", "COLUMNS"), module)] == ["unknown-enum-value"]


def test_shapes_come_from_what_the_fork_means(module: str) -> None:
    """A default of `group` of 4 leaves 8 / 4 channels in each filter."""
    graph = netcompile.analyze(INPUT + CONV.format(""), caffe_pb2=module)
    assert graph.params["conv"] == [(8, 2, 3, 3), (8,)]
    assert graph.blobs["conv"] == (2, 8, 7, 7)
    assert netcompile.analyze(INPUT + CONV.format("group: 1"), caffe_pb2=module).params["conv"][0] == (8, 8, 3, 3)
    assert netcompile.analyze(INPUT + CONV.format("")).params["conv"][0] == (8, 8, 3, 3)


def test_a_default_of_a_message_that_is_not_given_counts_too(fork_with: Callable[..., str]) -> None:
    def pool_averages(proto: Proto) -> None:
        proto.field("SoftmaxParameter.axis").default_value = "5"

    softmax = 'layer { name: "prob" type: "Softmax" bottom: "data" top: "prob" }'
    (found,) = errors(INPUT + softmax, fork_with(pool_averages))
    assert found.code == "axis-range"
    assert "axis 5 is out of range" in found.message


def test_a_number_that_a_fork_takes_back_to_zero_is_no_mistake(module: str) -> None:
    data = 'net_param { layer { name: "d" type: "Data" top: "d" data_param { source: "x" batch_size: 4 } } }'
    solver = f"{data} max_iter: 1 base_lr: 1 lr_policy: 'fixed' snapshot_prefix: 'x'"
    assert [str(one) for one in netcompile.check_solver(solver, {}, caffe_pb2=module) if one.severity == "error"] == []
    given = solver.replace("batch_size", "prefetch: 0 batch_size")
    assert [one.code for one in netcompile.check_solver(given, {}, caffe_pb2=module) if one.severity == "error"] != []


def test_numbers_of_fields_don_t_matter(fork: Fork) -> None:
    """Where the fork keeps a note, Caffe keeps recurrent_param."""
    layers = [
        {"name": "data", "type": "Input", "top": ["x"], "input_param": {"shape": [{"dim": [5, 2, 3]}]}, "note": "n"},
        {"name": "cont", "type": "Input", "top": ["c"], "input_param": {"shape": [{"dim": [5, 2]}]}},
        {"name": "lstm", "type": "LSTM", "bottom": ["x", "c"], "top": ["y"], "recurrent_param": {
            "num_output": 7, "weight_filler": {"type": "xavier"}}},
    ]  # fmt: skip
    net = fork.NetParameter(layer=layers)
    before = net.SerializeToString()
    assert netcompile.analyze(net).blobs["y"] == (5, 2, 7)
    assert net.SerializeToString() == before


def test_what_only_the_fork_understands_is_not_refused_for_it(module: str) -> None:
    """The fork may know what to do with 5 axes; so the tops are unknown, and nothing is found."""
    deep = INPUT.replace("dim: 9 }", "dim: 9 dim: 9 }")
    pool = 'layer { name: "p" type: "PReLU" bottom: "data" top: "p" }'
    assert [one.code for one in errors(deep + pool, module)] == ["axis-count"]
    graph = netcompile.analyze(deep + pool.replace("bottom", 'tag: "3d" bottom'), caffe_pb2=module)
    assert graph.blobs["p"] is None


def test_top_shapes_say_what_a_type_of_the_fork_makes(module: str) -> None:
    ip = 'layer { name: "ip" type: "InnerProduct" bottom: "shuffle" top: "ip" inner_product_param { num_output: 3 } }'
    graph = netcompile.analyze(INPUT + SHUFFLE + ip, caffe_pb2=module, top_shapes={"shuffle": [2, 8, None]})
    assert graph.blobs["shuffle"] == (2, 8, None)
    assert graph.params["ip"] == [(3, None), (3,)]


# Old formats and solvers

V1 = """
input: "data" input_dim: 2 input_dim: 8 input_dim: 9 input_dim: 9
layers { name: "s" type: SHUFFLE_CHANNEL bottom: "data" top: "s" shuffle_channel_param { group: 2 } }
layers { name: "h" type: HALF_ROI bottom: "s" top: "h" }
layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 3 } blobs_lr: 1 }
"""


def test_v1_types_of_the_fork_are_custom_ones(module: str) -> None:
    graph = netcompile.analyze(V1, caffe_pb2=module)
    assert [one.layer.message.type for one in graph.layers] == ["Input", "ShuffleChannel", "HalfRoi", "InnerProduct"]
    assert graph.params["ip"] == [(3, 648), (3,)]
    assert graph.blobs["s"] is None


def test_v1_types_of_the_fork_are_one_finding_each_without_it() -> None:
    found = errors(V1)
    assert [(one.code, one.span.line) for one in found if one.span] == [
        ("unknown-enum-value", 3), ("unknown-field", 3), ("unknown-enum-value", 4),
    ]  # fmt: skip
    assert all(one.hint and NEEDS_FORK in one.hint for one in found)


def test_upgrade_keeps_what_only_the_fork_has(module: str, fork: Fork) -> None:
    text = V1.replace("SHUFFLE_CHANNEL", "RELU").replace("HALF_ROI", "RELU")
    net = netcompile.upgrade(text, caffe_pb2=module)
    assert isinstance(net, fork.NetParameter)
    assert [layer.type for layer in net.layer] == ["Input", "ReLU", "ReLU", "InnerProduct"]
    assert net.layer[1].shuffle_channel_param.group == 2
    own = netcompile.upgrade(net)
    assert isinstance(own, netcompile.caffe_pb2.NetParameter)
    assert own.layer[0].input_param.shape[0].dim == [2, 8, 9, 9]


def test_upgrade_leaves_inputs_to_a_fork_that_has_no_input_layer(early: str) -> None:
    net = netcompile.upgrade(V1.replace("SHUFFLE_CHANNEL", "RELU").replace("HALF_ROI", "RELU").replace(
        "shuffle_channel_param { group: 2 }", ""), caffe_pb2=early)  # fmt: skip
    assert list(net.input) == ["data"]
    assert [layer.type for layer in net.layer] == ["ReLU", "ReLU", "InnerProduct"]


def test_old_nets_of_an_early_fork_are_analysed(early: str) -> None:
    text = 'input: "data" input_dim: 2 input_dim: 8 input_dim: 9 input_dim: 9\n' + CONV.format("")
    assert netcompile.analyze(text, caffe_pb2=early).blobs["conv"] == (2, 8, 7, 7)


SOLVER = 'net: "n" base_lr: 1 lr_policy: "fixed" max_iter: 3 plateau: 4 snapshot: 3 snapshot_prefix: "x"'


def test_a_solver_of_the_fork_is_checked_with_its_nets(module: str) -> None:
    text = INPUT + CONV.format("weight_bits: 8") + SHUFFLE
    assert [str(one) for one in netcompile.check_solver(SOLVER, {"n": text}, caffe_pb2=module)] == []
    found = netcompile.check_solver(SOLVER, {"n": text})
    assert [one.message for one in found if one.severity == "error"] == [
        "ConvolutionParameter has no field 'weight_bits'",
        "LayerParameter has no field 'shuffle_channel_param'",
        "SolverParameter has no field 'plateau'",
    ]


def test_a_solver_of_an_early_fork_is_checked(early: str) -> None:
    text = 'train_net_param { layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 } } } }'
    solver = f"{text} base_lr: 1 lr_policy: 'fixed' max_iter: 3 snapshot_prefix: 'x' solver_type: ADAM"
    assert [str(one) for one in netcompile.check_solver(solver, {}, caffe_pb2=early) if one.severity == "error"] == []
    both = netcompile.check_solver(f"{solver} type: 'Adam'", {}, caffe_pb2=early)
    (found,) = (one for one in both if one.severity == "error")
    assert found.message == "SolverParameter has no field 'type'"
    assert found.hint == "Caffe has it, but the fork that --caffe names does not"
