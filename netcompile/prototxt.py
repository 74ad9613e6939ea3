"""Prototxt to a message, with the places of its fields: reads what Caffe's parser reads, and goes on after a finding.

Which fields, kinds and enum values there are is asked of the message type, so that any pool will do: a fork's messages
too. Afterwards the message holds all that is sound; the places are found on demand, by reading the entry again.
Must not know what a net is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import Note
from netcompile.records import NamedTuple
from netcompile.text_format import scan
from netcompile.text_format.fields import Field, fields_of, unquote
from netcompile.tree import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

    from netcompile.diagnostics import Report
    from netcompile.text_format.scan import Entry
    from netcompile.tree import Place


MAX_TEXT: Final = 32 * 2**20  # characters: several times what a net of 100,000 layers needs


class Comment(NamedTuple):
    """A comment: its place, counted from 0, and its text behind the `#`."""

    place: Place
    text: str


class Positions:
    """Where the fields of one text stand. An element at the top is known by its field and its index in the message."""

    __slots__ = ("_last", "_marks", "_scanner", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._marks: dict[str, list[tuple[int, bool]]] = {}
        self._scanner = scan.Scanner(source.text)
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
        element: its `name`, else its own word. None where the text does not have the element.
        """
        entry = self.entry(name, index)
        if entry is None:
            return None
        found = _descend(entry, path) if path else entry
        if found is entry:
            found = _child(entry, "name", 0) or entry
        return self.key(found) if key or found.kind in (scan.MESSAGE, scan.LIST) else self.value(found)

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


class Parsed(NamedTuple):
    """A message with the places of its fields. `unsound` has the elements at the top that lost or lack something."""

    message: Any
    positions: Positions
    unsound: set[tuple[str, int]]


def read_prototxt(source: Source, message_type: type[Message], report: Report) -> Parsed:
    """The message that a text describes, filled as far as it is sound; what Caffe's parser refuses is reported.

    Takes time linear in the length of the text, of which there is a limit.
    """
    if len(source.text) > MAX_TEXT:
        text = f"the text has {len(source.text):,} characters; at most {MAX_TEXT:,} are read"
        hint = "a net with its weights is read from a binary file"
        report.add("expansion-limit", Span(source, 1, 1, 1, 2), text, hint=hint)
        source = Source(source.name, "")
    return _Reader(source, report).read(message_type())


