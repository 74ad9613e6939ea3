"""What is imported compiles to the very net again: fields, their presence, and the order of layers."""

import io
import json
import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from random_nets import nets, solvers

import netcompile
from netcompile import caffe_pb2

HERE = Path(__file__).parent
SPECS = sorted((HERE.parents[1] / "specs").glob("*.yaml"))


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


# Each section of the file is a net, under its name.
SECTION = re.compile(r"^### ([^\n]*)\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
ODD = dict(SECTION.findall((HERE / "odd_nets.prototxt").read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_nets_come_back(text):
    assert_comes_back(text)


def test_all_odd_nets_are_read():
    assert len(ODD) > 20


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
