from __future__ import annotations

import pytest

from netcompile.layers import LAYER_TYPES

CONV, DECONV, IM2COL = ('type: "Convolution"', 'type: "Deconvolution"', 'type: "Im2col"')


def conv(fields: str, rest: str = "") -> str:
    return f"{CONV} convolution_param {{ {fields} }} {rest}"


def deconv(fields: str, rest: str = "") -> str:
    return f"{DECONV} convolution_param {{ {fields} }} {rest}"


def im2col(fields: str) -> str:
    return f"{IM2COL} convolution_param {{ {fields} }}"


@pytest.mark.parametrize(
    ("fields", "bottom", "top", "blobs"),
    [
        ("num_output: 64 kernel_size: 9", "128x1x33x33", "128x64x25x25", "64x1x9x9 64"),
        ("num_output: 6 kernel_size: 3 bias_term: false", "1x4x5x6", "1x6x3x4", "6x4x3x3"),
        ("num_output: 6 kernel_size: 3 kernel_size: 2", "1x4x5x6", "1x6x3x5", "6x4x3x2 6"),
        ("num_output: 6 kernel_h: 3 kernel_w: 2", "1x4x5x6", "1x6x3x5", "6x4x3x2 6"),
        ("num_output: 6 kernel_size: 3 pad_h: 1", "1x4x5x6", "1x6x5x4", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 pad: 0 pad: 1", "1x4x5x6", "1x6x3x6", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 stride_h: 2 stride_w: 3", "1x4x9x9", "1x6x4x3", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 stride: 2", "1x4x6x6", "1x6x2x2", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 dilation: 2", "1x4x9x9", "1x6x5x5", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 dilation: 0", "1x4x9x9", "1x6x9x9", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 group: 2", "1x4x5x5", "1x6x3x3", "6x2x3x3 6"),
        ("num_output: 6 kernel_size: 1 group: 6", "1x6x5x5", "1x6x5x5", "6x1x1x1 6"),
        # one axis, three axes, none
        ("num_output: 6 kernel_size: 3", "2x4x9", "2x6x7", "6x4x3 6"),
        ("num_output: 6 kernel_size: 1 kernel_size: 2 kernel_size: 3", "2x4x5x5x5", "2x6x5x4x3", "6x4x1x2x3 6"),
        ("num_output: 6", "2x4", "2x6", "6x4 6"),
        ("num_output: 6 kernel_size: 0 stride: 0", "2x4", "2x6", "6x4 6"),
        ("num_output: 6 kernel_size: 2 axis: 0", "4x5x5", "6x4x4", "6x4x2x2 6"),
        ("num_output: 6 kernel_size: 2 axis: -3", "2x3x4x5x5", "2x3x6x4x4", "6x4x2x2 6"),
        # a window too large by less than the stride: C division rounds toward zero
        ("num_output: 6 kernel_size: 5 stride: 2", "1x4x4x4", "1x6x1x1", "6x4x5x5 6"),
        ("num_output: 6 kernel_size: 5 bias_term: false", "1x4x4x4", "1x6x0x0", "6x4x5x5"),
        ("num_output: 6 kernel_size: 3", "0x4x5x5", "0x6x3x3", "6x4x3x3 6"),
        # Caffe keeps these numbers in signed integers: 4294967295 is -1 to it
        ("num_output: 6 kernel_size: 3 pad: 4294967295", "1x4x9x9", "1x6x5x5", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 dilation: 4294967295", "1x4x5x5", "1x6x7x7", "6x4x3x3 6"),
        ("num_output: 6 kernel_size: 3 stride_h: 4294967292 stride_w: 1", "1x4x5x5", "1x6x1x3", "6x4x3x3 6"),
    ],
)
def test_convolution(fields, bottom, top, blobs, derive):
    assert derive(conv(fields), bottom) == (top, blobs)


@pytest.mark.parametrize(
    ("fields", "bottom", "top", "blobs"),
    [
        ("num_output: 6 kernel_size: 4 stride: 2 pad: 1", "1x4x5x6", "1x6x10x12", "4x6x4x4 6"),
        ("num_output: 6 kernel_size: 3 dilation: 2 bias_term: false", "1x4x5x5", "1x6x9x9", "4x6x3x3"),
        ("num_output: 6 kernel_size: 3 group: 2", "1x4x5x5", "1x6x7x7", "4x3x3x3 6"),
        ("num_output: 6 kernel_size: 3", "1x4x5", "1x6x7", "4x6x3 6"),
        ("num_output: 6", "1x4", "1x6", "4x6 6"),
        ("num_output: 6 kernel_size: 2 pad: 1 bias_term: false", "1x4x1x1", "1x6x0x0", "4x6x2x2"),
        # Caffe checks no stride in this spelling
        ("num_output: 6 kernel_size: 3 stride_h: 2", "1x4x3x3", "1x6x7x3", "4x6x3x3 6"),
    ],
)
def test_deconvolution(fields, bottom, top, blobs, derive):
    assert derive(deconv(fields), bottom) == (top, blobs)


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("kernel_size: 3", "2x4x5x6", "2x36x3x4"),
        ("kernel_size: 3 stride: 2 pad: 1 dilation: 2", "2x4x9x9", "2x36x4x4"),
        ("kernel_h: 1 kernel_w: 2 stride_h: 2 stride_w: 1", "2x4x5x6", "2x8x3x5"),
        ("kernel_size: 3", "2x4x5", "2x12x3"),
        ("kernel_size: 2 axis: -3", "2x4x5x5", "2x16x4x4"),
        ("kernel_size: 6", "2x4x5x5", "2x144x0x0"),
    ],
)
def test_im2col(fields, bottom, top, derive):
    assert derive(im2col(fields), bottom) == (top, "")


