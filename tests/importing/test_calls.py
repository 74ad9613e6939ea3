"""The import command and the API: what they read, what they write to which stream, and what they refuse."""

import re

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

NET = (
    'name: "n" layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }\n'
)
V1 = 'name: "n" layers { name: "ip" type: INNER_PRODUCT bottom: "x" top: "ip" inner_product_param { num_output: 2 } }\n'
SPEC = """\
# yaml-language-server: $schema=netcompile.schema.json
name: n
layers:
  - {name: ip, type: InnerProduct, bottom: x, num_output: 2}
"""


def message(text, kind=caffe_pb2.NetParameter):
    return text_format.Parse(text, kind())


def test_standard_output_has_the_spec_alone(call):
    assert call("import", "a.prototxt", a_prototxt=NET) == (0, SPEC, "")
    assert call("import", "b.prototxt", b_prototxt=V1) == (0, SPEC, "b.prototxt: had V1 layers\n")


def test_output_is_a_file_with_the_nearest_schema(call, tmp_path):
    done = call(
        "import",
        "nets/a.prototxt",
        "-o",
        "specs/deep/a.yaml",
        nets__a_prototxt=NET,
        schemas__netcompile_schema_json="{}",
    )
    (tmp_path / "schemas/netcompile_schema.json").rename(tmp_path / "schemas/netcompile.schema.json")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert call("import", "nets/a.prototxt", "-o", "specs/deep/a.yaml").code == 0
    assert (
        (tmp_path / "specs/deep/a.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=../../schemas/netcompile.schema.json\n")
    )


def test_a_model_is_imported_without_its_weights(call):
    net = message(NET)
    net.layer[0].blobs.add(shape={"dim": [2, 3]}, data=[0.5] * 6)
    net.layer[0].blobs.add(shape={"dim": [2]}, data=[0.5] * 2)
    done = call("import", "n.caffemodel", n_caffemodel=net.SerializeToString())
    assert done == (0, SPEC, "n.caffemodel: the weights of 1 layer, 8 values, are left out: a spec holds none\n")


SNAPSHOT = """\
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3] } } phase: TRAIN }
layer { name: "data_data_0_split" type: "Split" bottom: "data" top: "data_data_0_split_0" top: "data_data_0_split_1"
  phase: TRAIN }
layer { name: "a" type: "Power" bottom: "data_data_0_split_0" top: "a" phase: TRAIN }
layer { name: "b" type: "Eltwise" bottom: "data_data_0_split_1" bottom: "a" top: "b" phase: TRAIN }
"""


def test_what_caffe_adds_to_a_snapshot_is_left_out(call):
    done = call("import", "s.caffemodel", s_caffemodel=message(SNAPSHOT).SerializeToString())
    assert "  - {name: a, type: Power}\n  - {name: b, type: Eltwise, bottom: [data, a]}\n" in done.out
    assert "Split" not in done.out
    assert "1 layer of type Split and the phase in each layer are left out" in done.err
    assert call("import", "s.prototxt", s_prototxt=SNAPSHOT).out.count("Split") == 1
    call("import", "s.caffemodel", "-o", "s.yaml")
    assert call("diff", "s.yaml", "s.caffemodel").code == 0


@pytest.mark.parametrize(
    "split",
    [
        'name: "data_data_0_split" type: "Split" bottom: "data" top: "x" top: "y" phase: TRAIN',
        'name: "mine" type: "Split" bottom: "data" top: "mine_0" top: "mine_1" phase: TRAIN',
        'name: "data_data_0_split" type: "Split" bottom: "data" top: "data_data_0_split_0" loss_weight: 1',
    ],
)
def test_a_split_of_ones_own_stays(call, split):
    net = f'layer {{ name: "data" type: "Input" top: "data" }} layer {{ {split} }}'
    done = call("import", "s.caffemodel", s_caffemodel=message(net).SerializeToString())
    assert "type: Split" in done.out
    assert done.err == ""


