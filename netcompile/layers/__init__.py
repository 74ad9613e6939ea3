"""What Caffe knows about each layer type: `LAYER_TYPES`, a read-only mapping from type name to LayerType.

A family file holds its types as values in `TYPES`; this module only puts them side by side. Nothing here knows YAML,
positions or findings.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from netcompile.layers import (
    combining,
    convolution,
    data,
    dense,
    losses,
    neuron,
    normalisation,
    pooling,
    python,
    recurrent,
    reshaping,
    spatial,
)
from netcompile.layers._apply import (
    Applied,
    Known,
    apply_again,
    apply_type,
    learned_count,
    likely_learned,
    spatial_errors,
)
from netcompile.layers._layer import Arity, Inferred, LayerType, Learned, layer_type
from netcompile.layers.data import check_declared_data

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES: Final = (
    combining,
    convolution,
    data,
    dense,
    losses,
    neuron,
    normalisation,
    pooling,
    python,
    recurrent,
    reshaping,
    spatial,
)
LAYER_TYPES: Final[Mapping[str, LayerType]] = MappingProxyType(
    {kind.name: kind for family in FAMILIES for kind in family.TYPES}
)

__all__ = [
    "FAMILIES",
    "LAYER_TYPES",
    "Applied",
    "Arity",
    "Inferred",
    "Known",
    "LayerType",
    "Learned",
    "apply_again",
    "apply_type",
    "check_declared_data",
    "layer_type",
    "learned_count",
    "likely_learned",
    "spatial_errors",
]
