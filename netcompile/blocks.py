"""Blocks and repetitions as they are written: parameters, turns, and how much they expand to.

Values and small readers for the expansion; nothing is expanded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from netcompile.diagnostics import Note
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report
    from netcompile.scope import Substitution

MAX_DEPTH: Final = 64
MAX_LAYERS: Final = 200_000


class Block(NamedTuple):
    """A block: its parameters with their defaults, its items, and the blob that the next layer continues from."""

    name: str
    parameters: dict[str, Node]
    items: list[Node]
    output: Node | None
    node: Mapping


def block_table(nodes: AbstractMapping[str, Node]) -> dict[str, Block]:
    """The blocks by name. What is no block is left out: validation has reported it."""
    table = {}
    for name, node in nodes.items():
        if type(node) is not Mapping:
            continue
        params, items = node.entries.get("params"), node.entries.get("layers")
        table[name] = Block(
            name,
            dict(params.entries) if type(params) is Mapping else {},
            items.items if type(items) is List else [],
            node.entries.get("output"),
            node,
        )
    return table


def smallest_count(name: str, blocks: AbstractMapping[str, Block], known: dict[str, int]) -> int:
    """The least number of layers that a use of a block makes: what stands under a condition counts as none.

    `known` keeps the answers. A block that uses itself counts as none: its use is refused in any case.
    """
    if name not in known:
        known[name] = 0
        if name in blocks and _depth(name, blocks, {}) <= MAX_DEPTH:
            known[name] = _count(blocks[name].items, blocks, known)
    return known[name]


def _depth(name: str, blocks: AbstractMapping[str, Block], seen: dict[str, int]) -> int:
    """How deep the uses below a block go, as far as that is within the limit."""
    depth, names = 0, {name}
    while names and depth <= MAX_DEPTH:
        names = {used for one in names for used in _used(one, blocks, seen)}
        depth += 1
    return depth


def _used(name: str, blocks: AbstractMapping[str, Block], seen: dict[str, int]) -> set[str]:
    del seen
    block = blocks.get(name)
    found: set[str] = set()
    items = list(block.items) if block else []
    while items:
        item = items.pop()
        if type(item) is not Mapping:
            continue
        inner, use = item.entries.get("layers"), item.entries.get("block")
        if type(inner) is List and "repeat" in item.entries:
            items.extend(inner.items)
        if type(use) is Scalar and type(use.value) is str:
            found.add(use.value)
    return found


def _count(items: list[Node], blocks: AbstractMapping[str, Block], known: dict[str, int]) -> int:
    total = 0
    for item in items:
        if type(item) is not Mapping or "when" in item.entries:
            continue
        use, inner = item.entries.get("block"), item.entries.get("layers")
        if type(use) is Scalar and type(use.value) is str:
            total += smallest_count(use.value, blocks, known)
        elif use is None and "repeat" not in item.entries:
            total += 1
        elif type(inner) is List:
            total += _count(inner.items, blocks, known)
    return total


class Turns:
    """The turns of a repetition: `count` of them, each with what it is and the names it binds."""

    __slots__ = ("_columns", "_span_of", "count")

    def __init__(self, columns: dict[str, tuple[Scalar, range | list[Node]]], count: int) -> None:
        self._columns = columns
        self.count = count

    def __iter__(self) -> Iterator[tuple[str, dict[str, Node]]]:
        for turn in range(self.count):
            names = {name: _value(place, values, turn) for name, (place, values) in self._columns.items()}
            shown = ", ".join(f"{name} = {_shown(node)}" for name, node in names.items())
            yield f"in the repetition with {shown}", names  # type: ignore[misc]


def _value(place: Scalar, values: range | list[Node], turn: int) -> Node:
    value = values[turn]
    return place._replace(value=value) if isinstance(value, int) else value


def _shown(node: Node) -> str:
    return str(node.value) if type(node) is Scalar else "..."


def loop_turns(node: Node, substitution: Substitution, report: Report) -> Turns | None:
    """The turns of `repeat: {name: {from: a, to: b}}` or `repeat: {name: [...]}`; None, reported, where it is neither."""
    if type(node) is not Mapping or not node.entries:
        return None
    columns: dict[str, tuple[Scalar, range | list[Node]]] = {}
    for name, value in node.entries.items():
        column = _column(name, substitution(value), report, substitution)
        if column is None:
            return None
        columns[str(name)] = (node.keys[name], column)
    counts = {name: len(column) for name, (_, column) in columns.items()}
    if len(set(counts.values())) > 1:
        text = "the lists of a repetition differ in length: " + ", ".join(f"{k} has {n}" for k, n in counts.items())
        report.add("repeat-length", node.span, text, notes=substitution.notes)
        return None
    return Turns(columns, next(iter(counts.values())))


def _column(name: str, value: Node | None, report: Report, substitution: Substitution) -> range | list[Node] | None:
    if type(value) is List:
        return value.items
    if value is None:
        return None
    if type(value) is Mapping and value.entries.keys() == {"from", "to"}:
        ends = [node.value if type(node) is Scalar else None for node in (value.entries["from"], value.entries["to"])]
        first, last = (int(end) if isinstance(end, float) and end.is_integer() else end for end in ends)
        if type(first) is int and type(last) is int and max(abs(first), abs(last)) < 2**31:  # noqa: PLR2004
            return range(first, last + 1)
    text = f"'{name}' runs over whole numbers, {{from: 1, to: 3}} (`to` included), or over a list"
    report.add("wrong-kind", value.span, text, notes=[*substitution.notes] if isinstance(value, Note) else ())
    return None
