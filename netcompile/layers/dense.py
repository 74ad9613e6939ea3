"""Layers that mix all features of an item: InnerProduct and Embed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import positive
from netcompile.layers._layer import Inferred, Learned, layer_type
from netcompile.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter


@layer_type("InnerProduct", checks=[positive("inner_product_param.num_output")])
def inner_product(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Fully connected layer: the axes from `axis` on are flattened and mapped to `num_output` values."""
    (x,) = bottoms
    p = layer.inner_product_param
    axis = x.canonical(p.axis, "inner_product_param.axis")
    n, k = p.num_output, x.count(axis)
    blobs = [Learned(Shape((k, n) if p.transpose else (n, k)), "inner_product_param.weight_filler")]
    if p.bias_term:
        blobs.append(Learned(Shape((n,)), "inner_product_param.bias_filler"))
    return Inferred([Shape((*x[:axis], n))], blobs, macs=x.count() * n)


TYPES = (inner_product,)
