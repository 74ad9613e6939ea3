"""check --with-caffe: what is asked of pycaffe, and what is said of its answers.

The answers of most tests come from a stand-in for pycaffe, whose nets are what a test says. Those marked `caffe` ask a
real one: NETCOMPILE_CAFFE_PYTHON names the interpreter that has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from netcompile.cli import main
from netcompile.diagnostics import CallError, Report
from netcompile.forks.read import fork_of
from netcompile.pycaffe.compare import Options, compare
from netcompile.pycaffe.process import Pycaffe
from netcompile.states import State
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netcompile.diagnostics import Diagnostic

    Said = Callable[..., list[tuple[str, str]]]

REAL = os.environ.get("NETCOMPILE_CAFFE_PYTHON", "")

STAND_IN = """
import json, os, sys, time
TRAIN, TEST = 0, 1
ANSWERS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "answers.json")
LOG = os.path.join(os.path.dirname(os.path.dirname(__file__)), "asked.jsonl")

class Blob:
    def __init__(self, shape):
        self.shape = shape

class Net:
    def __init__(self, path, phase, level=0, stages=None):
        text = open(path).read()
        with open(LOG, "a") as log:
            log.write(json.dumps([text, phase, level, stages, sys.path[0], os.getpid()]) + "\\n")
        answer = json.load(open(ANSWERS))
        print("chatter of a Python layer")
        if "fatal" in answer:
            sys.stderr.write("WARNING: Logging before InitGoogleLogging()\\n" + answer["fatal"] + "\\n")
            os._exit(134)
        if "signal" in answer:
            os.kill(os.getpid(), answer["signal"])
        if "sleep" in answer:
            time.sleep(answer["sleep"])
        if "printed" in answer:
            sys.stderr.write(answer["printed"] + "\\n")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        self.blobs = {name: Blob(shape) for name, shape in answer["blobs"].items()}
        self.params = {name: [Blob(shape) for shape in shapes] for name, shapes in answer.get("params", {}).items()}

def set_mode_cpu():
    pass
"""

NET = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "relu" }
"""
RIGHT: dict[str, Any] = {"blobs": {"data": [2, 3], "ip": [2, 4], "relu": [2, 4]}, "params": {"ip": [[4, 3], [4]]}}
TRAIN, TEST = State("TRAIN"), State("TEST")
REFUSES = "in TRAIN: Caffe refuses the net, in which no error is found: "
SKIPS = "not compared with Caffe in TRAIN: "


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


def asked(stand_in: Path) -> list[Any]:
    return [json.loads(line) for line in (stand_in / "asked.jsonl").read_text(encoding="utf-8").splitlines()]


# What is said


def test_nothing_where_both_agree(said: Said) -> None:
    automatic = {"ip_ip_0_split_0": [2, 4], "(automatic)": []}
    assert said({**RIGHT, "blobs": {**RIGHT["blobs"], **automatic}}, NET, TRAIN, TEST) == []
    assert (
        said({"fatal": "F0101 10:11:12.131415  7 net.cpp:9] no"}, NET.replace('"data" top: "ip"', '"dta" top: "ip"'))
        == []
    )


def test_a_refusal_with_caffe_s_words(said: Said) -> None:
    check = "Check failed: 0 == 1 Unknown layer type: Z"
    fatal = f"F20260101 10:11:12.131415 17 layer_factory.hpp:81] {check} (known types: A, B)"
    assert said({"fatal": fatal}) == [("caffe-differs", f"{REFUSES}{check} (layer_factory.hpp:81)")]


def test_a_refusal_of_the_parser_is_told_by_what_it_says_first(said: Said) -> None:
    log = "[libprotobuf ERROR text_format.cc:337] Error parsing: 1:5: no field named x\nF0101 10:11:12.1 7 a.cpp:9] b"
    assert said({"fatal": log}) == [("caffe-differs", f"{REFUSES}Error parsing: 1:5: no field named x")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"signal": 8}, "it crashed with SIGFPE"),
        ({"fatal": "out of luck"}, "it ended with exit code 134"),
        ({"error": "bad net"}, "RuntimeError: bad net"),
        ({"error": "NULL", "printed": "Traceback:\nKeyError: 'x'"}, "KeyError: 'x'"),
    ],
)
def test_a_crash_and_an_exception_are_refusals(answer: dict[str, Any], words: str, said: Said) -> None:
    assert said(answer) == [("caffe-differs", f"{REFUSES}{words}")]


def test_an_acceptance_of_what_is_refused_here_stands_at_the_finding(said: Said) -> None:
    builds = "in TRAIN: Caffe builds the net, which is refused here: "
    missing = "InnerProduct 'ip': num_output is missing; it must be at least 1"
    assert said(RIGHT, NET.replace("num_output: 4", "")) == [("caffe-differs:2", f"{builds}{missing}")]


def test_other_shapes_at_the_first_layer_that_makes_one(said: Said) -> None:
    answer = {**RIGHT, "blobs": {"data": [2, 3], "ip": [2, 5], "relu": [2, 5]}, "params": {"ip": [[5, 3], [5]]}}
    assert said(answer) == [
        ("caffe-differs:2", "in TRAIN: Caffe gives 'ip' the learned blobs 5x3, 5, not 4x3, 4"),
        ("caffe-differs:2", "in TRAIN: Caffe makes 'ip' 2x5, not 2x4; 1 more blob differs"),
    ]


