from __future__ import annotations

from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.ir import given_fields
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.layers._apply import Applied, Known, apply_again
from netcompile.shapes import Shape, Unshaped


def again(text: str, bottom: Shape, known: Known) -> Applied:
    layer = text_format.Parse(text, LayerParameter())
    return apply_again(LAYER_TYPES[layer.type], layer, [bottom], (layer.bottom, layer.top), given_fields(layer), known)


def test_equal_layers_are_derived_once() -> None:
    known: Known = {}
    text = 'type: "InnerProduct" inner_product_param { num_output: 5 } name: "%s" bottom: "%s" top: "y"'
    first = again(text % ("a", "x"), Shape((2, 3)), known)
    assert again(text % ("b", "z"), Shape((2, 3)), known) is first
    assert again(text % ("b", "y"), Shape((2, 3)), known) is not first  # in place
    assert again(text % ("b", "z"), Shape((2, 4)), known).tops == [(2, 5)]
    assert len(known) == 2  # in place, it aborts later, which is not kept


def test_a_refusal_names_its_own_layer() -> None:
    known: Known = {}
    text = 'type: "PReLU" bottom: "%s" top: "y"'
    for name in ("a", "b"):
        (error,) = again(text % name, Shape((3,)), known).errors
        assert f"{name} (3)" in error.message
    assert not known


def test_a_scalar_is_not_a_blob_without_shape() -> None:
    known: Known = {}
    text = 'type: "Split" bottom: "x" top: "y"'
    assert not again(text, Shape(()), known).errors
    assert [error.code for error in again(text, Unshaped(), known).errors] == ["empty-blob"]


def test_required_fields_that_are_not_given_matter_to_a_clip_with_parameters_only() -> None:
    known: Known = {}
    assert not again('type: "Clip" bottom: "x" top: "y"', Shape((3,)), known).errors


def test_stored_blobs_are_looked_at_each_time() -> None:
    known: Known = {}
    text = 'type: "Scale" bottom: "x" top: "y"'
    assert not again(text, Shape((2, 3)), known).errors
    assert [error.at for error in again(f"{text} blobs {{ shape {{ dim: 4 }} }}", Shape((2, 3)), known).errors] == [
        "blobs:0"
    ]


def test_data_layers_are_looked_at_each_time() -> None:
    known: Known = {}
    text = 'type: "HDF5Data" top: "x" hdf5_data_param { source: "s" batch_size: 1 }'
    kind = LAYER_TYPES["HDF5Data"]
    plain, transformed = (text_format.Parse(t, LayerParameter()) for t in (text, f"{text} transform_param {{ }}"))
    assert apply_again(kind, plain, [], ((), plain.top), given_fields(plain), known) == apply_type(kind, plain, [])
    assert [
        error.at
        for error in apply_again(kind, transformed, [], ((), transformed.top), given_fields(transformed), known).errors
    ] == ["transform_param"]
