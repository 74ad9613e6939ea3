"""What is being typed at a position, from the characters before it: text that need not be YAML yet.

Reads a few lines at most, from the start of the item that the position is in. Knows no tree and no names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_ITEM: Final = re.compile(r"\s*- (?:\{|[\w'\"])")
_KEY_LINE: Final = re.compile(r"\s*(?:- )*([\w$]+):(?:\s+\S.*)?$")
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\n]+) | (?P<comment>(?<![^ \n])\#[^\n]*) | (?P<quoted>"(?:[^"\\\n]|\\.)*"? | '(?:[^'\n]|'')*'?)
    | (?P<sign>[\[\]{},]|-(?=[ \n]|\Z)|:(?=[ \n\[{]|\Z))
    | (?P<word>(?:\$\{[^}\n]*\}?|[^\s\[\]{},:]|:(?![ \n\[{]|\Z))+)""",
    re.VERBOSE,
)
_VARIABLE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$(\w*)\Z", re.ASCII)
_EXPRESSION: Final = re.compile(r"\$\{[^}]*?(\w*)\Z", re.ASCII)
_WORD_BEFORE: Final = re.compile(r"\w*\Z", re.ASCII)
_BLOCK: Final = re.compile(r"\bblock:\s*['\"]?([^\s,}'\"]+)")
_MOST_LINES: Final = 60


class Typed(NamedTuple):
    """What is being typed: a value of `key`, or a key where that is None. It begins at column `start` of its line.

    `variable`: the name of a variable is being typed. `block`: the block that the item uses, where it uses one;
    `given` has the keys of the item so far.
    """

    key: str | None
    start: int
    variable: bool
    block: str | None
    given: frozenset[str]


def typed_at(lines: Sequence[str], line: int, column: int) -> Typed:
    """What is being typed at a position."""
    first = _first_line(lines, line)
    before = "\n".join([*lines[first:line], lines[line][:column]])
    key, start, keys = _read(before)
    start -= before.rfind("\n") + 1
    current = lines[line][:column]
    if key is None and start == len(current) - len(current.lstrip(" -")):
        key = _key_above(lines, line)
    block = _BLOCK.search("\n".join([*lines[first:line], lines[line]]))
    name = block[1] if block else None
    variable = _EXPRESSION.search(current) or _VARIABLE.search(current)
    if variable is None and key == "when":
        variable = _WORD_BEFORE.search(current)
        return Typed(key, len(current) - len(variable[0] if variable else ""), variable=True, block=name, given=keys)
    if variable is not None:
        return Typed(key, variable.start(1), variable=True, block=name, given=keys)
    return Typed(key, start, variable=False, block=name, given=keys)


def _first_line(lines: Sequence[str], line: int) -> int:
    """The line where the item of a position starts, or the line itself."""
    for i in range(line, max(-1, line - _MOST_LINES), -1):
        if _ITEM.match(lines[i]):
            return i
    return line


def _read(text: str) -> tuple[str | None, int, frozenset[str]]:
    """The key whose value the end of a text is in, where that value's last word begins, and the keys of its mapping."""
    key: str | None = None
    word = ""
    start = len(text)
    open_keys: list[tuple[str | None, str, set[str]]] = []
    bracket = ""
    keys: set[str] = set()
    for token in _TOKEN.finditer(text):
        if token["space"] or token["comment"]:
            start = token.end()
            if not bracket and "\n" in token[0]:
                key = None
            continue
        sign = token["sign"]
        if sign is None:
            word, start = token[0].strip("'\""), token.start()
            continue
        start = token.end()
        if sign == ":":
            key = word
            keys.add(word)
        elif sign in "[{":
            open_keys.append((key, bracket, keys))
            bracket = sign
            key, keys = (None, set()) if sign == "{" else (key, keys)
        elif sign in "]}" and open_keys:
            key, bracket, keys = open_keys.pop()
        elif sign == "," and bracket == "{":
            key = None
    return key, start, frozenset(keys)


def _key_above(lines: Sequence[str], line: int) -> str | None:
    """The key that an item of a block list, or a value on a line of its own, belongs to."""
    own = lines[line]
    indent = len(own) - len(own.lstrip(" "))
    dashed = own.lstrip(" ").startswith("-")
    for i in range(line - 1, max(-1, line - _MOST_LINES), -1):
        text = lines[i]
        stripped = text.lstrip(" ")
        depth = len(text) - len(stripped)
        if not stripped or stripped.startswith("#") or depth > indent:
            continue
        if depth == indent and (not dashed or stripped.startswith("-")):
            continue
        found = _KEY_LINE.match(text)
        return found[1] if found and dashed else None
    return None
