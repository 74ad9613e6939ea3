"""The check command's plan: which files there are, which solver speaks for which net, and the results in order.

Whatever the number of processes, the results are the same and in the same order. Knows what names which file; what is
right in a file is the business of `checking`.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from netcompile.assignments import is_undeclared
from netcompile.checking import Checked, Job, check_file
from netcompile.diagnostics import CallError, Report
from netcompile.imports import find_root
from netcompile.kinds import kind_of
from netcompile.paths import PROTOTXT, YAML, find_files
from netcompile.records import NamedTuple
from netcompile.texts import prototxt_source, read_bytes
from netcompile.workers import Task, run_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from netcompile.assignments import Assignments
    from netcompile.checking import Options
    from netcompile.diagnostics import Diagnostic
    from netcompile.paths import Found
    from netcompile.pycaffe.process import Pycaffe

_NAMED: Final = re.compile(  # with its quotes, or where one of them is missing
    r"""(?<![\w.])(?:test_|train_)?net\s*:\s*(?:"([^"\\\n]+)"|'([^'\\\n]+)'|["']?([^\s"'\\,;{}<>]+))"""
)
_LARGEST_SOLVER: Final = 100_000  # bytes; a solver that is only found beside a net is hardly larger


class Batch(NamedTuple):
    """What came of all files: a result for each, and the findings in the order of the files and their lines."""

    results: Sequence[Checked]
    findings: Sequence[Diagnostic]


def check_paths(paths: Sequence[str], options: Options, processes: int | None = None) -> Batch:
    """Check all files that `paths` stand for, with at most `processes` processes (None: one for each core)."""
    jobs = plan(find_files(paths), options.settings.root)
    named = {path for job in jobs for path in job.nets.values()}
    results = _run([job for job in jobs if job.path not in named], options, processes)
    built = {path for one in results.values() for path in one.built}
    results |= _run([job for job in jobs if job.path in named and job.path not in built], options, processes)
    # The findings on a net that a solver has built are among those on the solver.
    ordered = _settled([results.get(job.path) or Checked(job.path, "net") for job in jobs], options.variables)
    return Batch(ordered, _ordered(ordered))


def compare_with_caffe(batch: Batch, paths: Sequence[str], options: Options, caffe: Pycaffe) -> Batch:
    """Add to a batch what an installed Caffe says otherwise of the nets, file by file."""
    from netcompile.pycaffe.nets import compare_job  # noqa: PLC0415 - for --with-caffe

    jobs = {job.path: job for job in plan(find_files(paths), options.settings.root)}
    built = {path for one in batch.results for path in one.built}  # compared in the states of their solvers
    results = [
        compare_job(jobs[one.path], one, options, caffe) if one.path not in built else one for one in batch.results
    ]
    return Batch(results, _ordered(results))


def _settled(results: list[Checked], variables: Assignments) -> list[Checked]:
    """The results with an error at the first spec for each variable that none declares, and no more said of them."""
    specs = [one for one in results if one.outcome == "spec"]
    if not variables.names or not specs:
        return results
    errors = variables.undeclared([one.findings for one in specs])
    settled = []
    for one in results:
        findings = [found for found in one.findings if not is_undeclared(found)]
        settled.append(one._replace(findings=[*findings, *(errors if one is specs[0] else ())]))
    return settled


def _run(jobs: Sequence[Job], options: Options, processes: int | None) -> dict[str, Checked]:
    task = Task(partial(check_file, options), _lost)
    return {one.path: one for one in run_jobs(task, jobs, processes)}


def _lost(job: Job, why: str) -> Checked:
    return Checked(job.path, "fault", text=why)


def _ordered(results: Sequence[Checked]) -> list[Diagnostic]:
    """All findings, each once: by the order of the files, then by place. An imported file follows its first user."""
    every = Report(most=None)  # each file's are bounded
    order = {one.path: (i, 0) for i, one in enumerate(results)}
    for i, one in enumerate(results):
        every.extend(one.findings)
        for found in one.findings:
            order.setdefault(_name(found), (i, 1))
    return sorted(every.ordered(), key=lambda found: order[_name(found)])


def _name(found: Diagnostic) -> str:
    return found.span.source.name if found.span is not None else ""


def plan(files: Sequence[Found], root: str | None) -> list[Job]:
    """Make a job of each file: solvers with their nets, nets with the solvers that are only found beside them."""
    kinds: dict[str, str | None] = {}
    named: dict[str, list[str]] = {}  # of each solver, the nets as written
    given = _read("-") if any(file.path == "-" for file in files) else None
    for path in (file.path for file in files if not file.path.endswith(YAML)):
        text = prototxt_source(path, given if given is not None and path == "-" else _read(path)).text
        kinds[path] = kind_of(text)
        if kinds[path] == "solver":
            named[path] = _named(text)
    shown = {os.path.realpath(path): path for path, kind in kinds.items() if kind == "net" and path != "-"}
    solvers = {path: _nets(path, written, root, shown) for path, written in named.items()}
    spoken_for = {path for nets in solvers.values() for path in nets.values()}
    beside = _Beside(kinds.keys())
    jobs = []
    for path, folder in files:
        near = beside.solvers(path) if kinds.get(path) == "net" and path not in spoken_for else ()
        jobs.append(Job(path, folder is None, solvers.get(path, {}), near, given if path == "-" else None))
    return jobs


def _named(text: str) -> list[str]:
    """The nets that a solver names, as it writes them."""
    return [match[1] or match[2] or match[3] for match in _NAMED.finditer(text)]


def _read(path: str) -> bytes:
    """The content of a file; nothing where it can't be read, which its job reports."""
    try:
        return read_bytes(path)
    except CallError:
        return b""


