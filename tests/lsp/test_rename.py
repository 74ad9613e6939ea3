"""Renaming layers and blobs: what is edited, and what is refused."""

from pathlib import Path

import pytest

from netcompile.compiler import Settings
from netcompile.load import read_source
from netcompile.lsp.model import Model
from netcompile.lsp.rename import RefusedError, apply, rename, subject_at, try_out

ROOT = Path(__file__).parents[2]

NET = """vars: {from: one, part: x}
blocks:
  unit:
    params: {name: ~, skip: ~}
    layers:
      - {name: $name, type: ReLU}
      - {name: sum$name, type: Eltwise, bottom: [$name, $skip]}
layers:
  - name: data
    type: Input
    top: [data, label]
    shape: {dim: [2, 3]}
    top_shapes: {data: [2, 3], label: [2, 3]}
  - {name: one, type: InnerProduct, num_output: 3, bottom: data}
  - {name: 'two', type: InnerProduct, num_output: 3}
  - {name: relu, type: ReLU, in_place: true}
  - {name: "three", type: Eltwise, bottom: ["two", one, $from]}
  - {name: three, type: ReLU, bottom: three, top: four, only: test}
  - {block: unit, name: five, skip: one, bottom: two}
  - {name: made_$part, type: Eltwise, bottom: [sumfive, five]}
  - {name: last, type: ReLU, bottom: made_x, train: {top: end}, test: {top: end}}
  - {name: loss, type: EuclideanLoss, bottom: [end, label], deploy: {type: ReLU, bottom: label}}
deploy: {outputs: [one, end], inputs: {data: [1, 3]}}
"""


def renamed(model, place, where, new, text=NET):
    text, line, column = place(text.replace(where.replace("@", ""), where, 1))
    of = model(text)
    edited = apply(of.lines, rename(of, line, column, new))
    before, after = text.split("\n"), edited.split("\n")
    return [new for old, new in zip(before, after, strict=True) if old != new]


@pytest.mark.parametrize(
    ("where", "new", "lines"),
    [
        # a layer whose top has its name: both, wherever they are written, also as a parameter or a variable
        (
            "- {name: o@ne,",
            "ip1",
            [
                "vars: {from: ip1, part: x}",
                "  - {name: ip1, type: InnerProduct, num_output: 3, bottom: data}",
                '  - {name: "three", type: Eltwise, bottom: ["two", ip1, $from]}',
                "  - {block: unit, name: five, skip: ip1, bottom: two}",
                "deploy: {outputs: [ip1, end], inputs: {data: [1, 3]}}",
            ],
        ),
        # quotes stay
        (
            'bottom: ["t@wo"',
            "it's",
            [
                "  - {name: 'it''s', type: InnerProduct, num_output: 3}",
                '  - {name: "three", type: Eltwise, bottom: ["it\'s", one, $from]}',
                "  - {block: unit, name: five, skip: one, bottom: 'it''s'}",
            ],
        ),
        # a layer alone
        ("- {name: re@lu,", "activation", ["  - {name: activation, type: ReLU, in_place: true}"]),
        (
            "- {name: la@st,",
            "end",
            ["  - {name: end, type: ReLU, bottom: made_x, train: {top: end}, test: {top: end}}"],
        ),
        # a blob alone: bottoms, tops, top_shapes, inputs, variants
        (
            "label@]\n    shape",
            "target",
            [
                "    top: [data, target]",
                "    top_shapes: {data: [2, 3], target: [2, 3]}",
                "  - {name: loss, type: EuclideanLoss, bottom: [end, target], deploy: {type: ReLU, bottom: target}}",
            ],
        ),
        (
            "{da@ta: [2, 3], label",
            "input",
            [
                "    top: [input, label]",
                "    top_shapes: {input: [2, 3], label: [2, 3]}",
                "  - {name: one, type: InnerProduct, num_output: 3, bottom: input}",
                "deploy: {outputs: [one, end], inputs: {input: [1, 3]}}",
            ],
        ),
        (
            "outputs: [one, e@nd]",
            "an end",
            [
                "  - {name: last, type: ReLU, bottom: made_x, train: {top: 'an end'}, test: {top: 'an end'}}",
                "  - {name: loss, type: EuclideanLoss, bottom: ['an end', label], deploy: {type: ReLU, bottom: label}}",
                "deploy: {outputs: [one, 'an end'], inputs: {data: [1, 3]}}",
            ],
        ),
        # what would be something else in YAML is quoted
        ("- {name: re@lu,", "true", ["  - {name: 'true', type: ReLU, in_place: true}"]),
        ("- {name: re@lu,", "1e3", ["  - {name: '1e3', type: ReLU, in_place: true}"]),
        ("- {name: re@lu,", "a, b", ["  - {name: 'a, b', type: ReLU, in_place: true}"]),
        ("- {name: re@lu,", "conv1/3x3", ["  - {name: conv1/3x3, type: ReLU, in_place: true}"]),
        ("- {name: re@lu,", "relu", []),
    ],
)
def test_edits(model, place, where, new, lines):
    assert renamed(model, place, where, new) == lines


