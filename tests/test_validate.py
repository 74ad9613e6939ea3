"""Findings of validation: one per mistake, at its place, in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netcompile.diagnostics import Report
from netcompile.load import load
from netcompile.tree import Mapping, Source, plain
from netcompile.validate import accepts_layer, validate, validate_layer, validate_section

# Each: what stands after `layers:`, or a document that begins with another key; and the findings, as
# "LINE:COLUMN code: message | hint".
LIBRARY = "a spec has `layers`, a library `blocks`, `defaults` or `vars`; --skip-others passes over other files"
FINDINGS = {
    "a slip in a field": (
        "[{name: a, type: Convolution, num_output: 64, kernel_sise: 3}]",
        ["1:55 unknown-field: Convolution has no field 'kernel_sise' | did you mean 'kernel_size'?"],
    ),
    "a field that is nothing": (
        "[{name: a, type: Convolution, num_output: 64, foo: 3}]",
        ["1:55 unknown-field: Convolution has no field 'foo' | -"],
    ),
    "an enum value": (
        "[{name: a, type: Pooling, pool: MAXX}]",
        ["1:41 unknown-enum-value: pool is 'MAXX'; it takes MAX, AVE or STOCHASTIC | did you mean 'MAX'?"],
    ),
    "a quoted number": (
        "[{name: a, type: Convolution, num_output: '64'}]",
        ["1:51 wrong-kind: num_output is '64' (a string); it takes an integer | remove the quotes"],
    ),
    "a word for a number": (
        "[{name: a, type: Convolution, pad: [1, same]}]",
        ["1:48 wrong-kind: an entry of pad is 'same' (a string); it takes an integer | -"],
    ),
    "a fraction": (
        "[{name: a, type: Convolution, num_output: 6.5}]",
        ["1:51 wrong-kind: num_output is 6.5; it takes an integer | -"],
    ),
    "a negative number": (
        "[{name: a, type: Convolution, num_output: -1}]",
        ["1:51 out-of-range: num_output is -1; it must be at least 0 | -"],
    ),
    "a large number": (
        "[{name: a, type: Convolution, num_output: 4294967296}]",
        ["1:51 out-of-range: num_output is 4294967296; it must be at most 4294967295 | -"],
    ),
    "yes": (
        "[{name: a, type: Convolution, bias_term: yes}]",
        ["1:50 wrong-kind: bias_term is 'yes' (a string); it takes true or false | write true"],
    ),
    "a number for text": (
        "[{name: a, type: Data, top: [data, 1.10]}]",
        ["1:44 wrong-kind: an entry of top is 1.10; it takes text | quote it: '1.10'"],
    ),
    "an empty name": (
        "[{name: , type: ReLU}]",
        ["1:17 wrong-kind: name is empty; it takes text | -"],
    ),
    "a type": (
        "[{name: a, type: Convolutoin, num_output: 1}]",
        ["1:26 unknown-type: there is no layer type 'Convolutoin' | did you mean 'Convolution'?"],
    ),
    "a type in other case": (
        "[{name: a, type: relu}]",
        ["1:26 unknown-type: there is no layer type 'relu' | did you mean 'ReLU'?"],
    ),
    "a type of one's own, with fields": (
        "[{name: a, type: RoIPool, pooled_w: 6, pooled_h: x}]",
        ["1:26 unknown-type: there is no layer type 'RoIPool' | write `custom: true` if the type is your own"],
    ),
    "a flat field of a custom type": (
        "[{name: a, type: RoIPool, custom: true, pooled_w: 6}]",
        ["1:49 unknown-field: a custom layer has no field 'pooled_w' | -"],
    ),
    "a type that a slip can't explain": (
        "[{name: a, type: Convolution3D, kernel_depth: 6}]",
        ["1:26 unknown-type: there is no layer type 'Convolution3D' | write `custom: true` if the type is your own"],
    ),
    "no name": (
        "[{type: ReLU}]",
        ["1:11 missing-field: a layer needs `name` | -"],
    ),
    "no type": (
        "[{name: a, num_output: 3}]",
        ["1:17 missing-field: layer 'a' needs `type` | -"],
    ),
    "neither": (
        "[{num_output: 3}]",
        ["1:11 missing-field: a layer needs `name` and `type` | -"],
    ),
    "a slip in `type`": (
        "[{name: a, typ: ReLU}]",
        ["1:20 unknown-field: a layer has no key 'typ' | did you mean 'type'?"],
    ),
    "a slip in `block`": (
        "[{blok: residual, name: a}]",
        ["1:11 unknown-field: a layer has no key 'blok' | did you mean 'block'?"],
    ),
    "text for a layer": (
        "[conv1]",
        [("1:10 wrong-kind: an item of `layers` is 'conv1' (a string); it takes a mapping"
          " | write a layer, a block use or a repetition")],
    ),
    "fields that moved": (
        "[{name: a, type: Data, crop_size: 227, train: {mirror: true}}]",
        ["1:32 unknown-field: Data has no field 'crop_size' | write it in a block: `transform_param: {crop_size: 227}`",
         "1:56 unknown-field: Data has no field 'mirror' | write it in a block: `transform_param: {mirror: true}`"],
    ),
    "in a filler": (
        "[{name: a, type: Convolution, weight_filler: {type: gaussian, stdd: 1}, bias_filler: xaiver}]",
        ["1:71 unknown-field: weight_filler has no field 'stdd' | did you mean 'std'?",
         ("1:94 unknown-filler: bias_filler is 'xaiver'; it takes "
          "constant, gaussian, uniform, xavier, msra, bilinear or positive_unitball | did you mean 'xavier'?")],
    ),
    "in a list of mappings": (
        "[{name: a, type: Convolution, param: [{lr_mult: 1}, {lr_mul: 0}]}]",
        ["1:62 unknown-field: param has no field 'lr_mul' | did you mean 'lr_mult'?"],
    ),
    "in a block of another type": (
        "[{name: a, type: ReLU, pooling_param: {kernel: 3}}]",
        ["1:48 unknown-field: pooling_param has no field 'kernel' | did you mean 'kernel_size'?"],
    ),
    "in a variant": (
        "[{name: a, type: Data, train: {batch_sise: 3, name: b}, test: true}]",
        ["1:40 unknown-field: Data has no field 'batch_sise' | did you mean 'batch_size'?",
         "1:55 unknown-field: `train:` can't change 'name' | write it in the layer itself",
         "1:71 wrong-kind: test is true; it takes a mapping or false | -"],
    ),
    "in a variant of another type": (
        "[{name: a, type: SoftmaxWithLoss, deploy: {type: Softmax, ignore_label: 3}}]",
        ["1:67 unknown-field: Softmax has no field 'ignore_label' | -"],
    ),
    "a variant's type": (
        "[{name: a, type: SoftmaxWithLoss, deploy: {type: Sofmax, axis: 3}}]",
        ["1:58 unknown-type: there is no layer type 'Sofmax' | did you mean 'Softmax'?"],
    ),
    "words of the language": (
        "[{name: a, type: ReLU, only: TRAIN, include: train}]",
        ["1:38 unknown-enum-value: only is 'TRAIN'; it takes train, test or deploy | did you mean 'train'?",
         "1:54 unknown-enum-value: include is 'train'; it takes TRAIN or TEST | did you mean 'TRAIN'?"],
    ),
    "shapes": (
        "[{name: a, type: Data, top_shapes: {a: [bach, -1]}}]",
        ["1:49 wrong-kind: an entry of a is 'bach' (a string); it takes an integer, `batch` or ~ | -",
         "1:55 out-of-range: an entry of a is -1; it must be at least 0 | -"],
    ),
    "a key that is no text": (
        "[{name: a, type: Data, top_shapes: {1: [1]}}]",
        ["1:45 wrong-kind: key 1 is no text | quote it: '1'"],
    ),
    "a block use": (
        "[{block: a, layers: [], only: []}]",
        ["1:21 unknown-field: a block use can't have 'layers' | -",
         "1:39 bad-value: only is empty | -"],
    ),
    "a repetition": (
        "[{repeat: {i: {form: 1, to: 5}, 2j: [1]}, layers: [{name: a, type: RelU}]}]",
        ["1:24 unknown-field: i has no field 'form' | did you mean 'from'?",
         ("1:41 bad-value: '2j' can't be the name of a variable"
          " | a name has letters, digits and _, and starts with no digit"),
         "1:76 unknown-type: there is no layer type 'RelU' | did you mean 'ReLU'?"],
    ),
    "a key that a variable makes does not stand for what is missing": (
        "[{repeat: {i: [1]}, lay$ers: []}]",
        ["1:11 missing-field: a repetition needs `layers` | -"],
    ),
    "a workflow of CI with defaults": (
        "name: CI\non: [push]\ndefaults: {run: {shell: bash}}\njobs: {}",
        [f"2:1 not-a-spec: this is no spec: it has no `layers`, and most of its keys are unknown | {LIBRARY}"],
    ),
    "a library with a slip": (
        "vars: {a: 1}\nfoo: 1\ndefault: {}",
        ["2:1 unknown-field: a spec has no key 'foo' | -",
         "3:1 unknown-field: a spec has no key 'default' | did you mean 'defaults'?"],
    ),
    "a key of an old net that nobody should use": (
        "layers: []\ninput_size: [1, 3]",
        ["2:1 unknown-field: a spec has no key 'input_size' | -"],
    ),
    "names with dashes": (
        "[{name: a, type: Pooling, kernel-size: 3}]",
        ["1:35 unknown-field: Pooling has no field 'kernel-size' | did you mean 'kernel_size'?"],
    ),
    "a range": (
        "[{repeat: {i: {from: 1}}, layers: []}]",
        ["1:24 missing-field: i needs `to` | -"],
    ),
    "a spec": (
        "lyers: []\nvars: ~\nforce_backward: 1\nlint: {ignor: a}\n5: 6",
        ["1:1 unknown-field: a spec has no key 'lyers' | did you mean 'layers'?",
         "2:7 wrong-kind: vars is empty; it takes a mapping | write `vars: {width: 64, source: ~}`",
         "3:17 wrong-kind: force_backward is 1; it takes true or false | write true",
         "4:8 unknown-field: lint has no key 'ignor' | did you mean 'ignore'?",
         "5:1 unknown-field: a spec has no key '5' | -"],
    ),
    "no layers": (
        "name: a",
        ["1:7 missing-field: a spec needs `layers` | -"],
    ),
    "layers that are none": (
        "layers: conv1",
        ["1:9 wrong-kind: layers is 'conv1' (a string); it takes a list | -"],
    ),
    "defaults": (
        "defaults: {Convoluton: {pad: x}, ReLU: {top: a}, Foo: {pad: 1}, Bar: 3}",
        ["1:12 unknown-type: there is no layer type 'Convoluton' | did you mean 'Convolution'?",
         "1:30 wrong-kind: pad is 'x' (a string); it takes an integer or a list | -",
         "1:41 unknown-field: `defaults` can't have 'top' | write it in each layer",
         "1:50 unknown-type: there is no layer type 'Foo' | write `custom: true` in it if the type is your own",
         "1:65 unknown-type: there is no layer type 'Bar' | write `custom: true` in it if the type is your own"],
    ),
    "blocks": (
        "blocks: {a: 3, b: {params: {bottom: ~}, layers: [{name: a}]}, c: {layer: []}}",
        ["1:13 wrong-kind: a block is 3; it takes a mapping | -",
         "1:29 unknown-field: a parameter can't be called 'bottom': it means something else in a block use | -",
         "1:57 missing-field: layer 'a' needs `type` | -",
         "1:67 unknown-field: a block has no key 'layer' | did you mean 'layers'?"],
    ),
    "deploy and solver": (
        "layers: []\ndeploy: {bach: 3}\nsolver: {base_lr: '0.1', lr_polcy: fixed, solver_mode: gpu}",
        ["2:10 unknown-field: `deploy` has no key 'bach' | did you mean 'batch'?",
         "3:19 wrong-kind: base_lr is '0.1' (a string); it takes a number | remove the quotes",
         "3:26 unknown-field: `solver` has no field 'lr_polcy' | did you mean 'lr_policy'?",
         "3:56 unknown-enum-value: solver_mode is 'gpu'; it takes CPU or GPU | did you mean 'GPU'?"],
    ),
}  # fmt: skip


def read(text: str) -> Mapping:
    document = load(Source("spec.yaml", text), Report())
    assert document is not None
    return document


def found(report: Report) -> list[str]:
    shown = []
    for finding in report.ordered():
        assert finding.span is not None
        where = f"{finding.span.line}:{finding.span.column}"
        shown.append(f"{where} {finding.code}: {finding.message} | {finding.hint or '-'}")
    return shown


def findings_of(text: str, *, allow_custom: bool = False, custom_types: tuple[str, ...] = ()) -> Report:
    report = Report()
    validate(read(text), report, allow_custom=allow_custom, custom_types=custom_types)
    return report


@pytest.mark.parametrize(("text", "expected"), FINDINGS.values(), ids=FINDINGS.keys())
def test_findings(text: str, expected: list[str]) -> None:
    report = Report()
    validate(read(f"layers: {text}" if text.startswith("[") else text), report)
    assert found(report) == expected


def test_findings_never_speak_of_the_schema() -> None:
    for text, _ in FINDINGS.values():
        report = Report()
        validate(read(f"layers: {text}" if text.startswith("[") else text), report)
        for finding in report:
            assert "definitions" not in str(finding)
            assert "schema" not in str(finding)
            assert "\0" not in str(finding)


def test_span_ends_with_what_is_wrong() -> None:
    report = Report()
    validate(read("layers:\n  - {name: a, type: Pooling, pool: MAXX, strid: 2}"), report)
    spans = [finding.span for finding in report.ordered()]
    assert [(span.line, span.column, span.end_column) for span in spans if span] == [(2, 36, 40), (2, 42, 47)]


def test_one_mistake_at_many_uses_of_an_alias_is_one_finding() -> None:
    report = Report()
    text = "layers:\n  - &a {name: a, type: Pooling, kernel_sise: 2}\n  - *a\n  - {<<: *a, name: b}"
    validate(read(text), report)
    assert found(report) == ["2:33 unknown-field: Pooling has no field 'kernel_sise' | did you mean 'kernel_size'?"]


def test_variables_pass_before_substitution_and_not_after() -> None:
    text = "{name: $a, type: Convolution, num_output: $n, pool$x: 3}"
    assert not len(findings_of(f"layers: [{text}]"))
    report = Report()
    assert not accepts_layer(read(text))
    validate_layer(read(text), report)
    assert found(report) == [
        "1:43 wrong-kind: num_output is '$n' (a string); it takes an integer | -",
        "1:47 unknown-field: Convolution has no field 'pool$x' | -",
    ]


def test_layer_without_variables_is_returned_as_it_is() -> None:
    good = read("{name: $$5, type: Convolution, num_output: 3, kernel_size: [1, 2]}")
    assert accepts_layer(good)
    assert validate_layer(good, Report()) is good


def test_layer_that_is_none_is_none() -> None:
    report = Report()
    sound = validate_section(read("{repeat: {i: 3}}"), "repetition", report)
    assert sound is None
    assert len(report)


def test_solver_after_substitution() -> None:
    report = Report()
    sound = validate_section(read("{base_lr: $x, momentum: 0.9}"), "solver", report)
    assert sound is not None
    assert plain(sound) == {"momentum": 0.9}
    assert found(report) == ["1:11 wrong-kind: base_lr is '$x' (a string); it takes a number | -"]


def test_custom_types_can_be_allowed() -> None:
    text = "layers: [{name: a, type: Mine, top: b}, {name: b, type: SoftmaxWithLoss, deploy: {type: Mine}}]"
    assert len(findings_of(text)) == 2
    assert not len(findings_of(text, allow_custom=True))
    assert not len(findings_of(text, custom_types=("Mine", "Other")))
    assert len(findings_of(text, custom_types=("Other",))) == 2
    assert validate_layer(read("{name: a, type: Mine}"), Report(), allow_custom=True) is not None


def test_custom_types_can_be_declared_in_defaults() -> None:
    text = "defaults: {Mine: {custom: true, param: {lr_mult: 0}}}\nlayers: [{name: a, type: Mine}]"
    assert not len(findings_of(text))


def test_fields_of_an_allowed_custom_type_are_still_no_fields() -> None:
    report = findings_of("layers: [{name: a, type: Mine, pooled_w: 3}]", allow_custom=True)
    assert found(report) == ["1:32 unknown-field: a custom layer has no field 'pooled_w' | -"]


def test_a_flood_of_mistakes_ends() -> None:
    text = "layers:\n" + "".join(f"  - {{name: a{i}, type: ReLU, foo: 1}}\n" for i in range(1200))
    report = findings_of(text)
    assert len(report) == 1000


def test_what_is_right_never_imports_jsonschema() -> None:
    code = (
        "import sys\n"
        "from netcompile.diagnostics import Report\n"
        "from netcompile.load import load\n"
        "from netcompile.tree import Source\n"
        "from netcompile.validate import validate\n"
        "validate(load(Source('a', 'layers: [{name: a, type: ReLU}]'), Report()), Report())\n"
        "sys.exit('jsonschema' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
