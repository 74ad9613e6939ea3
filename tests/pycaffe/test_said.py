"""check --with-caffe: what is said of Caffe's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pycaffe_stand_in import NET, REFUSES, RIGHT, TEST, TRAIN

if TYPE_CHECKING:
    from pycaffe_stand_in import Said


def test_nothing_where_both_agree(said: Said) -> None:
    automatic = {"ip_ip_0_split_0": [2, 4], "(automatic)": []}
    assert said({**RIGHT, "blobs": {**RIGHT["blobs"], **automatic}}, NET, TRAIN, TEST) == []
    assert (
        said({"fatal": "F0101 10:11:12.131415  7 net.cpp:9] no"}, NET.replace('"data" top: "ip"', '"dta" top: "ip"'))
        == []
    )


def test_a_refusal_with_caffe_s_words(said: Said) -> None:
    check = "Check failed: 0 == 1 Unknown layer type: Z"
    fatal = f"F20260101 10:11:12.131415 17 layer_factory.hpp:81] {check} (known types: A, B)"
    assert said({"fatal": fatal}) == [("caffe-differs", f"{REFUSES}{check} (layer_factory.hpp:81)")]


def test_a_refusal_of_the_parser_is_told_by_what_it_says_first(said: Said) -> None:
    log = "[libprotobuf ERROR text_format.cc:337] Error parsing: 1:5: no field named x\nF0101 10:11:12.1 7 a.cpp:9] b"
    assert said({"fatal": log}) == [("caffe-differs", f"{REFUSES}Error parsing: 1:5: no field named x")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"signal": 8}, "it crashed with SIGFPE"),
        ({"fatal": "out of luck"}, "it ended with exit code 134"),
        ({"error": "bad net"}, "RuntimeError: bad net"),
        ({"error": "NULL", "printed": "Traceback:\nKeyError: 'x'"}, "KeyError: 'x'"),
    ],
)
def test_a_crash_and_an_exception_are_refusals(answer: dict[str, Any], words: str, said: Said) -> None:
    assert said(answer) == [("caffe-differs", f"{REFUSES}{words}")]


def test_an_acceptance_of_what_is_refused_here_stands_at_the_finding(said: Said) -> None:
    builds = "in TRAIN: Caffe builds the net, which is refused here: "
    missing = "InnerProduct 'ip': num_output is missing; it must be at least 1"
    assert said(RIGHT, NET.replace("num_output: 4", "")) == [("caffe-differs:2", f"{builds}{missing}")]


def test_other_shapes_at_the_first_layer_that_makes_one(said: Said) -> None:
    answer = {**RIGHT, "blobs": {"data": [2, 3], "ip": [2, 5], "relu": [2, 5]}, "params": {"ip": [[5, 3], [5]]}}
    assert said(answer) == [
        ("caffe-differs:2", "in TRAIN: Caffe gives 'ip' the learned blobs 5x3, 5, not 4x3, 4"),
        ("caffe-differs:2", "in TRAIN: Caffe makes 'ip' 2x5, not 2x4; 1 more blob differs"),
    ]


def test_blobs_and_learned_blobs_that_only_one_has(said: Said) -> None:
    answer = {"blobs": {"data": [2, 3], "relu": [2, 4], "more": []}, "params": {"relu": [[1]], "ip": [[4, 3], [4]]}}
    assert said(answer) == [
        ("caffe-differs:2", "in TRAIN: Caffe makes 'ip' not at all, not 2x4"),
        ("caffe-differs", "in TRAIN: Caffe makes a blob 'more', which is not found here"),
        ("caffe-differs", "in TRAIN: Caffe gives 'relu' the learned blobs 1, not none"),
    ]


def test_what_is_not_known_here_is_no_difference(said: Said) -> None:
    text = NET.replace('"ReLU"', '"Own"')
    blobs = {**RIGHT["blobs"], "relu": [7, 7, 7]}
    assert said({"blobs": blobs, "params": {**RIGHT["params"], "relu": [[9]]}}, text, allow_custom=True) == []


def test_a_missing_module_of_a_python_layer_is_a_note(said: Said) -> None:
    ((place, message),) = said({"error": "NULL", "printed": "ModuleNotFoundError: No module named 'pyloss'"})
    assert place == "caffe-not-compared"
    assert message == "not compared with Caffe in TRAIN: ModuleNotFoundError: No module named 'pyloss'"
