"""What a solver's fields and nets must satisfy: for each rule, what is accepted and what is found, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import netcompile

if TYPE_CHECKING:
    from netcompile.tree import Span

Fields: TypeAlias = "dict[str, str | list[str] | None]"

NET = """\
layer { name: "data" type: "DummyData" top: "data" top: "label" include { not_stage: "none" }
  dummy_data_param { shape { dim: 4 dim: 5 } shape { dim: 4 } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" include { not_stage: "none" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" include { not_stage: "none" } }
"""
OTHER = NET.replace("num_output: 3", "num_output: 7")
NETS = {"net": NET, "other": OTHER, "empty": ""}
SOUND = {"net": '"net"', "base_lr": "0.01", "lr_policy": '"fixed"', "max_iter": "100"}


def write(fields: Fields) -> str:
    lines = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name} {v}" if v.startswith("{") else f"{name}: {v}" for v in values if v]
    return "\n".join(lines)


def solver(**changes: Any) -> str:
    return write({**SOUND, **changes})


def marked(span: Span) -> str:
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]


def found(text: str, nets: dict[str, str] = NETS) -> list[tuple[str, str, str]]:
    """What is found, but for lints on the nets: most are too small to be trained."""
    lints = {"duplicate-layer", "no-loss", "old-format", "unused-top"}
    findings = netcompile.check_solver(text, nets=nets)
    return [(d.severity, d.code, marked(d.span)) for d in findings if d.code not in lints]


def held(net: str) -> str:
    return "{ " + " ".join(net.split("\n")) + " }"


TESTED = {"test_iter": "2", "test_interval": "10"}
STEP = {"lr_policy": '"step"', "gamma": "0.1", "stepsize": "10"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": '"Nesterov"', "momentum": "0.9"},
        {"type": '"AdaGrad"', "momentum": "0", "delta": "1e-6"},
        {"type": '"RMSProp"', "rms_decay": "0"},
        {"type": '"AdaDelta"', "momentum": "0.95"},
        {"type": '"Adam"', "momentum": "0.9", "momentum2": "0.99"},
        {"solver_type": "ADAGRAD"},
        STEP,
        {"lr_policy": '"exp"', "gamma": "0.99"},
        {"lr_policy": '"inv"', "gamma": "0.1", "power": "0.75"},
        {"lr_policy": '"multistep"', "gamma": "0.1", "stepvalue": ["10", "20"]},
        {"lr_policy": '"poly"', "power": "0.5"},
        {"lr_policy": '"sigmoid"', "gamma": "0.1", "stepsize": "50"},
        {"weight_decay": "0.1", "regularization_type": '"L1"'},
        {"snapshot": "10", "snapshot_prefix": '"out"'},
        {"snapshot": "10", "snapshot_after_train": "false"},
        {"snapshot": "100"},
        {**STEP, "stepsize": "99"},
        {**TESTED, "test_interval": "100"},
        {**TESTED, "test_interval": "999999999", "test_initialization": "false"},
        {"iter_size": "2", "clip_gradients": "10", "average_loss": "3", "display": "1"},
        {"weights": '"a.caffemodel, b.caffemodel"'},
        TESTED,
        {"test_iter": ["1", "2"], "test_interval": "5", "test_state": ['{ stage: "a" }', '{ stage: "b" }']},
        {"net": None, "train_net": '"net"'},
        {"net": None, "net_param": held(NET), **TESTED},
        {"net": None, "train_net": '"net"', "test_net": '"net"', **TESTED},
        {"test_net": '"net"', **TESTED},
        {"train_state": "{ phase: TRAIN level: 1 }"},
    ],
    ids=repr,
)
def test_nothing_is_found(changes: Fields) -> None:
    assert found(solver(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "code", "at"),
    [
        ({"type": '"adam"'}, "unknown-enum-value", '"adam"'),
        ({"type": '""'}, "unknown-enum-value", '""'),
        ({"solver_type": "SGD", "type": '"SGD"'}, "conflicting-fields", "SGD"),
        ({"type": '"AdaGrad"', "momentum": "0.9"}, "bad-value", "0.9"),
        ({"solver_type": "RMSPROP", "momentum": "0.9"}, "bad-value", "0.9"),
        ({"type": '"RMSProp"', "rms_decay": "1"}, "bad-value", "1"),
        ({"type": '"RMSProp"', "rms_decay": "nan"}, "bad-value", "nan"),
        ({"lr_policy": None}, "missing-field", ""),
        ({"lr_policy": '"Fixed"'}, "unknown-enum-value", '"Fixed"'),
        ({**STEP, "gamma": "-1"}, "bad-value", "-1"),
        ({**STEP, "gamma": "nan"}, "bad-value", "nan"),
        ({**STEP, "stepsize": "0"}, "bad-value", "0"),
        ({**STEP, "stepsize": None}, "missing-field", '"step"'),
        ({"weight_decay": "0.1", "regularization_type": '"l2"'}, "unknown-enum-value", '"l2"'),
        ({"average_loss": "0"}, "bad-value", "0"),
        ({"weights": '"a.caffemodel,"'}, "bad-value", '"a.caffemodel,"'),
        ({"net": None}, "missing-field", ""),
        ({"train_net": '"net"'}, "conflicting-fields", '"net"'),
        ({**TESTED, "test_interval": "0"}, "bad-value", "0"),
        ({**TESTED, "test_interval": None}, "missing-field", "2"),
        ({**TESTED, "test_state": ["{ }", "{ }"]}, "test-count", "test_state"),
        ({**TESTED, "test_net": ['"net"', '"net"']}, "test-count", "2"),
        ({**TESTED, "net": None, "train_net": '"net"'}, "test-count", "2"),
        ({"net": None, "train_net": '"net"', "test_net": '"net"'}, "test-count", '"net"'),
        ({"net": '"empty"'}, "empty-net", '"empty"'),
        ({"train_state": '{ stage: "none" }'}, "empty-net", '"net"'),
        ({**TESTED, "test_state": '{ stage: "none" }'}, "empty-net", '"net"'),
        (
            {"net": None, "net_param": held('layer { name: "r" type: "ReLU" bottom: "x" top: "y" }')},
            "unknown-bottom",
            '"x"',
        ),
        ({"test_net": '"other"', **TESTED}, "weights-mismatch", '"fc"'),
    ],
    ids=repr,
)
def test_errors(changes: Fields, code: str, at: str) -> None:
    assert [one for one in found(solver(**changes)) if one[0] == "error"] == [("error", code, at)]


@pytest.mark.parametrize(
    ("changes", "code", "at"),
    [
        ({"base_lr": None}, "learning-rate", ""),
        ({"base_lr": "0"}, "learning-rate", "0"),
        ({"base_lr": "-0.1"}, "learning-rate", "-0.1"),
        ({"base_lr": "inf"}, "learning-rate", "inf"),
        ({**STEP, "gamma": None}, "learning-rate", '"step"'),
        ({**STEP, "gamma": "0"}, "learning-rate", "0"),
        ({"lr_policy": '"exp"'}, "learning-rate", '"exp"'),
        ({"lr_policy": '"inv"', "gamma": "0.1"}, "learning-rate", '"inv"'),
        ({"lr_policy": '"multistep"', "gamma": "0.1"}, "learning-rate", '"multistep"'),
        ({"lr_policy": '"poly"'}, "learning-rate", '"poly"'),
        ({"lr_policy": '"sigmoid"', "stepsize": "9"}, "learning-rate", '"sigmoid"'),
        ({"lr_policy": '"multistep"', "gamma": "0.1", "stepvalue": ["20", "10"]}, "step-order", "10"),
        ({"lr_policy": '"multistep"', "gamma": "0.1", "stepvalue": ["20", "20"]}, "step-order", "20"),
        ({"lr_policy": '"multistep"', "gamma": "0.1", "stepvalue": ["20", "100"]}, "step-order", "100"),
        ({"lr_policy": '"multistep"', "gamma": "0.1", "stepvalue": ["0", "10"]}, "step-order", "0"),
        ({"gamma": "0.1"}, "unused-field", "0.1"),
        ({**STEP, "stepvalue": ["10", "20"]}, "unused-field", "10"),
        ({"momentum2": "0.9"}, "unused-field", "0.9"),
        ({"rms_decay": "0.9"}, "unused-field", "0.9"),
        ({"delta": "1e-6"}, "unused-field", "1e-6"),
        ({"test_interval": "10"}, "unused-field", "10"),
        ({"type": '"Adam"'}, "odd-value", ""),
        ({"type": '"AdaDelta"'}, "odd-value", ""),
        ({"type": '"Adam"', "momentum": "0.9", "momentum2": "1"}, "odd-value", "1"),
        ({"type": '"AdaGrad"', "delta": "0"}, "odd-value", "0"),
        ({"momentum": "1"}, "odd-value", "1"),
        ({"momentum": "-0.5"}, "odd-value", "-0.5"),
        ({"iter_size": "0"}, "odd-value", "0"),
        ({"clip_gradients": "0"}, "odd-value", "0"),
        ({"display": "-1"}, "odd-value", "-1"),
        ({"weight_decay": "-0.1"}, "odd-value", "-0.1"),
        ({"test_iter": "0", "test_interval": "10"}, "odd-value", "0"),
        ({"max_iter": None}, "no-iterations", ""),
        ({"max_iter": "0"}, "no-iterations", "0"),
        ({"snapshot_prefix": '"out"'}, "no-snapshot", '"out"'),
        ({"snapshot_after_train": "false"}, "no-snapshot", "false"),
        ({"snapshot_after_train": "false", "snapshot": "1000"}, "no-snapshot", "1000"),
        ({"snapshot": "101"}, "no-snapshot", "101"),
        ({**STEP, "stepsize": "100"}, "step-order", "100"),
        ({**TESTED, "test_interval": "500"}, "odd-value", "500"),
        ({"regularization_type": '"l2"'}, "unknown-enum-value", '"l2"'),
        ({"train_state": "{ phase: TEST }"}, "net-state", "TEST"),
        ({**TESTED, "test_state": "{ phase: TRAIN }"}, "net-state", "TRAIN"),
        ({"net": '"nowhere"'}, "unread-net", '"nowhere"'),
        ({"test_net": '"other"', "test_initialization": "false", **TESTED}, "weights-mismatch", '"fc"'),
    ],
    ids=repr,
)
def test_lints(changes: Fields, code: str, at: str) -> None:
    assert found(solver(**changes)) == [("warning", code, at)]


def test_messages_say_the_values_and_what_to_do() -> None:
    (finding,) = netcompile.check_solver(solver(type='"adagrad"'), nets=NETS)
    assert finding.message == "type 'adagrad' is none of Caffe's: SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam"
    assert finding.hint == "did you mean 'AdaGrad'?"


def test_poly_without_max_iter_is_no_number() -> None:
    codes = [code for _, code, _ in found(solver(lr_policy='"poly"', power="1", max_iter=None))]
    assert codes == ["no-iterations", "learning-rate"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lr_policy": None, "lr_polcy": '"fixed"'}, [("unknown-field", "lr_polcy")]),
        ({"lr_policy": None, "policy": '"fixed"'}, [("unknown-field", "policy")]),
        ({"base_lr": None, "lr": "0.1"}, [("unknown-field", "lr")]),
        ({"base_lr": '"big"'}, [("wrong-kind", '"big"')]),
        ({**TESTED, "test_interval": None, "test_every": "5"}, [("unknown-field", "test_every")]),
        ({"type": "3", "momentum2": "0.9"}, [("wrong-kind", "3")]),
        ({**TESTED, "test_iter": "many", "test_net": '"net"'}, [("wrong-kind", "many")]),
        ({"train_state": '{ stage: 3 not_stage: "a" }'}, [("wrong-kind", "3"), ("unknown-field", "not_stage")]),
    ],
    ids=repr,
)
def test_what_is_lost_is_not_called_missing(changes: Fields, expected: list[tuple[str, str]]) -> None:
    assert sorted((code, at) for _, code, at in found(solver(**changes))) == sorted(expected)


def test_what_is_lost_hides_nothing_else() -> None:
    text = solver(test_iter="2", lr_policy='"step"', solver_mode="gpu", blah="3")
    assert {(code, at) for severity, code, at in found(text) if severity == "error"} == {
        ("unknown-enum-value", "gpu"), ("unknown-field", "blah"), ("missing-field", '"step"'), ("missing-field", "2"),
    }  # fmt: skip


def test_a_test_net_too_many_needs_no_interval() -> None:
    text = solver(net=None, train_net='"net"', test_iter="2")
    findings = [d for d in netcompile.check_solver(text, nets=NETS) if d.severity == "error"]
    assert [d.code for d in findings] == ["test-count"]
    assert "`net` is tested too" in (findings[0].hint or "")


def test_several_findings_in_one_run() -> None:
    text = solver(type='"adam"', lr_policy='"stepp"', average_loss="0", net='"empty"')
    codes = [code for severity, code, _ in found(text) if severity == "error"]
    assert codes == ["empty-net", "unknown-enum-value", "unknown-enum-value", "bad-value"]


# Nets and their states


def test_findings_in_a_net_stand_in_the_net() -> None:
    broken = NET.replace('bottom: "fc"', 'bottom: "fcc"')
    (finding,) = netcompile.check_solver(solver(), nets={"net": broken})
    assert (finding.code, finding.span.source.name, marked(finding.span)) == ("unknown-bottom", "net", '"fcc"')


def test_only_the_states_of_the_solver_are_checked() -> None:
    late = NET + 'layer { name: "late" type: "Power" bottom: "nothere" top: "q" include { phase: TEST } }'
    assert found(solver(), {"net": late}) == []
    assert [code for _, code, _ in found(solver(**TESTED), {"net": late})] == ["unknown-bottom"]


def test_the_nets_own_state_comes_under_the_solvers() -> None:
    late = NET + 'layer { name: "late" type: "Power" bottom: "nothere" top: "q" include { min_level: 2 stage: "a" } }'
    own = 'state { level: 2 stage: "a" }\n' + late
    assert [code for _, code, _ in found(solver(), {"net": own})] == ["unknown-bottom"]
    assert found(solver(train_state="{ level: 1 }"), {"net": own}) == []
    assert found(solver(train_state="{ level: 2 }"), {"net": late}) == []
    assert [code for _, code, _ in found(solver(train_state='{ level: 2 stage: "a" }'), {"net": late})] == [
        "unknown-bottom"
    ]


def test_a_phase_in_the_net_is_the_phase_of_training_too() -> None:
    net = (
        "state { phase: TEST }\n"
        + NET
        + 'layer { name: "late" type: "Power" bottom: "x" top: "q" include { phase: TEST } }'
    )
    assert [code for _, code, _ in found(solver(), {"net": net})] == ["unknown-bottom", "net-state"]


def test_old_nets_are_upgraded_in_files_only() -> None:
    old = 'input: "x" input_shape { dim: 2 dim: 3 } layers { name: "r" type: RELU bottom: "x" top: "y" }'
    assert found(solver(), {"net": old}) == []
    codes = [one[:2] for one in found(solver(net=None, net_param=held(old)))]
    assert codes == [("warning", "not-upgraded"), ("error", "empty-net")]


def test_a_mixed_net_is_refused() -> None:
    assert [code for _, code, _ in found(solver(), {"net": NET + "layers { }"})] == ["mixed-formats"]


def test_a_net_that_cannot_be_read_is_reported_once() -> None:
    assert [code for _, code, _ in found(solver(**TESTED), {"net": NET + "layer {"})] == ["syntax"]


def test_test_nets_come_in_caffes_order() -> None:
    text = solver(
        test_net='"other"',
        test_net_param=held(NET.replace('"fc"', '"own"')),
        test_iter=["1", "1", "1"],
        test_interval="1",
        test_state=["{ }", "{ }", '{ stage: "none" }'],
    )
    assert [code for _, code, _ in found(text)] == ["weights-mismatch", "empty-net"]


def test_tests_without_batches_run_nothing() -> None:
    text = solver(test_net='"empty"', test_iter="0", test_interval="1")
    assert [one[:2] for one in found(text)] == [("warning", "odd-value")]


def test_no_iteration_runs_the_net_where_iter_size_is_0() -> None:
    assert [one[:2] for one in found(solver(net='"empty"', iter_size="0"))] == [("warning", "odd-value")]


def test_a_late_first_test_is_a_warning() -> None:
    text = solver(test_initialization="false", test_net='"empty"', **TESTED)
    assert [one[:2] for one in found(text)] == [("warning", "empty-net")]


# What the first iteration does


def test_an_output_without_elements_cannot_be_printed() -> None:
    net = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 0 } } }'
    assert found(solver(), {"net": net}) == []
    assert found(solver(display="5"), {"net": net}) == [("error", "run-abort", '"x"')]
    assert found(solver(**TESTED), {"net": net}) == [("error", "run-abort", '"x"')]
    assert found(solver(display="5"), {"net": net + ' layer { name: "s" type: "Silence" bottom: "x" }'}) == []


@pytest.mark.parametrize(
    ("names", "fine"),
    [
        (["a", "b"], True),
        (["a", "a/b", "a/b/c"], True),
        (["/a", "a"], True),
        (["a/b"], False),
        (["a/b", "a"], False),
        (["a", "a"], False),
        (["a", "a/."], False),
        ([""], False),
        (["."], False),
    ],
    ids=repr,
)
def test_names_in_hdf5_snapshots(names: list[str], *, fine: bool) -> None:
    net = "\n".join(
        f'layer {{ name: "{name}" type: "DummyData" top: "{i}" dummy_data_param {{ shape {{ dim: 1 }} }} }}'
        for i, name in enumerate(names)
    )
    assert found(solver(snapshot="1"), {"net": net}) == []
    assert found(solver(snapshot="1", snapshot_format="HDF5"), {"net": net}) == (
        [] if fine else [("error", "hdf5-name", "HDF5")]
    )
    assert found(solver(snapshot_format="HDF5"), {"net": net}) == ([] if fine else [("warning", "hdf5-name", "HDF5")])


def test_regularization_counts_only_where_a_blob_is_decayed() -> None:
    text = solver(weight_decay="0.1", regularization_type='"L3"')
    frozen = NET.replace("inner_product_param", "param { decay_mult: 0 } param { decay_mult: 0 } inner_product_param")
    shared = frozen.replace("param { decay_mult: 0 }", 'param { name: "w" }', 1)
    second = (
        'layer { name: "fd" type: "InnerProduct" bottom: "data" top: "fd" param { name: "w" decay_mult: 0 }'
        ' inner_product_param { num_output: 3 bias_term: false weight_filler { type: "xavier" } } }'
    )
    assert found(text, {"net": frozen}) == [("warning", "unknown-enum-value", '"L3"')]
    assert found(text, {"net": shared}) == [("error", "unknown-enum-value", '"L3"')]
    assert found(text, {"net": shared + second}) == [("warning", "unknown-enum-value", '"L3"')]
