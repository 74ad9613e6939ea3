"""The solver of the MNIST example is a valid one, for the net that the README has compiled."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format

from netcompile.caffe import caffe_pb2

ROOT = Path(__file__).resolve().parents[2]
MNIST = ROOT / "examples/mnist"


def read_solver() -> caffe_pb2.SolverParameter:
    text = (MNIST / "lenet_python_solver.prototxt").read_text(encoding="utf-8")
    return text_format.Parse(text, caffe_pb2.SolverParameter())


def test_solver_trains_the_net_of_the_readme() -> None:
    readme = (MNIST / "python_tools/README.md").read_text(encoding="utf-8")
    assert f"netcompile specs/lenet_python.yaml -o {read_solver().net}\n" in readme


def test_snapshots_go_to_a_folder_that_exists() -> None:
    assert (ROOT / read_solver().snapshot_prefix).parent == MNIST


def test_one_test_covers_the_whole_test_set() -> None:
    assert read_solver().test_iter[0] * 100 == 10_000  # 100 images in a TEST batch of specs/lenet_python.yaml
