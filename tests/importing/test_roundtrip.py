"""What is imported compiles to the very net again: fields, their presence, and the order of layers."""

import io
import json

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from random_nets import nets, solvers

import netcompile
from netcompile import caffe_pb2

ROOT = __import__("pathlib").Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


def compiled(spec):
    return netcompile.compile(io.StringIO(spec), check=False)


def assert_comes_back(net):
    # As text, so that a field that is no number equals itself.
    assert str(compiled(netcompile.import_net(net)).net) == str(netcompile.upgrade(net))


def recorded(shared, name):
    lines = (shared / "conformance" / name).read_text(encoding="utf-8").splitlines()
    return [case["prototxt"] for case in map(json.loads, lines) if case["verdict"] == "ok"]


def test_every_accepted_net_comes_back(shared):
    texts = recorded(shared, "cases.jsonl")
    for text in texts:
        assert_comes_back(text)
    assert len(texts) > 1900


def test_every_upgraded_net_comes_back(shared):
    texts = recorded(shared, "upgrade_cases.jsonl")
    for text in texts:
        assert_comes_back(text)
    assert len(texts) > 350


def test_every_published_net_comes_back(shared):
    paths = [path for path in (shared / "corpus").glob("*.prototxt") if "solver" not in path.name]
    for path in paths:
        assert_comes_back(path.read_text(encoding="utf-8"))
    assert len(paths) > 25


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_nets_of_a_spec_come_back(path):
    spec = netcompile.compile(path, check=False)
    for net in filter(None, (spec.net, spec.deploy)):
        assert compiled(netcompile.import_net(net)).net == net
    if spec.solver is not None:
        assert compiled(netcompile.import_net(spec.net, solver=spec.solver)).solver == spec.solver


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nets())
def test_any_net_comes_back(net):
    assert_comes_back(net)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(solvers())
def test_any_solver_comes_back(solver):
    spec = netcompile.import_net(caffe_pb2.NetParameter(), solver=solver)
    assert str(compiled(spec).solver) == str(solver)


# Each is a rule of the language that an importer may fall over; the layers are what Caffe reads, not what it builds.
ODD = {
    "no name": 'layer { type: "ReLU" bottom: "a" top: "b" relu_param { negative_slope: 2 } }',
    "no type": 'layer { name: "a" bottom: "a" top: "b" }',
    "nothing at all": "layer {} layer {}",
    "empty name, type and wires": 'layer { name: "" type: "" bottom: "" top: "" }',
    "a type of its own, several times": 'layer { name: "a" type: "Mine" } layer { name: "b" type: "Mine" bottom: "a" top: "b" }',
    "no bottom where one would be implied": 'layer { name: "a" type: "Input" top: "a" } layer { name: "b" type: "ReLU" top: "b" }',
    "no top where one would be made": 'layer { name: "a" type: "Input" } layer { name: "b" type: "Convolution" bottom: "a" }',
    "include and exclude": 'layer { name: "a" type: "ReLU" include { phase: TRAIN } exclude { phase: TRAIN } }',
    "excluded everywhere": 'layer { name: "a" type: "ReLU" exclude { phase: TRAIN } exclude { phase: TEST } }',
    "an empty rule": 'layer { name: "a" type: "ReLU" include {} } layer { name: "a" type: "ReLU" exclude {} exclude {} }',
    "TEST before TRAIN": 'layer { name: "a" type: "ReLU" include { phase: TEST } } layer { name: "a" type: "ReLU" include { phase: TRAIN } }',
    "a pair that is alike": 'layer { name: "a" type: "ReLU" include { phase: TRAIN } } layer { name: "a" type: "ReLU" include { phase: TEST } }',
    "a pair under one stage": 'layer { name: "a" type: "ReLU" top: "x" include { phase: TRAIN stage: "s" } } '
    'layer { name: "a" type: "ReLU" top: "y" include { phase: TEST stage: "s" } }',
    "kernel_h in one phase, kernel_size in both": 'layer { name: "a" type: "Pooling" include { phase: TRAIN } '
    'pooling_param { kernel_size: 3 } } layer { name: "a" type: "Pooling" include { phase: TEST } '
    "pooling_param { kernel_size: 3 kernel_h: 2 } }",
    "kernel_h beside others' kernel_size": 'layer { name: "a" type: "Pooling" pooling_param { kernel_size: 3 } } '
    'layer { name: "b" type: "Pooling" pooling_param { kernel_size: 3 } } '
    'layer { name: "c" type: "Pooling" pooling_param { kernel_size: 3 kernel_h: 2 } }'
    'layer { name: "d" type: "Pooling" pooling_param { kernel_h: 2 kernel_w: 2 } }',
    "surplus param entries": 'layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param {} param { lr_mult: 2 } }'
    'layer { name: "b" type: "InnerProduct" bottom: "x" top: "b" param {} param { lr_mult: 2 } inner_product_param { bias_term: false } }'
    'layer { name: "c" type: "InnerProduct" bottom: "x" top: "c" param {} param { lr_mult: 2 } }',
    "empty messages": 'layer { name: "a" type: "ReLU" relu_param {} transform_param {} } layer { name: "b" type: "ReLU" } '
    'layer { name: "c" type: "ReLU" relu_param { engine: CAFFE } }',
    "old data fields": 'layer { name: "a" type: "Data" top: "a" data_param { source: "s" crop_size: 3 mirror: true } }',
    "messages of other types": 'layer { name: "a" type: "ReLU" pooling_param { pad: 1 } python_param { param_str: "{\\"a\\": 1}" } }',
    "shapes that nothing reads": "input_shape { dim: 3 } input_shape {} input_dim: 1",
    "stored blobs": 'layer { name: "a" type: "Scale" blobs { data: 1 data: 1e-45 double_data: 0.1 shape { dim: 2 } } }',
    "numbers": 'layer { name: "a" type: "Power" power_param { power: -0 scale: nan shift: -inf } }'
    'layer { name: "b" type: "Power" power_param { power: 0 scale: 3.4028235e38 shift: 16777217 } }'
    'layer { name: "c" type: "Input" top: "c" input_param { shape { dim: 9223372036854775807 dim: -1 } } }',
    "texts": 'name: "yes" layer { name: "$x" type: "a$b" bottom: "1e3" top: "- #" } layer { name: "\\001\\n" type: "ReLU" }',
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_nets_come_back(text):
    assert_comes_back(text)


@pytest.mark.parametrize(
    "param_str", ['{"a": [1, 2.50]}', '{"a": [1, 2.5]}', "{'a': (1, 2)}", "{'a': [1, None]}", "[]", "{", '{"$": 1}']
)
def test_param_str_comes_back_character_by_character(param_str):
    net = caffe_pb2.NetParameter()
    net.layer.add(name="p", type="Python", python_param={"param_str": param_str})
    assert_comes_back(net)


def test_the_given_message_is_not_changed():
    net = text_format.Parse(
        'layers { name: "a" type: RELU } input: "x" input_dim: [1, 2, 3, 4]', caffe_pb2.NetParameter()
    )
    before = net.SerializeToString(deterministic=True)
    assert_comes_back(net)
    assert net.SerializeToString(deterministic=True) == before
