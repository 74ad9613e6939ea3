"""Layers whose class is the user's own, in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._layer import Inferred, layer_type
from netcompile.layers._rules import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.shapes import Shape


# Whether it is right in place is the class's own affair, so nothing is said against it.
@layer_type(
    "Python",
    bottoms=(0, None),
    tops=(0, None),
    checks=[
        written("python_param.module", "a module on Caffe's Python path"),
        written("python_param.layer", "a class of that module"),
    ],
    in_place="exact",
    implies_bottom=False,
)
def python(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Runs the class `layer` of the Python module `module`, which reshapes the tops itself: declare their shapes.

    `param_str` reaches the class as text.
    """
    del bottoms
    return Inferred([None] * len(layer.top))


TYPES = (python,)
