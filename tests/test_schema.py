"""The JSON Schema is current and sound, knows all that Caffe knows, and its acceptor agrees with jsonschema."""

from __future__ import annotations

import copy
import functools
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from netcompile.caffe import caffe_pb2
from netcompile.caffe.comments import read_comments
from netcompile.diagnostics import Report
from netcompile.layers import LAYER_TYPES
from netcompile.load import load
from netcompile.schema.file import Definitions, schema_text, write_schema
from netcompile.schema.generate import build_schema
from netcompile.tree import List, Mapping, Node, Place, Scalar, Source
from netcompile.validate import accepts_layer, validate, validate_layer
from netcompile.validation.acceptor import Acceptor, key_text

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
HERE = Place(0, 0)
NOWHERE = Source("made", "")

GOOD = """
name: everything
force_backward: true
vars: {out: 64, source: ~, nested: {a: [1, 2]}}
imports: [blocks/resnet.yaml]
lint: {ignore: [unused-top]}
defaults:
  Convolution: {pad: 0, weight_filler: {type: gaussian, std: 0.001}, param: [{lr_mult: 1}, {}], deploy: {pad: 1}}
  ReLU: {in_place: true, only: train, when: $out > 3}
  Mine: {custom: true, param: {lr_mult: 0}}
  Dropout: ~
blocks:
  twice:
    params: {name: ~, out: 3}
    layers:
      - {name: "${name}/a", type: Convolution, num_output: $out, kernel_size: [3, 3], stride: 1e0}
      - {block: inner, name: $name}
    output: ${name}/b
layers:
  - name: data
    type: Data
    top: [data, label]
    top_shapes: {data: [batch, 1, 33, ~], label: ~}
    transform_param: {scale: 0.00390625, mean_value: [104, 117.5]}
    train: {source: $source, batch_size: 128, backend: LMDB}
    test: {source: x, batch_size: 2.0}
    deploy: false
  - {name: "", type: Convolution, convolution_param: {num_output: 64, kernel_size: 9}, bias_filler: xavier, axis: -3}
  - {name: conv2, type: Convolution, num_output: ~, pad: ~, convolution_param: ~, weight_filler: ~, param: ~, train: ~}
  - {name: pool, type: Pooling, pool: MAX, kernel_size: 2, global_pooling: false, "${which}_h": 3}
  - {name: any, type: $kind, whatever: 3, in_place: $yes}
  - {name: own, type: Mine, custom: true, python_param: {module: m, param_str: {a: [1, {b: c}]}}, deploy: {type: Other}}
  - {name: py, type: Python, module: m, layer: L, param_str: [1], param_format: python, top_shapes: [[1, 2], ~]}
  - {name: py, type: Python, param_str: "{'a': 1}", loss_weight: 1, top_shapes: [batch, 3]}
  - {name: dummy, type: DummyData, shape: {dim: [1, 3]}, data_filler: [xavier, {type: constant, value: .inf}]}
  - {name: relu, type: ReLU, only: [train, test], include: TRAIN, negative_slope: -.5, when: true}
  - {name: sm, type: Softmax, include: [{phase: TEST, stage: a}, TRAIN], exclude: {min_level: -3, not_stage: [a, b]}}
  - {name: loss, type: SoftmaxWithLoss, axis: 1, ignore_label: 255, deploy: {type: Softmax, name_x$: 1, top: prob}}
  - {name: crop, type: Crop, bottom: [], top: [], offset: [], propagate_down: [true, false]}
  - {name: preset, type: Scale, blobs: {shape: {dim: 1}, data: [1, 2]}}
  - {block: twice, name: x, out: [1, 2], bottom: data, only: deploy, when: 1 > 0, anything: {a: b}}
  - {repeat: {i: {from: 1, to: $n}, j: [a, b], k: $list}, when: $w, layers: [{name: r$i, type: TanH}]}
deploy: {batch: 10, stages: a, outputs: [prob], inputs: {data: [1, 3, 224, 224]}}
solver:
  net_param: {layer: [{name: a, type: ReLU, relu_param: {}}]}
  base_lr: 1e-4
  lr_policy: anything
  solver_mode: GPU
  test_iter: [1, 2]
  stepvalue: 5
  test_set: 10000
  test_state: {stage: [a]}
state: {phase: TRAIN, level: 2}
"""

