"""Nets as figures, tables and drawings."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import netcompile
from netcompile.ir import Graph
from netcompile.terminal import width
from netcompile.views.dot import to_dot
from netcompile.views.net import measure, to_json
from netcompile.views.table import to_table

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }'
CONV = """
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""
SHARED = """
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param { num_output: 192 }
        param { name: "w" } param { name: "b" } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 192 }
        param { name: "w" } param { name: "b2" } }
layer { name: "ip3" type: "InnerProduct" bottom: "ip2" top: "ip3" inner_product_param { num_output: 192 }
        param { name: "w" } param { name: "b" } }
"""
UNKNOWN_DATA = 'layer { name: "data" type: "HDF5Data" top: "data" hdf5_data_param { source: "x" batch_size: 2 } }'


def graph(text: str, phase: str = "TRAIN", **options: Any) -> Graph:
    return netcompile.analyze(text, phase=phase, **options)


def phase_of(text: str, **options: Any) -> dict[str, Any]:
    shown = to_json("n", {"TRAIN": graph(text, **options)})
    phase: dict[str, Any] = json.loads(json.dumps(shown))["phases"]["TRAIN"]
    return phase


def test_json_of_a_small_net() -> None:
    shown = to_json("n", {"TRAIN": graph(INPUT + CONV)})
    assert json.loads(json.dumps(shown)) == {
        "name": "n",
        "phases": {
            "TRAIN": {
                "stages": [],
                "level": 0,
                "layers": [
                    {
                        "name": "data",
                        "type": "Input",
                        "bottoms": [],
                        "tops": ["data"],
                        "params": [],
                        "param_count": 0,
                        "macs": 0,
                    },
                    {
                        "name": "conv",
                        "type": "Convolution",
                        "bottoms": ["data"],
                        "tops": ["conv"],
                        "params": [[4, 3, 3, 3], [4]],
                        "param_count": 112,
                        "macs": 2 * 4 * 6 * 6 * 27,
                    },
                    {
                        "name": "relu",
                        "type": "ReLU",
                        "bottoms": ["conv"],
                        "tops": ["conv"],
                        "params": [],
                        "param_count": 0,
                        "macs": 0,
                    },
                ],
                "blobs": {"data": [2, 3, 8, 8], "conv": [2, 4, 6, 6]},
                "param_count": 112,
                "macs": 7776,
                "activation_bytes": 4 * (2 * 3 * 8 * 8 + 2 * 4 * 6 * 6),
            }
        },
    }


def test_state_is_told() -> None:
    phase = phase_of(INPUT, stages=("a", "b"), level=2)
    assert (phase["stages"], phase["level"]) == (["a", "b"], 2)


def test_shared_blobs_count_once_in_the_totals_and_fully_in_each_layer() -> None:
    phase = phase_of(INPUT + SHARED)
    assert [layer["param_count"] for layer in phase["layers"]] == [0, 37056, 37056, 37056]
    assert phase["param_count"] == 192 * 192 + 192 + 192


def test_what_is_unknown_is_null() -> None:
    phase = phase_of(UNKNOWN_DATA + CONV)
    data, conv, _ = phase["layers"]
    assert phase["blobs"]["data"] is None
    assert (data["param_count"], data["macs"]) == (0, 0)
    assert conv["macs"] is conv["param_count"] is None
    assert phase["param_count"] is phase["macs"] is phase["activation_bytes"] is None


def test_dims_are_unknown_one_by_one() -> None:
    phase = phase_of(UNKNOWN_DATA + CONV, top_shapes={"data": [2, 3, None, 8]})
    assert phase["blobs"] == {"data": [2, 3, None, 8], "conv": [2, 4, None, 6]}
    assert phase["param_count"] == 112
    assert phase["macs"] is phase["activation_bytes"] is None


def test_layer_of_unknown_type_has_unknown_params() -> None:
    text = (
        INPUT + 'layer { name: "mine" type: "Python" bottom: "data" top: "x" python_param { module: "m" layer: "L" } }'
    )
    phase = phase_of(text)
    assert phase["blobs"]["x"] is None
    assert phase["activation_bytes"] is None
    assert phase["layers"][1]["params"] == []


def test_scalar_has_one_element_and_an_input_without_shape_none() -> None:
    loss = """
    layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "data" bottom: "label" top: "loss" }
    """
    assert phase_of(INPUT + loss)["activation_bytes"] == 4 * (384 + 384 + 1)
    assert phase_of('layer { name: "a" type: "Input" top: "a" }')["activation_bytes"] == 0