@pytest.mark.parametrize(
    ("where", "new", "why"),
    [
        ("- {name: o@ne,", "loss", "'loss' is already the name of a layer (line 22)"),
        ("- {name: o@ne,", "label", "'label' is already a blob, made by 'data' (line 9)"),
        ("label@]\n    shape", "end", "'end' is already a blob, made by 'last' (line 21)"),
        ("- {name: o@ne,", "", "a name has at least one character"),
        ("- {name: o@ne,", " ", "a name has at least one character"),
        ("- {name: o@ne,", "a\nb", "no control characters"),
        ("- {name: o@ne,", "a$b", "a name with a '$'"),
        ("- {name: made@_$part", "x", "'made_$part' is put together from variables"),
        ("bottom: made@_x", "x", "'made_x' is put together from made_$part in line 20"),
        ("bottom: [sum@five", "x", "'sumfive' is put together from sum$name in line 7"),
        ("type: In@put", "x", "only layers and blobs can be renamed"),
        ("ty@pe: Input", "x", "only layers and blobs can be renamed"),
        ("[$name, $sk@ip]", "x", "'$skip' is put together from variables"),
        ("@layers:", "x", "only layers and blobs can be renamed"),
        # `sum$name` hangs on the name of the block's use, so that more than this name would change
        ("bottom: [sumfive, fi@ve]", "six", "would change more of the net than this name"),
    ],
)
def test_refusals(model, place, where, new, why):
    with pytest.raises(RefusedError, match=r".*") as refused:
        renamed(model, place, where, new)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("layers: [{name: @a", "mend it first"),
        ("blocks: {b: {layers: [{name: @a, type: ReLU}]}}", "this is a library"),
        ("layers: [{name: @~, type: ReLU}]", "there is no name here"),
        ("layers:\n  - name: >\n     @a\n    type: ReLU\n", "not written here as it is"),
    ],
)
def test_texts_in_which_nothing_is_renamed(model, place, text, why):
    text, line, column = place(text)
    with pytest.raises(RefusedError, match=why):
        subject_at(model(text), line, column)


LIBRARY = "blocks:\n  head:\n    layers:\n      - {name: loss, type: EuclideanLoss, bottom: [score, label]}\n"
USER = """imports: [lib.yaml]
layers:
  - {name: data, type: Input, top: [score, label], shape: {dim: [1]}}
  - {block: head}
"""


def test_a_name_that_a_library_has_too(model):
    with pytest.raises(RefusedError, match=r"'label' is also written in lib.yaml, line 4, a library"):
        rename(model(USER, lib=LIBRARY), 2, 43, "target")


def test_the_subject_is_the_word_without_its_quotes(model, place):
    text, line, column = place(NET.replace("'two'", "'t@wo'"))
    subject = subject_at(model(text), line, column)
    assert (subject.name, subject.layer, subject.blob) == ("two", True, True)
    assert text.split("\n")[line][subject.start : subject.end] == "two"


def test_anchors_and_aliases(model, place):
    text = "layers:\n  - {name: &a one, type: Input, shape: {dim: [1]}}\n  - {name: b, type: ReLU, bottom: *a}\n"
    assert renamed(model, place, "&a o@ne", "two", text) == ["  - {name: &a two, type: Input, shape: {dim: [1]}}"]


TWO = """vars: {where: data}
blocks:
  two:
    params: {name: ~, src: ~}
    layers:
      - {name: $name, type: ReLU, bottom: $src}
      - {name: tail/$name, type: ReLU}
  plain:
    params: {name: ~, src: ~}
    layers:
      - {name: $name, type: ReLU, bottom: $src}
layers:
  - {name: data, type: Input, shape: {dim: [2]}}
  - {block: plain, name: score, src: data}
  - repeat: {one: [first, second]}
    layers: [{name: $one, type: ReLU, bottom: $where}]
  - {block: two, name: stem, src: score}
  - {name: end, type: Eltwise, bottom: [score, second, tail/stem]}
  - {name: apart, type: ReLU, bottom: end, top: apart}
  - {name: last, type: Silence, bottom: [apart, first]}
"""


