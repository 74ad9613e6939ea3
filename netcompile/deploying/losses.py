"""Losses in the deploy net: which layers are some, what becomes of them, and which blobs they make outputs of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.deploying.inference import for_inference
from netcompile.language.origin import SpecOrigin
from netcompile.language.spec import name_list
from netcompile.layers import LAYER_TYPES
from netcompile.tree import Mapping, Node

if TYPE_CHECKING:
    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.ir import Layer

CONVERSIONS: Final = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
_PROB: Final = "prob"


def converted(layer: Layer) -> Layer:
    """A softmax or sigmoid loss as the layer that gives the probabilities; other layers as they are."""
    message = layer.message
    new_type = CONVERSIONS.get(message.type)
    if new_type is None or not is_loss(message):
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


def is_loss(message: LayerParameter) -> bool:
    """True for a layer with a non-zero loss weight, which is 1 by default for the types of losses."""
    return any(message.loss_weight) if message.loss_weight else _is_loss_type(message.type)


def is_converted(layer: Layer) -> bool:
    """True for a loss that has become the layer that gives its probabilities."""
    origin = layer.origin
    return isinstance(origin, SpecOrigin) and CONVERSIONS.get(origin.form.type) == layer.message.type


def was_loss(layer: Layer) -> bool:
    """True for a loss that gives its own top in deploy: it is converted, or its `deploy` makes another type of it."""
    if is_converted(layer):
        return True
    origin = layer.origin
    test = origin.spec.forms.get("TEST") if isinstance(origin, SpecOrigin) else None
    if test is None or test.type == layer.message.type or _is_loss_type(layer.message.type):
        return False
    weights = [scalar.value for scalar in name_list(test.fields.layer.entries.get("loss_weight"))]
    return any(weights) if weights else _is_loss_type(test.type)


def _is_loss_type(name: str) -> bool:
    return name in LAYER_TYPES and LAYER_TYPES[name].loss


def output_bottoms(message: LayerParameter) -> tuple[int, ...]:
    """The bottoms of a loss that a deployed net is asked for; none for a layer that is no loss."""
    if not is_loss(message):
        return ()
    return (0, 1) if message.type == "ContrastiveLoss" else (0,)


def without_doubles(layers: list[Layer]) -> list[Layer]:
    """The layers, where one that makes just what a loss is converted to is taken for the same."""
    if not any(map(is_converted, layers)):
        return layers
    left = list(layers)
    for loss in filter(is_converted, layers):
        double = next((one for one in left if one is not loss and _same(loss, one)), None)
        if double is None:
            continue
        first, last = sorted((left.index(loss), left.index(double)))
        written = {top for one in left[first:last] for top in one.message.top} - set(loss.message.top)
        if written.isdisjoint(loss.message.bottom):  # both read the same values
            del left[last]
            left[first] = loss
    return left


def _same(loss: Layer, other: Layer) -> bool:
    """Whether another layer is what a loss has become, but for its name."""
    if is_converted(other) or other.message.type != loss.message.type or other.message.top != loss.message.top:
        return False
    ours, theirs = for_inference(loss.message, set()), for_inference(other.message, set())
    theirs.name = ours.name
    return ours == theirs
