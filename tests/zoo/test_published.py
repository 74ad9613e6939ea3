"""The form in which nets are compared: equal for what means the same, different for what does not."""

import pytest
from google.protobuf import text_format
from published import differing, digests, inference_form, net_form, solver_form, whole_digest

from netcompile import caffe_pb2

CONV = """
layer { name: "c" type: "Convolution" bottom: "x" top: "c" %s convolution_param { num_output: 2 kernel_size: 3 %s } }
"""
INPUT = 'layer { name: "%s" type: "Input" top: "x" input_param { shape { dim: %d dim: 3 dim: 8 dim: 8 } } }'


def net(text):
    return text_format.Parse(text, caffe_pb2.NetParameter())


def conv(layer="", param=""):
    return net(CONV % (layer, param))


@pytest.mark.parametrize(
    ("layer", "param"),
    [
        ("", "pad: 0"),
        ("", "stride: 1"),
        ("", "dilation: 1"),
        ("", "bias_term: true group: 1"),
        ("", "bias_filler { }"),
        ("", 'bias_filler { type: "constant" value: 0 }'),
        ("param { }", ""),
        ("param { lr_mult: 1 } param { lr_mult: 1 decay_mult: 1 }", ""),
    ],
)
def test_defaults_count_as_left_out(layer, param):
    assert net_form(conv(layer, param)) == net_form(conv())


@pytest.mark.parametrize(
    ("layer", "param"),
    [
        ("", "pad: 1"),
        ("", "stride: 2"),
        ("", "stride: 1 stride: 2"),
        ("", "bias_term: false"),
        ("", 'weight_filler { type: "xavier" }'),
        ("param { } param { lr_mult: 2 }", ""),
        ("include { phase: TRAIN }", ""),
        ("include { phase: TEST }", ""),
        ("loss_weight: 1", ""),
    ],
)
def test_other_values_count(layer, param):
    assert net_form(conv(layer, param)) != net_form(conv())


def test_a_phase_is_no_default():
    assert net_form(conv("include { phase: TRAIN }")).layer[0].include[0].HasField("phase")


def test_the_form_is_a_copy():
    original = conv("param { }", "pad: 0")
    copy = conv("param { }", "pad: 0")
    net_form(original)
    inference_form(original)
    assert original == copy


def test_order_of_layers_and_names_count():
    one, other = conv(), conv()
    other.layer[0].name = "d"
    both = net(CONV % ("", "") + CONV.replace('"c"', '"d"') % ("", ""))
    assert net_form(one) != net_form(other)
    swapped = caffe_pb2.NetParameter(layer=[both.layer[1], both.layer[0]])
    assert net_form(both) != net_form(swapped)


@pytest.mark.parametrize(
    ("layer", "param"),
    [
        ("param { lr_mult: 2 } param { }", ""),
        ("include { phase: TEST }", ""),
        ("loss_weight: 1", ""),
        ("", 'weight_filler { type: "xavier" } bias_filler { value: 1 }'),
    ],
)
def test_training_does_not_matter_at_inference(layer, param):
    assert inference_form(conv(layer, param)) == inference_form(conv())


def test_batch_and_layer_name_of_an_input_do_not_matter():
    assert inference_form(net(INPUT % ("data", 10))) == inference_form(net(INPUT % ("input", 1)))


def test_the_rest_of_an_inputs_shape_matters():
    assert inference_form(net(INPUT % ("data", 1))) != inference_form(
        net((INPUT % ("data", 1)).replace("dim: 8", "dim: 9"))
    )


@pytest.mark.parametrize("param", ["pad: 1", "bias_term: false"])
def test_the_function_of_a_layer_matters_at_inference(param):
    assert inference_form(conv("", param)) != inference_form(conv())


def test_a_literal_is_compared_by_value():
    text = 'layer {{ name: "p" type: "Python" python_param {{ param_str: "{}" }} }}'
    spelled = [net(text.format(one)) for one in ("{'a': (1, 2), 'b': 3}", "{'b':3, 'a': [1,2]}")]
    assert net_form(spelled[0]) == net_form(spelled[1])
    assert net_form(spelled[0]) != net_form(net(text.format("{'a': [1, 2], 'b': 4}")))
    assert net_form(net(text.format("a b"))) != net_form(net(text.format("a c")))


def test_paths_of_nets_do_not_count_in_a_solver():
    one, other = (
        caffe_pb2.SolverParameter(net=path, max_iter=9, solver_mode=caffe_pb2.SolverParameter.GPU) for path in "ab"
    )
    assert solver_form(one) == solver_form(other)
    other.max_iter = 10
    assert solver_form(one) != solver_form(other)


def test_digests_have_a_word_for_each_layer():
    both = net_form(net(INPUT % ("data", 1) + CONV % ("", "")))
    changed = net_form(net(INPUT % ("data", 1) + CONV % ("", "pad: 1")))
    first, second = digests(both).split(), digests(changed).split()
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert whole_digest(both) != whole_digest(changed)


def test_differing_layers_are_named():
    one, other = net_form(net(INPUT % ("data", 1) + CONV % ("", ""))), net_form(net(INPUT % ("data", 1)))
    assert differing(one, one) == []
    assert differing(one, other) == differing(other, one) == ["1: c"]
    assert differing(one, net_form(net(INPUT % ("input", 1) + CONV % ("", "")))) == ["0: data"]
