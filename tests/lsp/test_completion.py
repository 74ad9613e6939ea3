"""What can be typed: blobs in scope, variables, blocks and their parameters."""

import asyncio

import pytest

from netcompile.compiler import Settings
from netcompile.diagnostics import Report
from netcompile.language.spec import name_list
from netcompile.load import load
from netcompile.lsp.completion import completions
from netcompile.lsp.scan import typed_at
from netcompile.lsp.session import Text
from netcompile.tree import Source

NET = """vars: {width: 3, deep: true}
blocks:
  unit:
    params: {name: ~, out: 64}
    layers:
      - {name: conv$name, type: Convolution, num_output: $out, kernel_size: 3}
      - {name: relu$name, type: ReLU, in_place: true}
IN_BLOCK
layers:
  - {name: data, type: Input, top: [data, label], shape: {dim: [1, 3, 9, 9]}}
  - {name: ip, type: InnerProduct, num_output: 4, bottom: data}
  - repeat: {i: [1, 2]}
    layers:
      - {block: unit, name: $i, bottom: data}
IN_LOOP
BETWEEN
  - {name: last, type: ReLU, bottom: ip}
deploy: {outputs: [OUTPUT]}
"""


def net(**parts):
    text = NET
    for name in ("IN_BLOCK", "IN_LOOP", "BETWEEN"):
        text = text.replace(f"{name}\n", f"{parts[name]}\n" if name in parts else "")
    return text.replace("OUTPUT", parts.get("OUTPUT", "ip"))


@pytest.fixture
def offered(place):
    """What is offered at the mark, by name, and the text up to it that is replaced."""

    def completing(text, before=None):
        found, replaced = asked(place, text, before)
        return [one.label for one in found], replaced.pop() if replaced else None

    return completing


def asked(place, text, before=None):
    text, line, column = place(text)
    opened = Text("net.yaml", text if before is None else before, Settings(), asyncio.Lock())
    if before is not None:
        assert asyncio.run(opened.learn()).document is not None
        opened.update(text)
    found = completions(*asyncio.run(opened.without(line)), opened.lines, line, column)
    return found, {opened.lines[line][one.start : column] for one in found}


# The blobs that a softmax, and deploy, can take are not those of every phase.
PHASES = """layers:
  - name: data
    type: HDF5Data
    top: [data, label]
    top_shapes: {data: [batch, 3], label: [batch]}
    train: {source: a, batch_size: 8}
    test: {source: b, batch_size: 2}
  - {name: noise, type: DummyData, only: train, shape: {dim: [8, 3]}}
  - {name: half, type: Power, bottom: data, only: [test, deploy]}
  - {name: loss, type: SoftmaxWithLoss, bottom: [data, label]}
  - {name: x, type: ReLU, bottom: @}
deploy: {}
"""
ODD = """layers:
  - name: data
    type: Input
    shape: {dim: [1]}
    top: ['a, b', '1e3', 'no: x', true_, 'true', "it's", $$x]
  - {name: x, type: ReLU, bottom: HERE}"""
TOPS = ["conv2", "conv1", "ip", "data", "label"]


@pytest.mark.parametrize(
    ("written", "replaced"),
    [
        ("  - {name: x, type: ReLU, bottom: @", ""),
        ("  - {name: x, type: ReLU, bottom: @}", ""),
        ("  - {name: x, type: ReLU, bottom: co@}", "co"),
        ("  - {name: x, type: ReLU, bottom: [@", ""),
        ("  - {name: x, type: Eltwise, bottom: [ip, c@onv1]}", "c"),
        ("  - {bottom: inc/3x@, name: x, type: ReLU}", "inc/3x"),
        ("  - {name: x, type: Data, train: {bottom: i@}}", "i"),
        ("  - name: x\n    type: ReLU\n    bottom: @", ""),
        ("  - name: x\n    bottom: i@\n    type: ReLU", "i"),
        ("  - name: x\n    type: Eltwise\n    bottom:\n      - ip\n      - i@", "i"),
        ("  - name: x\n    type: Eltwise\n    bottom:\n    - @", ""),
        ("  - name: x\n    type: Eltwise\n    bottom: [ip,\n             d@]", "d"),
        ("  - {block: unit, name: 3, bottom: @}", ""),
        ('  - {name: x, type: ReLU, bottom: "ip@"}', '"ip'),
    ],
)
def test_bottoms_in_scope(offered, written, replaced):
    assert offered(net(BETWEEN=written)) == (TOPS, replaced)


