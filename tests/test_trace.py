"""Where a size that doesn't fit comes from, and what would make it fit."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

import netcompile

if TYPE_CHECKING:
    from netcompile.diagnostics import Diagnostic

DATA = "{name: data, type: DummyData, top: [data, label], shape: [{dim: [2, 3, %s]}, {dim: [2, %s]}]}"


def error(*layers: str) -> Diagnostic:
    text = "layers:\n" + "".join(f"- {layer}\n" for layer in layers)
    with pytest.raises(netcompile.CompileError) as refused:
        netcompile.compile(io.StringIO(text))
    (found,) = (one for one in refused.value.diagnostics if one.severity == "error")
    return found


def conv(name: str, bottom: str, size: int, rest: str = "", outputs: int = 4) -> str:
    fields = f"num_output: {outputs}, kernel_size: {size}{rest}"
    return f"{{name: {name}, type: Convolution, bottom: {bottom}, {fields}}}"


def pool(name: str, bottom: str, rest: str = "kernel_size: 3, stride: 2") -> str:
    return f"{{name: {name}, type: Pooling, pool: MAX, bottom: {bottom}, {rest}}}"


def test_a_window_that_does_not_fit_is_told_with_the_sizes_on_the_way() -> None:
    found = error(
        DATA % ("12, 12", "1"),
        conv("c1", "data", 5),
        "{name: relu, type: ReLU, bottom: c1}",
        pool("p1", "relu", "kernel_size: 2, stride: 2"),
        conv("c2", "p1", 5),
    )
    assert found.code == "window-too-large"
    assert [note.message for note in found.notes] == [
        "the size on the way: data 12x12, c1 8x8 (kernel_size 5), p1 4x4 (kernel_size 2, stride 2)"
    ]


def test_a_window_over_the_data_itself_has_no_way_to_tell() -> None:
    assert error(DATA % ("4, 4", "1"), conv("c", "data", 5)).notes == ()


def test_a_long_way_is_cut_at_its_start() -> None:
    layers = [conv(f"c{i}", f"c{i - 1}" if i else "data", 3) for i in range(12)]
    found = error(DATA % ("24, 24", "1"), *layers)
    assert found.notes[0].message.startswith("the size on the way: ..., c")
    assert len(found.notes[0].message.split(", ")) == 9


@pytest.mark.parametrize(
    ("layer", "label", "comes", "fit"),
    [
        (conv("c", "data", 7), "4, 6, 6", "kernel_size 7", "a kernel of 5 gives 6"),
        (conv("c", "data", 3), "4, 10, 10", "kernel_size 3", "a pad of 1 gives 10"),
        (conv("c", "data", 3), "8, 8, 8", "kernel_size 3", "a num_output of 8 gives 2x8x8x8"),
        (pool("c", "data"), "3, 4, 4", "kernel_size 3, stride 2", "`round_mode: FLOOR` gives 4"),
    ],
)  # fmt: skip
def test_what_would_fit(layer: str, label: str, comes: str, fit: str) -> None:
    loss = "{name: l, type: EuclideanLoss, bottom: [c, label]}"
    hint = f"c comes from data (2x3x10x10) with {comes}; {fit}"
    assert error(DATA % ("10, 10", label), layer, loss).hint == hint


def test_no_parameter_is_advised_that_does_not_fit() -> None:
    found = error(
        DATA % ("10, 10", "4, 6, 5"), conv("c", "data", 3), "{name: l, type: EuclideanLoss, bottom: [c, label]}"
    )
    assert found.hint is None
    assert found.notes[-1].message == "'label' would have to be 2x4x8x8 for 'c' as it is; a pad or a Crop changes that"


def test_no_pad_is_said_to_change_a_number_of_outputs() -> None:
    found = error(DATA % ("10, 10", "5"), "{name: c, type: InnerProduct, bottom: data, num_output: 2}",
                  "{name: l, type: EuclideanLoss, bottom: [c, label]}")  # fmt: skip
    assert found.notes[-1].message == "'label' would have to be 2x2 for 'c' as it is"


def test_the_branches_that_round_otherwise_are_named() -> None:
    found = error(
        DATA % ("12, 12", "1"),
        conv("c", "data", 3, ", stride: 2"),
        "{name: relu, type: ReLU, in_place: true}",
        pool("p", "data"),
        "{name: join, type: Concat, bottom: [c, p]}",
    )
    assert [note.message for note in found.notes] == [
        "Convolution 'c' rounds down: 12x12 becomes 5x5",
        "Pooling 'p' rounds up: 12x12 becomes 6x6, with `round_mode: FLOOR` 5x5",
    ]
    assert found.hint == "p comes from data (2x3x12x12) with kernel_size 3, stride 2; `round_mode: FLOOR` gives 5"


def test_unknown_sizes_are_no_ground_for_advice() -> None:
    data = "{name: d, type: Data, top: [x, y], source: a, batch_size: 2, top_shapes: {x: [2, 3, ~, ~], y: [3]}}"
    found = error(data, conv("c", "x", 3), "{name: l, type: EuclideanLoss, bottom: [c, y]}")
    assert found.code == "shape-mismatch"
    assert found.hint is None


def test_a_size_that_ran_out_is_told_where_it_did() -> None:
    found = error(
        DATA % ("12, 12", "1"),
        conv("c", "data", 5),
        pool("p", "c", "kernel_size: 9, stride: 1"),
        "{name: relu, type: ReLU, in_place: true}",
        "{name: fc, type: InnerProduct, num_output: 10, weight_filler: xavier}",
    )
    assert (found.code, found.message.partition(":")[0]) == ("window-too-large", "Pooling 'p'")
    assert [note.message for note in found.notes] == [
        "the size on the way: data 12x12, c 8x8 (kernel_size 5)",
        "Caffe refuses it at 'fc': the blob to fill, 10x0, has no elements",
    ]
    assert found.hint is not None
    assert found.hint.startswith("a kernel of at most 8 fits")


def test_data_without_elements_is_held_against_no_window() -> None:
    data = "{name: d, type: DummyData, shape: {dim: [2, 3, 0, 4]}}"
    found = error(data, "{name: p, type: InnerProduct, num_output: 2}")
    assert found.code == "empty-blob"


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("kernel_size: 3", "b comes from data (2x3x12x12) with kernel_size 3; a pad of 1 gives 12"),
        ("kernel_size: 1, stride: 2",
         "b comes from data (2x3x12x12) with kernel_size 1, stride 2; a stride of 1 gives 12"),
        ("kernel_size: 3, pad: 1, stride: 2",
         "b comes from data (2x3x12x12) with kernel_size 3, stride 2, pad 1; a stride of 1 gives 12"),
        ("kernel_size: 2, pad: 1", "b comes from data (2x3x12x12) with kernel_size 2, pad 1; a kernel of 3 gives 12"),
    ],
)  # fmt: skip
def test_the_layer_where_sizes_part_is_to_change(change: str, hint: str) -> None:
    found = error(
        DATA % ("12, 12", "1"),
        conv("a", "data", 3, ", pad: 1"),
        f"{{name: b, type: Convolution, bottom: data, num_output: 4, {change}}}",
        conv("b2", "b", 1),
        "{name: relu, type: ReLU, in_place: true}",
        "{name: sum, type: Eltwise, bottom: [a, b2]}",
    )
    assert found.code == "shape-mismatch"
    assert found.hint == hint


def test_branches_that_shrink_alike_are_told_where_they_part() -> None:
    found = error(
        DATA % ("24, 24", "1"),
        conv("a1", "data", 3, ", stride: 2, pad: 1"),
        conv("a2", "a1", 3, ", pad: 1"),
        conv("b1", "data", 1, ", stride: 2"),
        conv("b2", "b1", 3),
        "{name: sum, type: Eltwise, bottom: [a2, b2]}",
    )
    assert found.hint == "b2 comes from b1 (2x4x12x12) with kernel_size 3; a pad of 1 gives 12"
