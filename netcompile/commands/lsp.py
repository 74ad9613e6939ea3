"""`netcompile lsp`: the language server, for editors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK, WRONG_INPUT, settings_of
from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output, the only way")


def run(options: argparse.Namespace) -> int:
    """Serve one client. Raises CallError where pygls is not installed, or standard input is closed."""
    try:
        from netcompile.lsp.server import serve  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise CallError("the language server needs pygls: pip install 'netcompile[lsp]'") from None
    if sys.stdin is None:
        raise CallError("<stdin>: it is closed")
    return OK if serve(settings_of(options)) else WRONG_INPUT
