from __future__ import annotations

import pytest

SIZE, SIDES = "kernel_size: 2", "kernel_h: 2 kernel_w: 3"


def pool(fields: str, rest: str = "") -> str:
    return f'type: "Pooling" pooling_param {{ {fields} }} {rest}'


def spp(fields: str, rest: str = "") -> str:
    return f'type: "SPP" spp_param {{ {fields} }} {rest}'


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("kernel_size: 3 stride: 2", "10x96x55x55", "10x96x27x27"),
        ("kernel_size: 3 stride: 2", "1x32x32x32", "1x32x16x16"),
        ("kernel_size: 3 stride: 2 round_mode: FLOOR", "1x32x32x32", "1x32x15x15"),
        ("kernel_size: 2", "1x3x5x6", "1x3x4x5"),
        (SIDES, "1x3x5x6", "1x3x4x4"),
        ("kernel_size: 2 stride_h: 2 stride_w: 3", "1x3x5x6", "1x3x3x3"),
        ("kernel_size: 3 pad: 1", "1x3x5x6", "1x3x5x6"),
        ("kernel_size: 3 pad: 4294967295", "1x3x7x7", "1x3x3x3"),
        ("kernel_size: 3 pad_h: 1 pad_w: 0", "1x3x5x6", "1x3x5x4"),
        # one of the pair beside kernel_size is ignored
        ("kernel_size: 2 kernel_h: 5", "1x3x5x6", "1x3x4x5"),
        # the last window would start in the padding: left out, on the axis without padding too
        ("kernel_size: 2 stride: 2 pad: 1", "1x1x3x4", "1x1x2x3"),
        ("kernel_size: 2 stride: 4 pad: 1", "1x1x3x3", "1x1x1x1"),
        ("kernel_h: 2 kernel_w: 1 stride: 3 pad_h: 1 pad_w: 0", "1x1x4x6", "1x1x2x2"),
        ("kernel_size: 1 stride: 3", "1x1x6x6", "1x1x3x3"),
        # a window too large by less than the stride still gives 1 when rounding up
        ("kernel_size: 4 stride: 2", "1x1x3x3", "1x1x1x1"),
        ("kernel_size: 4 stride: 2 round_mode: FLOOR", "1x1x3x3", "1x1x0x0"),
        ("pool: AVE kernel_size: 3 pad: 2 stride: 2", "1x3x7x7", "1x3x5x5"),
        ("pool: STOCHASTIC kernel_size: 3", "1x3x7x7", "1x3x5x5"),
        ("global_pooling: true", "2x3x7x9", "2x3x1x1"),
        ("global_pooling: true pool: AVE pad: 0 stride: 1", "2x3x7x9", "2x3x1x1"),
        ("kernel_size: 2", "0x3x5x6", "0x3x4x5"),
    ],
)
def test_pooling(fields, bottom, top, derive):
    assert derive(pool(fields), bottom) == (top, "")


def test_division_has_single_precision(derive, refuse):
    # 2^24 + 1 has no single precision: one window is lost.
    assert derive(pool("kernel_h: 1 kernel_w: 1"), "1x1x16777218x1")[0] == "1x1x16777217x1"
    (error,) = refuse(pool("kernel_h: 2 kernel_w: 1 pad_h: 1 pad_w: 0"), "1x1x33554438x1")
    assert error.code == "bad-value"


def test_a_second_top_masks_the_maxima(derive, refuse):
    two = 'top: "x" top: "y"'
    assert derive(pool(SIZE, two), "1x3x5x6") == ("1x3x4x5 1x3x4x5", "")
    assert derive(pool("global_pooling: true", two), "1x3x5x6") == ("1x3x1x1 1x3x1x1", "")
    (error,) = refuse(pool(f"{SIZE} pool: AVE", two), "1x3x5x6")
    assert (error.code, error.at) == ("top-count", "top:1")


@pytest.mark.parametrize(
    ("text", "bottom", "top"),
    [
        (pool("kernel_size: 3 stride: 2"), "?x96x55x?", "?x96x27x?"),
        (pool("global_pooling: true"), "?x96x?x?", "?x96x1x1"),
        (pool("global_pooling: true"), "unknown", "?x?x1x1"),
        (pool("kernel_size: 3"), "unknown", "?x?x?x?"),
        (spp("pyramid_height: 2"), "?x3x8x8", "?x15"),
        (spp("pyramid_height: 2"), "?x3x?x8", "?x?"),
        (spp("pyramid_height: 1"), "unknown", "?x?x?x?"),
        (spp("pyramid_height: 31"), "unknown", "?x?"),
    ],
)
def test_what_is_known_of_unknown_bottoms(text, bottom, top, derive):
    assert derive(text, bottom) == (top, "")


