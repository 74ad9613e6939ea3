"""The seven losses, each of which compares scores with labels or targets, and Accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import is_set
from netcompile.layers._layer import Inferred, layer_type
from netcompile.layers._rules import axis_of, in_place
from netcompile.layers._words import counted, named, plural
from netcompile.shapes import UNKNOWN, Dim, Shape, ShapeError, as_int, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter

_SCALAR = Shape(())
_OLD_VIEW = 4


@layer_type("Accuracy", bottoms=2, tops=(1, 2), no_gradient=(0, 1))
def accuracy(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """The share of labels that are among the `top_k` best scores, a scalar; a second top holds it for each class."""
    scores, labels = bottoms
    p = layer.accuracy_param
    if labels.count() == 0:
        raise ShapeError(f"{named(layer, 1, labels)} has no labels", "bottom:1", "empty-blob")
    axis = axis_of(layer, scores, "accuracy_param.axis")
    _check_labels(layer, bottoms, axis)
    classes = scores.count() // labels.count()
    if classes < as_int(p.top_k):
        message = f"top_k is {p.top_k}, but {named(layer, 0, scores)} has {classes} classes on axis {axis}"
        raise ShapeError(message, "accuracy_param.top_k", "bad-value")
    if len(layer.top) == 1:
        return Inferred([_SCALAR])
    _refuse_in_place(layer)
    return Inferred([_SCALAR, Shape((scores[axis],))])


@layer_type("ContrastiveLoss", bottoms=3, loss=True, unforced=(2,))
def contrastive_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of pairs, a scalar: draws two feature vectors (N x C each) together where the third bottom is 1, and apart
    up to `margin` where it is 0.
    """  # noqa: D205
    a, b, similar = (_old_view(layer, bottoms, i) for i in range(3))
    if a[1] != b[1]:
        message = f"the pairs differ in channels: {counted(layer, 0, bottoms[0])}, {counted(layer, 1, bottoms[1])}"
        raise ShapeError(message, "bottom:1")
    for i, shape in enumerate((a, b)):
        if shape[2] != 1 or shape[3] != 1:
            message = f"compares vectors, N x C or N x C x 1 x 1, but got {named(layer, i, bottoms[i])}"
            raise ShapeError(message, f"bottom:{i}", "shape-mismatch", "flatten it first")
    if similar[1] != 1 or similar[2] != 1 or similar[3] != 1:
        message = f"needs one value per pair, but got {named(layer, 2, bottoms[2])}"
        raise ShapeError(message, "bottom:2", "count-mismatch")
    _check_first_dims(layer, bottoms)
    return Inferred([_SCALAR])


@layer_type("EuclideanLoss", bottoms=2, loss=True, in_place="refused")
def euclidean_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Half the squared distance of two bottoms of one size, as a mean over the items: a scalar. Both get a gradient."""
    _check_first_dims(layer, bottoms)
    _check_counts(layer, bottoms)
    return Inferred([_SCALAR], later=_too_many_axes(layer, bottoms))


@layer_type("HingeLoss", bottoms=2, loss=True, no_gradient=(1,), unforced=(1,))
def hinge_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of a classifier with margins (an SVM) from scores, N x C, and one label per item: a scalar."""
    _check_first_dims(layer, bottoms)
    return Inferred([_SCALAR], later=_too_many_axes(layer, bottoms))


def _check_infogain(layer: LayerParameter) -> Iterator[ShapeError]:
    if layer.loss_param.HasField("normalize"):
        yield ShapeError(
            "normalize is an old field that InfogainLoss refuses",
            "loss_param.normalize",
            "bad-value",
            f"write `normalization: {'VALID' if layer.loss_param.normalize else 'BATCH_SIZE'}`",
        )
    if len(layer.bottom) == 2 and not layer.infogain_loss_param.source:  # noqa: PLR2004 - no matrix as third bottom
        written = is_set(layer, "infogain_loss_param.source")
        yield ShapeError(
            f"source is {'empty' if written else 'missing'}; it names the file of the matrix",
            "infogain_loss_param.source" if written else "",
            "missing-field",
            "write `source: FILE`, or give the matrix as a third bottom",
        )
    if len(layer.top) == 2 and not layer.loss_weight:  # noqa: PLR2004 - the probabilities too
        # A loss without weights gives itself one, which is then counted (loss_layer.cpp, layer.hpp SetLossWeights).
        message = "has two tops, and without loss_weight one weight by itself; Caffe wants one for each"
        yield ShapeError(message, "top:1", "loss-weight-count", "write `loss_weight: [1, 0]`")


