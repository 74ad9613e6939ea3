"""Text to a tree of nodes with spans: YAML syntax, read with YAML 1.2 meaning.

After this stage every key of a mapping is unique, merges (`<<`) are done, aliases are shared nodes within a bound, and
every scalar has its value. Nothing in a text is ever executed. This module knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from netcompile.diagnostics import Note
from netcompile.files import read_file
from netcompile.tree import List, Mapping, Node, Place, Position, Scalar, Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.diagnostics import Report

MAX_DEPTH: Final = 100
MAX_ALIASED: Final = 1_000_000
MAX_TEXT: Final = 32 * 2**20  # characters: several times what a net of 100,000 layers needs

_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((f"{sign}.{word}" for sign in ("", "+") for word in ("inf", "Inf", "INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_DECIMAL: Final = frozenset("0123456789+-.eE")  # of these, `int` and `float` read what YAML 1.2 does
_BASES: Final = {"0o": (8, frozenset("01234567")), "0x": (16, frozenset("0123456789abcdefABCDEF"))}
_LONGEST_NUMBER: Final = 400
_OLD_BREAKS: Final = "\x85\u2028\u2029"  # line breaks to YAML 1.1, whose parser this is, but not to 1.2 and to editors
_BYTES: Final = 0xDC00  # where Python puts the bytes that are no UTF-8
_NON_SPECIFIC: Final = re.compile(r"(?:&\S+\s+)?!(?=\s|\Z)")  # `! 1`, where a node begins
_CORE: Final = "tag:yaml.org,2002:"


class _Failed(Exception):  # noqa: N818 - control flow of this module alone
    """The text can't be read any further; the finding is already reported."""


def read_source(path: str) -> Source:
    """The text of a file under its path. Raises OSError."""
    return decode(path, read_file(path))


def decode(name: str, data: bytes) -> Source:
    """UTF-8 bytes as a source, without a byte order mark. Other bytes are kept as what `load` refuses."""
    return Source(name, data.decode("utf-8-sig", "surrogateescape"))


def load(source: Source, report: Report) -> Mapping | None:
    """The document in `source` as a mapping, or None where it has none that can be read."""
    if len(source.text) > MAX_TEXT:
        text = f"the text has {len(source.text):,} characters; at most {MAX_TEXT:,} are read"
        report.add("expansion-limit", _at(source, Place(0, 0)), text)
        return None
    try:
        root = _Loader(source, report).run()
    except _Failed:
        return None
    if root is None or (type(root) is Scalar and root.value is None):
        report.add("empty-spec", _at(source, Place(0, 0)), "the document is empty; a spec is a mapping with `layers`")
        return None
    if type(root) is not Mapping:
        report.add("not-a-spec", root.span, "a spec is a mapping of keys such as `name` and `layers`")
        return None
    return root


class _Words(dict[str, "str | int | float | bool | None"]):
    """The value of each plain scalar by YAML 1.2's core schema, worked out once per text."""

    def __missing__(self, text: str) -> str | int | float | bool | None:
        value = self[text] = resolve(text)
        return value


