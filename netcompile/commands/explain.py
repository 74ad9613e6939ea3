"""`netcompile explain CODE`: what a finding means, with a wrong text and a right one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK
from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a code, as findings show it in brackets")
    parser.add_argument("--all", action="store_true", help="list all codes")


def run(options: argparse.Namespace) -> int:
    """Print what is to be said about each code, or the list of all."""
    from netcompile.explain import explain, explain_all  # noqa: PLC0415 - `--help` does without

    if bool(options.codes) == options.all:
        raise CallError("explain takes a CODE, or --all")
    if options.all:
        sys.stdout.write(explain_all())
        return OK
    try:
        sys.stdout.write("\n".join(map(explain, options.codes)))
    except LookupError as error:
        raise CallError(f"{error.args[0]}; `netcompile explain --all` lists them") from None
    return OK
