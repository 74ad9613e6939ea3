"""The recorded cases: what Caffe said of thousands of nets, old nets and solvers, judged as the recording judges.

`conformance_exceptions.yaml` has the cases in which we answer otherwise, and why.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

import netcompile

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES: Final = {"cases.jsonl": 3000, "upgrade_cases.jsonl": 400, "solver_cases.jsonl": 200}  # and at least how many


@pytest.fixture(scope="module")
def agree(shared: Path) -> dict[str, Any]:
    """The judge that comes with the recording."""
    return runpy.run_path(str(shared / "conformance/agree.py"))


@pytest.fixture(scope="module")
def exceptions() -> dict[str, str]:
    text = Path(__file__).with_name("conformance_exceptions.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def disagreements(cases: list[Any], agree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for case in cases:
        outcome, detail = agree["judge_any"](case, netcompile)
        if outcome not in agree["FINE"]:
            yield case["id"], f"{outcome}: {detail}"


@pytest.mark.parametrize("name", FILES)
def test_recorded_cases(name: str, shared: Path, agree: dict[str, Any], exceptions: dict[str, str]) -> None:
    cases = list(agree["read"](shared / "conformance" / name))
    assert len(cases) >= FILES[name]
    found = dict(disagreements(cases, agree))
    assert {key: text for key, text in found.items() if key not in exceptions} == {}
    stale = {case["id"] for case in cases} & exceptions.keys() - found.keys()
    assert stale == set(), "these agree now"


def test_exceptions_are_recorded_cases_with_a_reason(
    shared: Path, agree: dict[str, Any], exceptions: dict[str, str]
) -> None:
    known = {case["id"] for name in FILES for case in agree["read"](shared / "conformance" / name)}
    assert exceptions.keys() <= known
    assert all(isinstance(reason, str) and reason.strip() for reason in exceptions.values())


def test_the_judge_finds_what_is_wrong(shared: Path, agree: dict[str, Any]) -> None:
    """A recording turned over is a disagreement in every case that says something."""
    cases = list(agree["read"](shared / "conformance/cases.jsonl"))[:300]
    turned = [
        {**case, "verdict": "error"}
        if case["verdict"] == "ok"
        else {**case, "verdict": "ok", "blobs": {}, "params": {}}
        for case in cases
        if "@" not in case["prototxt"] and not (case["reason"] or "").startswith("build:")
    ]
    assert len(turned) > 100
    assert len(list(disagreements(turned, agree))) == len(turned)