def test_a_binary_net_is_told_by_its_content(call):
    data = message(NET + "force_backward: false").SerializeToString()
    assert b"\0" in data
    assert "force_backward: false" in call("import", "net.bin", net_bin=data).out


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.h5", b"\x89HDF\r\n\x1a\n", "is HDF5"),
        ("a.caffemodel", b"\x0f\x00junk", "holds no NetParameter"),
        ("a.prototxt", b'base_lr: 1 net: "x"', "is a solver, not a net"),
        ("a.yaml", SPEC.encode(), "is a spec, not a net"),
    ],
)
def test_other_files_are_a_wrong_call(call, tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    done = call("import", name)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_findings_of_the_reading_are_shown(call):
    done = call("import", "a.prototxt", a_prototxt='layer { name: "a" rows: 1 }')
    assert (done.code, done.out) == (1, "")
    assert "a.prototxt:1:19: error[unknown-field]" in done.err
    assert "--caffe" in done.err
    done = call("import", "b.prototxt", b_prototxt='layer { name: "a" } layers { name: "b" }')
    assert (done.code, done.out) == (1, "")
    assert "error[mixed-formats]" in done.err


def test_a_field_that_gets_lost_in_the_upgrade_is_said(call):
    done = call("import", "a.prototxt", a_prototxt='layers { layer { name: "r" type: "relu" num_output: 3 } }')
    assert done.code == 0
    assert "warning[upgrade-dropped-field]" in done.err


def test_unknown_fields_of_a_binary_message_are_an_error_that_names_them(call):
    net = message(NET)
    data = net.SerializeToString() + b"\xc2\x3e\x02hi"  # field 1000 of NetParameter
    done = call("import", "n.caffemodel", n_caffemodel=data)
    assert (done.code, done.out) == (1, "")
    assert (
        "error[unknown-field]: n.caffemodel: NetParameter 'n' has field 1000, which Caffe's messages don't have"
        in done.err
    )
    assert "--caffe" in done.err


def test_text_that_is_no_utf8_is_said(call):
    data = b"\x0a\x02\xff\xfe\xa2\x06\x02\x0a\x00"
    done = call("import", "n.caffemodel", n_caffemodel=data)
    assert done.code == 0
    assert "warning[not-utf8]" in done.err
    assert "n.caffemodel: the text of 'name' in NetParameter" in done.err
    assert "name: '\\xff\\xfe'" in done.out
    done = call("import", "t.prototxt", t_prototxt=b'name: "\\377" layer {}')
    assert "warning[not-utf8]" in done.err
    assert "t.prototxt: text that is not UTF-8 can't be kept: \\x.. stands for its bytes\n" in done.err


def test_names_that_are_no_utf8_stay_apart(call):
    net = (
        b'layer { name: "d" type: "Input" top: "\\377" top: "\\376" }\n'
        b'layer { name: "r" type: "ReLU" bottom: "\\377" top: "r" }'
    )
    out = call("import", "t.prototxt", t_prototxt=net).out
    assert "top: ['\\xff', '\\xfe']" in out
    assert "{name: r, type: ReLU}" in out
    assert (
        call("diff", "t.prototxt", "u.prototxt", u_prototxt=net.replace(b'bottom: "\\377', b'bottom: "\\376')).code == 1
    )


def test_what_is_imported_is_not_overwritten(call, tmp_path):
    files = {"n_prototxt": NET, "s_prototxt": "base_lr: 1"}
    (tmp_path / "link.yaml").symlink_to(tmp_path / "s.prototxt")
    for arguments in (
        ("n.prototxt", "-o", "n.prototxt"),
        ("n.prototxt", "--solver", "s.prototxt", "-o", "./s.prototxt"),
        ("n.prototxt", "--solver", "s.prototxt", "-o", "link.yaml"),
        ("n.prototxt", "--deploy", "n.prototxt", "-o", "n.prototxt"),
    ):
        done = call("import", *arguments, **files)
        assert (done.code, done.out) == (2, "")
        assert "it would be overwritten" in done.err
    assert (tmp_path / "n.prototxt").read_text() == NET
    assert (tmp_path / "s.prototxt").read_text() == "base_lr: 1"


def test_standard_input_is_read_once(call):
    done = call("import", "-", "--solver", "-")
    assert (done.code, done.out) == (2, "")
    assert "read once" in done.err


def test_what_is_no_net_is_told_from_a_slip(call):
    done = call("import", "users.txt", users_txt="root:x:0:0:root:/root:/bin/sh\n")
    assert (done.code, done.err) == (2, "netcompile: users.txt is not a prototxt net: none of its fields are\n")
    slip = call("import", "a.prototxt", a_prototxt='layr { name: "a" }')
    assert (slip.code, slip.out) == (1, "")
    assert "error[unknown-field]" in slip.err


@pytest.mark.parametrize("text", ["", "# nothing yet\n", 'name: "n"'])
def test_a_net_without_layers_is_said(call, text):
    done = call("import", "a.prototxt", a_prototxt=text)
    assert done.code == 0
    assert "layers: []" in done.out
    assert done.err == "a.prototxt: has no layers\n"


def test_an_input_without_a_shape_is_said(call):
    done = call("import", "a.prototxt", a_prototxt='input: "a"\n' + NET)
    assert done.code == 0
    assert "a.prototxt:1:1: warning[upgrade-dropped-field]: input 'a' has no shape" in done.err


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ('layer { name: "a" type: "ReLU" phase: TRAIN }', "the phase in each layer is left out: Caffe puts it in"),
        (
            'layer { name: "x_a_0_split" type: "Split" bottom: "x" top: "x_a_0_split_0" } layer { name: "a" }',
            "1 layer of type Split is left out: Caffe puts it in",
        ),
    ],
)
def test_one_thing_is_left_out(call, net, said):
    assert said in call("import", "s.caffemodel", s_caffemodel=message(net).SerializeToString()).err


def test_one_value_is_left_out(call):
    net = message(NET)
    net.layer[0].blobs.add(data=[0.5])
    done = call("import", "n.caffemodel", n_caffemodel=net.SerializeToString())
    assert "the weights of 1 layer, 1 value, are left out" in done.err


