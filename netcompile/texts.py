"""The texts of files that a call names, `-` for standard input: as bytes, as a spec, or as prototxt.

Each function raises CallError, with the path, where there is no such text.
"""

from __future__ import annotations

import sys

from netcompile.diagnostics import CallError
from netcompile.load import decode
from netcompile.tree import Source


def read_bytes(path: str) -> bytes:
    """The content of a file."""
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise CallError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def spec_source(path: str, data: bytes) -> Source:
    """The text of a spec."""
    return decode(_name(path), data)


def prototxt_source(path: str, data: bytes) -> Source:
    """Prototxt. Bytes that are no UTF-8 don't matter in a comment; in a string they become a finding."""
    return Source(_name(path), data.decode("utf-8-sig", "surrogateescape"))


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path
