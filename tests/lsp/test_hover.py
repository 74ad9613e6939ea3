"""What is shown of the word under the pointer."""

import pytest

from netcompile.lsp.hover import hover

NET = """name: net
vars: {size: 3, more: ~}
defaults:
  Pooling: {kernel_size: 1}
blocks:
  unit:
    params: {name: ~, out: 4}
    layers:
      - {name: conv$name, type: Convolution, num_output: $out, kernel_size: $size}
      - {name: relu$name, type: ReLU, in_place: true}
layers:
  - name: data
    type: HDF5Data
    top: [data, label]
    top_shapes: {data: [batch, 1, 9, 9], label: [batch]}
    train: {source: a, batch_size: 8}
    test: {source: b, batch_size: 2}
  - {block: unit, name: 1}
  - {name: pool, type: Pooling, bottom: conv1, when: size > 2}
  - repeat: {i: {from: 1, to: 2}}
    layers:
      - {name: ip$i, type: InnerProduct, num_output: 5, bottom: pool}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip1, label], top: cost}
deploy: {outputs: [ip2]}
solver: {base_lr: 1}
"""


@pytest.mark.parametrize(
    ("line", "found", "words"),
    [
        # blobs: shapes per phase, makers and readers
        ("- {name: pool, type: Pooling, bottom: con@v1", "conv1", ["TRAIN **8x4x7x7**", "TEST **2x4x7x7**"]),
        ("- {name: pool, type: Pooling, bottom: con@v1", "conv1", ["made by `conv1` (line 9, used in line 18)"]),
        ("- {name: pool, type: Pooling, bottom: con@v1", "conv1", ["changed in place by `relu1` (line 10"]),
        ("- {name: pool, type: Pooling, bottom: con@v1", "conv1", ["read by `pool` (line 19)"]),
        (
            "bottom: [ip1, lab@el]",
            "label",
            ["TRAIN **8**", "TEST **2**", "made by `data` (line 12)", "`loss` (line 23)"],
        ),
        ("top: [@data, label]", "data", ["deploy **1x1x9x9**", "read by `conv1` (line 9, used in line 18)"]),
        ("label: [bat", None, []),
        ("{data: [batch, 1, 9, 9], lab@el:", "label", ["TRAIN **8**"]),
        ("top: co@st", "cost", ["**scalar** in TRAIN, TEST", "made by `loss`"]),
        ("outputs: [i@p2]", "ip2", ["made by `ip2` (line 22, used in line 20)"]),
        ("num_output: 5, bottom: po@ol", "pool", ["read by `ip1`", "`ip2`"]),
        # layers
        (
            "- {name: po@ol",
            "pool",
            ["layer `pool`, Pooling", "TRAIN conv1 8x4x7x7 → pool **8x4x7x7**", "read by `ip1`"],
        ),
        (
            "- {name: i@p$i",
            "ip$i",
            ["layer `ip1`", "parameters 5x196, 5 = 985, 7,840 multiply-accumulates", "layer `ip2`"],
        ),
        ("- name: da@ta", "data", ["TEST data **2x1x9x9**, label **2**"]),
        ("- {name: co@nv$name", "conv$name", ["layer `conv1`", "parameters 4x1x3x3, 4 = 40"]),
        # types, fields, variables, blocks
        ("type: HDF5@Data", "HDF5Data", ["**HDF5Data**", "Reads HDF5 files", "`hdf5_data_param`"]),
        ("  Pool@ing: {", "Pooling", ["**Pooling**", "each window of the plane"]),
        ("kernel@_size: 1}", "kernel_size", ["**kernel_size**"]),
        ("train: {sou@rce: a", "source", ["lists HDF5 files"]),
        ("top@_shapes:", "top_shapes", ["no rule derives"]),
        ("va@rs: {", "vars", ["Variables for $name"]),
        ("solver: {base@_lr", "base_lr", ["Learning rate at the start"]),
        ("na@me: net", "name", ["Name of the net"]),
        ("vars: {si@ze", "size", ["`$size` = `3`"]),
        ("more: ~", None, []),
        ("size: 3, mo@re", "more", ["required", "--set more=VALUE"]),
        ("kernel_size: $si@ze}", "size", ["`$size` = `3`", "variable, line 2"]),
        ("num_output: $o@ut", "out", ["`$out` = `4`", "parameter of block 'unit', line 7"]),
        ("num_output: @$out", "out", ["`$out` = `4`"]),
        ("when: si@ze > 2", "size", ["`$size` = `3`"]),
        ("- {name: ip$@i", "i", ["variable of a repetition, line 20"]),
        ("repeat: {@i:", "i", ["`$i` runs over `{from: 1, to: 2}`"]),
        ("- {block: un@it", "unit", ["block `unit`, line 6", "`name`, `out: 4`"]),
        ("  un@it:", "unit", ["parameters: `name`, `out: 4`"]),
        ("- {block: unit, na@me: 1}", "name", ["parameter of block `unit`, required"]),
        ("params: {name: ~, o@ut", "out", ["parameter of block `unit`; default `4`"]),
        # values that name something elsewhere, or not
        ("- {block: unit, name: @1}", "1", ["`name`, parameter of block `unit`, required"]),
        ("size: @3", None, []),
    ],
)
def test_words(model, place, line, found, words):
    text, number, column = place(NET.replace(line.replace("@", ""), line, 1))
    if "@" not in line:
        return
    shown = hover(model(text), number, column)
    if found is None:
        assert shown is None
        return
    assert text.split("\n")[number][shown.start : shown.end] == found
    for word in words:
        assert word in shown.text


