"""`netcompile import NET.prototxt`: the way back, from prototxt to a spec."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK, WRONG_INPUT, settings_of, show_findings

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("net", metavar="NET", help="a net as prototxt or .caffemodel, or - for standard input")
    parser.add_argument("-o", "--output", metavar="SPEC", help="where to write the spec; else standard output")
    parser.add_argument("--solver", metavar="FILE", help="the net's solver, which the spec will hold too")
    parser.add_argument(
        "--deploy", metavar="FILE", help="its deploy net, to be given by the spec too; says what differs"
    )


def run(options: argparse.Namespace) -> int:
    """Write the spec, and say on standard error what was old, what is left out, and how a given deploy net differs."""
    from netcompile.compiler import collector_off  # noqa: PLC0415 - `--help` does without
    from netcompile.diagnostics import Report  # noqa: PLC0415 - likewise
    from netcompile.files import write_atomic  # noqa: PLC0415 - likewise
    from netcompile.importer import import_files  # noqa: PLC0415 - likewise
    from netcompile.importing.files import read_files  # noqa: PLC0415 - likewise

    report = Report()
    notes: list[str] = []
    output = None if options.output == "-" else options.output
    with collector_off():
        fork = settings_of(options).fork
        files = read_files(options.net, options.solver, options.deploy, output, report, notes, fork)
        imported = import_files(files, report)
    show_findings(report.ordered(), options)
    if imported is None:
        return WRONG_INPUT
    sys.stderr.write("".join(f"{line}\n" for line in (*notes, *imported.drift)))
    if output is None:
        sys.stdout.buffer.write(imported.text.encode())
        sys.stdout.buffer.flush()
    else:
        write_atomic(output, imported.text.encode())
    return OK
