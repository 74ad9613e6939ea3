"""check --with-caffe: what Caffe is given to read, where the data of a net is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycaffe_stand_in import NET, RIGHT, SKIPS, asked

from netcompile.states import State

if TYPE_CHECKING:
    from pathlib import Path

    from pycaffe_stand_in import Said


DATA = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { source: "SOURCE" batch_size: 2 backend: LMDB } transform_param { crop_size: 5 } }
layer { name: "out" type: "HDF5Output" bottom: "data" bottom: "label" hdf5_output_param { file_name: "OUT" } }
"""


def test_the_text_is_caffe_s_own_to_the_letter(said: Said, stand_in: Path) -> None:
    text = f"# a comment\n{NET}"
    said(RIGHT, text, State("TEST", 3, ("deploy", "b")))
    assert asked(stand_in)[0][:4] == [text, 1, 3, ["deploy", "b"]]


def test_data_that_is_not_there_is_made_up_on_both_sides(said: Said, stand_in: Path) -> None:
    answer = {"blobs": {"data": [2, 3, 5, 5], "label": [2]}}
    assert said(answer, DATA) == []
    text = asked(stand_in)[0][0]
    assert 'type: "Input"' in text
    assert [line.strip() for line in text.splitlines() if "dim:" in line] == [
        "dim: 2",
        "dim: 3",
        "dim: 5",
        "dim: 5",
        "dim: 2",
    ]
    ((_, message),) = said({"blobs": {"data": [2, 3, 6, 6], "label": [2]}}, DATA)
    assert message == "in TRAIN, with 'data' of 2x3x5x5: Caffe makes 'data' 2x3x6x6, not 2x3x5x5"


def test_declared_shapes_are_those_of_the_data(said: Said, stand_in: Path) -> None:
    answer = {"blobs": {"data": [2, 1, 5, 5], "label": [2]}}
    assert said(answer, DATA, shapes={"data": (2, 1, 5, 5)}) == []
    assert "dim: 3" not in asked(stand_in)[0][0]


def test_data_that_is_there_is_read_and_nothing_is_written(said: Said, stand_in: Path, tmp_path: Path) -> None:
    source = tmp_path / "lmdb"
    source.mkdir()
    text = DATA.replace("SOURCE", str(source)).replace("OUT", str(tmp_path / "out.h5"))
    assert said({"blobs": {"data": [2, 1, 5, 5], "label": [2]}}, text) == []
    text = asked(stand_in)[0][0]
    assert str(source) in text
    assert "HDF5Output" not in text
    assert 'type: "Silence"' in text


def test_data_of_unknown_rank_is_not_compared(said: Said, stand_in: Path) -> None:
    text = 'layer { name: "d" type: "HDF5Data" top: "x" hdf5_data_param { source: "gone.txt" batch_size: 2 } }'
    why = "'d' reads 'gone.txt', which is not here, and 'x' has no known shape"
    assert said(RIGHT, text) == [("caffe-not-compared", f"{SKIPS}{why}")]
    assert not (stand_in / "asked.jsonl").exists()
    assert said({"blobs": {"x": [2, 7]}}, text, shapes={"x": (2, 7)}) == []


V1 = """
layers { name: "data" type: DATA top: "data" top: "label" data_param { source: "gone" batch_size: 2 crop_size: 5 } }
layers: { name: "out" type: HDF5_OUTPUT bottom: "data" bottom: "label" hdf5_output_param { file_name: "o" } }
"""
V0 = 'layers { layer { name: "d" type: "data" source: "gone" batchsize: 2 cropsize: 5 } top: "data" top: "label" }'


def test_v1_data_is_replaced_in_the_format_of_the_net(said: Said, stand_in: Path) -> None:
    assert said({"blobs": {"data": [2, 3, 5, 5], "label": [2]}}, V1) == []
    assert "type: DUMMY_DATA" in asked(stand_in)[0][0]
    assert "type: SILENCE" in asked(stand_in)[0][0]


def test_v0_data_can_t_be_replaced(said: Said) -> None:
    why = "'d' reads what is not here, and the net is too old to have it replaced"
    assert said(RIGHT, V0) == [("caffe-not-compared", f"{SKIPS}{why}")]


def test_layers_in_a_list_are_replaced_where_they_stand(said: Said, stand_in: Path) -> None:
    text = 'layer: [{ name: "d" type: "Data" top: "d" data_param { source: "gone" batch_size: 2 } }]'
    said({"blobs": {"d": [2, 3, 256, 256]}}, text)
    assert asked(stand_in)[0][0].startswith('layer: [{\nname: "d"\n')