@pytest.mark.parametrize("line", ["@name: net", "batch_size: @8", "type: Convolution, num_output: 1@"])
def test_some_say_nothing_or_little(model, place, line):
    text, number, column = place(NET.replace(line.replace("@", ""), line, 1))
    shown = hover(model(text), number, column)
    assert shown is None or shown.line == number


def test_values_that_name_something(model, place):
    text = """blocks:
  plain:
    params: {name: ~, src: ~}
    layers: [{name: $name, type: ReLU, bottom: $src}]
layers:
  - {name: data, type: Input, shape: {dim: [2]}}
  - {block: plain, name: score, src: data}
"""
    of, line, column = place(text.replace("name: score", "name: sc@ore"))
    shown = hover(model(of), line, column).text
    assert "`name`, parameter of block `plain`, required" in shown
    assert "layer `score`, ReLU" in shown
    of, line, column = place(text.replace("src: data", "src: da@ta"))
    shown = hover(model(of), line, column).text
    assert "`src`, parameter of block `plain`, required" in shown
    assert "blob `data`" in shown


def test_a_library_is_named_with_its_line(model):
    library = "blocks:\n  b:\n    layers:\n      - {name: one, type: ReLU}\n"
    text = "imports: [lib.yaml]\nlayers:\n  - {name: data, type: Input, shape: {dim: [1]}}\n  - {block: b}\n"
    of = model(text + "  - {name: two, type: ReLU, bottom: one}\n", lib=library)
    assert "made by `one` (lib.yaml, line 4, used in line 4)" in hover(of, 4, 37).text
    assert "block `b`, lib.yaml, line 2" in hover(of, 3, 13).text


def test_a_blob_that_nobody_makes(model):
    of = model("layers:\n  - {name: a, type: ReLU, bottom: nowhere}\n")
    assert hover(of, 1, 36).text == "blob `nowhere`: no layer makes it"


@pytest.mark.parametrize("text", ["", "a: [", "layers: 3", "vars: {a: $a}", "layers: [{block: b, c: 1}, {repeat: 2}]"])
def test_what_is_unfinished_does_no_harm(model, text):
    for column in range(len(text) + 1):
        found = hover(model(text), 0, column)
        assert found is None or found.text
