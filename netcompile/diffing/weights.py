"""What an old model's weights are still good for in a net: Caffe copies them by the names of layers.

A layer of the net that the model has under its name must have as many blobs, of the same shapes, or Caffe aborts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.layers._rules import stored_shape
from netcompile.records import NamedTuple
from netcompile.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netcompile.ir import Graph

_OLD_AXES: Final = 4
_OLD_FIELDS: Final = ("num", "channels", "height", "width")


class Blob(NamedTuple):
    """A learned blob; `shape` is None where it is not known. `old`: stored with four axes, whatever it had."""

    shape: Shape | None
    old: bool = False


class Refused(NamedTuple):
    """A layer whose stored blobs Caffe refuses to load: their shapes in the model and in the net, None for unknown."""

    layer: str
    before: list[list[int | None] | None]
    after: list[list[int | None] | None]


class Weights(NamedTuple):
    """What becomes of stored weights, by layers: loaded, refused, not used by the net, and missing in the model."""

    loaded: list[str]
    refused: list[Refused]
    unused: list[str]
    missing: list[str]


def blobs_of(graphs: Iterable[Graph]) -> dict[str, list[Blob]]:
    """The learned blobs of a net by layer, in whichever of its phases the layer is."""
    layers = [one for graph in graphs for one in graph.layers if one.blobs]
    return {one.layer.message.name: [Blob(shape) for shape in one.blobs or ()] for one in layers}


def stored_blobs(net: Any) -> dict[str, list[Blob]]:
    """The blobs that a model holds, by layer; `net` is in the current format."""
    return {layer.name: [_stored(blob) for blob in layer.blobs] for layer in net.layer if layer.blobs}


def _stored(blob: Any) -> Blob:
    return Blob(stored_shape(blob), old=any(blob.HasField(field) for field in _OLD_FIELDS))


def compare_weights(model: Mapping[str, Sequence[Blob]], net: Mapping[str, Sequence[Blob]]) -> Weights:
    """What loading the model into the net comes to."""
    both = [name for name in net if name in model]
    refused = [Refused(name, _dims(model[name]), _dims(net[name])) for name in both if not _fit(model[name], net[name])]
    names = {one.layer for one in refused}
    return Weights(
        loaded=[name for name in both if name not in names],
        refused=refused,
        unused=[name for name in model if name not in net],
        missing=[name for name in net if name not in model],
    )


def _fit(stored: Sequence[Blob], wanted: Sequence[Blob]) -> bool:
    return len(stored) == len(wanted) and not any(map(_differ, stored, wanted))


def _differ(stored: Blob, wanted: Blob) -> bool:
    """True where Caffe sees another shape. Of an old blob, axes of 1 in front don't count (blob.cpp, ShapeEquals)."""
    if stored.shape is None or wanted.shape is None:
        return False
    shape = wanted.shape
    if stored.old and len(shape) <= _OLD_AXES:
        shape = Shape((*(1,) * (_OLD_AXES - len(shape)), *shape))
    return stored.shape.differs(shape)


def _dims(blobs: Sequence[Blob]) -> list[list[int | None] | None]:
    return [None if blob.shape is None else list(blob.shape.dims) for blob in blobs]
