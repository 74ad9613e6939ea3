"""Builds a node anew with repairs done along their paths; everything else is shared with the old node.

A path leads from a node to a value: texts are keys, as the JSON Schema knows them, and integers places in a list. This
module does not know what is wrong or why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar
from netcompile.validation.acceptor import key_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.tree import Node

Path: TypeAlias = "tuple[str | int, ...]"


class Drop(NamedTuple):
    """Leave out the value, with its key. `lost`: something may be missing then."""

    lost: bool = True


class Rename(NamedTuple):
    """Take the key for this one, unless the mapping has that already, and its value for another, if one is given."""

    key: str
    value: Node | None = None


class Replace(NamedTuple):
    """Take the scalar for this value."""

    value: str | float | bool


class Put(NamedTuple):
    """Take another node for the value."""

    node: Node


class Add(NamedTuple):
    """Put entries into the mapping, or, where the path leads to a scalar, into the mapping that holds it."""

    entries: dict[str, str | bool]


Repair: TypeAlias = "Drop | Rename | Replace | Put | Add | None"


def find(node: Node, path: Path) -> Node:
    """Return the node to which a path leads."""
    for step in path:
        if type(node) is List:
            node = node.items[int(step)]
        else:
            assert type(node) is Mapping
            node = node.entries[find_key(node, step)]
    return node


def find_key(node: Mapping, text: str | int) -> Any:
    """Return the key of a mapping that the schema knows by this text."""
    return text if text in node.entries else next(key for key in node.entries if key_text(key) == text)


def repaired(node: Node, repairs: Sequence[tuple[Path, Repair]]) -> Node | None:
    """Return the node with its repairs done, or None where it is left out itself."""
    own = [repair for path, repair in repairs if not path]
    if any(type(repair) is Drop for repair in own):
        return None
    put = next((repair.node for repair in own if type(repair) is Put), None)
    if put is not None:
        return put
    if type(node) is Scalar:
        values = [repair.value for repair in own if type(repair) is Replace]
        return node._replace(value=values[0]) if values else node
    if type(node) is List:
        return _repaired_list(node, repairs)
    assert type(node) is Mapping
    added: dict[str, str | bool] = {}
    for path, repair in repairs:
        if type(repair) is Add and (not path or (len(path) == 1 and type(find(node, path)) is Scalar)):
            added.update(repair.entries)
    return _repaired_mapping(node, repairs, added)


def _repaired_list(node: List, repairs: Sequence[tuple[Path, Repair]]) -> List:
    below = _by_step(repairs)
    items = [repaired(item, below[i]) if i in below else item for i, item in enumerate(node.items)]
    return node._replace(items=[item for item in items if item is not None]) if below else node


def _repaired_mapping(node: Mapping, repairs: Sequence[tuple[Path, Repair]], added: dict[str, str | bool]) -> Mapping:
    below = _by_step(repairs)
    if not below and not added:
        return node
    entries: dict[Any, Node] = {}
    keys: dict[Any, Scalar] = {}
    for key, value in node.entries.items():
        own = below.get(key_text(key), [])
        renamed = next((repair for path, repair in own if not path and type(repair) is Rename), Rename(key))
        child, name = renamed.value or repaired(value, own), renamed.key
        if child is not None and (name == key or name not in node.entries):
            entries[name] = child
            keys[name] = node.keys[key] if name == key else node.keys[key]._replace(value=name)
    for name, new in added.items():
        entries[name] = Scalar(new, node.start, node.start, node.source)
        keys[name] = Scalar(name, node.start, node.start, node.source)
    return node._replace(entries=entries, keys=keys)


def _by_step(repairs: Sequence[tuple[Path, Repair]]) -> dict[str | int, list[tuple[Path, Repair]]]:
    below: dict[str | int, list[tuple[Path, Repair]]] = {}
    for path, repair in repairs:
        if path and repair is not None:
            below.setdefault(path[0], []).append((path[1:], repair))
    return below
