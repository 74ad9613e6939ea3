"""The upgrade command: what it writes for text and for binary files, and what it refuses."""

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

V1 = 'layers { name: "ip" type: INNER_PRODUCT bottom: "x" top: "ip" inner_product_param { num_output: 2 } }\n'
CURRENT = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n'


def old_model():
    net = text_format.Parse(V1, caffe_pb2.NetParameter())
    net.layers[0].blobs.add(num=1, channels=1, height=2, width=3, data=[0.5, 1, 2, 3, 4, 5])
    return net


def test_text_comes_as_text(call, tmp_path):
    done = call("upgrade", "a.prototxt", "-o", "b.prototxt", a_prototxt=V1)
    assert done == (0, "", "a.prototxt: had V1 layers\n")
    assert (tmp_path / "b.prototxt").read_text() == str(netcompile.upgrade(V1))
    assert call("upgrade", "c.prototxt", c_prototxt=CURRENT).out == CURRENT


def test_comments_that_get_lost_are_counted(call):
    done = call("upgrade", "a.prototxt", a_prototxt="# one\n" + V1 + "# two\n" + V1.replace("}\n", "}  # three\n"))
    assert done.code == 0
    assert "#" not in done.out
    assert done.err == "a.prototxt: had V1 layers\na.prototxt: 3 comments are left out, as by Caffe's own upgrade\n"
    done = call("upgrade", "s.prototxt", s_prototxt='net: "#"  # the net\nsolver_type: ADAM\n')
    assert done.err.endswith("s.prototxt: 1 comment is left out, as by Caffe's own upgrade\n")
    current = "# one\n" + CURRENT
    done = call("upgrade", "c.prototxt", c_prototxt=current)
    assert (done.out, done.err) == (current, "c.prototxt: is in the current format; nothing to upgrade\n")


def test_a_binary_net_comes_as_one_with_its_weights(call, tmp_path):
    model = old_model()
    done = call("upgrade", "m.caffemodel", "-o", "n.caffemodel", m_caffemodel=model.SerializeToString())
    assert done == (0, "", "m.caffemodel: had V1 layers\n")
    upgraded = caffe_pb2.NetParameter.FromString((tmp_path / "n.caffemodel").read_bytes())
    assert upgraded == netcompile.upgrade(model)
    assert list(upgraded.layer[0].blobs[0].data) == [0.5, 1, 2, 3, 4, 5]
    assert (upgraded.layer[0].type, len(upgraded.layers)) == ("InnerProduct", 0)


def test_a_current_binary_net_stays_as_it_is(call, tmp_path):
    data = text_format.Parse(CURRENT, caffe_pb2.NetParameter()).SerializeToString()
    done = call("upgrade", "m.caffemodel", "-o", "n.caffemodel", m_caffemodel=data)
    assert done == (0, "", "m.caffemodel: is in the current format; nothing to upgrade\n")
    assert (tmp_path / "n.caffemodel").read_bytes() == data


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"\x0f\x00junk", 2, "holds no NetParameter"),
        (b"\x89HDF\r\n\x1a\n", 2, "is HDF5"),
        (b"\xc2\x3e\x02hi", 1, "m.caffemodel: NetParameter has field 1000"),
        (b"\x0a\x02\xff\xfe\x12\x00", 2, "not UTF-8"),
    ],
)
def test_other_binary_files_are_refused(call, data, code, said):
    done = call("upgrade", "m.caffemodel", m_caffemodel=data)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_an_input_that_gets_lost_is_said(call):
    done = call("upgrade", "a.prototxt", a_prototxt='input: "x"\n' + CURRENT)
    assert (done.code, done.out) == (0, str(netcompile.upgrade(CURRENT)))
    assert "a.prototxt:1:1: warning[upgrade-dropped-field]: input 'x' has no shape, so Caffe drops it" in done.err