def resolve(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means in YAML 1.2: `1e-3` is a number, `yes` and `1_1` are strings."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    if text[:2] in _BASES:
        base, digits = _BASES[text[:2]]
        return int(text[2:], base) if text[2:] and digits.issuperset(text[2:]) else text
    if not _DECIMAL.issuperset(text):
        return text
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text


class _Loader:
    """Builds the nodes of one document from the parser's events, with a stack of its own: depth is no recursion."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.words = _Words()
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.open_anchors: list[str] = []
        self.aliased = 0

    def run(self) -> Node | None:
        try:
            return self._document(_parser(self.source.text))
        except yaml.YAMLError as error:
            self._report_syntax(error)
        except UnicodeEncodeError as error:
            self._report_surrogate(error.start)
        raise _Failed

    def _document(self, parser: Any) -> Node | None:  # noqa: C901, PLR0912, PLR0915 - one flat loop over the events
        """The root node of the only document. It runs for every event of a large file, so scalars come first."""
        source, words, get_event, make = self.source, self.words, parser.get_event, tuple.__new__
        if "!" in source.text:
            get_event = partial(_as_text, get_event, source.text)
        root: Node | None = None
        node: Node
        stack: list[_Frame] = []
        frame: _Frame | None = None
        items: list[Node] | None = None
        documents = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                if event.implicit[0]:
                    value = words[event.value]
                else:
                    value = event.value if event.tag is None else self._tagged(event)
                node = make(Scalar, (value, event.start_mark, event.end_mark, source))
                if event.anchor is not None:
                    self.anchors[event.anchor] = (node, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._check_start(event, kind is MappingStartEvent, len(stack))
                if frame is not None:
                    stack.append(frame)
                frame = _Frame(event, kind is MappingStartEvent, self.aliased)
                items = frame.items
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                assert frame is not None
                closed, frame = frame, stack.pop() if stack else None
                node = self._close(closed, event.end_mark)
                items = None if frame is None else frame.items
                if frame is not None:
                    frame.size += closed.size
            elif kind is AliasEvent:
                node = self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._fail("syntax", event.start_mark, event.end_mark, "a second document; a spec is one document")
                continue
            elif kind is StreamEndEvent:
                return root
            else:
                continue
            if items is not None:
                items.append(node)
            elif frame is None:
                root = node
            elif frame.key is None:
                frame.key = node
                frame.size += 1
            else:
                key = frame.key
                name = key.value if type(key) is Scalar else None
                if type(name) is str and name != "<<" and name not in frame.entries:
                    frame.entries[name] = node
                    frame.keys[name] = key  # type: ignore[assignment] # a Scalar, as its value is text
                else:
                    self._set(frame, node)
                frame.key = None

    def _check_start(self, event: Any, mapping: bool, depth: int) -> None:  # noqa: FBT001 - one of two kinds
        if depth >= MAX_DEPTH:
            self._fail("too-deep", event.start_mark, event.end_mark, f"nested more than {MAX_DEPTH} levels deep")
        if event.tag is not None and event.tag not in ("!", _CORE + ("map" if mapping else "seq")):
            self._bad_tag(event)
        if event.anchor is not None:
            self.open_anchors.append(event.anchor)

    def _set(self, frame: _Frame, node: Node) -> None:
        key = frame.key
        entries, keys = frame.entries, frame.keys
        if type(key) is not Scalar:
            assert key is not None
            self.report.add("wrong-kind", key.span, "a key must be a single value")
            return
        name = key.value
        merges = name == "<<" and self.source.line(key.start.line + 1)[key.start.column] not in "\"'"
        first = frame.merge_key if merges else keys.get(name)
        if first is not None and type(name) is not str and type(node) is Scalar and node.value is None:
            return  # `dim: 1, 8, 8` without brackets: no key was meant
        if first is not None:
            both = "write their values as a list" if type(node) is Scalar else "put what is in both under one"
            hint = _under_another(frame, key) or f"keep one of them, or {both}"
            hint = "merge several mappings with one key: `<<: [*a, *b]`" if merges else hint
            notes = [Note("the first is here", first.span)]
            self.report.add("duplicate-key", key.span, f"key '{name}' is given twice", notes=notes, hint=hint)
        elif merges:
            frame.merge_key, frame.merges = key, node
        else:
            entries[name] = node
            keys[name] = key

    def _close(self, frame: _Frame, end: Position) -> Node:
        event = frame.event
        node: Node
        if frame.items is not None:
            node = List(frame.items, event.start_mark, end, self.source)
            frame.size += len(frame.items)
        else:
            if frame.merges is not None:
                self._merge(frame, frame.merges)
            node = Mapping(frame.entries, frame.keys, event.start_mark, end, self.source)
        if event.anchor is not None:
            self.open_anchors.pop()
            self.anchors[event.anchor] = (node, frame.size + self.aliased - frame.aliased)
        return node

    def _merge(self, frame: _Frame, value: Node) -> None:
        sources = value.items if type(value) is List else [value]
        for merged in sources:
            if type(merged) is not Mapping:
                self.report.add("wrong-kind", merged.span, "`<<` takes a mapping, or a list of mappings")
                continue
            for name, node in merged.entries.items():
                if name not in frame.entries:
                    frame.entries[name] = node
                    frame.keys[name] = merged.keys[name]

    def _alias(self, event: Any) -> Node:
        name = event.anchor
        if name in self.open_anchors:
            self._fail(
                "recursive-alias", event.start_mark, event.end_mark, f"alias *{name} stands inside its own anchor"
            )
        if name not in self.anchors:
            self._fail("syntax", event.start_mark, event.end_mark, f"alias *{name} has no anchor before it")
        node, size = self.anchors[name]
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            message = f"the aliases expand to more than {MAX_ALIASED:,} values"
            self._fail("expansion-limit", event.start_mark, event.end_mark, message)
        return node

    def _tagged(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag in ("!", _CORE + "str"):
            return text
        if tag == _CORE + "merge" and text == "<<":
            return text
        value = resolve(text)
        if tag == _CORE + "float" and type(value) is int:
            value = float(value)
        wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(tag.removeprefix(_CORE))
        if not tag.startswith(_CORE) or wanted is None:
            self._bad_tag(event)
            return value
        if type(value) is not wanted:
            span = _span(self.source, event.start_mark, event.end_mark)
            self.report.add("wrong-kind", span, f"'{text}' is not a value of tag !!{tag.removeprefix(_CORE)}")
        return value

    def _bad_tag(self, event: Any) -> None:
        tag = event.tag
        shown = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
        span = _span(self.source, event.start_mark, event.end_mark)
        self.report.add(
            "bad-tag", span, f"tag {shown} means nothing here; a spec is plain data, nothing in it is executed"
        )

    def _fail(self, code: str, start: Position, end: Position, message: str) -> None:
        self.report.add(code, _span(self.source, start, end), message)
        raise _Failed

    def _report_syntax(self, error: yaml.YAMLError) -> None:
        from netcompile.language.syntax import syntax_hint  # noqa: PLC0415 - for the refused

        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        place = Place(mark.line, mark.column) if mark else self._place_of(getattr(error, "position", 0) or 0)
        context, context_mark = getattr(error, "context", None), getattr(error, "context_mark", None)
        notes = []
        if context:
            span = _at(self.source, Place(context_mark.line, context_mark.column)) if context_mark else None
            notes.append(Note(context, span))
        began = Place(context_mark.line, context_mark.column) if context_mark else None
        hint = syntax_hint(problem, self.source, place, began)
        self.report.add("syntax", _at(self.source, place), problem, notes=notes, hint=hint)

    def _report_surrogate(self, offset: int) -> None:
        """A lone surrogate; where bytes were read that are no UTF-8, it stands for one of them."""
        byte = ord(self.source.text[offset]) - _BYTES
        span = _at(self.source, self.source.place(offset))
        if byte in range(0x80, 0x100):
            self.report.add("syntax", span, f"byte 0x{byte:02x} is not UTF-8", hint="save the file as UTF-8")
        else:
            self.report.add("syntax", span, "an unpaired surrogate is not a character")

    def _place_of(self, offset: int) -> Place:
        # libyaml gives the offset of a forbidden character in UTF-8 bytes.
        before = self.source.text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")
        return self.source.place(len(before))


def _parser(text: str) -> Any:
    """A parser for `text`: something with a `get_event`."""
    old = [] if text.isascii() else [character for character in _OLD_BREAKS if character in text]
    return _WithoutOldBreaks(text, old) if old else CParser(text)


class _WithoutOldBreaks:
    """Parses a text in which some characters are to be no line breaks: others stand in for them."""

    def __init__(self, text: str, old: list[str]) -> None:
        unused = (character for character in map(chr, range(0xE000, 0xF900)) if character not in text)
        old_ones, stand_ins = "".join(old), "".join(islice(unused, len(old)))
        self._parser = CParser(text.translate(str.maketrans(old_ones, stand_ins)))
        self._back = str.maketrans(stand_ins, old_ones)

    def get_event(self) -> Any:
        event = self._parser.get_event()
        for name in ("value", "anchor", "tag"):
            value = getattr(event, name, None)
            if value is not None:
                setattr(event, name, value.translate(self._back))
        return event


class _Frame:
    """A mapping or list that is still open."""

    __slots__ = ("aliased", "entries", "event", "items", "key", "keys", "merge_key", "merges", "size")

    def __init__(self, event: Any, mapping: bool, aliased: int) -> None:  # noqa: FBT001 - one of two kinds
        self.event = event
        self.items: list[Node] | None = None if mapping else []
        self.entries: dict[Any, Node] = {}
        self.keys: dict[Any, Scalar] = {}
        self.key: Node | None = None
        self.merge_key: Scalar | None = None
        self.merges: Node | None = None
        self.size = 1
        self.aliased = aliased


def _under_another(frame: _Frame, key: Scalar) -> str | None:
    """The hint on a key that stands right below one without a value, in the same column."""
    above = next(reversed(frame.keys.values()), None)
    if above is None or (above.start.line + 1, above.start.column) != (key.start.line, key.start.column):
        return None
    value = frame.entries[above.value]
    empty = type(value) is Scalar and value.value is None
    return f"indent it, if it belongs to `{above.value}:`, by two spaces" if empty else None


def _as_text(get_event: Callable[[], Any], text: str) -> Any:
    """The parser's next event; a scalar with the tag `!`, of which the parser says no more, as one of text."""
    event = get_event()
    start: Any = event.start_mark
    if type(event) is ScalarEvent and event.implicit[0] and _NON_SPECIFIC.match(text, start.index):
        event.implicit = (False, True)
    return event


def _span(source: Source, start: Position, end: Position) -> Span:
    return Span(source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _at(source: Source, place: Place) -> Span:
    return Span(source, place.line + 1, place.column + 1, place.line + 1, place.column + 2)
