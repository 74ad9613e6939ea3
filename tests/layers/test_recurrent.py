from __future__ import annotations

import pytest

from netcompile.layers.recurrent import lstm, lstm_unit, rnn


def layer(kind: str, fields: str = "", tops: int = 1) -> str:
    names = " ".join(f'top: "t{i}"' for i in range(tops))
    return f'type: "{kind}" recurrent_param {{ {fields} }} {names}'


EXPOSED = "num_output: 5 expose_hidden: true"


@pytest.mark.parametrize(
    ("fields", "bottoms", "tops", "blobs"),
    [
        ("num_output: 5", "3x2x4 3x2", "3x2x5", "20x4 20 20x5"),
        ("num_output: 5", "3x2x4x6 3x2", "3x2x5", "20x24 20 20x5"),
        ("num_output: 5", "3x2x4 3x2 2x7x2", "3x2x5", "20x4 20 20x14 20x5"),
        (EXPOSED, "3x2x4 3x2 1x2x5 1x2x5", "3x2x5 1x2x5 1x2x5", "20x4 20 20x5"),
        (EXPOSED, "3x2x4 3x2 2x7 1x2x5 1x2x5", "3x2x5 1x2x5 1x2x5", "20x4 20 20x7 20x5"),
        ("num_output: 5", "?x?x4 ?x?", "?x?x5", "20x4 20 20x5"),
        ("num_output: 5", "3x2x? 3x2", "3x2x5", "20x? 20 20x5"),
        ("num_output: 5", "unknown 3x2", "?x?x5", "20x? 20 20x5"),
        ("num_output: 5", "3x2x4 unknown", "3x2x5", "20x4 20 20x5"),
        ("num_output: 5", "3x2x4 3x2 unknown", "3x2x5", "20x4 20 20x? 20x5"),
    ],
)
def test_lstm(fields, bottoms, tops, blobs, derive):
    assert derive(layer("LSTM", fields, len(tops.split())), bottoms) == (tops, blobs)


@pytest.mark.parametrize(
    ("fields", "bottoms", "tops", "blobs"),
    [
        ("num_output: 5", "3x2x4 3x2", "3x2x5", "5x4 5 5x5 5x5 5"),
        ("num_output: 5", "3x2x4 3x2 2x7x2", "3x2x5", "5x4 5 5x14 5x5 5x5 5"),
        (EXPOSED, "3x2x4 3x2 1x2x5", "3x2x5 1x2x5", "5x4 5 5x5 5x5 5"),
        (EXPOSED, "3x2x4 3x2 2x7 1x2x5", "3x2x5 1x2x5", "5x4 5 5x7 5x5 5x5 5"),
        ("num_output: 5", "?x?x4 ?x?", "?x?x5", "5x4 5 5x5 5x5 5"),
        ("num_output: 5", "unknown unknown", "?x?x5", "5x? 5 5x5 5x5 5"),
    ],
)
def test_rnn(fields, bottoms, tops, blobs, derive):
    assert derive(layer("RNN", fields, len(tops.split())), bottoms) == (tops, blobs)


WEIGHT, BIAS = "recurrent_param.weight_filler", "recurrent_param.bias_filler"


@pytest.mark.parametrize(
    ("kind", "fillers"),
    [("LSTM", [WEIGHT, BIAS, WEIGHT, WEIGHT]), ("RNN", [WEIGHT, BIAS, WEIGHT, WEIGHT, WEIGHT, BIAS])],
)
def test_fillers(kind, fillers, apply):
    assert [filler for _, filler in apply(layer(kind, "num_output: 5"), "3x2x4 3x2 2x7").blobs] == fillers


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@pytest.mark.parametrize(
    ("fields", "bottoms", "code", "at"),
    [
        ("", "3x2x4 3x2", "missing-field", "recurrent_param"),
        ("num_output: 0", "3x2x4 3x2", "bad-value", "recurrent_param.num_output"),
        ("num_output: 5", "3x2x4", "bottom-count", "bottom"),
        ("num_output: 5", "3x2x4 3x2 2x7 2x7", "bottom-count", "bottom:3"),
        ("num_output: 5", "3x2 3x2", "axis-count", "bottom:0"),
        ("num_output: 5", "scalar 3x2", "axis-count", "bottom:0"),
        ("num_output: 5", "3x2x4 3x2x1", "axis-count", "bottom:1"),
        ("num_output: 5", "3x2x4 3x1", "shape-mismatch", "bottom:1"),
        ("num_output: 5", "3x2x4 ?x1", "shape-mismatch", "bottom:1"),
        ("num_output: 5", "3x2x4 3x2 2", "axis-count", "bottom:2"),
        ("num_output: 5", "3x2x4 3x2 scalar", "axis-count", "bottom:2"),
        ("num_output: 5", "3x2x4 3x2 3x4", "shape-mismatch", "bottom:2"),
        ("num_output: 5", "0x2x4 0x2", "empty-blob", "bottom:0"),
        ("num_output: 5", "3x0x4 3x0", "empty-blob", "bottom:0"),
        ("num_output: 5", "3x2x0 3x2", "empty-blob", WEIGHT),
        ("num_output: 5", "3x2x4 3x2 2x0", "empty-blob", WEIGHT),
        ("num_output: 1000000", "1000000x1x1 1000000x1", "blob-too-large", ""),
        ("num_output: 5 bias_filler { type: 'unheard' }", "3x2x4 3x2", "unknown-filler", f"{BIAS}.type"),
    ],
)
def test_refused_sequences(kind, fields, bottoms, code, at, refuse):
    errors = refuse(layer(kind, fields), bottoms)
    assert {(error.code, error.at) for error in errors} == {(code, at)}


