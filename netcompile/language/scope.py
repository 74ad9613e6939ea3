"""Names and what they stand for, and the replacement of `$name` and `${expression}` in nodes.

A scope keeps nodes, so that a value that a name brings in still knows where it is written. Knows nothing of layers.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from typing import TYPE_CHECKING, Any

from netcompile.diagnostics import Note
from netcompile.language.bounds import Bounds
from netcompile.language.wording import truth_in
from netcompile.tree import List, Mapping, Node, Place, Scalar, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netcompile.diagnostics import Report
    from netcompile.expressions import ExpressionError
    from netcompile.language.spec import Use

_SHORT = 64  # characters of a text that are not worth counting


class Scope(AbstractMapping[str, Any]):
    """The names in force at one place; what the scope itself lacks, its parent may have.

    As a mapping it gives plain values, as expressions need them; `node` gives the node. A name can be bound to a
    function that finds its node when it is first asked for, and returns None where there is none (the finding is then
    reported).
    """

    __slots__ = ("bounds", "names", "parent")

    def __init__(self, names: dict[str, Node | Callable[[], Node | None]], parent: Scope | None = None) -> None:
        self.names = names
        self.parent = parent
        self.bounds: Bounds = Bounds() if parent is None else parent.bounds

    def node(self, name: str) -> Node | None:
        """The node that `name` stands for; None where its value is missing. Raises KeyError for an unknown name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found() if callable(found) else found
            scope = scope.parent
        raise KeyError(name)

    def hint(self, name: str) -> str | None:
        """What else there is to say of a name that is unknown here."""
        del name
        return None

    def __getitem__(self, name: str) -> Any:
        node = self.node(name)
        if node is None:
            raise _MissingError
        return self.bounds.plain(node)

    def __contains__(self, name: object) -> bool:
        return name in self.names or (self.parent is not None and name in self.parent)

    def __iter__(self) -> Iterator[str]:
        yield from self.names
        if self.parent is not None:
            yield from (name for name in self.parent if name not in self.names)

    def __len__(self) -> int:
        if self.parent is None:
            return len(self.names)
        return len(self.parent) + sum(name not in self.parent for name in self.names)


class OutsideTurns(Scope):
    """The scope of a repetition as a whole, which does not know what changes from turn to turn."""

    __slots__ = ("_turning",)

    def __init__(self, turns: Mapping, parent: Scope) -> None:
        super().__init__({}, parent)
        self._turning = turns.entries.keys()

    def hint(self, name: str) -> str | None:
        """Say where the name is known, if it is one of the turns."""
        if name not in self._turning:
            return None
        return f"'{name}' changes from turn to turn, and is known inside alone: give `when` to the layers there"


class _MissingError(Exception):
    """A name has no value, which is already reported."""