@pytest.mark.parametrize(
    ("fields", "bottom", "code", "at"),
    [
        (SIZE, "3x5x6", "axis-count", "bottom:0"),
        (SIZE, "1x1x3x5x6", "axis-count", "bottom:0"),
        ("global_pooling: true", "3x5x6", "axis-count", "bottom:0"),
        ("global_pooling: true", "1x3x0x6", "empty-blob", "bottom:0"),
        (SIZE, "", "bottom-count", "bottom"),
        ("", "1x3x5x6", "missing-field", "pooling_param"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "1x3x5x6", "conflicting-fields", "pooling_param.kernel_h"),
        ("kernel_h: 2", "1x3x5x6", "missing-field", "pooling_param.kernel_h"),
        ("kernel_w: 2", "1x3x5x6", "missing-field", "pooling_param.kernel_w"),
        ("kernel_size: 0", "1x3x5x6", "bad-value", "pooling_param.kernel_size"),
        ("kernel_h: 2 kernel_w: 0", "1x3x5x6", "bad-value", "pooling_param.kernel_w"),
        ("global_pooling: true kernel_size: 2", "1x3x5x6", "conflicting-fields", "pooling_param.kernel_size"),
        ("global_pooling: true kernel_w: 2", "1x3x5x6", "conflicting-fields", "pooling_param.kernel_w"),
        ("global_pooling: true pad: 1", "1x3x5x6", "conflicting-fields", "pooling_param.pad"),
        ("global_pooling: true stride: 2", "1x3x5x6", "conflicting-fields", "pooling_param.stride"),
        ("global_pooling: true stride: 0", "1x3x5x6", "bad-value", "pooling_param.stride"),
        (f"{SIZE} pad: 0 pad_h: 1 pad_w: 1", "1x3x5x6", "conflicting-fields", "pooling_param.pad_h"),
        (f"{SIZE} pad_h: 1", "1x3x5x6", "missing-field", "pooling_param.pad_h"),
        (f"{SIZE} pad_w: 1", "1x3x5x6", "missing-field", "pooling_param.pad_w"),
        (f"{SIZE} stride: 1 stride_w: 1", "1x3x5x6", "conflicting-fields", "pooling_param.stride_w"),
        (f"{SIZE} stride_w: 1", "1x3x5x6", "missing-field", "pooling_param.stride_w"),
        (f"{SIZE} stride: 0", "1x3x5x6", "bad-value", "pooling_param.stride"),
        (f"{SIZE} stride_h: 0 stride_w: 1", "1x3x5x6", "bad-value", "pooling_param.stride_h"),
        (f"{SIZE} pad: 2", "1x3x5x6", "bad-value", "pooling_param.pad"),
        (f"{SIDES} pad_h: 2 pad_w: 0", "1x3x5x6", "bad-value", "pooling_param.pad_h"),
        (f"{SIZE} pad: 1 pool: STOCHASTIC", "1x3x5x6", "conflicting-fields", "pooling_param.pad"),
        ("kernel_size: 8", "1x3x5x6", "window-too-large", "pooling_param.kernel_size"),
        ("kernel_h: 2 kernel_w: 8", "1x3x5x6", "window-too-large", "pooling_param.kernel_w"),
    ],
)
def test_refused_pooling(fields, bottom, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(pool(fields), bottom)] == [(code, at)]


def test_an_empty_plane_aborts_when_it_runs(apply):
    applied = apply(pool("kernel_size: 4 round_mode: FLOOR"), "1x1x3x9")
    assert not applied.errors
    (error,) = applied.later
    assert error.code == "window-too-large"
    assert error.message == "a kernel of 4 doesn't fit a (1x1x3x9): its height is 3, so the output would be 0"
    assert error.hint == "a kernel of at most 3 fits; `global_pooling: true` takes the whole plane"


@pytest.mark.parametrize(
    ("fields", "bottom", "top"),
    [
        ("pyramid_height: 1", "2x3x7x9", "2x3x1x1"),
        ("pyramid_height: 2", "2x3x7x9", "2x15"),
        ("pyramid_height: 3", "2x3x12x16", "2x63"),
        ("pyramid_height: 3", "2x1x7x8", "2x21"),
        ("pyramid_height: 3 pool: STOCHASTIC", "2x1x8x4", "2x21"),
        ("pyramid_height: 1 pool: STOCHASTIC", "2x1x5x3", "2x1x1x1"),
        ("pyramid_height: 3", "0x2x4x4", "0x42"),
    ],
)
def test_spp(fields, bottom, top, derive):
    assert derive(spp(fields), bottom) == (top, "")


@pytest.mark.parametrize(
    ("fields", "rest", "bottom", "code", "at"),
    [
        ("", "", "1x3x8x8", "missing-field", "spp_param"),
        ("pyramid_height: 0", "", "1x3x8x8", "bad-value", "spp_param.pyramid_height"),
        ("pyramid_height: 32", "", "unknown", "bad-value", "spp_param.pyramid_height"),
        ("pyramid_height: 1", "", "3x8x8", "axis-count", "bottom:0"),
        ("pyramid_height: 1", "", "1x3x0x8", "empty-blob", "bottom:0"),
        ("pyramid_height: 3", "", "1x3x8x5", "bad-value", "spp_param.pyramid_height"),
        ("pyramid_height: 2", "", "1x3x1x8", "bad-value", "spp_param.pyramid_height"),
        ("pyramid_height: 2 pool: STOCHASTIC", "", "1x3x8x7", "conflicting-fields", "spp_param.pool"),
        ("pyramid_height: 2", 'bottom: "x" top: "x"', "1x3x8x8", "in-place-refused", "top:0"),
    ],
)
def test_refused_spp(fields, rest, bottom, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(spp(fields, rest), bottom)] == [(code, at)]


def test_spp_says_which_level_is_too_fine(refuse):
    (error,) = refuse(spp("pyramid_height: 4"), "1x3x16x5")
    assert error.message == (
        "level 2 splits width 5 of a (1x3x16x5) into 4 bins: "
        "windows of 2 would need a padding of 2, which must be smaller"
    )
    assert error.hint == "a pyramid_height of 2 fits this width"


def test_pooling_multiplies_no_weights(apply):
    assert apply(pool(SIZE), "1x3x5x6").macs == 0
