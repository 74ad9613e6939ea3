"""Names and what they stand for, and the replacement of `$name` and `${expression}` in nodes.

A scope keeps nodes, so that a value that a name brings in still knows where it is written. Knows nothing of layers.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from typing import TYPE_CHECKING, Any

from netcompile.tree import List, Mapping, Node, Place, Scalar, Span, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netcompile.diagnostics import Note, Report
    from netcompile.expressions import ExpressionError


class Scope(AbstractMapping[str, Any]):
    """The names in force at one place; what the scope itself lacks, its parent may have.

    As a mapping it gives plain values, as expressions need them; `node` gives the node. A name can be bound to a function
    that finds its node when it is first asked for, and returns None where there is none (the finding is then reported).
    """

    __slots__ = ("_names", "_parent")

    def __init__(self, names: dict[str, Node | Callable[[], Node | None]], parent: Scope | None = None) -> None:
        self._names = names
        self._parent = parent

    def node(self, name: str) -> Node | None:
        """The node that `name` stands for; None where its value is missing. Raises KeyError for an unknown name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope._names.get(name)
            if found is not None:
                if callable(found):
                    return found()
                return found
            scope = scope._parent
        raise KeyError(name)

    def __getitem__(self, name: str) -> Any:
        node = self.node(name)
        if node is None:
            raise _MissingError
        return plain(node)

    def __contains__(self, name: object) -> bool:
        return name in self._names or (self._parent is not None and name in self._parent)

    def __iter__(self) -> Iterator[str]:
        seen = set(self._names)
        yield from self._names
        if self._parent is not None:
            yield from (name for name in self._parent if name not in seen)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _MissingError(Exception):
    """A name has no value, which is already reported."""


class Substitution:
    """Replaces references in nodes by what they stand for in one scope. `failed` tells that one could not be."""

    __slots__ = ("failed", "notes", "report", "scope")

    def __init__(self, scope: Scope, report: Report, notes: Sequence[Note] = ()) -> None:
        self.scope = scope
        self.report = report
        self.notes = notes
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
        changed: dict[Any, Node] | None = None
        keys = node.keys
        for key, value in node.entries.items():
            new = self(value)
            if new is value and not (type(key) is str and "$" in key):
                if changed is not None:
                    changed[key] = value
                continue
            if changed is None:
                changed = _before(node.entries, key)
            new_key = self._key(node.keys[key], key)
            if new is None or new_key is None:
                continue
            if new_key != key:
                keys = {**keys, new_key: node.keys[key]}
            if new_key in changed:
                message = f"key '{new_key}' is given twice"
                self.report.add("duplicate-key", node.keys[key].span, message, notes=self.notes)
            changed[new_key] = new
        return node if changed is None else Mapping(changed, keys, node.start, node.end, node.source)

    def _list(self, node: List) -> List:
        new = [self(item) for item in node.items]
        if all(a is b for a, b in zip(new, node.items, strict=True)):
            return node
        return List([item for item in new if item is not None], node.start, node.end, node.source)

    def _key(self, node: Scalar, key: Any) -> Any:
        if not (type(key) is str and "$" in key):
            return key
        new = self._scalar(node, key)
        if new is None or type(new) is not Scalar:
            self.failed = True
            return None
        return new.value if isinstance(new.value, str) else str(new.value)

    def _scalar(self, node: Scalar, text: str) -> Node | None:
        name = text[1:]
        if text[0] == "$" and name.isidentifier() and name.isascii() and name in self.scope:
            found = self.scope.node(name)
            self.failed = self.failed or found is None
            return found
        from netcompile.expressions import ExpressionError, lone_reference, render  # noqa: PLC0415 - most specs need none

        lone = lone_reference(text)
        try:
            if lone is not None and lone in self.scope:
                return self._named(lone)
            return _as_node(render(text, self.scope), node)
        except ExpressionError as error:
            self.report_error(error, node)
        except _MissingError:
            pass
        self.failed = True
        return None

    def _named(self, name: str) -> Node:
        found = self.scope.node(name)
        if found is None:
            raise _MissingError
        return found

    def condition(self, node: Node) -> bool | None:
        """Whether a `when` holds; None where it can't be told, which is then reported."""
        from netcompile.expressions import ExpressionError, evaluate  # noqa: PLC0415 - most specs need none

        value: Any = node.value if type(node) is Scalar else plain(node)
        if isinstance(value, str):
            try:
                value = evaluate(value, self.scope)
            except ExpressionError as error:
                self.report_error(error, node)
                return None
            except _MissingError:
                return None
        if value is None or isinstance(value, (bool, int, float)):
            return bool(value)
        text = f"`when` is {value!r}, which is neither true nor false"
        self.report.add("bad-expression", node.span, text, notes=self.notes)
        return None

    def report_error(self, error: ExpressionError, node: Node) -> None:
        """Report what is wrong with an expression, at its guilty part."""
        span = _part(node, error.start, error.end)
        self.report.add(error.code, span, error.message, hint=error.hint, notes=self.notes)


def _before(entries: dict[Any, Node], key: Any) -> dict[Any, Node]:
    before = {}
    for name, value in entries.items():
        if name == key:
            break
        before[name] = value
    return before


def _as_node(value: Any, at: Node) -> Node:
    """A computed value as a node at the place of its expression."""
    if isinstance(value, list):
        return List([_as_node(item, at) for item in value], at.start, at.end, at.source)
    if isinstance(value, dict):
        keys = {key: Scalar(key, at.start, at.end, at.source) for key in value}
        return Mapping({k: _as_node(v, at) for k, v in value.items()}, keys, at.start, at.end, at.source)
    return Scalar(value, at.start, at.end, at.source)


def _part(node: Node, start: int, end: int) -> Span:
    """The span of part of a scalar's text, where the text stands in the source as it is."""
    span = node.span
    text = node.value if type(node) is Scalar else ""
    line = span.source.line(span.line)
    offset = line.find(str(text), span.column - 1) if span.line == span.end_line else -1
    if offset < 0 or end <= start:
        return span
    first, last = Place(span.line - 1, offset + start), Place(span.line - 1, offset + end)
    return Scalar(None, first, last, span.source).span
