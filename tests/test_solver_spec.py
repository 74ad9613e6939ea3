"""The `solver:` section of a spec: the message it fills, `test_set`, and where its fields are found."""

from __future__ import annotations

import io
from typing import Any

import pytest

import netcompile
from netcompile import analyze
from netcompile.caffe.caffe_pb2 import SolverParameter
from netcompile.diagnostics import Report
from netcompile.load import load
from netcompile.net_files import read_net
from netcompile.solver_files import check_own
from netcompile.solving.section import SectionOrigin, batch_of, batches_covering, derive_tests, fill_solver, names_net
from netcompile.tree import Source

DATA = 'layer { name: "%s" type: "%s" top: "%s" %s }'
LMDB = DATA % ("d", "Data", "x", 'data_param { source: "db" backend: LMDB batch_size: 100 }')
DUMMY = DATA % ("e", "DummyData", "e", "dummy_data_param { shape { dim: 7 } }")


def section(text: str) -> tuple[Any, Any]:
    report = Report()
    document = load(Source("spec.yaml", "solver: " + text), report)
    assert not report
    return document.entries["solver"], document.keys["solver"]


def derived(text: str, *nets: str | None) -> tuple[list[int], bool, list[tuple[str, int]]]:
    """The counts, whether they are what was meant, and the codes and columns of the findings."""
    node, _ = section(text)
    report = Report()
    solver = fill_solver(node, report)
    graphs = [None if net is None else analyze(net, phase="TEST") for net in nets]
    done = derive_tests(solver, node, graphs.__getitem__, report)
    return list(solver.test_iter), done, [(d.code, d.span.column) for d in report]


def test_fields_of_every_kind() -> None:
    node, _ = section(
        "{type: Adam, base_lr: 1e-3, stepvalue: [10, 20.0], test_iter: 5, test_initialization: false,"
        " snapshot_format: HDF5, test_state: {stage: a}, weights: w.caffemodel}"
    )
    report = Report()
    wanted = SolverParameter(
        type="Adam",
        base_lr=0.001,
        stepvalue=[10, 20],
        test_iter=[5],
        test_initialization=False,
        snapshot_format="HDF5",
        test_state=[{"stage": ["a"]}],
        weights=["w.caffemodel"],
    )
    assert fill_solver(node, report) == wanted
    assert not report


def test_a_value_that_no_field_holds() -> None:
    node, _ = section("{max_iter: 3000000000, base_lr: 1}")
    report = Report()
    assert fill_solver(node, report) == SolverParameter(base_lr=1)
    assert [(d.code, d.span.column) for d in report] == [("out-of-range", 20)]


@pytest.mark.parametrize(("test_set", "batch", "count"), [(10000, 100, 100), (1, 100, 1), (101, 100, 2), (99, 1, 99)])
def test_a_test_set_is_covered_once(test_set: int, batch: int, count: int) -> None:
    assert batches_covering(test_set, batch) == count


def test_test_set() -> None:
    assert derived("{test_set: 10001}", LMDB) == ([101], True, [])
    assert derived("{test_set: 5, net: elsewhere.prototxt}", LMDB) == ([1], True, [])
    assert derived("{test_set: [10, 1000]}", LMDB, DUMMY) == ([1, 143], True, [])
    assert derived("{test_iter: 3}") == ([3], True, [])
    assert derived("{test_set: ~, test_iter: 3}") == ([3], True, [])


def test_test_set_that_cannot_be_had() -> None:
    assert derived("{test_set: 5, test_iter: 3}", LMDB) == ([3], False, [("conflicting-fields", 10)])
    assert derived("{test_set: 5, net_param: {name: n}}", LMDB) == ([], False, [("unknown-batch", 20)])
    assert derived("{test_set: 5}", LMDB + DUMMY) == ([1], False, [("unknown-batch", 20)])
    assert derived("{test_set: 0}", LMDB) == ([1], False, [("bad-value", 20)])


def test_a_refused_net_is_not_reported_again() -> None:
    assert derived("{test_set: 5}", None) == ([1], False, [])


@pytest.mark.parametrize(
    ("net", "batch"),
    [
        (LMDB, 100),
        (DUMMY, 7),
        (LMDB + DUMMY, None),
        (LMDB + LMDB.replace('"x"', '"z"'), 100),
        (LMDB + DATA % ("p", "Parameter", "p", "parameter_param { shape { dim: 3 } }"), 100),
        (DATA % ("h", "HDF5Data", "x", 'hdf5_data_param { source: "f" batch_size: 2 }'), 2),
        (DATA % ("i", "Input", "x", "input_param { shape { dim: 4 dim: 3 } }"), 4),
        (DATA % ("i", "Input", "x", ""), None),
        (DATA % ("p", "Python", "x", 'python_param { module: "m" layer: "L" }'), None),
        ("", None),
    ],
    ids=[
        "Data",
        "DummyData",
        "two sizes",
        "two of a size",
        "Parameter",
        "HDF5Data",
        "Input",
        "no shape",
        "Python",
        "none",
    ],
)
def test_the_batch_of_a_net(net: str, batch: int | None) -> None:
    assert batch_of(analyze(net, phase="TEST")) == batch


