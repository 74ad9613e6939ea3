"""Prototxt to a message, with the places of its fields: reads what Caffe's parser reads, and goes on after a finding.

Which fields, kinds and enum values there are is asked of the message type, so that any pool will do: a fork's messages
too. Afterwards the message holds all that is sound; the places are found on demand, by reading the entry again.
Must not know what a net is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import Note
from netcompile.records import NamedTuple
from netcompile.text_format import scan
from netcompile.text_format.fields import Field, block_names, fields_of
from netcompile.text_format.lost import REST
from netcompile.text_format.positions import Positions
from netcompile.tree import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

    from netcompile.diagnostics import Report
    from netcompile.text_format.scan import Entry, Problem


_FOLLOWING: Final = scan.pattern(rf"{scan.SPACE}[,;]?{scan.SPACE}({scan.NAME})")
MAX_TEXT: Final = 32 * 2**20  # characters: several times what a net of 100,000 layers needs


class Parsed(NamedTuple):
    """A message with the places of its fields.

    `unsound` has the elements at the top that lost or lack something, each with the names of the fields of its own that
    did; an unknown name counts as it is written, and `REST` among them stands for any. `lost` has such names of the
    message itself, where not even an element is left.
    """

    message: Any
    positions: Positions
    unsound: dict[tuple[str, int], set[str]]
    lost: set[str]


def read_prototxt(source: Source, message_type: type[Message], report: Report) -> Parsed:
    """The message that a text describes, filled as far as it is sound; what Caffe's parser refuses is reported.

    Takes time linear in the length of the text, of which there is a limit.
    """
    if len(source.text) > MAX_TEXT:
        text = f"the text has {len(source.text):,} characters; at most {MAX_TEXT:,} are read"
        hint = "a net with its weights is read from a binary file"
        report.add("expansion-limit", Span(source, 1, 1, 1, 2), text, hint=hint)
        source = Source(source.name, "")
    return _Reader(source, message_type, report).read(message_type())


class _Reader:
    """Fills one message from one text."""

    __slots__ = (
        "_astray",
        "_broken",
        "_flaws",
        "_has_layers",
        "_layers_told",
        "_positions",
        "_problems",
        "_report",
        "_root",
        "_scanner",
        "_top",
    )

    def __init__(self, source: Source, message_type: type[Message], report: Report) -> None:
        blocks = partial(block_names, message_type.DESCRIPTOR)
        self._report = report
        self._root: Any = message_type.DESCRIPTOR
        self._positions = Positions(source, blocks)
        self._scanner = scan.Scanner(source.text, blocks)
        self._flaws: list[int] = []  # offsets in the entry at hand
        self._problems: list[Problem] = []  # of which no entry is known yet
        self._astray = False  # the fields at the top are those of a block that is torn
        self._broken = False  # the entry at hand may have fields that are meant to stand around a block
        self._has_layers = "layers" in source.text
        self._layers_told = False
        self._top: Any = None  # the type of the element at hand

    def read(self, message: Message) -> Parsed:
        """Fill the message from the whole text."""
        fields = fields_of(message.DESCRIPTOR)
        unsound: dict[tuple[str, int], set[str]] = {}
        lost: set[str] = set()
        seen: dict[str, Entry] = {}
        indexes, last = range(0), ""
        for entry in self._scanner.entries():
            names = self._take_problems(entry) if self._scanner.problems or self._problems else set()
            astray = self._astray
            indexes, before = self._fill_top(message, fields, entry, seen), indexes
            if self._flaws:
                names.update(_holders(entry, self._flaws))
                self._flaws.clear()
            if names and indexes:
                unsound.update(((self._meant(entry.name), index), names) for index in indexes)
            elif names:
                lost.add(entry.name)
            if self._astray and not astray:
                unsound.update(((last, index), {REST}) for index in before[-1:])
                lost.update(name for name, field in fields.items() if field.repeated and field.message)
            last = self._meant(entry.name)
        self._take_problems(None)
        for problem in self._problems:
            lost.update(problem.lost)
        self._report_missing(message, unsound)
        return Parsed(message, self._positions, unsound, lost)

    def _meant(self, name: str) -> str:
        return self._positions.renamed.get(name, name)

    def _take_problems(self, entry: Entry | None) -> set[str]:
        """Report what the scanner has found; returns what the entry at hand lost to it."""
        for problem in self._scanner.problems:
            if self._astray and not problem.lost and self._positions.source.text.startswith("}", problem.start):
                continue  # it closes the block that the fields before are torn from
            span = self._positions.span(problem.start, problem.end)
            code = "too-deep" if problem.too_deep else "syntax"
            self._report.add(code, span, problem.message, hint=problem.hint)
        self._problems += self._scanner.problems
        self._scanner.problems.clear()
        if entry is None:
            return set()
        own = [problem for problem in self._problems if entry.start <= problem.start <= entry.end]
        self._problems = [problem for problem in self._problems if problem not in own]
        names = {name for problem in own for name in problem.lost}
        self._broken = REST in names
        offsets = [problem.start for problem in own if problem.lost]
        return names | _holders(entry, offsets) if offsets else names

    def _fill_top(self, message: Message, fields: dict[str, Field], entry: Entry, seen: dict[str, Entry]) -> range:
        """Fill in an entry at the top; returns the indexes of the elements that it made."""
        field = fields.get(entry.name)
        self._top = None
        if field is None:
            meant = None if self._is_astray(message, fields, entry) else self._meant_field(message, entry, seen)
            if meant is None:
                return range(0)
            field, entry, seen = fields[meant], _renamed(entry, meant), {}
        elif self._has_layers and "layer" in fields and "layers" in fields and self._is_other_layer(fields, entry):
            name = "layer" if entry.name == "layers" else "layers"
            field, entry = fields[name], entry._replace(name=name)
        elif entry.name in seen and self._is_before_astray(fields, entry):
            self._flaws.append(entry.start)
            return range(0)
        self._astray = False
        name = entry.name
        self._top = field.message
        before = len(getattr(message, name)) if field.repeated else 0
        self._fill(message, fields, (entry,), seen)
        after = len(getattr(message, name)) if field.repeated else 1
        elements = entry.value if entry.kind == scan.LIST else (entry,)
        for element in elements[: after - before]:
            self._positions.mark(name, element)
        return range(before, after)

    def _is_astray(self, message: Message, fields: dict[str, Field], entry: Entry) -> bool:
        """Tell whether a field at the top is that of a torn block there; the first of several is reported."""
        torn = _blocks_of(fields, entry.name)
        if not torn:
            return False
        self._flaws.append(entry.start)
        if not self._astray:
            from netcompile.text_format.refusals import listed  # noqa: PLC0415 - only for the refused

            text = f"{message.DESCRIPTOR.name} has no field '{entry.name}'"
            hint = f"it is a field of {listed(torn)}: a '{{' is missing before it, or a '}}' too many"
            self._report.add("unknown-field", self._positions.key(entry), text, hint=hint)
        self._astray = True
        return True

    def _is_before_astray(self, fields: dict[str, Field], entry: Entry) -> bool:
        """Tell whether a field that is given at the top already is that of a torn block, as the next one is."""
        following = _FOLLOWING.match(self._positions.source.text, entry.end)
        return following is not None and following[1] not in fields and bool(_blocks_of(fields, following[1]))

    def _is_other_layer(self, fields: dict[str, Field], entry: Entry) -> bool:
        """Tell whether one of the `layers` is a `layer` by its type, or the reverse; the first is reported."""
        entries = entry.value if entry.kind == scan.MESSAGE and entry.name in ("layer", "layers") else ()
        inside = {one.name: one for one in entries if one.name in ("type", "layer")}
        kind = inside.get("type")
        if kind is None or "layer" in inside or kind.kind != (scan.WORD if entry.name == "layer" else scan.STRING):
            return False
        from netcompile.text_format.refusals import explain_format  # noqa: PLC0415 - only for the refused

        old: Any = fields["layers"].message
        enum = old.fields_by_name["type"].enum_type
        refused = explain_format(entry.name, kind.value, enum, self._positions.source.text)
        if refused is None:
            return False
        if not self._layers_told:
            self._report.add(refused.code, self._positions.key(entry), refused.message, hint=refused.hint)
        self._layers_told = True
        return True

    def _fill(
        self, message: Message, fields: dict[str, Field], entries: Iterable[Entry], seen: dict[str, Entry]
    ) -> None:
        """Fill in the entries of one message; `seen` collects its single fields."""
        for entry in entries:
            name, kind, value, _, _, _ = entry
            field = fields.get(name)
            if field is None or kind == scan.LIST:
                self._fill_other(message, fields, entry, seen)
                continue
            repeated, readers, inner = field[:3]
            if not repeated and seen.setdefault(name, entry) is not entry:
                self._report_twice(entry, seen[name])
                continue
            if kind == scan.MESSAGE and inner:
                child = getattr(message, name)
                child = child.add() if repeated else child
                if not value:
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

    def _fill_other(self, message: Message, fields: dict[str, Field], entry: Entry, seen: dict[str, Entry]) -> None:
        """Fill in a list, or report an unknown field, and fill in the one that was meant."""
        field = fields.get(entry.name)
        if field is None:
            meant = self._meant_field(message, entry, seen)
            if meant is not None:
                self._fill(message, fields, (_renamed(entry, meant),), {})
        elif not field.repeated:
            self._add("wrong-kind", self._positions.value(entry), f"'{entry.name}' takes one value, not a list", entry)
        elif not field.message and not scan.has_colon(self._positions.source.text, entry):
            self._add("syntax", self._positions.key(entry), f"no ':' between '{entry.name}' and its list", entry)
        elif field.message and any(item.kind != scan.MESSAGE for item in entry.value):
            self._refuse(message, field, entry)
        else:
            self._fill(message, fields, entry.value, {})

    def _add(
        self, code: str, span: Span, message: str, entry: Entry, notes: Sequence[Note] = (), hint: str | None = None
    ) -> None:
        self._flaws.append(entry.start)
        self._report.add(code, span, message, notes=notes, hint=hint)

    def _meant_field(self, message: Message, entry: Entry, seen: dict[str, Entry]) -> str | None:
        """Report an unknown field; returns the name of the one that it can only be a slip for, if any."""
        if self._report.full("unknown-field") or seen.setdefault(entry.name, entry) is not entry:
            self._flaws.append(entry.start)
            return None
        from netcompile.text_format.refusals import explain_field  # noqa: PLC0415 - only for the refused

        top = self._top
        around = fields_of(top) if top is not None and message.DESCRIPTOR is not top else ()
        if self._broken and top is not None and (entry.name in around or entry.name in fields_of(self._root)):
            return None  # it stands behind a block that is not closed
        text, hint, meant = explain_field(entry.name, message.DESCRIPTOR, top)
        span = self._positions.key(entry)
        if meant is None or meant in seen:
            self._add("unknown-field", span, text, entry, hint=hint)
            return None
        self._report.add("unknown-field", span, text, hint=hint)
        self._positions.renamed[entry.name] = meant
        return meant

    def _report_twice(self, entry: Entry, first: Entry) -> None:
        note = Note("first given here", self._positions.key(first))
        text = f"'{entry.name}' is given twice, and takes one value"
        self._add("duplicate-field", self._positions.key(entry), text, entry, (note,))

    def _report_missing(self, message: Any, unsound: dict[tuple[str, int], set[str]]) -> None:
        """Report the required fields that are not given, and are not lost."""
        if message.IsInitialized():
            return
        for missing in message.FindInitializationErrors():
            within, _, name = re.sub(r"\[(\d+)\]", r":\1", missing).rpartition(".")
            top, _, inside = within.partition(".")
            element, _, number = top.partition(":")
            index = int(number or 0)
            if (element, index) in unsound:
                continue
            unsound[element, index] = {inside.partition(".")[0].partition(":")[0]}
            span = self._positions.find(element, index, inside, key=True)
            owner = within.rpartition(".")[2].partition(":")[0] or message.DESCRIPTOR.name
            self._report.add("missing-field", span, f"{owner} needs the field '{name}'")

    def _refuse(self, message: Message, field: Field, entry: Entry) -> None:
        """Say why a field does not take a value, and fill in what can only have been meant, if anything."""
        if self._report.full("unknown-enum-value"):
            self._flaws.append(entry.start)
            return
        from netcompile.text_format.refusals import explain_value  # noqa: PLC0415 - only for the refused

        refused = explain_value(entry, field)
        self._report.add(refused.code, self._positions.value(entry), refused.message, hint=refused.hint)
        if refused.meant is None:
            self._flaws.append(entry.start)
        else:
            message.MergeFrom(type(message)(**{entry.name: [refused.meant] if field.repeated else refused.meant}))


def _blocks_of(fields: dict[str, Field], name: str) -> list[str]:
    """The fields whose blocks have a field of that name; none where one of them is given but once."""
    holders = [one for one, field in fields.items() if field.message and name in fields_of(field.message)]
    return holders if all(fields[one].repeated for one in holders) else []


def _renamed(entry: Entry, name: str) -> Entry:
    """An entry under another name, with the values of a list."""
    if entry.kind == scan.LIST:
        entry = entry._replace(value=[item._replace(name=name) for item in entry.value])
    return entry._replace(name=name)


def _holders(entry: Entry, offsets: Iterable[int]) -> set[str]:
    """The names of the fields of an entry in which some offsets lie, or its own where it is no message."""
    if entry.kind == scan.LIST:
        return {name for item in entry.value for name in _holders(item, offsets)}
    if entry.kind != scan.MESSAGE:
        return {entry.name}
    starts = [one.start for one in entry.value]
    indexes = {bisect_right(starts, at) - 1 for at in offsets}
    return {entry.value[i].name for i in indexes if i >= 0}
