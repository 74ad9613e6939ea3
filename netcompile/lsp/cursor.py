"""What stands at a position of a text: the path to it through the tree, and what it means there.

Syntax and the language's keys alone: nothing here looks a name up or knows what it stands for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind: TypeAlias = Literal["blob", "layer", "type", "block", "parameter", "argument", "variable", "import", "field"]
Step: TypeAlias = "str | int"

VARIANTS: Final = ("train", "test", "deploy")
USE_KEYS: Final = frozenset({"block", "bottom", "when", "only"})
# What stands where, on a key or as a value.
_Kinds: TypeAlias = "tuple[tuple[Kind, bool, tuple[str, ...]], ...]"
_DOCUMENT: Final[_Kinds] = (
    ("variable", True, ("vars", "*")),
    ("argument", False, ("vars", "*", "...")),
    ("import", False, ("imports", "...")),
    ("block", True, ("blocks", "*")),
    ("parameter", True, ("blocks", "*", "params", "*")),
    ("blob", False, ("blocks", "*", "output")),
    ("type", True, ("defaults", "*")),
    ("blob", False, ("deploy", "outputs", "...")),
    ("blob", True, ("deploy", "inputs", "*")),
)
_LAYER: Final[_Kinds] = (
    ("layer", False, ("name",)),
    ("type", False, ("type",)),
    ("blob", False, ("bottom", "...")),
    ("blob", False, ("top", "...")),
    ("blob", True, ("top_shapes", "*")),
)
_REPETITION: Final[_Kinds] = (("variable", True, ("repeat", "*")), ("argument", False, ("repeat", "*", "#")))
_USE: Final[_Kinds] = (("block", False, ("block",)), ("blob", False, ("bottom", "...")))
_PARAMETERS: Final[_Kinds] = (("parameter", True, ("*",)), ("argument", False, ("*", "...")))
_REFERENCE: Final = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([^}]*)\})", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Spot(NamedTuple):
    """A position in a tree: `nodes[i]` is what `path[:i]` leads to, the document first.

    `scalar` is the key or the single value that stands there, None between them.
    """

    path: tuple[Step, ...]
    nodes: tuple[Node, ...]
    scalar: Scalar | None
    on_key: bool


class Item(NamedTuple):
    """An item of `layers` around a position: the path to its list, its number there, and the path on inside it."""

    node: Mapping
    items: List
    number: int
    rest: tuple[Step, ...]


class Around(NamedTuple):
    """The items, and the lists of items, that something is in, from the outermost on."""

    items: list[Item]
    lists: list[List]


class Meaning(NamedTuple):
    """What a key or value is. For a field, `keys` lead to it from `start`, which `fields` knows."""

    kind: Kind
    scalar: Scalar
    start: str = ""
    keys: tuple[str, ...] = ()


class Reference(NamedTuple):
    """The name of a variable in a text, from one column to another."""

    name: str
    start: int
    end: int


def find_spot(document: Mapping, line: int, column: int) -> Spot:
    """The innermost place in the tree that the position is in."""
    at = line, column
    path: list[Step] = []
    nodes: list[Node] = [document]
    while True:
        node = nodes[-1]
        if type(node) is Scalar:
            return Spot(tuple(path), tuple(nodes), node, on_key=False)
        step = _step(node, at)
        if step is None:
            return Spot(tuple(path), tuple(nodes), None, on_key=False)
        key, value, on_key = step
        path.append(key)
        nodes.append(value)
        if on_key:
            assert type(node) is Mapping
            return Spot(tuple(path), tuple(nodes), node.keys[key], on_key=True)


def _step(node: Node, at: tuple[int, int]) -> tuple[Step, Node, bool] | None:
    if type(node) is List:
        found = next(((i, item) for i, item in enumerate(node.items) if _holds(item, at)), None)
        return None if found is None else (*found, False)
    assert type(node) is Mapping
    for key, scalar in node.keys.items():
        if key in node.entries and _holds(scalar, at):
            return key, node.entries[key], True
    for key, value in node.entries.items():
        if _holds(value, at):
            return key, value, False
    return None


def _holds(node: Node, at: tuple[int, int]) -> bool:
    return (node.start.line, node.start.column) <= at <= (node.end.line, node.end.column)


def items_around(spot: Spot) -> Iterator[Item]:
    """The items of `layers` that a position is in, outermost first: repetitions, and at last a layer or block use."""
    path, nodes = spot.path, spot.nodes
    i = 2 if path[:1] == ("blocks",) else 0
    while path[i : i + 1] == ("layers",) and i + 1 < len(path):
        items, item = nodes[i + 1], nodes[i + 2] if i + 2 < len(nodes) else None
        index = path[i + 1]
        if type(items) is not List or type(item) is not Mapping or type(index) is not int:
            return
        yield Item(item, items, index, path[i + 2 :])
        i += 2


def item_at(spot: Spot) -> Item | None:
    """The innermost item of `layers` that a position is in."""
    item = None
    for item in items_around(spot):  # noqa: B007 - the last one
        pass
    return item


def items_of_line(spot: Spot, lines: Sequence[str], line: int, indent: int) -> Around:
    """The items that a line that is being typed, with this indent, is inside of, and the lists that it is in.

    A block mapping ends where the next thing begins: a new item, and an empty line, seem to be in the item before.
    """
    inside: list[Item] = []
    lists: list[List] = []
    for item in items_around(spot):
        lists.append(item.items)
        start = item.node.start
        if not (start.line == line or indent >= start.column or lines[start.line][start.column :].startswith("{")):
            return Around(inside, lists)
        inside.append(item)
    node = spot.nodes[-1]
    if type(node) is List and spot.path[-1] == "layers":
        lists.append(node)
    return Around(inside, lists)


def block_around(spot: Spot) -> str | None:
    """The block whose definition a position is in."""
    return spot.path[1] if spot.path[:1] == ("blocks",) and len(spot.path) > 1 and type(spot.path[1]) is str else None


def meaning_of(spot: Spot) -> Meaning | None:
    """What the key or value at a position is; None where nothing stands there, or nothing that has a meaning."""
    scalar = spot.scalar
    if scalar is None:
        return None
    item = item_at(spot)
    kind = _kind(spot, item)
    if kind is not None:
        return Meaning(kind, scalar)
    start, path = _owner(spot, item)
    keys = tuple(step for step in path if type(step) is str)
    return Meaning("field", scalar, start, keys) if keys else None


def _kind(spot: Spot, item: Item | None) -> Kind | None:
    """What stands at a position, where it is no field: told by its place, with `*` for any name or index."""
    path = spot.path if item is None else item.rest
    if item is None:
        of = _DOCUMENT
    elif "repeat" in item.node.entries:
        of = _REPETITION
    elif "block" in item.node.entries:
        of = _USE if item.rest[0] in USE_KEYS else _PARAMETERS
    else:
        of, path = _LAYER, _inner(item.rest)
        if path == ("name",) and path is not item.rest:
            return None
    return next((kind for kind, on_key, pattern in of if on_key is spot.on_key and _fits(path, pattern)), None)


def _fits(path: tuple[Step, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path is as a pattern says: `*` is any step, `#` one into a list, `...` at the end any more."""
    if pattern[-1] == "...":
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(path) == len(pattern) and all(
        b in ("*", a) or (b == "#" and type(a) is int) for a, b in zip(path, pattern, strict=True)
    )


