"""What a terminal makes of text: control characters, display widths, colours.

Nothing that a user wrote reaches a terminal without `printable`: an escape sequence in a layer's name must not move
the cursor, nor a bidirectional override reorder the line. Knows nothing of findings or nets.
"""

from __future__ import annotations

import os
import unicodedata
from typing import Final, Literal, TextIO, TypeAlias

ColorMode: TypeAlias = Literal["auto", "always", "never"]

TAB: Final = "    "
ELLIPSIS: Final = "..."


def use_color(mode: ColorMode, stream: TextIO) -> bool:
    """Decide whether to write colours to `stream`. `mode` is that of --color; "auto" asks environment and stream.

    NO_COLOR (https://no-color.org) outranks FORCE_COLOR, which outranks TERM=dumb; each counts where it is not empty.
    """
    if mode != "auto":
        return mode == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return os.environ["FORCE_COLOR"] != "0"
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def printable(text: str) -> str:
    """Bring `text` on one line, with every character that a terminal would act on, or not show, as an escape."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def cell(character: str) -> str:
    """Show a character of a source line: a tab as spaces, others as `printable` has them."""
    return TAB if character == "\t" else _printable(character)


def width(text: str) -> int:
    """Count the columns that printable `text` takes: two for a wide East Asian character, none for a combining mark."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """Put spaces behind `text` up to `columns`."""
    return text + " " * (columns - width(text))


def shorten(text: str, columns: int) -> str:
    """Bring `text` into at most `columns`: what is too long loses its middle, as both ends of a name tell."""
    if width(text) <= columns:
        return text
    room = columns - len(ELLIPSIS)
    tail = _fitting(text[::-1], room // 2)
    head = _fitting(text, room - width(tail))
    return f"{head}{ELLIPSIS}{tail[::-1]}"


def _fitting(text: str, columns: int) -> str:
    """Cut `text` to the longest beginning that takes at most `columns`."""
    taken = 0
    for i, character in enumerate(text):
        taken += _width(character)
        if taken > columns:
            return text[:i]
    return text
