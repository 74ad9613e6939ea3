"""train.py: what it asks of pycaffe and in which order, and how it ends where something is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MNIST = Path(__file__).resolve().parents[2] / "examples/mnist"
TRAIN = MNIST / "python_tools/train.py"


class RecordingCaffe(ModuleType):
    """Stands in for pycaffe: notes every call in `calls`."""

    def __init__(self) -> None:
        super().__init__("caffe")
        self.calls: list[tuple[object, ...]] = []
        self.tool_found = False

    def set_mode_cpu(self) -> None:
        self.calls.append(("cpu",))

    def set_mode_gpu(self) -> None:
        self.calls.append(("gpu",))

    def set_device(self, number: int) -> None:
        self.calls.append(("device", number))

    def get_solver(self, path: str) -> Any:
        self.calls.append(("solver", path))
        self.tool_found = importlib.util.find_spec("pyloss") is not None
        return SimpleNamespace(
            step=lambda count: self.calls.append(("step", count)),
            param=SimpleNamespace(max_iter=77),
            net=SimpleNamespace(save=lambda path: self.calls.append(("save", path))),
        )


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> RecordingCaffe:
    """Pycaffe as far as train.py uses it, and a search path of modules that is restored afterwards."""
    caffe = RecordingCaffe()
    monkeypatch.setitem(sys.modules, "caffe", caffe)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(TRAIN.parent)])
    return caffe


def test_trains_on_the_cpu_by_default(
    train: ModuleType, recorder: RecordingCaffe, capsys: pytest.CaptureFixture[str]
) -> None:
    train.main([])
    solver, weights = str(MNIST / "lenet_python_solver.prototxt"), str(MNIST / "lenet_python.caffemodel")
    assert recorder.calls == [("cpu",), ("solver", solver), ("step", 77), ("save", weights)]
    assert capsys.readouterr().out == f"{weights}\n"


def test_takes_what_the_arguments_say(train: ModuleType, recorder: RecordingCaffe, tmp_path: Path) -> None:
    solver, weights = tmp_path / "solver.prototxt", tmp_path / "weights"
    solver.touch()
    train.main([str(solver), "--iterations", "5", "--output", str(weights), "--gpu", "0"])
    expected = [("device", 0), ("gpu",), ("solver", str(solver)), ("step", 5), ("save", str(weights))]
    assert recorder.calls == expected


def test_the_solver_finds_the_layers_of_the_folder(train: ModuleType, recorder: RecordingCaffe) -> None:
    assert importlib.util.find_spec("pyloss") is None
    train.main([])
    train.main([])
    assert recorder.tool_found
    assert sys.path.count(str(TRAIN.parent)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.prototxt"], "no such solver file: missing.prototxt"),
        (["--output", "missing/weights"], "no such folder for the weights: missing"),
        (["--iterations", "0"], "invalid positive value: '0'"),
        (["--iterations", "many"], "invalid positive value: 'many'"),
        (["--gpu", "first"], "invalid int value: 'first'"),
    ],
)
def test_wrong_call_ends_with_code_2_before_training(
    train: ModuleType,
    recorder: RecordingCaffe,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        train.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert recorder.calls == []


def test_without_pycaffe_the_process_ends_with_code_2_and_says_why() -> None:
    """A module of None makes `import caffe` fail, whether pycaffe is installed or not."""
    script = f"import runpy, sys; sys.modules['caffe'] = None; runpy.run_path({str(TRAIN)!r}, run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "pycaffe is needed" in ended.stderr
    assert "WITH_PYTHON_LAYER" in ended.stderr
    assert "Traceback" not in ended.stderr
