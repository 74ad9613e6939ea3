"""Which layers have a key twice: nobody knows which of its values is meant, so that neither is held against the layer.

The loader reports such keys and keeps the first. This module finds the items of `layers` in which they stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.ir import WHOLE
from netcompile.language.spec import is_inside, lost_with
from netcompile.tree import List, Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report
    from netcompile.ir import Damage
    from netcompile.tree import Node, Span

_VALUE: Final = re.compile(r"\s*:\s*([^\s,{}\[\]#]+)\s*(?:[,}#]|$)")


def damaged_by_duplicates(document: Mapping, found: Report, damaged: AbstractMapping[int, Damage]) -> dict[int, Damage]:
    """The damage by id of each item with a key that was found to be there twice, beside what it is `damaged` by.

    Of a document with two `layers` the second ones are lost.
    """
    spans = [
        one.span
        for one in found
        if one.code == "duplicate-key" and one.span is not None and not _same_value(one.span, one.notes[0].span)
    ]
    if not spans:
        return {}
    lost_by = {id(item): damaged.get(id(item), WHOLE) | lost for item, lost in _damaged(_items(document), spans)}
    own = document.keys.get("layers")
    if own is not None and any(one.code == "duplicate-key" and one.notes[0].span == own.span for one in found):
        lost_by[id(document)] = damaged.get(id(document), WHOLE) | {"tops"}
    return lost_by


def _same_value(key: Span, other: Span | None) -> bool:
    """Whether two keys have the same single value, so that it does not matter which is meant."""
    values = [_VALUE.match(one.source.line(one.line), one.end_column - 1) for one in (key, other or key)]
    return all(values) and len({value[1] for value in values if value}) == 1


def _damaged(items: Iterable[Mapping], spans: list[Span]) -> Iterator[tuple[Mapping, Damage]]:
    for item in items:
        inside = [span for span in spans if is_inside(span, item)]
        if inside:
            words = [span.source.line(span.line)[span.column - 1 : span.end_column - 1] for span in inside]
            yield item, lost_with(words)


def _items(document: Mapping) -> Iterator[Mapping]:
    blocks = document.entries.get("blocks")
    yield from _in_layers(document)
    for block in blocks.entries.values() if type(blocks) is Mapping else ():
        yield from _in_layers(block)


def _in_layers(owner: Node) -> Iterator[Mapping]:
    """The items of the `layers` of a document, a block or a repetition, and of those within."""
    layers = owner.entries.get("layers") if type(owner) is Mapping else None
    for item in layers.items if type(layers) is List else ():
        if type(item) is Mapping:
            yield item
            yield from _in_layers(item)
