"""The compile command: which spec gives which files, and writing them, comparing them, or printing the only one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from netcompile.compiler import Settings, collector_off, compile_document, is_foreign, is_library
from netcompile.diagnostics import CallError, Report
from netcompile.files import write_together
from netcompile.load import load
from netcompile.paths import YAML, find_files
from netcompile.records import NamedTuple
from netcompile.texts import read_bytes, spec_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.assignments import Assignments
    from netcompile.compiler import Compiled
    from netcompile.paths import Found
    from netcompile.tree import Mapping, Source

_OUTPUT_ENDINGS: Final = (".prototxt", ".pbtxt", ".txt", ".caffemodel")
_SUFFIXES: Final = {"deploy": ".deploy", "solver": ".solver", "train": ".train", "test": ".test"}


class BuildOptions(NamedTuple):
    """What to make of the specs, and where."""

    output: str | None
    target: str
    variables: Assignments
    binary: bool
    check: bool
    header: bool
    settings: Settings


class Output(NamedTuple):
    """One file to be: its path, its bytes, and the spec it comes from."""

    path: str
    data: bytes
    spec: str


class Job(NamedTuple):
    """One spec with the path of its output without ending; None for standard output."""

    spec: Found
    stem: str | None


class Result(NamedTuple):
    """What came of a spec: findings, and its outputs where it is sound. `skipped`: it is a library, or no spec."""

    report: Report
    outputs: Sequence[Output]
    skipped: bool = False


def plan(specs: Sequence[str], options: BuildOptions) -> list[Job]:
    """The specs to compile, folders searched, each with its output. Raises CallError where two would be one file."""
    found = find_files(specs, YAML)
    if not found:
        raise CallError(f"no specs in {', '.join(specs)}")
    output = None if options.output == "-" else options.output
    if output is None:
        if len(found) > 1 or options.target == "all" or options.check:
            what = "--check needs" if options.check else "--target all needs"
            what = what if len(found) == 1 else f"{len(found)} specs need"
            raise CallError(f"{what} an output: -o DIR/, or `output` under [tool.netcompile]")
        return [Job(found[0], None)]
    several = len(found) > 1 or (options.target == "all" and not output.endswith(_OUTPUT_ENDINGS))
    folder_wanted = several or output.endswith(("/", os.sep)) or os.path.isdir(output)
    if not folder_wanted:
        stem = _without_ending(output) if options.target == "all" else output
        if _same_file(output, found[0].path):
            raise CallError(f"{output} is the spec itself; it would be overwritten")
        return [Job(found[0], stem)]
    if not os.path.isdir(output) and (os.path.exists(output) or output.endswith(_OUTPUT_ENDINGS)):
        raise CallError(f"{output} is a file; several specs need a folder: -o DIR/")
    jobs: dict[str, Job] = {}
    for spec in found:
        path, folder = spec
        inside = os.path.relpath(path, folder) if folder is not None else os.path.basename(path)
        stem = os.path.join(output, "stdin" if path == "-" else _without_ending(inside))
        if stem in jobs:
            raise CallError(f"{jobs[stem].spec.path} and {path} would both be written to {stem}.prototxt")
        jobs[stem] = Job(spec, stem)
    return list(jobs.values())


def _same_file(output: str, spec: str) -> bool:
    return spec != "-" and os.path.exists(output) and os.path.realpath(output) == os.path.realpath(spec)


def _without_ending(path: str) -> str:
    base, ending = os.path.splitext(path)
    return base if ending in (*YAML, ".prototxt", ".pbtxt", ".txt") else path


def build(job: Job, options: BuildOptions) -> Result:
    """Compile one spec. Raises CallError where it can't be read."""
    report = Report()
    with collector_off():
        source = spec_source(job.spec.path, read_bytes(job.spec.path))
        document = load(source, report)
        if job.spec.folder is not None and _is_other(document, source):
            return Result(Report(), (), skipped=True)
        if document is None:
            _refuse_prototxt(source)
            return Result(report, ())
        if is_library(document):
            return Result(report, (), skipped=True)
        variables = options.variables.nodes(report)
        compiled = compile_document(document, report, _settings(job, options), variables=variables)
        if compiled is None or report.failed:
            return Result(report, ())
        if options.target == "solver" and compiled.solver is None:
            report.add("no-solver", document.span, "the spec has no `solver` section to write")
            return Result(report, ())
        return Result(report, list(_outputs(job, compiled, options)))


def _is_other(document: Mapping | None, source: Source) -> bool:
    """True for a text of another program, whether it can be read or not."""
    from netcompile.kinds import is_meant  # noqa: PLC0415 - one spec alone is never asked

    return (document is None or is_foreign(document)) and not is_meant(source.text)


def _refuse_prototxt(source: Source) -> None:
    from netcompile.kinds import kind_of  # noqa: PLC0415 - for the refused

    if kind_of(source.text, yaml=source.name.endswith((".yaml", ".yml"))) in ("net", "solver"):
        raise CallError(f"{source.name} is prototxt, not a spec: `netcompile import` makes a spec of a net")


def _settings(job: Job, options: BuildOptions) -> Settings:
    """Where the net will be, which the solver names."""
    settings = options.settings._replace(optional=options.variables.names)
    if settings.net_path is not None or job.stem is None:
        return settings
    path = f"{job.stem}.prototxt"
    if options.output == job.stem and options.target != "all":  # the very file of one target
        name = os.path.basename(_without_ending(job.spec.path))
        beside = os.path.join(os.path.dirname(job.stem), f"{name}.prototxt")
        path = job.stem if options.target == "net" else beside
    return settings._replace(net_file=path)


def _outputs(job: Job, compiled: Compiled, options: BuildOptions) -> Iterator[Output]:
    targets = compiled.targets if options.target == "all" else [options.target]
    for target in targets:
        yield Output(_path(job, target, options), _bytes(compiled, target, options), job.spec.path)


def _bytes(compiled: Compiled, target: str, options: BuildOptions) -> bytes:
    if options.binary:
        return compiled.message(target).SerializeToString(deterministic=True)
    return compiled.prototxt(target, header=options.header).encode()


def _path(job: Job, target: str, options: BuildOptions) -> str:
    if job.stem is None:
        return "-"
    if job.stem == options.output and options.target != "all":
        return job.stem
    ending = ".caffemodel" if options.binary else ".prototxt"
    return f"{job.stem}{_SUFFIXES.get(target, '')}{ending}"


def write(outputs: Sequence[Output]) -> None:
    """Write the outputs of one spec: all of them are ready before the first is replaced."""
    for output in outputs:
        if output.path == "-":
            sys.stdout.buffer.write(output.data)
            sys.stdout.buffer.flush()
    write_together((output.path, output.data) for output in outputs if output.path != "-")


def stale(output: Output) -> str | None:
    """The difference between a file and what it should be, as a unified diff; None where there is none."""
    import difflib  # noqa: PLC0415 - only for --check

    try:
        with open(output.path, "rb") as file:
            old = file.read()
    except FileNotFoundError:
        return f"{output.path} is missing; it comes from {output.spec}\n"
    if old == output.data:
        return None
    try:
        before, after = old.decode().splitlines(keepends=True), output.data.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return f"{output.path} is not what {output.spec} gives\n"
    lines = difflib.unified_diff(before, after, output.path, f"{output.path} from {output.spec}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
