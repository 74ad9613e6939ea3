"""Which layers of two nets are the same ones: by name, else by what they are and where they stand.

A renamed layer has the type and the wiring of one that is gone: it reads the same blobs, whatever works in place on
them, and has the same parameters or is read by layers of the same types. The order of layers is no difference. Knows
graphs, not what parameters mean.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from netcompile.ir import Graph, Version


class Side(NamedTuple):
    """A net in one phase: its graph, and its layers as they were given, which a fork's rules don't see in full."""

    graph: Graph
    layers: Sequence[Any]

    def top_of(self, version: Version) -> tuple[int, int]:
        """The layer that makes a version of a blob, and which of its tops it is."""
        made = self.graph.writes[version.maker]
        return version.maker, next(i for i, one in enumerate(made) if one is version)

    def before_in_place(self, version: Version) -> Version | None:
        """What the layer that makes a version changes in place; None where it makes a blob of its own."""
        maker, top = self.top_of(version)
        bottoms, tops = self.graph.names[maker]
        return self.graph.reads[maker][list(bottoms).index(tops[top])] if tops[top] in bottoms else None

    def origins(self) -> dict[int, tuple[int, int]]:
        """Of each version, by its id, the layer and its top that first made the blob: no layer in place."""
        found: dict[int, tuple[int, int]] = {}
        for made in self.graph.writes:
            for version in made:
                before = self.before_in_place(version)
                found[id(version)] = self.top_of(version) if before is None else found[id(before)]
        return found

    def reader_types(self, index: int) -> list[str]:
        """The types of the layers that read what a layer makes, sorted."""
        readers = {reader for version in self.graph.writes[index] for reader in version.readers}
        return sorted(self.layers[reader].type for reader in readers)


class Queues:
    """Layers by index in queues, each in several: one that is taken from a queue is gone from all."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[int]] = {}
        self._taken: set[int] = set()

    def add(self, index: int, *keys: Hashable) -> None:
        """Put a layer at the end of the queues with some keys."""
        for key in keys:
            self._queues.setdefault(key, deque()).append(index)

    def take(self, *keys: Hashable) -> int | None:
        """Take the first layer of the first of some queues that is not empty; None where all are."""
        for key in keys:
            queue = self._queues.get(key, ())
            while queue:
                index = queue.popleft()
                if index not in self._taken:
                    self._taken.add(index)
                    return index
        return None


class Matches:
    """Pairs of layers by index: `after` has the partner of a layer of the old net, `before` that of one of the new.

    `meaning` gives for a layer what its parameters mean: two layers of one type that have the same there are the same.
    """

    def __init__(self, old: Side, new: Side, meaning: Callable[[Any], Hashable]) -> None:
        self.old = old
        self.new = new
        self.after: dict[int, int] = {}
        self.before: dict[int, int] = {}
        self._by_name()
        self._renamed(meaning)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The pairs in the order of the new net."""
        return ((self.before[j], j) for j in sorted(self.before))

    def _pair(self, i: int, j: int) -> None:
        self.after[i] = j
        self.before[j] = i

    def _by_name(self) -> None:
        """Pair layers of one name, several of them in their order; those of one type first."""
        left = Queues()
        for i, layer in enumerate(self.old.layers):
            left.add(i, layer.name, (layer.name, layer.type))
        for j, layer in enumerate(self.new.layers):
            partner = left.take((layer.name, layer.type), layer.name) if layer.name else None
            if partner is not None:
                self._pair(partner, j)

    def _renamed(self, meaning: Callable[[Any], Hashable]) -> None:
        """Pair what is left by type and wiring, in the order of the new net, so that makers come before readers."""
        left = Queues()
        origins, new_origins = self.old.origins(), self.new.origins()
        for i, layer in enumerate(self.old.layers):
            if i not in self.after:
                # What it reads: of each bottom, its first maker and which of the maker's tops it is.
                reads = [None if version is None else origins[id(version)] for version in self.old.graph.reads[i]]
                left.add(i, *_likeness(layer, reads, self.old.reader_types(i), meaning(layer)))
        for j, layer in enumerate(self.new.layers):
            if j not in self.before:
                keys = _likeness(layer, self._reads_of_new(j, new_origins), self.new.reader_types(j), meaning(layer))
                partner = left.take(*keys)
                if partner is not None:
                    self._pair(partner, j)

    def _reads_of_new(self, j: int, origins: Mapping[int, tuple[int, int]]) -> list[tuple[int | None, int] | None]:
        """What a layer of the new net reads, the makers told by their partners."""
        reads = [None if version is None else origins[id(version)] for version in self.new.graph.reads[j]]
        return [None if read is None else (self.before.get(read[0]), read[1]) for read in reads]

    def same_version(self, old: Version | None, new: Version | None) -> bool:
        """True where two bottoms read the same blob: of makers that are partners, the same top.

        A layer in place that only one net has is looked through: it is told of itself.
        """
        while old is not None and old.maker not in self.after and (before := self.old.before_in_place(old)) is not None:
            old = before
        while (
            new is not None and new.maker not in self.before and (before := self.new.before_in_place(new)) is not None
        ):
            new = before
        if old is None or new is None:
            return old is new
        maker, top = self.new.top_of(new)
        return (self.before.get(maker), top) == self.old.top_of(old)


def _likeness(
    layer: Any, reads: Sequence[tuple[int | None, int] | None], readers: Sequence[str], meaning: Hashable
) -> Iterator[tuple[object, ...]]:
    """Keys that a layer has in common with those that it can be under another name, the best first."""
    wiring = (layer.type, *reads)
    yield wiring, meaning, tuple(readers)
    yield wiring, meaning
    yield wiring, None, tuple(readers)
