"""`netcompile [compile] SPEC...`: specs to prototxt."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from netcompile.build import BuildOptions, build, plan, stale, write
from netcompile.commands.common import (
    OK,
    WRONG_CALL,
    WRONG_INPUT,
    add_set,
    assignments_of,
    complain,
    settings_of,
    show_findings,
)
from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.build import Job, Result
    from netcompile.diagnostics import Diagnostic

TARGETS: Final = ("net", "deploy", "solver", "train", "test", "all")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    either = argparse.BooleanOptionalAction
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="a spec, a folder of specs, or - for standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="a file, or DIR/ for several; else standard output")
    parser.add_argument("--target", choices=TARGETS, default="net", help="what to write (default: net)")
    add_set(parser)
    parser.add_argument("--deploy", action=either, help="derive a deploy net where the spec has no `deploy` key")
    parser.add_argument("--binary", action=either, help="write the binary message instead of text")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail, with a diff, where an output is stale"
    )
    parser.add_argument("--net-path", metavar="P", help="what the solver names as its net")
    parser.add_argument("--header", action=either, default=True, help="the comment that names the source")
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE", help="leave out findings of this code")


def run(options: argparse.Namespace) -> int:
    """Compile each spec. One that can't be read or has errors writes nothing; the others are not held up by it."""
    if not options.specs:
        raise CallError("compile needs a SPEC, or `specs` under [tool.netcompile] in pyproject.toml")
    wanted = BuildOptions(
        output=options.output,
        target=options.target,
        variables=assignments_of(options, options.specs),
        binary=options.binary,
        check=options.check,
        header=options.header,
        settings=settings_of(options)._replace(deploy=options.deploy or options.target == "deploy"),
    )
    jobs = plan(options.specs, wanted)
    results: Iterable[Result | None] = (_built(job, wanted) for job in jobs)
    undeclared: list[Diagnostic] = []
    if wanted.variables.names:  # that no spec declares one is known when all are compiled
        results = list(results)
        reports = [one.report for one in results if one is not None and not one.skipped]
        undeclared = wanted.variables.undeclared(reports)
        show_findings(undeclared, options)
    codes = [code for one in results if (code := _finish(one, options, write_it=not undeclared)) is not None]
    if not codes:
        raise CallError(f"nothing to compile in {', '.join(options.specs)}: only a spec has `layers`")
    return max(WRONG_INPUT if undeclared else OK, *codes)


def _built(job: Job, wanted: BuildOptions) -> Result | None:
    """Compile one spec; None, told, where it can't be read."""
    try:
        return build(job, wanted)
    except CallError as error:
        complain(str(error))
        return None


def _finish(result: Result | None, options: argparse.Namespace, *, write_it: bool) -> int | None:
    """Write what came of a spec, and answer with its exit code; None for what is no spec and has no findings."""
    if result is None:
        return WRONG_CALL
    show_findings((found for found in result.report.ordered() if found.severity != "note"), options)
    if result.report.failed:
        return WRONG_INPUT
    if result.skipped:
        return None
    if not write_it:
        return WRONG_INPUT
    if not options.check:
        write(result.outputs)
        return OK
    differences = [text for output in result.outputs if (text := stale(output)) is not None]
    sys.stdout.write("".join(differences))
    return WRONG_INPUT if differences else OK
