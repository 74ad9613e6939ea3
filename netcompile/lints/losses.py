"""Lints on losses and measures: what they are given, and what they can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import Note
from netcompile.layers._words import plural
from netcompile.lints.view import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.ir import Version
    from netcompile.lints.view import View
    from netcompile.shapes import Shape

# A loss that contains this activation, or needs it before.
_CONTAINS: Final = {"SoftmaxWithLoss": "Softmax", "InfogainLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}
_SAME_VALUES: Final = frozenset({"Flatten", "Reshape", "Split"})
_RAW: Final = frozenset({"InnerProduct", "Convolution"})
_CLASS_AXIS: Final = {
    "SoftmaxWithLoss": "softmax_param",
    "Accuracy": "accuracy_param",
    "InfogainLoss": "infogain_loss_param",
}
_ELEMENT_BY_ELEMENT: Final = ("EuclideanLoss", "SigmoidCrossEntropyLoss")


def inputs_of_losses(view: View) -> Iterator[Finding]:
    """Losses that get probabilities where they take scores, or the other way round."""
    for index in view.of(*_CONTAINS):
        maker = _maker(view, view.reads[index][0])
        inner = _CONTAINS[view.message(index).type]
        if maker is not None and view.message(maker).type == inner:
            text = (
                f"it takes scores and has a {inner} of its own, but {view.name(maker)} comes before: twice is too often"
            )
            yield Finding(index, "bottom:0", text, f"read the bottom of '{view.message(maker).name}'")
    for index in view.of("MultinomialLogisticLoss"):
        maker = _maker(view, view.reads[index][0])
        if maker is not None and view.message(maker).type in _RAW:
            text = f"it takes probabilities, but gets the scores of {view.name(maker)}"
            yield Finding(index, "bottom:0", text, "SoftmaxWithLoss takes scores")


def _maker(view: View, version: Version | None) -> int | None:
    """The layer that computes a blob's values, whatever shape they have got since."""
    while version is not None:
        if view.message(version.maker).type not in _SAME_VALUES:
            return version.maker
        version = view.reads[version.maker][0]
    return None


def one_class(view: View) -> Iterator[Finding]:
    """Softmax over one class, whose probability is 1 whatever the score."""
    for index in view.of("SoftmaxWithLoss", "InfogainLoss", "Softmax"):
        classes = _classes(view, index)
        if classes == 1:
            given = view.names[index][0][0]
            effect = "its probability is always 1" if view.message(index).type == "Softmax" else "the loss is always 0"
            text = f"'{given}' ({view.layers[index].bottoms[0]}) has scores for one class, so {effect}"
            yield Finding(index, "bottom:0", text, "two classes need two scores; SigmoidCrossEntropyLoss takes one")


def _classes(view: View, index: int) -> Any:
    """The number of classes in the scores that a layer reads; no number where it isn't known."""
    message, shape = view.message(index), view.layers[index].bottoms[0]
    axis = getattr(message, _CLASS_AXIS.get(message.type, "softmax_param")).axis
    return shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else None


def classes_of_labels(view: View) -> Iterator[Finding]:
    """Scores for different numbers of classes that are compared with the same labels."""
    first: dict[Version, int] = {}
    for index in sorted(view.of(*_CLASS_AXIS)):
        labels = view.reads[index][1]
        if labels is None:
            continue
        other = first.setdefault(labels, index)
        ours, theirs = _classes(view, index), _classes(view, other)
        if type(ours) is int and type(theirs) is int and ours != theirs:
            bottoms = view.names[index][0]
            scores = f"'{bottoms[0]}' has scores for {plural(ours, 'class', 'classes')}"
            text = f"{scores}, but for the same '{bottoms[1]}' {view.name(other)} has {theirs}"
            notes = [Note("the other scores", view.layers[other].layer.origin.span("bottom:0"))]
            yield Finding(index, "bottom:0", text, "labels from the number of classes on read past the scores", notes)


def swapped_axes(view: View) -> Iterator[Finding]:
    """Blobs that a loss compares element by element, and that have the same dims in another order."""
    for index in view.of(*_ELEMENT_BY_ELEMENT, "SoftmaxWithLoss", "Accuracy"):
        x, y = view.layers[index].bottoms[:2]
        if x is None or y is None or not x.known or not y.known:
            continue
        if view.message(index).type not in _ELEMENT_BY_ELEMENT:
            axis = getattr(view.message(index), _CLASS_AXIS[view.message(index).type]).axis % len(x)
            x = x.replaced(axis, 1)
        if _ordered(x) != _ordered(y) and sorted(_ordered(x)) == sorted(_ordered(y)):
            (first, second), whole = view.names[index][0], view.layers[index].bottoms[0]
            text = f"'{first}' is {whole} and '{second}' {y}: the axes are in another order"
            yield Finding(index, "bottom:1", text, "values are compared in the order of memory, whatever the axes are")


def _ordered(shape: Shape) -> list[Any]:
    return [dim for dim in shape if dim != 1]


def unweighted_losses(view: View) -> Iterator[Finding]:
    """Python layers that are losses by their name, and not for Caffe."""
    for index in view.of("Python"):
        message = view.message(index)
        named = f"{message.python_param.module} {message.python_param.layer}"
        if "loss" not in named.lower() or message.loss_weight or not view.writes[index]:
            continue
        if not any(version.readers for version in view.writes[index]):
            text = (
                f"{message.python_param.layer} is no loss for Caffe without a loss_weight: nothing is learned from it"
            )
            yield Finding(index, "", text, "write `loss_weight: 1`")


def blind_measures(view: View) -> Iterator[Finding]:
    """Measures that always come out the same, and layers that compare a blob with itself."""
    for index in view.of("Accuracy"):
        top_k, classes = view.message(index).accuracy_param.top_k, _classes(view, index)
        if top_k == 0 or (type(classes) is int and top_k >= classes > 1):
            of = f" of {classes} classes" if type(classes) is int else ""
            text = f"top_k is {top_k}{of}, so the accuracy is always {1 if top_k else 0}"
            yield Finding(index, "accuracy_param.top_k", text)
    for index in view.of("EuclideanLoss", "ContrastiveLoss"):
        first, second = view.reads[index][:2]
        if first is second and first is not None:
            yield Finding(index, "bottom:1", f"it compares '{view.names[index][0][0]}' with itself")
