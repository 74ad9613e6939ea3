"""What an old model's weights are still good for in a net: Caffe copies them by the names of layers.

A layer of the net that the model has under its name must have as many blobs, of the same shapes, or Caffe aborts. What
the model has beyond the net, Caffe passes over; what it lacks, the net starts afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from netcompile.layers._rules import stored_shape
from netcompile.records import NamedTuple
from netcompile.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from netcompile.diffing.sides import NetSide
    from netcompile.ir import Graph

_OLD_AXES: Final = 4
_OLD_FIELDS: Final = ("num", "channels", "height", "width")


class Blob(NamedTuple):
    """A learned blob; `shape` is None where it is not known. `old`: stored with four axes, whatever it had."""

    shape: Shape | None
    old: bool = False


Blobs: TypeAlias = "Mapping[str, Sequence[Blob] | None]"  # by layer; None where not even their number is known
Verdicts: TypeAlias = "Mapping[str, bool]"  # whether the blobs of a layer fit


class Model(NamedTuple):
    """An old model: the blobs that it holds, and the net that they belong to."""

    blobs: Mapping[str, Sequence[Blob]]
    side: NetSide


class Mismatch(NamedTuple):
    """A layer with the shapes of its blobs in the model and in the net, None for what is not known."""

    layer: str
    before: list[list[int | None] | None] | None
    after: list[list[int | None] | None] | None


class Weights(NamedTuple):
    """What becomes of stored weights, by layers: loaded, refused, and unknown where a shape is that decides it.

    `unused` are in the model alone, `missing` in the net alone.
    """

    loaded: list[str]
    refused: list[Mismatch]
    unknown: list[Mismatch]
    unused: list[str]
    missing: list[str]

    @property
    def complete(self) -> bool:
        """True where the net is known to get all its weights from the model."""
        return not (self.refused or self.unknown or self.missing)


def blobs_of(graphs: Iterable[Graph]) -> dict[str, list[Blob] | None]:
    """The learned blobs of a net by layer, in whichever phase it is: of a name, those of the first with some."""
    found: dict[str, list[Blob] | None] = {}
    for graph in graphs:
        for one in graph.layers:
            name = one.layer.message.name
            if not found.get(name):
                found[name] = None if one.blobs is None else [Blob(shape) for shape in one.blobs]
    return found


def stored_blobs(net: Any) -> dict[str, list[Blob]]:
    """The blobs that a model holds, by layer; `net` is in the current format."""
    return {layer.name: [_stored(blob) for blob in layer.blobs] for layer in net.layer}


def _stored(blob: Any) -> Blob:
    return Blob(stored_shape(blob), old=any(blob.HasField(field) for field in _OLD_FIELDS))


def compare_weights(model: Blobs, net: Blobs, decide: Callable[[Collection[str]], Verdicts]) -> Weights:
    """What loading the model into the net comes to.

    `decide` is asked of layers whose shapes don't tell, and may leave some open.
    """
    # Caffe asks of every layer that both have, so that blobs on one side alone are refused.
    both = [name for name in net if name in model and (model[name] or net[name])]
    fits = {name: fit(model[name], net[name]) for name in both}
    unsure = [name for name in both if fits[name] is None]
    fits.update(decide(unsure) if unsure else {})

    def shown(verdict: bool | None) -> list[Mismatch]:  # noqa: FBT001 - what it looks for
        return [Mismatch(name, _dims(model[name]), _dims(net[name])) for name in both if fits[name] is verdict]

    return Weights(
        loaded=[name for name in both if fits[name]],
        refused=shown(False),
        unknown=shown(None),
        unused=[name for name, blobs in model.items() if blobs and name not in net],
        missing=[name for name, blobs in net.items() if blobs and name not in model],
    )


def fit(stored: Sequence[Blob] | None, wanted: Sequence[Blob] | None) -> bool | None:
    """Whether Caffe takes a layer's stored blobs; None where that is not known."""
    if stored is None or wanted is None:
        return None
    if len(stored) != len(wanted):
        return False
    each = [_same(a, b) for a, b in zip(stored, wanted, strict=True)]
    return False if False in each else None if None in each else True


def _same(stored: Blob, wanted: Blob) -> bool | None:
    """Whether Caffe sees the same shape. Of an old blob, axes of 1 in front don't count (blob.cpp, ShapeEquals)."""
    if stored.shape is None or wanted.shape is None:
        return None
    shape = wanted.shape
    if stored.old and len(shape) <= _OLD_AXES:
        shape = Shape((*(1,) * (_OLD_AXES - len(shape)), *shape))
    if stored.shape.differs(shape):
        return False
    return True if stored.shape.known and shape.known else None


def _dims(blobs: Sequence[Blob] | None) -> list[list[int | None] | None] | None:
    return None if blobs is None else [None if blob.shape is None else list(blob.shape.dims) for blob in blobs]
