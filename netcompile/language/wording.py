"""Words for values: what a node is, what a leaf of the JSON Schema takes, and whether one word is a slip for another.

Pure functions, for messages. Nothing here decides whether a value is right.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.tree import Node

_KINDS: Final = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true, false",
    "array": "a list",
    "object": "a mapping",
}
_TRUTH: Final = {"yes": True, "on": True, "y": True, "1": True, "no": False, "off": False, "n": False, "0": False}
_LONGEST: Final = 60
_SOME: Final = 12  # as many names as a hint can show
_SHORTEST_SLIP: Final = 3
_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,30}(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?")


def shown(node: Node) -> str:
    """A value as a message names it: `'64' (a string)`, `a list`, `empty`."""
    if type(node) is Mapping:
        return "a mapping"
    if type(node) is List:
        return "a list"
    value = node.value  # type: ignore[union-attr]
    if value is None:
        return "empty"
    return f"{quoted(value)} (a string)" if type(value) is str else written(node)


def quoted(text: str) -> str:
    """A text in quotes on one line, cut short where it is long."""
    text = text.replace("\n", "\\n")
    return f"'{text}'" if len(text) <= _LONGEST else f"'{text[: _LONGEST - 3]}...'"


def written(node: Node) -> str:
    """A scalar as it stands in its source, on one line; its value where it does not stand there."""
    assert type(node) is Scalar
    start, end = node.start, node.end
    text = node.source.line(start.line + 1)[start.column : end.column] if start.line == end.line else ""
    value = node.value
    fallback = str(value).lower() if type(value) is bool or value is None else str(value)
    # What an expression came to is not what stands there.
    return text if 0 < len(text) <= _LONGEST and "$" not in text else fallback[:_LONGEST]


def takes(schema: dict[str, Any]) -> str:
    """What a leaf takes: `an integer`, `MAX, AVE or STOCHASTIC`. Variables and null go without saying."""
    words = words_of(schema)
    if words:
        return listed(words)
    if "const" in schema or schema.get("then") == {"const": False}:
        return "a mapping or false"
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if {"object", "string"} <= set(kinds) <= {"object", "string", "null"}:
        return _KINDS["object"]  # as text only a variable
    named = [_KINDS[kind] for kind in kinds if kind != "null" and not (kind == "string" and "pattern" in schema)]
    if "batch" in schema.get("pattern", ""):
        named.extend(("`batch`", "~"))
    return listed(", ".join(named).split(", "))


def words_of(schema: dict[str, Any]) -> list[str]:
    """The words of a leaf that takes one of some words; empty where it takes anything else."""
    options = [schema, *schema.get("anyOf", ()), *schema.get("else", {}).get("anyOf", ())]
    return next((list(option["enum"]) for option in options if "enum" in option), [])


def listed(words: Iterable[str]) -> str:
    """Words in a row: `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def some_of(names: Iterable[str]) -> str:
    """The first names of those that could be meant."""
    first = list(islice(names, _SOME + 1))
    return ", ".join([*first[:_SOME], "..."] if len(first) > _SOME else first) or "none"


def number_in(text: Any) -> int | float | None:
    """The number that stands in a text, or None."""
    if type(text) is not str or not _NUMBER.fullmatch(text):
        return None
    return float(text) if {".", "e", "E"} & set(text) else int(text)


def truth_in(value: Any) -> bool | None:
    """What `yes`, `off`, 1 and their like are meant to be, or None."""
    return _TRUTH.get(str(value).lower()) if type(value) in (str, int) else None


def is_slip(word: str, meant: str) -> bool:
    """Whether `word` can only be `meant` with a slip: other case or underscores, or one letter more, less or wrong."""
    if word.replace("_", "").lower() == meant.replace("_", "").lower():
        return True
    # `pad_d` is no slip for `pad_h`, nor `Convolution3` for `Convolution`: such names are made on purpose.
    on_purpose = word[-2:-1] == "_" or word[-1:].isdigit() != meant[-1:].isdigit()
    return not on_purpose and min(len(word), len(meant)) >= _SHORTEST_SLIP and _one_step(word, meant)


def _one_step(one: str, other: str) -> bool:
    """Whether two words differ in one letter, or in the order of two neighbours."""
    if len(one) > len(other):
        one, other = other, one
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    rest, other_rest = one[start:], other[start:]
    if len(one) < len(other):
        return rest == other_rest[1:]
    swapped = other_rest[1:2] + other_rest[:1] + other_rest[2:]
    return rest[1:] == other_rest[1:] or rest == swapped
