"""Where differences come from, how renamed layers are found, and what stored weights mean for them."""

import cProfile
import pstats

import pytest
from comparing import DATA, conv, difference, layer, side, told
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2
from netcompile.differ import compare
from netcompile.diffing.sides import Wanted, side_of_message
from netcompile.diffing.weights import Model, stored_blobs

CONV = DATA + conv("c", "data")


@pytest.mark.parametrize(("phase", "given"), [("TRAIN", "false"), ("TEST", "true"), ("DEPLOY", "true")])
def test_statistics_that_a_phase_takes_anyway_are_no_difference(phase, given):
    before = DATA + layer("b", "BatchNorm", "data")
    after = DATA + layer("c", "BatchNorm", "data", more=f"batch_norm_param {{ use_global_stats: {given} }}")
    assert difference(before, after.replace('"c"', '"b"'), phase=phase).equal
    assert [entry.what for entry in difference(before, after, phase=phase).layers] == ["renamed"]


OPEN = "  whether weights marked ? fit: a size decides that is not known; `top_shapes` in a spec says it"
DENSE = layer("f", "InnerProduct", "c", more="inner_product_param { num_output: 2 }")


def test_a_refused_layer_is_the_reason_for_what_is_not_known():
    found = told(CONV + DENSE, CONV.replace("kernel_size", "group: 3 kernel_size") + DENSE)
    assert "  ? 'f': 2x144 + 2 there, 2x? + 2 here" in found
    refused = "  B: Convolution 'c': group is 3, which doesn't divide num_output, 4"
    assert found[found.index("not known") :] == ["not known", refused]
    data = 'layer { name: "data" type: "Data" top: "data" data_param { source: "%s" batch_size: 4 } }'
    assert told(data % "s" + CONV[len(DATA) :], data % "t" + CONV[len(DATA) :])[-1] == OPEN


def test_a_bottom_that_other_stages_make_is_the_reason_for_what_is_not_known():
    staged = [
        DATA + conv("c", "data", out=out).replace("top:", 'include { stage: "x" } top:') + DENSE for out in (4, 5)
    ]
    found = told(*staged)
    assert "  ? 'f': 2x? + 2 there, 2x? + 2 here" in found
    assert found[found.index("not known") + 1 :] == [
        *(
            f"  {name}: InnerProduct 'f': bottom 'c' is not a top of any layer before it in {phase}"
            for name in "AB"
            for phase in ("TRAIN", "TEST")
        ),
        "  shapes and weights in other states: --stage and --level choose one",
    ]


RENAMED = {
    "siblings": lambda name, i: conv(f"{name}{i}", "d"),
    "siblings of one name": lambda name, i: layer(name, "ReLU", "d", f"{name}{i}"),
    "a chain in place": lambda name, i: layer(f"{name}{i}", "ReLU", "d", "d"),
}


@pytest.mark.parametrize("make", RENAMED.values(), ids=RENAMED)
def test_renamed_layers_are_looked_at_a_fixed_number_of_times(make):
    def calls(number):
        texts = [DATA.replace('"data"', '"d"') + "".join(make(name, i) for i in range(number)) for name in "ab"]
        old, new = (side(text, name) for text, name in zip(texts, "AB", strict=True))
        profile = cProfile.Profile()
        found = profile.runcall(compare, old, new)
        assert [entry.what for entry in found.layers] == ["renamed"] * number
        return pstats.Stats(profile).total_calls

    small, large = calls(20), calls(200)
    assert large < 12 * small


def test_a_shape_is_told_once_and_by_what_caused_it_first():
    before = DATA + conv("c", "data") + layer("r", "ReLU", "c", "c") + conv("d", "c") + conv("e", "data")
    found = difference(before, before.replace("num_output: 4", "num_output: 6", 1))
    assert [(entry.change.blob, entry.change.cause) for entry in found.shapes] == [("c", "c"), ("c", "c")]
    assert told(before, before.replace("num_output: 4", "num_output: 6", 1))[3:6] == [
        "shapes", "  1 blob because of 'c'", "    c  2x4x6x6 -> 2x6x6x6"]  # fmt: skip


def test_an_unknown_dim_is_no_difference():
    data = 'layer { name: "data" type: "Data" top: "data" data_param { source: "s" batch_size: %d } }'
    found = difference(data % 4 + conv("c", "data"), data % 8 + conv("c", "data"))
    assert {entry.layer for entry in found.shapes} == {"data", "c"}
    assert not found.weights.refused


def model(text):
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    return Model(stored_blobs(net), side_of_message("model", net, Wanted()))


STORED = {
    "the same": ("shape { dim: [4, 3, 3, 3] }", "shape { dim: 4 }", True),
    "the old form of four axes": (
        "num: 4 channels: 3 height: 3 width: 3",
        "num: 1 channels: 1 height: 1 width: 4",
        True,
    ),
    "an old form that differs": (
        "num: 4 channels: 3 height: 3 width: 3",
        "num: 4 channels: 1 height: 1 width: 1",
        False,
    ),
    "new form, more axes": ("shape { dim: [4, 3, 3, 3] }", "shape { dim: [1, 1, 1, 4] }", False),
    "another shape": ("shape { dim: [4, 2, 3, 3] }", "shape { dim: 4 }", False),
}


@pytest.mark.parametrize(("weights", "bias", "loads"), STORED.values(), ids=STORED)
def test_stored_weights(weights, bias, loads):
    stored = model(f'layer {{ name: "c" blobs {{ {weights} }} blobs {{ {bias} }} }}')
    found = difference(CONV, CONV, model=stored)
    assert found.equal == loads
    assert found.same_net
    assert (found.weights.loaded == ["c"]) == loads


def test_fewer_stored_blobs_do_not_load():
    found = difference(
        CONV,
        CONV,
        model=model('layer { name: "c" blobs { shape { dim: [4, 3, 3, 3] } } } layer { name: "x" blobs {} }'),
    )
    assert [(one.before, one.after) for one in found.weights.refused] == [([[4, 3, 3, 3]], [[4, 3, 3, 3], [4]])]
    assert found.weights.unused == ["x"]


def test_deploy_compares_what_inference_reads():
    before = CONV.replace(
        "convolution_param {", 'param { lr_mult: 9 } convolution_param { weight_filler { type: "msra" }'
    )
    assert not difference(CONV, before).equal
    assert difference(CONV, before, phase="DEPLOY", inference=True).equal
    other = CONV.replace("kernel_size: 3", "kernel_size: 1")
    assert not difference(CONV, other, phase="DEPLOY", inference=True).equal


@pytest.mark.parametrize("name", ["bvlc_alexnet", "bvlc_googlenet", "bvlc_reference_caffenet", "finetune_flickr_style"])
def test_a_published_net_equals_its_import_and_its_upgrade(shared, name):
    text = (shared / "corpus" / f"{name}.train_val.prototxt").read_text(encoding="utf-8")
    spec = netcompile.compile(__import__("io").StringIO(netcompile.import_net(text)), check=False)
    assert difference(text, str(spec.net)).equal
    assert difference(text, str(netcompile.upgrade(text))).equal