def test_many_bottoms_share_the_weights(apply, derive):
    text = conv("num_output: 2 kernel_size: 3", 'top: "x" top: "y"')
    assert derive(text, "1x4x5x5 1x4x5x5") == ("1x2x3x3 1x2x3x3", "2x4x3x3 2")
    assert apply(text, "1x4x5x5 1x4x5x5").macs == 2 * 2 * 9 * 36


@pytest.mark.parametrize(
    ("text", "bottom", "top", "blobs"),
    [
        (conv("num_output: 6 kernel_size: 3"), "?x4x?x6", "?x6x?x4", "6x4x3x3 6"),
        (conv("num_output: 6 kernel_size: 3 group: 2"), "1x?x5x5", "1x6x3x3", "6x?x3x3 6"),
        (conv("num_output: 6 kernel_size: 3"), "unknown", "unknown", "unknown"),
        (conv("num_output: 6 kernel_h: 3 kernel_w: 3"), "unknown", "?x6x?x?", "6x?x3x3 6"),
        (deconv("num_output: 6 kernel_size: 3"), "?x4x?x6", "?x6x?x8", "4x6x3x3 6"),
        (deconv("num_output: 6 kernel_h: 3 kernel_w: 3"), "unknown", "?x6x?x?", "?x6x3x3 6"),
        (im2col("kernel_size: 3"), "?x4x?x6", "?x36x?x4", ""),
        (im2col("kernel_h: 3 kernel_w: 3"), "unknown", "?x?x?x?", ""),
    ],
)
def test_what_is_known_of_unknown_bottoms(text, bottom, top, blobs, derive):
    assert derive(text, bottom)[0] == top
    if blobs != "unknown":
        assert derive(text, bottom)[1] == blobs


# Refused by all three types, which read their windows alike.
WINDOWS = [
    ("kernel_size: 3 kernel_h: 3 kernel_w: 3", "1x4x5x5", "conflicting-fields", "convolution_param.kernel_h"),
    ("kernel_h: 3", "1x4x5x5", "missing-field", "convolution_param.kernel_h"),
    ("kernel_w: 3", "1x4x5x5", "missing-field", "convolution_param.kernel_w"),
    ("kernel_h: 3 kernel_w: 3", "1x4x5", "axis-count", "convolution_param.kernel_h"),
    ("kernel_h: 3 kernel_w: 0", "1x4x5x5", "bad-value", "convolution_param.kernel_w"),
    ("kernel_size: 0", "1x4x5x5", "bad-value", "convolution_param.kernel_size"),
    ("kernel_size: 3 kernel_size: 3 kernel_size: 3", "1x4x5x5", "axis-count", "convolution_param.kernel_size"),
    ("", "1x4x5x5", "missing-field", "convolution_param"),
    ("kernel_size: 3 stride: 1 stride_w: 1", "1x4x5x5", "conflicting-fields", "convolution_param.stride_w"),
    ("kernel_size: 3 stride_h: 1 stride_w: 1", "1x4x5", "axis-count", "convolution_param.stride_h"),
    ("kernel_size: 3 stride: 0", "1x4x5x5", "bad-value", "convolution_param.stride"),
    ("kernel_size: 3 stride: 4294967295", "1x4x5x5", "bad-value", "convolution_param.stride"),
    ("kernel_size: 4294967295", "1x4x5x5", "bad-value", "convolution_param.kernel_size"),
    ("kernel_size: 3 stride: 1 stride: 1 stride: 1", "1x4x5x5", "axis-count", "convolution_param.stride"),
    ("kernel_size: 3 pad: 1 pad_h: 1", "1x4x5x5", "conflicting-fields", "convolution_param.pad_h"),
    ("kernel_size: 3 pad_w: 1", "1x4x5x5x5", "axis-count", "convolution_param.pad_w"),
    ("kernel_size: 3 pad: 1 pad: 1 pad: 1", "1x4x5x5", "axis-count", "convolution_param.pad"),
    ("kernel_size: 3 dilation: 1 dilation: 1", "1x4x5", "axis-count", "convolution_param.dilation"),
    ("kernel_size: 3 axis: 4", "1x4x5x5", "axis-range", "convolution_param.axis"),
    ("kernel_size: 3 axis: -5", "1x4x5x5", "axis-range", "convolution_param.axis"),
    ("kernel_size: 3", "scalar", "axis-range", "convolution_param.axis"),
]


