"""The `solver:` section of a spec: the message it fills, `test_set`, and where its fields are found."""

import pytest

from netcompile import analyze
from netcompile.caffe.caffe_pb2 import SolverParameter
from netcompile.diagnostics import Report
from netcompile.load import load
from netcompile.solver_spec import SectionOrigin, derive_tests, fill_solver, names_net, test_batch, test_iterations
from netcompile.tree import Source

test_batch.__test__ = test_iterations.__test__ = False  # pytest takes them for tests

DATA = 'layer { name: "%s" type: "%s" top: "%s" %s }'
LMDB = DATA % ("d", "Data", "x", 'data_param { source: "db" backend: LMDB batch_size: 100 }')
DUMMY = DATA % ("e", "DummyData", "e", "dummy_data_param { shape { dim: 7 } }")


def section(text):
    report = Report()
    document = load(Source("spec.yaml", "solver: " + text), report)
    assert not report
    return document.entries["solver"], document.keys["solver"]


def derived(text, *nets):
    """The counts, whether they are what was meant, and the codes and columns of the findings."""
    node, _ = section(text)
    report = Report()
    solver = fill_solver(node, report)
    graphs = [None if net is None else analyze(net, phase="TEST") for net in nets]
    done = derive_tests(solver, node, graphs.__getitem__, report)
    return list(solver.test_iter), done, [(d.code, d.span.column) for d in report]


def test_fields_of_every_kind():
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


def test_a_value_that_no_field_holds():
    node, _ = section("{max_iter: 3000000000, base_lr: 1}")
    report = Report()
    assert fill_solver(node, report) == SolverParameter(base_lr=1)
    assert [(d.code, d.span.column) for d in report] == [("out-of-range", 20)]


@pytest.mark.parametrize(("test_set", "batch", "count"), [(10000, 100, 100), (1, 100, 1), (101, 100, 2), (99, 1, 99)])
def test_a_test_set_is_covered_once(test_set, batch, count):
    assert test_iterations(test_set, batch) == count


def test_test_set():
    assert derived("{test_set: 10001}", LMDB) == ([101], True, [])
    assert derived("{test_set: [10, 1000]}", LMDB, DUMMY) == ([1, 143], True, [])
    assert derived("{test_iter: 3}") == ([3], True, [])
    assert derived("{test_set: ~, test_iter: 3}") == ([3], True, [])


def test_test_set_that_cannot_be_had():
    assert derived("{test_set: 5, test_iter: 3}", LMDB) == ([3], False, [("conflicting-fields", 10)])
    assert derived("{test_set: 5, net: n}", LMDB) == ([], False, [("unknown-batch", 20)])
    assert derived("{test_set: 5}", LMDB + DUMMY) == ([], False, [("unknown-batch", 20)])
    assert derived("{test_set: 0}", LMDB) == ([], False, [("bad-value", 20)])


def test_a_refused_net_is_not_reported_again():
    assert derived("{test_set: 5}", None) == ([], False, [])


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
def test_the_batch_of_a_net(net, batch):
    assert test_batch(analyze(net, phase="TEST")) == batch


def test_a_section_that_names_its_net():
    assert not names_net(section("{base_lr: 1, test_net: t}")[0])
    assert all(names_net(section(f"{{{key}: n}}")[0]) for key in ("net", "train_net"))


def test_places():
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
