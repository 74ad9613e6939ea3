from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.layers import LAYER_TYPES, apply_type
from netcompile.layers.data import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.layers import Applied
    from netcompile.shapes import ShapeError

    Apply = Callable[[str, str], Applied]
    Derive = Callable[[str, str], tuple[str, str]]
    Refuse = Callable[[str, str], list[ShapeError]]

LMDB = 'source: "x" backend: LMDB'
TWO = 'top: "data" top: "label"'

# A layer without bottoms, its tops, its learned blobs.
ACCEPTED = [
    (f'type: "Data" data_param {{ {LMDB} batch_size: 64 }} {TWO}', "64x?x?x? 64", ""),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 64 }} top: "data"', "64x?x?x?", ""),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 64 }} transform_param {{ crop_size: 227 mean_value: 1 }} {TWO}',
     "64x?x227x227 64", ""),
    (f'type: "HDF5Data" hdf5_data_param {{ source: "x" batch_size: 2 }} {TWO}', "unknown unknown", ""),
    (f'type: "ImageData" image_data_param {{ source: "x" }} {TWO}', "1x3x?x? 1", ""),
    (f'type: "ImageData" image_data_param {{ source: "x" batch_size: 8 new_height: 30 new_width: 40 }} {TWO}',
     "8x3x30x40 8", ""),
    ((f'type: "ImageData" image_data_param {{ source: "x" is_color: false new_height: 30 new_width: 40 }} {TWO} '
     "transform_param { crop_size: 30 }"), "1x1x30x30 1", ""),
    (f'type: "WindowData" window_data_param {{ source: "x" batch_size: 8 }} transform_param {{ crop_size: 9 }} {TWO}',
     "8x?x9x9 8", ""),
    (f'type: "MemoryData" memory_data_param {{ batch_size: 4 channels: 3 height: 5 width: 6 }} {TWO}', "4x3x5x6 4", ""),
    ('type: "Input" input_param { shape { dim: 1 dim: 3 } }', "1x3", ""),
    (f'type: "Input" input_param {{ shape {{ dim: 1 dim: 3 }} }} {TWO}', "1x3 1x3", ""),
    (f'type: "Input" input_param {{ shape {{ dim: 1 dim: 3 }} shape {{ dim: 1 }} }} {TWO}', "1x3 1", ""),
    ('type: "Input"', "unshaped", ""),
    ('type: "Input" input_param { shape { } }', "scalar", ""),
    ('type: "Input" input_param { shape { dim: 0 dim: 4294967299 } }', "0x3", ""),
    ('type: "Parameter" parameter_param { shape { dim: 4 dim: 5 } }', "4x5", "4x5"),
    ('type: "Parameter"', "scalar", "scalar"),
    ('type: "Parameter" parameter_param { shape { dim: 0 } }', "0", "0"),
    ('type: "DummyData" dummy_data_param { shape { dim: 2 dim: 3 } }', "2x3", ""),
    (f'type: "DummyData" dummy_data_param {{ shape {{ dim: 2 }} shape {{ }} }} {TWO}', "2 scalar", ""),
    (f'type: "DummyData" dummy_data_param {{ shape {{ dim: 2 }} data_filler {{ value: 1 }} }} {TWO}', "2 2", ""),
    (f'type: "DummyData" dummy_data_param {{ num: 2 channels: 3 height: 4 height: 5 width: 6 }} {TWO}',
     "2x3x4x6 2x3x5x6", ""),
    ((f'type: "DummyData" dummy_data_param {{ shape {{ dim: 2 }} shape {{ dim: 0 }} data_filler {{ }} '
     f'data_filler {{ type: "uniform" }} }} {TWO}'), "2 0", ""),
]  # fmt: skip

