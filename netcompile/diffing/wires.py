"""What two layers read and make, where that differs: other blobs, or other names of their tops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diffing.fields import FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.diffing.matching import Matches, Side


def changed_wires(matches: Matches, i: int, j: int) -> Iterator[FieldChange]:
    """The bottoms and tops of a pair that differ, each with the names on both sides."""
    if _reads_other(matches, i, j):
        before, after = _bottoms(matches.old, i), _bottoms(matches.new, j)
        if before == after:  # the names say nothing: the layers that make them do
            before, after = _bottoms(matches.old, i, makers=True), _bottoms(matches.new, j, makers=True)
        yield FieldChange("bottom", before, after)
    before, after = list(matches.old.graph.names[i][1]), list(matches.new.graph.names[j][1])
    if before != after and _relative_tops(matches.old, i) != _relative_tops(matches.new, j):
        yield FieldChange("top", before, after)


def _reads_other(matches: Matches, i: int, j: int) -> bool:
    """True where a pair reads other blobs."""
    old, new = matches.old.graph.reads[i], matches.new.graph.reads[j]
    return len(old) != len(new) or not all(map(matches.same_version, old, new))


def _bottoms(side: Side, index: int, *, makers: bool = False) -> list[str]:
    names = list(side.graph.names[index][0])
    if not makers:
        return names
    made_by = [None if version is None else version.maker for version in side.graph.reads[index]]
    return [
        name if maker is None else f"{name} of {side.layers[maker].name}"
        for name, maker in zip(names, made_by, strict=True)
    ]


def _relative_tops(side: Side, index: int) -> list[str | int]:
    """The tops, where one that has the layer's name or works in place on a bottom is told by that."""
    bottoms, tops = side.graph.names[index]
    name = side.layers[index].name
    return [bottoms.index(top) if top in bottoms else "" if top == name else f"={top}" for top in tops]
