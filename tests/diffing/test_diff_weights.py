"""Which weights of an old model a net can load: also where only a database knows the size of images, and not."""

import json

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

DATA = """\
layer { name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "%s" batch_size: 4 backend: LMDB } }
"""
NET = """\
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 5 stride: %(stride)s pad: %(pad)s } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "score" type: "InnerProduct" bottom: "ip" top: "score" inner_product_param { num_output: 2 } }
"""


def net(*, source="lmdb", stride=1, pad=0):
    return DATA % source + NET % {"stride": stride, "pad": pad}


def weights_of(text, **shapes):
    """A model: the net as Caffe writes it, with blobs as it has them for data of some shape."""
    graph = netcompile.analyze(text, top_shapes=shapes)
    model = text_format.Parse(text, caffe_pb2.NetParameter())
    for layer in model.layer:
        for dims in graph.params.get(layer.name, ()):
            layer.blobs.add(shape={"dim": dims}, data=[0])
    return model


def stored(text, *, channels=3, height=12, width=12):
    return weights_of(text, data=[4, channels, height, width]).SerializeToString()


@pytest.fixture
def weights(call):
    """Compares files, with a model or without, and gives the exit code and what JSON says of weights."""

    def weights(before, after, model=None):
        given = () if model is None else ("--weights", "m.caffemodel")
        files = {"a_prototxt": before, "b_prototxt": after, **({} if model is None else {"m_caffemodel": model})}
        done = call("diff", "a.prototxt", "b.prototxt", *given, "--format", "json", **files)
        told = json.loads(done.out)["weights"]
        for verdict in ("refused", "unknown"):
            told[verdict] = [one["layer"] for one in told[verdict]]
        return done.code, {verdict: layers for verdict, layers in told.items() if layers}

    return weights


@pytest.mark.parametrize(
    "size", [{}, {"channels": 1}, {"channels": 2}, {"height": 12, "width": 16}, {"height": 28, "width": 28}]
)
def test_a_net_loads_its_own_weights_whatever_its_data(weights, size):
    assert weights(net(), net(), stored(net(), **size)) == (0, {"loaded": ["conv", "ip", "score"]})


def test_the_same_data_through_other_layers_do_not_fit(weights):
    assert weights(net(pad=2), net(pad=2), stored(net())) == (1, {"loaded": ["conv", "score"], "refused": ["ip"]})
    assert weights(net(), net(pad=2)) == (1, {"loaded": ["conv", "score"], "refused": ["ip"]})


def test_what_changes_nothing_loads(weights):
    other = net().replace('layer { name: "ip"', 'layer { name: "r" type: "ReLU" bottom: "conv" top: "conv" }\n'
                          'layer { name: "ip"')  # fmt: skip
    assert weights(net(), other) == (1, {"loaded": ["conv", "ip", "score"]})
    assert weights(other, other, stored(net())) == (0, {"loaded": ["conv", "ip", "score"]})


def test_a_crop_of_another_size_has_as_many_channels(weights):
    def cropped(transform):
        return net().replace("data_param", f"transform_param {{ {transform} }} data_param", 1)

    before, after = cropped("crop_size: 12 mirror: true"), cropped("crop_size: 10 scale: 0.5")
    assert weights(before, after) == (1, {"refused": ["ip"], "loaded": ["conv", "score"]})
    assert weights(before, after, stored(before, channels=1))[1] == {"refused": ["ip"], "loaded": ["conv", "score"]}
    whole = cropped("mirror: true")  # the images may be as large as the crop
    assert weights(before, whole)[1]["unknown"] == ["conv", "ip"]


def test_other_data_may_have_any_size(weights):
    unknown = {"loaded": ["score"], "unknown": ["conv", "ip"]}
    assert weights(net(), net(source="other")) == (1, unknown)
    assert weights(net(source="other"), net(source="other"), stored(net())) == (1, unknown)


