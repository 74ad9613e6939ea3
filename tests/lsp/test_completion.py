"""What can be typed: blobs in scope, variables, blocks and their parameters."""

import pytest

from netcompile.compiler import Settings
from netcompile.lsp.completion import completions
from netcompile.lsp.scan import typed_at
from netcompile.lsp.session import Text

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
    """What is offered at the mark, and the text from there to it that it replaces."""

    def completing(text, before=None):
        text, line, column = place(text)
        opened = Text("net.yaml", text if before is None else before, Settings())
        if before is not None:
            assert opened.model.document is not None
            opened.update(text)
        found = completions(*opened.without(line), opened.lines, line, column)
        replaced = {opened.lines[line][one.start : column] for one in found}
        return [one.text for one in found], replaced.pop() if replaced else None

    return completing


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
    text, line, column = place(net(BETWEEN="  - {name: x, type: ReLU, bottom: @}"))
    found = completions(*Text("net.yaml", text, Settings()).without(line), text.split("\n"), line, column)
    assert [(one.text, one.detail) for one in found][2:4] == [("ip", "1x4"), ("data", "1x3x9x9, 1x3x9x9")]


def test_inside_a_repetition_names_are_as_written(offered):
    found, _ = offered(net(IN_LOOP="      - {name: p$i, type: Power}\n      - {name: q$i, type: Power, bottom: @}"))
    assert found == ["p$i", "ip", "data", "label"]


def test_inside_a_block_the_blocks_own(offered):
    found, _ = offered(net(IN_BLOCK="      - {name: x, type: Eltwise, bottom: [@"))
    assert found == ["conv$name", "$bottom"]


def test_outputs_take_every_blob(offered):
    assert offered(net(OUTPUT="@")) == (["last", *TOPS], "")


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
        ("  - {block: unit, @}", (["name: ", "out: "], "")),
        ("  - {block: unit, name: 1, o@}", (["out: "], "o")),
        ("  - block: unit\n    @", (["name: ", "out: "], "")),
        ("  - block: unit\n    out: 3\n    na@", (["name: "], "na")),
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