class Substitution:
    """Replaces references in nodes by what they stand for in one scope. `failed` tells that one could not be."""

    __slots__ = ("failed", "report", "scope", "use")

    def __init__(self, scope: Scope, report: Report, use: Use | None = None) -> None:
        self.scope = scope
        self.report = report
        self.use = use
        self.failed = False

    def __call__(self, node: Node) -> Node | None:
        """The node with all references replaced: itself where it has none, None where it is one that failed."""
        kind = type(node)
        if kind is Scalar:
            value = node.value  # type: ignore[union-attr]
            return self._scalar(node, value) if type(value) is str and "$" in value else node  # type: ignore[arg-type]
        if kind is List:
            return self._list(node)  # type: ignore[arg-type]
        return self.mapping(node)  # type: ignore[arg-type]

    def mapping(self, node: Mapping) -> Mapping:
        """A mapping with the references in its keys and values replaced; what failed is left out."""
        entries = node.entries
        changed: dict[Any, Node] | None = None
        for key, value in entries.items():
            if type(key) is str and "$" in key:
                return self._with_keys(node)
            new = self(value)
            if new is value:
                continue
            if changed is None:
                changed = dict(entries)
            if new is None:
                del changed[key]
            else:
                changed[key] = new
        return node if changed is None else Mapping(changed, node.keys, node.start, node.end, node.source)

    def _with_keys(self, node: Mapping) -> Mapping:
        entries: dict[Any, Node] = {}
        keys: dict[Any, Scalar] = {}
        for written, value in node.entries.items():
            place = node.keys[written]
            key, new = self._key(place, written), self(value)
            if new is None or key is None:
                continue
            if key in entries:
                message = f"key '{key}' is given twice"
                self._add("duplicate-key", place.span, message, Note("the first is here", keys[key].span))
                continue
            entries[key], keys[key] = new, place
        return Mapping(entries, keys, node.start, node.end, node.source)

    def _list(self, node: List) -> List:
        new = [self(item) for item in node.items]
        if all(a is b for a, b in zip(new, node.items, strict=True)):
            return node
        return List([item for item in new if item is not None], node.start, node.end, node.source)

    def _key(self, node: Scalar, key: Any) -> Any:
        if not (type(key) is str and "$" in key):
            return key
        new = self._scalar(node, key)
        if type(new) is Scalar and type(new.value) in (str, int, float) and new.value != "":
            return str(new.value)
        if new is not None:
            self._add("wrong-kind", node.span, f"'{key}' gives {_kind(new)} where a key is wanted")
        self.failed = True
        return None

    def _scalar(self, node: Scalar, text: str) -> Node | None:
        name = text[1:]
        if text[0] == "$" and name.isidentifier() and name.isascii() and name in self.scope:
            return self._bring(self.scope.node(name), node)
        from netcompile.expressions import ExpressionError, lone_reference, render  # noqa: PLC0415 - most specs need none

        lone = lone_reference(text)
        try:
            if lone is not None and lone in self.scope:
                return self._bring(self.scope.node(lone), node)
            return self._bring(_as_node(render(text, self.scope), node), node)
        except ExpressionError as error:
            self._report_error(error, node)
        except _MissingError:
            pass
        self.failed = True
        return None

    def _bring(self, found: Node | None, node: Scalar) -> Node | None:
        """The value of a reference, unless there is none or it is too large."""
        if type(found) is Scalar and (type(found.value) is not str or len(found.value) <= _SHORT):
            return found
        refusal = None if found is None else self.scope.bounds.refusal(found)
        if refusal:
            self._add("expansion-limit" if "expand" in refusal else "too-deep", node.span, refusal)
        self.failed = self.failed or found is None or refusal is not None
        return found if refusal is None else None

    def condition(self, node: Node) -> bool | None:
        """Whether a `when` holds; None where it can't be told, which is then reported."""
        from netcompile.expressions import ExpressionError, evaluate  # noqa: PLC0415 - most specs need none

        value: Any = node.value if type(node) is Scalar else ()
        if isinstance(value, str):
            try:
                value = evaluate(value, self.scope)
            except ExpressionError as error:
                self._report_error(error, node, value)
                return None
            except _MissingError:
                return None
        if value is None or isinstance(value, (bool, int, float)):
            return bool(value)
        kind = "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"
        self._add("bad-expression", node.span, f"`when` gives {kind}; it takes true or false")
        return None

    def _report_error(self, error: ExpressionError, node: Node, condition: str = "") -> None:
        """Report what is wrong with an expression, at its guilty part. `condition` is the whole of a `when`."""
        if self.report.full(error.code):
            return
        span = part_of(node, error.start, error.end)
        hint = error.hint
        if error.code == "unknown-variable" and type(node) is Scalar:
            guilty = str(node.value)[error.start : error.end].strip("${}")
            if hint is not None and "quotes" in hint and guilty == condition.strip():
                truth = truth_in(guilty)
                word = "" if truth is None else f"; did you mean `{str(truth).lower()}`?"
                hint = f"`when` takes a variable, or what is true or false{word}"
            hint = self.scope.hint(guilty) or hint
        self._add(error.code, span, error.message, hint=hint)

    def _add(self, code: str, span: Span, message: str, *notes: Note, hint: str | None = None) -> None:
        uses = self.use.notes() if self.use else ()
        self.report.add(code, span, message, hint=hint, notes=(*notes, *uses))


def reference_to(span: Span, written: Node, node: Node) -> Span | None:
    """The reference in `written` that brought what stands at `span` into `node`, the same with references replaced."""
    if node is written:
        return None
    if type(written) is Scalar:
        return written.span if _holds(node, span) else None
    pairs: list[tuple[Node, Node]] = []
    if type(written) is Mapping and type(node) is Mapping:
        pairs = [(written.entries[key], new) for key, new in node.entries.items() if key in written.entries]
    elif type(written) is List and type(node) is List and len(written.items) == len(node.items):
        pairs = list(zip(written.items, node.items, strict=True))
    return next((found for old, new in pairs if (found := reference_to(span, old, new)) is not None), None)


def _holds(node: Node, span: Span) -> bool:
    """Whether something in `node` stands at `span`."""
    if node.span[:3] == span[:3]:
        return True
    if type(node) is List:
        return any(_holds(item, span) for item in node.items)
    if type(node) is Mapping:
        keys = any(key.span[:3] == span[:3] for key in node.keys.values())
        return keys or any(_holds(value, span) for value in node.entries.values())
    return False


def _kind(node: Node) -> str:
    if type(node) is List:
        return "a list"
    if type(node) is Mapping:
        return "a mapping"
    return "nothing" if type(node) is Scalar and node.value in (None, "") else "true or false"


def _as_node(value: Any, at: Node) -> Node:
    """A computed value as a node at the place of its expression."""
    if isinstance(value, list):
        return List([_as_node(item, at) for item in value], at.start, at.end, at.source)
    if isinstance(value, dict):
        keys = {key: Scalar(key, at.start, at.end, at.source) for key in value}
        return Mapping({k: _as_node(v, at) for k, v in value.items()}, keys, at.start, at.end, at.source)
    return Scalar(value, at.start, at.end, at.source)


def part_of(node: Node, start: int, end: int) -> Span:
    """The span of part of a scalar's text, where the text stands in the source as it is."""
    span = node.span
    text = node.value if type(node) is Scalar else ""
    line = span.source.line(span.line)
    offset = line.find(str(text), span.column - 1) if span.line == span.end_line else -1
    if offset < 0 or end <= start:
        return span
    first, last = Place(span.line - 1, offset + start), Place(span.line - 1, offset + end)
    return Scalar(None, first, last, span.source).span
