"""Derives the net for inference from the layers as they are in deploy.

Losses become what they were taken of, data layers become inputs, and only what the outputs need is kept. Training's own
fields go. Knows names and messages; shapes only as far as inputs need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import Message

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.diagnostics import Note, did_you_mean
from netcompile.ir import Layer, Net
from netcompile.language.declared import shape_nodes
from netcompile.language.origin import SpecOrigin
from netcompile.language.spec import name_list
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.records import NamedTuple
from netcompile.shapes import Shape
from netcompile.states import State, includes
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcompile.caffe.caffe_pb2 import NetParameter
    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork
    from netcompile.tree import Span

CONVERSIONS: Final = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
_PROB: Final = "prob"
_OF_TRAINING: Final = frozenset({"include", "exclude", "loss_weight", "propagate_down", "param"})
_KEPT_SOURCES: Final = frozenset({"Input", "DummyData", "Parameter"})


class DeployOptions(NamedTuple):
    """What a spec says under `deploy`: the batch size, stages, outputs and the shapes of inputs, with their places."""

    batch: int
    stages: tuple[str, ...]
    outputs: Sequence[Scalar]
    inputs: dict[str, tuple[Scalar, Shape]]
    place: Node | None


def read_options(node: Node | None) -> DeployOptions:
    """The `deploy` section of a spec; None means all defaults."""
    if type(node) is not Mapping:
        return DeployOptions(1, (), (), {}, node)
    entries = node.entries
    batch = _dim(entries.get("batch"), 1)
    batch = 1 if batch is None else batch
    declared = entries.get("inputs")
    shapes = declared.entries if type(declared) is Mapping else {}
    return DeployOptions(
        batch=batch,
        stages=tuple(str(name.value) for name in name_list(entries.get("stages"))),
        outputs=name_list(entries.get("outputs")),
        inputs={
            str(name): (declared.keys[name], Shape.of([_dim(item, batch) for item in dims.items]))
            for name, dims in shapes.items()
            if type(declared) is Mapping and type(dims) is List
        },
        place=node,
    )


def _dim(node: Node | None, batch: int) -> int | None:
    """A dim of an input: a number, `batch`, or None for an unknown one."""
    value = node.value if type(node) is Scalar else None
    if value == "batch":
        return batch
    return int(value) if isinstance(value, (int, float)) else None


def derive_deploy(net: Net, options: DeployOptions, report: Report, fork: Fork | None = None) -> Net | None:
    """The deploy net of `net`, the layers as they are in deploy; None where what it should hold can't be told.

    Layers that are put in for inputs are in our messages, even where the others are in those of `fork`.
    """
    state = State("DEPLOY", 0, (*net.header.state.stage, *options.stages))
    kept = [layer for layer in net.layers if includes(layer.message, state)]
    return _Deriver([_converted(layer) for layer in kept], net.header, options, report, fork).run()


def _converted(layer: Layer) -> Layer:
    """A softmax or sigmoid loss as the layer that gives the probabilities; other layers as they are."""
    message = layer.message
    new_type = CONVERSIONS.get(message.type)
    if new_type is None:
        return layer
    variant = _deploy_variant(layer)
    top = variant.get("top")
    name = str(name_list(top)[0].value) if name_list(top) else _PROB
    new = type(message)(name=name, type=new_type, bottom=message.bottom[:1], top=[name])
    if message.HasField("softmax_param") and new_type == "Softmax":
        new.softmax_param.CopyFrom(message.softmax_param)
    new.include.extend(message.include)
    return layer._replace(message=new)


def _deploy_variant(layer: Layer) -> dict[Any, Node]:
    origin = layer.origin
    node = origin.spec.node.entries.get("deploy") if isinstance(origin, SpecOrigin) else None
    return node.entries if type(node) is Mapping else {}


class _Deriver:
    def __init__(
        self, layers: Sequence[Layer], header: NetParameter, options: DeployOptions, report: Report, fork: Fork | None
    ) -> None:
        self.layers = layers
        self.header = header
        self.options = options
        self.report = report
        self.fork = fork
        self.failed = False
        # Of each layer, the layer and top that each bottom reads; and the last maker of each blob.
        self.reads: list[list[int | None]] = []
        self.makers: dict[str, int] = {}
        for index, layer in enumerate(layers):
            self.reads.append([self.makers.get(bottom) for bottom in layer.message.bottom])
            self.makers.update(dict.fromkeys(layer.message.top, index))

    def run(self) -> Net | None:
        needed, tops = self._walk(self._outputs())
        self._check_names(needed)
        self._check_inputs(tops)
        if self.failed:
            return None
        shared = _shared_names(self.layers[i].message for i in needed)
        layers: list[Layer] = []
        for index, layer in enumerate(self.layers):
            layers.extend(self._inputs(index, layer, tops))
            if index in needed and not _is_data(layer):
                message = _for_inference(layer.message, shared)
                layers.append(layer._replace(message=_with_tops(message, tops[index])))
        header = type(self.header)()
        header.CopyFrom(self.header)
        header.ClearField("state")
        return None if self.failed else Net(header, layers)

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
            if _was_loss(layer) and message.top:
                outputs[message.top[0], index] = None
                continue
            for i in _output_bottoms(message):
                maker = self.reads[index][i] if i < len(self.reads[index]) else None
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
            if name in self.makers:
                outputs.append((name, self.makers[name]))
            else:
                text = f"`outputs` names '{name}', which no layer makes in deploy"
                self._fail(scalar.span, "unknown-blob", text, did_you_mean(name, self.makers))
        return outputs

    # What they need

    def _walk(self, outputs: list[tuple[str, int]]) -> tuple[set[int], dict[int, set[str]]]:
        """The layers that the outputs need, and of each which tops; the walk stops at named inputs."""
        needed: set[int] = set()
        tops: dict[int, set[str]] = {}
        waiting = list(outputs)
        while waiting:
            blob, maker = waiting.pop()
            tops.setdefault(maker, set()).add(blob)
            if maker in needed or self._starts_at(blob, maker):
                continue
            needed.add(maker)
            bottoms = self.layers[maker].message.bottom
            waiting.extend((bottoms[i], read) for i, read in enumerate(self.reads[maker]) if read is not None)
        return needed, tops

    def _starts_at(self, blob: str, maker: int) -> bool:
        """Whether an input takes the place of a layer for a top: where data are changed in place, of the first."""
        if blob not in self.options.inputs:
            return False
        first = self._first_maker(blob, maker)
        return first == maker or bool(self.layers[first].message.bottom)

    def _first_maker(self, blob: str, maker: int) -> int:
        """The layer that makes what a chain of layers in place, up to `maker`, changes."""
        bottoms = self.layers[maker].message.bottom
        while blob in bottoms:
            before = self.reads[maker][list(bottoms).index(blob)]
            if before is None:
                break
            maker, bottoms = before, self.layers[before].message.bottom
        return maker

    def _check_names(self, needed: set[int]) -> None:
        """Of losses that are converted under one name nobody can tell which one is wanted."""
        first: dict[str, Layer] = {}
        wanted = {self.layers[index].message.name for index in needed if _is_converted(self.layers[index])}
        for layer in self.layers:
            name = layer.message.name
            if name not in wanted or not _is_converted(layer):
                continue
            if first.setdefault(name, layer) is layer:
                continue
            hint = "leave one out with `deploy: false`, name it with `deploy: {top: NAME}`, or name other `outputs`"
            notes = [Note("the first is here", first[name].origin.span("")), *layer.origin.notes("")]
            text = f"two losses become '{name}' in deploy"
            self._fail(layer.origin.span(""), "duplicate-top", text, hint=hint, notes=notes)

    # Inputs

    def _check_inputs(self, tops: dict[int, set[str]]) -> None:
        used = {blob for blobs in tops.values() for blob in blobs}
        for name, (key, _) in self.options.inputs.items():
            if name not in self.makers:
                text = f"`inputs` names '{name}', which no layer makes in deploy"
                self._fail(key.span, "unknown-blob", text, did_you_mean(name, self.makers))
            elif name not in used and not self.failed:
                self.report.add("unused-field", key.span, f"`inputs` names '{name}', which the outputs do not need")

    def _inputs(self, index: int, layer: Layer, tops: dict[int, set[str]]) -> list[Layer]:
        """Input layers for the needed tops of a data layer, and for those that `inputs` names."""
        inputs = []
        for i, top in enumerate(layer.message.top):
            named = top in self.options.inputs and self._starts_at(top, index)
            if top not in tops.get(index, ()) or not (named or _is_data(layer)):
                continue
            shape = self.options.inputs[top][1] if named else self._input_shape(layer, i)
            if (shape is None or not shape.known) and layer.damaged:
                self.failed = True  # what is wrong with it is said already
                continue
            if shape is None or not shape.known:
                text = f"the shape of the input '{top}' is not known{'' if shape is None else f': {shape}'}"
                hint = f"give it: `deploy: {{inputs: {{{top}: [1, ...]}}}}`, or the layer's `top_shapes`"
                place = self.options.inputs[top][0].span if named else layer.origin.span(f"top:{i}")
                self._fail(place, "unknown-input-shape", text, hint=hint, notes=layer.origin.notes(""))
                continue
            shapes = {"shape": [{"dim": list(shape.dims)}]}
            message = LayerParameter(name=top, type="Input", top=[top], input_param=shapes)
            inputs.append(Layer(message, ("input_param",), layer.origin))
        return inputs

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


def _is_converted(layer: Layer) -> bool:
    """True for a loss that has become the layer that gives its probabilities."""
    return isinstance(layer.origin, SpecOrigin) and layer.origin.form.type in CONVERSIONS


def _was_loss(layer: Layer) -> bool:
    """True for a loss that gives its own top in deploy: it is converted, or its `deploy` makes another type of it."""
    if _is_converted(layer):
        return True
    origin = layer.origin
    test = origin.spec.forms.get("TEST") if isinstance(origin, SpecOrigin) else None
    if test is None or test.type == layer.message.type or _is_loss_type(layer.message.type):
        return False
    weights = [scalar.value for scalar in name_list(test.fields.layer.entries.get("loss_weight"))]
    return any(weights) if weights else _is_loss_type(test.type)


def _is_loss_type(name: str) -> bool:
    return name in LAYER_TYPES and LAYER_TYPES[name].loss


def _output_bottoms(message: LayerParameter) -> tuple[int, ...]:
    """The bottoms of a loss that a deployed net is asked for; none for a layer that is no loss."""
    if not (any(message.loss_weight) if message.loss_weight else _is_loss_type(message.type)):
        return ()
    return (0, 1) if message.type == "ContrastiveLoss" else (0,)


def _shared_names(messages: Iterable[LayerParameter]) -> set[str]:
    seen: set[str] = set()
    shared: set[str] = set()
    for message in messages:
        for param in message.param:
            if param.name:
                (shared if param.name in seen else seen).add(param.name)
    return shared


def _for_inference(message: LayerParameter, shared: set[str]) -> LayerParameter:
    """A layer without what only training reads: rules, fillers, multipliers, loss weights."""
    new = type(message)()
    new.CopyFrom(message)
    for name in _OF_TRAINING.intersection(new.DESCRIPTOR.fields_by_name):
        new.ClearField(name)
    params = [
        {"name": p.name, **({"share_mode": p.share_mode} if p.HasField("share_mode") else {})}
        if p.name in shared
        else {}
        for p in message.param
    ]
    while params and not params[-1]:
        params.pop()
    for param in params:
        new.param.add(**param)
    if message.type != "DummyData":
        for field, value in new.ListFields():
            if field.name.endswith("_param") and isinstance(value, Message):
                _drop_fillers(new, field.name)
    return new


def _drop_fillers(message: LayerParameter, block: str) -> None:
    """Leave out the fillers of a block, and the block where it has nothing else."""
    value: Any = getattr(message, block)
    fillers = [f.name for f, _ in value.ListFields() if f.message_type and f.message_type.name == "FillerParameter"]
    for name in fillers:
        value.ClearField(name)
    if fillers and not value.ListFields():
        message.ClearField(block)


def _with_tops(message: LayerParameter, tops: set[str]) -> LayerParameter:
    """An Input layer with only those of its tops that are needed; other layers as they are."""
    if message.type != "Input" or tops >= set(message.top):
        return message
    kept = [i for i, top in enumerate(message.top) if top in tops]
    shapes = list(message.input_param.shape)
    names = [message.top[i] for i in kept]
    del message.top[:]
    message.top.extend(names)
    if len(shapes) > 1:
        del message.input_param.shape[:]
        message.input_param.shape.extend(shapes[i] for i in kept if i < len(shapes))
    return message
