"""Runs the layer rules in order over a net in one state: wiring, shapes, learned blobs, loss weights.

What Caffe refuses when it constructs the net becomes a finding at the layer's origin; a layer that is refused hands on
tops of unknown shape, so that nothing that only follows from a finding is found as well. Knows no YAML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.diagnostics import Note, worded
from netcompile.inferring.learned import Sharing, check_fillers, check_param_count, learned_blobs
from netcompile.ir import GUESSED, Graph, GraphLayer, Layer, Net, Version
from netcompile.layers import (
    LAYER_TYPES,
    Applied,
    Known,
    LayerType,
    apply_again,
    apply_type,
    check_declared_data,
    likely_learned,
    spatial_errors,
)
from netcompile.layers._words import plural
from netcompile.shapes import UNKNOWN, Shape, ShapeError, Unshaped, Wording
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.diagnostics import Report
    from netcompile.inferring.wires import Refusal, Wires

_MOST_GUESSED: Final = 100
_CUSTOM: Final = "`custom: true` or --allow-custom-layers"  # in a spec; prototxt has no such field
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
        self.guessed: dict[int, dict[int, str | None]] = {}  # of a layer, bottoms that nobody makes: what was meant
        self.refused: set[int] = set()  # layers with which something is wrong
        self.wiring: Wires | None = None  # once something is wrong with it
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
        return Graph(state.phase, state.stages, state.level, graph_layers, shapes, *wiring, refused=self.refused)

    def _add(
        self, layer: Layer, code: str, at: str, message: str, *, hint: str | Wording | None = None,
        notes: Sequence[Note] = (),
    ) -> None:  # fmt: skip
        name = layer.message.name
        text = f"{layer.message.type} '{name}': {message}" if name else f"{layer.message.type} layer: {message}"
        said = worded(hint, in_spec=layer.origin.in_spec)
        self.report.add(code, layer.origin.span(at), text, notes=(*notes, *layer.origin.notes(at)), hint=said)

    def _refuse(self, layer: Layer, refusal: Refusal) -> None:
        self._add(layer, refusal.code, refusal.at, refusal.message, hint=refusal.hint, notes=refusal.notes)

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
        guesses = self.guessed.setdefault(len(self.layers), {})
        guesses[i] = None
        if self.report.full("unknown-bottom"):
            return None
        # Of hundreds, one cause is more likely than as many slips.
        meant = self._wires().meant(layer, i, self.latest, guessing=len(self.report) < _MOST_GUESSED)
        if not layer.damaged.isdisjoint(("bottoms", "rules")):
            return None
        if self.incomplete and (meant.blob is None or meant.alike):
            return None  # a layer that is missing may make it
        guesses[i] = meant.blob
        text = f"bottom '{bottom}' is not a top of any layer before it in {self.state}"
        self._add(layer, "unknown-bottom", f"bottom:{i}", text, hint=meant.hint, notes=meant.notes)
        return None if meant.blob is None else self.latest.get(meant.blob)

    def _wires(self) -> Wires:
        from netcompile.inferring.wires import Wires  # noqa: PLC0415 - for the refused

        if self.wiring is None:
            self.wiring = Wires(self.net, self.state, self.layers)
        return self.wiring

    def _check_tops(self) -> None:
        """Each top must be a new name, or the bottom of the same index that nobody else reads."""
        owners: dict[str, int] = {}
        splits = self._split_names()
        twice: dict[tuple[int, int | None], list[int]] = {}
        for index, (bottoms, tops) in enumerate(self.names):
            for i, top in enumerate(tops):
                first = owners.get(top)
                if first is None and top not in splits:
                    owners[top] = index
                    continue
                read = self.wires[index][i] if i < len(bottoms) else None
                if read is None or bottoms[i] != top:
                    if self.guessed.get(index, {}).get(i) != top:  # else it was meant to be in place
                        twice.setdefault((index, first), []).append(i)
                elif read.uses > 1:
                    self.refused.add(index)
                    self._in_place_beside(index, i, first, read)
        for (index, first), found in twice.items():
            self.refused.add(index)
            layer, other = self.layers[index], None if first is None else self.layers[first]
            if not _lost_tops(layer, other) and not _has_too_many(layer, found):
                self._refuse(layer, self._wires().made_twice(layer, found, other))

    def _in_place_beside(self, index: int, i: int, first: int | None, read: Version) -> None:
        """Report a layer in place whose bottom others read too."""
        if self.report.full("in-place-reader") or _lost_tops(self.layers[index], None):
            return
        layer, wires = self.layers[index], self._wires()
        notes = [] if first is None else [wires.first_maker(layer.message.top[i], self.layers[first])]
        refusal = wires.read_before(layer, i, read.readers, notes)
        if refusal is not None:
            self._refuse(layer, refusal)

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

    # Shapes, one layer after the other.

    def _layer(self, index: int) -> GraphLayer:
        layer = self.layers[index]
        message = layer.message
        if "propagate_down" in layer.given or "loss_weight" in layer.given:
            self.steered.append(index)
        bottoms = [None if wire is None else wire.shape for wire in self.wires[index]]
        kind = LAYER_TYPES.get(message.type)
        if kind is None:
            self._check_type(index, layer)
            return self._finish(
                index, GraphLayer(layer, None, bottoms, [None] * len(message.top), None, (), (), UNKNOWN, ())
            )
        applied = apply_again(kind, message, bottoms, self.names[index], layer.given, self.known)
        if layer.forked:
            applied = _forgiven(applied, len(message.top))
        elif applied.errors or None in bottoms or index in self.guessed:
            applied = self._refused(index, kind, bottoms, applied)
        plain = "param" not in layer.given and "blobs" not in layer.given
        again = self.filled.get(id(applied)) if plain and not layer.damaged else None
        blobs, fillers = self._learned(index, kind, applied, plain=plain) if again is None else again[1]
        declared, tops = len(self.made[index]), applied.tops
        if layer.damaged and layer.damaged != GUESSED:
            tops = [None] * declared
        elif len(tops) != declared:  # Caffe makes missing tops of losses by itself
            tops = [*tops[:declared], *[None] * (declared - len(tops))]
        if self.steered and self.steered[-1] == index and not layer.damaged:
            self._check_counts(index, kind, applied.tops)
        owners = self.sharing.share(index, self.layers, blobs, self._add) if "param" in layer.given else ()
        return self._finish(
            index, GraphLayer(layer, kind, bottoms, tops, blobs, fillers, owners, applied.macs, applied.later)
        )

    def _refused(self, index: int, kind: LayerType, bottoms: Sequence[Shape | None], applied: Applied) -> Applied:
        """Report what a layer is refused for, where it is: nothing that rests on a guess."""
        if index in self.guessed:
            applied = self._sure(index, kind, bottoms, applied)
        elif kind.spatial_checks and not applied.errors and self.report.failed:
            applied = applied._replace(errors=spatial_errors(kind, self.layers[index].message))
        if applied.errors or index in self.guessed:
            self.refused.add(index)
        for error in () if self.layers[index].damaged else applied.errors:
            if error.code != "bottom-count" or self.wiring is None or not self.wiring.joins(self.layers[index]):
                self._shape_error(index, error)
        return applied

    def _sure(self, index: int, kind: LayerType, bottoms: Sequence[Shape | None], guess: Applied) -> Applied:
        """What holds of a layer whatever the bottoms that nobody makes are; the shapes that flow on may be a guess."""
        guessed = self.guessed[index]
        known = [None if i in guessed else shape for i, shape in enumerate(bottoms)]
        sure = apply_type(kind, self.layers[index].message, known)
        if sure.errors:
            return sure
        errors = spatial_errors(kind, self.layers[index].message)
        tops = [None] * len(guess.tops) if guess.errors else guess.tops
        return sure._replace(tops=tops, errors=errors)

    def _learned(self, index: int, kind: LayerType, applied: Applied, *, plain: bool) -> _Learned:
        """Shapes and fillers of the learned blobs. Those of a `plain` layer hold for all with its parameters."""
        layer = self.layers[index]
        if applied.errors and not layer.damaged:
            self._check_likely(index, kind)
        if applied.errors or applied.blobs is None or layer.damaged:
            return None, []
        shapes, fillers, errors = learned_blobs(kind, layer.message, applied.blobs)
        errors.extend(check_fillers(layer.message, shapes, fillers))
        if layer.forked and errors:
            return None, []
        for error in errors:
            self._shape_error(index, error)
        if plain and not errors:
            self.filled[id(applied)] = (applied, (shapes, fillers))
        return shapes, fillers

    def _check_likely(self, index: int, kind: LayerType) -> None:
        """Report what else is wrong with the learned blobs of a layer that is refused, whatever their shapes are."""
        message = self.layers[index].message
        fillers = likely_learned(kind, message)
        if fillers is None or message.blobs:
            return
        errors = check_fillers(message, [None] * len(fillers), fillers)
        for error in (*check_param_count(message, len(fillers)), *errors):
            self._shape_error(index, error)

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
        if not (layer.declared and tops):
            return graph_layer
        later = () if layer.forked else check_declared_data(layer.message, tops[0])
        return graph_layer._replace(tops=tops, later=[*graph_layer.later, *later])

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

    def _shape_error(self, index: int, error: ShapeError) -> None:
        """Report what a rule refuses in a layer, with what led to it."""
        from netcompile.inferring.trace import explain  # noqa: PLC0415 - for the refused
        from netcompile.inferring.ways import Wiring  # noqa: PLC0415 - likewise

        told = explain(error, index, Wiring(self.layers, self.names, self.wires))
        error = told.error
        self._add(self.layers[told.layer], error.code, error.at, error.message, hint=told.hint, notes=told.notes)

    def _check_type(self, index: int, layer: Layer) -> None:
        message = layer.message
        if layer.custom or "type" in layer.damaged or (layer.damaged and not message.type):
            return
        self.refused.add(index)
        from netcompile.language.names import meant_type  # noqa: PLC0415 - for the refused

        text = f"'{message.type}' is not a layer type of Caffe" if message.type else "the layer has no type"
        hint = meant_type(message.type, LAYER_TYPES).hint or f"a type of a fork or of your own needs {_CUSTOM}"
        if not layer.origin.in_spec:
            hint = hint.replace(_CUSTOM, "--allow-custom-layers")
        self._add(layer, "unknown-type" if message.type else "missing-field", "type", text, hint=hint)

    def _check_counts(self, index: int, kind: LayerType, tops: Sequence[Shape | None]) -> None:
        layer = self.layers[index]
        message = layer.message
        n = len(message.propagate_down)
        if n and n != len(message.bottom):
            text = f"propagate_down has {_each(n, len(message.bottom), 'bottom')}"
            self._add(layer, "propagate-down-count", "propagate_down", text)
        weights = message.loss_weight
        # A weighted top with another reader hands its weight, and with it all of the layer's, to the automatic split.
        if not weights or any(version.uses > 1 for version, w in zip(self.made[index], weights, strict=False) if w):
            return
        made = max(len(message.top), kind.tops_of(message).least if kind.loss else 0)
        if len(weights) != made:
            text = f"loss_weight has {_each(len(weights), made, 'top')}"
            self._add(layer, "loss-weight-count", "loss_weight", text)
            return
        for i, (weight, shape) in enumerate(zip(weights, tops, strict=False)):
            if weight and shape is not None and shape.count() == 0:
                self._add(
                    layer, "empty-blob", f"loss_weight:{i}", f"top {i}, {shape}, has a loss weight but no elements"
                )


def _lost_tops(layer: Layer, other: Layer | None) -> bool:
    """True where what makes the tops of two layers clash may be what one of them lost."""
    lost = layer.damaged if other is None else layer.damaged | other.damaged
    return not lost.isdisjoint(("tops", "rules"))


def _has_too_many(layer: Layer, tops: Sequence[int]) -> bool:
    """True where a layer repeats its own tops beyond those that it makes, which has a finding of its own."""
    message = layer.message
    kind = LAYER_TYPES.get(message.type)
    most = None if kind is None or layer.forked else kind.tops_of(message).most
    return most is not None and all(i >= most and message.top[i] in message.top[:i] for i in tops)


def _each(entries: int, blobs: int, noun: str) -> str:
    return f"{plural(entries, 'entry', 'entries')} for {plural(blobs, noun)}; give one each, or none"


def _forgiven(applied: Applied, tops: int) -> Applied:
    """What is known of a layer of which a fork may read more: a refusal may be none."""
    if applied.errors:
        return Applied([None] * tops, None, UNKNOWN, (), ())
    return applied._replace(later=()) if applied.later else applied


def _batch_size(message: LayerParameter) -> int:
    """The batch size of a data layer, which axis 0 of its tops has whatever the source holds; 0 where it has none."""
    kind = LAYER_TYPES.get(message.type)
    sizes = [getattr(getattr(message, field), "batch_size", 0) for field in kind.params] if kind and kind.data else []
    return int(max(sizes, default=0))
