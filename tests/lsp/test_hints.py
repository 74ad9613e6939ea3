"""Inlay hints: shapes behind layers and block uses."""

from pathlib import Path

import pytest

from netcompile.compiler import Settings
from netcompile.load import read_source
from netcompile.lsp.hints import hints
from netcompile.lsp.model import Model

ROOT = Path(__file__).parents[2]

INPUT = "layers:\n  - {name: data, type: Input, shape: {dim: [2, 3, 8, 8]}}\n"
PHASES = """layers:
  - name: data
    type: HDF5Data
    top: [data, label]
    top_shapes: {data: [batch, 1, 9, 9], label: [batch]}
    train: {source: a, batch_size: 8}
    test: {source: b, batch_size: 2}
  - {name: conv, type: Convolution, num_output: 4, kernel_size: 2}
  - {name: loss, type: EuclideanLoss, bottom: [conv, conv]}
"""


def texts(model):
    return {hint.line: hint.text for hint in hints(model, 0, len(model.lines))}


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ("{name: a, type: Convolution, num_output: 5, kernel_size: 3}", "2x5x6x6"),
        ("{name: a, type: ReLU, in_place: true}", "2x3x8x8"),
        ("{name: a, type: Slice, top: [b, c, d]}", "2x1x8x8, 2x1x8x8, 2x1x8x8"),
        ("{name: a, type: Reduction}", "scalar"),
        ("{name: a, type: Python, module: m, layer: L, bottom: data}", "?"),
        ("{name: a, type: ReLU, include: TEST}", "TEST: 2x3x8x8"),
        ("{name: a, type: Pooling, train: {kernel_size: 2}, test: {kernel_size: 3}}", "2x3x7x7 | 2x3x6x6"),
        ("{name: a, type: Pooling, only: deploy}", None),
        ("{name: a, type: Silence}", None),
        ("{name: a, type: Convolution, num_output: 5, kernel_size: 9}", "?"),
        ("{name: a, type: Convolution, num_output: 5, kernel_size: x}", "?"),
        ("{name: a, type: Convolution, num_output: 5, bottom: nowhere, kernel_size: 3}", "?"),
        ("{name: a}", "?"),
        ("{}", "?"),
        ("nothing", None),
    ],
)
def test_of_a_layer(model, layer, text):
    assert texts(model(f"{INPUT}  - {layer}\n")).get(2) == text


def test_phases_are_told_apart_where_they_differ(model):
    found = texts(model(PHASES))
    assert found == {1: "8x1x9x9, 8 | 2x1x9x9, 2", 7: "8x4x8x8 | 2x4x8x8", 8: "scalar"}


def test_a_phase_without_data_goes_without_saying(model):
    text = PHASES.replace("    test: {source: b, batch_size: 2}\n", "    test: false\n")
    found = texts(model(text.replace("type: Convolution,", "type: Convolution, bottom: data,")))
    assert found == {1: "8x1x9x9, 8", 7: "8x4x8x8", 8: "scalar"}


def test_a_hint_stands_at_the_end_of_the_first_line_of_its_layer(model):
    of = model(PHASES)
    assert [(hint.line, hint.column) for hint in hints(of, 1, 1)] == [(1, len("  - name: data"))]


def test_the_tooltip_names_tops_and_phases(model):
    (hint,) = hints(model(PHASES), 1, 1)
    assert hint.tooltip == "data: TRAIN data 8x1x9x9, label 8; TEST data 2x1x9x9, label 2"


def test_only_the_lines_that_are_asked_for(model):
    assert [hint.line for hint in hints(model(PHASES), 2, 7)] == [7]


BLOCKS = f"""blocks:
  unit:
    params: {{name: ~, out: ~}}
    layers:
      - {{name: conv$name, type: Convolution, num_output: $out, kernel_size: 3}}
      - {{name: relu$name, type: ReLU, in_place: true}}
{INPUT}  - {{block: unit, name: 1, out: 4}}
  - repeat: {{i: [2, 3]}}
    layers:
      - {{block: unit, name: $i, out: 6}}
      - {{name: pool$i, type: Pooling, kernel_size: 1}}
"""


def test_blocks_and_repetitions(model):
    found = texts(model(BLOCKS))
    assert found[4] == found[5] == "2x4x6x6 … 2x6x2x2"
    assert found[8] == "conv1 2x4x6x6"
    assert found[11] == "conv3 2x6x2x2"
    assert found[12] == "2x6x4x4 … 2x6x2x2"


def test_a_block_of_a_library(model):
    library, _, rest = BLOCKS.partition("layers:\n  - {name: data")
    found = texts(model(f"imports: [lib.yaml]\nlayers:\n  - {{name: data{rest}", lib=library))
    assert found == {2: "2x3x8x8", 3: "conv1 2x4x6x6", 6: "conv3 2x6x2x2", 7: "2x6x4x4 … 2x6x2x2"}


def test_losses_and_accuracies_do_not_stand_for_a_block(model):
    head = """blocks:
  head:
    layers:
      - {name: fc, type: InnerProduct, num_output: 5}
      - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
"""
    data = "layers:\n  - {name: data, type: Input, top: [data, label], shape: [{dim: [2, 3]}, {dim: [2]}]}\n"
    flat = "  - {name: flat, type: Flatten, bottom: data}\n  - {block: head}\n"
    assert texts(model(head + data + flat))[8] == "fc 2x5"


@pytest.mark.parametrize("text", ["", "a: [", "- a", "vars: {a: 1}\n", "layers: 3\n", "layers: [[], ~, 1]\n"])
def test_nothing_to_hint_at(model, text):
    assert hints(model(text), 0, 10) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml")), ids=lambda path: path.stem)
def test_every_layer_of_the_zoo_has_its_shapes(path):
    of = Model(read_source(str(path)), Settings())
    found = hints(of, 0, len(of.lines))
    assert found
    assert not [hint for hint in found if hint.text in ("?", "")]