@layer_type(
    "InfogainLoss",
    bottoms=(2, 3),
    tops=(1, 2),
    params=("infogain_loss_param", "loss_param"),
    checks=[_check_infogain],
    loss=True,
    no_gradient=(1, 2),
    unforced=(1,),
)
def infogain_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of a classifier that weighs confusions by a matrix, from scores and one label per position off `axis`: a
    scalar.

    The matrix is read from `source` or a third bottom, of L x L values for L classes. A second top holds the
    probabilities.
    """  # noqa: D205
    scores = bottoms[0]
    _refuse_in_place(layer)
    axis = _softmax(layer, bottoms, "infogain_loss_param.axis", weight=1)
    classes = scores[axis]
    if len(bottoms) > 2 and bottoms[2].count() != classes * classes:  # noqa: PLR2004 - the matrix
        message = f"the matrix needs {classes} x {classes} values, but {counted(layer, 2, bottoms[2])}"
        raise ShapeError(message, "bottom:2", "count-mismatch")
    return Inferred([_SCALAR, scores][: max(len(layer.top), 1)])


@layer_type("MultinomialLogisticLoss", bottoms=2, loss=True, no_gradient=(1,), unforced=(1,))
def multinomial_logistic_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of a classifier from probabilities, N x C, and one label per item: a scalar."""
    _check_first_dims(layer, bottoms)
    labels = _old_view(layer, bottoms, 1)
    if labels[1] != 1 or labels[2] != 1 or labels[3] != 1:
        message = f"needs one label per item, but {counted(layer, 1, bottoms[1])}"
        raise ShapeError(message, "bottom:1", "count-mismatch")
    return Inferred([_SCALAR], later=_too_many_axes(layer, bottoms))


@layer_type(
    "SigmoidCrossEntropyLoss",
    bottoms=2,
    params=("loss_param",),
    in_place="refused",
    loss=True,
    no_gradient=(1,),
    unforced=(1,),
)
def sigmoid_cross_entropy_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of independent yes-or-no answers, from scores and as many targets between 0 and 1: a scalar."""
    scores = bottoms[0]
    _check_first_dims(layer, bottoms)
    empty = scores[0] == 0
    if not empty:
        _check_counts(layer, bottoms)
    if layer.loss_weight:
        _refuse_weighted_empty(layer, scores, layer.loss_weight[0])
    return Inferred([_SCALAR])


def _check_single_top(layer: LayerParameter) -> Iterator[ShapeError]:
    if len(layer.top) == 2:  # noqa: PLR2004 - the loss and the probabilities
        message = "can't make its second top: Caffe wants one loss_weight per top, and its inner softmax just one"
        yield ShapeError(message, "top:1", "top-count", "take the probabilities from a Softmax layer on the scores")


@layer_type(
    "SoftmaxWithLoss",
    bottoms=2,
    tops=(1, 2),
    params=("softmax_param", "loss_param"),
    checks=[_check_single_top],
    in_place="refused",
    loss=True,
    no_gradient=(1,),
    unforced=(1,),
)
def softmax_with_loss(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Loss of a classifier from scores and one label per position off `axis` (N x C and N, or N x C x H x W and
    N x H x W): a scalar.
    """  # noqa: D205
    weight = layer.loss_weight[0] if layer.loss_weight else 1
    _softmax(layer, bottoms, "softmax_param.axis", weight=weight)
    return Inferred([_SCALAR])


def _softmax(layer: LayerParameter, bottoms: Sequence[Shape], at: str, *, weight: float) -> int:
    """What the softmax inside a loss asks for, with its labels. Returns the axis of the classes."""
    scores = bottoms[0]
    _check_first_dims(layer, bottoms)
    axis = axis_of(layer, scores, at)
    if scores[axis] == 0:
        raise ShapeError(f"{named(layer, 0, scores)} has no classes on axis {axis}", "bottom:0", "empty-blob")
    _check_labels(layer, bottoms, axis)
    if axis > 0:
        _check_labels_per_item(layer, bottoms, axis)
    _refuse_weighted_empty(layer, scores, weight)
    return axis


