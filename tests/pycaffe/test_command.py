"""check --with-caffe: the command."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from pycaffe_stand_in import NET, RIGHT

from netcompile.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_command_compares_specs_nets_and_solvers(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {**RIGHT, "blobs": {**RIGHT["blobs"], "relu": [1]}}
    (stand_in / "answers.json").write_text(json.dumps(wrong), encoding="utf-8")
    (tmp_path / "net.prototxt").write_text(NET, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(
        "layers:\n- {name: data, type: Input, shape: {dim: [2, 3]}}\n- {name: ip, type: InnerProduct, num_output: 4}\n"
        "- {name: relu, type: ReLU}\n",
        encoding="utf-8",
    )
    (tmp_path / "solved.prototxt").write_text(NET, encoding="utf-8")
    (tmp_path / "solver.prototxt").write_text(
        'net: "solved.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 9 snapshot: 9 snapshot_prefix: "x"\n'
        'train_state { stage: "s" }',
        encoding="utf-8",
    )
    names = ["net.prototxt", "spec.yaml", "solved.prototxt", "solver.prototxt"]
    assert main(["check", *names, "--format", "json"]) == 0
    capsys.readouterr()
    assert main(["check", *names, "--format", "json", "--with-caffe"]) == 1
    found = [one for one in json.loads(capsys.readouterr().out) if one["code"] == "caffe-differs"]
    assert [(os.path.basename(one["path"]), one["line"], one["message"]) for one in found] == [
        ("net.prototxt", 3, "in TRAIN: Caffe makes 'relu' 1, not 2x4"),
        ("net.prototxt", 3, "in TEST: Caffe makes 'relu' 1, not 2x4"),
        ("spec.yaml", 1, "in TRAIN: Caffe makes 'relu' 1, not 2x4"),
        ("spec.yaml", 1, "in TEST: Caffe makes 'relu' 1, not 2x4"),
        ("solved.prototxt", 3, "in TRAIN, stage s: Caffe makes 'relu' 1, not 2x4"),
    ]


def test_the_command_without_pycaffe_is_a_wrong_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET, encoding="utf-8")
    assert main(["check", "net.prototxt", "--with-caffe", "--caffe-python", str(tmp_path / "gone")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
