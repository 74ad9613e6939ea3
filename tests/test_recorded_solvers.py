"""The recorded solvers: errors exactly where Caffe failed in construction or in the first iteration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import netcompile

if TYPE_CHECKING:
    from pathlib import Path

# Placeholders of what only the machine knows: files of weights, and folders to write to.
OUTSIDE = ("@OUT@", "@DIR@", "@MISSING@", "@WEIGHTS@", "@WEIGHTS_H5@", "@WEIGHTS_MISFIT@", "@WEIGHTS_MISFIT_H5@")


def judge(case: dict[str, Any]) -> tuple[str, str, list[str]] | None:
    nets = {"@NET@": case["net"], "@NET2@": case.get("net2")}
    found = netcompile.check_solver(case["solver"], nets={path: net for path, net in nets.items() if net is not None})
    failed = any(d.severity == "error" for d in found)
    fails = "error" in (case["verdict"], case["verdict_step"])
    if failed == fails or (fails and any(name in case["solver"] for name in OUTSIDE)):
        return None
    return case["id"], case["reason"] or case["reason_step"], [str(d) for d in found]


def test_recorded_solvers(shared: Path) -> None:
    lines = (shared / "conformance" / "solver_cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    assert len(cases) > 200
    assert [wrong for wrong in map(judge, cases) if wrong] == []


def test_published_solvers(shared: Path) -> None:
    """None has an error but the one whose own net is in an old format, and few have a lint, all on their nets."""
    names = {path.name for path in (shared / "corpus").glob("*.prototxt")}
    solvers = sorted(name for name in names if "solver" in name)
    found = {}
    for name in solvers:
        text = (shared / "corpus" / name).read_text(encoding="utf-8")
        nets = {path: net for path in _paths(text) if (net := _net(shared, path, names))}
        found[name] = {(d.severity, d.code) for d in netcompile.check_solver(text, nets=nets)} - {
            ("warning", "unread-net")
        }
    old = found.pop("mnist.lenet_consolidated_solver.prototxt")
    assert old == {("warning", "not-upgraded"), ("error", "empty-net")}
    assert len(found) > 20
    autoencoder = {name for name in found if name.startswith("mnist.mnist_autoencoder")}
    assert {name: codes for name, codes in found.items() if codes} == {
        "cifar10.cifar10_full_sigmoid_solver_bn.prototxt": {("warning", "batch-norm-alone")},
        "finetune_pascal_detection.pascal_finetune_solver.prototxt": {("warning", "random-test")},
        **{name: {("warning", "duplicate-layer")} for name in autoencoder},
    }


def _paths(text: str) -> list[str]:
    return [line.partition('"')[2].rstrip('"') for line in text.splitlines() if line.startswith(("net:", "train_net:"))]


def _net(shared: Path, path: str, names: set[str]) -> str | None:
    name = ".".join(path.split("/")[-2:])
    return (shared / "corpus" / name).read_text(encoding="utf-8") if name in names else None
