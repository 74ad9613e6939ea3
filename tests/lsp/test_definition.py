"""Where things come from."""

import os

import pytest

from netcompile.lsp.definition import definitions

LIBRARY = """vars: {width: 8}
blocks:
  shared:
    params: {unit: ~}
    layers:
      - {name: far$unit, type: ReLU}
"""
NET = """imports: [lib.yaml]
vars: {size: 3}
blocks:
  unit:
    params: {name: ~}
    layers:
      - {name: conv$name, type: Convolution, num_output: $width, kernel_size: $size, bottom: $bottom}
      - {name: relu$name, type: ReLU, in_place: true}
layers:
  - {name: data, type: Input, top: [data, label], shape: {dim: [1, 3, 8, 8]}}
  - {block: unit, name: 1, bottom: data}
  - {block: shared, unit: 2}
  - {name: join, type: Eltwise, bottom: [conv1, far2], when: size > 2}
  - repeat: {i: [1, 2]}
    layers: [{name: p$i, type: Power, bottom: join}, {name: q$i, type: Power, bottom: p$i}]
  - {name: t, type: Power, bottom: label, only: train}
  - {name: x, type: Power, top: either, only: train}
  - {name: x, type: Power, top: either, only: test}
  - {name: y, type: Power, bottom: either}
deploy: {outputs: [q2]}
"""


def written(span):
    """A place as its file, its line and what stands there."""
    text = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    return f"{os.path.basename(span.source.name)}:{span.line}:{text}"


@pytest.mark.parametrize(
    ("line", "leads_to"),
    [
        ("bottom: [con@v1, far2]", ["net.yaml:7:conv$name"]),
        ("bottom: [conv1, fa@r2]", ["lib.yaml:6:far$unit"]),
        ("bottom: jo@in}, {", ["net.yaml:13:join"]),
        ("bottom: @p$i", ["net.yaml:15:p$i"]),
        ("bottom: lab@el, only", ["net.yaml:10:label"]),
        ("bottom: eith@er}", ["net.yaml:17:either", "net.yaml:18:either"]),
        ("name: 1, bottom: da@ta}", ["net.yaml:10:data"]),
        ("outputs: [q@2]", ["net.yaml:15:q$i"]),
        ("block: un@it", ["net.yaml:4:unit"]),
        ("block: shar@ed", ["lib.yaml:3:shared"]),
        ("shared, un@it: 2", ["lib.yaml:4:unit"]),
        ("kernel_size: $si@ze", ["net.yaml:2:size"]),
        ("num_output: $wi@dth", ["lib.yaml:1:width"]),
        ("name: conv$na@me", ["net.yaml:5:name"]),
        ("when: si@ze > 2", ["net.yaml:2:size"]),
        ("{name: p$@i", ["net.yaml:14:i"]),
        ("bottom: $bott@om", ["net.yaml:10:data"]),
        ("imports: [li@b.yaml]", ["lib.yaml:1:"]),
        ("kernel@_size: $size", []),
        ("type: In@put", []),
        ("si@ze: 3", []),
    ],
)
def test_places(model, place, line, leads_to):
    text, number, column = place(NET.replace(line.replace("@", ""), line, 1))
    found = definitions(model(text, lib=LIBRARY), number, column)
    assert [written(span) for span in found] == leads_to


VALUES = """vars: {where: data, other: 3}
blocks:
  plain:
    params: {name: ~, src: ~}
    layers: [{name: $name, type: ReLU, bottom: $src}]
layers:
  - {name: data, type: Input, shape: {dim: [2]}}
  - {block: plain, name: score, src: data}
  - {name: last, type: ReLU, bottom: $where}
"""


@pytest.mark.parametrize(
    ("line", "leads_to"),
    [
        ("name: score, src: da@ta", ["net.yaml:7:data"]),
        ("name: sc@ore, src: data", ["net.yaml:8:score"]),
        ("where: da@ta", ["net.yaml:7:data"]),
        ("other: @3", []),
        ("plain, na@me: score", ["net.yaml:4:name"]),
    ],
)
def test_values_that_name_something(model, place, line, leads_to):
    text, number, column = place(VALUES.replace(line.replace("@", ""), line, 1))
    assert [written(span) for span in definitions(model(text), number, column)] == leads_to


def test_a_value_that_names_nothing_leads_to_its_parameter(model, place):
    text, number, column = place(VALUES.replace("name: $name", "name: x$name").replace("name: score", "name: sc@ore"))
    assert [written(span) for span in definitions(model(text), number, column)] == ["net.yaml:4:name"]


@pytest.mark.parametrize("text", ["", "a: [", "imports: [none.yaml]", "layers: [{block: b}, {name: $x, bottom: y}]"])
def test_what_is_unfinished_leads_nowhere(model, text):
    assert all(definitions(model(text), 0, column) == [] for column in range(len(text) + 1))
