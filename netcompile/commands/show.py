"""`netcompile show PATH`: a net layer by layer, as a table, as JSON, or drawn."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from netcompile.commands.common import OK, WRONG_INPUT, add_set, assignments_of, settings_of, show_findings, state_of
from netcompile.diagnostics import Report

if TYPE_CHECKING:
    import argparse

    from netcompile.showing import Shown

FORMATS: Final = ("table", "json", "dot")
_TOLD: Final = ("skipped-state", "needs-stage")  # why a phase has no shapes


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("path", metavar="PATH", help="a spec or a prototxt net, or - for standard input")
    parser.add_argument("--phase", choices=("train", "test", "deploy"), help="only this one (default: all there are)")
    parser.add_argument("--stage", action="append", default=[], metavar="S", help="build the net with this stage")
    parser.add_argument("--level", type=int, metavar="N", help="build the net at this level")
    add_set(parser)
    parser.add_argument("--format", choices=FORMATS, default="table", help="how to write it (default: table)")


def run(options: argparse.Namespace) -> int:
    """Print the net. Where it is wrong, only what is wrong."""
    from netcompile.showing import graphs_of  # noqa: PLC0415 - `--help` does without

    settings = settings_of(options)._replace(state=state_of(options), deploy=options.phase == "deploy")
    report = Report()
    shown = graphs_of(options.path, settings, assignments_of(options, ()), report)
    found = (one for one in report.ordered() if one.severity == "error" or one.code in _TOLD)
    show_findings(found, options)
    if shown is None:
        return WRONG_INPUT
    if options.phase is not None:
        phase = options.phase.upper()
        shown = shown._replace(graphs={phase: shown.graphs[phase]})
    sys.stdout.write(_rendered(shown, options.format))
    return OK


def _rendered(shown: Shown, form: str) -> str:
    if form == "json":
        import json  # noqa: PLC0415 - only for this format

        from netcompile.views.net import to_json  # noqa: PLC0415 - likewise

        return json.dumps(to_json(*shown), indent=2) + "\n"
    if form == "dot":
        from netcompile.views.dot import to_dot  # noqa: PLC0415 - likewise

        return to_dot(*shown)
    from netcompile.views.table import to_table  # noqa: PLC0415 - likewise

    graphs = dict(shown.graphs)
    if "TRAIN" in graphs and "TEST" in graphs and graphs["TRAIN"].layers is graphs["TEST"].layers:
        graphs = {"TRAIN and TEST": graphs.pop("TRAIN"), **graphs}
        del graphs["TEST"]
    return to_table(shown.name, graphs)