BAD = {
    "unknown key": "lyers: []\nlayers: []",
    "no layers": "name: x",
    "layers is no list": "layers: {}",
    "unknown field": "layers: [{name: a, type: Convolution, kernel_sise: 3}]",
    "field of another type": "layers: [{name: a, type: ReLU, num_output: 3}]",
    "unknown type": "layers: [{name: a, type: Convolutoin}]",
    "no type": "layers: [{name: a}]",
    "no name": "layers: [{type: ReLU}]",
    "name is a number": "layers: [{name: 1, type: ReLU}]",
    "name is null": "layers: [{name: ~, type: ReLU}]",
    "flat field on a custom type": "layers: [{name: a, type: Mine, custom: true, num_output: 1}]",
    "quoted number": "layers: [{name: a, type: Convolution, num_output: '64'}]",
    "negative": "layers: [{name: a, type: Convolution, num_output: -1}]",
    "fraction": "layers: [{name: a, type: Convolution, num_output: 1.5}]",
    "too large": "layers: [{name: a, type: Convolution, num_output: 4294967296}]",
    "infinite integer": "layers: [{name: a, type: Convolution, num_output: .inf}]",
    "truth for a number": "layers: [{name: a, type: Convolution, num_output: true}]",
    "number for truth": "layers: [{name: a, type: Convolution, bias_term: 1}]",
    "yes is a string": "layers: [{name: a, type: Convolution, bias_term: yes}]",
    "list for a single value": "layers: [{name: a, type: Convolution, num_output: [1]}]",
    "list in a list": "layers: [{name: a, type: Convolution, pad: [[1]]}]",
    "null in a list": "layers: [{name: a, type: Convolution, pad: [~]}]",
    "enum value": "layers: [{name: a, type: Pooling, pool: MAXX}]",
    "enum by number": "layers: [{name: a, type: Pooling, pool: 0}]",
    "filler": "layers: [{name: a, type: Convolution, weight_filler: xaiver}]",
    "filler's field": "layers: [{name: a, type: Convolution, weight_filler: {stdd: 1}}]",
    "null in a filler": "layers: [{name: a, type: Convolution, weight_filler: {std: ~}}]",
    "block's field": "layers: [{name: a, type: ReLU, pooling_param: {kernel: 1}}]",
    "unknown block": "layers: [{name: a, type: ReLU, polling_param: {}}]",
    "block of a list": "layers: [{name: a, type: ReLU, pooling_param: []}]",
    "moved field": "layers: [{name: a, type: Data, crop_size: 227}]",
    "moved field in a variant": "layers: [{name: a, type: Data, train: {mirror: true}}]",
    "variant is true": "layers: [{name: a, type: Data, train: true}]",
    "variant renames": "layers: [{name: a, type: Data, train: {name: b}}]",
    "variant in a variant": "layers: [{name: a, type: Data, train: {test: {}}}]",
    "variant of another type": "layers: [{name: a, type: SoftmaxWithLoss, deploy: {type: Softmax, ignore_label: 1}}]",
    "variant of an unknown type": "layers: [{name: a, type: SoftmaxWithLoss, deploy: {type: Sofmax}}]",
    "only": "layers: [{name: a, type: ReLU, only: TRAIN}]",
    "only nothing": "layers: [{name: a, type: ReLU, only: []}]",
    "include": "layers: [{name: a, type: ReLU, include: train}]",
    "include's field": "layers: [{name: a, type: ReLU, include: {phase: TRAIN, stages: a}}]",
    "shapes": "layers: [{name: a, type: Data, top_shapes: {a: [bach]}}]",
    "shapes mixed": "layers: [{name: a, type: Data, top_shapes: [[1], 3]}]",
    "key is a number": "layers: [{name: a, type: Data, top_shapes: {1: [1]}}]",
    "param_str is a number": "layers: [{name: a, type: Python, param_str: 5}]",
    "item is text": "layers: [conv1]",
    "use with layers": "layers: [{block: a, layers: []}]",
    "use of a number": "layers: [{block: 3}]",
    "range": "layers: [{repeat: {i: {from: 1}}, layers: []}]",
    "repeat nothing": "layers: [{repeat: {}, layers: []}]",
    "variable's name": "vars: {a-b: 1}",
    "parameter's name": "blocks: {a: {params: {bottom: 1}, layers: []}}",
    "block without layers": "blocks: {a: {params: {}}}",
    "default of an unknown type": "defaults: {Convoluton: {pad: 1}}",
    "default of a top": "defaults: {ReLU: {top: a}}",
    "solver's field": "layers: []\nsolver: {lr_polcy: fixed}",
    "solver's value": "layers: []\nsolver: {base_lr: a}",
    "null in the solver": "layers: []\nsolver: {momentum: ~}",
    "V1 layers in the solver's net": "layers: []\nsolver: {net_param: {layers: []}}",
    "deploy's key": "layers: []\ndeploy: {bach: 3}",
    "legacy input": "layers: []\ninput: data",
    "force_backward": "layers: []\nforce_backward: 1",
}