def test_activations_of_layers_add_up_to_the_total() -> None:
    measured = measure(graph(INPUT + CONV))
    assert [figures.activation_bytes for figures in measured.layers] == [4 * 384, 4 * 288, 0]
    assert measured.total.activation_bytes == 4 * (384 + 288)


def test_table() -> None:
    assert (
        to_table("tiny", {"TRAIN": graph(INPUT + CONV), "TEST": graph(INPUT, "TEST", stages=("a", "b"), level=1)})
        == """\
tiny: TRAIN

layer     type         bottoms -> tops  tops' shapes  params' shapes  params   MACs    memory
---------------------------------------------------------------------------------------------
data      Input        -> data          2x3x8x8                                      1.50 KiB
conv      Convolution  data -> conv     2x4x6x6       4x3x3x3 + 4        112  7.78k  1.12 KiB
relu      ReLU         conv -> conv     2x4x6x6                                      in place
---------------------------------------------------------------------------------------------
3 layers                                                                 112  7.78k  2.62 KiB

tiny: TEST, level 1, stages a, b

layer    type   bottoms -> tops  tops' shapes  params' shapes  params  MACs    memory
-------------------------------------------------------------------------------------
data     Input  -> data          2x3x8x8                                     1.50 KiB
-------------------------------------------------------------------------------------
1 layer                                                             0     0  1.50 KiB
"""
    )


def test_table_of_unknown_figures() -> None:
    lines = to_table("", {"TRAIN": graph(UNKNOWN_DATA + CONV, top_shapes={"data": [2, None, 8, 8]})}).splitlines()
    assert lines[0] == "net without a name: TRAIN"
    conv = next(line for line in lines if line.startswith("conv"))
    assert " ".join(conv.split()) == "conv Convolution data -> conv 2x4x6x6 4x?x3x3 + 4 ? ? 1.12 KiB"
    assert " ".join(lines[-1].split()) == "3 layers ? ? ?"


def test_table_marks_shared_params() -> None:
    lines = to_table("n", {"TRAIN": graph(INPUT + SHARED)}).splitlines()
    ip1, ip2, ip3 = (next(line for line in lines if line.startswith(name)) for name in ("ip1", "ip2", "ip3"))
    assert "192x192 + 192  " in ip1
    assert "192x192 shared + 192  " in ip2
    assert "192x192 + 192 shared  " in ip3


def long_net(names: list[str]) -> Graph:
    """A chain of convolutions of 1x1, joined by a Concat at the end."""
    layers = [INPUT]
    bottom = "data"
    for name in names:
        layers.append(
            f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
            "convolution_param { num_output: 1024 kernel_size: 1 } }"
            f'layer {{ name: "{name}/relu" type: "ReLU" bottom: "{name}" top: "{name}" }}'
        )
        bottom = name
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    layers.append(f'layer {{ name: "all" type: "Concat" {bottoms} top: "all" }}')
    return graph("".join(layers))


def test_wide_table_fits_and_says_everything() -> None:
    names = [f"inception_{i}a/branch_{i}/3x3_reduce" for i in range(4)]
    table = to_table("n", {"TRAIN": long_net(names)})
    assert max(map(width, table.splitlines())) <= 120
    assert "bottoms -> other tops" in table
    assert "..." not in table
    assert all(name in table for name in names)
    assert table.count("1024x1024x1x1") == 3
    assert table.count("+ 1024") == 4


def test_names_too_long_for_any_table_lose_their_middle() -> None:
    names = [f"{'very' * 40}_long_{i}" for i in range(3)] + ["名" * 80]
    table = to_table("n", {"TRAIN": long_net(names)})
    assert max(map(width, table.splitlines())) <= 120
    assert "..." in table
    assert "long_1" in table


@pytest.mark.parametrize(
    ("macs", "shown"), [(999, "999"), (1000, "1.00k"), (9_996, "10.0k"), (99_960, "100k"), (999_600, "1.00M")]
)
def test_figures_have_three_digits(macs: int, shown: str) -> None:
    text = f"""
    layer {{ name: "d" type: "Input" top: "d" input_param {{ shape {{ dim: 1 dim: {macs} }} }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "d" top: "ip" inner_product_param {{ num_output: 1 }} }}
    """
    assert to_table("n", {"TRAIN": graph(text)}).splitlines()[-1].split()[3] == shown


def test_no_control_character_gets_out() -> None:
    text = 'layer { name: "a\\033[2J\\n" type: "Input" top: "b\\r" input_param { shape { dim: 1 } } }'
    graphs = {"TRAIN": graph(text)}
    for shown in (to_table("n\x1b\n", graphs), to_dot("n\x1b\n", graphs)):
        assert all(character == "\n" or character.isprintable() for character in shown)
    assert "a\\x1b[2J\\n" in to_table("n", graphs)


