"""Streams that are closed, full or of another encoding, and files that change while they are read."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from making import GOOD

import netcompile

ROOT = Path(__file__).parents[2]
WRONG = "name: caf\u00e9\nlayers:\n  - {name: \u00e9, type: N\u00e9ant}\n"


@pytest.fixture
def shell(tmp_path):
    """Runs a line of the shell, in which `netcompile` is called, in a folder with specs."""
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(WRONG, encoding="utf-8")

    def shell(line, **environment):
        line = line.replace("netcompile", f"{sys.executable} -m netcompile")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        command = ["/bin/sh", "-c", line]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    return shell


@pytest.mark.parametrize("command", ["good.yaml", "check good.yaml", "--help", "schema", "show good.yaml"])
def test_closed_output_is_an_error(shell, command):
    code, out, err = shell(f"netcompile {command} >&-")
    assert (code, out) == (2, b"")
    assert err == b"netcompile: standard output: Bad file descriptor\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize("command", ["good.yaml", "check good.yaml", "--version", "schema"])
def test_full_output_is_an_error(shell, command):
    code, out, err = shell(f"netcompile {command} > /dev/full")
    assert (code, out) == (2, b"")
    assert err == b"netcompile: standard output: No space left on device\n"


def test_closed_input_is_an_error(shell):
    assert shell("netcompile - <&-") == (2, b"", b"netcompile: <stdin>: it is closed\n")


def test_closed_error_stream_leaves_the_exit_code(shell):
    assert shell("netcompile wrong.yaml 2>&-") == (1, b"", b"")
    assert shell("netcompile nothing.yaml 2>&-") == (2, b"", b"")


def test_a_file_needs_no_open_stream(shell, tmp_path):
    assert shell("netcompile good.yaml -o good.prototxt >&- 2>&- <&-")[0] == 0
    assert (tmp_path / "good.prototxt").read_text(encoding="utf-8").startswith("# Made by netcompile")


@pytest.mark.parametrize("command", ["wrong.yaml", "check wrong.yaml"])
def test_what_a_stream_cannot_encode_is_escaped(shell, command):
    code, out, err = shell(f"netcompile {command}", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert code == 1
    assert rb"unknown-type" in out + err
    assert rb"N\xe9ant" in out + err


def test_a_spec_from_a_pipe(shell):
    assert shell("cat good.yaml | netcompile /dev/stdin --no-header") == shell("netcompile good.yaml --no-header")


def test_a_file_that_changes_while_it_is_read(tmp_path):
    """The writer cuts it off anywhere; each reader sees a spec, or what is wrong with a part of one."""
    path = tmp_path / "a.yaml"
    long = GOOD + "".join(f"  - {{name: l{i}, type: ReLU, top: l{i}}}\n" for i in range(3000))
    path.write_text(long, encoding="utf-8")
    stop = threading.Event()

    def change():
        while not stop.is_set():
            with path.open("w", encoding="utf-8") as file:
                for start in range(0, len(long), 4096):
                    file.write(long[start : start + 4096])
                    file.flush()

    writer = threading.Thread(target=change)
    writer.start()
    try:
        outcomes = {_outcome(path) for _ in range(40)}
    finally:
        stop.set()
        writer.join()
    assert outcomes <= {"Compiled", "CompileError"}


def _outcome(path):
    try:
        return type(netcompile.compile(path)).__name__
    except netcompile.CompileError:
        return "CompileError"
