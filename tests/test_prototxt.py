"""Reading prototxt: what Caffe's parser reads and refuses, and where things stand."""

import math

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import Datum, LayerParameter, NetParameter, SolverParameter
from netcompile.diagnostics import Report
from netcompile.prototxt import read_prototxt
from netcompile.text_format.positions import Comment
from netcompile.text_format.scan import MAX_DEPTH
from netcompile.tree import Place, Source


def read(text, kind=SolverParameter):
    report = Report()
    return read_prototxt(Source("in.prototxt", text), kind, report), report.ordered()


def codes(text, kind=SolverParameter):
    return [finding.code for finding in read(text, kind)[1]]


def shown(span):
    """The text at a span within one line."""
    assert span.line == span.end_line
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]


# Each was put to the C++ parser of protobuf 3.21, which Caffe reads its files with.
ACCEPTED = {
    "base_lr: 1": {"base_lr": 1},
    "base_lr: 1e-3": {"base_lr": 1e-3},
    "base_lr: .5": {"base_lr": 0.5},
    "base_lr: 5.": {"base_lr": 5},
    "base_lr: 0.5f": {"base_lr": 0.5},
    "base_lr: 2F": {"base_lr": 2},
    "base_lr: 1.e3": {"base_lr": 1000},
    "base_lr: 1e-50": {"base_lr": 0},
    "base_lr: 1e39": {"base_lr": float("inf")},
    "base_lr: - #c\n .5": {"base_lr": -0.5},
    "base_lr: -Infinity": {"base_lr": float("-inf")},
    "base_lr: 3.4028235677973366e38": {"base_lr": 3.4028234663852886e38},
    "base_lr: -3.4028235677973366e38": {"base_lr": -3.4028234663852886e38},
    "base_lr: 3.402823567797337e38": {"base_lr": float("inf")},
    "base_lr: 99999999999999999999": {"base_lr": 1e20},
    "max_iter: 010": {"max_iter": 8},
    "max_iter: 0x1F": {"max_iter": 31},
    "max_iter: -0x10": {"max_iter": -16},
    "max_iter: - 5": {"max_iter": -5},
    "max_iter: -2147483648": {"max_iter": -(2**31)},
    "random_seed: 9223372036854775807": {"random_seed": 2**63 - 1},
    "debug_info: t": {"debug_info": True},
    "debug_info: False": {"debug_info": False},
    "debug_info: 01": {"debug_info": True},
    "solver_mode: CPU": {"solver_mode": SolverParameter.CPU},
    "solver_mode: 0x0": {"solver_mode": SolverParameter.CPU},
    "net: 'it''s'": {"net": "its"},
    "net: \"a\" # one\n 'b'": {"net": "ab"},
    r"net: '\101\x42\n\\\'\?'": {"net": "AB\n\\'?"},
    r"net: '\u00e9\ud83d\ude00\U0001F600'": {"net": "é😀😀"},
    "net: 'é#'": {"net": "é#"},
    "test_iter: [1, 2] test_iter: 3": {"test_iter": [1, 2, 3]},
    "test_iter: []": {},
    "test_net: ['a' 'b', \"c\"]": {"test_net": ["ab", "c"]},
    "test_state: [{level: 1}, <level: 2>]": {"test_state": [{"level": 1}, {"level": 2}]},
    "test_state [ ]": {},
    "train_state {}": {"train_state": {}},
    "train_state: < level: 1 >": {"train_state": {"level": 1}},
    "max_iter: 1, display: 2;": {"max_iter": 1, "display": 2},
    "train_state { level: 1, };": {"train_state": {"level": 1}},
    "max_iter:1#c": {"max_iter": 1},
    "max_iter\n:\v\f1\r\n": {"max_iter": 1},
    "# only\n# comments": {},
    "": {},
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text):
    parsed, findings = read(text)
    assert not findings
    assert parsed.message == SolverParameter(**ACCEPTED[text])
    assert not parsed.unsound


@pytest.mark.parametrize(("text", "negative"), [("nan", False), ("-nan", True), ("- NaN", True)])
def test_not_a_number_keeps_its_sign(text, negative):
    parsed, findings = read(f"base_lr: {text}")
    assert not findings
    assert math.isnan(parsed.message.base_lr)
    assert (math.copysign(1, parsed.message.base_lr) < 0) == negative