def test_nearest_first_and_with_shapes(place):
    text = net(BETWEEN="  - {name: x, type: ReLU, bottom: @}").replace("9, 9]}", "9, 9]}, top_shapes: {label: [7]}")
    found, _ = asked(place, text.replace("shape: {dim: [1, 3, 9, 9]}", "shape: [{dim: [1, 3, 9, 9]}, {dim: [7]}]"))
    assert [(one.label, one.detail) for one in found][2:] == [("ip", "1x4"), ("data", "1x3x9x9"), ("label", "7")]


def test_shapes_by_phase(place):
    found, _ = asked(place, PHASES)
    assert [(one.label, one.detail) for one in found] == [
        ("loss", "scalar"),
        ("half", "TEST: 2x3"),
        ("noise", "TRAIN: 8x3"),
        ("data", "8x3 | 2x3"),
        ("label", "8 | 2"),
    ]


@pytest.mark.parametrize(
    ("written", "inserted"),
    [
        ("[@]", ["'a, b'", "'1e3'", "'no: x'", "true_", "'true'", "'it''s'", "$$x"]),
        ("@", ["'a, b'", "'1e3'", "'no: x'", "true_", "'true'", "'it''s'", "$$x"]),
        ("['@']", ["'a, b", "'1e3", "'no: x", "'true_", "'true", "'it''s", "'$$x"]),
        ("['a@", ["'a, b'", "'1e3'", "'no: x'", "'true_'", "'true'", "'it''s'", "'$$x'"]),
        ('["@"]', ['"a, b', '"1e3', '"no: x', '"true_', '"true', "\"it's", '"$$x']),
    ],
)
def test_what_is_inserted_means_the_blob(place, written, inserted):
    found, _ = asked(place, ODD.replace("HERE", written))
    assert [one.text for one in found] == inserted
    text, line, column = place(ODD.replace("HERE", written))
    lines = text.split("\n")
    for one in found:
        made = [*lines[:line], lines[line][: one.start] + one.text + lines[line][column:]]
        if "'a" in written:
            made[-1] = made[-1].removesuffix("}") + "]}"
        document = load(Source("net.yaml", "\n".join(made)), Report())
        bottom = document.entries["layers"].items[-1].entries["bottom"]
        assert [str(name.value).replace("$$", "$") for name in name_list(bottom)] == [one.label.replace("$$", "$")]


def test_names_of_blocks_and_parameters_are_quoted_too(place):
    text = "blocks: {'a: b': {params: {'c, d': 1}, layers: []}}\nlayers: [{block: @}]"
    assert [one.text for one in asked(place, text)[0]] == ["'a: b'"]
    text = "blocks: {a: {params: {'c, d': 1, e: 1}, layers: []}}\nlayers: [{block: a, @}]"
    assert [one.text for one in asked(place, text)[0]] == ["'c, d': ", "e: "]


def test_inside_a_repetition_names_are_as_written(offered):
    found, _ = offered(net(IN_LOOP="      - {name: p$i, type: Power}\n      - {name: q$i, type: Power, bottom: @}"))
    assert found == ["p$i", "ip", "data", "label"]


def test_inside_a_block_the_blocks_own(offered):
    found, _ = offered(net(IN_BLOCK="      - {name: x, type: Eltwise, bottom: [@"))
    assert found == ["conv$name", "$bottom"]


