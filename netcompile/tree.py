"""The text that a user wrote: sources, spans, and the three kinds of YAML nodes.

A node is a value with the place where it is written. Nodes are immutable and shared freely: merging and
substitution build new mappings around old nodes, so every value still knows its own place.
This module knows nothing of YAML's syntax, of Caffe or of findings.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, Final, Protocol, TypeAlias

from netcompile.records import NamedTuple

_LINE_BREAK: Final = r"\r\n?|\n"  # as editors have them; compiled where a line is asked for


class Position(Protocol):
    """A place in a text, as PyYAML's marks give it: line and column count from 0."""

    @property
    def line(self) -> int:
        """The line, from 0."""

    @property
    def column(self) -> int:
        """The column, from 0."""


class Place(NamedTuple):
    """A position of our own, where no parser made one. Counts from 0."""

    line: int
    column: int


class Source:
    """One input text under the name that findings show."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts: list[int] = []  # the offset of each line, once it is asked for

    def line(self, number: int) -> str:
        """Line `number`, counted from 1, without its line break; empty past the end."""
        starts = self._line_starts()
        if not 0 < number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def place(self, offset: int) -> Place:
        """Line and column of an offset, counted from 0."""
        starts = self._line_starts()
        line = bisect_right(starts, offset) - 1
        return Place(line, offset - starts[line])

    def _line_starts(self) -> list[int]:
        if not self._starts:
            self._starts = [0, *(found.end() for found in re.finditer(_LINE_BREAK, self.text))]
        return self._starts

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Span(NamedTuple):
    """Where something is written. Lines and columns count from 1; the end is behind the last character."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int


class Scalar(NamedTuple):
    """A single value: text, number, truth value or null, resolved as YAML 1.2 does."""

    value: str | int | float | bool | None
    start: Position
    end: Position
    source: Source

    @property
    def span(self) -> Span:
        """Where it is written."""
        return _span(self.source, self.start, self.end)


class List(NamedTuple):
    """A sequence of nodes."""

    items: list[Node]
    start: Position
    end: Position
    source: Source

    @property
    def span(self) -> Span:
        """Where it is written."""
        return _span(self.source, self.start, self.end)


class Mapping(NamedTuple):
    """Keys in their written order, each with its value; `keys` has the same keys with the place of each."""

    entries: dict[Any, Node]
    keys: dict[Any, Scalar]
    start: Position
    end: Position
    source: Source

    @property
    def span(self) -> Span:
        """Where it is written."""
        return _span(self.source, self.start, self.end)


Node: TypeAlias = "Scalar | List | Mapping"


def _span(source: Source, start: Position, end: Position) -> Span:
    return Span(source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def plain(node: Node) -> Any:
    """The value of a node and all below it, as plain Python values."""
    kind = type(node)
    if kind is Scalar:
        return node.value  # type: ignore[union-attr]
    if kind is List:
        return [plain(item) for item in node.items]  # type: ignore[union-attr]
    return {key: plain(value) for key, value in node.entries.items()}  # type: ignore[union-attr]
