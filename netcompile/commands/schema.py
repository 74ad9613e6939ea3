"""`netcompile schema`: the JSON Schema of specs, of Caffe's own or of a fork's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netcompile.commands.common import OK
from netcompile.schema.file import schema_text

if TYPE_CHECKING:
    import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    sys.stdout.write(schema_text() if options.caffe is None else _schema_of_fork(options.caffe))
    return OK


def _schema_of_fork(path: str) -> str:
    from netcompile.caffe.comments import read_comments  # noqa: PLC0415 - for forks
    from netcompile.forks.read import load_fork  # noqa: PLC0415 - likewise

    return load_fork(path).documented_schema(read_comments())
