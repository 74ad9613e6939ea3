"""In which states a net is checked: those of its solver, else TRAIN and TEST, as far as the net is for them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import netcompile
from netcompile.checking import Checked, Job, Options, check_file
from netcompile.compiler import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.diagnostics import Diagnostic

ROOT = Path(__file__).parents[1]
Found: TypeAlias = "list[tuple[str, str]]"  # severity and code

IP = """layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" %s }'
TOPS = "dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } }"


def data(rule: str = "") -> str:
    return f'layer {{ name: "data" type: "DummyData" top: "data" top: "label" {rule} {TOPS} }}'


def check(text: str, state: tuple[int, tuple[str, ...]] | None = None) -> Checked:
    options = Options(Settings(state=state), trace=True)
    checked = check_file(options, Job("net.prototxt", given=True, data=text.encode()))
    assert checked.outcome == "net", checked.text
    return checked._replace(findings=without_lints(checked.findings))


def without_lints(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [one for one in findings if one.severity == "error" or one.code in ("skipped-state", "needs-stage")]


def found(*layers: str, state: tuple[int, tuple[str, ...]] | None = None) -> Found:
    return [(one.severity, one.code) for one in check("\n".join(layers), state).findings]


SKIPPED = [("note", "skipped-state")]
STAGED = [("warning", "needs-stage")]
UNKNOWN = [("error", "unknown-bottom")]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([data(), IP, LOSS % ""], []),
        ([data("include { phase: TRAIN }"), IP, LOSS % ""], SKIPPED),
        ([data("include { phase: TEST }"), IP, LOSS % ""], SKIPPED),
        ([data("exclude { phase: TEST }"), IP, LOSS % ""], SKIPPED),
        # a source that is there: the phase is meant, and what is wrong there is wrong
        ([data("include { phase: TRAIN }"), data("include { phase: TEST }").replace("label", "labl"), IP, LOSS % ""],
         UNKNOWN),
        ([data("include { phase: TRAIN }"), 'layer { name: "i" type: "Input" top: "i" }', IP], UNKNOWN),
        # Parameter makes blobs of its own, and is no source of data
        ([data("include { phase: TRAIN }"), IP, LOSS % "",
          'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 1 } } }'], SKIPPED),
        # stages and levels
        ([data('include { stage: "a" }'), IP, LOSS % ""], STAGED),
        ([data("include { min_level: 2 }"), IP, LOSS % ""], STAGED),
        ([data('exclude { not_stage: "a" }'), IP, LOSS % ""], STAGED),
        ([data('include { stage: "a" stage: "b" }'), IP, LOSS % ""], STAGED),
        ([data("include { phase: TRAIN }"), data('include { phase: TEST stage: "a" }'), IP, LOSS % ""], SKIPPED),
        ([data(), IP.replace('"data"', '"late"'), LOSS % "",
          'layer { name: "l" type: "Split" bottom: "data" top: "late" include { stage: "a" } }'], UNKNOWN),
        ([data(), 'layer { name: "l" type: "Split" bottom: "data" top: "late" include { stage: "a" } }',
          IP.replace('"data"', '"late"'), LOSS % ""], STAGED),
        # with its stage, the net is as wrong as without
        ([data('include { stage: "a" }'), IP, LOSS.replace("label", "labl") % ""], UNKNOWN),
        # wrong in one stage, whatever the other is
        ([data('include { stage: "a" }'), data('include { stage: "b" }').replace('"data"', '"dta"'), IP, LOSS % ""],
         [("warning", "needs-stage"), ("error", "unknown-bottom")]),
        # no state at all has data: then it is simply missing
        ([IP, LOSS % ""], [("error", "unknown-bottom"), ("error", "unknown-bottom")]),
        ([IP + LOSS % 'include { stage: "a" }'], UNKNOWN),
        ([""], []),
        (['layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 1 } } }'], []),
    ],
)  # fmt: skip
def test_phases_and_stages(layers: list[str], expected: Found) -> None:
    assert sorted(found(*layers)) == sorted(expected)


def test_the_note_says_where_and_what_would_bring_data() -> None:
    text = [data("include { phase: TRAIN }"), data('include { phase: TEST stage: "a" }'), IP, LOSS % ""]
    (note,) = check("\n".join(text)).findings
    assert note.span is not None
    assert (note.span.line, note.span.column) == (1, text[0].index("include") + 1)
    assert note.message == "not checked in TEST: no layer without bottoms is in the net there"
    assert note.hint == "there is one with stage 'a' in TEST; --stage and --level choose what is checked"


