"""Layers that mix all features of an item: InnerProduct and Embed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import positive
from netcompile.layers._layer import Inferred, Learned, layer_type
from netcompile.layers._rules import axis_of, in_place, refuse_empty
from netcompile.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter


@layer_type("InnerProduct", checks=[positive("inner_product_param.num_output")])
def inner_product(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Fully connected layer: the axes from `axis` on are flattened and mapped to `num_output` values."""
    (x,) = bottoms
    p = layer.inner_product_param
    axis = axis_of(layer, x, "inner_product_param.axis")
    n, k = p.num_output, x.count(axis)
    later = []
    if in_place(layer) and n != k:
        message = f"works in place, so that its next pass reads {n} values where its weights are for {k}"
        later.append(ShapeError(message, "top:0", "shape-mismatch", "give the top another name"))
    blobs = [Learned(Shape((k, n) if p.transpose else (n, k)), "inner_product_param.weight_filler")]
    if p.bias_term:
        refuse_empty(x.count(0, axis), layer, x, "to add the bias to")
        blobs.append(Learned(Shape((n,)), "inner_product_param.bias_filler"))
    return Inferred([Shape((*x[:axis], n))], blobs, macs=x.count() * n, later=later)


@layer_type("Embed", checks=[positive("embed_param.num_output"), positive("embed_param.input_dim")], no_gradient=[0])
def embed(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Looks up a learned row of `num_output` values for each number below `input_dim`, which makes one axis more."""
    (x,) = bottoms
    p = layer.embed_param
    blobs = [Learned(Shape((p.input_dim, p.num_output)), "embed_param.weight_filler")]
    if p.bias_term:
        refuse_empty(x.count(), layer, x, "to add the bias to")
        blobs.append(Learned(Shape((p.num_output,)), "embed_param.bias_filler"))
    return Inferred([Shape((*x, p.num_output))], blobs)


TYPES = (embed, inner_product)
