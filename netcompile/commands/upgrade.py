"""`netcompile upgrade NET.prototxt`: a net or solver in an old format as Caffe's own upgrade would write it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK, WRONG_INPUT, settings_of, show_findings
from netcompile.diagnostics import Report

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="NET.prototxt", help="a net, a solver, a .caffemodel, or - for standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it; else standard output")


def run(options: argparse.Namespace) -> int:
    """Write the upgraded file, and say on standard error what was old in it and what is lost."""
    from netcompile.files import write_atomic  # noqa: PLC0415 - `--help` does without
    from netcompile.upgrading import upgrade_file  # noqa: PLC0415 - likewise

    report = Report()
    upgraded = upgrade_file(options.file, report, settings_of(options).fork)
    show_findings(report.ordered(), options)
    if upgraded is None:
        return WRONG_INPUT
    old = f"had {', '.join(upgraded.formats)}" if upgraded.formats else "is in the current format; nothing to upgrade"
    sys.stderr.write(f"{options.file}: {old}\n")
    if upgraded.comments:
        which = "1 comment is" if upgraded.comments == 1 else f"{upgraded.comments:,} comments are"
        sys.stderr.write(f"{options.file}: {which} left out, as by Caffe's own upgrade\n")
    if options.output in (None, "-"):
        sys.stdout.buffer.write(upgraded.data)
        sys.stdout.buffer.flush()
    else:
        write_atomic(options.output, upgraded.data)
    return OK
