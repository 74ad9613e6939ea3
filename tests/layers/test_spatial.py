from __future__ import annotations

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.layers.spatial import lrn


def crop(fields: str = "", rest: str = "") -> str:
    return f'type: "Crop" crop_param {{ {fields} }} {rest}'


def norm(fields: str = "") -> str:
    return f'type: "LRN" lrn_param {{ {fields} }}'


@pytest.mark.parametrize(
    ("fields", "bottoms", "top"),
    [
        ("", "2x3x9x9 5x7x4x6", "2x3x4x6"),
        ("offset: 5", "2x3x9x9 5x7x4x4", "2x3x4x4"),
        ("offset: 5 offset: 0", "2x3x9x9 5x7x4x9", "2x3x4x9"),
        ("axis: 0", "2x3 1x3", "1x3"),
        ("axis: 0 offset: 4294967295", "2x3 1x2", "1x2"),
        ("axis: -1 offset: 2", "5 3", "3"),
        ("axis: 1", "2x3x4 9x3x4x7", "2x3x4"),
        ("", "2x3x9x9 5x7x0x6", "2x3x0x6"),
        ("", "?x3x9x? 1x1x?x4", "?x3x?x4"),
        ("", "unknown 1x1x4x5", "unknown"),
        ("", "2x3x9x9 unknown", "2x3x?x?"),
    ],
)
def test_crop(fields, bottoms, top, derive):
    assert derive(crop(fields), bottoms) == (top, "")


@pytest.mark.parametrize(
    ("fields", "bottoms", "code", "at"),
    [
        ("", "2x3x9x9", "bottom-count", "bottom"),
        ("", "2x3 2x3", "axis-range", "crop_param.axis"),
        ("axis: -5", "2x3x9x9 2x3x9x9", "axis-range", "crop_param.axis"),
        ("", "2x3x9x9 9x9", "axis-count", "bottom:1"),
        ("", "2x3x9x9 2x3x9x10", "window-too-large", "bottom:0"),
        ("offset: 1", "2x3x9x9 2x3x9x8", "window-too-large", "bottom:0"),
        ("offset: 2147483648", "2x3x9x9 2x3x9x8", "window-too-large", "bottom:0"),
        ("offset: 0 offset: 2", "2x3x9x9 2x3x9x8", "window-too-large", "bottom:0"),
        ("offset: 0 offset: 2 offset: 3", "2x3x9x9 2x3x9x8", "count-mismatch", "crop_param.offset"),
        ("axis: 3 offset: 0 offset: 0", "2x3x9x9 2x3x9x8", "count-mismatch", "crop_param.offset"),
        ("", "?x3x9x9 ?x3x?x10", "window-too-large", "bottom:0"),
    ],
)
def test_refused_crop(fields, bottoms, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(crop(fields), bottoms)] == [(code, at)]


def test_crop_says_what_does_not_fit(refuse):
    (error,) = refuse(crop("offset: 3"), "2x3x9x9 1x1x4x7")
    assert error.message == "axis 3 of a (2x3x9x9) can't be cut to 7, from 3 on, as b (1x1x4x7) asks"


@pytest.mark.parametrize("fields", ["", "local_size: 1", "local_size: 9 norm_region: WITHIN_CHANNEL"])
@pytest.mark.parametrize("shape", ["2x3x4x5", "0x3x4x5", "?x3x?x5"])
def test_lrn_keeps_the_shape(fields, shape, derive):
    assert derive(norm(fields), shape) == (shape, "")


def test_lrn_of_an_unknown_blob_has_four_axes(derive):
    assert derive(norm(), "unknown") == ("?x?x?x?", "")


@pytest.mark.parametrize(
    ("fields", "bottom", "code", "at"),
    [
        ("local_size: 4", "2x3x4x5", "bad-value", "lrn_param.local_size"),
        ("local_size: 0", "2x3x4x5", "bad-value", "lrn_param.local_size"),
        ("local_size: 4294967295", "2x3x4x5", "bad-value", "lrn_param.local_size"),
        ("", "3x4x5", "axis-count", "bottom:0"),
        ("", "1x2x3x4x5", "axis-count", "bottom:0"),
        ("", "1x2x3x4 1x2x3x4", "bottom-count", "bottom:1"),
    ],
)
def test_refused_lrn(fields, bottom, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(norm(fields), bottom)] == [(code, at)]


@pytest.mark.parametrize(("fields", "in_place"), [("", "wrong"), ("norm_region: WITHIN_CHANNEL", "forward")])
def test_lrn_in_place_depends_on_the_region(fields, in_place):
    assert lrn.in_place_of(text_format.Parse(norm(fields), LayerParameter())) == in_place