@functools.cache
def full_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text())
    return schema


@functools.cache
def acceptor() -> Acceptor:
    return Acceptor({"definitions": Definitions(schema_text())})


def read(text: str) -> Mapping:
    report = Report()
    document = load(Source("spec.yaml", text), report)
    assert document is not None, [str(finding) for finding in report]
    assert not len(report), [str(finding) for finding in report]
    return document


def node_of(value: Any) -> Node:
    """Nodes without a text, for values that a test makes."""
    if isinstance(value, dict):
        keys = {key: Scalar(key, HERE, HERE, NOWHERE) for key in value}
        return Mapping({key: node_of(child) for key, child in value.items()}, keys, HERE, HERE, NOWHERE)
    if isinstance(value, list):
        return List([node_of(child) for child in value], HERE, HERE, NOWHERE)
    return Scalar(value, HERE, HERE, NOWHERE)


def value_of(node: Node) -> Any:
    """The plain value of a node, with the keys that the schema sees."""
    if isinstance(node, Mapping):
        return {key_text(key): value_of(child) for key, child in node.entries.items()}
    return [value_of(child) for child in node.items] if isinstance(node, List) else node.value


def both_verdicts(node: Node) -> tuple[bool, bool]:
    return acceptor().accepts(node, "document"), Draft7Validator(full_schema()).is_valid(value_of(node))


def test_committed_schema_is_current() -> None:
    assert schema_text() == write_schema(build_schema(caffe_pb2.DESCRIPTOR, LAYER_TYPES, read_comments()))