# A layer without bottoms, the code of the refusal and its place.
REFUSED = [
    (f'type: "Data" data_param {{ batch_size: 64 }} {TWO}', "missing-field", "data_param"),
    (f'type: "Data" data_param {{ source: "" batch_size: 64 }} {TWO}', "missing-field", "data_param.source"),
    (f'type: "Data" data_param {{ {LMDB} }} {TWO}', "missing-field", "data_param"),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 0 }} {TWO}', "bad-value", "data_param.batch_size"),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 1 }} transform_param {{ mean_file: "m" mean_value: 1 }} {TWO}',
     "conflicting-fields", "transform_param.mean_value"),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 1 }} {TWO} top: "more"', "top-count", "top:2"),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 1 }} {TWO} bottom: "x"', "bottom-count", "bottom:0"),
    (f'type: "HDF5Data" hdf5_data_param {{ batch_size: 1 }} {TWO}', "missing-field", "hdf5_data_param"),
    (f'type: "HDF5Data" hdf5_data_param {{ source: "x" batch_size: 1 }} transform_param {{ }} {TWO}',
     "conflicting-fields", "transform_param"),
    (f'type: "ImageData" {TWO}', "missing-field", "image_data_param"),
    (f'type: "ImageData" image_data_param {{ source: "x" batch_size: 0 }} {TWO}', "bad-value",
     "image_data_param.batch_size"),
    (f'type: "ImageData" image_data_param {{ source: "x" new_width: 3 }} {TWO}', "conflicting-fields",
     "image_data_param.new_width"),
    ((f'type: "ImageData" image_data_param {{ source: "x" new_height: 30 new_width: 40 }} {TWO} '
     "transform_param { crop_size: 31 }"), "bad-value", "transform_param.crop_size"),
    (f'type: "ImageData" image_data_param {{ source: "x" }} transform_param {{ mean_file: "m" mean_value: 1 }} {TWO}',
     "conflicting-fields", "transform_param.mean_value"),
    ('type: "ImageData" image_data_param { source: "x" } top: "data"', "top-count", "top"),
    (f'type: "WindowData" window_data_param {{ batch_size: 8 }} transform_param {{ crop_size: 9 }} {TWO}',
     "missing-field", "window_data_param"),
    (f'type: "WindowData" window_data_param {{ source: "x" }} transform_param {{ crop_size: 9 }} {TWO}',
     "missing-field", "window_data_param"),
    (f'type: "WindowData" window_data_param {{ source: "x" batch_size: 8 }} {TWO}', "missing-field", "transform_param"),
    ((f'type: "WindowData" window_data_param {{ source: "x" batch_size: 8 }} {TWO} '
     'transform_param { crop_size: 9 mean_file: "m" mean_value: 1 }'), "conflicting-fields",
     "transform_param.mean_value"),
    (f'type: "MemoryData" memory_data_param {{ batch_size: 4 channels: 3 height: 5 }} {TWO}', "missing-field",
     "memory_data_param"),
    (f'type: "MemoryData" memory_data_param {{ batch_size: 4 channels: 0 height: 5 width: 6 }} {TWO}', "bad-value",
     "memory_data_param.channels"),
    ((f'type: "MemoryData" memory_data_param {{ batch_size: 4 channels: 3 height: 5 width: 6 }} {TWO} '
     'transform_param { mean_file: "m" mean_value: 1 }'), "conflicting-fields", "transform_param.mean_value"),
    (f'type: "MemoryData" memory_data_param {{ batch_size: 4294967295 channels: 3 height: 5 width: 6 }} {TWO}',
     "blob-too-large", ""),
    (f'type: "Input" input_param {{ shape {{ }} shape {{ }} shape {{ }} }} {TWO}', "count-mismatch",
     "input_param.shape"),
    ('type: "Input" input_param { shape { } shape { } }', "count-mismatch", "input_param.shape"),
    ('type: "Input" input_param { shape { dim: -1 } }', "negative-dim", ""),
    ('type: "Input" input_param { shape { dim: 2147483648 } }', "blob-too-large", "input_param.shape"),
    ('type: "Input" input_param { shape { dim: 65536 dim: 65536 } }', "blob-too-large", ""),
    ("type: 'Input' input_param { shape { " + 33 * "dim: 1 " + "} }", "axis-count", ""),
    ('type: "Input" bottom: "x"', "bottom-count", "bottom:0"),
    ('type: "Parameter" parameter_param { shape { dim: -3 } }', "negative-dim", ""),
    (f'type: "Parameter" {TWO}', "top-count", "top:1"),
    ('type: "DummyData"', "missing-field", "dummy_data_param"),
    (f'type: "DummyData" dummy_data_param {{ shape {{ }} shape {{ }} shape {{ }} }} {TWO}', "count-mismatch",
     "dummy_data_param.shape"),
    ('type: "DummyData" dummy_data_param { shape { dim: 1 } width: 1 }', "conflicting-fields",
     "dummy_data_param.width"),
    ('type: "DummyData" dummy_data_param { num: 1 channels: 1 height: 1 }', "missing-field", "dummy_data_param"),
    ('type: "DummyData" dummy_data_param { num: 1 num: 2 channels: 1 height: 1 width: 1 }', "count-mismatch",
     "dummy_data_param.num"),
    ('type: "DummyData" dummy_data_param { shape { dim: 1 } data_filler { } data_filler { } }', "count-mismatch",
     "dummy_data_param.data_filler"),
    ('type: "DummyData" dummy_data_param { shape { dim: 0 } }', "empty-blob", "dummy_data_param"),
    ('type: "DummyData" dummy_data_param { shape { dim: 1 } data_filler { sparse: 1 } }', "bad-value",
     "dummy_data_param.data_filler:0.sparse"),
    (f'type: "DummyData" dummy_data_param {{ shape {{ dim: 1 }} data_filler {{ }} data_filler {{ type: "" }} }} {TWO}',
     "unknown-filler", "dummy_data_param.data_filler:1.type"),
    ('type: "DummyData" dummy_data_param { shape { dim: -2 } }', "negative-dim", ""),
    (('type: "DummyData" dummy_data_param { num: 0 channels: 4294967295 height: 1 width: 1 '
     'data_filler { type: "msra" } }'), "blob-too-large", "dummy_data_param.channels"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tops", "blobs"), ACCEPTED)
def test_shapes(text: str, tops: str, blobs: str, derive: Derive) -> None:
    assert derive(text, "") == (tops, blobs)


@pytest.mark.parametrize(("text", "code", "at"), REFUSED)
def test_refused(text: str, code: str, at: str, refuse: Refuse) -> None:
    assert [(error.code, error.at) for error in refuse(text, "")] == [(code, at)]


# A layer, its bottoms, and the codes of what aborts in the first forward pass.
LATER = [
    (f'type: "Data" data_param {{ {LMDB} batch_size: 1 prefetch: 0 }} {TWO}', "", ["bad-value"]),
    (f'type: "Data" data_param {{ {LMDB} batch_size: 1 prefetch: 1 }} {TWO}', "", []),
    (f'type: "ImageData" image_data_param {{ source: "x" }} data_param {{ prefetch: 0 }} {TWO}', "", ["bad-value"]),
    (f'type: "ImageData" image_data_param {{ source: "x" }} transform_param {{ mean_value: 1 mean_value: 2 }} {TWO}',
     "", ["count-mismatch"]),
    ((f'type: "ImageData" image_data_param {{ source: "x" }} {TWO} '
     "transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }"), "", []),
    ((f'type: "WindowData" window_data_param {{ source: "x" batch_size: 8 }} data_param {{ prefetch: 0 }} {TWO} '
     "transform_param { crop_size: 9 }"), "", ["bad-value"]),
    (f'type: "HDF5Data" hdf5_data_param {{ source: "x" }} {TWO}', "", ["bad-value"]),
    (f'type: "HDF5Data" hdf5_data_param {{ source: "x" batch_size: 1 }} {TWO}', "", []),
    ('type: "DummyData" dummy_data_param { shape { dim: 0 } data_filler { type: "gaussian" std: 0 } }', "",
     ["bad-value", "empty-blob"]),
    ('type: "HDF5Output" hdf5_output_param { file_name: "x" }', "4x3 4", []),
    ('type: "HDF5Output" hdf5_output_param { file_name: "x" }', "?x3 4", []),
    ('type: "HDF5Output" hdf5_output_param { file_name: "x" }', "4x3 5", ["shape-mismatch"]),
    ('type: "HDF5Output" hdf5_output_param { file_name: "x" }', "1x2x3x4x5 1x2x3x4x5", ["axis-count", "axis-count"]),
    ('type: "HDF5Output" hdf5_output_param { file_name: "x" }', "unknown unknown", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bottoms", "codes"), LATER)
def test_what_aborts_only_when_it_runs(text: str, bottoms: str, codes: list[str], apply: Apply) -> None:
    applied = apply(text, bottoms)
    assert not applied.errors
    assert [error.code for error in applied.later] == codes


def test_hdf5_output_needs_a_file_and_two_bottoms(refuse: Refuse) -> None:
    assert [error.code for error in refuse('type: "HDF5Output"', "4x3 4")] == ["missing-field"]
    text = 'type: "HDF5Output" hdf5_output_param { file_name: "x" }'
    assert [error.code for error in refuse(text, "4x3")] == ["bottom-count"]
    assert [error.code for error in refuse(f'{text} top: "y"', "4x3 4")] == ["top-count"]


def test_all_sizes_that_are_missing_are_found(refuse: Refuse) -> None:
    errors = refuse(f'type: "MemoryData" {TWO}', "")
    assert [error.message.split()[0] for error in errors] == ["batch_size", "channels", "height", "width"]


def test_which_layers_bring_data_from_outside() -> None:
    outside = {"Data", "HDF5Data", "ImageData", "MemoryData", "WindowData"}
    assert {kind.name for kind in TYPES if kind.data} == outside
    assert {kind.name for kind in TYPES if kind.names_tops} == outside
    assert {kind.name for kind in TYPES if "transform_param" in kind.reads} == outside - {"HDF5Data"}


@pytest.mark.parametrize(
    ("tops", "bottoms"), [("", ""), ('top: "x" top: "y"', "2x3 unknown"), ('top: "x"', "2x3 2x3 2x3")]
)
def test_python_has_any_bottoms_and_tops_of_unknown_shape(tops: str, bottoms: str) -> None:
    layer = text_format.Parse(f"{tops} python_param {{ module: 'm' layer: 'L' }}", LayerParameter(type="Python"))
    layer.bottom.extend("abc"[: len(bottoms.split())])
    applied = apply_type(LAYER_TYPES["Python"], layer, [None] * len(layer.bottom))
    assert not applied.errors
    assert list(applied.tops) == [None] * len(layer.top)


@pytest.mark.parametrize(
    ("given", "wrong"), [("", ["module", "layer"]), ("module: 'm'", ["layer"]), ("module: '' layer: 'L'", ["module"])]
)
def test_python_needs_a_module_and_a_class(given: str, wrong: list[str], refuse: Refuse) -> None:
    errors = refuse(f'type: "Python" python_param {{ {given} }}', "")
    assert [(error.code, error.message.split()[0]) for error in errors] == [("missing-field", name) for name in wrong]
