"""What validation hands on of a refused document: slips put right, the rest left out and marked as damaged."""

from __future__ import annotations

from netcompile.diagnostics import Report
from netcompile.ir import GUESSED
from netcompile.load import load
from netcompile.tree import List, Mapping, Node, Source, plain
from netcompile.validate import validate


def read(text: str) -> Mapping:
    document = load(Source("spec.yaml", text), Report())
    assert document is not None
    return document


def item(document: Mapping, index: int) -> Node:
    layers = document.entries["layers"]
    assert isinstance(layers, List)
    return layers.items[index]


def test_what_is_right_is_returned_as_it_is() -> None:
    document = read("layers: [{name: a, type: ReLU}]")
    report = Report()
    sound, damaged = validate(document, report)
    assert sound is document
    assert not damaged
    assert not len(report)


def test_slips_are_put_right_and_nothing_is_damaged() -> None:
    document = read(
        "layers:\n"
        "  - {name: a, type: Convolutoin, num_output: '64', kernal_size: '3', bias_term: no}\n"
        "  - {name: b, typ: Pooling, pool: max, deploy: {typ: pooling}}\n"
        "  - {name: 1, type: Data, only: TRAIN, source: 1.10, top: data}\n"
    )
    report = Report()
    sound, damaged = validate(document, report)
    assert plain(sound)["layers"] == [
        {"name": "a", "type": "Convolution", "num_output": 64, "kernel_size": 3, "bias_term": False},
        {"name": "b", "type": "Pooling", "pool": "MAX", "deploy": {"type": "Pooling"}},
        {"name": "1", "type": "Data", "only": "train", "source": "1.10", "top": "data"},
    ]
    assert set(damaged.values()) == {GUESSED}  # of the two types


def test_repaired_key_keeps_its_place() -> None:
    sound, _ = validate(read("layers:\n  - {name: a, type: Pooling, kernel_sise: 3}"), Report())
    mended = item(sound, 0)
    assert isinstance(mended, Mapping)
    assert mended.keys["kernel_size"].span[1:] == (2, 30, 2, 41)
    assert mended.entries["kernel_size"].span[1:] == (2, 43, 2, 44)


def test_slip_for_a_key_that_is_there_is_left_out() -> None:
    sound, damaged = validate(read("layers: [{name: a, type: Pooling, kernel_size: 2, kernel_sise: 3}]"), Report())
    assert plain(item(sound, 0)) == {"name": "a", "type": "Pooling", "kernel_size": 2}
    assert damaged == {id(item(sound, 0)): {"fields"}}


def test_layer_that_lost_something_is_damaged_and_the_rest_is_shared() -> None:
    document = read("layers: [{name: a, type: ReLU}, {name: b, type: Pooling, kernel_size: x}, {name: c, type: ReLU}]")
    sound, damaged = validate(document, Report())
    assert damaged == {id(item(sound, 1)): {"fields"}}
    assert plain(item(sound, 1)) == {"name": "b", "type": "Pooling"}
    assert item(sound, 0) is item(document, 0)
    assert item(sound, 2) is item(document, 2)


def test_layer_of_unknown_type_goes_on_as_a_custom_one() -> None:
    sound, damaged = validate(read("layers: [{name: a, type: RoIPool, bottom: b, pooled_w: 6}]"), Report())
    assert plain(item(sound, 0)) == {"name": "a", "type": "RoIPool", "bottom": "b", "custom": True}
    assert damaged == {id(item(sound, 0)): {"fields"}}


def test_item_that_can_not_be_saved_is_left_as_null() -> None:
    sound, _ = validate(read("layers: [conv1, {name: a, type: ReLU}, {repeat: 3, layers: []}]"), Report())
    assert plain(sound)["layers"] == [None, {"name": "a", "type": "ReLU"}, None]


def test_mistakes_in_blocks_and_repetitions_damage_the_layer_alone() -> None:
    text = (
        "blocks: {b: {layers: [{name: a, type: ReLU, foo: 1}]}}\n"
        "layers: [{repeat: {i: [1]}, layers: [{name: a, type: Foo}]}]"
    )
    sound, damaged = validate(read(text), Report())
    block = sound.entries["blocks"]
    assert isinstance(block, Mapping)
    inner = block.entries["b"]
    assert isinstance(inner, Mapping)
    repetition = item(sound, 0)
    assert isinstance(repetition, Mapping)
    assert set(damaged) == {id(item(inner, 0)), id(item(repetition, 0))}