@pytest.mark.parametrize("kind", [CONV, DECONV, IM2COL])
@pytest.mark.parametrize(("fields", "bottom", "code", "at"), WINDOWS)
def test_refused_windows(kind, fields, bottom, code, at, refuse):
    weights = "" if kind == IM2COL else "num_output: 2"
    (error,) = refuse(f"{kind} convolution_param {{ {weights} {fields} }}", bottom)
    assert (error.code, error.at) == (code, at)


STRIDES = [CONV, IM2COL]


@pytest.mark.parametrize("kind", STRIDES)
@pytest.mark.parametrize(
    ("fields", "code", "at"),
    [
        ("kernel_size: 3 stride_h: 2", "missing-field", "convolution_param.stride_h"),
        ("kernel_size: 3 stride_h: 2 stride_w: 0", "bad-value", "convolution_param.stride_w"),
        ("kernel_size: 7", "window-too-large", "convolution_param.kernel_size"),
        ("kernel_h: 3 kernel_w: 7", "window-too-large", "convolution_param.kernel_w"),
        ("kernel_size: 3 dilation: 3", "window-too-large", "convolution_param.kernel_size"),
    ],
)
def test_refused_windows_that_divide(kind, fields, code, at, refuse):
    weights = "" if kind == IM2COL else "num_output: 2"
    (error,) = refuse(f"{kind} convolution_param {{ {weights} {fields} }}", "1x4x5x5")
    assert (error.code, error.at) == (code, at)


@pytest.mark.parametrize("kind", [CONV, DECONV])
@pytest.mark.parametrize(
    ("fields", "rest", "bottoms", "code", "at"),
    [
        ("kernel_size: 3", "", "1x4x5x5", "missing-field", "convolution_param"),
        ("kernel_size: 3 num_output: 0", "", "1x4x5x5", "bad-value", "convolution_param.num_output"),
        ("kernel_size: 3 num_output: 4 group: 0", "", "1x4x5x5", "bad-value", "convolution_param.group"),
        ("kernel_size: 3 num_output: 4 group: 3", "", "1x3x5x5", "group-mismatch", "convolution_param.group"),
        ("kernel_size: 3 num_output: 3 group: 3", "", "1x4x5x5", "group-mismatch", "convolution_param.group"),
        ("kernel_size: 3 num_output: 3", "", "", "bottom-count", "bottom"),
        ("kernel_size: 3 num_output: 3", "", "1x4x5x5 1x4x5x5", "top-count", "top"),
        ("kernel_size: 3 num_output: 3", 'top: "x" top: "y"', "1x4x5x5", "top-count", "top:1"),
        ("kernel_size: 3 num_output: 3", 'top: "x" top: "y"', "1x4x5x5 1x4x5x6", "shape-mismatch", "bottom:1"),
        ("kernel_size: 3 num_output: 3", "", "1x0x5x5", "empty-blob", "convolution_param.weight_filler"),
        ("kernel_size: 3 num_output: 3 dilation: 2 engine: CUDNN", "", "1x4x9x9", "conflicting-fields",
         "convolution_param.dilation"),
        ("kernel_size: 3 num_output: 3 engine: CUDNN", "", "1x4x9", "axis-count", "convolution_param.engine"),
        ("kernel_size: 3 num_output: 3", "blobs {}", "1x4x5x5", "count-mismatch", "blobs"),
        ("kernel_size: 3 num_output: 3 bias_term: false", "blobs { shape { dim: 3 dim: 4 dim: 3 dim: 2 } }", "1x4x5x5",
         "shape-mismatch", "blobs"),
        ("kernel_size: 3 num_output: 2 weight_filler { type: 'unheard' }", "", "1x4x5x5", "unknown-filler",
         "convolution_param.weight_filler.type"),
        ("kernel_size: 3 num_output: 2 bias_filler { type: 'bilinear' }", "", "1x4x5x5", "filler-shape",
         "convolution_param.bias_filler"),
    ],
)  # fmt: skip
def test_refused_weights(kind, fields, rest, bottoms, code, at, refuse):
    errors = refuse(f"{kind} convolution_param {{ {fields} }} {rest}", bottoms)
    assert [(error.code, error.at) for error in errors] == [(code, at)]


