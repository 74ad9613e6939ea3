"""Runs jobs on all cores, where that pays: the first here, the rest in processes once it is known how long they take.

Results come in the order of the jobs. A process that dies (out of memory, a crash of a library) costs the one job that
it died of. Knows nothing of what the jobs are.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Result = TypeVar("Result")

_PROBE: Final = 0.05  # seconds of work here, after which what is left is estimated
_COST: Final = {"fork": 0.02, "spawn": 0.3}  # seconds until a process works: a forked one has everything loaded
_PARTS: Final = 8  # for each process, so that none waits long for the last


class Task(NamedTuple, Generic[Result]):
    """What is done with each job: `work(job)`, or `lost(job, why)` where the process died of it.

    All of it can be sent between processes.
    """

    work: Callable[[Any], Result]
    lost: Callable[[Any, str], Result]


def run_jobs(
    task: Task[Result], jobs: Sequence[Any], processes: int | None = None, *, method: str | None = None
) -> list[Result]:
    """Do a task with each job, with at most `processes` processes: None for one on each core, 1 for none but this one.

    `method` is how processes are started, "fork" or "spawn"; None for what is safe here.
    """
    most = min(processes or cores(), len(jobs))
    done: list[Result] = []
    began = 0.0
    for i, job in enumerate(jobs):
        if i == 1:
            gc.freeze()  # the first job has loaded what all need, so garbage is looked for elsewhere alone
            began = time.perf_counter()
        elapsed = time.perf_counter() - began
        if most > 1 and i > 1 and elapsed > _PROBE:
            left = elapsed / (i - 1) * (len(jobs) - i)
            method = method or _method()
            wanted = min(most, ceil(left / (2 * _COST[method])))
            if wanted > 1:
                return done + _Pool(task, wanted, method).run(jobs[i:])
            most = 1
        done.append(task.work(job))
    return done


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _method() -> str:
    """Fork where that is safe: on Linux, and while no thread could hold a lock."""
    import threading  # noqa: PLC0415 - for many files

    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


class _Chunk(NamedTuple):
    """Jobs that are handed out together, the first with its index among all."""

    start: int
    jobs: Sequence[Any]


class _Pool(Generic[Result]):
    """Processes that ask for the next chunk as soon as they are done with one."""

    def __init__(self, task: Task[Result], processes: int, method: str) -> None:
        from multiprocessing import get_context  # noqa: PLC0415 - for many files

        self._task = task
        self._processes = processes
        self._method = method
        self._context: Any = get_context(method)
        self._chunks: deque[_Chunk] = deque()
        self._busy: dict[Connection, tuple[BaseProcess, _Chunk]] = {}

    def run(self, jobs: Sequence[Any]) -> list[Result]:
        """Do all jobs. No process is left afterwards, whatever happens."""
        size = max(1, len(jobs) // (self._processes * _PARTS))
        self._chunks.extend(_Chunk(i, jobs[i : i + size]) for i in range(0, len(jobs), size))
        results: dict[int, Result] = {}
        try:
            while self._chunks and len(self._busy) < self._processes:
                self._start()
            while self._busy:
                self._collect(results)
        finally:
            for process, _ in self._busy.values():
                process.terminate()
        return [results[i] for i in range(len(jobs))]

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        inherited = (ours, *self._busy) if self._method == "fork" else ()
        process = self._context.Process(target=_serve, args=(theirs, inherited, self._task.work), daemon=True)
        process.start()
        theirs.close()
        self._hand_out(ours, process)

    def _hand_out(self, connection: Connection, process: BaseProcess) -> None:
        chunk = self._chunks.popleft()
        self._busy[connection] = process, chunk
        try:
            connection.send(chunk.jobs)
        except OSError:
            return  # it has died, which the next reading of its answer will find

    def _collect(self, results: dict[int, Result]) -> None:
        from multiprocessing.connection import wait  # noqa: PLC0415 - for many files

        ready: Any = wait(list(self._busy))
        for connection in ready:
            process, chunk = self._busy.pop(connection)
            try:
                answers = connection.recv()
            except (EOFError, OSError):
                self._bury(process, chunk, results)
                continue
            results.update(enumerate(answers, chunk.start))
            if self._chunks:
                self._hand_out(connection, process)
            else:
                connection.close()

    def _bury(self, process: BaseProcess, chunk: _Chunk, results: dict[int, Result]) -> None:
        """Give up the job that a process died of; where that is one of several, try each alone."""
        process.join()
        if len(chunk.jobs) == 1:
            code = process.exitcode or 0
            why = f"the process died of signal {-code}" if code < 0 else f"the process ended with code {code}"
            results[chunk.start] = self._task.lost(chunk.jobs[0], why)
        self._chunks.extend(_Chunk(chunk.start + i, [job]) for i, job in enumerate(chunk.jobs) if len(chunk.jobs) > 1)
        if self._chunks:
            self._start()


def _serve(connection: Connection, inherited: Sequence[Connection], work: Callable[[Any], Any]) -> None:
    """Be a process of the pool: work until nothing more comes."""
    import signal  # noqa: PLC0415 - for many files

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends all
    for other in inherited:
        other.close()  # else a pipe would stay open when the parent has died
    while True:
        try:
            jobs = connection.recv()
        except (EOFError, OSError):
            return
        connection.send([work(job) for job in jobs])
