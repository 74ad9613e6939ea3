"""The example layers and train.py in real Caffe, where this Python has pycaffe with Python layers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "examples/mnist/python_tools"
NETS = Path(__file__).with_name("pycaffe_nets.py")

SOLVED_NET = """
layer { name: "x" type: "DummyData" top: "x" top: "label" dummy_data_param {
  shape { dim: 4 dim: 5 } shape { dim: 4 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 2 } } }
layer { name: "ip2" type: "InnerProduct" bottom: "x" top: "ip2"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "one_hot" type: "Python" bottom: "label" bottom: "ip2" top: "one_hot_label"
  python_param { module: "one_hot" layer: "label2one_hot" } }
layer { name: "loss" type: "Python" bottom: "ip2" bottom: "one_hot_label" top: "loss" loss_weight: 1
  python_param { module: "pyloss" layer: "EuclideanLossLayer" } }
"""


def run_python(folder: Path, *arguments: str | Path, tools: bool = False) -> subprocess.CompletedProcess[str]:
    paths = [str(TOOLS)] if tools else []
    paths += [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "GLOG_minloglevel": "2"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module", autouse=True)
def _pycaffe(tmp_path_factory: pytest.TempPathFactory) -> None:
    probe = "import caffe; assert 'Python' in caffe.layer_type_list(), 'Caffe was built without WITH_PYTHON_LAYER'"
    ended = run_python(tmp_path_factory.mktemp("probe"), "-c", probe)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"needs pycaffe with Python layers in {sys.executable}: {reason}")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    ended = run_python(tmp_path_factory.mktemp("nets"), NETS, tools=True)
    assert ended.returncode == 0, ended.stderr
    loaded: dict[str, Any] = json.loads(ended.stdout)
    return loaded


@pytest.mark.parametrize(
    ("run", "labels"),
    [("first", [1, 0]), ("larger", [1, 0, 2]), ("smaller", [2]), ("four_axes", [1, 0]), ("recovered", [1, 0])],
)
def test_loss_and_gradients_of_a_classifier(results: dict[str, Any], run: str, labels: list[int]) -> None:
    blobs = results[run]["blobs"]
    one_hot = np.eye(3)[labels]
    difference = np.array(blobs["scores"]["data"]) - one_hot
    gradient = 2 * difference / len(labels)  # 2 is the loss weight
    np.testing.assert_array_equal(blobs["one_hot_label"]["data"], one_hot)
    assert results[run]["loss"] == pytest.approx((difference**2).sum() / (2 * len(labels)))
    np.testing.assert_allclose(blobs["scores"]["diff"], gradient, rtol=1e-6)
    np.testing.assert_allclose(blobs["one_hot_label"]["diff"], -gradient, rtol=1e-6)
    assert not np.any(blobs["label"]["diff"])


def test_two_learned_bottoms_train_as_with_the_loss_of_caffe(results: dict[str, Any]) -> None:
    ours, theirs = results["python"], results["caffe"]
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    for layer in ("a", "b"):
        for diff, expected in zip(ours["params"][layer], theirs["params"][layer], strict=True):
            assert np.any(expected)
            np.testing.assert_allclose(diff, expected, rtol=1e-4, atol=1e-6)


def test_refusals_reach_the_caller_as_value_errors(results: dict[str, Any]) -> None:
    assert "label 3.0 of item 1" in results["bad_label"]
    assert "shape of the labels (bottom 0) is (3,)" in results["bad_shape"]


def test_train_saves_the_weights(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(SOLVED_NET, encoding="utf-8")
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 3')
    ended = run_python(tmp_path, TOOLS / "train.py", "solver.prototxt", "--output", "weights.caffemodel")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "weights.caffemodel\n"
    assert (tmp_path / "weights.caffemodel").stat().st_size > 4 * (3 * 5 + 3)
