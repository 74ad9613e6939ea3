"""Nets of a fork come back with its fields, and without its messages they are refused."""

import io

import pytest
from google.protobuf import text_format

import netcompile

NET = """\
name: "forked"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 8, 9, 9] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" tag: "wide"
  convolution_param { num_output: 8 kernel_size: 3 group: 4 weight_bits: 4 } }
layer { name: "shuffle" type: "ShuffleChannel" bottom: "conv" top: "shuffle"
  shuffle_channel_param { group: 4 seed: 0.5 seed: 2 order: ROWS lrn { depth: 1 } } }
layer { name: "zoom" type: "Zoom" bottom: "shuffle" top: "zoom" rescale_param { factor: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "zoom" bottom: "data" top: "loss"
  loss_param { normalize: true normalization: FIXED } }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.1 plateau: 4'


def test_a_net_comes_back_with_the_forks_fields(module, fork):
    spec = netcompile.import_net(NET, solver=SOLVER, caffe_pb2=module)
    assert "{name: conv, type: Convolution, tag: wide, num_output: 8, kernel_size: 3, group: 4, weight_bits: 4}" in spec
    assert "custom" not in spec.partition("zoom")[0]
    compiled = netcompile.compile(io.StringIO(spec), caffe_pb2=module, check=False)
    assert str(compiled.net) == str(text_format.Parse(NET, fork.NetParameter()))
    assert str(compiled.solver) == str(text_format.Parse(SOLVER, fork.SolverParameter()))


def test_a_message_tells_whose_it_is(module, fork):
    net = text_format.Parse(NET, fork.NetParameter())
    assert netcompile.import_net(net) == netcompile.import_net(NET, caffe_pb2=module)


def test_the_command_follows_a_fork(call, module):
    refused = call("import", "net.prototxt", net_prototxt=NET)
    assert (refused.code, refused.out) == (1, "")
    assert "has no field 'weight_bits'" in refused.err
    assert "--caffe" in refused.err
    done = call("import", "net.prototxt", "--caffe", module, "-o", "net.yaml")
    assert (done.code, done.err) == (0, "")
    assert (
        call("diff", "net.prototxt", "net.yaml", "--caffe", module).out
        == "net.prototxt and net.yaml are the same net\n"
    )
    other = call(
        "diff", "net.yaml", "b.prototxt", "--caffe", module, b_prototxt=NET.replace("weight_bits: 4", "weight_bits: 8")
    )
    assert other.code == 1
    assert "convolution_param.weight_bits: 4 -> 8" in other.out


def test_defaults_that_are_not_caffes_are_written_out(module, fork):
    net = text_format.Parse('layer { name: "c" type: "Convolution" bottom: "x" top: "c" }', fork.NetParameter())
    spec = netcompile.import_net(net, caffe_pb2=module)
    assert "{name: c, type: Convolution, bottom: x, group: 4}" in spec
    compiled = netcompile.compile(io.StringIO(spec), caffe_pb2=module, check=False).net
    assert compiled.layer[0].convolution_param.group == 4
    assert not net.layer[0].HasField("convolution_param")


@pytest.mark.parametrize("field", ["convolution_param { weight_bits: 4 }", 'tag: "x"', "shuffle_channel_param {}"])
def test_a_binary_net_of_a_fork_is_refused_without_it(call, fork, module, field):
    net = text_format.Parse(f'layer {{ name: "c" type: "Convolution" {field} }}', fork.NetParameter())
    refused = call("import", "net.caffemodel", net_caffemodel=net.SerializeToString())
    assert refused.code == 1
    assert "'c' has field" in refused.err
    assert call("import", "net.caffemodel", "--caffe", module).code == 0
