"""`netcompile schema`: the JSON Schema of specs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK
from netcompile.schema_file import schema_text

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    del options
    sys.stdout.write(schema_text())
    return OK
