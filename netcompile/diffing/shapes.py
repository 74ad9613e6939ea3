"""Blobs whose shapes differ, each with the layer that caused it first.

A cause is a layer whose tops differ although its bottoms don't, or one that only one of the nets has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.diffing.matching import Matches
    from netcompile.ir import Version


class ShapeChange(NamedTuple):
    """A top of a layer whose shape differs. `cause` is the name of the layer that it comes from."""

    layer: str
    blob: str
    before: list[int | None]
    after: list[int | None]
    cause: str


def changed_shapes(matches: Matches) -> Iterator[tuple[int, ShapeChange]]:
    """The tops of pairs whose known shapes differ, each with the index of its layer in the new net."""
    causes: dict[int, str] = {}
    for i, j in matches.pairs():
        before, after = matches.old.graph.writes[i], matches.new.graph.writes[j]
        changes = [
            (name, list(old.shape.dims), list(new.shape.dims))
            for name, old, new in zip(matches.new.graph.names[j][1], before, after, strict=False)
            if old.shape is not None and new.shape is not None and old.shape.differs(new.shape)
        ]
        if not changes:
            continue
        name = matches.new.layers[j].name
        causes[j] = _cause(matches, i, j, causes) or name
        for blob, old_dims, new_dims in changes:
            yield j, ShapeChange(name, blob, old_dims, new_dims, causes[j])


def _cause(matches: Matches, i: int, j: int, causes: dict[int, str]) -> str | None:
    """Where the bottoms' change of shape comes from; None where they did not change."""
    old, new = matches.old.graph.reads[i], matches.new.graph.reads[j]
    for after in new:
        if after is not None and after.maker in causes:
            return causes[after.maker]
    if not _shapes_differ(old, new):
        return None
    for after in new:
        if after is not None and after.maker not in matches.before:
            return str(matches.new.layers[after.maker].name)
    for before in old:
        if before is not None and before.maker not in matches.after:
            return str(matches.old.layers[before.maker].name)
    return None


def _shapes_differ(old: Sequence[Version | None], new: Sequence[Version | None]) -> bool:
    if len(old) != len(new):
        return False
    shapes = ((a.shape, b.shape) for a, b in zip(old, new, strict=True) if a is not None and b is not None)
    return any(a is not None and b is not None and a.differs(b) for a, b in shapes)
