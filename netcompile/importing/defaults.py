"""What the layers of a type repeat, collected into `defaults` where that makes the spec shorter.

Must keep every layer what it is: a layer that has another value says so, and one without the field takes it back.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Final

from netcompile.importing import scalars
from netcompile.importing.items import nested
from netcompile.importing.layout import flow
from netcompile.importing.values import NULL

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from netcompile.importing.items import Item
    from netcompile.importing.layout import Data
    from netcompile.importing.values import Fields

_MOST: Final = 1 / 2  # more than this part of a type's layers must have a value before it becomes their default
_FEW: Final = 1 / 4  # as many layers as have it may take it back
# What a reader looks for in the layer itself, unless many layers all agree.
_OWN: Final = frozenset({"num_output", "kernel_size", "batch_size", "source"})
_MANY: Final = 3
_STEMS: Final = {"kernel_size": "kernel", "pad": "pad", "stride": "stride"}
_NEVER: Final = {f"{stem}_{side}" for stem in _STEMS.values() for side in "hw"} | {"blobs", ""}
_IN_PLACE: Final = ("", "in_place")
_PARAM: Final = ("", "param")
_CUSTOM: Final = ("", "custom")


class _Has(Enum):
    """What a layer has where a default would stand."""

    SAME = "the default's value"
    OTHER = "a value of its own, or what removes the default"
    NOTHING = "nothing, so that the default has to be taken back"


def collect_defaults(items: Sequence[Item], apart: Container[str] = ()) -> dict[str, Data]:
    """Take out of the items what their types share, and give it by type. Types in `apart` are left alone."""
    by_type: dict[str, list[Item]] = {}
    for item in items:
        by_type.setdefault(item.type, []).append(item)
    defaults: dict[str, Data] = {}
    for name, own in by_type.items():
        if len(own) == 1 or name in apart or scalars.text(name) != name:
            continue
        shared = _shared(own)
        if sum(_saved(own, path, data) for path, data in shared.items()) > len(f"  {name}: {{}}\n"):
            defaults[name] = nested(shared, name, own[0].fork)
            for item in own:
                _take_out(item, shared)
    return defaults


def _shared(items: Sequence[Item]) -> Fields:
    """The values that are worth a default."""
    shared: Fields = {}
    for path in dict.fromkeys((_IN_PLACE, *(path for item in items for path in item.fields))):
        values = {flow(data): data for item in items if (data := _value(item, path)) is not None}
        if path[1] in _NEVER or not values:
            continue
        spelt = Counter(flow(data) for item in items if (data := _value(item, path)) is not None)
        ((common, count),) = spelt.most_common(1)
        if count <= len(items) * _MOST and path != _PARAM:  # of which some count that are cut
            continue
        data = values[common]
        counts = Counter(_has(item, path, data) for item in items)
        if path[1] in _OWN and (counts[_Has.SAME] < len(items) or len(items) < _MANY):
            continue
        most = counts[_Has.SAME] > len(items) * _MOST and counts[_Has.NOTHING] <= counts[_Has.SAME] * _FEW
        if most and _saved(items, path, data) > 0:
            shared[path] = data
    return shared


def _value(item: Item, path: tuple[str, str]) -> Data | None:
    return item.wires.get("in_place") if path == _IN_PLACE else item.fields.get(path)


def _has(item: Item, path: tuple[str, str], default: Data) -> _Has:
    own = _value(item, path)
    if path == _IN_PLACE and own is None:
        return _Has.OTHER if _writes_top(item) else _Has.NOTHING
    if own is not None and item.is_commented(path):
        return _Has.OTHER  # which stays where the comment is
    if path == _CUSTOM and not item.layer.HasField("name"):
        return _Has.OTHER
    if _removes(item, path):
        return _Has.OTHER
    if path == _PARAM:
        default = _cut(item, default)
        own = [] if own is None else own if isinstance(own, list) else [own]
    if own == default:
        return _Has.SAME
    return _Has.NOTHING if own is None or own == [] else _Has.OTHER


def _writes_top(item: Item) -> bool:
    return "top" in item.wires or any(("", "top") in fields for fields in item.variants.values())


def _removes(item: Item, path: tuple[str, str]) -> bool:
    """True where other fields of an item remove what it would inherit: `kernel_h` removes `kernel_size`."""
    stem = _STEMS.get(path[1])
    return stem is not None and any((path[0], f"{stem}_{side}") in item.fields for side in "hw")


def _cut(item: Item, default: Data) -> list[Data]:
    """An inherited `param` list without the entries that the layer has no blobs for, which the compiler drops."""
    entries: list[Data] = default if isinstance(default, list) else [default]
    return entries[: item.learned_count()]


def _saved(items: Sequence[Item], path: tuple[str, str], default: Data) -> int:
    """Characters that a default makes the spec shorter by."""
    counts = Counter(_has(item, path, default) for item in items)
    key = len(path[1]) + len(": , ")
    back = len("top: name, ") if path == _IN_PLACE else key + len(NULL)
    return (counts[_Has.SAME] - 1) * (key + len(flow(default))) - counts[_Has.NOTHING] * back


def _take_out(item: Item, shared: Fields) -> None:
    """Write an item as it is on top of the defaults of its type."""
    blocks = {block for block, _ in item.fields}
    for path, default in shared.items():
        has = _has(item, path, default)
        if path == _IN_PLACE:
            item.wires.pop("in_place", None)
            if has is _Has.NOTHING:
                item.wires["top"] = scalars.text(item.layer.name)
        elif has is _Has.SAME:
            item.fields.pop(path, None)
        elif has is _Has.NOTHING and (not path[0] or path[0] in blocks):
            item.fields[path] = NULL
        elif has is _Has.NOTHING:
            item.fields[path[0], ""] = NULL
