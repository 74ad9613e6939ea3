"""Derives the net for inference from the layers as they are in deploy.

Losses become what they were taken of, data layers become inputs, and only what the outputs need is kept. Training's own
fields go. Knows names and messages; shapes only as far as inputs need them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.deploying.inference import for_inference, is_own, shared_names, with_tops
from netcompile.deploying.losses import converted, is_converted, output_bottoms, was_loss, without_doubles
from netcompile.deploying.options import read_options
from netcompile.deploying.weights import check_weights
from netcompile.diagnostics import Note, Report, did_you_mean
from netcompile.ir import Absent, Layer, Net
from netcompile.language.declared import shape_nodes
from netcompile.language.origin import SpecOrigin
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.records import NamedTuple
from netcompile.shapes import Shape
from netcompile.states import State, includes
from netcompile.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netcompile.deploying.options import DeployOptions
    from netcompile.forks.read import Fork
    from netcompile.ir import Origin
    from netcompile.tree import Span

__all__ = ["Derived", "check_weights", "derive_deploy", "is_own", "layers_in_deploy", "read_options"]

_KEPT_SOURCES: Final = frozenset({"Input", "DummyData", "Parameter"})


class Derived(NamedTuple):
    """A deploy net. `checked` has also the layers that are in deploy alone and that no output needs."""

    net: Net
    checked: Net


def derive_deploy(net: Net, options: DeployOptions, report: Report, fork: Fork | None = None) -> Derived | None:
    """The deploy net of `net`, the layers as they are in deploy; None where what it should hold can't be told.

    Layers that are put in for inputs are in our messages, even where the others are in those of `fork`.
    """
    state = _state(net, options)
    layers = layers_in_deploy(net, options)
    left = [layer for layer in net.layers if not includes(layer.message, state)]
    absent = [*net.absent, *(Absent(layer.message.name, layer.message.top, layer.origin) for layer in left)]
    return _Deriver(layers, net._replace(layers=(), absent=absent), options, report, fork).run()


def layers_in_deploy(net: Net, options: DeployOptions) -> list[Layer]:
    """The layers whose tops can be outputs, losses converted; not all of them need be needed."""
    state = _state(net, options)
    kept = [converted(layer) for layer in net.layers if includes(layer.message, state)]
    return [*_fed_by_name(kept, options), *without_doubles(kept)]


def _state(net: Net, options: DeployOptions) -> State:
    return State("DEPLOY", 0, (*net.header.state.stage, *options.stages))


def _fed_by_name(layers: Sequence[Layer], options: DeployOptions) -> list[Layer]:
    """A layer for each blob that `inputs` gives and that is read, though nothing makes it in deploy."""
    if not options.inputs:
        return []
    made = {top for layer in layers for top in layer.message.top}
    read = {bottom for layer in layers for bottom in layer.message.bottom}
    missing = [name for name in options.inputs if name in read and name not in made]
    return [Layer(LayerParameter(name=name, type="Input", top=[name]), (), options.inputs[name]) for name in missing]


class _Wiring:
    """Of each layer, the layer that makes what each bottom reads; and the last maker of each blob."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.reads: list[list[int | None]] = []
        self.makers: dict[str, int] = {}
        for index, layer in enumerate(layers):
            self.reads.append([self.makers.get(bottom) for bottom in layer.message.bottom])
            self.makers.update(dict.fromkeys(layer.message.top, index))

    def first_maker(self, blob: str, maker: int) -> int:
        """The layer that makes what a chain of layers in place, up to `maker`, changes."""
        bottoms = self.layers[maker].message.bottom
        while blob in bottoms:
            before = self.reads[maker][list(bottoms).index(blob)]
            if before is None:
                break
            maker, bottoms = before, self.layers[before].message.bottom
        return maker


