"""The check command's work on one file: told apart by content, checked, and what was found handed back as values.

A job and its result can be sent between processes. What goes wrong in one file, even in netcompile itself, is part of
its result and holds up no other. Straight-line code like `compiler`; which files there are is the business of `batch`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

from netcompile.assignments import Assignments
from netcompile.checked_states import build_phases, check_phases
from netcompile.compiler import (
    check_library,
    collector_off,
    compile_document,
    is_foreign,
    is_library,
)
from netcompile.diagnostics import CallError, Report
from netcompile.kinds import is_meant, kind_of
from netcompile.load import load
from netcompile.net_files import read_net
from netcompile.paths import PROTOTXT, YAML
from netcompile.records import NamedTuple
from netcompile.silence import silence
from netcompile.solver_files import check_source
from netcompile.texts import prototxt_source, read_bytes, spec_source
from netcompile.tree import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netcompile.compiler import Settings
    from netcompile.diagnostics import Diagnostic
    from netcompile.layers import Known
    from netcompile.tree import Source

Outcome: TypeAlias = Literal["spec", "library", "net", "solver", "skipped", "unread", "fault"]


class Job(NamedTuple):
    """A file to check. `given`: named itself, so that it is not passed over, whatever it is.

    `nets` has the files of the nets that a solver names, by their paths as written; `solvers` those that stand beside a
    net and name it. `data` is the content where the file can be read but once.
    """

    path: str
    given: bool
    nets: Mapping[str, str] = {}
    solvers: Sequence[str] = ()
    data: bytes | None = None


class Checked(NamedTuple):
    """What came of a file. `text` says why it could not be read, or what our fault is; `built` are a solver's nets."""

    path: str
    outcome: Outcome
    findings: Sequence[Diagnostic] = ()
    text: str = ""
    built: Sequence[str] = ()


class Options(NamedTuple):
    """What a call asks of every file. `trace`: a fault of ours is told with its traceback.

    `skip_others`: what is no spec, library, net or solver is passed over, even where it was named itself.
    """

    settings: Settings
    variables: Assignments = Assignments()
    trace: bool = False
    skip_others: bool = False


def check_file(options: Options, job: Job) -> Checked:
    """Check one file. Raises nothing but an interruption."""
    if options.skip_others:
        job = job._replace(given=False)
    try:
        with collector_off():
            return _check(job, options)
    except CallError as error:
        return Checked(job.path, "unread", text=str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours in one file must not hold up the others
        return Checked(job.path, "fault", text=_traceback() if options.trace else f"{type(error).__name__}: {error}")


def _traceback() -> str:
    import traceback  # noqa: PLC0415 - only for faults of ours

    return traceback.format_exc()


def _check(job: Job, options: Options) -> Checked:
    data = read_bytes(job.path) if job.data is None else job.data
    source = prototxt_source(job.path, data)
    kind = kind_of(source.text, yaml=job.path.endswith(YAML))
    if job.path.endswith(YAML) and not (job.given and kind in ("net", "solver")):
        kind = "spec"
    if kind == "spec" or (kind is None and job.given and not job.path.endswith(PROTOTXT)):
        return _check_document(job, spec_source(job.path, data), options)
    if kind == "solver":
        return _check_solver(job, source, options.settings)
    if kind == "net" or job.given:
        return _check_net(job, source, options.settings)
    return Checked(job.path, "skipped")


# Specs and libraries


def _check_document(job: Job, source: Source, options: Options) -> Checked:
    report = Report()
    settings = options.settings
    document = load(source, report)
    if document is None:
        if job.given or is_meant(source.text):
            return _done(job, "spec", report, source)
        return Checked(job.path, "skipped")
    if not job.given and is_foreign(document) and not is_meant(source.text):
        return Checked(job.path, "skipped")
    if is_library(document):
        check_library(document, report, settings)
        return _done(job, "library", report, source)
    own = settings._replace(optional=options.variables.names)
    compile_document(document, report, own, variables=options.variables.nodes(report))
    return _done(job, "spec", report, source)


# Prototxt


def _check_solver(job: Job, source: Source, settings: Settings) -> Checked:
    report = Report()
    opened: list[str] = []

    def open_net(written: str) -> Source | None:
        path = job.nets.get(written)
        if path is None:
            return None
        opened.append(path)
        return prototxt_source(path, read_bytes(path))

    check_source(source, open_net, report, fork=settings.fork, allow_custom=settings.allow_custom)
    if settings.state is not None:  # the nets are checked by themselves, in the states that the call names
        report.drop(lambda found: found.span is not None and found.span.source is not source)
        opened = []
    silence(report, settings.ignore, (), source)
    return _done(job, "solver", report, source, opened)


def _check_net(job: Job, source: Source, settings: Settings) -> Checked:
    report = Report()
    if settings.state is not None or not _check_beside(job, source, settings, report):
        known: Known = {}
        net = read_net(source, report, fork=settings.fork, allow_custom=settings.allow_custom)
        if net is not None:
            incomplete = net.lacks_tops()
            level, stages = settings.state or (0, ())
            built = build_phases(net, level=level, stages=stages, incomplete=incomplete, known=known)
            check_phases(net, built, report, chosen=settings.state is not None, incomplete=incomplete, known=known)
    silence(report, settings.ignore, (), source)
    return _done(job, "net", report, source)


def _check_beside(job: Job, source: Source, settings: Settings, report: Report) -> bool:
    """Check a net in the states of the solvers beside it; False where none of them makes use of it."""
    opened = False

    def open_net(written: str) -> Source | None:
        nonlocal opened
        named = os.path.basename(written) == os.path.basename(job.path)
        opened = opened or named
        return source if named else None

    for path in job.solvers:
        found = Report()
        solver = prototxt_source(path, read_bytes(path))
        check_source(solver, open_net, found, fork=settings.fork, allow_custom=settings.allow_custom)
        report.extend_new(one for one in found if one.span is not None and one.span.source is source)
    return opened


def _done(job: Job, outcome: Outcome, report: Report, source: Source, built: Sequence[str] = ()) -> Checked:
    """Hand back the findings, each at a place: one that has none stands for the whole text."""
    whole = Span(source, 1, 1, 1, 1)
    findings = [found if found.span else found._replace(span=whole) for found in report.ordered()]
    return Checked(job.path, outcome, findings, built=tuple(built))
