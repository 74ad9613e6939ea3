"""Runs netcompile on a hostile input, in a folder of its own, and measures it."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
EARLIER = b"# what stood here before\n"
_MOST_MEMORY = 6 << 30  # bytes: what takes more fails


class Outcome(NamedTuple):
    """What came of a run: exit code, wall seconds, peak memory in MB, and the two streams."""

    exit: int
    seconds: float
    megabytes: float
    stdout: bytes
    stderr: bytes

    @property
    def text(self):
        """Both streams, standard error first."""
        return (self.stderr + self.stdout).decode()

    @property
    def findings(self):
        """The lines that begin an error or a message of the command line."""
        lines = self.text.split("\n")
        return [line for line in lines if ": error[" in line or line.startswith(("error[", "netcompile: ", "usage: "))]


def run(arguments, folder, *, timeout=60, interrupt=None, code=None, before=(), setup=None, **streams):
    """Run `netcompile ARGUMENTS`, or Python code with these arguments, in `folder`, and measure it.

    `before` is a command that starts it, as `unshare` does; `setup` is called in the new process first. It is sent
    what Ctrl-C sends after `interrupt` seconds, with all its children.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        options = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **streams}
        process = start(arguments, folder, code=code, before=before, setup=setup, **options)
        status, usage = _wait(process, timeout, interrupt)
        seconds = time.perf_counter() - begun
        texts = [stream.seek(0) or stream.read() for stream in (out, err)]
    scale = 1 if sys.platform == "darwin" else 1024
    return Outcome(os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * scale / 1e6, *texts)


def start(arguments, folder, *, code=None, before=(), setup=None, **streams):
    """Start what `run` runs."""
    program = ["-m", "netcompile"] if code is None else ["-c", code]
    command = [*before, sys.executable, *program, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": ""}

    def prepare():
        _bounded()
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell lets what runs in the background ignore it
        if setup is not None:
            setup()

    return subprocess.Popen(command, cwd=folder, env=environment, preexec_fn=prepare, start_new_session=True, **streams)  # noqa: PLW1509 - one thread


def _bounded():
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wait(process, timeout, interrupt):
    begun = time.monotonic()
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status, usage
        if interrupt is not None and time.monotonic() - begun > interrupt:
            os.killpg(process.pid, signal.SIGINT)
            interrupt = None
        if time.monotonic() - begun > timeout:
            process.kill()
            os.wait4(process.pid, 0)
            message = f"still running after {timeout} s: {process.args}"
            raise TimeoutError(message)
        time.sleep(0.002)


def play(case, folder, size, timeout=60):
    """Play a scene, or run a case with an input of about `size` bytes where it can be as large as one likes."""
    if hasattr(case, "act"):
        return case.act(folder)
    (folder / "out.prototxt").write_bytes(EARLIER)
    return run(_made(case, folder, size), folder, timeout=timeout)


def _made(case, folder, size):
    """The arguments of a case. A process of its own makes the files: its memory would count as that of its children."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=lambda: writer.send(case.make(folder, size)))
    process.start()
    writer.close()
    made = reader.recv()
    process.join()
    return made
