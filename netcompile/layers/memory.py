"""What layers do with the memory of their blobs besides writing their tops: who shares it, keeps it or reads it again.

A layer that works in place overwrites its bottom. That is harmless unless somebody still needs what was there: a layer
that has the same memory under another name, or one whose Backward computes with its bottom or top. Whether a gradient
then comes out wrong was found by comparing each pair of types with the same net out of place.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import EltwiseParameter, LRNParameter, ReductionParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netcompile.caffe.caffe_pb2 import LayerParameter

# Types that may give out their bottom's own memory under the names of their tops.
SHARING: Final = frozenset({"Concat", "Flatten", "Reshape", "Slice", "Split"})

# Those that share the gradient's memory likewise, from set-up on. Flatten does so in Backward alone.
SHARING_DIFFS: Final = frozenset({"Concat", "Reshape", "Slice"})

# Types whose tops are filled once, or from what the program keeps: what is written over them stays so in the next pass.
KEEPING: Final = frozenset({"DummyData", "MemoryData", "Parameter"})

LEAKY: Final = "leaky ReLU"  # a ReLU with a slope below zero, which is told from the plain one here

_PLAIN: Final = frozenset({"ReLU"})
_IDENTITY_ABOVE_ZERO: Final = frozenset({"ReLU", LEAKY, "PReLU", "ELU"})
_SIGN_KEEPING: Final = _IDENTITY_ABOVE_ZERO | {"TanH", "Swish", "Dropout"}

# Of each type whose Backward reads its top: which layers may overwrite the top and leave the gradient right. Where a
# ReLU cuts a value off, it cuts off its gradient too, so that the value doesn't matter.
_TOLERATED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "ELU": _PLAIN,
    "Eltwise": _PLAIN,
    "Exp": _IDENTITY_ABOVE_ZERO,
    "LRN": _PLAIN,
    "MVN": frozenset({"BatchNorm"}),  # which leaves normalised values as they are
    "Power": _PLAIN,
    "ReLU": _SIGN_KEEPING,  # in place only: it reads its bottom, which then is its top
    "Sigmoid": _IDENTITY_ABOVE_ZERO,
    "Softmax": _IDENTITY_ABOVE_ZERO,
    "Swish": _PLAIN,
    "TanH": _PLAIN,
})  # fmt: skip
READING_TOPS: Final = frozenset(_TOLERATED)

_READING_BOTTOMS: Final = frozenset({
    "AbsVal", "BNLL", "Clip", "Convolution", "Deconvolution", "ELU", "InnerProduct", "LRN", "LSTM", "Log",
    "MultinomialLogisticLoss", "PReLU", "RNN", "ReLU", "Scale",
})  # fmt: skip


def shares_memory(layer: LayerParameter) -> bool:
    """True for a layer, of a type in SHARING, whose tops have the memory of its first bottom."""
    if layer.type == "Concat":
        return len(layer.bottom) == 1
    return layer.type != "Slice" or len(layer.top) == 1


# Types that leave values of 0 and above as they are, types that give no others, and types that give none of such.
KEEPING_POSITIVES: Final = _IDENTITY_ABOVE_ZERO
POSITIVE: Final = frozenset({"AbsVal", "BNLL", "Exp", "Sigmoid", "Softmax"})
STAYING_POSITIVE: Final = _SIGN_KEEPING | {"Flatten", "Pooling", "Reshape", "Split"}


def overwriter(layer: LayerParameter) -> str:
    """What a layer that works in place counts as in the answer of `tolerated`."""
    kind = layer.type
    return LEAKY if kind == "ReLU" and layer.relu_param.negative_slope else kind


def tolerated(layer: LayerParameter) -> frozenset[str] | None:
    """Which layers may overwrite the top of one of a type in READING_TOPS without harm; None: any may."""
    kind = layer.type
    harmless = (
        (kind == "Eltwise" and not _divides_by_bottoms(layer))
        or (kind == "LRN" and layer.lrn_param.norm_region == LRNParameter.WITHIN_CHANNEL)
        or (kind == "MVN" and not layer.mvn_param.normalize_variance)
        or (kind == "Power" and layer.power_param.power in (0, 1, 2))
    )
    return None if harmless else _TOLERATED[kind]


def _divides_by_bottoms(layer: LayerParameter) -> bool:
    p = layer.eltwise_param
    return bool(p.operation == EltwiseParameter.PROD and not p.stable_prod_grad)


def reads_bottoms(layer: LayerParameter) -> bool:
    """True where the Backward of a layer computes with the values of its bottoms. Of what isn't Caffe's own: False."""
    if layer.type == "Eltwise":
        return bool(layer.eltwise_param.operation == EltwiseParameter.PROD)
    if layer.type == "Power":
        return layer.power_param.power not in (0, 1)
    if layer.type == "Reduction":
        return layer.reduction_param.operation in (ReductionParameter.ASUM, ReductionParameter.SUMSQ)
    return layer.type in _READING_BOTTOMS