def test_a_section_that_names_its_net() -> None:
    assert not names_net(section("{base_lr: 1, test_net: t}")[0])
    assert all(names_net(section(f"{{{key}: n}}")[0]) for key in ("net", "train_net"))


def test_places() -> None:
    node, key = section("{base_lr: 1, stepvalue: [10, 20], test_iter: 5, train_state: {level: 3}}")
    origin = SectionOrigin(node, key.span)
    columns = {
        at: origin.span(at).column
        for at in ("", "base_lr", "max_iter", "stepvalue:1", "stepvalue:9", "test_iter:0", "train_state.level")
    }
    assert columns == {
        "": 1,
        "base_lr": 19,
        "max_iter": 1,
        "stepvalue:1": 38,
        "stepvalue:9": 33,
        "test_iter:0": 54,
        "train_state.level": 78,
    }
    assert origin.notes("base_lr") == ()


def own(solver: str, net: str) -> tuple[list[tuple[str, bool]], list[tuple[str, str]]]:
    """What is found in a section and the net beside it, and the states in which that is built."""
    node, key = section(solver)
    report = Report()
    read = read_net(Source("net", net), report)
    built = check_own(fill_solver(node, report), SectionOrigin(node, key.span), read, report)
    found = [(d.code, d.span.source.line(1)[d.span.column - 1 : d.span.end_column - 1]) for d in report.ordered()]
    return [(str(one.state), one.graph is not None) for one in built], found


FC = (
    'layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" loss_weight: 1'
    '  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }'
)
LATE = 'layer { name: "late" type: "Power" bottom: "nowhere" top: "q" include { stage: "a" } }'
INPUT = DATA % ("d", "DummyData", "x", "dummy_data_param { shape { dim: 7 dim: 2 } }") + FC
RATE = "base_lr: 1, lr_policy: fixed, max_iter: 9"


@pytest.mark.parametrize("name", ["net: a", "train_net: a"])
def test_a_solver_is_checked_against_the_specs_net(name: str) -> None:
    assert own(f"{{{name}, {RATE}}}", INPUT) == ([("TRAIN", True)], [])
    state = "train_state: {stage: a}"
    assert own(f"{{{name}, {RATE}, {state}}}", INPUT + LATE) == (
        [("TRAIN, stage a", False)],
        [("unknown-bottom", '"nowhere"')],
    )


def test_a_net_in_two_files_is_one_net() -> None:
    tests = "test_iter: 1, test_interval: 1"
    states = [("TRAIN", True), ("TEST", True)]
    assert own(f"{{train_net: a, test_net: b, {RATE}, {tests}}}", INPUT) == (states, [])
    assert own(f"{{net: a, {RATE}, {tests}}}", INPUT) == (states, [])
    assert own(f"{{net: a, test_net: b, {RATE}, {tests}}}", INPUT) == ([("TRAIN", True), ("TEST", False)], [])


def test_a_net_inside_a_section_has_places() -> None:
    layers = "layer: [{name: p, type: Power, bottom: x, top: y}]"
    assert own(f"{{{RATE}, net_param: {{{layers}}}}}", INPUT) == (
        [("TRAIN", False)],
        [("unknown-bottom", "x")],
    )


def test_faults_of_the_section_stand_in_the_section() -> None:
    assert own("{net: a, base_lr: 1, lr_policy: fixd, max_iter: 9}", INPUT)[1] == [("unknown-enum-value", "fixd")]
    assert own("{net: a, base_lr: 1, max_iter: 9}", INPUT)[1] == [("missing-field", "solver")]


SPEC = """\
layers:
  - {{name: d, type: DummyData, top: x, shape: {{dim: [7, 2]}}}}
  - {{name: fc, type: InnerProduct, num_output: 3, weight_filler: xavier, loss_weight: 1}}
  - {{name: late, type: Power, bottom: nowhere, include: [{{phase: TEST, stage: a}}]}}
solver: {{base_lr: 1, lr_policy: fixed, max_iter: 9, {}}}
"""


def compiled(solver: str, **options: Any) -> Any:
    return netcompile.compile(io.StringIO(SPEC.format(solver)), **options)


def test_a_spec_is_checked_in_the_states_of_its_solver() -> None:
    done = compiled("test_set: [50, 7], test_interval: 1, test_state: [{stage: b}, {}], train_state: {stage: a}")
    assert list(done.solver.test_iter) == [8, 1]
    assert done.warnings == ()
    with pytest.raises(netcompile.CompileError) as refused:
        compiled("test_set: [50, 7], test_interval: 1, test_state: [{stage: b}, {stage: a}]")
    assert [(d.code, d.span.line) for d in refused.value.diagnostics] == [("unknown-bottom", 4)]


def test_a_misspelt_key_is_not_also_missing() -> None:
    with pytest.raises(netcompile.CompileError) as refused:
        compiled("test_iter: 5, test_intervall: 1")
    assert [(d.code, d.span.line) for d in refused.value.diagnostics] == [("unknown-field", 5)]


def test_without_checks_the_solver_is_made_as_it_stands() -> None:
    done = compiled("type: adam", check=False)
    assert (done.solver.type, done.warnings) == ("adam", ())
