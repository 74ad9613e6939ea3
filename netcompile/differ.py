"""Compares two nets by what they mean, phase by phase: a value in, a value out.

`Difference` is what `diffing.report` shows. Knows nets as graphs, not the files that they come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from netcompile.diffing.fields import FieldChange, changed_fields, changed_header, changed_rules
from netcompile.diffing.matching import Matches, Side
from netcompile.diffing.shapes import ShapeChange, changed_shapes
from netcompile.diffing.weights import Weights, blobs_of, compare_weights
from netcompile.diffing.wires import changed_wires
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netcompile.diffing.weights import Blob
    from netcompile.ir import Graph

# The phase of what is in neither phase without further stages or another level.
OTHER_STATES = "OTHER"


class NetSide(NamedTuple):
    """One of the nets: the name that it goes by, the whole net as a message, and its graphs by phase."""

    name: str
    net: Any
    graphs: Mapping[str, Graph]


class LayerEntry(NamedTuple):
    """A layer that only one net has, or that has another name: `what` is "removed", "added" or "renamed" from `old`.

    `phases` has those in which it is so, of this and of all entries: "TRAIN", "TEST", "DEPLOY" or "OTHER".
    """

    what: str
    layer: str
    old: str
    type: str
    phases: list[str]


class FieldEntry(NamedTuple):
    """A parameter, bottom or top of a layer that differs. `layer` is its name in the new net."""

    layer: str
    type: str
    change: FieldChange
    phases: list[str]


class ShapeEntry(NamedTuple):
    """A blob of a layer whose shape differs."""

    layer: str
    type: str
    change: ShapeChange
    phases: list[str]


class Difference(NamedTuple):
    """What differs between two nets, in the phases that were compared.

    `header` has fields of the net itself, `weights` what becomes of an old model's.
    """

    before: str
    after: str
    phases: list[str]
    header: list[FieldChange]
    layers: list[LayerEntry]
    fields: list[FieldEntry]
    shapes: list[ShapeEntry]
    weights: Weights

    @property
    def same_net(self) -> bool:
        """True where the nets do not differ."""
        return not (self.header or self.layers or self.fields or self.shapes)

    @property
    def equal(self) -> bool:
        """True where the nets do not differ, and the weights of a model that is given fit."""
        return self.same_net and not self.weights.refused


def compare(
    old: NetSide, new: NetSide, *, inference: bool = False, model: Mapping[str, Sequence[Blob]] | None = None
) -> Difference:
    """Compare two nets in the phases that both have graphs for.

    `inference` leaves out what only training reads. `model` has the blobs of an old model, by layer; without it they
    are those that the old net has.
    """
    phases = [phase for phase in old.graphs if phase in new.graphs]
    comparison = _Comparison(inference=inference)
    for phase in phases:
        comparison.compare_phase(_side(old, phase), _side(new, phase), phase)
    if {"TRAIN", "TEST"} <= set(phases):
        comparison.compare_rest(_rest(old), _rest(new))
    stored = blobs_of(old.graphs[phase] for phase in phases) if model is None else model
    return Difference(
        before=old.name,
        after=new.name,
        phases=phases,
        header=[] if inference else changed_header(old.net, new.net),
        layers=list(comparison.layers.values()),
        fields=list(comparison.fields.values()),
        shapes=list(comparison.shapes.values()),
        weights=compare_weights(stored, blobs_of(new.graphs[phase] for phase in phases)),
    )


def _side(side: NetSide, phase: str) -> Side:
    graph = side.graphs[phase]
    state = State(phase, graph.level, tuple(graph.stages))
    return Side(graph, [layer for layer in side.net.layer if includes(layer, state)])


def _rest(side: NetSide) -> list[Any]:
    """The layers that are in no phase as it is compared."""
    states = [State(phase, graph.level, tuple(graph.stages)) for phase, graph in side.graphs.items()]
    return [layer for layer in side.net.layer if not any(includes(layer, state) for state in states)]


class _Comparison:
    """Collects entries, by what they say: the same one in several phases is one."""

    def __init__(self, *, inference: bool) -> None:
        self.inference = inference
        self.layers: dict[tuple[str, ...], LayerEntry] = {}
        self.fields: dict[tuple[str, ...], FieldEntry] = {}
        self.shapes: dict[tuple[str, ...], ShapeEntry] = {}

    def compare_phase(self, old: Side, new: Side, phase: str) -> None:
        """Compare the nets in one phase."""
        matches = Matches(old, new, self._same)
        for i, layer in enumerate(old.layers):
            if i not in matches.after:
                self._add_layer("removed", layer, layer, phase)
        for j, layer in enumerate(new.layers):
            if j not in matches.before:
                self._add_layer("added", layer, layer, phase)
        for i, j in matches.pairs():
            before, after = old.layers[i], new.layers[j]
            if before.name != after.name:
                self._add_layer("renamed", after, before, phase)
            self._add_fields(after, [*changed_wires(matches, i, j), *self._changes(before, after, phase)], phase)
        for j, change in changed_shapes(matches):
            key = (new.layers[j].name, repr(change))
            entry = ShapeEntry(new.layers[j].name, new.layers[j].type, change, [])
            self.shapes.setdefault(key, entry).phases.append(phase)

    def compare_rest(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Compare the layers that are in no phase: by name, in their order."""
        named: dict[str, list[Any]] = {}
        for layer in old:
            named.setdefault(layer.name, []).append(layer)
        for layer in new:
            if not named.get(layer.name):
                self._add_layer("added", layer, layer, OTHER_STATES)
                continue
            before = named[layer.name].pop(0)
            wires = [
                FieldChange(key, list(getattr(before, key)), list(getattr(layer, key))) for key in ("bottom", "top")
            ]
            changed = [change for change in wires if change.before != change.after]
            self._add_fields(layer, [*changed, *self._changes(before, layer, None)], OTHER_STATES)
        for layer in (layer for layers in named.values() for layer in layers):
            self._add_layer("removed", layer, layer, OTHER_STATES)

    def _same(self, before: Any, after: Any) -> bool:
        return not changed_fields(before, after, inference=self.inference)

    def _changes(self, before: Any, after: Any, phase: str | None) -> list[FieldChange]:
        types = [] if before.type == after.type else [FieldChange("type", before.type, after.type)]
        rules = [] if self.inference else changed_rules(before, after, phase)
        return [*types, *changed_fields(before, after, inference=self.inference), *rules]

    def _add_layer(self, what: str, layer: Any, old: Any, phase: str) -> None:
        entry = LayerEntry(what, layer.name, old.name, layer.type, [])
        self.layers.setdefault((what, layer.name, old.name, layer.type), entry).phases.append(phase)

    def _add_fields(self, layer: Any, changes: Sequence[FieldChange], phase: str) -> None:
        for change in changes:
            entry = FieldEntry(layer.name, layer.type, change, [])
            self.fields.setdefault((layer.name, repr(change)), entry).phases.append(phase)
