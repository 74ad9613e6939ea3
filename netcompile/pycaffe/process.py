"""An installed Caffe, asked through pycaffe in a process of its own, as Caffe ends the process where it refuses a net.

Knows text and answers only; what they mean for a net is `compare`'s affair.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import CallError
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from netcompile.states import State

_DRIVER: Final = os.path.join(os.path.dirname(__file__), "driver.py")
_TIMEOUT: Final = 120.0
_QUIET: Final = {"GLOG_minloglevel": "2", "GLOG_logtostderr": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_FATAL: Final = re.compile(r"^F\d{4,8} [\d:.]+ +\d+ (\S+)\] ?(.*)$", re.MULTILINE)
_PARSER: Final = re.compile(r"^\[libprotobuf ERROR \S+\] (.*)$", re.MULTILINE)
_RAISED: Final = re.compile(r"^(\w[\w.]*(?:Error|Exception)\b.*)$", re.MULTILINE)
_KNOWN_TYPES: Final = re.compile(r" \(known types: [^)]*\)")


class Answer(NamedTuple):
    """What Caffe said of a net: the shapes of its blobs and learned blobs, or in `refusal` why there are none."""

    refusal: str | None
    blobs: Mapping[str, list[int]]
    params: Mapping[str, list[list[int]]]


class Pycaffe:
    """Caffe as one Python has it. The process starts with the first net, and again after a net that Caffe refused.

    `python` is the interpreter, `python_path` has folders for the modules of Python layers. A relative path in a net
    starts from the working folder, as always in Caffe.
    """

    def __init__(self, python: str | None = None, python_path: Sequence[str] = (), timeout: float = _TIMEOUT) -> None:
        self._python = python or sys.executable
        self._python_path = [os.path.abspath(folder) for folder in python_path]
        self._timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="netcompile-")
        # Appended to by the process, so that it can be emptied between two nets.
        log = os.path.join(self._folder.name, "log")
        self._log: IO[bytes] = open(log, "ab+")  # noqa: SIM115 - closed with the rest

    def __enter__(self) -> Pycaffe:  # noqa: PYI034 - `Self` came with Python 3.11
        """Start, so that a missing pycaffe is told at once."""
        try:
            self._start()
        except CallError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove what was written for it."""
        self._end()
        self._log.close()
        self._folder.cleanup()

    def build(self, text: str, state: State) -> Answer:
        """Let Caffe build the text of a net in a state. Raises CallError where the interpreter has no pycaffe."""
        path = os.path.join(self._folder.name, "net.prototxt")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        phase = "TRAIN" if state.phase == "TRAIN" else "TEST"
        request = {"path": path, "phase": phase, "level": state.level, "stages": list(state.stages)}
        process = self._process or self._start()
        self._log.truncate(0)
        answer = self._ask(process, json.dumps(request))
        if answer is None:
            return Answer(self._last_words(process), {}, {})
        if "error" in answer:
            return Answer(self._raised() or str(answer["error"]), {}, {})
        return Answer(None, answer["blobs"], answer["params"])

    def _start(self) -> subprocess.Popen[str]:
        command = [self._python, _DRIVER, json.dumps(self._python_path)]
        try:
            process = subprocess.Popen(  # noqa: S603 - the interpreter that the caller names
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env={**os.environ, **_QUIET},
            )
        except OSError as error:
            raise CallError(f"{self._python}: {error.strerror}") from None
        self._process = process
        found = self._ask(process, None)
        if found is None or found["caffe"] is None:
            words = self._written().strip().splitlines()
            self._end()
            why = f": {words[-1]}" if words else ""
            raise CallError(f"{self._python} has no pycaffe{why}; --caffe-python names the interpreter that has it")
        return process

    def _ask(self, process: subprocess.Popen[str], request: str | None) -> dict[str, Any] | None:
        """The answer to a request, or the greeting; None where the process ends before."""
        assert process.stdin is not None
        assert process.stdout is not None
        timer = Timer(self._timeout, process.kill)
        timer.start()
        try:
            if request is not None:
                process.stdin.write(f"{request}\n")
                process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        answer: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return answer

    def _last_words(self, process: subprocess.Popen[str]) -> str:
        """Why Caffe ended its process."""
        code = process.wait()
        self._end()
        log = self._written()
        fatal, parser = _FATAL.search(log), _PARSER.search(log)
        if parser:
            return parser[1].strip()
        if fatal:
            return f"{_KNOWN_TYPES.sub('', fatal[2]).strip()} ({fatal[1]})"
        if code == -getattr(signal, "SIGKILL", 9):
            return f"it was not done after {self._timeout:g} seconds, or had no memory left"
        return f"it crashed with {signal.Signals(-code).name}" if code < 0 else f"it ended with exit code {code}"

    def _raised(self) -> str | None:
        """The error of a Python layer, which Caffe prints before it raises one that says nothing."""
        found = _RAISED.findall(self._written())
        return str(found[-1]) if found else None

    def _written(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                _close(stream)
        process.kill()
        process.wait()


def _close(stream: IO[str]) -> None:
    try:
        stream.close()
    except OSError:  # a request that the process did not live to read
        return
