"""label2one_hot: values, shapes, refusals, and the zero gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from types import ModuleType


def test_row_is_one_in_the_column_of_its_label(caffe: ModuleType, one_hot: ModuleType) -> None:
    net = caffe.OneLayerNet(one_hot.label2one_hot, [caffe.Blob([2, 0, 1, 2]), caffe.Blob(np.zeros((4, 3)))])
    assert net.forward().tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_nothing_stays_from_the_pass_before(caffe: ModuleType, one_hot: ModuleType) -> None:
    label = caffe.Blob([0, 1])
    net = caffe.OneLayerNet(one_hot.label2one_hot, [label, caffe.Blob(np.zeros((2, 3)))])
    net.forward()
    label.data[...] = [2, 2]
    assert net.forward().tolist() == [[0, 0, 1], [0, 0, 1]]


def test_batch_may_change_its_size(caffe: ModuleType, one_hot: ModuleType) -> None:
    label, scores = caffe.Blob([0, 1, 1]), caffe.Blob(np.zeros((3, 2)))
    net = caffe.OneLayerNet(one_hot.label2one_hot, [label, scores])
    net.forward()
    label.reshape(1)
    label.data[...] = 1
    scores.reshape(1, 4)
    assert net.forward().tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("label_shape", [(2,), (2, 1), (2, 1, 1, 1), (2, 1, 1, 1, 1)])
@pytest.mark.parametrize("score_shape", [(2, 3), (2, 3, 1, 1), (2, 3, 1, 1, 1)])
def test_axes_of_one_element_do_not_matter(
    caffe: ModuleType, one_hot: ModuleType, label_shape: tuple[int, ...], score_shape: tuple[int, ...]
) -> None:
    bottoms = [caffe.Blob(np.reshape([1, 2], label_shape)), caffe.Blob(np.zeros(score_shape))]
    net = caffe.OneLayerNet(one_hot.label2one_hot, bottoms)
    assert net.forward().tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("label", "printed"),
    [(3, "3.0"), (-1, "-1.0"), (0.5, "0.5"), (1e-6, "1e-06"), (np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")],
)
def test_label_that_is_no_class_is_refused(caffe: ModuleType, one_hot: ModuleType, label: float, printed: str) -> None:
    net = caffe.OneLayerNet(one_hot.label2one_hot, [caffe.Blob([0, label, 1]), caffe.Blob(np.zeros((3, 3)))])
    with pytest.raises(ValueError, match=rf"label {printed} of item 1 .* from 0 to 2 \(3 classes\)"):
        net.forward()


def test_first_of_several_wrong_labels_is_named(caffe: ModuleType, one_hot: ModuleType) -> None:
    net = caffe.OneLayerNet(one_hot.label2one_hot, [caffe.Blob([0, 8, 9]), caffe.Blob(np.zeros((3, 3)))])
    with pytest.raises(ValueError, match=r"label 8\.0 of item 1"):
        net.forward()


@pytest.mark.parametrize("label_shape", [(), (1,), (3,), (1, 2), (2, 2), (2, 1, 1, 2)])
def test_labels_must_be_one_per_item(caffe: ModuleType, one_hot: ModuleType, label_shape: tuple[int, ...]) -> None:
    bottoms = [caffe.Blob(np.zeros(label_shape)), caffe.Blob(np.zeros((2, 3)))]
    with pytest.raises(ValueError, match="have 2 items") as raised:
        caffe.OneLayerNet(one_hot.label2one_hot, bottoms)
    assert str(label_shape) in str(raised.value)


@pytest.mark.parametrize("score_shape", [(), (2,), (2, 3, 2), (2, 3, 1, 2)])
def test_scores_must_be_items_by_classes(caffe: ModuleType, one_hot: ModuleType, score_shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be N x C") as raised:
        caffe.OneLayerNet(one_hot.label2one_hot, [caffe.Blob([0, 1]), caffe.Blob(np.zeros(score_shape))])
    assert str(score_shape) in str(raised.value)


@pytest.mark.parametrize(("bottoms", "tops"), [(0, 1), (1, 1), (3, 1), (2, 0), (2, 2)])
def test_count_of_bottoms_and_tops_is_checked(caffe: ModuleType, one_hot: ModuleType, bottoms: int, tops: int) -> None:
    blobs = [caffe.Blob(np.zeros((2, 1))) for _ in range(bottoms)]
    with pytest.raises(ValueError, match=f"not {bottoms} and {tops}$"):
        caffe.OneLayerNet(one_hot.label2one_hot, blobs, tops)


@pytest.mark.parametrize("propagate_down", [(False, False), (False, True), (True, False), (True, True)])
def test_gradient_is_zero_where_asked_for(
    caffe: ModuleType, one_hot: ModuleType, propagate_down: tuple[bool, bool]
) -> None:
    label, scores = caffe.Blob([1, 0]), caffe.Blob(np.zeros((2, 3)))
    net = caffe.OneLayerNet(one_hot.label2one_hot, [label, scores])
    net.forward()
    label.diff[...] = scores.diff[...] = 5
    for diff, asked in zip(net.backward(propagate_down), propagate_down, strict=True):
        assert (diff == (0 if asked else 5)).all()


def test_forward_leaves_the_bottoms_alone(caffe: ModuleType, one_hot: ModuleType) -> None:
    label, scores = caffe.Blob([1, 0]), caffe.Blob([[0.5, -1], [2, 3]])
    caffe.OneLayerNet(one_hot.label2one_hot, [label, scores]).forward()
    assert label.data.tolist() == [1, 0]
    assert scores.data.tolist() == [[0.5, -1], [2, 3]]