def test_generator_script_says_so_too() -> None:
    command = [sys.executable, str(ROOT / "tools" / "generate_schema.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_schema_is_sound_draft_07() -> None:
    Draft7Validator.check_schema(full_schema())
    assert full_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_definitions_are_read_one_by_one() -> None:
    lazy, whole = Definitions(schema_text()), full_schema()["definitions"]
    assert {name: lazy[name] for name in whole} == whole
    head = {key: value for key, value in full_schema().items() if key != "definitions"}
    assert lazy["document"] == head


def test_every_definition_is_reachable_and_compiles() -> None:
    used = {line.split('"', 1)[0] for line in schema_text().split('"#/definitions/')[1:]}
    defined = full_schema()["definitions"].keys()
    assert {name.split("/")[0] for name in used} - defined == set()
    anything = node_of({"type": "ReLU", "name": "a"})
    for name in defined:
        acceptor().accepts(anything, name)


def test_unused_leaf_definitions_are_left_out() -> None:
    used = {name.split('"', 1)[0].split("/")[0] for name in schema_text().split('"#/definitions/')[1:]}
    entries = {"layer", "item"}
    assert full_schema()["definitions"].keys() - used <= entries


def test_every_field_of_every_type_is_known_flat_and_in_its_block() -> None:
    blocks = full_schema()["definitions"]["common"]["patternProperties"]
    fields = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    moved = {field.name for field in caffe_pb2.TransformationParameter.DESCRIPTOR.fields}
    for name, kind in LAYER_TYPES.items():
        own = full_schema()["definitions"][f"fields_{name}"]["properties"]
        for block in kind.params:
            names = {field.name for field in fields[block].message_type.fields}
            assert f"^{block}$" in blocks
            assert names - own.keys() == (names & moved if "transform_param" in kind.reads else set()), (name, block)


def test_hover_texts_are_there() -> None:
    definitions = full_schema()["definitions"]
    assert "Default: MAX." in definitions["PoolingParameter"]["properties"]["pool"]["description"]
    words = definitions["PoolingParameter"]["properties"]["pool"]["anyOf"][0]
    assert words["enum"] == ["MAX", "AVE", "STOCHASTIC"]
    assert len(words["enumDescriptions"]) == 3
    without = [name for name in LAYER_TYPES if not definitions[f"fields_{name}"].get("description")]
    assert not without


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_specs_are_accepted(path: Path) -> None:
    assert both_verdicts(read(path.read_text(encoding="utf-8"))) == (True, True)


def test_everything_that_is_right_is_accepted() -> None:
    assert both_verdicts(read(GOOD)) == (True, True)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_refused(text: str) -> None:
    assert both_verdicts(read(text)) == (False, False)


WORDS = [
    "a", "", "$x", "a${b}c", "MAX", "TRAIN", "train", "batch", "xavier", "Convolution", "Softmax", "Mine", "yes", "64",
    0, 1, -1, 3, 1.0, 1.5, -0.5, 2**31, 2**32, 2**63, 2**64, -(2**63) - 1, float("inf"), float("nan"), 1e300, "\n",
    True, False, None, [], {}, [[]], [1, 2], [1, "$x"], [None], ["a", "b"], {"type": "Softmax"}, {"type": "$t"},
    {"custom": True}, {"lr_mult": 1}, {"phase": "TEST"}, {"from": 1, "to": 2}, {1: 2}, {"dim": [1]}, [{"dim": 3}],
]  # fmt: skip
KEYS = [
    "name", "type", "bottom", "top", "in_place", "only", "when", "train", "test", "deploy", "include", "exclude", "$k",
    "custom", "top_shapes", "num_output", "kernel_size", "pool", "weight_filler", "convolution_param", "param", "blobs",
    "python_param", "param_str", "loss_weight", "block", "repeat", "layers", "from", "dim", "crop_size", "kernel_sise",
    "transform_param", "axis", "shape", "vars", "defaults", "solver", "ReLU", "Foo", 1, None, True, 2.5,
]  # fmt: skip


def mutate(rng: random.Random, value: Any) -> Any:
    """Change one thing somewhere in a plain value, in place where it can be; return the value."""
    if not value:
        value["name"] = "a"
    places = list(_places(value))
    owner, key = rng.choice(places)
    match rng.randrange(7):
        case 0 if isinstance(owner, dict):
            owner[rng.choice(KEYS)] = copy.deepcopy(rng.choice(WORDS))
        case 1 if isinstance(owner, dict):
            owner[rng.choice(KEYS)] = owner.pop(key)
        case 2:
            del owner[key]
        case 3:
            owner[key] = [owner[key]]
        case 4:
            other, where = rng.choice(places)
            owner[key] = copy.deepcopy(other[where]) if key in owner or isinstance(owner, list) else None
        case 5 if isinstance(owner, dict) and rng.random() < 0.5:
            owner["type"] = rng.choice([*LAYER_TYPES, "$t", "Foo"])
        case _:
            owner[key] = copy.deepcopy(rng.choice(WORDS))
    return value


def _places(value: Any) -> Any:
    children = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, child in children:
        yield value, key
        if isinstance(child, dict | list):
            yield from _places(child)


def good_parts() -> list[dict[str, Any]]:
    """The good documents in small pieces, so that a mutation is looked at, not lost in a large one."""
    documents = [read(GOOD), *(read(path.read_text(encoding="utf-8")) for path in SPECS)]
    parts = []
    for document in map(value_of, documents):
        rest = {key: value for key, value in document.items() if key not in ("layers", "defaults", "solver", "blocks")}
        parts.append({"layers": [], **rest})
        parts.extend({"layers": [item]} for item in document.get("layers", ()))
        parts.extend({"layers": [], key: document[key]} for key in ("defaults", "solver", "blocks") if key in document)
    return parts


@pytest.mark.parametrize("seed", range(8))
def test_acceptor_and_jsonschema_agree_on_mutations(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same mutations every time
    parts = good_parts()
    judge = Draft7Validator(full_schema())
    accepted = 0
    for _ in range(500):
        value = copy.deepcopy(rng.choice(parts))
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            mutate(rng, value)
        node = node_of(value)
        verdict = judge.is_valid(value_of(node))
        assert acceptor().accepts(node, "document") == verdict, value
        accepted += verdict
        check_mended(node, wrong=not verdict)
    assert 50 < accepted < 450


def test_acceptor_and_jsonschema_agree_on_layers_without_variables() -> None:
    rng = random.Random(1)  # noqa: S311 - the same mutations every time
    strict = json.loads(schema_text().replace(r"\\$", "(?!)"))
    judge = Draft7Validator(strict).evolve(schema=strict["definitions"]["layer"])
    layers = [part["layers"][0] for part in good_parts() if part["layers"] and "type" in part["layers"][0]]
    for _ in range(1000):
        value = mutate(rng, copy.deepcopy(rng.choice(layers)))
        node = node_of(value)
        assert isinstance(node, Mapping)
        report = Report()
        sound = validate_layer(node, report)
        assert (sound is node) == judge.is_valid(value_of(node)) == accepts_layer(node) == (not len(report)), value
        assert sound is None or judge.is_valid(value_of(sound)), value


def check_mended(document: Node, *, wrong: bool) -> None:
    """What is refused has a finding and leaves a document that is accepted; what is right is left as it is."""
    assert isinstance(document, Mapping)
    report = Report()
    sound, damaged = validate(document, report)
    assert bool(len(report)) == wrong
    if not wrong:
        assert sound is document
        assert not damaged
    elif {"layers", "vars", "defaults", "blocks"} & sound.entries.keys():
        value = without_lost_items(value_of(sound))
        assert Draft7Validator(full_schema()).is_valid(value), (value_of(document), value)


def without_lost_items(value: Any) -> Any:
    """The document without the items, and with layers for the blocks, that could not be saved."""
    if not isinstance(value, dict):
        return value
    value = {key: without_lost_items(child) for key, child in value.items()}
    if isinstance(value.get("layers"), list):
        value["layers"] = [without_lost_items(item) for item in value["layers"] if item is not None]
    if isinstance(value.get("blocks"), dict):
        value["blocks"] = {key: {"layers": [], **block} for key, block in value["blocks"].items()}
    return value


def test_acceptor_refuses_a_schema_with_a_keyword_that_it_does_not_know() -> None:
    with pytest.raises(AssertionError, match="oneOf"):
        Acceptor({"definitions": {"a": {"oneOf": []}}}).accepts(node_of(1), "a")


def test_schema_file_is_in_the_wheel_too() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"schemas/netcompile.schema.json" = "netcompile/netcompile.schema.json"' in pyproject
    assert importlib.util.find_spec("netcompile.schema.file") is not None