def _refuse_weighted_empty(layer: LayerParameter, scores: Shape, weight: float) -> None:
    # The layer inside inherits the loss weight, and writes it to its own top (layer.hpp, SetLossWeights).
    if scores.count() == 0 and weight != 0:
        raise ShapeError(f"{named(layer, 0, scores)} has no elements", "bottom:0", "empty-blob")


def _check_first_dims(layer: LayerParameter, bottoms: Sequence[Shape]) -> None:
    for i, shape in enumerate(bottoms[:2]):
        if not shape:
            message = f"compares items along axis 0, but {layer.bottom[i]} is a scalar"
            raise ShapeError(message, f"bottom:{i}", "axis-count")
    x, y = bottoms[:2]
    if x[0] != y[0]:
        message = f"bottoms differ in their first dim: {named(layer, 0, x)}, {named(layer, 1, y)}"
        raise ShapeError(message, "bottom:1")


def _check_counts(layer: LayerParameter, bottoms: Sequence[Shape]) -> None:
    """Refuse items with different counts; the first dims agree already."""
    x, y = bottoms
    if x.count(1) != y.count(1):
        message = f"bottoms differ in count: {counted(layer, 0, x)}, {counted(layer, 1, y)}"
        raise ShapeError(message, "bottom:1", "count-mismatch")


def _check_labels(layer: LayerParameter, bottoms: Sequence[Shape], axis: int) -> None:
    """Refuse labels that aren't one for each position of the scores off `axis`."""
    scores, labels = bottoms[:2]
    wanted = _positions(scores, axis)
    if labels.count() != wanted:
        needs = f"{named(layer, 0, scores)} needs {plural(wanted, 'label')}, one for each position off axis {axis}"
        message = f"{needs}, but {counted(layer, 1, labels)}"
        raise ShapeError(message, "bottom:1", "count-mismatch", _advice(scores, labels))


def _check_labels_per_item(layer: LayerParameter, bottoms: Sequence[Shape], axis: int) -> None:
    """The same where the number of items isn't known, but is known to agree."""
    scores, labels = bottoms[:2]
    wanted = _positions(scores, axis, start=1)
    if scores[0] is UNKNOWN and labels.count(1) != wanted:
        message = f"{named(layer, 0, scores)} needs {plural(wanted, 'label')} per item, but {counted(layer, 1, labels)}"
        raise ShapeError(message, "bottom:1", "count-mismatch")


def _advice(scores: Shape, labels: Shape) -> str | None:
    for axis in range(1, len(scores)):
        if labels.count() == _positions(scores, axis):
            return f"`axis: {axis}` fits these labels"
    if labels.count() == scores.count():
        return "labels are class numbers, not one value for each class"
    return None


def _positions(scores: Shape, axis: int, start: int = 0) -> Dim:
    return scores.replaced(axis, 1).count(start)


def _old_view(layer: LayerParameter, bottoms: Sequence[Shape], i: int) -> Sequence[Dim]:
    """Bottom `i` as N, C, H, W, with 1 for an axis that it hasn't."""
    shape = bottoms[i]
    if len(shape) > _OLD_VIEW:
        raise ShapeError(_beyond(layer, i, shape), f"bottom:{i}", "axis-count")
    return [shape.legacy(axis) for axis in range(_OLD_VIEW)]


def _too_many_axes(layer: LayerParameter, bottoms: Sequence[Shape]) -> list[ShapeError]:
    """What aborts in the first forward pass: the batch size is read from an N x C x H x W view of the first bottom."""
    x = bottoms[0]
    return [ShapeError(_beyond(layer, 0, x), "bottom:0", "axis-count")] if len(x) > _OLD_VIEW else []


def _beyond(layer: LayerParameter, i: int, shape: Shape) -> str:
    return f"reads its bottom as N x C x H x W, but {named(layer, i, shape)} has {axes(len(shape))}"


def _refuse_in_place(layer: LayerParameter) -> None:
    if in_place(layer):
        message = f"can't write its result over {layer.bottom[0]}, which it still reads"
        raise ShapeError(message, "top:0", "in-place-refused", "give the top another name")


TYPES = (
    accuracy,
    contrastive_loss,
    euclidean_loss,
    hinge_loss,
    infogain_loss,
    multinomial_logistic_loss,
    sigmoid_cross_entropy_loss,
    softmax_with_loss,
)
