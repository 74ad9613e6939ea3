"""Compares two nets by what they mean, phase by phase: a value in, a value out.

`Difference` is what `diffing.report` shows. Knows nets as graphs, not the files that they come from.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from netcompile.diffing.fields import (
    FieldChange,
    changed_fields,
    changed_header,
    changed_rules,
    depends_on_phase,
    meaning,
)
from netcompile.diffing.matching import Matches, Queues, Side
from netcompile.diffing.shapes import ShapeChange, changed_shapes
from netcompile.diffing.sizes import size_decides, try_sizes
from netcompile.diffing.weights import Weights, blobs_of, compare_weights
from netcompile.diffing.wires import changed_wires
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from netcompile.diffing.sides import NetSide
    from netcompile.diffing.weights import Model

_Entry = TypeVar("_Entry", "LayerEntry", "FieldEntry", "ShapeEntry")
# The phase of what is in neither phase without further stages or another level.
OTHER_STATES = "OTHER"


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

    `header` has fields of the net itself, `weights` what becomes of an old model's. `problems` says of either net what
    Caffe would refuse in it, so that shapes are not known. `told`: a model is given. `open_size`: an unknown size
    leaves open whether weights fit.
    """

    before: str
    after: str
    phases: list[str]
    header: list[FieldChange]
    layers: list[LayerEntry]
    fields: list[FieldEntry]
    shapes: list[ShapeEntry]
    weights: Weights
    problems: tuple[Sequence[str], Sequence[str]] = ((), ())
    told: bool = False
    open_size: bool = False

    @property
    def same_net(self) -> bool:
        """True where the nets do not differ."""
        return not (self.header or self.layers or self.fields or self.shapes)

    @property
    def equal(self) -> bool:
        """True where the nets do not differ, and are known to get all their weights from a model that is given."""
        return self.same_net and (self.weights.complete or not self.told)


def compare(
    old: NetSide, new: NetSide, *, inference: bool = False, asked: bool = False, model: Model | None = None
) -> Difference:
    """Compare two nets in the phases that both have graphs for.

    `asked`: they were asked for, so that layers of other states and rules that change nothing there don't count.
    `inference` leaves out what only training reads. `model` is an old model; without it the weights are those that
    the old net has.
    """
    phases = [phase for phase in old.graphs if phase in new.graphs]
    comparison = _Comparison(inference=inference, asked=asked)
    done: list[str] = []
    by_phase = any(depends_on_phase(layer) for side in (old, new) for layer in side.layers)
    for phase in phases:
        alike = next((one for one in done if all(_alike(side, one, phase) for side in (old, new))), None)
        if alike is None or by_phase:
            comparison.compare_phase(_side(old, phase), _side(new, phase), phase)
        else:
            comparison.repeat_phase(alike, phase)
        done.append(phase)
    if {"TRAIN", "TEST"} <= set(phases):
        comparison.compare_rest(_rest(old), _rest(new))
    trained = old if model is None else model.side
    stored = blobs_of(old.graphs[phase] for phase in phases) if model is None else model.blobs
    wanted = blobs_of(new.graphs[phase] for phase in phases)

    def decide(names: Collection[str]) -> dict[str, bool]:
        if trained is old and comparison.found_nothing:
            return dict.fromkeys(names, True)
        return try_sizes(trained, new, stored, names)

    weights = compare_weights(stored, wanted, decide)
    unknown = {one.layer for one in weights.unknown if None not in (one.before, one.after)}
    return Difference(
        before=old.name,
        after=new.name,
        phases=phases,
        header=[] if inference else changed_header(old.header, new.header),
        layers=list(comparison.layers.values()),
        fields=list(comparison.fields.values()),
        shapes=list(comparison.shapes.values()),
        weights=weights,
        problems=(old.problems, new.problems),
        told=model is not None,
        open_size=bool(unknown) and any(size_decides(side, unknown) for side in (trained, new)),
    )


def _side(side: NetSide, phase: str) -> Side:
    state = _state(side, phase)
    return Side(side.graphs[phase], [layer for layer in side.layers if includes(layer, state)])


def _alike(side: NetSide, one: str, other: str) -> bool:
    """True where no rule tells two phases apart."""
    return side.graphs[one].layers is side.graphs[other].layers


def _state(side: NetSide, phase: str) -> State:
    graph = side.graphs[phase]
    return State(phase, graph.level, tuple(graph.stages))


def _rest(side: NetSide) -> list[Any]:
    """The layers that are in no phase as it is compared."""
    states = [_state(side, phase) for phase in side.graphs]
    return [layer for layer in side.layers if not any(includes(layer, state) for state in states)]


