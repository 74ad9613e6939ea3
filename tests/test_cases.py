"""Our own small nets, each with what a real Caffe said of it (`tools/record_cases.py` records it).

They need nothing beside this folder, so they are chosen for cover: every type, every declared check and every code of
what Caffe refuses has nets on both sides.
"""

from __future__ import annotations

import json
import os
import re
import runpy
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf import text_format

import netcompile
from netcompile.codes import CODES
from netcompile.layers import FAMILIES, LAYER_TYPES

ROOT: Final = Path(__file__).parents[1]
CASES: Final = [
    json.loads(line)
    for path in sorted((ROOT / "tests/cases").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
SOUND: Final = [case for case in CASES if case["verdict"] == "ok"]
REFUSED: Final = [case for case in CASES if case["verdict"] == "error"]


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case["id"])
def test_what_caffe_builds_has_its_shapes(case: dict[str, Any]) -> None:
    graph = netcompile.analyze(case["net"], phase=case["phase"])
    assert {name: dims if dims is None else [*dims] for name, dims in graph.blobs.items()} == case["blobs"]
    assert {name: [[*dims] for dims in shapes] for name, shapes in graph.params.items()} == case["params"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_what_caffe_refuses_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(netcompile.CompileError):
        netcompile.analyze(case["net"], phase=case["phase"])


# Cover


def layer_of(case: dict[str, Any]) -> Any:
    """The layer that a case is about."""
    net = text_format.Parse(case["net"], netcompile.caffe_pb2.NetParameter())
    return next(layer for layer in net.layer if layer.name == "t")


@pytest.mark.parametrize("name", LAYER_TYPES)
def test_every_type_is_accepted_and_refused(name: str) -> None:
    verdicts = {case["verdict"] for case in CASES if case["type"] == name}
    assert verdicts == {"ok", "error"}


@pytest.mark.parametrize("name", LAYER_TYPES)
def test_every_declared_check_lets_pass_and_refuses(name: str) -> None:
    layers = {case["verdict"]: [] for case in CASES}
    for case in CASES:
        if case["type"] == name:
            layers[case["verdict"]].append(layer_of(case))
    for index, check in enumerate(LAYER_TYPES[name].checks):
        assert any(any(check(layer)) for layer in layers["error"]), f"check {index} of {name} refuses nothing here"
        assert not any(any(check(layer)) for layer in layers["ok"])


def codes_of_construction() -> set[str]:
    """The codes of errors that the rules and the engine around them give, read from their sources."""
    folder = ROOT / "netcompile"
    others = ("infer.py", "inferring/learned.py", "shapes.py")
    paths = [*(folder / "layers").glob("*.py"), *(folder / name for name in others)]
    words = set(re.findall(r'"([a-z]+(?:-[a-z0-9]+)+)"', "".join(path.read_text(encoding="utf-8") for path in paths)))
    return {word for word in words if word in CODES and CODES[word].severity == "error" and not CODES[word].at_run}


def test_every_code_of_construction_is_given_to_a_net_that_caffe_refuses() -> None:
    wanted = codes_of_construction()
    assert len(wanted) > 20
    given = set()
    for case in REFUSED:
        with pytest.raises(netcompile.CompileError) as error:
            netcompile.analyze(case["net"], phase=case["phase"])
        given.update(found.code for found in error.value.diagnostics)
    assert wanted - given == set()


def test_cases_are_one_file_per_family_with_ids_of_their_own() -> None:
    families = {family.__name__.rpartition(".")[2] for family in FAMILIES if family.TYPES}
    assert {path.stem for path in (ROOT / "tests/cases").glob("*.jsonl")} == {*families, "net"}
    assert len({case["id"] for case in CASES}) == len(CASES) > 400


@pytest.mark.caffe
def test_a_real_caffe_says_the_same_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not os.environ.get("NETCOMPILE_CAFFE_PYTHON"):
        pytest.skip("needs NETCOMPILE_CAFFE_PYTHON, the interpreter that has pycaffe")
    monkeypatch.chdir(tmp_path)
    assert runpy.run_path(str(ROOT / "tools/record_cases.py"))["record_all"](check=True) == 0