def test_a_bias_needs_a_plane(refuse):
    (error,) = refuse(conv("num_output: 6 kernel_size: 5"), "1x4x4x4")
    assert (error.code, error.hint) == ("window-too-large", "a kernel of at most 4 fits")
    (error,) = refuse(deconv("num_output: 6 kernel_size: 2 pad: 1"), "1x4x1x1")
    assert (error.code, error.at) == ("empty-blob", "convolution_param.pad")


def test_a_deconvolution_can_be_padded_away(refuse):
    (error,) = refuse(deconv("num_output: 6 kernel_size: 3 pad_h: 0 pad_w: 9 bias_term: false"), "1x4x5x5")
    assert (error.code, error.at) == ("negative-dim", "convolution_param.pad_w")
    assert (
        error.message
        == "the output's width would be -11, from a (1x4x5x5): stride 1 * (width 5 - 1) + kernel 3 - 2 * pad 9"
    )


def test_im2col_needs_a_spatial_axis(refuse):
    (error,) = refuse(im2col("kernel_size: 1"), "2x4")
    assert (error.code, error.at) == ("axis-count", "bottom:0")


@pytest.mark.parametrize("count", ["", "1x4x5x5 1x4x5x5"])
def test_im2col_has_one_bottom(count, refuse):
    assert [error.code for error in refuse(im2col("kernel_size: 1"), count)] == ["bottom-count"]


def test_the_message_says_what_would_fit(refuse):
    (error,) = refuse(conv("num_output: 1 kernel_size: 7 pad: 1 dilation: 2"), "1x32x9x9")
    assert error.message == (
        "a kernel of 7 with dilation 2 covers 13, which doesn't fit a (1x32x9x9): "
        "its height is 9, 11 with its padding, so the output would be -1"
    )
    assert error.hint == "a kernel of at most 6 fits"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (conv("num_output: 6 kernel_size: 6 bias_term: false"), ["window-too-large"] * 2),
        (im2col("kernel_size: 6"), ["window-too-large"] * 2),
        (deconv("num_output: 6 kernel_size: 1 kernel_size: 6 pad: 0 pad: 5 bias_term: false"), ["empty-blob"]),
        (deconv("num_output: 6 kernel_size: 3 stride_h: 2"), ["bad-value"]),
        (deconv("num_output: 6 kernel_size: 3 stride_h: 2 force_nd_im2col: true"), []),
        (conv("num_output: 6 kernel_size: 3 bias_term: false"), []),
    ],
)
def test_what_aborts_only_when_it_runs(text, codes, apply):
    applied = apply(text, "1x4x5x5")
    assert not applied.errors
    assert [error.code for error in applied.later] == codes


def test_the_column_buffer_has_a_limit_too(derive, refuse):
    # 64 * 9 * 1998 * 1998 is over 2^31 - 1, though the top is small.
    (error,) = refuse(conv("num_output: 1 kernel_size: 3"), "1x64x2000x2000")
    assert error.code == "blob-too-large"
    assert derive(conv("num_output: 1 kernel_size: 1"), "1x64x2000x2000")[0] == "1x1x2000x2000"


def test_written_blobs_are_not_filled(apply, refuse):
    blobs = "blobs { shape { dim: 2 dim: 4 dim: 1 dim: 1 } } blobs { num: 1 channels: 1 height: 1 width: 2 }"
    fields = "num_output: 2 kernel_size: 1 weight_filler { type: 'unheard' }"
    assert [error.at for error in refuse(conv(fields, blobs), "1x4x5x5")] == ["blobs"]
    blobs = "blobs { num: 2 channels: 4 height: 1 width: 1 } blobs { shape { dim: 2 } }"
    assert [filler for _, filler in apply(conv(fields, blobs), "1x4x5x5").blobs] == [None, None]


@pytest.mark.parametrize(
    ("text", "bottom", "macs"),
    [
        (conv("num_output: 64 kernel_size: 9"), "128x1x33x33", 128 * 64 * 25 * 25 * 81),
        (conv("num_output: 6 kernel_size: 3 group: 2"), "1x4x5x5", 6 * 9 * 2 * 9),
        (deconv("num_output: 6 kernel_size: 4 stride: 2"), "2x4x5x5", 2 * 4 * 25 * 6 * 16),
        (im2col("kernel_size: 4"), "2x4x5x5", 0),
    ],
)
def test_macs_are_the_weights_alone(text, bottom, macs, apply):
    assert apply(text, bottom).macs == macs


@pytest.mark.parametrize("name", ["Convolution", "Deconvolution", "Im2col"])
def test_fields_come_from_convolution_param(name):
    assert LAYER_TYPES[name].params == ("convolution_param",)