def test_what_only_some_sizes_round_away_is_unknown(weights):
    """A window of 5 that moves by 2 gives 2 for sides of 7 and of 8; one of 4 gives 2 and 3."""
    sevens = stored(net(stride=2), height=7, width=7)
    assert weights(net(stride=2), net(stride=2), sevens)[0] == 0
    wider = net(stride=2).replace("kernel_size: 5", "kernel_size: 4")
    assert weights(wider, wider, sevens)[1]["refused"] == ["conv"]
    assert weights(wider, wider, sevens)[1]["unknown"] == ["ip"]


def test_a_model_that_no_data_could_give_decides_nothing(weights):
    model = weights_of(net(), data=[4, 3, 12, 12])
    model.layer[2].blobs[0].shape.dim[1] += 1
    assert weights(net(), net(), model.SerializeToString()) == (1, {"loaded": ["score"], "unknown": ["conv", "ip"]})


def test_a_model_of_names_and_blobs_alone_decides_by_what_is_known(weights):
    model = weights_of(net(), data=[4, 3, 12, 12])
    for layer in model.layer:
        for field, _ in layer.ListFields():
            if field.name not in ("name", "blobs"):
                layer.ClearField(field.name)
    assert weights(net(), net(), model.SerializeToString()) == (1, {"loaded": ["score"], "unknown": ["conv", "ip"]})


def test_a_layer_that_the_model_lacks_is_not_complete_and_one_too_many_is_passed_over(weights):
    model = weights_of(net(), data=[4, 3, 12, 12])
    model.layer.add(name="more").blobs.add(shape={"dim": [1]})
    all_loaded = ["conv", "ip", "score"]
    assert weights(net(), net(), model.SerializeToString()) == (0, {"loaded": all_loaded, "unused": ["more"]})
    del model.layer[3]
    found = weights(net(), net(), model.SerializeToString())
    assert found == (1, {"loaded": ["conv", "ip"], "unused": ["more"], "missing": ["score"]})


def test_blobs_on_one_side_alone_are_refused(weights):
    """Caffe compares the numbers of blobs of all layers that both have."""
    model = weights_of(net(), data=[4, 3, 12, 12])
    model.layer[0].blobs.add(shape={"dim": [1]})
    del model.layer[3].blobs[:]
    assert weights(net(), net(), model.SerializeToString())[1]["refused"] == ["data", "score"]


@pytest.mark.parametrize("model", [b"", net(), "layer { }"])
def test_a_file_without_weights_is_a_wrong_call(call, model):
    done = call("diff", "a.prototxt", "a.prototxt", "--weights", "m.prototxt", a_prototxt=net(), m_prototxt=model)
    assert (done.code, done.out) == (2, "")
    assert done.err == "netcompile: m.prototxt holds no weights: no layer in it has any\n"


def test_text_says_what_is_not_known(call):
    files = {"a_prototxt": net(source="other"), "m_caffemodel": stored(net())}
    done = call("diff", "a.prototxt", "a.prototxt", "--weights", "m.caffemodel", **files)
    assert "  1 layer loads\n  ? 'conv': 8x3x5x5 + 8 there, 8x?x5x5 + 8 here\n" in done.out
    assert "\nnot known\n  whether weights marked ? fit: " in done.out
    done = call("diff", "a.prototxt", "b.prototxt", a_prototxt=net(), b_prototxt=net(pad=2))
    assert "  'ip' does not load: 3x? + 3 there, 3x? + 3 here: the same data give other sizes\n" in done.out


def test_a_net_that_caffe_refuses_has_no_known_shapes(call):
    """What the model has for the refused layer is not called unused."""
    broken = net().replace("num_output: 8", "num_output: 0")
    done = call("diff", "a.prototxt", "b.prototxt", a_prototxt=net(), b_prototxt=broken)
    assert done.code == 1
    assert "  ? 'conv': 8x?x5x5 + 8 there, unknown blobs here\n" in done.out
    assert "\nnot known\n  b.prototxt: Convolution 'conv': num_output" in done.out
    assert "not used" not in done.out
    told = json.loads(call("diff", "a.prototxt", "b.prototxt", "--format", "json").out)
    assert told["problems"]["before"] == []
    assert len(told["problems"]["after"]) == 1
    assert {"layer": "conv", "before": [[8, None, 5, 5], [8]], "after": None} in told["weights"]["unknown"]