def test_outputs_take_every_blob_of_deploy(offered, place):
    assert offered(net(OUTPUT="@")) == (["last", *TOPS], "")
    found, _ = asked(place, PHASES.replace("bottom: @", "bottom: data").replace("deploy: {}", "deploy: {outputs: [@]}"))
    assert [(one.label, one.detail) for one in found] == [
        ("x", "TEST: 2x3"),
        ("prob", "1x3"),
        ("half", "TEST: 2x3"),
        ("data", "1x3"),
        ("label", "TEST: 2"),
    ]
    found, _ = asked(
        place, PHASES.replace("bottom: @", "bottom: data").replace("deploy: {}", "deploy: {outputs: [pr@]}")
    )
    assert ("prob", "1x3") in [(one.label, one.detail) for one in found]


@pytest.mark.parametrize(
    ("parts", "variables", "replaced"),
    [
        ({"BETWEEN": "  - {name: x, type: InnerProduct, num_output: $@"}, ["width", "deep"], ""),
        ({"BETWEEN": "  - {name: x$wi@, type: ReLU}"}, ["width", "deep"], "wi"),
        ({"BETWEEN": "  - {name: x, type: ReLU, num_output: '${2 * wi@}'}"}, ["width", "deep"], "wi"),
        ({"BETWEEN": "  - {name: x, type: ReLU, when: de@}"}, ["width", "deep"], "de"),
        ({"IN_LOOP": "      - {name: x$@"}, ["width", "deep", "i"], ""),
        ({"IN_BLOCK": "      - {name: x$@"}, ["width", "deep", "bottom", "name", "out"], ""),
    ],
)
def test_variables(offered, parts, variables, replaced):
    assert offered(net(**parts)) == (variables, replaced)


def test_two_dollars_are_none(offered):
    assert offered(net(BETWEEN="  - {name: x$$@, type: ReLU}")) == ([], None)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("  - {block: @", (["unit"], "")),
        ("  - block: u@", (["unit"], "u")),
        ("  - {block: unit, @}", (["name", "out"], "")),
        ("  - {block: unit, name: 1, o@}", (["out"], "o")),
        ("  - block: unit\n    @", (["name", "out"], "")),
        ("  - block: unit\n    out: 3\n    na@", (["name"], "na")),
        ("  - {block: none, @}", ([], None)),
        ("  - {name: x, @}", ([], None)),
        ("  - {name: @}", ([], None)),
    ],
)
def test_blocks_and_their_parameters(offered, written, found):
    assert offered(net(BETWEEN=written)) == found


def test_a_text_broken_elsewhere_is_completed_from_before(offered):
    broken = net(BETWEEN="  - {name: x, type: ReLU, bottom: @}", OUTPUT="]]")
    assert offered(broken, before=net()) == (TOPS, "")


@pytest.mark.parametrize(
    "text", ["@", "a: [@", "layers: @", "layers:\n  - @", "- bottom: @", "layers:\n  - {bottom: [[@"]
)
def test_what_is_hardly_a_spec_yet(offered, text):
    found, _ = offered(text)
    assert found == []


@pytest.mark.parametrize(
    ("text", "key", "start"),
    [
        ("a: b@", "a", 3),
        ("a: 'b c@", "a", 3),
        ("{a: b, c: d@", "c", 10),
        ("{a: b, c@", None, 7),
        ("{a: [b, {c: d}, e@", "a", 16),
        ("{a: {b: c}, d: @", "d", 15),
        ("{a: b} @", None, 7),
        ("a: b # it's\nc: d@", "c", 3),
        ("a: ${x:y} @", "a", 10),
        ("a: x:y@", "a", 3),
        ("  - {a: 1}\n  - {b: c@", "b", 8),
    ],
)
def test_what_is_being_typed(place, text, key, start):
    text, line, column = place(text)
    typed = typed_at(text.split("\n"), line, column)
    assert (typed.key, typed.start) == (key, start)
