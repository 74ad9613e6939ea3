"""Specs for a fork: its fields are keys, its types are known, and what comes out is in its messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format
from jsonschema import Draft7Validator

import netcompile
from netcompile.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from netcompile.diagnostics import Diagnostic
    from netcompile.forks.read import Fork

SPEC = """
name: forked
vars: {bits: 8}
defaults:
  Convolution: {weight_filler: xavier, weight_bits: $bits}
  ShuffleChannel: {shuffle_channel_param: {seed: 3}}
layers:
- {name: data, type: Input, shape: {dim: [2, 8, 9, 9]}}
- {name: conv, type: Convolution, num_output: 8, kernel_size: 3, tag: wide}
- {name: block, type: Convolution, convolution_param: {num_output: 8, kernel_size: 3, weight_bits: 4, group: 1}}
- {name: shuffle, type: ShuffleChannel, bottom: block, shuffle_channel_param: {group: 4, order: ROWS, lrn: {depth: 1}},
   top_shapes: [2, 8, 5, 5]}
- {name: zoom, type: Zoom, bottom: shuffle, rescale_param: {factor: 2}}
- {name: ip, type: InnerProduct, num_output: 3, bottom: shuffle}
- {name: label, type: Input, shape: {dim: 2}, only: [train, test]}
- {name: loss, type: SoftmaxWithLoss, bottom: [ip, label], normalization: FIXED}
deploy: {}
solver: {base_lr: 0.1, lr_policy: fixed, max_iter: 9, plateau: 4, snapshot_prefix: x}
"""


def compile_text(text: str, module: str | None, folder: Path) -> netcompile.Compiled:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return netcompile.compile(path, caffe_pb2=module)


def refused(text: str, module: str | None, folder: Path) -> list[Diagnostic]:
    with pytest.raises(netcompile.CompileError) as error:
        compile_text(text, module, folder)
    return [found for found in error.value.diagnostics if found.severity == "error"]


def layer_spec(line: str) -> str:
    return f"layers:\n- {{name: data, type: Input, shape: {{dim: [2, 8, 9, 9]}}}}\n- {line}\n"


def test_the_fork_s_fields_reach_its_messages(module: str, fork: Fork, tmp_path: Path) -> None:
    compiled = compile_text(SPEC, module, tmp_path)
    assert isinstance(compiled.net, fork.NetParameter)
    assert isinstance(compiled.deploy, fork.NetParameter)
    layers = {layer.name: layer for layer in compiled.net.layer}
    assert (layers["conv"].convolution_param.weight_bits, layers["conv"].tag) == (8, "wide")
    assert layers["block"].convolution_param.weight_bits == 4
    shuffle = layers["shuffle"].shuffle_channel_param
    assert (shuffle.group, list(shuffle.seed), list(shuffle.order), shuffle.lrn.depth) == (4, [3], [1], 1)
    assert layers["zoom"].rescale_param.factor == 2
    assert layers["loss"].loss_param.normalization == 9
    assert (compiled.solver.plateau, compiled.solver.net) == (4, "spec.prototxt")
    text = compiled.prototxt("net")
    assert "weight_bits: 8" in text
    assert "order: ROWS" in text
    assert text_format.Parse(text, fork.NetParameter()) == compiled.net
    assert fork.NetParameter.FromString(compiled.net.SerializeToString()) == compiled.net


def test_the_deploy_net_has_them_too(module: str, tmp_path: Path) -> None:
    compiled = compile_text(SPEC, module, tmp_path)
    assert [layer.type for layer in compiled.deploy.layer] == [
        "Input", "Convolution", "Convolution", "ShuffleChannel", "InnerProduct", "Softmax",
    ]  # fmt: skip
    assert compiled.deploy.layer[1].convolution_param.weight_bits == 8
    assert not compiled.deploy.layer[1].convolution_param.HasField("weight_filler")


def test_graphs_have_the_shapes_that_the_fork_makes(module: str, tmp_path: Path) -> None:
    graph = compile_text(SPEC, module, tmp_path).graphs["TRAIN"]
    assert graph.blobs["conv"] == (2, 8, 7, 7)
    assert graph.blobs["shuffle"] == (2, 8, 5, 5)
    assert graph.blobs["zoom"] is None
    assert graph.params["ip"] == [(3, 200), (3,)]


def test_what_a_spec_leaves_out_means_what_it_means_in_caffe(module: str, tmp_path: Path) -> None:
    """The fork has other defaults: they are written out, given or not, and only they."""
    compiled = compile_text(SPEC, module, tmp_path)
    convolution = compiled.net.layer[1].convolution_param
    assert convolution.HasField("group")
    assert convolution.group == 1
    assert not convolution.HasField("bias_term")
    assert compiled.graphs["TRAIN"].params["conv"][0] == (8, 8, 3, 3)
    data = "layers:\n- {name: data, type: Data, top: [d], source: x, batch_size: 2}"
    written = compile_text(data, module, tmp_path).net.layer[0].data_param
    assert written.HasField("prefetch")
    assert written.prefetch == 4


def test_a_default_that_caffe_tells_from_a_value_is_not_written_out(module: str, tmp_path: Path) -> None:
    loss = compile_text(SPEC, module, tmp_path).net.layer[-1].loss_param
    assert loss.HasField("normalization")
    assert not loss.HasField("normalize")


WRONG = {
    "dilation: 2": ("unknown-field", "Convolution has no field 'dilation'"),
    "convolution_param: {dilation: 2}": ("unknown-field", "convolution_param has no field 'dilation'"),
    "weight_bits: many": ("wrong-kind", "weight_bits is 'many' (a string); it takes an integer"),
    "kernel_size: [3, 3]": ("wrong-kind", "kernel_size is a list; it takes an integer"),
    "weight_bitts: 8": ("unknown-field", "Convolution has no field 'weight_bitts'"),
    "rescale_param: {factr: 1}": ("unknown-field", "rescale_param has no field 'factr'"),
}


@pytest.mark.parametrize("key", WRONG)
def test_keys_are_those_of_the_fork(key: str, module: str, tmp_path: Path) -> None:
    size = "" if "kernel_size" in key else "kernel_size: 3, "
    (found,) = refused(layer_spec(f"{{name: c, type: Convolution, num_output: 8, {size}{key}}}"), module, tmp_path)
    assert (found.code, found.message) == WRONG[key]


def test_a_repeated_enum_takes_one_word_or_several(module: str, tmp_path: Path) -> None:
    for order, numbers in {"ROWS": [1], "[ROWS, BLOCKS]": [1, 0]}.items():
        line = f"{{name: s, type: ShuffleChannel, bottom: data, shuffle_channel_param: {{order: {order}}}}}"
        layer = compile_text(layer_spec(line), module, tmp_path).net.layer[1]
        assert list(layer.shuffle_channel_param.order) == numbers
    (found,) = refused(layer_spec(line.replace("BLOCKS", "COLUMNS")), module, tmp_path)
    assert found.code == "unknown-enum-value"


def test_a_key_with_a_variable_is_checked_against_the_fork_after_it_is_replaced(module: str, tmp_path: Path) -> None:
    text = "vars: {bits: many}\n" + layer_spec(
        "{name: c, type: Convolution, num_output: 8, kernel_size: 3, weight_bits: $bits}"
    )
    (found,) = refused(text, module, tmp_path)
    assert (found.code, found.span.line) == ("wrong-kind", 1)


def test_a_type_that_the_fork_lacks_is_unknown(module: str, tmp_path: Path) -> None:
    line = "{name: c, type: Clip, bottom: data, clip_param: {min: 0, max: 1}}"
    assert [found.code for found in refused(layer_spec(line), module, tmp_path)] == ["unknown-type"]
    assert compile_text(layer_spec(line), None, tmp_path).net.layer[1].clip_param.max == 1


def test_without_the_fork_each_of_its_keys_and_types_is_a_finding(tmp_path: Path) -> None:
    text = SPEC.replace("weight_bits: $bits", "bias_term: true").replace("  ShuffleChannel: {shuffle_channel", "  #")
    found = [(one.code, one.span.line) for one in refused(text, None, tmp_path)]
    assert found == [
        ("unknown-field", 9), ("unknown-field", 10), ("unknown-type", 11), ("unknown-type", 13),
        ("unknown-enum-value", 16), ("unknown-field", 18),
    ]  # fmt: skip


def test_a_solver_s_keys_are_those_of_the_fork(module: str, tmp_path: Path) -> None:
    (found,) = refused(SPEC.replace("plateau: 4", "weights: a.caffemodel"), module, tmp_path)
    assert (found.code, found.message) == ("unknown-field", "`solver` has no field 'weights'")


def test_an_early_fork_gets_the_inputs_of_deploy_in_its_own_way(early: str, tmp_path: Path) -> None:
    text = """
