"""Which layers of two nets are the same ones: by name, else by what they are and where they stand.

A renamed layer has the type and the wiring of one that is gone: it reads the same blobs, whatever works in place on
them, and has the same parameters or is read by layers of the same types. The order of layers is no difference. Knows
graphs, not what parameters mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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

    def origin(self, version: Version) -> tuple[int, int]:
        """The layer, and its top, that first made the blob of a version: no layer in place."""
        while (before := self.before_in_place(version)) is not None:
            version = before
        return self.top_of(version)

    def reader_types(self, index: int) -> list[str]:
        """The types of the layers that read what a layer makes, sorted."""
        readers = {reader for version in self.graph.writes[index] for reader in version.readers}
        return sorted(self.layers[reader].type for reader in readers)


class Matches:
    """Pairs of layers by index: `after` has the partner of a layer of the old net, `before` that of one of the new."""

    def __init__(self, old: Side, new: Side, same: Callable[[Any, Any], bool]) -> None:
        self.old = old
        self.new = new
        self.after: dict[int, int] = {}
        self.before: dict[int, int] = {}
        self._by_name()
        self._renamed(same)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The pairs in the order of the new net."""
        return ((self.before[j], j) for j in sorted(self.before))

    def _pair(self, i: int, j: int) -> None:
        self.after[i] = j
        self.before[j] = i

    def _by_name(self) -> None:
        """Pair layers of one name, several of them in their order; those of one type first."""
        named: dict[str, list[int]] = {}
        for i, layer in enumerate(self.old.layers):
            named.setdefault(layer.name, []).append(i)
        for j, layer in enumerate(self.new.layers):
            candidates = named.get(layer.name, []) if layer.name else []
            alike = [i for i in candidates if self.old.layers[i].type == layer.type]
            if alike or candidates:
                i = (alike or candidates)[0]
                candidates.remove(i)
                self._pair(i, j)

    def _renamed(self, same: Callable[[Any, Any], bool]) -> None:
        """Pair what is left by type and wiring, in the order of the new net, so that makers come before readers."""
        left: dict[tuple[object, ...], list[int]] = {}
        for i, layer in enumerate(self.old.layers):
            if i not in self.after:
                left.setdefault((layer.type, *self._reads_of_old(i)), []).append(i)
        for j, layer in enumerate(self.new.layers):
            if j in self.before:
                continue
            fitting = left.get((layer.type, *self._reads_of_new(j)), [])
            equal = [i for i in fitting if same(self.old.layers[i], layer)]
            read_alike = [i for i in fitting if self.old.reader_types(i) == self.new.reader_types(j)]
            best = [i for i in equal if i in read_alike] or equal or read_alike
            if best:
                fitting.remove(best[0])
                self._pair(best[0], j)

    def _reads_of_old(self, i: int) -> list[tuple[int, int] | None]:
        """What a layer of the old net reads: of each bottom, its first maker and which of the maker's tops it is."""
        return [None if version is None else self.old.origin(version) for version in self.old.graph.reads[i]]

    def _reads_of_new(self, j: int) -> list[tuple[int | None, int] | None]:
        """What a layer of the new net reads, the makers told by their partners."""
        reads = [None if version is None else self.new.origin(version) for version in self.new.graph.reads[j]]
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