REFUSED = {
    "bse_lr: 1": ["unknown-field"],
    "BASE_LR: 1": ["unknown-field"],
    "[a.b]: 1": ["syntax"],
    "1: 5": ["syntax"],
    "base_lr: 1e": ["syntax"],
    "base_lr: 1.2.3": ["syntax"],
    "base_lr: 08": ["syntax"],
    "base_lr: 1fish": ["syntax"],
    "base_lr: +1": ["syntax"],
    "base_lr: 0x10": ["wrong-kind"],
    "base_lr: 01": ["wrong-kind"],
    "base_lr: '1'": ["wrong-kind"],
    "base_lr: big": ["wrong-kind"],
    "max_iter: 1.0": ["wrong-kind"],
    "max_iter: 1e3": ["wrong-kind"],
    "max_iter: true": ["wrong-kind"],
    "max_iter: 2147483648": ["out-of-range"],
    "max_iter: -2147483649": ["out-of-range"],
    "max_iter: 1display: 2": ["syntax", "syntax"],
    "debug_info: TRUE": ["wrong-kind"],
    "debug_info: 2": ["wrong-kind"],
    "debug_info: -0": ["wrong-kind"],
    "solver_mode: gpu": ["unknown-enum-value"],
    "solver_mode: 7": ["unknown-enum-value"],
    "solver_mode: -1": ["unknown-enum-value"],
    "solver_mode: 'GPU'": ["wrong-kind"],
    "solver_mode: 1.0": ["wrong-kind"],
    "net: a": ["wrong-kind"],
    "net: a/b.prototxt": ["syntax"],
    "net: 5": ["wrong-kind"],
    "net: ['a']": ["wrong-kind"],
    "net: {}": ["wrong-kind"],
    r"net: '\q'": ["syntax"],
    r"net: '\u12'": ["syntax"],
    "net: 'a\nb'": ["syntax"],
    "net: 'a": ["syntax"],
    "net: 'a\0'": ["syntax"],
    "net 'a'": ["syntax"],
    "net = 'a'": ["syntax"],
    "net:": ["syntax"],
    "net: 'a', 'b'": ["syntax"],
    "train_state: 5": ["wrong-kind"],
    "train_state {": ["syntax"],
    "train_state { level: 1": ["syntax"],
    "train_state { level: 1 >": ["syntax"],
    "train_state { , }": ["syntax"],
    "train_state: [{}]": ["wrong-kind"],
    "test_iter [1]": ["syntax"],
    "test_iter: [1, ]": ["syntax"],
    "test_iter: [1 2]": ["syntax"],
    "test_iter: [1": ["syntax"],
    "test_iter: [[1]]": ["syntax"],
    "test_state: [1]": ["wrong-kind"],
    "max_iter: 1 max_iter: 1": ["duplicate-field"],
    "train_state {} train_state {}": ["duplicate-field"],
    "max_iter: 1;;": ["syntax"],
    "}": ["syntax"],
    "// c": ["syntax"],
    "\ufeffnet: 'a'": ["syntax"],
    "max_iter: 1\x01": ["syntax"],
    "#\0": ["syntax"],
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    assert codes(text) == REFUSED[text]


def test_unsigned_fields_take_no_sign():
    assert codes("crop_param { offset: -0 } inner_product_param { num_output: -1 }", LayerParameter) == [
        "out-of-range",
        "out-of-range",
    ]
    assert codes("inner_product_param { num_output: 4294967296 }", LayerParameter) == ["out-of-range"]


def test_bytes_are_kept_as_they_are():
    parsed, findings = read(r"data: 'a\377' channels: 3", Datum)
    assert not findings
    assert parsed.message == Datum(data=b"a\xff", channels=3)


def test_text_that_is_no_utf8_is_a_warning():
    parsed, findings = read(r"name: 'a\377' bottom: '\ud83d' bottom: 'b'", LayerParameter)
    assert [(f.code, f.severity) for f in findings] == [("not-utf8", "warning")] * 2
    assert parsed.message == LayerParameter(name=r"a\xff", bottom=[r"\xed\xa0\xbd", "b"])


def test_an_undecodable_byte_of_the_file_is_the_same():
    text = b"name: 'a\xff'".decode("utf-8", "surrogateescape")
    parsed, (finding,) = read(text, LayerParameter)
    assert finding.severity == "warning"
    assert parsed.message.name == r"a\xff"


def test_required_fields():
    good = "layer { name: 'c' clip_param { min: 0 max: 1 } }\n"
    assert codes(good, NetParameter) == []
    parsed, (finding,) = read(good + "layer { name: 'd'\n  clip_param { min: 0 } }", NetParameter)
    assert finding.code == "missing-field"
    assert "'max'" in finding.message
    assert (finding.span.line, shown(finding.span)) == (3, "clip_param")
    assert parsed.unsound == {("layer", 1): {"clip_param"}}


NET = """\
name: "n"
layer {
  name: "data"  # first
  type: "Data" # kind
  top: "data" top: "label"
}
layer: {
\tname: 'conv', type: 'Convolution'
\tbottom: ["data"] top: 'conv'
\tparam { lr_mult: 1 } param < lr_mult: 2
\tdecay_mult: 0 >
  convolution_param { num_output: 20
    kernel_size: [3, 5] weight_filler { type: "xavier" } }
}
layer [ {type: "ReLU"}, {name: "last"} ]
"""


@pytest.mark.parametrize(
    ("index", "path", "line", "value", "key"),
    [
        (0, "", 3, '"data"', "layer"),
        (0, "type", 4, '"Data"', "type"),
        (0, "top:1", 5, '"label"', "top"),
        (0, "top:2", 3, '"data"', "name"),
        (1, "", 8, "'conv'", "layer"),
        (1, "bottom:0", 9, '"data"', '"data"'),
        (1, "param:0.lr_mult", 10, "1", "lr_mult"),
        (1, "param:1.lr_mult", 10, "2", "lr_mult"),
        (1, "param:1.decay_mult", 11, "0", "decay_mult"),
        (1, "param:0.decay_mult", 10, "param", "param"),
        (1, "param:1", 10, "param", "param"),
        (1, "convolution_param.num_output", 12, "20", "num_output"),
        (1, "convolution_param.kernel_size:1", 13, "5", "5"),
        (1, "convolution_param.kernel_size", 13, "3", "3"),
        (1, "convolution_param.weight_filler.type", 13, '"xavier"', "type"),
        (1, "convolution_param.stride", 12, "convolution_param", "convolution_param"),
        (1, "relu_param.negative_slope", 8, "'conv'", "name"),
        (2, "", 15, "{", "{"),
        (2, "type", 15, '"ReLU"', "type"),
        (3, "", 15, '"last"', "{"),
    ],
)
def test_places(index, path, line, value, key):
    positions = read(NET, NetParameter)[0].positions
    span = positions.find("layer", index, path)
    assert (span.line, shown(span)) == (line, value)
    assert shown(positions.find("layer", index, path, key=True)) == key


def test_places_of_what_the_text_does_not_have():
    positions = read(NET, NetParameter)[0].positions
    assert positions.find("layer", 4) is None
    assert positions.find("layers", 0) is None
    assert shown(positions.find("name")) == '"n"'
    assert shown(positions.find("name", key=True)) == "name"


def test_a_block_spans_from_brace_to_brace():
    positions = read(NET, NetParameter)[0].positions
    block = positions.value(positions.entry("layer", 1))
    assert (block.line, block.column, block.end_line, block.end_column) == (7, 8, 14, 2)


def test_columns_count_characters_and_lines_may_end_in_cr():
    text = "# é\r\nname: 'é😀'\tforce_backward: maybe\r\n"
    (finding,) = read(text, NetParameter)[1]
    assert (finding.span.line, finding.span.column, shown(finding.span)) == (2, 28, "maybe")


def test_comments_are_kept():
    comments = read(NET + "# last", NetParameter)[0].positions.comments()
    assert comments == [
        Comment(Place(2, 16), " first"),
        Comment(Place(3, 15), " kind"),
        Comment(Place(15, 0), " last"),
    ]
    assert read("name: 'no # comment' # one", NetParameter)[0].positions.comments()[0].text == " one"


def test_every_finding_of_a_file_in_one_run():
    parsed, findings = read(
        """\
layer { name: "a" type: "ReLU" negative_slop: 3 norm_param { x: 1 y { z: [2] } } top: "a" }
layer {
  name: "b" name: "c"
  convolution_param { num_output: 1.5 pad: [1, -1] engine: CUDN group: 2 }
  bottom: data
}
layer { name: "c" bottom "b" }
force_backward: "true"
""",
        NetParameter,
    )
    assert [(f.code, f.span.line, shown(f.span)) for f in findings] == [
        ("unknown-field", 1, "negative_slop"),
        ("unknown-field", 1, "norm_param"),
        ("duplicate-field", 3, "name"),
        ("wrong-kind", 4, "1.5"),
        ("out-of-range", 4, "-1"),
        ("unknown-enum-value", 4, "CUDN"),
        ("wrong-kind", 5, "data"),
        ("syntax", 7, "bottom"),
        ("wrong-kind", 8, '"true"'),
    ]
    assert parsed.message == text_format.Parse(
        'layer { name: "a" type: "ReLU" top: "a" } layer { name: "b" bottom: "data" '
        'convolution_param { pad: 1 group: 2 engine: CUDNN } } layer { name: "c" bottom: "b" } force_backward: true',
        NetParameter(),
    )
    assert parsed.unsound == {
        ("layer", 0): {"negative_slop", "norm_param"},
        ("layer", 1): {"name", "convolution_param"},
    }


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("nane: 'a'", "did you mean 'name'"),
        ("norm_param {}", "--caffe"),
        ("kernel_size: 3", "it is a field of convolution_param and pooling_param"),
        ("scale: 3", "and others"),
        ("blobs_lr: 1", "lr_mult"),
        ("type: ReLU", 'write "ReLU"'),
        ("top: a/b", "quotes"),
        ("phase: 'TRAIN'", "write TRAIN without quotes"),
        ("phase: TRIAN", "did you mean 'TRAIN'"),
        ("pooling_param { pool: 9 }", "one of MAX, AVE, STOCHASTIC"),
        (r"name: 'C:\data'", r"\\"),
    ],
)
def test_hints(text, hint):
    (finding,) = read(text, LayerParameter)[1]
    assert hint in finding.hint


