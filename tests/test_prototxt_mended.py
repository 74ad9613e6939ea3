"""Malformed prototxt: each slip is one finding at its place, and the rest is read as it was meant."""

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import NetParameter, SolverParameter
from netcompile.diagnostics import Report
from netcompile.prototxt import read_prototxt
from netcompile.tree import Source

SOUND = """\
layer {
  name: "conv"
  type: "Convolution"
  bottom: "data"
  top: "conv"
  convolution_param {
    num_output: 20
    kernel_size: 5
    weight_filler {
      type: "xavier"
    }
    stride: 2
  }
  include { phase: TRAIN }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""
WANTED = text_format.Parse(SOUND, NetParameter())


def read(text, kind=NetParameter):
    report = Report()
    return read_prototxt(Source("in.prototxt", text), kind, report), report.ordered()


def marked(finding):
    span = finding.span
    line = span.source.line(span.line)
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else len(line)]


# What is written in place of what, the code, what is marked, and what the message or its hint says.
PUT_RIGHT = [
    ('name: "conv"\n', 'name: "conv\n', "syntax", '"conv', "a quote is missing after 'conv'"),
    ('name: "conv"\n', 'name: "conv  # first\n', "syntax", '"conv', "a quote is missing after 'conv'"),
    ('name: "conv"\n', 'name: conv"\n', "syntax", 'conv"', "a quote is missing before 'conv'"),
    ('name: "conv"\n', "name: \"conv'\n", "syntax", "\"conv'", "begins with \" and ends with '"),
    ('name: "conv"\n', "name: “conv”\n", "syntax", "“conv”", 'write "conv", with straight quotes'),
    ('name: "conv"\n', '"name": "conv"\n', "syntax", '"name"', "a field's name has no quotes"),
    ('name: "relu" ', 'name: "relu ', "syntax", '"relu', "a quote is missing after 'relu'"),
    ('"ReLU" bottom', '"ReLU bottom', "syntax", '"ReLU', "a quote is missing after 'ReLU'"),
    ('top: "conv" }', 'top: "conv }', "syntax", '"conv', "a quote is missing after 'conv'"),
    ('type: "ReLU"', 'type "ReLU"', "syntax", "type", "no ':' between 'type' and its value"),
    ("stride: 2", "stride = 2", "syntax", "=", "'=' where there should be ':'"),
    ("stride: 2", "stride := 2", "syntax", "=", "'=' behind the ':'"),
    ("stride: 2", "stride:: 2", "syntax", "::", "'::' where there should be ':'"),
    ("kernel_size: 5", "kernel size: 5", "syntax", "kernel size", "write kernel_size"),
    ("kernel_size: 5", "kernel-size: 5", "syntax", "kernel-size", "write kernel_size"),
    ("weight_filler {", "weight-filler {", "syntax", "weight-filler", "write weight_filler"),
    ("include {", "include = {", "syntax", "=", "'=' where there should be ':'"),
    ("convolution_param {", "convolution_param", "syntax", "convolution_param", "no '{' after 'convolution_param'"),
    ("convolution_param {", "convolution_param:", "syntax", "convolution_param", "no '{' after 'convolution_param'"),
    ('layer { name: "relu"', 'layer name: "relu"', "syntax", "layer", "no '{' after 'layer'"),
    ('xavier"\n    }\n', 'xavier"\n', "syntax", "weight_filler", "the block 'weight_filler' is never closed"),
    ("stride: 2\n  }\n", "stride: 2\n", "syntax", "convolution_param", "the block 'convolution_param' is never closed"),
    ("kernel_size: 5\n", "kernel_size: 5\n    }\n", "syntax", "}", "'}' closes nothing"),
    ("stride: 2", "stride: 2;;", "syntax", ";", "';' where there should be a field's name"),
    ("    stride: 2", "+   stride: 2", "syntax", "+", "'+' where there should be a field's name"),
    ("  include {", "  - include {", "syntax", "-", "written once for each value"),
    ("stride: 2", "stride: 2 // two", "syntax", "//", "a comment begins with '#'"),
    ("stride: 2", "/* two\n 2 */ stride: 2", "syntax", "/*", "a comment begins with '#'"),
    ("kernel_size: 5", "kernelsize: 5", "unknown-field", "kernelsize", "did you mean 'kernel_size'?"),
    ('layer {\n  name: "conv"', 'Layer {\n  name: "conv"', "unknown-field", "Layer", "did you mean 'layer'?"),
    ('layer { name: "relu"', 'layers { name: "relu"', "wrong-kind", "layers", "write `layer` here"),
    ('type: "ReLU"', "type: RELU", "wrong-kind", "RELU", 'write "ReLU"'),
    ("phase: TRAIN", "phase: train", "unknown-enum-value", "train", "did you mean 'TRAIN'?"),
    ("phase: TRAIN", 'phase: "TRAIN"', "wrong-kind", '"TRAIN"', "write TRAIN without quotes"),
    ("num_output: 20", 'num_output: "20"', "wrong-kind", '"20"', "write 20 without quotes"),
    ("num_output: 20", "num_output: 2e1", "wrong-kind", "2e1", "write 20"),
    ("include { phase: TRAIN }", "include: TRAIN", "wrong-kind", "TRAIN", "write include { phase: TRAIN }"),
    ('weight_filler {\n      type: "xavier"\n    }', 'weight_filler: "xavier"', "wrong-kind", '"xavier"',
     'write weight_filler { type: "xavier" }'),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "code", "at", "says"), PUT_RIGHT, ids=[one[1] for one in PUT_RIGHT])
def test_what_can_only_be_a_slip_is_put_right(right, wrong, code, at, says):
    assert SOUND.count(right) == 1
    parsed, (finding,) = read(SOUND.replace(right, wrong))
    assert (finding.severity, finding.code, marked(finding)) == ("error", code, at)
    assert says in f"{finding.message} {finding.hint}"
    assert parsed.message == WANTED
    assert (parsed.unsound, parsed.lost) == ({}, set())


# Likewise, and the names of the fields of the layer that are lost.
LOST = [
    ("num_output: 20", "num_output:", "syntax", "num_output", "'num_output' has no value", "convolution_param"),
    ("stride: 2", "stride", "syntax", "stride", "'stride' has no value", "convolution_param"),
    ("stride: 2", "stride: 2, 3", "syntax", "3", "stride: [2, 3]", "convolution_param"),
    ("stride: 2", "stride: 2,5", "syntax", "2,5", "write 2.5", "convolution_param"),
    ("stride: 2", "stride: ${S}", "syntax", "${S}", "neither a number nor a word", "convolution_param"),
    ("stride: 2", "stride: 2 two", "syntax", "two", "'two' has no value", "convolution_param"),
    ("stride: 2", "stride: 2_0", "syntax", "2_0", "write 20", "convolution_param"),
    ("include { phase: TRAIN }", "include ( phase: TRAIN )", "syntax", "(", "there should be '{'", "include"),
    ("stride: 2", "pool: MAX", "unknown-field", "pool", "it is a field of pooling_param", "convolution_param"),
    ("stride: 2", 'top: "b"', "unknown-field", "top", "outside of this block", "convolution_param"),
    ("include {", "only {", "unknown-field", "only", "fork", "only"),
    ("    stride: 2\n", "<<<<<<< HEAD\n    stride: 2\n=======\n    stride: 3\n>>>>>>> b\n", "syntax", "<<<<<<< HEAD",
     "merge conflict", "*"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "code", "at", "says", "lost"), LOST, ids=[one[1] for one in LOST])
def test_what_is_lost_is_named(right, wrong, code, at, says, lost):
    assert SOUND.count(right) == 1
    parsed, (finding,) = read(SOUND.replace(right, wrong))
    assert (finding.code, marked(finding)) == (code, at)
    assert says in f"{finding.message} {finding.hint}"
    assert lost in parsed.unsound["layer", 0]
    assert [layer.name for layer in parsed.message.layer] == ["conv", "relu"]
    assert ("layer", 1) not in parsed.unsound


@pytest.mark.parametrize(
    ("text", "at", "lost"),
    [
        ('net: "a\nmax_iter: 5', '"a', set()),
        ('net: "a max_iter: 5\n', '"a', set()),
        ("max_iter: 10,000\nnet: 'a'", "10,000", {"max_iter"}),
        ("max_iter: 1 0\nnet: 'a'", "0", {"max_iter"}),
        ("max_iter:\nnet: 'a'", "max_iter", {"max_iter"}),
        ("train_state:\n level: 1\n}\nnet: 'a'", "train_state", set()),
        ("solver mode: CPU or GPU\nsolver_mode: GPU", "solver mode: CPU or GPU", {"solver"}),
        ("snapshot of results: every 5000.\nsnapshot: 5000", "snapshot of results: every 5000.", {"snapshot"}),
        ("blah: 3", "blah", {"blah"}),
    ],
)
def test_at_the_top_too(text, at, lost):
    parsed, (finding,) = read(text, SolverParameter)
    assert marked(finding) == at
    assert parsed.lost | {name for name, _ in parsed.unsound} == lost


def test_places_are_those_of_the_mended_text():
    text = 'layer { name: "a" tpye: "ReLU" bottom: "data top: "b" param { lr_mult: 1 } }\n'
    parsed, findings = read(text)
    assert [marked(finding) for finding in findings] == ["tpye", '"data']
    find = parsed.positions.find
    places = {path: find("layer", 0, path) for path in ("type", "bottom:0", "top:0", "param:0.lr_mult")}
    written = {path: text[span.column - 1 : span.end_column - 1] for path, span in places.items()}
    assert written == {"type": '"ReLU"', "bottom:0": '"data', "top:0": '"b"', "param:0.lr_mult": "1"}


def test_a_block_that_is_not_closed_gives_back_its_neighbours():
    text = SOUND.replace("    stride: 2\n  }\n", "    stride: 2\n")
    positions = read(text)[0].positions
    assert marked_at(positions.find("layer", 0, "include:0.phase")) == "TRAIN"


def marked_at(span):
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]


@pytest.mark.parametrize(
    "text",
    [
        "name" + " " * 300_000 + "=",
        "layer { " + "a b: " * 50_000,
        "layer { " + "a 'b: '" * 50_000,
        "layer { a: 1" + ", 2" * 50_000 + " }",
        "layer {\n  a " + "\n" * 100_000 + "b: 3",
        "/*" * 100_000,
        "<<<<<<< a\n" * 20_000,
        "layer {" + "a { " * 90 + "b 1\n" * 50_000,
        "layer {\n a: 'x\n" * 5_000,
        "layer { a { } " * 5_000 + "}" * 5_000,
    ],
    ids=lambda text: text[:20],
)
def test_long_nonsense_is_mended_in_linear_time(text):
    read(text)  # quadratic time would be minutes


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ('layer {\n  name: "conv"', '  name: "conv"', 2),  # a name is the net's own too
        ('  type: "Convolution"\n', '  type: "Convolution" }\n', 4),
    ],
)
def test_fields_of_a_torn_block_are_one_finding(right, wrong, line):
    parsed, (finding,) = read('layer { name: "data" }\n'.replace("\n", " ") + SOUND.replace(right, wrong))
    assert (finding.code, finding.span.line) == ("unknown-field", line)
    assert "it is a field of layer" in finding.hint
    assert "layer" in parsed.lost
    assert parsed.message.layer[-1].name == "relu"


def test_a_torn_block_whose_name_follows_that_of_the_net_is_one_finding():
    torn = SOUND.replace('layer {\n  name: "conv"', '  name: "conv"  # of a layer')
    parsed, (finding,) = read(f'name: "net"\n{torn}')
    assert (marked(finding), finding.span.line) == ("type", 3)
    assert parsed.message.name == "net"
    (twice,) = read('name: "net" name: "net" layer { name: "relu" }')[1]
    assert twice.code == "duplicate-field"


@pytest.mark.parametrize("line", ["layer {\n", "  convolution_param {\n", "    weight_filler {\n", "  include {\n"])
def test_a_doubled_first_line_of_a_block_is_one_finding(line):
    text = SOUND.replace("include { phase: TRAIN }", "include {\n    phase: TRAIN\n  }")
    parsed, (finding,) = read(text.replace(line, line + line, 1))
    assert finding.message == f"the block '{line.strip(' {' + chr(10))}' is never closed"
    assert parsed.message.layer[-2:] == WANTED.layer[-2:]


def test_a_comment_without_its_sign_is_one_finding():
    text = SOUND.replace("    stride: 2", "    the step, as in 3.1 of the paper (table 2)\n    stride: 2")
    parsed, (finding,) = read(text)
    assert finding.hint == "a comment begins with '#'"
    assert parsed.message == WANTED
