"""The texts of files that a call names, `-` for standard input: as bytes, as a spec, or as prototxt.

Each function raises CallError, with the path, where there is no such text.
"""

from __future__ import annotations

import sys

from netcompile.diagnostics import CallError
from netcompile.files import read_file, read_stream
from netcompile.load import decode
from netcompile.tree import Source


def read_bytes(path: str) -> bytes:
    """The content of a file."""
    if path == "-" and sys.stdin is None:
        raise CallError("<stdin>: it is closed")
    try:
        return read_stream(sys.stdin.buffer, "<stdin>") if path == "-" else read_file(path)
    except OSError as error:
        raise CallError(f"{_name(path)}: {error.strerror or error}") from None


def spec_source(path: str, data: bytes) -> Source:
    """The text of a spec."""
    return decode(_name(path), data)


def prototxt_source(path: str, data: bytes) -> Source:
    """Prototxt. Bytes that are no UTF-8 don't matter in a comment; in a string they become a finding."""
    return Source(_name(path), data.decode("utf-8-sig", "surrogateescape"))


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path
