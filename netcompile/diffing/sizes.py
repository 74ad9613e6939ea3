"""Whether stored weights fit where the size of data decides it, and only files know that: by trying sizes.

Two nets that read the same data get the same size, whatever it is. So both are built with size after size; of a model
that holds its blobs, only sizes count that give just these. What is so with every size that is tried is taken for
known; what changes with it is not. Knows graphs, not files.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import Report
from netcompile.diffing.sides import is_refused
from netcompile.diffing.weights import blobs_of, fit
from netcompile.infer import infer
from netcompile.ir import Net
from netcompile.language.fill import is_repeated
from netcompile.records import NamedTuple
from netcompile.shapes import Shape
from netcompile.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from netcompile.diffing.sides import NetSide
    from netcompile.diffing.weights import Blob, Blobs
    from netcompile.ir import Graph, GraphLayer
    from netcompile.layers import Known

_CHANNELS: Final = (3, 1, 2, 4)
_RATIOS: Final = ((1, 1), (3, 4), (4, 3), (9, 16), (2, 3))  # of height and width
_LARGE: Final = (256, 257)
_POWERS: Final = tuple(2**i for i in range(13))  # sides that are tried first
_MOST_SIDES: Final = 32  # as many as layers round by
_MOST_LAYERS: Final = 100_000  # that are looked at in all: some two seconds
_SEARCH: Final = 150  # steps, at most, to find the smallest sides
# What does not change the size of data.
_APART: Final = frozenset({"name", "bottom", "top", "include", "exclude", "phase", "param", "loss_weight", "blobs"})
_SIZELESS: Final = (
    "batch_size", "backend", "prefetch", "rand_skip", "shuffle", "cache_images",
    "mirror", "scale", "mean_file", "mean_value",
)  # fmt: skip


class _Size(NamedTuple):
    """The unknown dims of data: axis 1, axis 2 and all behind."""

    channels: int
    height: int
    width: int

    @classmethod
    def of(cls, channels: int, ratio: tuple[int, int], height: int) -> _Size:
        """A size by its height."""
        return cls(channels, height, height * ratio[1] // ratio[0])

    def fill(self, shape: Shape) -> Shape:
        """A shape with these dims in place of unknown ones; axis 0 is the batch, which no weights depend on."""
        sizes = (1, *self, *(self.width,) * len(shape))
        return Shape(dim if type(dim) is int else size for dim, size in zip(shape, sizes, strict=False))


class _Resized:
    """A net in one phase, as far as some layers depend on it; and its layers of data of unknown size."""

    def __init__(self, side: NetSide, phase: str, names: Collection[str]) -> None:
        graph = side.graphs[phase]
        needed = _needed(graph, names)
        self.layers = [graph.layers[i].layer for i in needed]
        self.sources = _sources(graph, needed)
        self._header = side.net.header
        self._state = State(phase, graph.level, tuple(graph.stages))
        self._known: Known = {}

    def blobs(self, size: _Size, data: Collection[bytes]) -> Blobs:
        """The learned blobs with a size of some data."""
        declared = {id(one.layer): _declared(one, size) for key in data for one in self.sources[key]}
        layers = [
            layer._replace(declared=declared[id(layer)]) if id(layer) in declared else layer for layer in self.layers
        ]
        return blobs_of([infer(Net(self._header, layers), self._state, Report(), known=self._known)])


def _declared(one: GraphLayer, size: _Size) -> dict[str, Shape]:
    tops = zip(one.layer.message.top, one.tops, strict=False)
    return {name: size.fill(shape) for name, shape in tops if shape is not None}


def try_sizes(trained: NetSide, new: NetSide, stored: Blobs, names: Collection[str]) -> dict[str, bool]:
    """Whether the blobs of some layers fit, as far as trying sizes tells.

    `trained` is the net that the weights come from, and `stored` has their shapes, as far as they are known.
    """
    verdicts: dict[str, set[bool]] = {name: set() for name in names}
    for phase in new.graphs:
        if all(verdicts.values()):
            break  # the other phase has the same weights
        before, after = (_Resized(side, phase, names) for side in (trained, new))
        shared = before.sources.keys() & after.sources.keys()
        if not shared:
            continue
        tries = _MOST_LAYERS // (len(before.layers) + len(after.layers)) - _SEARCH
        most = min(tries // (2 * len(_RATIOS)), _MOST_SIDES)
        numbered = {name for name, blobs in blobs_of([trained.graphs[phase]]).items() if blobs}
        given = {name: blobs for name, blobs in stored.items() if name in numbered}
        for size, had in _fitting(before, shared, given, most):
            wanted = after.blobs(size, shared)
            for name in names:
                found = fit(had.get(name), wanted.get(name))
                if found is not None:
                    verdicts[name].add(found)
    return {name: found.pop() for name, found in verdicts.items() if len(found) == 1}


def size_decides(side: NetSide, names: Collection[str]) -> bool:
    """True where some layers depend on a size that is not known, of data or of what a layer of its own kind makes."""
    return any(_is_open(side, graph, i) for graph in side.graphs.values() for i in _needed(graph, names))


def _is_open(side: NetSide, graph: Graph, index: int) -> bool:
    """True for a layer with tops of unknown shape that has no other reason for it: neither a bottom nor a refusal."""
    one = graph.layers[index]
    read = (None if version is None else version.shape for version in graph.reads[index])
    return not _all_known(one.tops) and _all_known(read) and not is_refused(one, side.problems)


def _all_known(shapes: Iterable[Shape | None]) -> bool:
    return all(shape is not None and shape.known for shape in shapes)


def _fitting(net: _Resized, data: Collection[bytes], stored: Blobs, most: int) -> Iterator[tuple[_Size, Blobs]]:
    """The sizes with which a net gets the blobs that are stored, for at most some sides, and all that it gets then.

    Where one number of channels fits, others don't, or they make no difference.
    """
    for channels in _CHANNELS if most > 0 else ():
        if _contradicts(net, data, stored, channels):
            continue
        fitting = False
        for ratio in _RATIOS:
            for found in _fitting_sides(net, data, stored, partial(_Size.of, channels, ratio), most):
                fitting = True
                yield found
        if fitting:
            return


def _contradicts(net: _Resized, data: Collection[bytes], stored: Blobs, channels: int) -> bool:
    """True where blobs that the sides of images don't change are others than those that are stored."""
    one, other = (net.blobs(_Size(channels, side, side), data) for side in _LARGE)
    fixed = {name: blobs for name, blobs in one.items() if fit(blobs, other.get(name))}
    return not _agree(stored, fixed)


