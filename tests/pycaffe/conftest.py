"""The answers of most tests of this folder come from a stand-in for pycaffe. Those marked `caffe` ask a real one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netcompile.diagnostics import Report
from netcompile.pycaffe.compare import Options, compare
from netcompile.pycaffe.process import Pycaffe
from netcompile.tree import Source

sys.path.insert(0, str(Path(__file__).parent))

from pycaffe_stand_in import NET, STAND_IN, TRAIN, Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.diagnostics import Diagnostic
    from netcompile.states import State


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, on Python's path; `answers.json` in it is what its nets are."""
    package = tmp_path / "stand_in/caffe"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package.parent


@pytest.fixture
def pycaffe(stand_in: Path) -> Iterator[Pycaffe]:
    assert stand_in.is_dir()
    with Pycaffe(timeout=20) as caffe:
        yield caffe


@pytest.fixture
def said(stand_in: Path, pycaffe: Pycaffe) -> Said:
    """What is found in a net, given Caffe's answer."""

    def run(answer: dict[str, Any], text: str = NET, *states: State, **options: Any) -> list[tuple[str, str]]:
        (stand_in / "answers.json").write_text(json.dumps(answer), encoding="utf-8")
        report = Report()
        compare(Source("net.prototxt", text), states or (TRAIN,), pycaffe, report, Options(**options))
        return [(_place(one), one.message) for one in report.ordered()]

    return run


def _place(found: Diagnostic) -> str:
    return f"{found.code}:{found.span.line}" if found.span else found.code
