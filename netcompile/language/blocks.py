"""Blocks and repetitions as they are written: parameters, turns, and how much they expand to.

Values and small readers for the expansion; nothing is expanded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.tree import Span

MAX_DEPTH: Final = 64
# Items that blocks and repetitions may make: where conditions alone decide how many, nobody knows before they are made.
MAX_ITEMS: Final = 200_000
MAX_CONDITIONAL: Final = 10_000


class Block(NamedTuple):
    """A block: its parameters with their defaults, its items, and the blob that the next layer continues from.

    `damaged`: something in it was found wrong, and parts may be missing. `refused` collects the keys of its uses that
    are none of its parameters nor like one: each is a parameter that it lacks, and said once.
    """

    name: str
    parameters: dict[str, Node]
    items: list[Node]
    output: Node | None
    node: Mapping
    damaged: bool
    refused: set[str]


def block_table(nodes: AbstractMapping[str, Node], damaged: Container[int] = frozenset()) -> dict[str, Block]:
    """The blocks by name; `damaged` has the ids of nodes that lost something. What is no block is left out."""
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
            id(node) in damaged,
            set(),
        )
    return table


class Growth:
    """How many items a list expands to, as far as that can be told before it is done.

    Turns of a repetition that hang on variables count as one, and uses below MAX_DEPTH, which are refused, as none.
    """

    def __init__(self, blocks: AbstractMapping[str, Block]) -> None:
        self._blocks = blocks
        self._known: dict[tuple[str, int, bool], int] = {}
        self._open: set[str] = set()

    def least(self, items: Sequence[Node]) -> int:
        """The items that are made in any case: of one under a condition only itself."""
        return self._count(items, 0, conditional=False)

    def most(self, items: Sequence[Node]) -> int:
        """The items that are made where all conditions hold."""
        return self._count(items, 0, conditional=True)

    def _count(self, items: Sequence[Node], depth: int, *, conditional: bool) -> int:
        total = len(items)
        if depth > MAX_DEPTH:
            return total
        for item in items:
            if type(item) is not Mapping or ("when" in item.entries and not conditional):
                continue
            use, inner = item.entries.get("block"), item.entries.get("layers")
            if type(use) is Scalar and type(use.value) is str:
                total += self._of_block(use.value, depth + 1, conditional=conditional)
            elif type(inner) is List:
                total += _turns_of(item.entries.get("repeat")) * self._count(
                    inner.items, depth + 1, conditional=conditional
                )
        return total

    def _of_block(self, name: str, depth: int, *, conditional: bool) -> int:
        key = (name, depth, conditional)
        if name in self._open or name not in self._blocks:
            return 0  # both are refused when they are met
        if key not in self._known:
            self._open.add(name)
            self._known[key] = self._count(self._blocks[name].items, depth, conditional=conditional)
            self._open.discard(name)
        return self._known[key]


def _turns_of(node: Node | None) -> int:
    """The turns of a repetition, where they are written as numbers or lists."""
    if type(node) is not Mapping:
        return 1
    for value in node.entries.values():
        if type(value) is List:
            return len(value.items)
        span = _range(value)
        if span is not None:
            return _length(span)
    return 1


class Turns:
    """The turns of a repetition: `count` of them, each with what it is and the names it binds."""

    __slots__ = ("_columns", "count")

    def __init__(self, columns: dict[str, tuple[Scalar, range | list[Node]]], count: int) -> None:
        self._columns = columns
        self.count = count

    def __iter__(self) -> Iterator[tuple[str, dict[str, Node | Callable[[], Node | None]]]]:
        for turn in range(self.count):
            names: dict[str, Node | Callable[[], Node | None]] = {
                name: _value(place, values, turn) for name, (place, values) in self._columns.items()
            }
            shown = ", ".join(f"{name} = {_shown(node)}" for name, node in names.items())
            yield f"in the repetition with {shown}", names


def _value(place: Scalar, values: range | list[Node], turn: int) -> Node:
    value = values[turn]
    return Scalar(value, place.start, place.end, place.source) if isinstance(value, int) else value


def _shown(node: object) -> str:
    if type(node) is not Scalar:
        return "..."
    text = str(node.value)
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - about as much as a note can show


def read_turns(node: Mapping, refuse: Callable[[str, Span, str], None]) -> Turns | None:
    """The turns of `repeat: {name: {from: a, to: b}}` or `repeat: {name: [...]}`; None, refused, for neither."""
    columns: dict[str, tuple[Scalar, range | list[Node]]] = {}
    for name, value in node.entries.items():
        column = value.items if type(value) is List else _range(value)
        if column is None:
            text = f"'{name}' runs over whole numbers, {{from: 1, to: 3}} (`to` included), or over a list"
            refuse("wrong-kind", value.span, text)
            return None
        columns[str(name)] = (node.keys[name], column)
    counts = {name: _length(column) for name, (_, column) in columns.items()}
    if len(set(counts.values())) > 1:
        lengths = ", ".join(f"{name} has {count}" for name, count in counts.items())
        refuse("repeat-length", node.span, f"the lists of a repetition differ in length: {lengths}")
        return None
    return Turns(columns, max(counts.values(), default=0))


def _range(value: Node) -> range | None:
    if type(value) is not Mapping or value.entries.keys() != {"from", "to"}:
        return None
    ends = [_whole(value.entries[key]) for key in ("from", "to")]
    if ends[0] is None or ends[1] is None:
        return None
    return range(ends[0], ends[1] + 1)


def _length(values: range | list[Node]) -> int:
    """How many values there are; `len` refuses a range of more than a machine word."""
    return max(values.stop - values.start, 0) if isinstance(values, range) else len(values)


def _whole(node: Node) -> int | None:
    value = node.value if type(node) is Scalar else None
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None
