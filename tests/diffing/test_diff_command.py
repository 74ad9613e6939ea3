"""The diff command: exit codes, streams, files of all kinds, and its options."""

import json

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2
from netcompile.binaries import is_binary

INPUT = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
NET = INPUT + "- {name: ip, type: InnerProduct, num_output: %d}\n"
PROTOTXT = """\
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
"""
PROB = 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }'
VARIABLE = "vars: {n: ~}\n" + INPUT + "- {name: ip, type: InnerProduct, num_output: $n}\n"


def test_command_exit_codes(call):
    files = {"a_yaml": NET % 3, "b_yaml": NET % 4, "a_prototxt": PROTOTXT}
    assert call("diff", "a.yaml", "a.prototxt", **files) == (0, "a.yaml and a.prototxt are the same net\n", "")
    differ = call("diff", "a.prototxt", "b.yaml")
    assert differ.code == 1
    assert "num_output: 3 -> 4" in differ.out
    assert call("diff", "a.yaml", "missing.yaml").code == 2
    assert call("diff", "a.yaml").code == 2
    assert call("diff", "a.yaml", "b.yaml", "--phase", "both").code == 2


def test_command_says_what_is_wrong_with_a_file(call):
    done = call("diff", "a.yaml", "b.prototxt", a_yaml=NET % 3, b_prototxt='layer { name: "a" typo: 1 }')
    assert (done.code, done.out) == (2, "")
    assert "b.prototxt:1:19: error[unknown-field]" in done.err
    assert "is a solver" in call("diff", "a.yaml", "s.prototxt", s_prototxt='net: "n" base_lr: 1').err
    assert "is a library" in call("diff", "a.yaml", "l.yaml", l_yaml="vars: {a: 1}").err


def test_command_does_not_ask_whether_caffe_would_build_the_nets(call):
    done = call(
        "diff",
        "a.yaml",
        "a.yaml",
        a_yaml="layers: [{name: a, type: ReLU, bottom: nowhere}, {name: b, type: Own, custom: true, bottom: a}]",
    )
    assert done.code == 0


def test_command_looks_into_a_model(call):
    net = netcompile.upgrade('layers { name: "ip" type: INNER_PRODUCT } ')
    net.layer[0].blobs.add(shape={"dim": [3, 192]}, data=[0] * 576)
    net.layer[0].blobs.add(shape={"dim": [3]}, data=[0] * 3)
    model = net.SerializeToString()
    done = call(
        "diff", "a.yaml", "a.yaml", "--weights", "m.caffemodel", a_yaml=NET % 3, b_yaml=NET % 4, m_caffemodel=model
    )
    assert done == (0, "a.yaml and a.yaml are the same net\n\nweights of m.caffemodel\n  1 layer loads\n", "")
    done = call("diff", "b.yaml", "b.yaml", "--weights", "m.caffemodel", "--format", "json")
    assert done.code == 1
    told = json.loads(done.out)
    assert not told["equal"]
    assert told["weights"]["refused"] == [{"layer": "ip", "before": [[3, 192], [3]], "after": [[4, 192], [4]]}]


def test_command_compares_stages_and_deploy_nets(call):
    spec = NET % 3 + "- {name: r, type: ReLU, include: {stage: extra}}\n"
    files = {"a_yaml": NET % 3, "c_yaml": spec}
    assert "'r' (ReLU)  [other states]" in call("diff", "a.yaml", "c.yaml", **files).out
    assert "+ 'r' (ReLU)\n" in call("diff", "a.yaml", "c.yaml", "--stage", "extra").out
    assert call("diff", "a.yaml", "c.yaml", "--phase", "train").code == 0
    loss = "- {name: label, type: Input, shape: {dim: 1}}\n- {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}\n"
    files = {"d_yaml": NET % 3 + loss, "d_prototxt": PROTOTXT + PROB}
    assert call("diff", "d.yaml", "d.prototxt", "--phase", "deploy", **files).code == 0


