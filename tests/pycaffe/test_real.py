"""A real Caffe's answers: NETCOMPILE_CAFFE_PYTHON names the interpreter that has it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from pycaffe_stand_in import NET, TEST, TRAIN

from netcompile.diagnostics import Report
from netcompile.forks.read import fork_of
from netcompile.pycaffe.compare import Options, compare
from netcompile.pycaffe.process import Pycaffe
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REAL = os.environ.get("NETCOMPILE_CAFFE_PYTHON", "")


@pytest.fixture(scope="module")
def real() -> Iterator[Pycaffe]:
    if not REAL:
        pytest.skip("needs NETCOMPILE_CAFFE_PYTHON, the interpreter that has pycaffe")
    with Pycaffe(REAL) as caffe:
        yield caffe


@pytest.mark.caffe
def test_a_real_caffe_agrees_on_the_published_nets(shared: Path, real: Pycaffe) -> None:
    report = Report()
    names = sorted(path for path in (shared / "corpus").glob("*.prototxt") if "solver" not in path.name)
    for path in names:
        phases = (TRAIN, TEST) if "deploy" not in path.name else (TEST,)
        compare(Source(path.name, path.read_text(encoding="utf-8")), phases, real, report, Options())
    assert len(names) > 20
    assert [str(one) for one in report if one.code == "caffe-differs"] == []


@pytest.mark.caffe
@pytest.mark.parametrize("wrong", ['bottom: "dta"', 'bottom: "data" bottom: "data"'])
def test_a_real_caffe_refuses_what_is_refused_here(wrong: str, real: Pycaffe) -> None:
    text = NET.replace('bottom: "data"', wrong)
    answer = real.build(text, TRAIN)
    assert answer.refusal is not None
    report = Report()
    compare(Source("net.prototxt", text), (TRAIN,), real, report, Options())
    assert list(report) == []
    assert real.build(NET, TRAIN).blobs["relu"] == [2, 4]


@pytest.mark.caffe
def test_messages_of_the_installed_caffe_are_read_from_its_module(real: Pycaffe, tmp_path: Path) -> None:
    assert real is not None
    where = subprocess.run(
        [REAL, "-c", "import caffe.proto.caffe_pb2 as m; print(m.__file__)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "GLOG_minloglevel": "2"},
    ).stdout.strip()  # fmt: skip
    fork = fork_of(where)
    assert fork is not None
    assert fork.types == ""
    assert fork.NetParameter.DESCRIPTOR.full_name == "caffe.NetParameter"