def test_comments_of_a_deploy_net_are_counted(call):
    deploy = "# Made by netcompile from a.yaml\n# one\n" + NET + "# two\n"
    done = call("import", "t.prototxt", "--deploy", "d.prototxt", t_prototxt=NET, d_prototxt=deploy)
    assert "d.prototxt: 2 comments left out: the deploy net comes of the layers of t.prototxt\n" in done.err


def test_an_old_net_inside_a_solver_is_refused(call):
    solver = 'net_param { layers { name: "a" } } base_lr: 1'
    done = call("import", "a.prototxt", "--solver", "s.prototxt", a_prototxt=NET, s_prototxt=solver)
    assert (done.code, done.out) == (1, "")
    assert "s.prototxt:1:1: error[not-upgraded]" in done.err


def test_drift_is_told_on_standard_error_and_above_deploy(call, tmp_path):
    train = NET.replace(
        "layer {",
        'layer { name: "d" type: "MemoryData" top: "x" top: "y" '
        "memory_data_param { batch_size: 2 channels: 3 height: 1 width: 1 } } layer {",
        1,
    )
    train += 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }'
    deploy = (
        'input: "x" input_shape { dim: [1, 3, 1, 1] } '
        + NET.replace("num_output: 2", "num_output: 5")
        + 'layer { name: "p" type: "Softmax" bottom: "ip" top: "prob" }'
    )
    done = call("import", "t.prototxt", "--deploy", "d.prototxt", "-o", "s.yaml", t_prototxt=train, d_prototxt=deploy)
    assert (done.code, done.out) == (0, "")
    assert "    num_output: 2 -> 5\n" in done.err
    text = (tmp_path / "s.yaml").read_text()
    assert "#     num_output: 2 -> 5\n" in text
    assert "\ndeploy: {inputs: {x: [1, 3, 1, 1]}}\n" in text
    same = call(
        "import", "t.prototxt", "--deploy", "e.prototxt", e_prototxt=deploy.replace("num_output: 5", "num_output: 2")
    )
    assert (same.code, same.err) == (0, "e.prototxt: had net-level inputs\n")
    assert "#" not in same.out.partition("\n")[2]


def test_stored_statistics_that_only_a_deploy_net_writes_are_no_drift(call):
    data = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 3, 1, 1] } } } '
    norm = 'layer { name: "b" type: "BatchNorm" bottom: "x" top: "b" %s} '
    train = data + norm % "" + 'layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "b" }'
    deploy = data + norm % "batch_norm_param { use_global_stats: true } "
    done = call("import", "t.prototxt", "--deploy", "d.prototxt", t_prototxt=train, d_prototxt=deploy)
    assert (done.code, done.err) == (0, "")
    assert "#" not in done.out.partition("\n")[2]
    assert "use_global_stats" not in done.out


def test_a_long_drift_does_not_hide_the_spec(call):
    deploy = "".join(f'layer {{ name: "l{i}" type: "ReLU" bottom: "x" top: "x" }}' for i in range(60))
    train = NET + 'layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" }'
    done = call("import", "t.prototxt", "--deploy", "d.prototxt", t_prototxt=train, d_prototxt=deploy)
    assert done.code == 0
    assert done.err.count("\n") > 60
    assert re.search(r"# and \d+ lines more\ndeploy:", done.out)


@pytest.mark.parametrize(
    "solver", ["", 'net: "n.prototxt" solver_type: ADAM', 'net: "n" stepvalue: [1, 2] test_state { stage: "a" }']
)
def test_solver_comes_back(solver):
    spec = netcompile.import_net(NET, solver=solver)
    assert "solver:" in spec
    section = netcompile.import_net(NET, solver=message(solver, caffe_pb2.SolverParameter))
    assert sorted(section.splitlines()) == sorted(spec.splitlines())  # the order of fields is that of a text


def test_api_takes_messages_of_another_pool():
    file = caffe_pb2.DESCRIPTOR
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415 - this test alone

    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    other = message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))
    net = other.FromString(message(NET).SerializeToString())
    assert netcompile.import_net(net) == SPEC


def test_api_raises_with_the_findings():
    with pytest.raises(netcompile.CompileError) as refused:
        netcompile.import_net('layer { rows: 1 } layer { name: "a" nmae: "b" }')
    assert [found.code for found in refused.value.diagnostics] == ["unknown-field", "unknown-field"]


@pytest.mark.parametrize(
    ("name", "most"), [("bvlc_googlenet", 0.12), ("bvlc_reference_caffenet", 0.2), ("bvlc_alexnet", 0.2)]
)
def test_specs_are_much_shorter(shared, name, most):
    """At most half of the prototxt's lines was asked for."""
    text = (shared / "corpus" / f"{name}.train_val.prototxt").read_text(encoding="utf-8")
    assert netcompile.import_net(text).count("\n") < most * text.count("\n")