class _Reader:
    """Fills one message from one text."""

    __slots__ = ("_flaws", "_positions", "_report", "_scanner")

    def __init__(self, source: Source, report: Report) -> None:
        self._report = report
        self._positions = Positions(source)
        self._scanner = scan.Scanner(source.text)
        self._flaws = 0

    def read(self, message: Message) -> Parsed:
        """Fill the message from the whole text."""
        fields = fields_of(message.DESCRIPTOR)
        unsound: set[tuple[str, int]] = set()
        seen: dict[str, Entry] = {}
        for entry in self._scanner.entries():
            self._flaws = 0
            self._report_problems(entry.start)
            indexes = self._fill_top(message, fields, entry, seen)
            if self._flaws:
                unsound.update((entry.name, index) for index in indexes)
        self._flaws = 0
        self._report_problems()
        if not self._flaws:
            self._report_missing(message, unsound)
        return Parsed(message, self._positions, unsound)

    def _fill_top(self, message: Message, fields: dict[str, Field], entry: Entry, seen: dict[str, Entry]) -> range:
        """Fill in an entry at the top; returns the indexes of the elements that it made."""
        name = entry.name
        field = fields.get(name)
        before = len(getattr(message, name)) if field and field.repeated else 0
        self._fill(message, fields, (entry,), seen)
        if field is None:
            return range(0)
        after = len(getattr(message, name)) if field.repeated else 1
        elements = entry.value if entry.kind == scan.LIST else (entry,)
        for element in elements[: after - before]:
            self._positions.mark(name, element)
        return range(before, after)

    def _fill(
        self, message: Message, fields: dict[str, Field], entries: Iterable[Entry], seen: dict[str, Entry]
    ) -> None:
        """Fill in the entries of one message; `seen` collects its single fields."""
        for entry in entries:
            name, kind, value, _, _, _ = entry
            field = fields.get(name)
            if field is None:
                self._report_unknown(message, entry)
                continue
            if kind == scan.LIST:
                self._fill_list(message, fields, field, entry)
                continue
            repeated, readers, inner = field[:3]
            if not repeated and seen.setdefault(name, entry) is not entry:
                self._report_twice(entry, seen[name])
                continue
            if kind == scan.MESSAGE and inner:
                child = getattr(message, name)
                if repeated:
                    child = child.add()
                elif not value:
                    child.SetInParent()
                self._fill(child, fields_of(inner), value, {})
                continue
            try:
                if repeated:
                    getattr(message, name).append(readers[kind](value))
                else:
                    setattr(message, name, readers[kind](value))
            except (KeyError, ValueError):
                self._refuse(message, field, entry)

    def _fill_list(self, message: Message, fields: dict[str, Field], field: Field, entry: Entry) -> None:
        if not field.repeated:
            self._add("wrong-kind", self._positions.value(entry), f"'{entry.name}' takes one value, not a list")
        elif not field.message and not scan.has_colon(self._positions.source.text, entry):
            self._add("syntax", self._positions.key(entry), f"no ':' between '{entry.name}' and its list")
        else:
            self._fill(message, fields, entry.value, {})

    def _add(self, code: str, span: Span, message: str, notes: Sequence[Note] = (), hint: str | None = None) -> None:
        self._flaws += 1
        self._report.add(code, span, message, notes=notes, hint=hint)

    def _report_problems(self, start: int = 0) -> None:
        """Report what the scanner has found so far; what lies before `start` is no flaw of the entry there."""
        before = 0
        for problem in self._scanner.problems:
            span = self._positions.span(problem.start, problem.end)
            self._add("too-deep" if problem.too_deep else "syntax", span, problem.message)
            before += problem.end <= start
        self._flaws -= before
        self._scanner.problems.clear()

    def _report_unknown(self, message: Message, entry: Entry) -> None:
        self._flaws += self._report.full("unknown-field")
        if self._report.full("unknown-field"):
            return
        from netcompile.text_format.refusals import explain_field  # noqa: PLC0415 - only for the refused

        text, hint = explain_field(entry.name, message.DESCRIPTOR)
        self._add("unknown-field", self._positions.key(entry), text, hint=hint)

    def _report_twice(self, entry: Entry, first: Entry) -> None:
        note = Note("first given here", self._positions.key(first))
        text = f"'{entry.name}' is given twice, and takes one value"
        self._add("duplicate-field", self._positions.key(entry), text, (note,))

    def _report_missing(self, message: Any, unsound: set[tuple[str, int]]) -> None:
        """Report the required fields that are not given."""
        if message.IsInitialized():
            return
        for missing in message.FindInitializationErrors():
            within, _, name = re.sub(r"\[(\d+)\]", r":\1", missing).rpartition(".")
            top, _, inside = within.partition(".")
            element, _, number = top.partition(":")
            index = int(number or 0)
            unsound.add((element, index))
            span = self._positions.find(element, index, inside, key=True)
            owner = within.rpartition(".")[2].partition(":")[0] or message.DESCRIPTOR.name
            self._report.add("missing-field", span, f"{owner} needs the field '{name}'")

    def _refuse(self, message: Message, field: Field, entry: Entry) -> None:
        """Say why a field does not take a value. Text that only is no UTF-8 is kept, its wrong bytes replaced."""
        if self._report.full("unknown-enum-value"):
            self._flaws += 1
            return
        from netcompile.text_format.refusals import explain_value  # noqa: PLC0415 - only for the refused

        code, text, hint = explain_value(entry, field)
        if code == "not-utf8":
            value = unquote(entry.value).decode(errors="replace")
            if field.repeated:
                getattr(message, entry.name).append(value)
            else:
                setattr(message, entry.name, value)
            self._report.add(code, self._positions.value(entry), text, hint=hint)
            return  # Caffe takes it, and nothing of the element is lost
        self._add(code, self._positions.value(entry), text, hint=hint)


def _descend(entry: Entry, path: str) -> Entry:
    """What a path names in a message, or the nearest written entry around it."""
    for part in path.split("."):
        name, _, index = part.partition(":")
        if index and not index.isdigit():  # a name, as in `top_shapes:data`, which no text has
            return entry
        inside = _child(entry, name, int(index or 0))
        if inside is None:
            return entry
        entry = inside
    return entry


def _child(entry: Entry, name: str, index: int) -> Entry | None:
    """The value of a field with that index in a message, whether written alone or in a list."""
    if entry.kind != scan.MESSAGE:
        return None
    values: list[Entry] = []
    for child in entry.value:
        if child.name == name:
            values += child.value if child.kind == scan.LIST else (child,)
    return values[index] if index < len(values) else None
