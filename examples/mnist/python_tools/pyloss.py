"""A Caffe Python layer with the Euclidean loss: half the squared distance of two blobs, averaged over the batch.

Caffe imports this file through `python_param { module: "pyloss" layer: "EuclideanLossLayer" }`; its folder must be on
the Python path. It must not know what its bottoms mean: either may be learned, so either may get a gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import caffe
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caffe._caffe import Blob


class EuclideanLossLayer(caffe.Layer):
    """The loss sum((a - b)^2) / (2 N) of two bottoms a and b with N items of equal size each.

    Top 0 is the loss, of shape (1,). A Python layer has no loss weight of its own: the net must set `loss_weight`.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Refuse any other count of bottoms and tops with a ValueError."""
        if (len(bottom), len(top)) != (2, 1):
            raise ValueError(f"EuclideanLossLayer takes 2 bottoms and 1 top, not {len(bottom)} and {len(top)}")
        self.difference = np.zeros(0, np.float32)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shape the loss; a ValueError tells of bottoms without items, or that differ in their number or size."""
        a, b = tuple(bottom[0].shape), tuple(bottom[1].shape)
        if a[:1] != b[:1] or bottom[0].count != bottom[1].count:
            raise ValueError(f"EuclideanLossLayer: bottoms must agree in number and size of items, not {a} and {b}")
        if not a or not bottom[0].count:
            raise ValueError(f"EuclideanLossLayer: bottoms must be a batch of at least one value, not {a}")
        # Caffe reshapes before every forward pass. The difference of a batch of another size is of no more use.
        if self.difference.shape != a:
            self.difference = np.zeros(a, np.float32)
        top[0].reshape(1)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and keep a - b for the backward pass."""
        a = bottom[0].data
        self.difference = a - bottom[1].data.reshape(a.shape)
        top[0].data[...] = np.vdot(self.difference, self.difference) / (2 * len(a))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write (a - b) / N to the diff of a and the negative to that of b, where Caffe asks for them.

        Both are multiplied by the top's diff, which is the loss weight unless another layer reads the loss.
        """
        scale = top[0].diff.item() / len(self.difference)
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                diff = bottom[index].diff
                diff[...] = sign * scale * self.difference.reshape(diff.shape)