def test_a_repeated_field_points_to_the_first():
    (finding,) = read("type: 'a'\ntype: 'b'", LayerParameter)[1]
    assert [(note.span.line, shown(note.span)) for note in finding.notes] == [(1, "type")]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("layer {\n  name: 'b'\n", (2, "layer")),
        ("layer {\n  name: 'b'\n  param {\n}\n", (4, "param")),
        ("layer {\n  name: 'b'\n  type: 'ReLU\n}\n", (4, "'ReLU")),
        ("layer {\n  name: 'b'\n  = 5\n}\n", (4, "=")),
        ("layer {\n  name: 'b'\n}}\n", (4, "}")),
        ("?\nlayer {\n  name: 'b'\n}\n", (2, "?")),
    ],
)
def test_a_broken_layer_does_not_hide_the_others(broken, problem):
    parsed, findings = read(f"layer {{ name: 'a' }}\n{broken}layer {{ name: 'c' nme: 'd' }}\n", NetParameter)
    assert [(f.code, f.span.line, shown(f.span)) for f in findings[:-1]] == [("syntax", *problem)]
    assert findings[-1].code == "unknown-field"
    assert [layer.name for layer in parsed.message.layer] == ["a", "b", "c"]
    assert ("layer", 2) in parsed.unsound
    assert ("layer", 0) not in parsed.unsound


def test_too_deep_is_one_finding():
    nested = "a {" * 100_000 + "}" * 100_000
    assert sorted(codes(f"layer {{ {nested} }}", NetParameter)) == ["too-deep", "unknown-field"]
    fits = "a {" * (MAX_DEPTH - 1) + "}" * (MAX_DEPTH - 1)
    assert codes(f"layer {{ {fits} }}", NetParameter) == ["unknown-field"]


@pytest.mark.parametrize(
    "text",
    [
        "#" * 300_000,
        "name" + " " * 300_000 + "=",
        "name: " + "'a' " * 50_000 + "'",
        "layer { # " + "# x\n" * 100_000 + "}",
        "layer { name: 'a'\n" * 5_000,
        "layer { name: 'a\n}\n" * 5_000,
        "input_dim: [" + "1," * 100_000,
        "input_dim: -" + "#\n" * 100_000,
        "input_dim: " + "9" * 300_000,
        "}" * 300_000,
        "x: " + "1e" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_long_nonsense_is_read_in_linear_time(text):
    read(text, NetParameter)  # quadratic time would be minutes