def test_variables_are_set_in_the_specs_that_declare_them(call):
    files = {"a_yaml": VARIABLE, "b_yaml": NET % 3, "c_prototxt": PROTOTXT}
    assert call("diff", "a.yaml", "a.yaml", "--set", "n=3", **files).code == 0
    assert call("diff", "a.yaml", "b.yaml", "--set", "n=3").code == 0
    assert call("diff", "c.prototxt", "a.yaml", "--set", "n=4").code == 1
    done = call("diff", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (2, "")
    assert "--set n=VALUE" in done.err


@pytest.mark.parametrize("files", [("b.yaml", "b.yaml"), ("c.prototxt", "c.prototxt"), ("b.yaml", "c.prototxt")])
def test_a_variable_that_no_spec_declares_is_a_wrong_call(call, files):
    done = call("diff", *files, "--set", "n=3", b_yaml=NET % 3, c_prototxt=PROTOTXT)
    assert (done.code, done.out) == (2, "")
    assert done.err == "netcompile: --set n: none of the specs declares it under `vars`\n"


def test_a_variable_of_a_library_can_be_set(call):
    spec = "imports: [lib.yaml]\n" + VARIABLE.partition("\n")[2]
    assert call("diff", "a.yaml", "c.prototxt", "--set", "n=3", a_yaml=spec, lib_yaml="vars: {n: 9}",
                c_prototxt=PROTOTXT).code == 0  # fmt: skip


@pytest.mark.parametrize("arguments", [("-", "-"), ("-", "a.yaml", "--weights", "-")])
def test_standard_input_is_read_once(call, arguments):
    done = call("diff", *arguments, a_yaml=NET % 3)
    assert (done.code, done.out) == (2, "")
    assert "standard input can be read once" in done.err


def test_fields_of_a_fork_are_told_with_their_file(call):
    model = netcompile.upgrade(PROTOTXT).SerializeToString() + b"\xc2\x3e\x02hi"  # field 1000 of NetParameter
    done = call("diff", "c.prototxt", "m.caffemodel", c_prototxt=PROTOTXT, m_caffemodel=model)
    assert (done.code, done.out) == (2, "")
    assert "error[unknown-field]: m.caffemodel: NetParameter has field 1000" in done.err


def test_a_spec_with_a_wrong_solver_can_be_compared(call):
    spec = NET % 3 + "solver: {net: other.prototxt, base_lr: -1, lr_policy: nonsense}\n"
    assert call("diff", "a.yaml", "b.yaml", a_yaml=NET % 3, b_yaml=spec).code == 0


def test_a_snapshot_is_the_net_that_it_was_made_of(call):
    """Caffe adds `param` entries to BatchNorm, splits and phases, and keeps the inputs as a layer."""
    net = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2] } } }'
    bn = 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "bn" %s }'
    fixed = "param { lr_mult: 0 } " * 3 + "phase: TRAIN"
    model = netcompile.upgrade(net.replace('"in"', '"input"') + bn % fixed)
    model.layer[0].phase = 0
    model.name = ""
    done = call("diff", "n.prototxt", "m.caffemodel", n_prototxt=net + bn % "", m_caffemodel=model.SerializeToString())
    assert (done.code, done.out) == (0, "n.prototxt and m.caffemodel are the same net\n")


def test_level_and_stage_say_what_leaves_the_net(call):
    rule = PROB.replace("}", "include { min_level: %d } }")
    files = {"a_prototxt": PROTOTXT + rule % 1, "b_prototxt": PROTOTXT + rule % 3}
    out = call("diff", "a.prototxt", "b.prototxt", "--level", "2", **files).out
    assert "  - 'prob' (Softmax)\n" in out
    assert "+ 'prob'" not in out
    assert "    include: [{min_level: 1}] -> [{min_level: 3}]  [other states]\n" in out
    assert call("diff", "a.prototxt", "b.prototxt", "--level", "3").code == 0


@pytest.mark.parametrize("asked", [["--stage", "x"], ["--phase", "train", "--stage", "x"], ["--phase", "test"]])
def test_states_that_are_asked_for_count_alone(call, asked):
    rule = 'layer { name: "r" type: "ReLU" bottom: "ip" top: "r" include { stage: "%s" } relu_param { %s } } '
    before = PROTOTXT + rule % ("x", "") + rule % ("y", "")
    after = PROTOTXT + rule % ("x", "") + rule % ("y", "negative_slope: 1")
    files = {"a_prototxt": before, "b_prototxt": after}
    files["c_prototxt"] = PROTOTXT.replace('top: "ip"', 'top: "ip" include { not_stage: "z" }') + rule % ("x", "")
    assert call("diff", "a.prototxt", "b.prototxt", *asked, **files).code == 0
    assert call("diff", "a.prototxt", "c.prototxt", *asked).code == 0
    assert call("diff", "b.prototxt", "c.prototxt", "--stage", "y").code == 1
    assert "negative_slope: 0 -> 1  [other states]" in call("diff", "a.prototxt", "b.prototxt").out


def test_a_binary_net_without_null_characters_is_read_as_one(call):
    data = text_format.Parse(PROTOTXT, caffe_pb2.NetParameter()).SerializeToString()
    assert b"\0" not in data
    done = call("diff", "a.prototxt", "a.bin", a_prototxt=PROTOTXT, a_bin=data)
    assert done == (0, "a.prototxt and a.bin are the same net\n", "")
    assert call("import", "a.bin", "--deploy", "a.bin").code == 0
    assert "nothing to upgrade" in call("upgrade", "a.bin", "-o", "b.bin").err


@pytest.mark.parametrize("text", ["#\x01\n" + PROTOTXT, "\n" + PROTOTXT + 'name: "\x12"'])
def test_control_characters_make_no_text_a_binary_net(call, text):
    assert call("diff", "a.prototxt", "a.prototxt", a_prototxt=text).code == 0
    done = call("upgrade", "a.prototxt", "-o", "b.prototxt")
    assert done.err.endswith("nothing to upgrade\n")
    assert is_binary("a", text.encode(), caffe_pb2.NetParameter) is False
