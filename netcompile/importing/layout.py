"""Data as lines of YAML: flow style where it fits on a line, block style where it does not or where comments need it.

Text in data is already spelt. Knows nothing of layers but that they are items of a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WIDTH: Final = 120
_STEP: Final = 2

Data: TypeAlias = "str | list[Data] | dict[str, Data]"


class Remarks(NamedTuple):
    """The comments of an item or of a key: in lines before it, and behind it."""

    before: list[str]
    behind: list[str]


def flow(data: Data) -> str:
    """Write data on one line."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return f"[{', '.join(map(flow, data))}]"
    return f"{{{', '.join(f'{key}: {flow(value)}' for key, value in data.items())}}}"


def key_lines(key: str, data: Data, indent: int = 0, remarks: Remarks | None = None) -> list[str]:
    """Write a key with its value, and its comments, `indent` columns in."""
    return _remarked(_lines(f"{' ' * indent}{key}: ", data, indent), indent, remarks)


def item_lines(
    item: dict[str, Data], indent: int, remarks: Remarks | None = None, of_keys: Mapping[str, Remarks] | None = None
) -> list[str]:
    """Write an item of a list: on one line, unless it is too long or its keys have comments of their own."""
    prefix = f"{' ' * indent}- "
    if not of_keys:
        return _remarked(_lines(prefix, item, indent), indent, remarks)
    inner = indent + _STEP
    first, *rest = item
    lines = [*_comments(of_keys[first].before, indent)] if first in of_keys else []
    behind = Remarks([], of_keys[first].behind) if first in of_keys else None
    opening = key_lines(first, item[first], inner, behind)
    lines += [prefix + line[inner:] if i == 0 else line for i, line in enumerate(opening)]
    for key in rest:
        lines += key_lines(key, item[key], inner, of_keys.get(key))
    return _remarked(lines, indent, remarks)


def _remarked(lines: list[str], indent: int, remarks: Remarks | None) -> list[str]:
    """Put comments around lines: a single short one behind a single line, others in lines of their own."""
    if remarks is None:
        return lines
    before, behind = list(remarks.before), list(remarks.behind)
    if len(lines) == 1 and len(behind) == 1 and len(lines[0]) + len(behind[0]) + 2 <= WIDTH:
        lines = [f"{lines[0]}  {behind.pop()}"]
    elif len(lines) == 1:
        before += behind
        behind = []
    return [*_comments(before, indent), *lines, *_comments(behind, indent + _STEP)]


def _comments(comments: Iterable[str], indent: int) -> Iterable[str]:
    return [f"{' ' * indent}{comment}" for comment in comments]


def _lines(prefix: str, data: Data, indent: int) -> list[str]:
    line = prefix + flow(data)
    if len(line) <= WIDTH or isinstance(data, str) or not data:
        return [line]
    if isinstance(data, list) and all(isinstance(value, str) for value in data):
        return _wrapped(prefix, data, indent + _STEP)  # type: ignore[arg-type] # all are text
    inner = indent + _STEP
    pad = " " * inner
    if isinstance(data, dict):
        lines = [line for key, value in data.items() for line in _lines(f"{pad}{key}: ", value, inner)]
    else:
        lines = [line for value in data for line in _lines(f"{pad}- ", value, inner)]
    if prefix.endswith("- "):
        return [prefix + lines[0][inner:], *lines[1:]]
    return [prefix.rstrip(), *lines]


def _wrapped(prefix: str, values: Sequence[str], indent: int) -> list[str]:
    """Write a long list of single values, as many on a line as fit."""
    lines = [f"{prefix}["]
    for i, value in enumerate(values):
        piece = value + ("," if i + 1 < len(values) else "]")
        if lines[-1].endswith("["):
            lines[-1] += piece
        elif len(lines[-1]) + 1 + len(piece) <= WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(" " * indent + piece)
    return lines