def _inner(rest: tuple[Step, ...]) -> tuple[Step, ...]:
    """The path inside a layer, or inside the variant that it leads into."""
    return rest[1:] if rest and rest[0] in VARIANTS and len(rest) > 1 else rest


def _owner(spot: Spot, item: Item | None) -> tuple[str, tuple[Step, ...]]:
    """The part of the language that a field is a field of, and the path from there."""
    if item is None:
        head, rest = spot.path[0], spot.path[1:]
        if head == "blocks" and len(rest) > 1:
            return "block", rest[1:]
        if head == "defaults" and rest:
            return f"default_{rest[0]}", rest[1:]
        return (str(head), rest) if head in ("deploy", "solver") and rest else ("document", spot.path)
    if "repeat" in item.node.entries:
        return "repetition", item.rest
    if "block" in item.node.entries:
        return "block_use", item.rest
    inner = _inner(item.rest)
    return f"{'layer' if inner is item.rest else 'override'}_{type_of(item.node, item.rest)}", inner


def type_of(item: Mapping, rest: tuple[Step, ...] = ()) -> str:
    """The type of a layer, or that of its variant where `rest` leads into one that changes it; empty for none."""
    node: Node | None = item.entries.get("type")
    variant = item.entries.get(rest[0]) if rest and rest[0] in VARIANTS else None
    if type(variant) is Mapping and "type" in variant.entries:
        node = variant.entries["type"]
    return node.value if type(node) is Scalar and type(node.value) is str else ""


def reference_at(text: str, column: int, *, expression: bool = False) -> Reference | None:
    """The variable that is named at a column of a line. `expression`: the whole text is one, as under `when`."""
    if expression:
        return _word_at(text, column, 0, len(text))
    for found in _REFERENCE.finditer(text):
        if found.start() <= column <= found.end():
            if found[1] is not None:
                return Reference(found[1], found.start(1), found.end(1))
            return _word_at(text, column, *found.span(2)) if found[2] is not None else None
    return None


def _word_at(text: str, column: int, start: int, end: int) -> Reference | None:
    for word in _WORD.finditer(text, start, end):
        if word.start() <= column <= word.end():
            return Reference(word[0], word.start(), word.end())
    return None
