"""Where the fields of a text in protobuf's text format stand, found on demand by reading an entry at the top again.

Must not know message types or findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.records import NamedTuple
from netcompile.text_format import scan
from netcompile.tree import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from netcompile.text_format.scan import Entry
    from netcompile.tree import Place, Source


class Comment(NamedTuple):
    """A comment: its place, counted from 0, and its text behind the `#`."""

    place: Place
    text: str


class Positions:
    """Where the fields of one text stand. An element at the top is known by its field and its index in the message."""

    __slots__ = ("_last", "_marks", "_scanner", "renamed", "source")

    def __init__(self, source: Source, blocks: Callable[[], Container[str]] = frozenset) -> None:
        self.source = source
        self.renamed: dict[str, str] = {}  # misspelt names, and what was meant
        self._marks: dict[str, list[tuple[int, bool]]] = {}
        self._scanner = scan.Scanner(source.text, blocks)
        self._last: tuple[int, Entry] | None = None

    def mark(self, name: str, element: Entry) -> None:
        """Record where the next element of a field at the top stands."""
        self._marks.setdefault(name, []).append((element.start, element.start == element.at))

    def entry(self, name: str, index: int = 0) -> Entry | None:
        """The entry of an element at the top, with all inside it; None where the text has none."""
        marks = self._marks.get(name, ())
        if not 0 <= index < len(marks):
            return None
        offset, in_list = marks[index]
        if self._last is None or self._last[0] != offset:
            self._last = offset, self._scanner.entry_at(offset, in_list=in_list)
        return self._last[1]

    def find(self, name: str, index: int = 0, path: str = "", *, key: bool = False) -> Span | None:
        """The place of what `path` names in an element at the top, or of the nearest thing around it that is written.

        A path is dotted and counts from 0: `convolution_param.kernel_size:1`. The place is that of the value, of the
        field's name where `key` is true, the value is a block or nothing nearer is written. The empty path means the
        element: its own word where `key` is true, else its `name` if it has one. None where the text does not have the
        element.
        """
        entry = self.entry(name, index)
        if entry is None:
            return None
        found = self._descend(entry, path) if path else entry
        if found is entry and (path or not key):
            found = self._child(entry, "name", 0) or entry
        return self.key(found) if key or found.kind in (scan.MESSAGE, scan.LIST) else self.value(found)

    def _descend(self, entry: Entry, path: str) -> Entry:
        """What a path names in a message, or the nearest written entry around it."""
        for part in path.split("."):
            name, _, index = part.partition(":")
            if index and not index.isdigit():  # a name, as in `top_shapes:data`, which no text has
                return entry
            inside = self._child(entry, name, int(index or 0))
            if inside is None:
                return entry
            entry = inside
        return entry

    def _child(self, entry: Entry, name: str, index: int) -> Entry | None:
        """The value of a field with that index in a message, whether written alone or in a list."""
        if entry.kind != scan.MESSAGE:
            return None
        values: list[Entry] = []
        for child in entry.value:
            if child.name == name or self.renamed.get(child.name) == name:
                values += child.value if child.kind == scan.LIST else (child,)
        return values[index] if index < len(values) else None

    def key(self, entry: Entry) -> Span:
        """The place of an entry's name; in a list, where it has none, that of its value or brace."""
        if entry.at > entry.start:
            return self.span(entry.start, entry.start + len(entry.name))
        return self.span(entry.at, entry.at + 1 if entry.kind == scan.MESSAGE else entry.end)

    def value(self, entry: Entry) -> Span:
        """The place of an entry's value."""
        return self.span(entry.at, entry.end)

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets."""
        first, last = self.source.place(start), self.source.place(end)
        return Span(self.source, first.line + 1, first.column + 1, last.line + 1, last.column + 1)

    def comments(self) -> list[Comment]:
        """All comments of the text, in order."""
        return [Comment(self.source.place(offset), text) for offset, text in scan.find_comments(self.source.text)]
