"""Protobuf text format -> entries with their places. Knows the grammar alone.

The grammar is that of protobuf's C++ parser, which reads Caffe's files; its Python parser differs in places. An entry
is one field as written. Where the text is malformed, a `Problem` is recorded and the reading goes on: as `mend` finds
that it was meant where that is clear, else with the next field that looks like the broken one.
Must not know message types, findings or messages.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from netcompile.records import NamedTuple
from netcompile.text_format.lost import REST

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

# The kinds of an entry. Those of single values are also the numbers of their groups in the patterns below.
INTEGER: Final = 2  # a plain decimal number from 0 on
STRING: Final = 3  # one literal without escapes, with its quotes
WORD: Final = 4
NUMBER: Final = 5  # any other number: signed, hexadecimal, octal, with a fraction or an exponent; also -inf and -nan
STRINGS: Final = 6  # a literal with escapes, or several that are joined
MALFORMED: Final = 7  # neither a number nor a word, such as a path without quotes
MESSAGE: Final = 8
LIST: Final = 9

MAX_DEPTH: Final = 100  # as in protobuf's own readers
_MAX_PROBLEMS: Final = 20
_MAX_PARTED: Final = 20  # fields of a block that are looked for behind it
_MAX_ESCAPES: Final = 99_999
_OPEN: Final = 8  # groups of _FIELD
_CLOSE: Final = 9

# The grammar in pieces.
SPACE: Final = r"\s*(?:\#[^\n\0]*(?:\n\s*|\Z))*"
_TAIL = rf"{SPACE}(?:[,;]{SPACE})?"
NAME: Final = r"[A-Za-z_]\w*"
OTHER: Final = r"[^\s{}\[\]<>,;\#:\"']"
# Bounded, as the matcher remembers each turn: a string has fewer escapes, and fewer parts, than anybody writes.
_LITERAL = r"""(?:"[^"\\\n\0]*(?:\\[^\n\0][^"\\\n\0]*){,MOST}"|'[^'\\\n\0]*(?:\\[^\n\0][^'\\\n\0]*){,MOST}')"""
_LITERAL = _LITERAL.replace("MOST", str(_MAX_ESCAPES))
_DECIMAL = r"(?:\.\d+|(?:0|[1-9]\d*)(?:\.\d*)?)(?:[eE][+-]?\d+)?[fF]?"
VALUE: Final = rf"""(?:
    ((?:0|[1-9]\d*)(?!{OTHER}))
  | ((?:"[^"\\\n\0]*"|'[^'\\\n\0]*')(?!{SPACE}["']))
  | ({NAME}(?!{OTHER}))
  | ((?:-{SPACE})?(?:0[xX][\da-fA-F]+|0[0-7]+|{_DECIMAL})(?!{OTHER}) | -{SPACE}{NAME}(?!{OTHER}))
  | ({_LITERAL}(?:{SPACE}{_LITERAL}){{,9999}})
  | ({OTHER}+)
)"""


def pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern made of the grammar's pieces."""
    return re.compile(text, re.ASCII | re.VERBOSE)


# Each begins at a token and ends before the next one.
_FIELD = pattern(rf"({NAME}){SPACE}(?: :{SPACE}{VALUE}{_TAIL} | (?::{SPACE})?([{{<\[]){SPACE}) | ([}}>]){_TAIL}")
_ITEM = pattern(rf"(){VALUE}")
_AFTER_ITEM = pattern(rf"{SPACE}([,\]]){SPACE}")
_FIELD_START = pattern(rf"({NAME}){SPACE}(:?){SPACE}")
LITERAL_AT: Final = pattern(_LITERAL)
_REST_OF_LINE = pattern(r"[^\r\n]*")
_SKIP = pattern(SPACE)
_SKIP_TAIL = pattern(_TAIL)
_COMMENT = pattern(rf"{_LITERAL} | \#([^\n]*)")


class Entry(NamedTuple):
    """One field as written. `value` is the text of a single value, or the entries inside a message or list.

    `start` and `at` are the offsets of its name and of its value; `end` is the offset behind the value.
    """

    name: str
    kind: int
    value: Any
    start: int
    at: int
    end: int


class Problem(NamedTuple):
    """A malformed place, from one offset to another. `lost` names the fields whose values could not be read for it."""

    start: int
    end: int
    message: str
    hint: str | None = None
    lost: tuple[str, ...] = ()
    too_deep: bool = False


class _UnreadableError(Exception):
    """Where the reading of an entry at the top had to end."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class Scanner:
    """Reads one text, entry by entry. Takes time linear in its length, whatever is wrong with it.

    `blocks` gives the names of fields that take a block, for where a brace is missing.
    """

    __slots__ = ("_blocks", "_fence", "_limit", "_text", "problems")

    def __init__(self, text: str, blocks: Callable[[], Container[str]] = frozenset) -> None:
        self.problems: list[Problem] = []
        self._blocks = blocks
        self._text = text
        self._limit = len(text)
        self._fence: re.Pattern[str] | None = None

    def entries(self) -> Iterator[Entry]:
        """The entries at the top, in order, each with all inside it; of a broken one, what could be read."""
        text = self._text
        pos = self._skip(_SKIP, 0)
        read: list[Entry] = []
        while pos < len(text) and len(self.problems) < _MAX_PROBLEMS:
            pos = self._read_top(read, pos)
            while len(read) > 1 and not self._is_parted(
                read, read[-1].start
            ):  # what follows may tell that an entry is meant otherwise
                yield read.pop(0)
        yield from read

    def entry_at(self, offset: int, *, in_list: bool) -> Entry:
        """The entry whose name, or in a list whose value, is at `offset`, as `entries` has found it there."""
        read: list[Entry] = []
        if not in_list:
            pos = self._read_top(read, offset)
            while pos < len(self._text) and self._is_parted(read, pos):
                pos = self._read_top(read, pos)
        else:
            self._limit = len(self._text)
            with suppress(_UnreadableError):
                self._read_item(read, "", offset, 0)
        self.problems.clear()  # recorded when the text was first read
        return read[0]

    def _read_top(self, read: list[Entry], pos: int) -> int:
        """Read one field at the top, or what can be read of it; returns the offset of the next."""
        if self._fence:
            fence = self._fence.search(self._text, pos + 1)
            self._limit = fence.start(1) if fence else len(self._text)
        before = len(read)
        try:
            return self._read_field(read, pos)
        except _UnreadableError as stop:
            return self._resume(read, before, pos, stop.problem)

    def _skip(self, pattern: re.Pattern[str], pos: int) -> int:
        found = pattern.match(self._text, pos, self._limit)
        return found.end() if found else pos

    def _read_field(self, into: list[Entry], pos: int) -> int:
        """Read one field at the top; returns the offset of the next."""
        found = _FIELD.match(self._text, pos, self._limit)
        if found is None:
            return self._repair(into, pos, 0)
        kind = found.lastindex
        if kind == _CLOSE:
            self._close_nothing(into, pos)
        elif kind == _OPEN:
            name, bracket = found.group(1, _OPEN)
            return self._read_block(into, (name, bracket, pos, found.start(_OPEN)), found.end(), 0)
        else:
            into.append(_single(found))
        return found.end()

    def _read_fields(self, into: list[Entry], pos: int, depth: int) -> re.Match[str]:
        """Read the fields of a message; returns the match of its closing brace."""
        text, limit, match, add = self._text, self._limit, _FIELD.match, into.append
        while True:
            found = match(text, pos, limit)
            if found is None:
                pos = self._repair(into, pos, depth)
                continue
            kind = found.lastindex
            if kind < _OPEN:  # type: ignore[operator] # a match has groups
                name, value = found.group(1, kind)  # type: ignore[arg-type]
                add(Entry(name, kind, value, pos, *found.span(kind)))  # type: ignore[arg-type]
                pos = found.end()
            elif kind == _OPEN:
                name, bracket = found.group(1, _OPEN)
                pos = self._read_block(into, (name, bracket, pos, found.start(_OPEN)), found.end(), depth)
            else:
                return found

    def _read_block(self, into: list[Entry], opening: tuple[str, str, int, int], pos: int, depth: int) -> int:
        """Read a message or list from `pos` on; returns the offset behind it.

        `opening` has its name, its bracket ("" where that is missing), and the offsets of both.
        """
        name, bracket, start, at = opening
        if depth >= MAX_DEPTH:
            text = f"more than {MAX_DEPTH} blocks inside each other"
            raise _UnreadableError(Problem(start, at + 1, text, lost=(REST,), too_deep=True))
        inside: list[Entry] = []
        kind = LIST if bracket == "[" else MESSAGE
        end = at + 1
        try:
            if kind == LIST:
                end = self._read_items(inside, name, pos, depth)
                pos = self._skip(_SKIP_TAIL, end)
            else:
                closing = self._read_fields(inside, pos, depth + 1)
                self._check_brace(bracket, closing)
                end, pos = closing.end(_CLOSE), closing.end()
        except _UnreadableError as stop:
            if stop.problem.start >= self._limit:
                stop.problem = _unclosed(name, start)
            raise
        finally:
            into.append(Entry(name, kind, inside, start, at, end))
        return pos

    def _check_brace(self, opened: str, closing: re.Match[str]) -> None:
        wanted = "}" if opened == "{" else ">"
        if opened and closing[_CLOSE] != wanted:
            span = closing.span(_CLOSE)
            self.problems.append(Problem(*span, f"'{opened}' is closed by '{closing[_CLOSE]}', not by '{wanted}'"))

    def _read_items(self, into: list[Entry], name: str, pos: int, depth: int) -> int:
        """Read the values of a list; returns the offset behind its bracket."""
        if self._text.startswith("]", pos):
            return pos + 1
        while True:
            pos = self._read_item(into, name, pos, depth)
            found = _AFTER_ITEM.match(self._text, pos, self._limit)
            if found is None:
                raise self._unexpected(self._skip(_SKIP, pos), f"',' or ']' in the list of '{name}'")
            if found[1] == "]":
                return found.end(1)
            pos = found.end()

    def _read_item(self, into: list[Entry], name: str, pos: int, depth: int) -> int:
        """Read one value of a list; returns the offset behind it."""
        found = _ITEM.match(self._text, pos, self._limit)
        if found:
            kind = found.lastindex or MALFORMED
            into.append(Entry(name, kind, found[kind], pos, pos, found.end()))
            return found.end()
        bracket = self._text[pos : pos + 1]
        if bracket not in ("{", "<"):
            raise self._unexpected(pos, f"a value in the list of '{name}'")
        inside: list[Entry] = []
        closing = self._read_fields(inside, self._skip(_SKIP, pos + 1), depth + 1)
        self._check_brace(bracket, closing)
        into.append(Entry(name, MESSAGE, inside, pos, pos, closing.end(_CLOSE)))
        return closing.end(_CLOSE)

    def _repair(self, into: list[Entry], pos: int, depth: int) -> int:
        """Go on where no field can be read; returns the offset of the next. Raises where it is not clear how."""
        from netcompile.text_format.mend import Place, mend  # noqa: PLC0415 - for the malformed

        mended = None
        if len(self.problems) < _MAX_PROBLEMS:
            before = into[-1] if into else None
            mended = mend(Place(self._text, pos, self._limit, before, self._blocks))
        if mended is None:
            start = _FIELD_START.match(self._text, pos, self._limit)
            if start is None:
                raise self._unexpected(pos, "a field's name")
            wanted = "a value for" if start[2] else "':' or '{' after"
            raise self._unexpected(start.end(), f"{wanted} '{start[1]}'")
        self.problems.append(mended.problem)
        if mended.replaces:
            into.pop()
        entry = mended.entry
        if entry is not None and entry.kind == MESSAGE:
            return self._read_block(into, (entry.name, "", entry.start, entry.at), mended.resume, depth)
        if entry is not None:
            into.append(entry)
        return self._skip(_SKIP_TAIL if entry is not None else _SKIP, mended.resume)

    def _is_parted(self, read: list[Entry], pos: int) -> bool:
        """Whether what is at `pos` may belong into the first of some entries, closed before by a brace too many."""
        text, first = self._text, read[0]
        if first.kind != MESSAGE or len(read) > _MAX_PARTED or (text[pos - 1] in "\n\r" and text[pos] != "}"):
            return False
        from netcompile.text_format.braces import is_closed_right  # noqa: PLC0415 - for what looks malformed

        return is_closed_right(text, first)

    def _close_nothing(self, read: list[Entry], pos: int) -> None:
        """Record a brace too many: that one, or the one in the entry before that stands where none is meant."""
        from netcompile.text_format.braces import join_surplus  # noqa: PLC0415 - for the malformed

        surplus = join_surplus(self._text, read) if read else None
        at = pos if surplus is None else surplus
        self.problems.append(Problem(at, at + 1, f"'{self._text[at]}' closes nothing"))

    def _unexpected(self, pos: int, wanted: str) -> _UnreadableError:
        if pos >= self._limit:
            text = f"the text ends where there should be {wanted}"
            return _UnreadableError(Problem(pos, pos, text, lost=(REST,)))
        if self._text[pos] in "\"'" and not LITERAL_AT.match(self._text, pos):
            line = _REST_OF_LINE.match(self._text, pos)
            end = line.end() if line else pos + 1
            text = "a string is not closed on its line"
            if self._text.count("\\", pos, end) > _MAX_ESCAPES:
                text = f"a string with more than {_MAX_ESCAPES:,} escapes"
            return _UnreadableError(Problem(pos, end, text, lost=(REST,)))
        text = f"{self._text[pos]!r} where there should be {wanted}"
        return _UnreadableError(Problem(pos, pos + 1, text, lost=(REST,)))

    def _resume(self, read: list[Entry], index: int, start: int, problem: Problem) -> int:
        """Record why the entry at `start` can't be read; returns the offset of the next one that looks like it.

        What was read of it is at `index` of `read`, if anything.
        """
        text = self._text
        broken = read[index] if index < len(read) else None
        name = broken.name if broken else ""
        indent = text[text.rfind("\n", 0, start) + 1 : start]
        margin = "" if indent.strip() else indent
        fence = re.compile(rf"^{margin}(?={name or NAME}\s*:?\s*[{{<:])()", re.MULTILINE | re.ASCII)
        following = fence.search(text, start + 1)
        resumed = following.start(1) if following else len(text)
        if broken:
            from netcompile.text_format.braces import unclosed  # noqa: PLC0415 - for the malformed

            # From here on no entry is read past the next one of its kind, or the whole rest might be read for each.
            self._fence = fence
            if resumed <= problem.start:
                problem = _unclosed(name, start)
            read[index], culprit = unclosed(text, broken, resumed)
            if culprit is not None and problem.lost == _UNCLOSED:
                problem = _unclosed(culprit.name, culprit.start)._replace(lost=())
        self.problems.append(problem)
        return resumed


_UNCLOSED: Final = (REST, "}")


def _unclosed(name: str, start: int) -> Problem:
    return Problem(start, start + len(name), f"the block '{name}' is never closed", lost=_UNCLOSED)


def _single(found: re.Match[str]) -> Entry:
    kind = found.lastindex or MALFORMED
    return Entry(found[1], kind, found[kind], found.start(), *found.span(kind))


def has_colon(text: str, entry: Entry) -> bool:
    """True where an entry has a colon between its name and its value."""
    start = _FIELD_START.match(text, entry.start)
    return bool(start and start[2])


def find_comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a text that can be read: offset and text behind the `#`, in order."""
    for found in _COMMENT.finditer(text):
        if found[1] is not None:
            yield found.start(), found[1]
