"""`netcompile diff A B`: what a change to a net means."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from netcompile.commands.common import OK, WRONG_CALL, WRONG_INPUT, settings_of, show_findings, state_of

if TYPE_CHECKING:
    import argparse

_PHASES: Final = ("train", "test", "deploy")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("before", metavar="A", help="a spec, a prototxt net or a .caffemodel, or - for standard input")
    parser.add_argument("after", metavar="B", help="likewise")
    parser.add_argument("--phase", choices=_PHASES, help="the phase to compare (default: train and test)")
    parser.add_argument(
        "--stage", action="append", default=[], metavar="S", help="a stage that both nets are in; repeatable"
    )
    parser.add_argument("--level", type=int, metavar="N", help="the level that both nets are in")
    parser.add_argument(
        "--set", action="append", default=[], metavar="K=V", dest="variables", help="set a variable of `vars`"
    )
    parser.add_argument("--weights", metavar="FILE", help="a .caffemodel: say which of its weights B can load")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to show it (default: text)")


def run(options: argparse.Namespace) -> int:
    """Show what differs; the exit code is 1 where something does, and 2 where a file can't be read as a net."""
    from netcompile.diagnostics import Report  # noqa: PLC0415 - likewise
    from netcompile.diffing.files import compare_files  # noqa: PLC0415 - `--help` does without
    from netcompile.diffing.report import to_json, to_text  # noqa: PLC0415 - likewise

    report = Report()
    settings = settings_of(options)._replace(state=state_of(options))
    phase = options.phase and options.phase.upper()
    difference = compare_files(
        options.before, options.after, settings, report,
        phase=phase, model=options.weights, variables=options.variables,
    )  # fmt: skip
    show_findings(report.ordered(), options)
    if difference is None:
        return WRONG_CALL
    if options.format == "json":
        sys.stdout.write(json.dumps(to_json(difference), indent=2) + "\n")
    else:
        sys.stdout.write(to_text(difference, options.weights))
    return OK if difference.equal else WRONG_INPUT
