"""A net as figures: shapes, parameters, multiply-accumulates and activation memory, per layer and in total.

`measure` makes the figures of a graph, which `to_json` hands to machines and `table` shows. Pure functions over
graphs: nothing here reads, prints or finds fault. docs/show.md says how everything is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.records import NamedTuple
from netcompile.shapes import UNKNOWN, Dim, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netcompile.ir import Graph, GraphLayer

_BYTES: Final = 4  # a blob holds floats


class Figures(NamedTuple):
    """The counts of one layer or of a net. An unknown one absorbs the sum that it is in."""

    params: Dim
    macs: Dim
    activation_bytes: Dim


class Measured(NamedTuple):
    """A graph with the figures of each layer and the totals, in which shared blobs count once.

    A layer's activation bytes are those of the blobs that it makes; those of a blob that it changes in place are its
    maker's.
    """

    graph: Graph
    layers: Sequence[Figures]
    total: Figures


def measure(graph: Graph) -> Measured:
    """Work out the figures of `graph`, in time linear in its size."""
    final = {top: shape for one in graph.layers for top, shape in zip(one.layer.message.top, one.tops, strict=True)}
    made: set[str] = set()
    layers = []
    own = []
    for one in graph.layers:
        new = [top for top in one.layer.message.top if top not in made]
        made.update(new)
        layers.append(Figures(_params(one), one.macs, _sum(_count(final[top]) for top in new) * _BYTES))
        own.append(_params(one, own=True))
    total = Figures(_sum(own), _sum(one.macs for one in layers), _sum(one.activation_bytes for one in layers))
    return Measured(graph, layers, total)


def _params(one: GraphLayer, *, own: bool = False) -> Dim:
    """Count the values in a layer's learned blobs; with `own`, without those whose storage is another's."""
    if one.blobs is None:
        return UNKNOWN
    owners = one.owners or [None] * len(one.blobs)
    return _sum(_count(blob) for blob, owner in zip(one.blobs, owners, strict=True) if not own or owner is None)


def _count(shape: Shape | None) -> Dim:
    return UNKNOWN if shape is None else shape.count()


def _sum(counts: Iterable[Dim]) -> Dim:
    total: Dim = 0
    for count in counts:
        total = total + count
    return total


def shape_text(shape: Shape | None) -> str:
    """Write a shape as tables and drawings show it."""
    if shape is None:
        return "?"
    return str(shape) if shape else "scalar"


def to_json(name: str, graphs: Mapping[str, Graph]) -> dict[str, Any]:
    """Make what `show --format json` writes, ready for `json.dumps`. `graphs` by target: "TRAIN", "TEST", "DEPLOY"."""
    return {"name": name, "phases": {target: _phase(measure(graph)) for target, graph in graphs.items()}}


def _phase(measured: Measured) -> dict[str, Any]:
    graph, total = measured.graph, measured.total
    return {
        "stages": list(graph.stages),
        "level": graph.level,
        "layers": [_layer(one, figures) for one, figures in zip(graph.layers, measured.layers, strict=True)],
        "blobs": {name: _dims(dims) for name, dims in graph.blobs.items()},
        "param_count": _known(total.params),
        "macs": _known(total.macs),
        "activation_bytes": _known(total.activation_bytes),
    }


def _layer(one: GraphLayer, figures: Figures) -> dict[str, Any]:
    message = one.layer.message
    return {
        "name": message.name,
        "type": message.type,
        "bottoms": list(message.bottom),
        "tops": list(message.top),
        "params": None if one.blobs is None else [None if blob is None else _dims(blob.dims) for blob in one.blobs],
        "param_count": _known(figures.params),
        "macs": _known(figures.macs),
    }


def _dims(dims: tuple[int | None, ...] | None) -> list[int | None] | None:
    return None if dims is None else list(dims)


def _known(count: Dim) -> int | None:
    return count if isinstance(count, int) else None
