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
    causes: dict[int, str] = {}  # of the layers of the new net whose tops differ, or may do so
    for j, layer in enumerate(matches.new.layers):
        cause = _inherited(matches, j, causes)
        if j not in matches.before:
            if cause is not None:
                causes[j] = cause
            continue
        changes = list(_changed_tops(matches, matches.before[j], j))
        if not changes:
            continue
        causes[j] = cause or _cause(matches, matches.before[j], j) or layer.name
        for blob, before, after in changes:
            yield j, ShapeChange(layer.name, blob, before, after, causes[j])


def _changed_tops(matches: Matches, i: int, j: int) -> Iterator[tuple[str, list[int | None], list[int | None]]]:
    names, before, after = matches.new.graph.names[j][1], matches.old.graph.writes[i], matches.new.graph.writes[j]
    for name, old, new in zip(names, before, after, strict=False):
        if old.shape is not None and new.shape is not None and old.shape.differs(new.shape):
            yield name, list(old.shape.dims), list(new.shape.dims)


def _inherited(matches: Matches, j: int, causes: dict[int, str]) -> str | None:
    """The cause that a layer's bottoms bring with them."""
    makers = (version.maker for version in matches.new.graph.reads[j] if version is not None)
    return next((causes[maker] for maker in makers if maker in causes), None)


def _cause(matches: Matches, i: int, j: int) -> str | None:
    """A layer before that only one of the nets has, where the bottoms differ; None where they don't."""
    old, new = matches.old.graph.reads[i], matches.new.graph.reads[j]
    if not _shapes_differ(old, new):
        return None
    added = (after.maker for after in new if after is not None and after.maker not in matches.before)
    removed = (before.maker for before in old if before is not None and before.maker not in matches.after)
    names = [matches.new.layers[maker].name for maker in added] + [matches.old.layers[maker].name for maker in removed]
    return str(names[0]) if names else None


def _shapes_differ(old: Sequence[Version | None], new: Sequence[Version | None]) -> bool:
    if len(old) != len(new):
        return False
    shapes = ((a.shape, b.shape) for a, b in zip(old, new, strict=True) if a is not None and b is not None)
    return any(a is not None and b is not None and a.differs(b) for a, b in shapes)