class _Deriver:
    def __init__(
        self, layers: Sequence[Layer], net: Net, options: DeployOptions, report: Report, fork: Fork | None
    ) -> None:
        self.layers = layers
        self.net = net
        self.options = options
        self.report = report
        self.fork = fork
        self.failed = False
        self.wiring = _Wiring(layers)

    def run(self) -> Derived | None:
        outputs = self._outputs()
        needed, tops = self._walk(outputs)
        self._check_names(needed)
        self._check_inputs(tops)
        idle = [] if self.failed else self._idle(needed)
        net = None if self.failed else self._net(needed, tops)
        if net is None:
            return None
        return Derived(net, self._with_idle(outputs, idle) or net if idle else net)

    def _net(self, needed: set[int], tops: dict[int, set[str]]) -> Net | None:
        """The net of the needed layers, with inputs for the data that they read."""
        shared = shared_names(self.layers[i].message for i in needed)
        layers: list[Layer] = []
        for index, layer in enumerate(self.layers):
            layers.extend(self._inputs(index, layer, tops))
            if index in needed and not _is_data(layer):
                message = for_inference(layer.message, shared)
                layers.append(layer._replace(message=with_tops(message, tops[index])))
        header = type(self.net.header)()
        header.CopyFrom(self.net.header)
        header.ClearField("state")
        return None if self.failed else Net(header, layers, [*self.net.absent, *self._left(needed)])

    def _left(self, needed: set[int]) -> Iterator[Absent]:
        """The layers that are not needed, for what has to be said of a layer that reads what nobody makes."""
        if not any(None in self.wiring.reads[index] for index in needed):
            return
        for index, layer in enumerate(self.layers):
            if index not in needed:
                yield Absent(layer.message.name, layer.message.top, layer.origin, unneeded=True)

    def _fail(
        self,
        span: Span | None,
        code: str,
        message: str,
        meant: str | None = None,
        *,
        hint: str | None = None,
        notes: Iterable[Note] = (),
    ) -> None:
        self.failed = True
        self.report.add(code, span, message, hint=f"did you mean '{meant}'?" if meant else hint, notes=notes)

    # Outputs

    def _outputs(self) -> list[tuple[str, int]]:
        """The blobs that the net is for, each with the layer that makes it."""
        if self.options.outputs:
            return self._named_outputs()
        outputs: dict[tuple[str, int], None] = {}
        for index, layer in enumerate(self.layers):
            message = layer.message
            if was_loss(layer) and message.top:
                outputs[message.top[0], index] = None
                continue
            for i in output_bottoms(message):
                maker = self.wiring.reads[index][i] if i < len(self.wiring.reads[index]) else None
                if maker is not None:
                    outputs[message.bottom[i], maker] = None
        if not outputs and any(layer.damaged for layer in self.layers):
            self.failed = True  # the loss may be among them
        elif not outputs:
            text = "the net has no loss in TEST that would say what its outputs are"
            self._fail(self._place(), "no-outputs", text, hint="name them: `deploy: {outputs: [...]}`")
        return list(outputs)

    def _named_outputs(self) -> list[tuple[str, int]]:
        outputs = []
        for scalar in self.options.outputs:
            name = str(scalar.value)
            if name in self.wiring.makers:
                outputs.append((name, self.wiring.makers[name]))
            else:
                text = f"`outputs` names '{name}', which no layer makes in deploy"
                from netcompile.inferring.wires import absent_makers  # noqa: PLC0415 - for the refused

                notes = absent_makers(self.net.absent, name, State("DEPLOY"))
                meant = None if notes else did_you_mean(name, self.wiring.makers)
                self._fail(scalar.span, "unknown-blob", text, meant, notes=notes)
        return outputs

    # What they need

    def _walk(
        self, outputs: Iterable[tuple[str, int]], also: Iterable[int] = ()
    ) -> tuple[set[int], dict[int, set[str]]]:
        """The layers that the outputs need, and of each which tops; the walk stops at named inputs.

        `also` are layers that are wanted themselves.
        """
        needed = set(also)
        tops = {index: set(self.layers[index].message.top) for index in needed}
        waiting = [*outputs, *(read for index in needed for read in self._read_by(index))]
        while waiting:
            blob, maker = waiting.pop()
            tops.setdefault(maker, set()).add(blob)
            if maker in needed or self._starts_at(blob, maker):
                continue
            needed.add(maker)
            waiting.extend(self._read_by(maker))
        return needed, tops

    def _read_by(self, index: int) -> Iterator[tuple[str, int]]:
        """What a layer reads, each blob with its maker."""
        for bottom, maker in zip(self.layers[index].message.bottom, self.wiring.reads[index], strict=True):
            if maker is not None:
                yield bottom, maker

    def _starts_at(self, blob: str, maker: int) -> bool:
        """Whether an input takes the place of a layer for a top: where data are changed in place, of the first."""
        if blob not in self.options.inputs:
            return False
        first = self.wiring.first_maker(blob, maker)
        return first == maker or bool(self.layers[first].message.bottom)

    def _check_names(self, needed: set[int]) -> None:
        """Of what losses are converted to, and of other layers under its name, nobody can tell which one is wanted."""
        asked = {str(name.value) for name in self.options.outputs}
        losses = [i for i, layer in enumerate(self.layers) if is_converted(layer)]
        wanted = {self.layers[i].message.name for i in losses if i in needed}
        for index in losses:
            name = self.layers[index].message.name
            if name in wanted or name in asked:
                self._check_name(index, needed, losses)

    def _check_name(self, index: int, needed: set[int], losses: Sequence[int]) -> None:
        loss = self.layers[index]
        name = loss.message.name
        others = [i for i, layer in enumerate(self.layers) if i != index and self._is_called(i, name, index, needed)]
        other = next((i for i in others if i not in losses or i < index), None)
        if other is None:
            return
        message, place = self.layers[other].message, self.layers[other].origin.span("")
        if other in losses:
            text, first = f"two losses become '{name}' in deploy", Note("the first is here", place)
            hint = "leave one out with `deploy: false`, name it with `deploy: {top: NAME}`, or name other `outputs`"
        else:
            what = f"{message.type} '{message.name}'"
            text = f"{what} makes '{name}' there" if message.name != name else f"there is also {what}"
            text = f"the loss becomes {loss.message.type} '{name}' in deploy, where {text}"
            first = Note("the other one is here", place)
            hint = (
                f"give the loss another name there, `deploy: {{top: NAME}}`; or leave it out with `deploy: false`, and "
                f"name what the net is for, `deploy: {{outputs: [{message.top[0] if message.top else name}]}}`"
            )
        notes = [first, *loss.origin.notes("")]
        self._fail(loss.origin.span(""), "duplicate-top", text, hint=hint, notes=notes)

    def _is_called(self, index: int, name: str, loss: int, needed: set[int]) -> bool:
        """Whether a layer has the name of what a loss becomes, or makes its top otherwise than by changing it."""
        message = self.layers[index].message
        if name in message.top:
            return self.wiring.first_maker(name, index) != loss
        return message.name == name and index in needed

    # What they do not need

    def _idle(self, needed: set[int]) -> list[int]:
        """The layers that are in deploy alone and that the outputs do not need: hardly meant, and so a warning."""
        idle = [i for i, layer in enumerate(self.layers) if i not in needed and _is_for_deploy(layer)]
        for index in idle:
            origin, message = self.layers[index].origin, self.layers[index].message
            text = f"{message.type} '{message.name}' is in deploy alone, and the outputs there do not need it"
            wanted = f"[..., {message.top[0]}]" if message.top else "[...]"
            hint = f"name what the deploy net is for: `deploy: {{outputs: {wanted}}}`"
            self.report.add("unused-field", origin.span("only"), text, hint=hint, notes=origin.notes("only"))
        return idle

    def _with_idle(self, outputs: Sequence[tuple[str, int]], idle: Sequence[int]) -> Net | None:
        """The net with idle layers and what they read; None where inputs of theirs are not known."""
        other = _Deriver(self.layers, self.net, self.options, Report(), self.fork)
        return other._net(*other._walk(outputs, idle))

    # Inputs

    def _check_inputs(self, tops: dict[int, set[str]]) -> None:
        used = {blob for blobs in tops.values() for blob in blobs}
        for name, given in self.options.inputs.items():
            key = given.key
            if name not in self.wiring.makers:
                text = f"`inputs` names '{name}', which no layer makes or reads in deploy"
                self._fail(key.span, "unknown-blob", text, did_you_mean(name, self.wiring.makers))
            elif name not in used and not self.failed:
                self.report.add("unused-field", key.span, f"`inputs` names '{name}', which the outputs do not need")

    def _inputs(self, index: int, layer: Layer, tops: dict[int, set[str]]) -> list[Layer]:
        """Input layers for the needed tops of a data layer, and for those that `inputs` names."""
        inputs = []
        for i, top in enumerate(layer.message.top):
            named = top in self.options.inputs and self._starts_at(top, index)
            if top not in tops.get(index, ()) or not (named or _is_data(layer)):
                continue
            origin: Origin = self.options.inputs[top] if named else layer.origin
            shape = self.options.inputs[top].shape if named else self._input_shape(layer, i)
            if (shape is None or not shape.known) and layer.damaged:
                self.failed = True  # what is wrong with it is said already
                continue
            if shape is None or not shape.known:
                text = f"the shape of the input '{top}' is not known{'' if shape is None else f': {shape}'}"
                hint = f"give it: `deploy: {{inputs: {{{top}: [1, ...]}}}}`, or the layer's `top_shapes`"
                self._fail(origin.span(f"top:{i}"), "unknown-input-shape", text, hint=hint, notes=origin.notes(""))
                continue
            shapes = {"shape": [{"dim": list(shape.dims)}]}
            message = LayerParameter(name=self._input_name(top), type="Input", top=[top], input_param=shapes)
            inputs.append(Layer(message, ("input_param",), origin))
        return inputs

    def _input_name(self, top: str) -> str:
        """The top's name, unless a layer that may be trained has it: Caffe would load its weights into the input."""
        name = top
        while name in self._readers:
            name += "_input"
        return name

    @cached_property
    def _readers(self) -> set[str]:
        """The names of all layers with bottoms, also of those that are not in deploy."""
        names = {layer.message.name for layer in self.layers if layer.message.bottom}
        absent = [(one.name, one.origin) for one in self.net.absent]
        return names.union(name for name, at in absent if isinstance(at, SpecOrigin) and at.form.bottoms)

    def _input_shape(self, layer: Layer, i: int) -> Shape | None:
        """The shape of a data layer's top with the batch size of deploy."""
        batch = self.options.batch
        declared = self._declared(layer, layer.message.top[i])
        kind = LAYER_TYPES.get(layer.message.type)
        message = self.fork.layer_for_rules(layer).message if self.fork else layer.message
        derived = apply_type(kind, message, []).tops if kind else ()
        shape = derived[i] if i < len(derived) else None
        if shape:
            shape = shape.replaced(0, batch)
        if declared is None:
            return shape
        if shape is None or len(shape) != len(declared):
            return declared
        return Shape(a if type(a) is int else b for a, b in zip(declared, shape, strict=True))

    def _declared(self, layer: Layer, top: str) -> Shape | None:
        """The declared shape of a top: `batch` is deploy's, or axis 0 is where no `batch` is declared."""
        shape = layer.declared.get(top)
        if shape is None or not isinstance(layer.origin, SpecOrigin):
            return shape
        dims = shape_nodes(layer.origin.form, layer.origin, self.report)[top].items
        at = [i for i, dim in enumerate(dims) if type(dim) is Scalar and dim.value == "batch"] or [0]
        for axis in at:
            if axis < len(shape):
                shape = shape.replaced(axis, self.options.batch)
        return shape

    def _place(self) -> Span | None:
        return None if self.options.place is None else self.options.place.span


def _is_data(layer: Layer) -> bool:
    return not layer.message.bottom and bool(layer.message.top) and layer.message.type not in _KEPT_SOURCES


def _is_for_deploy(layer: Layer) -> bool:
    """True for a layer that is written for deploy alone, and is no loss, which is for its bottom."""
    origin = layer.origin
    own = isinstance(origin, SpecOrigin) and origin.spec.forms.keys() == {"DEPLOY"}
    return own and not was_loss(layer) and not output_bottoms(layer.message)
