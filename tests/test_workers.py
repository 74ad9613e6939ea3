"""Jobs in several processes: the results are the same, whatever becomes of the processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netcompile.workers import Task, run_jobs


def _work(job: int) -> int:
    if job == 13:
        os._exit(9)
    return job * job


def _lost(job: int, why: str) -> str:
    return f"{job}: {why}"


@pytest.mark.parametrize("method", ["fork", "spawn"] if sys.platform == "linux" else ["spawn"])
def test_a_process_that_dies_costs_one_job(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr("netcompile.workers._PROBE", -1)
    monkeypatch.setattr("netcompile.workers._COST", {"fork": 1e-9, "spawn": 1e-9})
    results = run_jobs(Task(_work, _lost), range(40), 2, method=method)
    expected: list[Any] = [job * job for job in range(40)]
    expected[13] = "13: the process ended with code 9"
    assert results == expected


def test_few_jobs_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.get_context", lambda _: pytest.fail("a process is started"))
    assert run_jobs(Task(_work, _lost), range(12), 8) == [job * job for job in range(12)]


@pytest.mark.skipif(sys.platform != "linux", reason="the script forks")
def test_an_interrupted_check_ends_all_processes() -> None:
    script = (
        "import os, sys, time\nfrom netcompile import workers\nworkers._PROBE = -1\nworkers._COST = {'fork': 1e-9}\n"
        "def work(job):\n    os.write(1, b'%d\\n' % os.getpid())\n    time.sleep(0 if job < 2 else 60)\n"
        "workers.run_jobs(workers.Task(work, print), range(9), 3, method='fork')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        pids = {int(child.stdout.readline()) for _ in range(5)} - {child.pid}
        child.send_signal(2)
        child.wait(20)
    assert len(pids) == 3
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
