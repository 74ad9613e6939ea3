"""Old formats: what Caffe makes of them, what it refuses, and where upgraded fields were written."""

import json

import pytest
from google.protobuf import text_format

from netcompile.caffe.caffe_pb2 import NetParameter, SolverParameter
from netcompile.diagnostics import Report
from netcompile.old_formats import LayerOrigin, upgrade_net, upgrade_solver
from netcompile.prototxt import read_prototxt
from netcompile.tree import Source


def upgrade(text):
    """The upgraded net with its origins, the findings and the text's positions; the net read stays as it is."""
    report = Report()
    parsed = read_prototxt(Source("net.prototxt", text), NetParameter, report)
    assert not list(report)
    before = parsed.message.SerializeToString(deterministic=True)
    upgraded = upgrade_net(parsed.message, report, parsed.positions.find)
    assert parsed.message.SerializeToString(deterministic=True) == before
    return upgraded, report, parsed.positions


def where(span):
    return span.line, span.source.line(span.line)[span.column - 1 : span.end_column - 1]


ACCEPTED = {
    "v1: type, multipliers, sharing": (
        """name: "n" layers { name: "c" type: SOFTMAX_LOSS bottom: "x" top: "c" loss_weight: 2 include { phase: TEST }
           blobs_lr: 1 blobs_lr: 2 weight_decay: 0.5 param: "w" param: "" param: "" blob_share_mode: PERMISSIVE
           loss_param { ignore_label: 3 } }""",
        """name: "n" layer { name: "c" type: "SoftmaxWithLoss" bottom: "x" top: "c" loss_weight: 2
           include { phase: TEST } loss_param { ignore_label: 3 }
           param { name: "w" lr_mult: 1 decay_mult: 0.5 share_mode: PERMISSIVE }
           param { name: "" lr_mult: 2 } param { name: "" } }""",
    ),
    "v1: no type, and the type NONE": ("layers {} layers { type: 0 }", 'layer {} layer { type: "" }'),
    "v1: messages of other types are kept": (
        "layers { type: RELU pooling_param { pool: AVE } }",
        'layer { type: "ReLU" pooling_param { pool: AVE } }',
    ),
    "v1: the rest of the net is kept": (
        "layers { type: TANH } state { level: 1 } input_shape { dim: 1 } debug_info: false",
        'layer { type: "TanH" } state { level: 1 } input_shape { dim: 1 } debug_info: false',
    ),
    "transformation: old values win, all data layers get both messages": (
        """layers { type: DATA data_param { source: "s" crop_size: 0 scale: 2 }
             transform_param { crop_size: 7 mirror: true } }
           layers { type: IMAGE_DATA } layers { type: HDF5_DATA }""",
        """layer { type: "Data" data_param { source: "s" } transform_param { crop_size: 0 scale: 2 mirror: true } }
           layer { type: "ImageData" image_data_param {} transform_param {} } layer { type: "HDF5Data" }""",
    ),
    "transformation: nothing old, nothing added": (
        'layers { type: DATA data_param { source: "s" } }',
        'layer { type: "Data" data_param { source: "s" } }',
    ),
    "transformation: current layers keep their fields": (
        'layer { type: "Data" data_param { scale: 2 } }',
        'layer { type: "Data" data_param { scale: 2 } }',
    ),
    "input_dim": (
        'name: "n" input: "a" input: "b" input_dim: [1, 2, 3, 4, 5, 6, 7, 8, 9] layer { name: "l" }',
        """name: "n" layer { name: "input" type: "Input" top: "a" top: "b"
           input_param { shape { dim: [1, 2, 3, 4] } shape { dim: [5, 6, 7, 8] } } } layer { name: "l" }""",
    ),
    "input_shape wins over input_dim": (
        'input: "a" input_shape { dim: 3 } input_shape { dim: 9 } input_dim: 1',
        'layer { name: "input" type: "Input" top: "a" input_param { shape { dim: 3 } } }',
    ),
    "shapes without inputs stay": ("input_shape { dim: 3 } input_dim: 1", "input_shape { dim: 3 } input_dim: 1"),
    "BatchNorm: three params": (
        'layer { type: "BatchNorm" param { lr_mult: 1 } param { name: "m" } param { share_mode: PERMISSIVE } }',
        """layer { type: "BatchNorm" param { lr_mult: 0 decay_mult: 0 } param { name: "m" lr_mult: 0 decay_mult: 0 }
           param { share_mode: PERMISSIVE lr_mult: 0 decay_mult: 0 } }""",
    ),
    "BatchNorm: two or four params, or another type": (
        'layer { type: "BatchNorm" param {} param {} } layer { type: "Scale" param {} param {} param {} }',
        'layer { type: "BatchNorm" param {} param {} } layer { type: "Scale" param {} param {} param {} }',
    ),
    "v0: fields go to the message of the type": (
        """input: "x" input_dim: [1, 1, 9, 9] force_backward: true
           layers { bottom: "x" top: "c" layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 pad: 1 stride: 2
             group: 2 biasterm: false weight_filler { type: "xavier" } blobs_lr: 1 weight_decay: 0 } }
           layers { bottom: "c" top: "p" layer { type: "pool" pool: AVE kernelsize: 2 stride: 2 } }
           layers { bottom: "p" top: "n" layer { type: "lrn" local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }
           layers { bottom: "n" top: "d" layer { type: "dropout" dropout_ratio: 0.3 } }
           layers { bottom: "d" top: "i" layer { type: "innerproduct" num_output: 5 bias_filler {} } }
           layers { bottom: "i" bottom: "x" top: "o" layer { type: "concat" concat_dim: 0 } }""",
        """force_backward: true
           layer { name: "input" type: "Input" top: "x" input_param { shape { dim: [1, 1, 9, 9] } } }
           layer { name: "c" type: "Convolution" bottom: "x" top: "c" param { lr_mult: 1 decay_mult: 0 }
             convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 2 bias_term: false
               weight_filler { type: "xavier" } } }
           layer { type: "Pooling" bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
           layer { type: "LRN" bottom: "p" top: "n" lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }
           layer { type: "Dropout" bottom: "n" top: "d" dropout_param { dropout_ratio: 0.3 } }
           layer { type: "InnerProduct" bottom: "d" top: "i" inner_product_param { num_output: 5 bias_filler {} } }
           layer { type: "Concat" bottom: "i" bottom: "x" top: "o" concat_param { concat_dim: 0 } }""",
    ),
    "v0: data": (
        """layers { top: "d" layer { type: "images" source: "s" batchsize: 3 shuffle_images: true new_height: -1
             new_width: 8 rand_skip: 2 scale: 0.5 meanfile: "m" cropsize: 7 mirror: true } }
           layers { top: "w" layer { type: "window_data" det_fg_threshold: 0.1 det_context_pad: 2 det_crop_mode: "c" } }
           layers { layer { type: "hdf5_output" hdf5_output_param { file_name: "f" } } }""",
        """layer { type: "ImageData" top: "d" image_data_param { source: "s" batch_size: 3 shuffle: true
             new_height: 4294967295 new_width: 8 rand_skip: 2 }
             transform_param { scale: 0.5 mean_file: "m" crop_size: 7 mirror: true } }
           layer { type: "WindowData" top: "w" window_data_param { fg_threshold: 0.1 context_pad: 2 crop_mode: "c" } }
           layer { type: "HDF5Output" hdf5_output_param { file_name: "f" } }""",
    ),
    "v0: padding goes to its readers, the last producer counts": (
        """input: "x" input_dim: [1, 1, 9, 9]
           layers { bottom: "x" top: "p" layer { type: "padding" pad: 2 } }
           layers { bottom: "p" top: "a" layer { type: "conv" pad: 1 } }
           layers { bottom: "p" top: "p" layer { type: "pool" } }
           layers { bottom: "p" top: "r" layer { type: "relu" } }
           layers { bottom: "r" top: "q" layer { type: "padding" } }
           layers { bottom: "q" top: "b" layer { type: "pool" pad: 1 } }""",
        """layer { name: "input" type: "Input" top: "x" input_param { shape { dim: [1, 1, 9, 9] } } }
           layer { type: "Convolution" bottom: "x" top: "a" convolution_param { pad: 2 } }
           layer { type: "Pooling" bottom: "x" top: "p" pooling_param { pad: 2 } }
           layer { type: "ReLU" bottom: "p" top: "r" }
           layer { type: "Pooling" bottom: "r" top: "b" pooling_param { pad: 0 } }""",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case):
    old, new = ACCEPTED[case]
    upgraded, report, _ = upgrade(old)
    assert not list(report)
    assert upgraded.net == text_format.Parse(new, NetParameter())
    assert upgraded.compatible
    assert bool(upgraded.formats) == (upgraded.net != text_format.Parse(old, NetParameter()))


REFUSED = {
    "layer {}\nlayers {}": ("mixed-formats", 2, "layers"),
    "layer {}\nlayers { type: RELU name: 'r' }": ("mixed-formats", 2, "layers"),
    "layers { layer { type: 'tahn' } }": ("unknown-v0-type", 1, "'tahn'"),
    "layers { layer { type: '' } }": ("unknown-v0-type", 1, "''"),
    "layers { layer { type: 'absval' } }": ("unknown-v0-type", 1, "'absval'"),
    "layers { layer { type: 'relu' }\n bottom: 'x' }": ("unknown-bottom", 2, "'x'"),
    "layers { bottom: 'x' top: 'x'\n layer { type: 'relu' } }": ("unknown-bottom", 1, "'x'"),
    "input: 'a'\ninput: 'b'\ninput_shape { dim: 3 }": ("input-shape-missing", 2, "'b'"),
    "input: 'a'\ninput_dim: [1, 2, 3]": ("input-shape-missing", 1, "'a'"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    code, line, word = REFUSED[text]
    (finding,) = upgrade(text)[1]
    assert (finding.code, finding.severity) == (code, "error")
    assert where(finding.span) == (line, word)


PADDED = """input: 'x' input: 'z' input_dim: [1, 1, 9, 9, 1, 1, 9, 9]
layers { %s layer { name: 'pad' type: 'padding' } }
layers { %s layer { type: '%s' } }"""


@pytest.mark.parametrize(
    ("padding", "reader", "kind", "place"),
    [
        ("bottom: 'x' top: 'p'", "bottom: 'p'", "relu", (3, "'p'")),
        ("bottom: 'x' top: 'p'", "bottom: 'p' top: 'q'", "padding", (3, "'p'")),
        ("bottom: 'x' top: 'p'", "bottom: 'z' bottom: 'p'", "conv", (3, "'p'")),
        ("bottom: 'x' bottom: 'z' top: 'p'", "bottom: 'p'", "conv", (2, "layers")),
        ("bottom: 'x' top: 'p' top: 'q'", "bottom: 'p'", "pool", (2, "layers")),
    ],
)
def test_refused_padding(padding, reader, kind, place):
    (finding,) = upgrade(PADDED % (padding, reader, kind))[1]
    assert finding.code == "padding-reader"
    assert where(finding.span) == place
    assert where(finding.notes[0].span) == (2, "layers")
    assert not list(upgrade(PADDED % ("bottom: 'x' top: 'p'", "bottom: 'p'", "pool"))[1])


def test_mixed_formats_show_both_places():
    (finding,) = upgrade("layer { name: 'a' }\nlayers { name: 'b' }")[1]
    assert [where(note.span) for note in finding.notes] == [(1, "layer")]


@pytest.mark.parametrize(
    ("text", "lost", "compatible"),
    [
        ("layers { layer { type: 'relu' num_output: 1 } }", ["num_output"], False),
        ("layers { layer { kernelsize: 1 } }", ["kernelsize"], False),
        (
            "layers { layer { type: 'hdf5_data' shuffle_images: true rand_skip: 1 } }",
            ["rand_skip", "shuffle_images"],
            False,
        ),
        ("layers { layer { type: 'data' new_num: 1 new_channels: 2 } }", ["new_num", "new_channels"], True),
        ("layers { layer { type: 'data' } name: 'a' loss_weight: 1 }", ["name", "loss_weight"], True),
        ("layers { layer { type: 'data' } } state {} input_shape {}", ["state", "input_shape"], True),
        ("layers { layer { type: 'data' } } layer { name: 'gone' }", ["'gone'"], True),
        ("input: 'a' input: 'b' layer { name: 'l' }", ["input", "input"], True),
    ],
)
def test_what_gets_lost_is_a_warning(text, lost, compatible):
    upgraded, report, _ = upgrade(text)
    assert {(f.code, f.severity) for f in report} == {("upgrade-dropped-field", "warning")}
    assert sorted(where(f.span)[1] for f in report) == sorted(word.replace("'gone'", "layer") for word in lost)
    assert upgraded.compatible == compatible
    assert len(upgraded.net.layer) == 1


def test_findings_without_a_text_have_no_places():
    report = Report()
    upgrade_net(text_format.Parse("layer {} layers {}", NetParameter()), report)
    assert [(f.code, f.span) for f in report] == [("mixed-formats", None)]


def test_a_current_net_comes_back_itself():
    net = text_format.Parse('layer { name: "a" type: "BatchNorm" }', NetParameter())
    upgraded = upgrade_net(net, Report())
    assert upgraded.net is net
    assert (upgraded.formats, upgraded.compatible) == ((), True)


V0 = """input: "x"
input_dim: [1, 1, 9, 8]
layers {
  layer { type: "padding" pad: 2 } bottom: "x" top: "p"
}
layers {
  layer {
    name: "c" type: "conv" num_output: 4
    weight_filler { std: 1 }
    blobs_lr: 1 blobs_lr: 2
    cropsize: 3
  }
  bottom: "p"
  top: "c"
}
"""
V1 = """layers {
  name: "d" type: DATA top: "d"
  data_param { crop_size: 3 source: "s" }
}
layers {
  name: "c" bottom: "d"
  param: "w"
  blobs_lr: [1, 2]
  weight_decay: 5
}
"""
CURRENT = """input: "x"
input_shape { dim: [7, 6] }
layer {
  name: "a"
  top: "t"
}
"""


@pytest.mark.parametrize(
    ("text", "index", "path", "place"),
    [
        (V0, 0, "", (1, '"x"')),
        (V0, 0, "top:0", (1, '"x"')),
        (V0, 0, "input_param.shape:0.dim:3", (2, "8")),
        (V0, 1, "", (8, '"c"')),
        (V0, 1, "type", (8, '"conv"')),
        (V0, 1, "bottom:0", (4, '"x"')),
        (V0, 1, "top:0", (14, '"c"')),
        (V0, 1, "convolution_param.num_output", (8, "4")),
        (V0, 1, "convolution_param.pad:0", (4, "2")),
        (V0, 1, "convolution_param.weight_filler.std", (9, "1")),
        (V0, 1, "convolution_param.stride", (7, "layer")),
        (V0, 1, "param:1.lr_mult", (10, "2")),
        (V0, 1, "param:1", (10, "2")),
        (V0, 1, "transform_param.crop_size", (11, "3")),
        (V1, 0, "transform_param.crop_size", (3, "3")),
        (V1, 0, "data_param.source", (3, '"s"')),
        (V1, 1, "", (6, '"c"')),
        (V1, 1, "param:0.name", (7, '"w"')),
        (V1, 1, "param:0", (7, '"w"')),
        (V1, 1, "param:1.lr_mult", (8, "2")),
        (V1, 1, "param:0.decay_mult", (9, "5")),
        (CURRENT, 0, "input_param.shape:0.dim:1", (2, "6")),
        (CURRENT, 1, "", (4, '"a"')),
        (CURRENT, 1, "top:0", (5, '"t"')),
    ],
)
def test_where_upgraded_fields_were_written(text, index, path, place):
    upgraded, _, positions = upgrade(text)
    origin = LayerOrigin(positions.find, upgraded.origins, index)
    assert where(origin.span(path)) == place
    assert not path or origin.key_span(path).line == place[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
    ],
)
def test_solver_types(old, new):
    report = Report()
    solver = text_format.Parse(f"base_lr: 1 solver_type: {old}", SolverParameter())
    assert upgrade_solver(solver, report) == SolverParameter(base_lr=1, type=new)
    assert solver.HasField("solver_type")
    assert not list(report)


def test_solver_type_and_type_are_refused_together():
    report = Report()
    parsed = read_prototxt(Source("s", "solver_type: SGD\ntype: 'SGD'"), SolverParameter, report)
    upgrade_solver(parsed.message, report, parsed.positions.find)
    (finding,) = report
    assert finding.code == "conflicting-fields"
    assert (where(finding.span), where(finding.notes[0].span)) == ((1, "SGD"), (2, "'SGD'"))


def test_the_recorded_upgrades(shared):
    lines = (shared / "conformance" / "upgrade_cases.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    for case in map(json.loads, lines):
        report = Report()
        net = read_prototxt(Source(case["id"], case["prototxt"]), NetParameter, report).message
        upgraded = upgrade_net(net, report) if not report.failed else None
        assert ("error" if report.failed else "ok") == case["verdict"], case["id"]
        if not report.failed:
            assert upgraded.net == text_format.Parse(case["upgraded"], NetParameter()), case["id"]
            assert upgraded.compatible == case["compatible"], case["id"]


def test_the_recorded_solvers(shared):
    lines = (shared / "conformance" / "solver_cases.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    for case in map(json.loads, lines):
        report = Report()
        solver = read_prototxt(Source(case["id"], case["solver"]), SolverParameter, report).message
        upgraded = upgrade_solver(solver, report) if not report.failed else None
        assert report.failed == (case["upgraded"] is None), case["id"]
        if not report.failed:
            wanted = text_format.Parse(case["upgraded"], SolverParameter())
            assert upgraded.SerializeToString() == wanted.SerializeToString(), case["id"]  # equal even where nan