@pytest.mark.parametrize(
    ("kind", "tops", "bottoms", "code", "at"),
    [
        ("LSTM", 1, "3x2x4 3x2 1x2x5 1x2x5", "top-count", "top"),
        ("LSTM", 3, "3x2x4 3x2 1x2x5", "bottom-count", "bottom"),
        ("LSTM", 3, "3x2x4 3x2 1x2x5 1x2x4", "shape-mismatch", "bottom:3"),
        ("LSTM", 3, "3x2x4 3x2 2x5 1x2x5", "shape-mismatch", "bottom:2"),
        ("LSTM", 3, "3x2x4 3x2 2x7 2x2x5 1x2x5", "shape-mismatch", "bottom:3"),
        ("RNN", 1, "3x2x4 3x2 1x2x5", "top-count", "top"),
        ("RNN", 2, "3x2x4 3x2", "bottom-count", "bottom"),
        ("RNN", 2, "3x2x4 3x2 1x3x5", "shape-mismatch", "bottom:2"),
    ],
)
def test_refused_states(kind, tops, bottoms, code, at, refuse):
    assert [(error.code, error.at) for error in refuse(layer(kind, EXPOSED, tops), bottoms)] == [(code, at)]


@pytest.mark.parametrize(
    ("kind", "bottoms", "macs"),
    [
        ("LSTM", "3x2x4 3x2", 6 * (20 * 4 + 20 * 5)),
        ("LSTM", "3x2x4 3x2 2x7", 6 * (20 * 4 + 20 * 5) + 2 * 20 * 7),
        ("RNN", "3x2x4 3x2", 6 * (5 * 4 + 5 * 5 + 5 * 5)),
        ("RNN", "3x2x4 3x2 2x7", 6 * (5 * 4 + 5 * 5 + 5 * 5) + 2 * 5 * 7),
    ],
)
def test_macs_count_each_step(kind, bottoms, macs, apply):
    assert apply(layer(kind, "num_output: 5"), bottoms).macs == macs


@pytest.mark.parametrize(
    ("bottoms", "tops"),
    [
        ("1x3x5 1x3x20 1x3", "1x3x5 1x3x5"),
        ("1x0x0 1x0x0 1x0", "1x0x0 1x0x0"),
        ("?x3x? 1x?x20 1x3", "?x3x? ?x3x?"),
        ("unknown 1x3x20 1x3", "?x?x? ?x?x?"),
    ],
)
def test_lstm_unit(bottoms, tops, derive):
    assert derive('type: "LSTMUnit" top: "c" top: "h"', bottoms) == (tops, "")


@pytest.mark.parametrize(
    ("bottoms", "code", "at"),
    [
        ("1x3x5 1x3x20", "bottom-count", "bottom"),
        ("3x5 1x3x20 1x3", "axis-count", "bottom:0"),
        ("1x3x5 3x20 1x3", "axis-count", "bottom:1"),
        ("1x3x5 1x3x20 1x3x1", "axis-count", "bottom:2"),
        ("2x3x5 2x3x20 2x3", "shape-mismatch", "bottom:0"),
        ("1x3x5 2x3x20 1x3", "shape-mismatch", "bottom:1"),
        ("1x3x5 1x4x20 1x3", "shape-mismatch", "bottom:1"),
        ("1x3x5 1x3x15 1x3", "shape-mismatch", "bottom:1"),
        ("1x3x5 1x3x20 2x3", "shape-mismatch", "bottom:2"),
        ("1x3x5 1x3x20 1x4", "shape-mismatch", "bottom:2"),
    ],
)
def test_refused_lstm_unit(bottoms, code, at, refuse):
    errors = refuse('type: "LSTMUnit" top: "c" top: "h"', bottoms)
    assert [(error.code, error.at) for error in errors] == [(code, at)]


def test_lstm_unit_makes_two_tops(refuse):
    assert [error.code for error in refuse('type: "LSTMUnit"', "1x3x5 1x3x20 1x3")] == ["top-count"]


@pytest.mark.parametrize(("kind", "marks"), [(lstm, 1), (rnn, 1), (lstm_unit, 2)])
def test_marks_get_no_gradient(kind, marks):
    assert kind.no_gradient == kind.unforced == (marks,)
