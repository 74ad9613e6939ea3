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
Remark: TypeAlias = "tuple[int, str]"  # a comment, with its place among all
Path: TypeAlias = "tuple[str | int, ...]"  # to a value inside data: keys, and numbers of items


class Remarks(NamedTuple):
    """The comments of an item or of a key: in lines before it, and behind it."""

    before: list[Remark]
    behind: list[Remark]


def flow(data: Data) -> str:
    """Write data on one line."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return f"[{', '.join(map(flow, data))}]"
    return f"{{{', '.join(f'{key}: {flow(value)}' for key, value in data.items())}}}"


def key_lines(key: str, data: Data, indent: int = 0, remarks: Mapping[Path, Remarks] | None = None) -> list[str]:
    """Write a key with its value, `indent` columns in, and the comments in it by path; `()` is the path of its own."""
    return _tree(f"{' ' * indent}{key}: ", data, indent, remarks or {})


def item_lines(item: dict[str, Data], indent: int, remarks: Mapping[Path, Remarks] | None = None) -> list[str]:
    """Write an item of a list: on one line, unless it is too long or comments stand in it."""
    return _tree(f"{' ' * indent}- ", item, indent, remarks or {})


def _tree(prefix: str, data: Data, indent: int, remarks: Mapping[Path, Remarks]) -> list[str]:
    """Write data behind a prefix, in block style where comments stand in it."""
    inside: dict[str | int, dict[Path, Remarks]] = {}
    for path, found in remarks.items():
        if path:
            inside.setdefault(path[0], {})[path[1:]] = found
    own = remarks.get((), Remarks([], []))
    if len(data) == 1 and all(path == () for within in inside.values() for path in within):
        for (only,) in (within.values() for within in inside.values()):
            own = Remarks([*own.before, *only.before], [*own.behind, *only.behind])
        inside = {}
    if not inside or isinstance(data, str):
        return _remarked(_lines(prefix, data, indent), indent, own)
    inner = indent + _STEP
    pad = " " * inner
    lines: list[str] = []
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        lines += _tree(f"{pad}{key}: " if isinstance(data, dict) else f"{pad}- ", value, inner, inside.get(key, {}))
    if not prefix.endswith("- "):
        return _remarked([prefix.rstrip(), *lines], indent, own)
    first = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
    above = [" " * indent + line.lstrip() for line in lines[:first]]
    lines = [*above, prefix + lines[first][inner:], *lines[first + 1 :]]
    return _remarked(lines, indent, own)


def _remarked(lines: list[str], indent: int, remarks: Remarks) -> list[str]:
    """Put comments around lines: a single short one behind a single line, others in lines of their own.

    They keep their order, for which those behind may have to go before.
    """
    if not (remarks.before or remarks.behind):
        return lines
    before, behind = sorted(remarks.before), sorted(remarks.behind)
    if before and behind and behind[0] < before[-1]:
        before, behind = sorted([*before, *behind]), []
    if len(lines) == 1 and len(behind) == 1 and len(lines[0]) + len(behind[0][1]) + 2 <= WIDTH:
        return [*_comments(before, indent), f"{lines[0]}  {behind[0][1]}"]
    if len(lines) == 1:
        before, behind = [*before, *behind], []
    return [*_comments(before, indent), *lines, *_comments(behind, indent + _STEP)]


def _comments(comments: Iterable[Remark], indent: int) -> Iterable[str]:
    return [f"{' ' * indent}{comment}" for _, comment in comments]


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