layers:
- {name: data, type: Data, top: [data, label], source: x, batch_size: 4, top_shapes: {data: [batch, 3, 8, 8]}}
- {name: ip, type: InnerProduct, num_output: 3, bottom: data}
- {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
deploy: {batch: 5}
"""
    deploy = compile_text(text, early, tmp_path).deploy
    assert list(deploy.input) == ["data"]
    assert [list(shape.dim) for shape in deploy.input_shape] == [[5, 3, 8, 8]]
    assert [layer.type for layer in deploy.layer] == ["InnerProduct", "Softmax"]
    assert netcompile.analyze(deploy).blobs["ip"] == (5, 3)


def test_custom_layers_need_no_fork(tmp_path: Path) -> None:
    line = "{name: s, type: Mine, bottom: data, custom: true, top: [a, b], top_shapes: {a: [2, ~], b: [7]}}"
    graph = compile_text(layer_spec(line), None, tmp_path).graphs["TRAIN"]
    assert (graph.blobs["a"], graph.blobs["b"]) == ((2, None), (7,))


# The command line


def test_every_command_follows_the_fork(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, net = tmp_path / "spec.yaml", tmp_path / "net.prototxt"
    spec.write_text(SPEC, encoding="utf-8")
    assert main(["compile", str(spec), "-o", str(net), "--caffe", module]) == 0
    assert "shuffle_channel_param {" in net.read_text(encoding="utf-8")
    for command in ("check", "show"):
        assert main([command, str(net), "--caffe", module]) == 0, command
        assert main([command, str(net)]) == 1, command
    assert main(["upgrade", str(net), "--caffe", module]) == 0
    capsys.readouterr()


def test_pyproject_names_the_fork(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(f'[tool.netcompile]\ncaffe = "{module}"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "spec.yaml"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("command", ["compile", "check", "show", "upgrade"])
def test_a_wrong_path_is_a_wrong_call(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spec.yaml").write_text("layers: []", encoding="utf-8")
    assert main([command, str(tmp_path / "spec.yaml"), "--caffe", str(tmp_path / "gone.py")]) == 2
    assert "gone.py: No such file or directory; give the caffe_pb2.py" in capsys.readouterr().err


def test_the_schema_of_a_fork_is_for_editors_too(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--caffe", module]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft7Validator.check_schema(schema)
    assert "weight_bits" in schema["definitions"]["fields_Convolution"]["properties"]
    assert "(?" not in json.dumps(schema["definitions"]["layer_unknown"]), "JavaScript knows no flags in patterns"
    validator = Draft7Validator(schema)
    document = {"layers": [{"name": "s", "type": "ShuffleChannel", "shuffle_channel_param": {"group": 2}}]}
    assert validator.is_valid(document)
    document["layers"][0]["shuffle_channel_param"] = {"grup": 2}
    assert not validator.is_valid(document)
    assert not validator.is_valid({"layers": [{"name": "s", "type": "Other"}]})
