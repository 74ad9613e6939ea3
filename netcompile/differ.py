"""Compares two nets by what they mean, phase by phase: a value in, a value out.

`Difference` is what `diffing.report` shows. Knows nets as graphs, not the files that they come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.diffing.fields import FieldChange, changed_fields, changed_header, changed_rules
from netcompile.diffing.matching import Matches, Side
from netcompile.diffing.shapes import ShapeChange, changed_shapes
from netcompile.diffing.weights import Weights, blobs_of, compare_weights
from netcompile.diffing.wires import changed_wires
from netcompile.records import NamedTuple
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netcompile.diffing.weights import Blob
    from netcompile.ir import Graph

OTHER_STATES = "OTHER"


class NetSide(NamedTuple):
    """One of the nets: the name that it goes by, the whole net as a message, and its graphs by phase."""

    name: str
    net: Any
    graphs: Mapping[str, Graph]


class Entry(NamedTuple):
    """One thing that differs. `what` is "removed", "added", "renamed", "changed" or "reshaped".

    `layer` is the layer's name in the new net (of a removed one, in the old), `old` its old name. `change` has the
    field or shape. `phases` are those in which it is so: "TRAIN", "TEST", "DEPLOY", or "OTHER" for stages and levels
    that neither has.
    """

    what: str
    layer: str
    old: str
    type: str
    change: FieldChange | ShapeChange | None
    phases: list[str]


class Difference(NamedTuple):
    """What differs between two nets. `header` has fields of the net itself, `weights` what becomes of an old model's."""

    before: str
    after: str
    phases: list[str]
    header: list[FieldChange]
    entries: list[Entry]
    weights: Weights

    @property
    def equal(self) -> bool:
        """True where nothing differs, and the weights of the model, where one is given, fit."""
        return not (self.header or self.entries or self.weights.refused)

    def of(self, what: str) -> list[Entry]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry.what == what]


def compare(
    old: NetSide, new: NetSide, *, inference: bool = False, model: Mapping[str, Sequence[Blob]] | None = None
) -> Difference:
    """Compare two nets in the phases that both have graphs for.

    `inference` leaves out what only training reads. `model` has the blobs of an old model, by layer; without it they
    are those that the old net has.
    """
    phases = [phase for phase in old.graphs if phase in new.graphs]
    collected = _Collected()
    for phase in phases:
        matches = Matches(_side(old, phase), _side(new, phase), _same(inference=inference))
        _compare_phase(matches, phase, collected, inference=inference)
    if {"TRAIN", "TEST"} <= set(phases):
        _compare_rest(old, new, collected)
    stored = blobs_of(old.graphs[phase] for phase in phases) if model is None else model
    weights = compare_weights(stored, blobs_of(new.graphs[phase] for phase in phases))
    header = [] if inference else changed_header(old.net, new.net)
    return Difference(old.name, new.name, phases, header, collected.entries(), weights)


class _Collected:
    """Entries by what they say; the same one in several phases is one."""

    def __init__(self) -> None:
        self._found: dict[str, Entry] = {}

    def add(self, phase: str, what: str, layer: Any, old: Any = None, change: FieldChange | ShapeChange | None = None) -> None:
        entry = Entry(what, layer.name, (layer if old is None else old).name, layer.type, change, [])
        self._found.setdefault(repr(entry), entry).phases.append(phase)

    def entries(self) -> list[Entry]:
        return list(self._found.values())


def _side(side: NetSide, phase: str) -> Side:
    graph = side.graphs[phase]
    state = State(phase, graph.level, graph.stages)
    return Side(graph, [layer for layer in side.net.layer if includes(layer, state)])


def _same(*, inference: bool) -> Callable[[Any, Any], bool]:
    return lambda old, new: not changed_fields(old, new, inference=inference)


def _compare_phase(matches: Matches, phase: str, collected: _Collected, *, inference: bool) -> None:
    old, new = matches.old, matches.new
    for i, layer in enumerate(old.layers):
        if i not in matches.after:
            collected.add(phase, "removed", layer)
    for j, layer in enumerate(new.layers):
        if j not in matches.before:
            collected.add(phase, "added", layer)
    for i, j in matches.pairs():
        before, after = old.layers[i], new.layers[j]
        if before.name != after.name:
            collected.add(phase, "renamed", after, before)
        for change in (*changed_wires(matches, i, j), *_changes(before, after, phase, inference=inference)):
            collected.add(phase, "changed", after, before, change)
    for j, shape_change in changed_shapes(matches):
        collected.add(phase, "reshaped", new.layers[j], None, shape_change)


def _changes(before: Any, after: Any, phase: str | None, *, inference: bool = False) -> list[FieldChange]:
    changes = [] if before.type == after.type else [FieldChange("type", before.type, after.type)]
    rules = [] if inference else changed_rules(before, after, phase)
    return [*changes, *changed_fields(before, after, inference=inference), *rules]


def _compare_rest(old: NetSide, new: NetSide, collected: _Collected) -> None:
    """Compare the layers that are in no phase as it is without further stages or levels: by name, in their order."""
    named: dict[str, list[Any]] = {}
    for layer in _rest(old):
        named.setdefault(layer.name, []).append(layer)
    for layer in _rest(new):
        if not named.get(layer.name):
            collected.add(OTHER_STATES, "added", layer)
            continue
        before = named[layer.name].pop(0)
        names = [FieldChange(key, list(getattr(before, key)), list(getattr(layer, key))) for key in ("bottom", "top")]
        changes = [*(change for change in names if change.before != change.after), *_changes(before, layer, None)]
        for change in changes:
            collected.add(OTHER_STATES, "changed", layer, before, change)
    for layer in (layer for layers in named.values() for layer in layers):
        collected.add(OTHER_STATES, "removed", layer)


def _rest(side: NetSide) -> list[Any]:
    states = [State(phase, graph.level, graph.stages) for phase, graph in side.graphs.items()]
    return [layer for layer in side.net.layer if not any(includes(layer, state) for state in states)]