def test_the_warning_names_stages_and_what_is_wrong_without() -> None:
    late = 'layer { name: "l" type: "Split" bottom: "data" top: "late" include { min_level: 1 stage: "a" } }'
    (warning,) = check("\n".join((data(), late, IP.replace('"data"', '"late"'), LOSS % ""))).findings
    assert warning.message == "the net builds only with level 1 and stage 'a'"
    assert warning.span is not None
    assert warning.span.line == 2
    assert [note.message for note in warning.notes] == [
        "in TRAIN: InnerProduct 'ip': bottom 'late' is not a top of any layer before it in TRAIN"
    ]


def test_each_stage_is_named_once() -> None:
    layers = [*(data(f'include {{ stage: "{name}" }}') for name in "abcde"), IP, LOSS % ""]
    (warning,) = check("\n".join(layers)).findings
    assert warning.message == "the net builds only with stage 'a' or stage 'b' or stage 'c' or stage 'd' or others"


def test_stages_of_the_net_itself_count() -> None:
    assert found('state { stage: "a" }', data('include { stage: "a" }'), IP, LOSS % "") == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ((0, ("a",)), SKIPPED),
        ((0, ("b",)), []),
        ((3, ()), []),
        ((0, ("c",)), [("error", "unknown-bottom"), ("error", "unknown-bottom")]),
    ],
)
def test_the_call_chooses_the_state(state: tuple[int, tuple[str, ...]], expected: Found) -> None:
    rules = ['include { phase: TEST stage: "a" }', 'include { stage: "b" }', "include { min_level: 3 }"]
    assert found(*map(data, rules), IP, LOSS % "", state=state) == expected


def test_what_cannot_be_read_is_not_missed() -> None:
    lost = 'layer { name: "data" type: "DummyData" %s include { phase: TRAIN } }'
    assert found(lost % "top: 5", IP) == [("error", "wrong-kind")]
    assert found(lost % 'output: "data"', IP) == [("error", "unknown-field")]


# What aborts when the net is run


def test_first_passes() -> None:
    prefetch = 'layer { name: "d" type: "Data" top: "z" data_param { source: "db" batch_size: 1 prefetch: 0 } }'
    made = IP.replace('"ip"', '"made"').replace('bottom: "data"', 'bottom: "label"').replace(": 2 w", ": 1 w")
    assert found(data(), IP, prefetch) == [("error", "run-abort")]
    assert found(data(), IP, made, LOSS.replace("label", "made") % "") == [("error", "no-gradient")]
    # no backward pass in TEST
    tested = "include { phase: TEST }"
    assert found(data(tested), IP, made, LOSS.replace("label", "made") % "") == SKIPPED
    assert netcompile.analyze(f"{data()}\n{prefetch}").blobs["data"] == (2, 3)


SPEC = """
layers:
  - {name: data, type: DummyData, top: [data, label], shape: [{dim: [2, 3]}, {dim: [2, 1]}]}
  - {name: ip, type: InnerProduct, bottom: data, num_output: 2, weight_filler: xavier}
  - {name: made, type: InnerProduct, bottom: label, num_output: 1, weight_filler: xavier}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, made]}
"""


def test_compile_has_the_same_checks() -> None:
    with pytest.raises(netcompile.CompileError) as error:
        netcompile.compile(StringIO(SPEC))
    assert [one.code for one in error.value.diagnostics] == ["no-gradient"]
    assert netcompile.compile(StringIO(SPEC), check=False).graphs["TRAIN"].blobs["made"] == (2, 1)
    train = SPEC.replace("label],", "label], only: train,").replace("made]", "label]")
    compiled = netcompile.compile(StringIO(train))
    assert [one.code for one in compiled.notes] == ["skipped-state"]
    assert "skipped-state" not in {one.code for one in compiled.warnings}
    assert set(compiled.graphs) == {"TRAIN", "TEST"}


SOLVER = "solver: {base_lr: 0.1, lr_policy: fixed, max_iter: 9, snapshot_prefix: x, snapshot: 9, %s}"


def spec_found(text: str, state: tuple[int, tuple[str, ...]] | None = None) -> Found:
    job = Job("spec.yaml", given=True, data=text.encode())
    findings = check_file(Options(Settings(state=state), trace=True), job).findings
    return [(one.severity, one.code) for one in without_lints(findings)]