def test_drawing() -> None:
    assert (
        to_dot("tiny", {"TRAIN": graph(INPUT + CONV)})
        == """\
digraph "tiny" {
  graph [fontname="Helvetica", labeljust=l];
  node [fontname="Helvetica", fontsize=11, shape=box, style="filled,rounded"];
  edge [fontname="Helvetica", fontsize=9, arrowsize=0.7];
  subgraph cluster_0 {
    label="tiny: TRAIN"; color="#1f5fa8"; fontcolor="#1f5fa8";
    node [color="#1f5fa8"]; edge [color="#1f5fa8"];
    t0_n0 [label="data: Input", fillcolor="#dcdcdc"];
    t0_n1 [label="conv: Convolution\\nrelu: ReLU", fillcolor="#f9dcc4"];
    t0_n0 -> t0_n1 [label="2x3x8x8"];
    t0_out0 [shape=plaintext, style=solid, label="conv\\n2x4x6x6"];
    t0_n1 -> t0_out0;
  }
}
"""
    )


def test_drawing_escapes_quotes_and_backslashes() -> None:
    name = r"a\"b\\N"  # in prototxt: a"b\N
    text = f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: 1 }} }} }}'
    assert r'[label="a\"b\\N: Input"' in to_dot('n"\\', {"TRAIN": graph(text)})


def test_drawing_dashes_layers_with_rules_and_names_blobs_that_differ_from_their_maker() -> None:
    text = f"""
    {INPUT}
    layer {{ name: "s" type: "Slice" bottom: "data" top: "x" top: "y" }}
    layer {{ name: "r" type: "ReLU" bottom: "x" top: "x" include {{ phase: TRAIN }} }}
    layer {{ name: "sum" type: "Eltwise" bottom: "x" bottom: "y" top: "sum" }}
    """
    text = text.replace('top: "y" }', 'top: "y" slice_param { axis: 0 } }')
    drawing = to_dot("n", {"TRAIN": graph(text)})
    lines = [line.strip() for line in drawing.splitlines()]
    assert 't0_n2 [label="r: ReLU", fillcolor="#ffffff", style="filled,rounded,dashed"];' in lines
    assert 't0_n1 -> t0_n2 [label="x\\n1x3x8x8"];' in lines
    assert 't0_n2 -> t0_n3 [label="x\\n1x3x8x8"];' in lines
    assert 't0_n1 -> t0_n3 [label="y\\n1x3x8x8"];' in lines
    assert sum("_out" in line for line in lines) == 2  # the end of `sum`, and the edge to it


def test_targets_are_drawn_apart() -> None:
    shown = graph(INPUT + CONV)
    drawing = to_dot("n", {"TRAIN": shown, "TEST": shown, "DEPLOY": shown})
    assert re.findall(r'label="(n: \w+)"', drawing) == ["n: TRAIN", "n: TEST", "n: DEPLOY"]
    boxes = re.findall(r"^ +(\w+) \[", drawing, re.MULTILINE)
    assert len({box for box in boxes if box.startswith("t")}) == 9


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
def test_graphviz_reads_the_drawing() -> None:
    name = r"a\"b\\N\n<b>"
    text = f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: 1 }} }} }}'
    drawing = to_dot('n"\\', {"TRAIN": graph(text + INPUT + CONV), "TEST": graph(INPUT, "TEST")})
    done = subprocess.run(["dot", "-Tplain"], input=drawing, capture_output=True, text=True, check=True)  # noqa: S607
    assert done.stderr == ""
    assert len(re.findall("^node ", done.stdout, re.MULTILINE)) == 7


def test_a_chain_deeper_than_the_stack() -> None:
    names = [f"r{i}" for i in range(5_000)]
    relus = "".join(
        f'layer {{ name: "{name}" type: "ReLU" bottom: "{before}" top: "{name}" }}\n'
        for before, name in zip(["data", *names], names, strict=False)
    )
    graphs = {"TRAIN": graph(INPUT + relus)}
    assert len(to_json("n", graphs)["phases"]["TRAIN"]["layers"]) == 5_001
    assert to_table("n", graphs).count("\n") == 5_007
    assert to_dot("n", graphs).count("->") == 5_001


def test_documented_table_is_what_show_prints() -> None:
    root = Path(__file__).parents[1]
    compiled = netcompile.compile(root / "specs/srcnn.yaml")
    table = to_table(compiled.net.name, {"TRAIN": compiled.graphs["TRAIN"]})
    assert f"```\n$ netcompile show specs/srcnn.yaml --phase train\n{table}```\n" in (root / "docs/show.md").read_text(
        encoding="utf-8"
    )