class _Comparison:
    """Collects entries, by what they say: the same one in several phases is one."""

    def __init__(self, *, inference: bool, asked: bool) -> None:
        self.inference = inference
        self.asked = asked
        self.layers: dict[tuple[object, ...], LayerEntry] = {}
        self.fields: dict[tuple[object, ...], FieldEntry] = {}
        self.shapes: dict[tuple[object, ...], ShapeEntry] = {}
        self._counts: Counter[tuple[object, ...]] = Counter()  # of entries of one key in one phase
        self.alone: tuple[list[Any], list[Any]] = ([], [])  # layers of either net that are in a phase without partner

    @property
    def found_nothing(self) -> bool:
        """True where the layers are the same ones, as far as they were compared."""
        return not (self.layers or self.fields or self.shapes)

    def compare_phase(self, old: Side, new: Side, phase: str) -> None:
        """Compare the nets in one phase."""
        matches = Matches(old, new, partial(meaning, inference=self.inference, phase=phase))
        for i, layer in enumerate(old.layers):
            if i not in matches.after:
                self._add_layer("removed", layer, layer, phase)
                self.alone[0].append(layer)
        for j, layer in enumerate(new.layers):
            if j not in matches.before:
                self._add_layer("added", layer, layer, phase)
                self.alone[1].append(layer)
        for i, j in matches.pairs():
            before, after = old.layers[i], new.layers[j]
            if before.name != after.name:
                self._add_layer("renamed", after, before, phase)
            self._add_fields(after, [*changed_wires(matches, i, j), *self._changes(before, after, phase)], phase)
        for j, change in changed_shapes(matches):
            layer = new.layers[j]
            entry = ShapeEntry(layer.name, layer.type, change, [])
            self._add(self.shapes, (layer.name, repr(change)), entry, phase)

    def repeat_phase(self, alike: str, phase: str) -> None:
        """Take what was found in a phase for another, in which both nets have the same layers."""
        for entries in (self.layers, self.fields, self.shapes):
            for entry in entries.values():
                entry.phases.extend([phase] * (alike in entry.phases))

    def compare_rest(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Compare the layers that are in no phase: by name, in their order.

        One that is in a phase in the other net, and alone there, differs by its rules.
        """
        left = _Left(old)
        alone = _Left(self.alone[0]), _Left(self.alone[1])
        for layer in new:
            before = left.take(layer)
            gone = alone[0].take(layer) if before is None else None
            if gone is not None:
                self._add_fields(layer, changed_rules(gone, layer, None), OTHER_STATES)
            elif not self.asked:
                self._add_rest(before, layer)
        for layer in left.rest():
            come = alone[1].take(layer)
            if come is not None:
                self._add_fields(come, changed_rules(layer, come, None), OTHER_STATES)
            elif not self.asked:
                self._add_layer("removed", layer, layer, OTHER_STATES)

    def _add_rest(self, before: Any, layer: Any) -> None:
        """Add how a layer that is in no phase differs from the one of its name, None for none."""
        if before is None:
            self._add_layer("added", layer, layer, OTHER_STATES)
            return
        wires = [FieldChange(key, list(getattr(before, key)), list(getattr(layer, key))) for key in ("bottom", "top")]
        changed = [change for change in wires if change.before != change.after]
        self._add_fields(layer, [*changed, *self._changes(before, layer, None)], OTHER_STATES)

    def _changes(self, before: Any, after: Any, phase: str | None) -> list[FieldChange]:
        if before.SerializePartialToString() == after.SerializePartialToString():
            return []
        types = [] if before.type == after.type else [FieldChange("type", before.type, after.type)]
        fields = changed_fields(before, after, inference=self.inference, phase=phase)
        rules = [] if self.inference or self.asked else changed_rules(before, after, phase)
        return [*types, *fields, *rules]

    def _add_layer(self, what: str, layer: Any, old: Any, phase: str) -> None:
        entry = LayerEntry(what, layer.name, old.name, layer.type, [])
        self._add(self.layers, (what, layer.name, old.name, layer.type), entry, phase)

    def _add_fields(self, layer: Any, changes: Sequence[FieldChange], phase: str) -> None:
        for change in changes:
            entry = FieldEntry(layer.name, layer.type, change, [])
            self._add(self.fields, (layer.name, repr(change)), entry, phase)

    def _add(
        self, entries: dict[tuple[object, ...], _Entry], key: tuple[object, ...], entry: _Entry, phase: str
    ) -> None:
        """Add a phase to the entry of a key; of layers that say the same in one phase, each has an entry."""
        number = self._counts[id(entries), key, phase]
        self._counts[id(entries), key, phase] += 1
        entries.setdefault((key, number), entry).phases.append(phase)


class _Left:
    """Layers to be taken one by one, by name."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self._layers = dict(enumerate({id(layer): layer for layer in layers}.values()))  # one may be in two phases
        self._queues = Queues()
        for index, layer in self._layers.items():
            self._queues.add(index, layer.name, (layer.name, layer.type))

    def take(self, layer: Any) -> Any:
        """Take the first that has the name of a layer, one of its type before others; None for none."""
        index = self._queues.take((layer.name, layer.type), layer.name)
        return None if index is None else self._layers.pop(index)

    def rest(self) -> list[Any]:
        """Those that are not taken."""
        return list(self._layers.values())
