"""A stand-in for pycaffe, so that the example layers are tested where Caffe is not installed.

It has the few parts of `caffe` that a Python layer touches, as strict as the real ones, and must not know the layers.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Blob:
    """Data and diff of one shape, in float32; filled with NaN whenever allocated, so that an unwritten value shows."""

    def __init__(self, values: ArrayLike) -> None:
        """Hold `values` as data."""
        self._allocate(np.shape(values))
        self.data[...] = values

    def reshape(self, *dims: int) -> None:
        """Take the shape; the contents stay as they are where it is the old one, as in Caffe."""
        if self._data.shape != dims:
            self._allocate(dims)

    def _allocate(self, dims: tuple[int, ...]) -> None:
        self._data = np.full(dims, np.nan, np.float32)
        self._diff = np.full(dims, np.nan, np.float32)

    @property
    def data(self) -> NDArray[np.float32]:
        """The values; can be written to, not replaced."""
        return self._data

    @property
    def diff(self) -> NDArray[np.float32]:
        """The gradient; can be written to, not replaced."""
        return self._diff

    @property
    def shape(self) -> list[int]:
        """The dims, in a list as pycaffe's IntVec: it is no tuple and equals none."""
        return list(self._data.shape)

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self._data.shape)

    @property
    def num(self) -> int:
        """The first of four axes."""
        return self._legacy(0)

    @property
    def channels(self) -> int:
        """The second of four axes."""
        return self._legacy(1)

    def _legacy(self, axis: int) -> int:
        assert self._data.ndim <= 4, "Caffe aborts here"
        return self._data.shape[axis] if axis < self._data.ndim else 1


class Layer:
    """What a Python layer derives from; Caffe passes it the LayerParameter."""

    def __init__(self, param: object) -> None:
        """Take what every layer takes."""
        self.param = param


class OneLayerNet:
    """Calls a layer in the order in which Caffe does: setup, then reshape before every forward pass."""

    def __init__(self, layer_class: type[Any], bottoms: Sequence[Blob], tops: int = 1) -> None:
        """Set the layer up on `bottoms`, with empty tops."""
        self.bottoms, self.tops = bottoms, [Blob([]) for _ in range(tops)]
        self.layer = layer_class(None)
        self.layer.setup(self.bottoms, self.tops)
        self.reshape()

    def reshape(self) -> None:
        """Let the layer shape its tops anew."""
        self.layer.reshape(self.bottoms, self.tops)

    def forward(self) -> NDArray[np.float32]:
        """Run forward and return the data of the first top, not a copy."""
        self.reshape()
        self.layer.forward(self.bottoms, self.tops)
        return self.tops[0].data

    def backward(self, propagate_down: Sequence[bool], top_diff: float = 1) -> list[NDArray[np.float32]]:
        """Run backward and return the diffs of the bottoms."""
        self.tops[0].diff[...] = top_diff
        self.layer.backward(self.tops, propagate_down, self.bottoms)
        return [bottom.diff for bottom in self.bottoms]


@pytest.fixture
def caffe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Put the stand-in where `import caffe` finds it, for one test."""
    module = ModuleType("caffe")
    vars(module).update(Blob=Blob, Layer=Layer, OneLayerNet=OneLayerNet)
    monkeypatch.setitem(sys.modules, "caffe", module)
    return module


def load_tool(name: str) -> ModuleType:
    """Run a file of the folder python_tools and return it as a module that no later import will find."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / "mnist/python_tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def one_hot(caffe: ModuleType) -> ModuleType:
    """The module of label2one_hot, on the stand-in."""
    assert caffe.Layer is Layer
    return load_tool("one_hot")


@pytest.fixture
def pyloss(caffe: ModuleType) -> ModuleType:
    """The module of EuclideanLossLayer, on the stand-in."""
    assert caffe.Layer is Layer
    return load_tool("pyloss")


@pytest.fixture
def train() -> ModuleType:
    """The module of train.py; it imports caffe only when it runs."""
    return load_tool("train")
