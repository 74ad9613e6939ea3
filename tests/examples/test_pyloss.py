"""EuclideanLossLayer: the loss, and both gradients against central differences of the loss itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

SHAPES = [(4, 3), (1, 5), (2, 3, 4, 2), (6,), (2, 1, 2, 1, 3)]


def random_blobs(caffe: ModuleType, *shapes: tuple[int, ...]) -> list[Any]:
    random = np.random.default_rng(1)
    return [caffe.Blob(random.normal(size=shape)) for shape in shapes]


def numeric_gradient(net: Any, index: int, scale: float = 1) -> NDArray[np.float64]:
    """Central differences of the scaled loss; exact up to rounding for any step, as the loss is quadratic."""
    step = 0.5
    values = net.bottoms[index].data
    gradient = np.zeros(values.shape)
    for at in np.ndindex(values.shape):
        kept = values[at]
        values[at] = kept + step
        above = net.forward().item()
        values[at] = kept - step
        below = net.forward().item()
        values[at] = kept
        gradient[at] = scale * (above - below) / (2 * step)
    return gradient


def test_loss_of_known_values(caffe: ModuleType, pyloss: ModuleType) -> None:
    bottoms = [caffe.Blob([[1, 2], [3, 4]]), caffe.Blob([[1, 0], [0, 4]])]
    loss = caffe.OneLayerNet(pyloss.EuclideanLossLayer, bottoms).forward()
    assert loss.tolist() == [(2**2 + 3**2) / (2 * 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_loss_is_half_the_squared_distance_over_the_batch(
    caffe: ModuleType, pyloss: ModuleType, shape: tuple[int, ...]
) -> None:
    a, b = random_blobs(caffe, shape, shape)
    loss = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b]).forward()
    expected = ((a.data.astype(float) - b.data.astype(float)) ** 2).sum() / (2 * shape[0])
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("top_diff", [1, 0.25, -3, 0])
def test_gradients_are_those_of_the_weighted_loss(
    caffe: ModuleType, pyloss: ModuleType, shape: tuple[int, ...], top_diff: float
) -> None:
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, random_blobs(caffe, shape, shape))
    expected = [numeric_gradient(net, index, top_diff) for index in range(2)]
    net.forward()
    for diff, numeric in zip(net.backward((True, True), top_diff), expected, strict=True):
        np.testing.assert_allclose(diff, numeric, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("propagate_down", [(False, False), (False, True), (True, False), (True, True)])
def test_diff_is_written_only_where_asked_for(
    caffe: ModuleType, pyloss: ModuleType, propagate_down: tuple[bool, bool]
) -> None:
    a, b = caffe.Blob([[2, 0], [0, 6]]), caffe.Blob([[0, 0], [4, 0]])
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    net.forward()
    a.diff[...] = b.diff[...] = 9
    gradient = np.array([[1, 0], [-2, 3]])
    for diff, asked, expected in zip(net.backward(propagate_down), propagate_down, (gradient, -gradient), strict=True):
        assert (diff == (expected if asked else 9)).all()


def test_diff_is_replaced_and_not_added_to(caffe: ModuleType, pyloss: ModuleType) -> None:
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, random_blobs(caffe, (2, 3), (2, 3)))
    net.forward()
    first = [diff.copy() for diff in net.backward((True, True))]
    np.testing.assert_array_equal(net.backward((True, True)), first)


@pytest.mark.parametrize("sizes", [(4, 2), (1, 3), (3, 1)])
def test_batch_may_change_its_size(caffe: ModuleType, pyloss: ModuleType, sizes: tuple[int, int]) -> None:
    before, after = sizes
    a, b = random_blobs(caffe, (before, 2), (before, 2))
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    net.forward()
    net.backward((True, True))
    for blob, value in ((a, 3), (b, 1)):
        blob.reshape(after, 2)
        blob.data[...] = value
    assert net.forward().tolist() == [4]
    np.testing.assert_allclose(
        net.backward((True, True)), [np.full((after, 2), 2 / after), np.full((after, 2), -2 / after)]
    )


def test_gradient_of_another_batch_size_is_forgotten(caffe: ModuleType, pyloss: ModuleType) -> None:
    """Between a reshape and the next forward pass the old difference must not be broadcast over the new batch."""
    a, b = random_blobs(caffe, (1, 2), (1, 2))
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    net.forward()
    for blob in (a, b):
        blob.reshape(3, 2)
    net.reshape()
    assert not np.any(net.backward((True, True)))


def test_reshape_to_the_same_size_keeps_the_gradient(caffe: ModuleType, pyloss: ModuleType) -> None:
    a, b = caffe.Blob([[3]]), caffe.Blob([[1]])
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    net.forward()
    net.reshape()
    assert [diff.tolist() for diff in net.backward((True, True))] == [[[2]], [[-2]]]


def test_gradient_is_that_of_the_values_of_the_forward_pass(caffe: ModuleType, pyloss: ModuleType) -> None:
    """A layer that works in place on a bottom may change it between the passes."""
    a, b = caffe.Blob([[3]]), caffe.Blob([[1]])
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    net.forward()
    a.data[...] = 100
    assert [diff.tolist() for diff in net.backward((True, True))] == [[[2]], [[-2]]]


def test_items_of_one_size_may_differ_in_shape(caffe: ModuleType, pyloss: ModuleType) -> None:
    a, b = caffe.Blob([[1, 2], [3, 4]]), caffe.Blob(np.zeros((2, 2, 1, 1)))
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [a, b])
    assert net.forward().tolist() == [30 / 4]
    diffs = net.backward((True, True))
    np.testing.assert_array_equal(diffs[0], [[0.5, 1], [1.5, 2]])
    np.testing.assert_array_equal(diffs[1], -diffs[0].reshape(2, 2, 1, 1))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3), (2, 4)), r"\(2, 3\) and \(2, 4\)"),
        (((2, 3), (3, 2)), r"\(2, 3\) and \(3, 2\)"),
        (((2, 3), (1, 3)), r"\(2, 3\) and \(1, 3\)"),
        (((2, 3), (6,)), r"\(2, 3\) and \(6,\)"),
        (((), (1,)), r"\(\) and \(1,\)"),
        (((), ()), r"at least one value, not \(\)"),
        (((0, 3), (0, 3)), r"at least one value, not \(0, 3\)"),
    ],
)
def test_bottoms_of_wrong_shapes_are_refused(
    caffe: ModuleType, pyloss: ModuleType, shapes: tuple[tuple[int, ...], tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        caffe.OneLayerNet(pyloss.EuclideanLossLayer, random_blobs(caffe, *shapes))


@pytest.mark.parametrize(("bottoms", "tops"), [(0, 1), (1, 1), (3, 1), (2, 0), (2, 2)])
def test_count_of_bottoms_and_tops_is_checked(caffe: ModuleType, pyloss: ModuleType, bottoms: int, tops: int) -> None:
    blobs = [caffe.Blob(np.zeros((2, 1))) for _ in range(bottoms)]
    with pytest.raises(ValueError, match=f"not {bottoms} and {tops}$"):
        caffe.OneLayerNet(pyloss.EuclideanLossLayer, blobs, tops)


def test_both_layers_together_learn_the_labels(caffe: ModuleType, one_hot: ModuleType, pyloss: ModuleType) -> None:
    """Plain gradient descent on the scores, with a loss weight, drives them to the one-hot rows."""
    scores = caffe.Blob(np.random.default_rng(2).normal(size=(4, 3)))
    encoder = caffe.OneLayerNet(one_hot.label2one_hot, [caffe.Blob([2, 0, 1, 2]), scores])
    target = encoder.forward()
    net = caffe.OneLayerNet(pyloss.EuclideanLossLayer, [scores, encoder.tops[0]])
    for _ in range(60):
        net.forward()
        scores.data[...] -= net.backward((True, False), top_diff=2)[0]
    np.testing.assert_allclose(scores.data, target, atol=1e-5)
