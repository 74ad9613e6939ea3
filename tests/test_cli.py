"""The command line: streams, exit codes, outputs and their edges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO, TextIOWrapper
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import text_format

from netcompile import caffe_pb2, files
from netcompile.cli import COMMANDS
from netcompile.codes import CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., Any]

PATCH = which("patch")
ROOT = Path(__file__).parents[1]
SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
TRAINED = """\
name: tiny
layers:
- {name: data, type: DummyData, top: [data, label], shape: [{dim: [2, 3]}, {dim: [2]}]}
- {name: ip, type: InnerProduct, bottom: data, num_output: 2, weight_filler: xavier}
- {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
deploy: {}
solver: {base_lr: 0.1, lr_policy: fixed, max_iter: 9, snapshot: 9, snapshot_prefix: x}
"""
WRONG = f"{SPEC}- {{name: conv, type: Convolution, kernel_sise: 3, num_output: 4}}\n"
LIBRARY = "vars: {width: 8}\n"
V1 = 'name: "v1" layers { name: "d" type: DUMMY_DATA top: "d" dummy_data_param { shape { dim: 1 } } }\n'
NET = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }\n'
OUTPUT = "an output: -o DIR/, or `output` under [tool.netcompile]\n"


def parsed(text: str) -> caffe_pb2.NetParameter:
    return text_format.Parse(text, caffe_pb2.NetParameter())


def process(*arguments: str, cwd: Path, **more: Any) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "netcompile", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


# The whole


def test_overview_and_version(call: Call) -> None:
    assert call() == call("--help")
    assert all(f"  {command} " in call().out for command in COMMANDS)
    assert call("--version").out.startswith("netcompile ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(call: Call, command: str) -> None:
    done = call(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: netcompile {command} ")
    assert "--color" in done.out


def test_wrong_calls(call: Call) -> None:
    assert call("gone.yaml") == (2, "", "netcompile: gone.yaml: No such file or directory\n")
    assert call("chekc", a_yaml=SPEC).code == 2
    assert call("a.yaml", "--frobnicate").code == 2
    assert call("a.yaml", "--target", "everything").code == 2
    assert call("compile").err == (
        "netcompile: compile needs a SPEC, or `specs` under [tool.netcompile] in pyproject.toml\n"
    )


def test_a_fault_of_ours_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr("netcompile.commands.compile.build", fail)
    done = call("a.yaml", a_yaml=SPEC)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(
        "netcompile: a fault of netcompile, please report it: RuntimeError: oh (NETCOMPILE_DEBUG=1"
    )
    monkeypatch.setenv("NETCOMPILE_DEBUG", "1")
    with pytest.raises(RuntimeError, match="oh"):
        call("a.yaml")


# What compile makes of one spec


def test_one_spec_goes_to_standard_output(call: Call) -> None:
    done = call("a.yaml", a_yaml=SPEC)
    assert (done.code, done.err) == (0, "")
    assert parsed(done.out).layer[0].name == "data"
    assert done.out == call("compile", "a.yaml").out == call("a.yaml", "-o", "-").out
    header, _, text = done.out.partition("\n")
    assert header == "# Made by netcompile from a.yaml"
    assert call("a.yaml", "--no-header").out == text


def test_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(SPEC.encode())))
    assert call("-").out.startswith("# Made by netcompile from <stdin>\nlayer {")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(SPEC.encode())))
    assert call("-", "-o", "nets/").code == 0
    assert (tmp_path / "nets/stdin.prototxt").exists()


def test_a_deploy_net_without_outputs_has_a_place(call: Call) -> None:
    spec = "layers:\n  - {name: data, type: Input, shape: {dim: [1, 3]}}\n"
    assert call("a.yaml", "--target", "deploy", a_yaml=spec).err.startswith("a.yaml:1:1: error[no-outputs]: ")


@pytest.mark.parametrize("target", ["net", "train", "test", "deploy", "solver"])
def test_targets(call: Call, target: str) -> None:
    done = call("a.yaml", "--target", target, a_yaml=TRAINED)
    assert done.code == 0
    wanted = {"deploy": 'type: "Softmax"', "solver": 'net: "a.prototxt"'}.get(target, 'type: "SoftmaxWithLoss"')
    assert wanted in done.out
    binary = call("a.yaml", "--target", target, "--no-header", "--binary", "-o", "b")
    message = caffe_pb2.SolverParameter() if target == "solver" else caffe_pb2.NetParameter()
    message.ParseFromString(Path("b").read_bytes())
    assert (binary.code, text_format.Parse(done.out, type(message)())) == (0, message)


def test_findings_go_to_standard_error(call: Call, tmp_path: Path) -> None:
    done = call("a.yaml", "-o", "b.prototxt", a_yaml=WRONG)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("a.yaml:3:35: error[unknown-field]: ")
    assert not (tmp_path / "b.prototxt").exists()
    warned = call("a.yaml", a_yaml=TRAINED.replace("max_iter: 9", "max_iter: 0"))
    assert warned.code == 0
    assert "warning[no-iterations]" in warned.err
    assert "no-iterations" not in call("a.yaml", "--ignore", "no-iterations").err
    trained = TRAINED.replace("DummyData,", "DummyData, only: [train, deploy],").replace("deploy: {}", "")
    assert call("a.yaml", a_yaml=trained.partition("solver")[0]).err.count("note") == 0


def test_what_is_no_spec(call: Call) -> None:
    done = call("n.prototxt", n_prototxt=NET)
    assert done.err == "netcompile: n.prototxt is prototxt, not a spec: `netcompile import` makes a spec of a net\n"
    assert (done.code, call("l.yaml", l_yaml=LIBRARY).code) == (2, 2)
    assert call("a.yaml", "--target", "solver", a_yaml=SPEC).err.startswith("a.yaml:1:1: error[no-solver]: ")


# Files that compile writes


def test_output_file_and_folder(call: Call, tmp_path: Path) -> None:
    assert call("a.yaml", "-o", "deep/er/b.pt", a_yaml=SPEC).code == 0
    assert call("a.yaml", "-o", "nets/").code == 0
    (tmp_path / "there").mkdir()
    assert call("a.yaml", "-o", "there").code == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"a.yaml", "deep/er/b.pt", "nets/a.prototxt", "there/a.prototxt"}


def test_several_specs_need_a_folder(call: Call) -> None:
    specs = {"s__a_yaml": SPEC, "s__sub__b_yaml": SPEC, "s__lib_yaml": LIBRARY, "s__ci_yaml": "jobs: {}\n"}
    done = call("s", **specs)
    assert (done.code, done.err) == (
        2,
        f"netcompile: 4 specs need {OUTPUT}",
    )
    assert call("s", "-o", "s/a.yaml").err == "netcompile: s/a.yaml is a file; several specs need a folder: -o DIR/\n"
    assert call("s", "-o", "out") == (0, "", "")
    assert sorted(str(path) for path in Path("out").rglob("*.*")) == ["out/a.prototxt", "out/sub/b.prototxt"]
    assert call("s/**/*.yaml", "-o", "again") == (0, "", "")
    assert sorted(str(path) for path in Path("again").rglob("*.*")) == ["again/a.prototxt", "again/sub/b.prototxt"]
    assert call("empty", "-o", "x", empty__readme_txt="").err == "netcompile: no specs in empty\n"


def test_a_spec_is_never_written_over(call: Call) -> None:
    assert call("a.yaml", "-o", "a.yaml", a_yaml=SPEC).code == 2
    assert Path("a.yaml").read_text(encoding="utf-8") == SPEC
    assert call("a.yaml", "b.yaml", "-o", "all.prototxt", b_yaml=SPEC).code == 2
    assert not Path("all.prototxt").exists()


def test_two_specs_for_one_output(call: Call) -> None:
    done = call("x/a.yaml", "y/a.yaml", "-o", "out/", x__a_yaml=SPEC, y__a_yaml=SPEC)
    assert (done.code, done.err) == (
        2,
        "netcompile: x/a.yaml and y/a.yaml would both be written to out/a.prototxt\n",
    )
    assert not Path("out").exists()


def test_one_wrong_spec_does_not_hold_up_the_others(call: Call) -> None:
    done = call("s", "gone.yaml", "-o", "out/", s__a_yaml=SPEC, s__b_yaml=WRONG, s__c_yaml=SPEC)
    assert done.code == 2
    assert done.err.endswith("netcompile: gone.yaml: No such file or directory\n")
    assert sorted(os.listdir("out")) == ["a.prototxt", "c.prototxt"]
    assert call("s", "-o", "out/").code == 1


def test_all_targets(call: Call, tmp_path: Path) -> None:
    assert call("a.yaml", "--target", "all", a_yaml=TRAINED).err == f"netcompile: --target all needs {OUTPUT}"
    assert call("a.yaml", "--target", "all", "-o", "nets/").code == 0
    assert sorted(os.listdir("nets")) == ["a.deploy.prototxt", "a.prototxt", "a.solver.prototxt"]
    assert 'net: "nets/a.prototxt"' in (tmp_path / "nets/a.solver.prototxt").read_text(encoding="utf-8")
    assert call("a.yaml", "--target", "all", "-o", "b.prototxt", "--net-path", "else").code == 0
    assert 'net: "else"' in (tmp_path / "b.solver.prototxt").read_text(encoding="utf-8")


def test_unchanged_files_are_not_touched(call: Call, tmp_path: Path) -> None:
    call("a.yaml", "-o", "b.prototxt", a_yaml=SPEC)
    os.utime(tmp_path / "b.prototxt", (1, 1))
    call("a.yaml", "-o", "b.prototxt")
    assert (tmp_path / "b.prototxt").stat().st_mtime == 1


def test_files_of_one_spec_change_together(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("a.yaml", "--target", "all", "-o", "nets/", a_yaml=TRAINED)
    before = {path.name: path.read_bytes() for path in (tmp_path / "nets").iterdir()}
    fsync, synced = os.fsync, []

    def full_disk(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 3:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", full_disk)
    changed = TRAINED.replace("num_output: 2", "num_output: 4").replace("max_iter: 9", "max_iter: 8")
    done = call("a.yaml", "--target", "all", "-o", "nets/", a_yaml=changed)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("nets/a.solver.prototxt: No space left on device\n")
    assert {path.name: path.read_bytes() for path in (tmp_path / "nets").iterdir()} == before


# Whether files are fresh


def test_freshness(call: Call, tmp_path: Path) -> None:
    assert call("a.yaml", "--check", a_yaml=SPEC).err == f"netcompile: --check needs {OUTPUT}"
    assert call("a.yaml", "--check", "-o", "nets/") == (1, "nets/a.prototxt is missing; it comes from a.yaml\n", "")
    assert not Path("nets").exists()
    call("a.yaml", "-o", "nets/")
    assert call("a.yaml", "--check", "-o", "nets/") == (0, "", "")
    path = tmp_path / "nets/a.prototxt"
    fresh = path.read_text(encoding="utf-8")
    path.write_text(fresh.replace("dim: 3", "dim: 4").rstrip("\n"), encoding="utf-8")
    done = call("a.yaml", "--check", "-o", "nets/")
    assert done.code == 1
    assert "-      dim: 4\n+      dim: 3\n" in done.out
    assert "\n\\ No newline at end of file\n" in done.out
    assert path.read_text(encoding="utf-8") != fresh
    if PATCH is not None:  # the diff is one that tools take
        subprocess.run([PATCH, "-p0"], input=done.out, text=True, check=True, capture_output=True)
        assert path.read_text(encoding="utf-8") == fresh
    path.write_bytes(b"\xff")
    assert call("a.yaml", "--check", "-o", "nets/").out == "nets/a.prototxt is not what a.yaml gives\n"


def test_freshness_of_all_targets(call: Call, tmp_path: Path) -> None:
    arguments = ("s/", "--target", "all", "-o", "nets/")
    call(*arguments, s__a_yaml=TRAINED, s__b_yaml=TRAINED)
    (tmp_path / "nets/a.solver.prototxt").unlink()
    done = call(*arguments, "--check")
    assert (done.code, done.out) == (1, "nets/a.solver.prototxt is missing; it comes from s/a.yaml\n")


# show, upgrade, explain


def test_show(call: Call) -> None:
    done = call("show", "a.yaml", a_yaml=TRAINED)
    assert (done.code, done.err) == (0, "")
    assert [line for line in done.out.splitlines() if line.startswith("tiny: ")] == [
        "tiny: TRAIN and TEST",
        "tiny: DEPLOY",
    ]
    assert call("show", "a.yaml", "--phase", "test").out.startswith("tiny: TEST\n")
    shown = json.loads(call("show", "a.yaml", "--format", "json").out)
    assert (shown["name"], list(shown["phases"])) == ("tiny", ["TRAIN", "TEST", "DEPLOY"])
    assert call("show", "a.yaml", "--format", "dot", "--phase", "deploy").out.startswith('digraph "tiny" {')


def test_show_derives_a_deploy_net(call: Call) -> None:
    spec = TRAINED.replace("deploy: {}\n", "")
    assert "DEPLOY" not in call("show", "a.yaml", a_yaml=spec).out
    assert call("show", "a.yaml", "--phase", "deploy").out.startswith("tiny: DEPLOY\n")


def test_show_prototxt(call: Call) -> None:
    staged = NET.replace("input_param", 'include { stage: "a" } input_param')
    done = call("show", "n.prototxt", "--format", "json", n_prototxt=staged)
    assert (done.code, json.loads(done.out)["phases"]["TRAIN"]["layers"]) == (0, [])
    assert "warning[needs-stage]" in done.err
    done = call("show", "n.prototxt", "--format", "json", "--stage", "a", "--level", "2")
    train = json.loads(done.out)["phases"]["TRAIN"]
    assert (done.err, train["stages"], train["level"], train["blobs"]) == ("", ["a"], 2, {"data": [1, 3]})
    assert "DUMMY" not in call("show", "v.prototxt", v_prototxt=V1).out


def test_show_leaves_out_what_is_silenced(call: Call) -> None:
    abort = 'layer { name: "d" type: "HDF5Data" top: "d" hdf5_data_param { source: "s" batch_size: 0 } }'
    assert call("show", "n.prototxt", n_prototxt=abort).code == 1
    done = call("show", "n.prototxt", n_prototxt=f"{abort}  # netcompile: ignore[run-abort]")
    assert (done.code, done.err) == (0, "")


def test_show_says_what_it_cannot_show(call: Call) -> None:
    wrong = call("show", "a.yaml", a_yaml=WRONG)
    assert (wrong.code, wrong.out) == (1, "")
    assert "error[unknown-field]" in wrong.err
    for name, content, message in (
        ("s.prototxt", 'net: "n"', "s.prototxt is a solver; show takes a spec or a net"),
        ("l.yaml", LIBRARY, "l.yaml is a library: it has no layers to show"),
        ("gone.yaml", None, "gone.yaml: No such file or directory"),
    ):
        if content is not None:
            Path(name).write_text(content, encoding="utf-8")
        assert call("show", name) == (2, "", f"netcompile: {message}\n")
    done = call("show", "n.prototxt", "--phase", "deploy", n_prototxt=NET)
    assert (done.code, "no deploy net can be derived" in done.err) == (2, True)


def test_upgrade(call: Call, tmp_path: Path) -> None:
    done = call("upgrade", "v.prototxt", v_prototxt=V1)
    assert (done.code, done.err) == (0, "v.prototxt: had V1 layers\n")
    assert parsed(done.out).layer[0].type == "DummyData"
    assert call("upgrade", "v.prototxt", "-o", "new.prototxt")[:2] == (0, "")
    assert (tmp_path / "new.prototxt").read_text(encoding="utf-8") == done.out
    again = call("upgrade", "new.prototxt")
    assert (again.out, again.err) == (done.out, "new.prototxt: is in the current format; nothing to upgrade\n")


def test_upgrade_keeps_what_is_current_as_it_is(call: Call) -> None:
    text = f"# a comment\n{NET}"
    assert call("upgrade", "n.prototxt", n_prototxt=text).out == text
    done = call("upgrade", "s.prototxt", s_prototxt='# old\nnet: "n" solver_type: ADAM\n')
    assert done.out == 'net: "n"\ntype: "Adam"\n'
    assert done.err.startswith("s.prototxt: had solver_type\n")


def test_upgrade_says_what_gets_lost_and_what_is_refused(call: Call) -> None:
    lost = 'layers { layer { name: "d" type: "relu" num_output: 3 } bottom: "d" top: "d" } input: "d" input_dim: 1'
    done = call("upgrade", "v.prototxt", v_prototxt=lost + " input_dim: 1 input_dim: 1 input_dim: 1")
    assert done.code == 0
    assert "warning[upgrade-dropped-field]: 'num_output' is lost" in done.err
    for wrong in ("layers { } layer { }", 'layers { nme: "a" }'):
        refused = call("upgrade", "v.prototxt", "-o", "out", v_prototxt=wrong)
        assert (refused.code, refused.out, Path("out").exists()) == (1, "", False)
    assert call("upgrade", "a.yaml", a_yaml=SPEC).code == 2
    assert call("upgrade", "n.prototxt", n_prototxt=b'layers { name: "caf\xe9" }').code == 2


def test_explain(call: Call) -> None:
    assert call("explain", "unread-net").out.startswith("unread-net (warning)\n\n")
    assert call("explain", "unread-net", "no-loss").out.count("Right:") == 2
    assert len(call("explain", "--all").out.splitlines()) == len(CODES)
    done = call("explain", "unread-nte")
    assert done.err.startswith("netcompile: there is no code 'unread-nte'; did you mean 'unread-net'?")
    assert (done.code, call("explain").code, call("explain", "a", "--all").code) == (2, 2, 2)


# Processes


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    layers = "".join(f"- {{name: l{i}, type: ReLU, bottom: data, top: l{i}}}\n" for i in range(20_000))
    (tmp_path / "a.yaml").write_text(SPEC + layers, encoding="utf-8")
    with process("a.yaml", cwd=tmp_path) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert (child.wait(60), child.stderr.read()) == (0, b"")


def test_an_interruption_says_nothing(tmp_path: Path) -> None:
    with process("-", cwd=tmp_path, stdin=subprocess.PIPE) as child:
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, b"", b"")


def test_streams_and_code_of_a_real_call(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WRONG, encoding="utf-8")
    for arguments, stream in ((("a.yaml",), "stderr"), (("check", "a.yaml"), "stdout")):
        with process(*arguments, cwd=tmp_path) as child:
            out, err = child.communicate(timeout=60)
        found, other = (err, out) if stream == "stderr" else (out, err)
        assert (child.returncode, other) == (1, b"")
        assert found.startswith(b"a.yaml:3:35: error[unknown-field]: ")
