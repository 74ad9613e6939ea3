"""Wherever a comment stands in prototxt, and whatever is in it: it comes along, and changes nothing."""

import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st

import netcompile

NET = """\
name : "n" force_backward: true
layer { name: "data" type: "Data" top: "data" include { phase: TRAIN }
  transform_param { crop_size: 8 mean_value : [ 1 , 2 ] } data_param { source: "train" batch_size: 4 } }
layer { name: "data" type: "Data" top: "data" include { phase: TEST }
  transform_param { crop_size: 8 } data_param { source: "test" batch_size: 4 } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "d" type: "Convolution" bottom: "c" top: "d" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 2 kernel_size: 3 } }
"""
OLD = """\
input: "data" input_dim: 1 input_dim: 1 input_dim: 9 input_dim: 9
layers { bottom: "data" top: "p" layer { name: "p" type: "padding" pad: 1 } }
layers { bottom: "p" top: "c" layer { name: "c" type: "conv" num_output: 2 kernelsize: 3 blobs_lr: 1 } }
"""
LISTS = """\
layer { name: "d" type: "Data" top: "d" transform_param { mean_value : 1 mean_value : 2 crop_size : 4 }
  data_param { source : "x" batch_size : 2 } include { phase : TRAIN stage : "a" } }
layer { name: "d" type: "Data" top: "d" transform_param { mean_value : 1 mean_value : 2 crop_size : 4 }
  data_param { source : "x" batch_size : 3 } include { phase : TEST stage : "a" } }
layer { name: "e" type: "Convolution" bottom: "d" top: "e" param { lr_mult : 1 } param { lr_mult : 2 }
  convolution_param { num_output : 3 kernel_size : 3 kernel_size : 4 weight_filler { type : "msra" std : 1 } } }
layer { name: "f" type: "Convolution" bottom: "e" top: "f" param { lr_mult : 1 } param { lr_mult : 2 }
  convolution_param { num_output : 3 kernel_size : 3 kernel_size : 4 weight_filler { type : "msra" std : 1 } }
  blobs { shape { dim : 3 } data : 1 data : 2 } }
"""
SOLVER = (
    'net: "n.prototxt" base_lr: 0.1 test_state { stage: "a" } solver_type: SGD stepvalue: 1 stepvalue: 2 max_iter: 9'
)
TOKENS = re.compile(r'"[^"]*"|[^\s"]+')
# YAML takes some characters for line breaks, and refuses others.
WORDS = st.text(st.characters(exclude_characters="\n\0", exclude_categories=("Cs",)), max_size=12)


@st.composite
def commented(draw, text):
    """A text with comments behind some of its tokens, each with a word of its own, and these words."""
    tokens = TOKENS.findall(text)
    places = draw(st.sets(st.integers(0, len(tokens)), min_size=1, max_size=8))
    pieces = []
    for i, token in enumerate((*tokens, "")):
        if i in places:
            alone = draw(st.booleans())
            words = f"{draw(WORDS)} word{i}. {draw(WORDS)}"
            pieces.append(f"{chr(10) if alone else ''}#{words}\n")
        pieces.append(f"{token} ")
    return "".join(pieces), [f"word{i}." for i in places]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([NET, OLD, LISTS]).flatmap(commented))
def test_comments_of_a_net_come_along(case):
    text, words = case
    spec = netcompile.import_net(text)
    assert str(netcompile.compile(io.StringIO(spec), check=False).net) == str(netcompile.upgrade(text))
    assert [word for word in words if spec.count(word) != 1] == []


@settings(max_examples=60, deadline=None)
@given(commented(SOLVER))
def test_comments_of_a_solver_come_along(case):
    text, words = case
    spec = netcompile.import_net(NET, solver=text)
    assert [word for word in words if spec.count(word) != 1] == []
    plain = netcompile.import_net(NET, solver=SOLVER)
    compiled, expected = (netcompile.compile(io.StringIO(one), check=False).solver for one in (spec, plain))
    assert compiled == expected


def test_bytes_and_control_characters_in_comments_can_be_read(call):
    text = b'# caf\xe9 \x80\xff\nlayer { name: "a" }  # bell\x07 esc\x1b[31m\n# caf\xc3\xa9\n'
    out = call("import", "n.prototxt", n_prototxt=text).out
    assert "# café €ÿ\n" in out
    assert "  # bell\\x07 esc\\x1b[31m\n" in out
    assert out.endswith("# café\n")


def test_a_modeline_in_a_comment_is_no_modeline():
    spec = netcompile.import_net("# yaml-language-server: $schema=other.json\n" + NET)
    assert len(re.findall(r"^# yaml-language-server:", spec, re.MULTILINE)) == 1
    assert "other.json" in spec


def test_the_header_of_what_was_compiled_is_left_out():
    assert "Made by" not in netcompile.import_net("# Made by netcompile from a.yaml\n" + NET)


def test_comments_of_windows_files_are_lines_of_their_own():
    spec = netcompile.import_net("# one\r\n# two\r\n" + NET.replace("\n", "\r\n"))
    assert spec.splitlines()[1:3] == ["# one", "# two"]
