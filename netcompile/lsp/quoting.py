"""Names as they must be written in a spec, so that YAML reads them as the text that they are."""

from __future__ import annotations

import re
from typing import Final

from netcompile.load import resolve

_PLAIN: Final = re.compile(r"[A-Za-z0-9_$][\w./+$-]*", re.ASCII)


def written(name: str) -> str:
    """A name as a value or a key: in quotes where it would be something else without."""
    return name if _PLAIN.fullmatch(name) and resolve(name) == name else f"'{within(name, chr(39))}'"


def within(name: str, quote: str) -> str:
    """A name between two such quotes."""
    return name.replace("'", "''") if quote == "'" else name.replace("\\", "\\\\").replace('"', '\\"')
