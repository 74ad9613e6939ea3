"""Single values as a spec writes them: each reads back as the very value, and text as text for readers of YAML 1.1 too.

Knows YAML's scalars and the `$` of the language; nothing of fields.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import copysign, isfinite, isinf, isnan
from struct import pack
from typing import Final

from netcompile.load import resolve

# Text that needs no quotes, in flow style either: what follows must still not mean anything else.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.$(][\w/.$()@%^+*=~-]*(?: [A-Za-z0-9_/.$()][\w/.$()@%^+*=~-]*)*", re.ASCII)
# Words and numbers of YAML 1.1, which other tools may read the spec as.
_OTHERWISE: Final = re.compile(
    r"yes|no|on|off|\.+|\d[\d_]*\.?[\d_]*(?:e[-+]?\d+)?|\.[\d_]+(?:e[-+]?\d+)?|0[xbo][\da-f_]+|\d{4}-\d\d?-\d\d?",
    re.IGNORECASE,
)
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BYTE: Final = 0xFF
_SHORT: Final = 0xFFFF
_MOST_DIGITS: Final = 9  # that a 32-bit float needs


def text(value: str) -> str:
    """Spell text, with its `$` doubled, in quotes where it would mean anything else without."""
    value = value.replace("$", "$$")
    if _PLAIN.fullmatch(value) and not _OTHERWISE.fullmatch(value) and type(resolve(value)) is str:
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(escaped, value)) + '"'


def escaped(character: str) -> str:
    """A character as it stands in a string with double quotes."""
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}" if code <= _SHORT else f"\\U{code:08x}"


def truth(value: bool) -> str:  # noqa: FBT001 - the value itself
    """Spell a truth value."""
    return "true" if value else "false"


def double(value: float) -> str:
    """Spell a number so that all its 64 bits come back, without what YAML doesn't need: `1`, `1e-5`."""
    if isnan(value):
        return ".nan"
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"
    if value == 0:
        return "-0.0" if copysign(1, value) < 0 else "0"
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa.removesuffix(".0") + (f"e{int(exponent)}" if e else "")


def single(value: float) -> str:
    """Spell a number with the fewest digits that are the same 32-bit float."""
    return double(shortest(value))


def shortest(value: float) -> float:
    """The number of the fewest digits that is the same 32-bit float."""
    return _shortest(value) if value != 0 and isfinite(value) else value


@lru_cache(maxsize=4096)
def _shortest(value: float) -> float:
    wanted = pack("f", value)
    for digits in range(1, _MOST_DIGITS):
        short = float(f"{value:.{digits}g}")
        if abs(short) < _FLOAT_LIMIT and pack("f", short) == wanted:
            return short
    return float(f"{value:.{_MOST_DIGITS}g}")


_FLOAT_LIMIT: Final = 3.4028235677973366e38  # from here on `pack` overflows
