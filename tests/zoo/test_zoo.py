"""Every spec of the zoo compiles, has the figures that its net is known for, and equals what is published."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from nets import NETS
from published import FORMS, differing, digests, whole_digest

import netcompile
from netcompile import caffe_pb2
from netcompile.views.net import to_json

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
FINGERPRINTS = json.loads((Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8"))
NOT_OF_THE_ZOO = {"lenet_python"}  # an example of Python layers, of which nothing is published
NOT_BUILT = {"flickr_style"}  # the recorded Caffe has no ImageData
UNKNOWN_SIZES = {"fcn_8s"}  # trains on pictures of any size

COMPARED = [(net, one) for net in NETS for one in net.published]
BVLC = [pytest.param(net, one, id=f"{net.spec}-{one.target}") for net, one in COMPARED if one.repository is None]
OTHERS = [pytest.param(net, one, id=f"{net.spec}-{one.target}") for net, one in COMPARED if one.repository]


@pytest.fixture(scope="module")
def compiled():
    """Each spec, compiled once with its defaults and once with the published files' paths."""
    known = {}

    def run(net, *, as_published=False):
        variables = net.variables if as_published else ()
        key = (net.spec, bool(variables))
        if key not in known:
            known[key] = netcompile.compile(SPECS / f"{net.spec}.yaml", variables=dict(variables))
        return known[key]

    return run


def learned(compiled, phase):
    """The values that a net learns, shared ones once; BatchNorm's blobs are statistics."""
    shown = to_json("", compiled.graphs)["phases"][phase]
    statistics = sum(layer["param_count"] for layer in shown["layers"] if layer["type"] == "BatchNorm")
    return shown["param_count"] - statistics


def read(text, target):
    message = (caffe_pb2.SolverParameter if target == "solver" else caffe_pb2.NetParameter)()
    text_format.Parse(text, message)
    return message if target == "solver" else netcompile.upgrade(message)


def test_each_spec_is_listed():
    listed = [net.spec for net in NETS]
    assert len(listed) == len(set(listed))
    assert {path.stem for path in SPECS.glob("*.yaml")} - NOT_OF_THE_ZOO == set(listed)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.spec)
def test_net_deploy_and_solver_are_emitted(net, compiled):
    done = compiled(net)
    assert done.targets == ("net", "deploy", "solver")
    assert done.deploy.layer
    for target in done.targets:
        assert read(done.prototxt(target), target) == done.message(target)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.spec)
def test_each_phase_has_its_data(net, compiled):
    sources = [layer for layer in compiled(net).net.layer if not layer.bottom]
    assert {rule.phase for layer in sources for rule in layer.include} == {caffe_pb2.TRAIN, caffe_pb2.TEST}


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.spec)
def test_figures_are_the_known_ones(net, compiled):
    done = compiled(net)
    assert learned(done, "TRAIN") == net.learned
    assert learned(done, "DEPLOY") == (net.deployed or net.learned)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.spec)
def test_all_shapes_are_known(net, compiled):
    graphs = compiled(net).graphs
    for phase in ["DEPLOY"] if net.spec in UNKNOWN_SIZES else ["TRAIN", "DEPLOY"]:
        unknown = [name for name, dims in graphs[phase].blobs.items() if dims is None or None in dims]
        assert unknown == [], phase


@pytest.mark.parametrize(("net", "published"), BVLC)
def test_equals_the_file_of_caffe(net, published, compiled, shared):
    text = (shared / "corpus" / published.path).read_text(encoding="utf-8")
    form = FORMS[published.target]
    ours, theirs = form(compiled(net).message(published.target)), form(read(text, published.target))
    assert differing(ours, theirs) == []
    assert ours == theirs


@pytest.mark.parametrize(("net", "published"), OTHERS)
def test_equals_what_was_compared_with_the_published_file(net, published, compiled):
    message = compiled(net, as_published=True).message(published.target)
    form = FORMS[published.target](message)
    kept = FINGERPRINTS[net.spec][published.target]
    names = [layer.name for layer in getattr(form, "layer", ())] or [field.name for field, _ in form.ListFields()]
    parts = zip(names, digests(form).split(), kept["parts"].split(), strict=False)
    assert [name for name, ours, theirs in parts if ours != theirs] == []
    assert whole_digest(form) == kept["sha256"]


def test_each_fingerprint_is_used():
    kept = {(spec, target) for spec, targets in FINGERPRINTS.items() for target in targets}
    assert kept == {(net.spec, one.target) for net, one in COMPARED if one.repository}


@pytest.mark.parametrize(
    "net",
    [net for net in NETS if net.published[0].repository is None and net.spec not in NOT_BUILT],
    ids=lambda net: net.spec,
)
def test_shapes_are_those_that_caffe_reports(net, compiled, shared):
    lines = (shared / "corpus" / "goldens.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [answer for answer in map(json.loads, lines) if answer["file"] == net.published[0].path and answer["ok"]]
    assert answers
    done = compiled(net)
    for answer in answers:
        graph = netcompile.analyze(done.net, answer["phase"], answer.get("stages", ()), top_shapes=_data_shapes(done))
        wrong = {blob: dims for blob, dims in answer["blobs"].items() if not _fits(graph.blobs[blob], dims)}
        assert wrong == {}
        assert {name: [list(dims) for dims in blobs] for name, blobs in graph.params.items()} == answer["params"]


def _fits(ours, dims):
    return len(ours) == len(dims) and all(our in {None, dim} for our, dim in zip(ours, dims, strict=True))


def _data_shapes(done):
    """The shapes of the data, as the spec declares them, with an unknown batch."""
    tops = [top for layer in done.net.layer if not layer.bottom for top in layer.top]
    return {top: (None, *done.graphs["TRAIN"].blobs[top][1:]) for top in tops}


def test_resnet_152_fits_on_a_page_and_shares_its_blocks():
    texts = {depth: (SPECS / f"resnet_{depth}.yaml").read_text(encoding="utf-8") for depth in (50, 152)}
    assert len(texts[152].splitlines()) <= 80
    assert all("blocks/resnet.yaml" in text and "blocks:" not in text for text in texts.values())


def test_the_page_is_current():
    command = [sys.executable, ROOT / "tools/zoo.py", "table", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
