"""Each tests/golden/NAME.yaml compiles to NAME.prototxt, and to NAME.deploy.prototxt and NAME.solver.prototxt.

The texts are compared as messages, so that protobuf's spelling of numbers is free; the net's text must also be stable.
Write a new case as a YAML file and run `pytest tests/test_golden.py --write-golden`, then read what it wrote.
"""

from pathlib import Path

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

FOLDER = Path(__file__).parent / "golden"
SPECS = sorted(FOLDER.glob("*.yaml"))
MESSAGES = {"net": caffe_pb2.NetParameter, "deploy": caffe_pb2.NetParameter, "solver": caffe_pb2.SolverParameter}


def expectation(spec: Path, target: str) -> Path:
    return spec.with_suffix(".prototxt" if target == "net" else f".{target}.prototxt")


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_golden(spec, request):
    compiled = netcompile.compile(spec)
    for target in compiled.targets:
        wanted = expectation(spec, target)
        if request.config.getoption("--write-golden"):
            wanted.write_text(compiled.prototxt(target), encoding="utf-8")
        message = text_format.Parse(wanted.read_text(encoding="utf-8"), MESSAGES[target]())
        assert compiled.message(target) == message
        assert text_format.Parse(compiled.prototxt(target), MESSAGES[target]()) == message


def test_every_expectation_has_a_spec():
    stems = {spec.stem for spec in SPECS}
    assert {path.name.split(".")[0] for path in FOLDER.glob("*.prototxt")} == stems


def test_there_are_cases():
    assert len(SPECS) > 10