STAGED_SPEC = """
layers:
  - {name: data, type: DummyData, top: [data, label], shape: [{dim: [2, 3]}, {dim: [2, 1]}], include: {stage: a}}
  - {name: ip, type: InnerProduct, bottom: data, num_output: 2, weight_filler: xavier}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""


def test_the_solver_of_a_spec_names_the_states() -> None:
    staged = SOLVER % "train_state: {stage: a}"
    assert spec_found(STAGED_SPEC) == STAGED
    assert spec_found(STAGED_SPEC + staged) == []
    assert spec_found(STAGED_SPEC + SOLVER % "train_state: {stage: b}") == [
        ("error", "unknown-bottom"),
        ("error", "unknown-bottom"),
    ]
    tested = staged.replace("a}", "a}, test_iter: 1, test_interval: 1")
    assert {code for _, code in spec_found(STAGED_SPEC + tested)} == {"unknown-bottom"}
    # without tests nobody builds TEST, so that what is wrong there is not asked
    wrong = STAGED_SPEC.replace("[ip, label]", "[ip, nothing], only: test")
    assert spec_found(wrong + staged) == []
    assert spec_found(wrong + staged, state=(0, ("a",))) == UNKNOWN


# All nets of Caffe, and our own specs


@pytest.fixture(scope="module")
def goldens(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "corpus/goldens.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_no_false_alarm_on_nets_of_caffe(shared: Path, goldens: list[dict[str, Any]]) -> None:
    for name in sorted({line["file"] for line in goldens}):
        text = (shared / "corpus" / name).read_text(encoding="utf-8")
        fatal = [str(one) for one in check(text).findings if one.severity == "error"]
        assert fatal == [], name


def test_each_state_on_record_has_the_recorded_answer(shared: Path, goldens: list[dict[str, Any]]) -> None:
    assert len(goldens) > 40
    for line in goldens:
        text = (shared / "corpus" / line["file"]).read_text(encoding="utf-8")
        # A solver that builds the net in this very state, as the test net of a training net of its own.
        stages = " ".join(f'stage: "{stage}"' for stage in line.get("stages", ()))
        state = f"{'train_state' if line['phase'] == 'TRAIN' else 'test_state'} {{ {stages} }}"
        field = "train_net" if line["phase"] == "TRAIN" else "test_net"
        other = "" if field == "train_net" else 'train_net: "none" test_iter: 1 test_interval: 1'
        solver = f'{field}: "net" {state} {other} base_lr: 0.1 lr_policy: "fixed" max_iter: 9'
        diagnostics = netcompile.check_solver(solver, {"net": text})
        refused = any(one.severity == "error" for one in diagnostics)
        assert refused == (line["category"] == "invalid"), (line["file"], line["phase"], list(map(str, diagnostics)))


def test_no_error_in_our_own_specs() -> None:
    specs = sorted((ROOT / "specs").rglob("*.yaml"))
    assert len(specs) >= 2
    for path in specs:
        checked = check_file(Options(Settings(), trace=True), Job(str(path), given=True))
        assert (checked.outcome in ("spec", "library"), checked.text) == (True, "")
        assert [str(one) for one in without_lints(checked.findings)] == [], path


def notes_of(*layers: str) -> list[list[str]]:
    return [[note.message for note in one.notes] for one in check("\n".join(layers)).findings]


FOLD = """layer { name: "r" type: "Reshape" bottom: "ip" top: "r" reshape_param { shape { dim: 2 dim: 2 dim: %d } } }
layer { name: "s" type: "Silence" bottom: "r" }"""


def test_what_one_state_alone_has_says_so() -> None:
    other = data("include { phase: TEST }").replace("dim: 2 dim: 3", "dim: 4 dim: 3").replace("dim: 1", "dim: 4")
    layers = [data("include { phase: TRAIN }"), other.replace("dim: 2", "dim: 4"), IP]
    assert notes_of(*layers, FOLD % 1) == [["in TEST alone"]]
    assert notes_of(*layers, FOLD % 3) == [[]]  # in both
    assert notes_of(data(), IP, FOLD % 1) == []
    missing = 'layer { name: "e" type: "ReLU" bottom: "no" top: "e" include { phase: TEST } }'
    assert notes_of(data(), IP, missing) == [[]]  # the message says it
    assert notes_of(data("include { phase: TRAIN }"), IP, FOLD % 3) == [[], []]  # no other is checked


def test_all_stages_with_which_a_net_builds_are_named() -> None:
    rules = ('include { stage: "a" }', 'include { stage: "b" min_level: 2 }')
    (finding,) = check("\n".join([*map(data, rules), IP])).findings
    assert finding.code == "needs-stage"
    assert "stage 'a' or level 2 and stage 'b'" in finding.message