def _nets(solver: str, named: Sequence[str], root: str | None, shown: Mapping[str, str]) -> dict[str, str]:
    """The files of the nets that a solver names, by their paths as written."""
    nets = {}
    for written in named:
        path = _resolved(written, solver, root)
        if path is not None:
            nets[written] = shown.get(os.path.realpath(path), path)
    return nets


def _resolved(written: str, solver: str, root: str | None) -> str | None:
    """Find the net that a solver names: its path counts from where Caffe is started, which no file says.

    That is here, the solver's folder, or one above it up to the root folder; or the net stands beside the solver.
    """
    base = os.path.abspath(root or find_root(solver))
    folders = [os.curdir, *_up(os.path.dirname(solver), base)]
    candidates = [os.path.normpath(os.path.join(folder, written)) for folder in folders]
    candidates.append(os.path.join(os.path.dirname(solver), os.path.basename(written)))
    inside = (os.path.realpath(base), os.path.realpath(os.curdir))
    return next((path for path in candidates if os.path.isfile(path) and _is_inside(path, inside)), None)


def _up(folder: str, base: str) -> Iterator[str]:
    """A folder and those above it, up to `base`."""
    while True:
        yield folder
        full = os.path.abspath(folder)
        if full in (base, os.path.dirname(full)):
            return
        folder = os.path.join(folder, os.pardir)


def _is_inside(path: str, folders: Sequence[str]) -> bool:
    """Tell whether a file is in one of some folders: a solver must not make us show what is elsewhere."""
    full = os.path.realpath(path)
    return any(full.startswith(os.path.join(folder, "")) for folder in folders)


class _Beside:
    """The solvers in the folders of the nets, but for those that are known; each folder is read once."""

    def __init__(self, known: AbstractSet[str]) -> None:
        self._known = known
        self._folders: dict[str, list[tuple[str, frozenset[str]]]] = {}

    def solvers(self, net: str) -> list[str]:
        """Give the solvers beside a net that name a file of its name."""
        folder = os.path.dirname(net)
        if folder not in self._folders:
            self._folders[folder] = list(_solvers_in(folder, self._known))
        return [solver for solver, names in self._folders[folder] if os.path.basename(net) in names]


def _solvers_in(folder: str, known: AbstractSet[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for name in sorted(os.listdir(folder or os.curdir)):
        path = os.path.join(folder, name)
        if (
            path in known
            or not name.endswith(PROTOTXT)
            or not os.path.isfile(path)
            or os.path.getsize(path) > _LARGEST_SOLVER
        ):
            continue
        text = prototxt_source(path, _read(path)).text
        if kind_of(text) == "solver":
            yield path, frozenset(map(os.path.basename, _named(text)))