def _fitting_sides(
    net: _Resized, data: Collection[bytes], stored: Blobs, size_of: Callable[[int], _Size], most: int
) -> Iterator[tuple[_Size, Blobs]]:
    enough = partial(_is_enough, net, data, stored, size_of)
    larger = next((side for side in _POWERS if enough(side)), None)  # far too large is refused as far too small is
    if larger is None:
        return
    least = larger // 2 + 1
    least += bisect_left(range(least, larger), True, key=enough)
    for side in range(least, least + most):
        blobs = net.blobs(size_of(side), data)
        if not _agree(stored, blobs):
            return
        yield size_of(side), blobs


def _is_enough(
    net: _Resized, data: Collection[bytes], stored: Blobs, size_of: Callable[[int], _Size], side: int
) -> bool:
    """True where no stored blob has more values than the net would get; the larger the data, the more it gets."""
    blobs = net.blobs(size_of(side), data)
    return all(_count(blobs.get(name)) >= _count(wanted) for name, wanted in stored.items() if name in blobs)


def _count(blobs: Sequence[Blob] | None) -> int:
    """The values of the largest blob of known shape."""
    counts = [blob.shape.count() for blob in blobs or () if blob.shape is not None]
    return max((count for count in counts if type(count) is int), default=0)


def _agree(stored: Blobs, blobs: Blobs) -> bool:
    return not any(fit(stored[name], found) is False for name, found in blobs.items() if name in stored)


def _needed(graph: Graph, names: Collection[str]) -> list[int]:
    """The layers of some names, and all that they depend on, in order."""
    needed: set[int] = set()
    for index in range(len(graph.layers) - 1, -1, -1):
        if index in needed or graph.layers[index].layer.message.name in names:
            needed.add(index)
            needed.update(version.maker for version in graph.reads[index] if version is not None)
    return sorted(needed)


def _sources(graph: Graph, needed: Collection[int]) -> dict[bytes, list[GraphLayer]]:
    """The layers of data of unknown size among those that are needed, by all that decides about it."""
    found: dict[bytes, list[GraphLayer]] = {}
    for index in needed:
        one = graph.layers[index]
        tops = [shape for shape in one.tops if shape is not None]
        if graph.reads[index] or len(tops) < len(one.tops) or all(shape.known for shape in tops):
            continue
        message = type(one.layer.message)()
        message.CopyFrom(one.layer.message)
        for field, value in message.ListFields():
            if field.name in _APART:
                message.ClearField(field.name)
            elif field.message_type is not None and not is_repeated(field):
                _clear_sizeless(value)
        found.setdefault(message.SerializeToString(deterministic=True), []).append(one)
    return found


def _clear_sizeless(message: Any) -> None:
    """Clear what does not change the size of data. Crops of all sizes are one: they have as many channels."""
    names = message.DESCRIPTOR.fields_by_name
    for name in _SIZELESS:
        if name in names:
            message.ClearField(name)
    if "crop_size" in names:
        cropped = message.crop_size > 0
        message.ClearField("crop_size")
        if cropped:
            message.crop_size = 1
