"""Runs the layer rules in order over a net in one state: wiring, shapes, learned blobs, loss weights.

What Caffe refuses when it constructs the net becomes a finding at the layer's origin; a layer that is refused hands on
tops of unknown shape, so that nothing that only follows from a finding is found as well. Knows no YAML.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.diagnostics import Note, did_you_mean
from netcompile.ir import GUESSED, Graph, GraphLayer, Layer, Net, Version
from netcompile.layers import LAYER_TYPES, Applied, Known, LayerType, apply_again
from netcompile.learned import Sharing, check_fillers, learned_blobs
from netcompile.shapes import UNKNOWN, Shape, ShapeError, Unshaped
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.diagnostics import Report

_IN_STATE_LIMIT: Final = 3
_MOST_GUESSED: Final = 100
_NEAR: Final = 500  # of the blobs made before, the last ones, among which is the one that was meant
_Learned: TypeAlias = "tuple[list[Shape | None] | None, list[str | None]]"


def infer(net: Net, state: State, report: Report, *, incomplete: bool = False, known: Known | None = None) -> Graph:
    """The graph of `net` in `state`. Findings go to `report`; where it has none that are errors, Caffe builds the net.

    `incomplete`: layers are missing that could not be read, so a blob that nobody makes is not held against its reader.
    `known` keeps what was derived, for another state of the same net.
    """
    return _Inference(net, state, report, {} if known is None else known, incomplete=incomplete).run()


class _Inference:
    def __init__(self, net: Net, state: State, report: Report, known: Known, *, incomplete: bool) -> None:
        self.net = net
        self.state = state
        self.report = report
        self.incomplete = incomplete
        self.known = known
        self.layers: list[Layer] = []
        self.names: list[tuple[list[str], list[str]]] = []  # of each layer, its bottoms and tops
        self.wires: list[list[Version | None]] = []  # of each layer, the version that each bottom reads
        self.made: list[list[Version]] = []  # of each layer, the version that each top writes
        self.steered: list[int] = []  # layers with loss_weight or propagate_down
        self.latest: dict[str, Version] = {}
        self.makers: dict[str, list[Layer]] | None = None  # of each top in any state, once it is asked for
        self.sharing = Sharing()
        self.filled: dict[int, tuple[Applied, _Learned]] = {}  # by identity of what was derived, which is kept

    def run(self) -> Graph:
        for layer in self.net.layers:
            if "include" in layer.given or "exclude" in layer.given:
                self._check_rules(layer)
                if not includes(layer.message, self.state):
                    continue
            self._wire(layer)
        self._check_tops()
        graph_layers = [self._layer(i) for i in range(len(self.layers))]
        shapes = {name: version.shape for name, version in self.latest.items()}
        state = self.state
        wiring = (self.names, self.wires, self.made, self.steered)
        return Graph(state.phase, state.stages, state.level, graph_layers, shapes, *wiring)

    def _add(
        self, layer: Layer, code: str, at: str, message: str, *, hint: str | None = None, notes: Sequence[Note] = ()
    ) -> None:
        name = layer.message.name
        text = f"{layer.message.type} '{name}': {message}" if name else f"{layer.message.type} layer: {message}"
        self.report.add(code, layer.origin.span(at), text, notes=(*notes, *layer.origin.notes(at)), hint=hint)

    def _check_rules(self, layer: Layer) -> None:
        message = layer.message
        if message.include and message.exclude:
            text = "has include and exclude rules; Caffe takes one kind on a layer"
            self._add(
                layer,
                "include-and-exclude",
                "exclude:0",
                text,
                hint="say all of it with `include`, or all with `exclude`",
            )

    # Wiring: which version of a blob each bottom reads.

    def _wire(self, layer: Layer) -> None:
        message = layer.message
        index, latest = len(self.layers), self.latest
        bottoms, tops = message.bottom[:], message.top[:]
        wires: list[Version | None] = []
        for bottom in bottoms:
            version = latest.get(bottom)
            if version is None:
                version = self._unknown_bottom(layer, len(wires), bottom)
            else:
                version.uses += 1
                version.readers.append(index)
            wires.append(version)
        made: list[Version] = []
        for top in tops:
            version = latest[top] = Version(index)
            made.append(version)
        if "loss_weight" in layer.given:
            for version, weight in zip(made, message.loss_weight, strict=False):
                version.uses += weight != 0  # an explicit weight reads its top through the automatic split
        self.layers.append(layer)
        self.names.append((bottoms, tops))
        self.wires.append(wires)
        self.made.append(made)

    def _unknown_bottom(self, layer: Layer, i: int, bottom: str) -> Version | None:
        """Report an unknown bottom. Gives the version that was probably meant, so that shapes flow on."""
        if self.report.full("unknown-bottom"):
            return None
        # Of hundreds, one cause is more likely than as many slips.
        guessing = len(self.report) < _MOST_GUESSED
        meant = did_you_mean(bottom, islice(reversed(self.latest), _NEAR)) if guessing else None
        if not layer.damaged.isdisjoint(("bottoms", "rules")) or (self.incomplete and meant is None):
            return None
        notes, elsewhere = self._makers(layer, bottom)
        guess = None if elsewhere or not meant else f"did you mean '{meant}'?"
        hint = guess if guess or elsewhere else _hint_without_labels(layer)
        text = f"bottom '{bottom}' is not a top of any layer before it in {self.state}"
        self._add(layer, "unknown-bottom", f"bottom:{i}", text, hint=hint, notes=notes)
        return self.latest.get(meant) if meant and guess else None

    def _makers(self, layer: Layer, bottom: str) -> tuple[list[Note], bool]:
        """Layers that make `bottom`, but in another state or further down."""
        if self.makers is None:
            self.makers = {}
            for other in self.net.layers:
                for top in set(other.message.top):
                    self.makers.setdefault(top, []).append(other)
        others = [other for other in self.makers.get(bottom, ()) if other is not layer][:_IN_STATE_LIMIT]
        notes = []
        for other in others:
            # One that is in the net is further down, or its top would be known.
            where = "is defined later" if includes(other.message, self.state) else f"does not exist in {self.state}"
            notes.append(Note(f"'{other.message.name}', which makes it, {where}", other.origin.span("top")))
        return notes, bool(notes)

    def _check_tops(self) -> None:
        """Each top must be a new name, or the bottom of the same index that nobody else reads."""
        owners: dict[str, int] = {}
        splits = self._split_names()
        for index, (bottoms, tops) in enumerate(self.names):
            for i, top in enumerate(tops):
                first = owners.get(top)
                if first is None and top not in splits:
                    owners[top] = index
                    continue
                read = self.wires[index][i] if i < len(bottoms) else None
                if i < len(bottoms) and bottoms[i] == top and read is not None and read.uses == 1:
                    continue
                self._duplicate_top(self.layers[index], i, top, first, read)

    def _split_names(self) -> frozenset[str] | set[str]:
        """Names of the copies that Caffe makes of blobs with several readers, where a top could clash with one."""
        if not any("_split_" in top for top in self.latest):
            return frozenset()
        names: set[str] = set()
        for layer, made in zip(self.layers, self.made, strict=True):
            for i, version in enumerate(made):
                if version.uses > 1:
                    stem = f"{layer.message.top[i]}_{layer.message.name}_{i}_split_"
                    names.update(f"{stem}{k}" for k in range(version.uses))
        return names

    def _duplicate_top(self, layer: Layer, i: int, top: str, first: int | None, read: Version | None) -> None:
        lost = layer.damaged if first is None else layer.damaged | self.layers[first].damaged
        if not lost.isdisjoint(("tops", "rules")):
            return
        notes = []
        if first is not None:
            other = self.layers[first]
            notes.append(Note(f"'{other.message.name}' makes it first", other.origin.span("top")))
        bottoms = list(layer.message.bottom)
        if i < len(bottoms) and bottoms[i] == top and read is not None:
            if self.report.full("in-place-reader"):
                return
            notes = [*self._readers(read, layer), *notes]
            text = f"works in place on '{top}', which another layer reads before it"
            remedy = "give it a top of its own, or move the other reader behind it"
            self._add(layer, "in-place-reader", f"top:{i}", text, hint=remedy, notes=notes)
            return
        text = f"top '{top}' is already made in {self.state}"
        hint = "in place works on the bottom of the same index only" if top in bottoms else None
        if first is not None and not bottoms and not self.layers[first].message.bottom:
            hint = (
                "data for each phase: `train:` and `test:` in one layer, or `include: TRAIN` and `include: TEST` in two"
            )
        self._add(layer, "duplicate-top", f"top:{i}", text, hint=hint, notes=notes)

    def _readers(self, version: Version, but: Layer) -> list[Note]:
        readers = [
            layer for layer, wires in zip(self.layers, self.wires, strict=True) if version in wires and layer is not but
        ]
        return [Note(f"'{r.message.name}' reads it", r.origin.span("bottom")) for r in readers[:_IN_STATE_LIMIT]]

    # Shapes, one layer after the other.

    def _layer(self, index: int) -> GraphLayer:
        layer = self.layers[index]
        message = layer.message
        if "propagate_down" in layer.given or "loss_weight" in layer.given:
            self.steered.append(index)
        bottoms = [None if wire is None else wire.shape for wire in self.wires[index]]
        kind = LAYER_TYPES.get(message.type)
        if kind is None:
            self._check_type(layer)
            return self._finish(
                index, GraphLayer(layer, None, bottoms, [None] * len(message.top), None, (), (), UNKNOWN, ())
            )
        applied = apply_again(kind, message, bottoms, self.names[index], layer.given, self.known)
        if layer.forked and applied.errors:
            applied = Applied([None] * len(message.top), None, UNKNOWN, (), ())
        elif layer.forked and applied.later:
            applied = applied._replace(later=())
        if not layer.damaged:
            for error in applied.errors:
                self._shape_error(layer, error, index)
        plain = "param" not in layer.given and "blobs" not in layer.given
        again = self.filled.get(id(applied)) if plain and not layer.damaged else None
        blobs, fillers = self._learned(layer, kind, applied, plain=plain) if again is None else again[1]
        declared, tops = len(self.made[index]), applied.tops
        if layer.damaged and layer.damaged != GUESSED:
            tops = [None] * declared
        elif len(tops) != declared:  # Caffe makes missing tops of losses by itself
            tops = [*tops[:declared], *[None] * (declared - len(tops))]
        if self.steered and self.steered[-1] == index:
            self._check_counts(index, kind, applied.tops)
        owners = self.sharing.share(index, self.layers, blobs, self._add) if "param" in layer.given else ()
        return self._finish(
            index, GraphLayer(layer, kind, bottoms, tops, blobs, fillers, owners, applied.macs, applied.later)
        )

    def _learned(self, layer: Layer, kind: LayerType, applied: Applied, *, plain: bool) -> _Learned:
        """Shapes and fillers of the learned blobs. Those of a `plain` layer hold for all with its parameters."""
        if applied.errors or applied.blobs is None or layer.damaged:
            return None, []
        shapes, fillers, errors = learned_blobs(kind, layer.message, applied.blobs)
        errors.extend(check_fillers(layer.message, shapes, fillers))
        if layer.forked and errors:
            return None, []
        for error in errors:
            self._shape_error(layer, error)
        if plain and not errors:
            self.filled[id(applied)] = (applied, (shapes, fillers))
        return shapes, fillers

    def _finish(self, index: int, graph_layer: GraphLayer) -> GraphLayer:
        """Lay the declared shapes over the inferred ones, and give the versions theirs."""
        layer, tops = graph_layer.layer, graph_layer.tops
        if layer.declared:
            tops = list(tops)
            for i, name in enumerate(layer.message.top):
                declared = layer.declared.get(name)
                if declared is not None:
                    tops[i] = self._declared(layer, i, declared, tops[i])
        for i, (version, shape) in enumerate(zip(self.made[index], tops, strict=True)):
            version.shape = shape
            if version.uses > 1 and type(shape) is Unshaped:
                top = layer.message.top[i]
                text = f"top '{top}' has no shape, and {version.uses} readers that Caffe would copy it for"
                self._add(layer, "empty-blob", f"top:{i}", text, hint="give its `shape`")
        return graph_layer._replace(tops=tops) if layer.declared else graph_layer

    def _declared(self, layer: Layer, i: int, declared: Shape, inferred: Shape | None) -> Shape:
        if type(inferred) is Unshaped:
            return declared
        if inferred is None:
            batch = _batch_size(layer.message)
            if not batch or not declared or declared[0] == batch:
                return declared
            inferred = declared.replaced(0, batch)
        if declared.differs(inferred):
            name = layer.message.top[i]
            text = f"top '{name}' is declared {declared}, but its parameters give {inferred}"
            self._add(layer, "shape-mismatch", f"top_shapes:{name}", text)
            return inferred
        return Shape(a if type(a) is int else b for a, b in zip(inferred, declared, strict=True))

    def _shape_error(self, layer: Layer, error: ShapeError, index: int | None = None) -> None:
        notes, hint = self._explain(error, index)
        self._add(layer, error.code, error.at, error.message, hint=hint, notes=notes)

    def _explain(self, error: ShapeError, index: int | None) -> tuple[Sequence[Note], str | None]:
        """Where the sizes come from that don't fit, and the hint; `index` is that of the layer they don't fit in."""
        from netcompile.trace import TRACED, Wiring, explain  # noqa: PLC0415 - for the refused

        if index is None or error.code not in TRACED:
            return (), error.hint
        return explain(error, index, Wiring(self.layers, self.names, self.wires))

    def _check_type(self, layer: Layer) -> None:
        message = layer.message
        if layer.custom or layer.damaged:
            return
        from netcompile.language.names import meant_type  # noqa: PLC0415 - for the refused

        text = f"'{message.type}' is not a layer type of Caffe" if message.type else "the layer has no type"
        own = "a type of a fork or of your own needs `custom: true` or --allow-custom-layers"
        hint = meant_type(message.type, LAYER_TYPES).hint or own
        self._add(layer, "unknown-type" if message.type else "missing-field", "type", text, hint=hint)

    def _check_counts(self, index: int, kind: LayerType, tops: Sequence[Shape | None]) -> None:
        layer = self.layers[index]
        message = layer.message
        n = len(message.propagate_down)
        if n and n != len(message.bottom):
            text = f"propagate_down has {n} entries for {len(message.bottom)} bottoms; give one each, or none"
            self._add(layer, "propagate-down-count", "propagate_down", text)
        weights = message.loss_weight
        # A weighted top with another reader hands its weight, and with it all of the layer's, to the automatic split.
        if not weights or any(version.uses > 1 for version, w in zip(self.made[index], weights, strict=False) if w):
            return
        made = max(len(message.top), kind.tops_of(message).least if kind.loss else 0)
        if len(weights) != made:
            text = f"loss_weight has {len(weights)} entries for {made} tops; give one each, or none"
            self._add(layer, "loss-weight-count", "loss_weight", text)
            return
        for i, (weight, shape) in enumerate(zip(weights, tops, strict=False)):
            if weight and shape is not None and shape.count() == 0:
                self._add(
                    layer, "empty-blob", f"loss_weight:{i}", f"top {i}, {shape}, has a loss weight but no elements"
                )


def _hint_without_labels(layer: Layer) -> str | None:
    """What to do with a loss or a measure whose labels nobody makes, as in a deploy net."""
    kind = LAYER_TYPES.get(layer.message.type)
    if kind is None or not (kind.loss or kind.name == "Accuracy"):
        return None
    return "a deploy net has no labels: leave this layer out of it"


def _batch_size(message: LayerParameter) -> int:
    """The batch size of a data layer, which axis 0 of its tops has whatever the source holds; 0 where it has none."""
    kind = LAYER_TYPES.get(message.type)
    sizes = [getattr(getattr(message, field), "batch_size", 0) for field in kind.params] if kind and kind.data else []
    return int(max(sizes, default=0))
