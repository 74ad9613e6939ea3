"""check --with-caffe: the process in which pycaffe runs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from pycaffe_stand_in import NET, RIGHT, TEST, TRAIN, asked

from netcompile.diagnostics import CallError
from netcompile.pycaffe.process import Pycaffe

if TYPE_CHECKING:
    from pathlib import Path

    from pycaffe_stand_in import Said


def test_one_process_builds_all_nets_until_one_is_refused(said: Said, stand_in: Path) -> None:
    said(RIGHT, NET, TRAIN, TEST)
    said({"fatal": "F0101 10:11:12.1 7 a.cpp:9] b"})
    said(RIGHT)
    processes = [entry[-1] for entry in asked(stand_in)]
    assert processes[0] == processes[1] == processes[2] != processes[3]


def test_a_net_that_takes_too_long_is_a_refusal(stand_in: Path) -> None:
    (stand_in / "answers.json").write_text('{"sleep": 60, "blobs": {}}', encoding="utf-8")
    with Pycaffe(timeout=1.5) as caffe:
        answer = caffe.build(NET, TRAIN)
        assert answer.refusal == "it was not done after 1.5 seconds, or had no memory left"
        (stand_in / "answers.json").write_text(json.dumps(RIGHT), encoding="utf-8")
        assert caffe.build(NET, TRAIN).blobs == RIGHT["blobs"]


def test_modules_of_python_layers_come_first_on_the_path(stand_in: Path, tmp_path: Path) -> None:
    (stand_in / "answers.json").write_text(json.dumps(RIGHT), encoding="utf-8")
    with Pycaffe(python_path=[str(tmp_path), "relative"]) as caffe:
        caffe.build(NET, TRAIN)
    assert asked(stand_in)[0][4] == str(tmp_path)


def test_nothing_is_left_behind(stand_in: Path) -> None:
    (stand_in / "answers.json").write_text(json.dumps(RIGHT), encoding="utf-8")
    with Pycaffe() as caffe:
        caffe.build(NET, TRAIN)
        folder, process = caffe._folder.name, caffe._process  # noqa: SLF001 - what must be gone
        assert process is not None
    assert not os.path.exists(folder)
    assert process.poll() is not None


def test_an_interpreter_without_pycaffe_is_a_wrong_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    with pytest.raises(
        CallError, match="has no pycaffe: No module named 'caffe'; --caffe-python names the interpreter"
    ):
        Pycaffe(str(bare)).__enter__()
    with pytest.raises(CallError, match="No such file or directory"):
        Pycaffe(str(tmp_path / "gone")).__enter__()