@pytest.mark.parametrize(
    ("where", "new", "lines"),
    [
        # the values that name something by way of a block, a repetition or a variable are names as well
        (
            "name: sc@ore, src: data",
            "ip",
            [
                "  - {block: plain, name: ip, src: data}",
                "  - {block: two, name: stem, src: ip}",
                "  - {name: end, type: Eltwise, bottom: [ip, second, tail/stem]}",
            ],
        ),
        (
            "src: sc@ore",
            "ip",
            [
                "  - {block: plain, name: ip, src: data}",
                "  - {block: two, name: stem, src: ip}",
                "  - {name: end, type: Eltwise, bottom: [ip, second, tail/stem]}",
            ],
        ),
        (
            "src: da@ta",
            "in",
            [
                "vars: {where: in}",
                "  - {name: in, type: Input, shape: {dim: [2]}}",
                "  - {block: plain, name: score, src: in}",
            ],
        ),
        (
            "where: da@ta",
            "in",
            [
                "vars: {where: in}",
                "  - {name: in, type: Input, shape: {dim: [2]}}",
                "  - {block: plain, name: score, src: in}",
            ],
        ),
        (
            "[first, seco@nd]",
            "other",
            [
                "  - repeat: {one: [first, other]}",
                "  - {name: end, type: Eltwise, bottom: [score, other, tail/stem]}",
            ],
        ),
        # where the top is written out, name and blob are two names
        ("- {name: ap@art", "new", ["  - {name: new, type: ReLU, bottom: end, top: apart}"]),
        (
            "top: ap@art",
            "new",
            [
                "  - {name: apart, type: ReLU, bottom: end, top: new}",
                "  - {name: last, type: Silence, bottom: [new, first]}",
            ],
        ),
    ],
)
def test_values_that_name_something(model, place, where, new, lines):
    assert renamed(model, place, where, new, TWO) == lines
    text, line, column = place(TWO.replace(where.replace("@", ""), where, 1))
    assert try_out(model(text), line, column).name in where.replace("@", "")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("name: st@em", "would change more of the net"),
        ("tail/st@em]", "'tail/stem' is put together from tail/$name in line 7; rename its parts"),
        ("dim: [@2]", "only layers and blobs can be renamed"),
        ("wh@ere: data", "only layers and blobs can be renamed"),
    ],
)
def test_what_can_not_be_renamed_is_refused_before_a_name_is_asked_for(model, place, where, why):
    text, line, column = place(TWO.replace(where.replace("@", ""), where, 1))
    with pytest.raises(RefusedError, match=r".*") as refused:
        try_out(model(text), line, column)
    assert why in str(refused.value)


def test_a_value_that_is_no_name_is_refused(model, place):
    text, line, column = place(TWO.replace("where: data", "where: data, more: da@ta"))
    with pytest.raises(RefusedError, match="'data' is not by itself the name of a layer or blob"):
        subject_at(model(text), line, column)


def test_layers_left_out_are_renamed_along(model, place):
    text = "layers:\n  - {name: one, type: Input, shape: {dim: [1]}}\n  - {name: b, type: ReLU, bottom: one, when: 0}\n"
    lines = ["  - {name: x, type: Input, shape: {dim: [1]}}", "  - {name: b, type: ReLU, bottom: x, when: 0}"]
    assert renamed(model, place, "{name: o@ne", "x", text) == lines


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml")), ids=lambda path: path.stem)
def test_every_name_in_the_zoo_is_renamed_or_refused(path):
    of = Model(read_source(str(path)), Settings())
    names = [one.spec.node.entries["name"] for one in of.instances if one.spec.use is None][:12]
    done = 0
    for name in names:
        try:
            edits = rename(of, name.start.line, name.start.column, "renamed_by_a_test")
        except RefusedError as error:
            assert str(error)  # noqa: PT017 - either is right
            continue
        edited = Model(type(of.source)(of.source.name, apply(of.lines, edits)), Settings())
        found = {one.spec.name for one in edited.instances}
        assert "renamed_by_a_test" in found
        assert len(edited.instances) == len(of.instances)
        done += 1
    assert done or not names
