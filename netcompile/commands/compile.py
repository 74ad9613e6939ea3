"""`netcompile [compile] SPEC...`: specs to prototxt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from netcompile.build import BuildOptions, build, plan, stale, write
from netcompile.commands.common import OK, WRONG_INPUT, settings_of, show_findings

if TYPE_CHECKING:
    import argparse

TARGETS: Final = ("net", "deploy", "solver", "train", "test", "all")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, a folder of specs, or - for standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="a file, or DIR/ for several; else standard output")
    parser.add_argument("--target", choices=TARGETS, default="net", help="what to write (default: net)")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", dest="variables", help="set a variable of `vars`")
    parser.add_argument("--deploy", action="store_true", help="derive a deploy net where the spec has no `deploy` key")
    parser.add_argument("--binary", action="store_true", help="write the binary message instead of text")
    parser.add_argument("--check", action="store_true", help="write nothing; fail, with a diff, where an output is stale")
    parser.add_argument("--net-path", metavar="P", help="what the solver names as its net")
    parser.add_argument("--no-header", action="store_true", help="leave out the comment that names the source")


def run(options: argparse.Namespace) -> int:
    """Compile each spec. One with errors writes nothing; the others are not held up by it."""
    wanted = BuildOptions(
        output=options.output,
        target=options.target,
        variables=options.variables,
        binary=options.binary,
        check=options.check,
        header=not options.no_header,
        settings=settings_of(options)._replace(deploy=options.deploy or options.target == "deploy"),
    )
    code = OK
    for job in plan(options.specs, wanted):
        result = build(job, wanted, given=job.spec in options.specs)
        show_findings(result.report.ordered(), options)
        if result.report.failed:
            code = WRONG_INPUT
        elif not options.check:
            write(result.outputs)
        else:
            differences = [text for output in result.outputs if (text := stale(output)) is not None]
            sys.stdout.write("".join(differences))
            code = WRONG_INPUT if differences else code
    return code
