"""A Caffe Python layer that writes class labels as one-hot rows, the form in which EuclideanLossLayer compares them.

Caffe imports this file through `python_param { module: "one_hot" layer: "label2one_hot" }`; its folder must be on the
Python path. It must not know where the labels and the scores come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import caffe
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caffe._caffe import Blob


class label2one_hot(caffe.Layer):  # noqa: N801 - nets ask for the class by this name
    """Row i of the top is 1 in the column that label i names, and 0 elsewhere.

    Bottom 0 holds N labels: (N,), or N followed by axes of one element, such as (N, 1, 1, 1).
    Bottom 1 holds the scores, (N, C), perhaps followed by axes of one element. Its values are not read, only its shape.
    Top 0 is (N, C).
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Refuse any other count of bottoms and tops with a ValueError."""
        if (len(bottom), len(top)) != (2, 1):
            message = "label2one_hot takes 2 bottoms (label, scores) and 1 top"
            raise ValueError(f"{message}, not {len(bottom)} and {len(top)}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shape the top as N x C; a ValueError tells of bottoms that are not N labels and N x C scores."""
        labels, scores = tuple(bottom[0].shape), tuple(bottom[1].shape)
        if not scores[1:] or bottom[1].count != scores[0] * scores[1]:
            raise ValueError(f"label2one_hot: the scores (bottom 1) must be N x C, but their shape is {scores}")
        if labels[:1] != scores[:1] or bottom[0].count != scores[0]:
            message = f"label2one_hot: the scores (bottom 1) have {scores[0]} items, which takes one label each"
            raise ValueError(f"{message}, but the shape of the labels (bottom 0) is {labels}")
        top[0].reshape(*scores[:2])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the rows; a label that is not a whole number from 0 to C - 1 is a ValueError."""
        one_hot = top[0].data
        labels, classes = bottom[0].data.reshape(-1), one_hot.shape[1]
        # One comparison does all: a label that is fractional, out of range or NaN equals no class.
        hits = labels[:, np.newaxis] == np.arange(classes)
        strays = np.flatnonzero(~hits.any(axis=1))
        if strays.size:
            message = f"label2one_hot: label {labels[strays[0]]!s} of item {strays[0]} is not a whole number"
            raise ValueError(f"{message} from 0 to {classes - 1} ({classes} classes)")
        one_hot[...] = hits

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:  # noqa: ARG002 - Caffe's signature
        """Write a gradient of zero wherever Caffe asks for one.

        The top is a step function of the labels and does not depend on the values of the scores, so zero is the
        gradient, not a refusal. Caffe does ask: scores that a learned layer computes need a gradient from each of
        their readers, and it adds these up. A diff left unwritten would be added as whatever it held before.
        """
        for index in range(2):
            if propagate_down[index]:
                bottom[index].diff[...] = 0
