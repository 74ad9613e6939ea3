"""The published nets of Caffe: the shapes that Caffe gives their blobs and parameters."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import netcompile
from netcompile.states import State, includes

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_PARAMS = {"Data": "data_param", "ImageData": "image_data_param", "WindowData": "window_data_param"}


@pytest.fixture(scope="module")
def goldens(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "corpus/goldens.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def top_shapes(golden: dict[str, Any], text: str) -> dict[str, list[int]]:
    """The shapes of data that were made up when the net was recorded, with batch and crop."""
    state = State(golden["phase"], 0, tuple(golden.get("stages", ())))
    shapes: dict[str, list[int]] = {}
    for layer in netcompile.upgrade(text).layer:
        if not includes(layer, state):
            continue
        datum = golden["faked"].get(layer.name)
        if datum and layer.type in IMAGE_PARAMS:
            crop = layer.transform_param.crop_size
            size = [crop, crop] if crop else datum[1:]
            shapes[layer.top[0]] = [getattr(layer, IMAGE_PARAMS[layer.type]).batch_size, datum[0], *size]
        for top in layer.top:
            dims = golden["faked"].get(f"{layer.name}/{top}")
            if dims is not None:
                shapes[top] = [layer.hdf5_data_param.batch_size, *dims]
    return shapes


def analyse(golden: dict[str, Any], shared: Path) -> netcompile.Graph:
    text = (shared / "corpus" / golden["file"]).read_text(encoding="utf-8")
    stages = tuple(golden.get("stages", ()))
    return netcompile.analyze(text, phase=golden["phase"], stages=stages, top_shapes=top_shapes(golden, text))


def test_every_category_is_there(goldens: list[dict[str, Any]]) -> None:
    assert Counter(golden["category"] for golden in goldens) == {"ok": 38, "opencv": 5, "python": 2, "invalid": 1}


def test_nets_that_caffe_builds_have_its_shapes(shared: Path, goldens: list[dict[str, Any]]) -> None:
    for golden in goldens:
        if not golden["ok"]:
            continue
        graph = analyse(golden, shared)
        where = golden["file"], golden["phase"]
        assert {name: [*dims] for name, dims in graph.blobs.items()} == golden["blobs"], where
        params = {name: [[*dims] for dims in shapes] for name, shapes in graph.params.items()}
        assert params == {name: shapes for name, shapes in golden["params"].items() if shapes}, where
        assert [[one.layer.message.name, one.layer.message.type] for one in graph.layers] == golden["layers"], where


@pytest.mark.parametrize("category", ["opencv", "python"])
def test_nets_that_need_another_build_are_accepted(category: str, shared: Path, goldens: list[dict[str, Any]]) -> None:
    graphs = [analyse(golden, shared) for golden in goldens if golden["category"] == category]
    assert graphs
    assert all(graph.blobs for graph in graphs)


def test_nets_that_caffe_refuses_are_refused(shared: Path, goldens: list[dict[str, Any]]) -> None:
    for golden in goldens:
        if golden["category"] == "invalid":
            with pytest.raises(netcompile.CompileError):
                analyse(golden, shared)