def test_blobs_and_learned_blobs_that_only_one_has(said: Said) -> None:
    answer = {"blobs": {"data": [2, 3], "relu": [2, 4], "more": []}, "params": {"relu": [[1]], "ip": [[4, 3], [4]]}}
    assert said(answer) == [
        ("caffe-differs:2", "in TRAIN: Caffe makes 'ip' not at all, not 2x4"),
        ("caffe-differs", "in TRAIN: Caffe makes a blob 'more', which is not found here"),
        ("caffe-differs", "in TRAIN: Caffe gives 'relu' the learned blobs 1, not none"),
    ]


def test_what_is_not_known_here_is_no_difference(said: Said) -> None:
    text = NET.replace('"ReLU"', '"Own"')
    blobs = {**RIGHT["blobs"], "relu": [7, 7, 7]}
    assert said({"blobs": blobs, "params": {**RIGHT["params"], "relu": [[9]]}}, text, allow_custom=True) == []


def test_a_missing_module_of_a_python_layer_is_a_note(said: Said) -> None:
    ((place, message),) = said({"error": "NULL", "printed": "ModuleNotFoundError: No module named 'pyloss'"})
    assert place == "caffe-not-compared"
    assert message == "not compared with Caffe in TRAIN: ModuleNotFoundError: No module named 'pyloss'"


# What Caffe reads

DATA = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { source: "SOURCE" batch_size: 2 backend: LMDB } transform_param { crop_size: 5 } }
layer { name: "out" type: "HDF5Output" bottom: "data" bottom: "label" hdf5_output_param { file_name: "OUT" } }
"""


def test_the_text_is_caffe_s_own_to_the_letter(said: Said, stand_in: Path) -> None:
    text = f"# a comment\n{NET}"
    said(RIGHT, text, State("TEST", 3, ("deploy", "b")))
    assert asked(stand_in)[0][:4] == [text, 1, 3, ["deploy", "b"]]


def test_data_that_is_not_there_is_made_up_on_both_sides(said: Said, stand_in: Path) -> None:
    answer = {"blobs": {"data": [2, 3, 5, 5], "label": [2]}}
    assert said(answer, DATA) == []
    text = asked(stand_in)[0][0]
    assert 'type: "Input"' in text
    assert [line.strip() for line in text.splitlines() if "dim:" in line] == [
        "dim: 2",
        "dim: 3",
        "dim: 5",
        "dim: 5",
        "dim: 2",
    ]
    ((_, message),) = said({"blobs": {"data": [2, 3, 6, 6], "label": [2]}}, DATA)
    assert message == "in TRAIN, with 'data' of 2x3x5x5: Caffe makes 'data' 2x3x6x6, not 2x3x5x5"


def test_declared_shapes_are_those_of_the_data(said: Said, stand_in: Path) -> None:
    answer = {"blobs": {"data": [2, 1, 5, 5], "label": [2]}}
    assert said(answer, DATA, shapes={"data": (2, 1, 5, 5)}) == []
    assert "dim: 3" not in asked(stand_in)[0][0]


def test_data_that_is_there_is_read_and_nothing_is_written(said: Said, stand_in: Path, tmp_path: Path) -> None:
    source = tmp_path / "lmdb"
    source.mkdir()
    text = DATA.replace("SOURCE", str(source)).replace("OUT", str(tmp_path / "out.h5"))
    assert said({"blobs": {"data": [2, 1, 5, 5], "label": [2]}}, text) == []
    text = asked(stand_in)[0][0]
    assert str(source) in text
    assert "HDF5Output" not in text
    assert 'type: "Silence"' in text


def test_data_of_unknown_rank_is_not_compared(said: Said, stand_in: Path) -> None:
    text = 'layer { name: "d" type: "HDF5Data" top: "x" hdf5_data_param { source: "gone.txt" batch_size: 2 } }'
    why = "'d' reads 'gone.txt', which is not here, and 'x' has no known shape"
    assert said(RIGHT, text) == [("caffe-not-compared", f"{SKIPS}{why}")]
    assert not (stand_in / "asked.jsonl").exists()
    assert said({"blobs": {"x": [2, 7]}}, text, shapes={"x": (2, 7)}) == []


V1 = """
layers { name: "data" type: DATA top: "data" top: "label" data_param { source: "gone" batch_size: 2 crop_size: 5 } }
layers: { name: "out" type: HDF5_OUTPUT bottom: "data" bottom: "label" hdf5_output_param { file_name: "o" } }
"""
V0 = 'layers { layer { name: "d" type: "data" source: "gone" batchsize: 2 cropsize: 5 } top: "data" top: "label" }'


def test_v1_data_is_replaced_in_the_format_of_the_net(said: Said, stand_in: Path) -> None:
    assert said({"blobs": {"data": [2, 3, 5, 5], "label": [2]}}, V1) == []
    assert "type: DUMMY_DATA" in asked(stand_in)[0][0]
    assert "type: SILENCE" in asked(stand_in)[0][0]


def test_v0_data_can_t_be_replaced(said: Said) -> None:
    why = "'d' reads what is not here, and the net is too old to have it replaced"
    assert said(RIGHT, V0) == [("caffe-not-compared", f"{SKIPS}{why}")]


def test_layers_in_a_list_are_replaced_where_they_stand(said: Said, stand_in: Path) -> None:
    text = 'layer: [{ name: "d" type: "Data" top: "d" data_param { source: "gone" batch_size: 2 } }]'
    said({"blobs": {"d": [2, 3, 256, 256]}}, text)
    assert asked(stand_in)[0][0].startswith('layer: [{\nname: "d"\n')


# The process


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


# The command


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


# A real Caffe


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
