"""What aborts when a net is run for the first time: which layers Caffe asks for gradients, and which have none."""

from __future__ import annotations

import random
from typing import TypeAlias

import pytest

import netcompile
from netcompile.diagnostics import Report
from netcompile.passes import check_run

Found: TypeAlias = "tuple[str, str, str]"  # severity, code, layer

DATA = """layer { name: "data" type: "DummyData" top: "x" top: "y"
  dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } } }"""
FC = """layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" %s
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }"""
LABEL = """layer { name: "made" type: "InnerProduct" bottom: "y" top: "made" %s
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "%s" top: "loss" %s }'
FROZEN = "param { lr_mult: 0 } param { lr_mult: 0 }"


def layer(kind: str, bottoms: str, tops: str, rest: str = "", name: str = "l") -> str:
    wires = [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(wires)} {rest} }}'


def found(*layers: str, backward: bool = True, force: bool = False, severity: str | None = None) -> list[Found]:
    report = Report()
    graph = netcompile.analyze("\n".join((DATA, *layers)))
    check_run(graph, report, backward=backward, force_backward=force, severity=severity)
    return [(d.severity, d.code, d.message.partition(":")[0]) for d in report]


LOST: list[Found] = [("error", "no-gradient", "SoftmaxWithLoss 'loss'")]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([FC % "", LOSS % ("y", "")], []),
        ([FC % "", LABEL % "", LOSS % ("made", "")], LOST),
        ([FC % "", LABEL % FROZEN, LOSS % ("made", "")], []),
        ([FC % "", LABEL % "param { lr_mult: 0 }", LOSS % ("made", "")], LOST),
        ([FC % "", LABEL % "", LOSS % ("made", "propagate_down: true propagate_down: false")], []),
        ([FC % "", LOSS % ("y", "propagate_down: true propagate_down: true")], LOST),
        ([FC % "", LABEL % "", LOSS % ("made", "loss_weight: 0")], []),
        ([FC % FROZEN, LABEL % "", LOSS % ("made", "")], LOST),
        # between what is learned and a loss
        ([FC % "", layer("Threshold", "fc", "t"), layer("EuclideanLoss", "t x", "e", name="loss")], "Threshold 'l'"),
        ([FC % FROZEN, layer("Threshold", "fc", "t"), layer("EuclideanLoss", "t x", "e")], []),
        ([FC % "", layer("Threshold", "fc", "t"), layer("Silence", "t", "")], []),
        ([FC % "", layer("ArgMax", "fc", "t", "loss_weight: 1")], "ArgMax 'l'"),
        ([FC % "", layer("Threshold", "fc", "t"),
          layer("EuclideanLoss", "t x", "e", "propagate_down: false propagate_down: true")], []),
        # counted by Caffe from a loss weight alone
        ([FC % "", layer("Accuracy", "fc y", "acc")], []),
        ([FC % "", layer("Accuracy", "fc y", "acc", "loss_weight: 1")], "Accuracy 'l'"),
        # several readers: an automatic Split comes between
        ([FC % "", layer("Power", "fc", "p"), layer("Accuracy", "fc y", "acc"), LOSS % ("y", "")], []),
        ([FC % "", LABEL % "", layer("Silence", "made", ""), LOSS % ("made", "")], LOST),
        ([FC % "", layer("Reduction", "fc", "r", "loss_weight: 1"), layer("Threshold", "r", "t")], []),
        ([FC % "", layer("Threshold", "fc", "r", "loss_weight: 1"), layer("Silence", "r", "")], "Threshold 'l'"),
        # the weights of a loss whose top is read go to the Split, and its own comes back
        ([FC % "", LABEL % "", LOSS % ("made", "loss_weight: 1"), layer("Power", "loss", "p")], LOST),
        # in place
        ([FC % "", layer("ReLU", "fc", "fc"), LOSS % ("y", "")], []),
        ([FC % "", layer("Threshold", "fc", "fc"), LOSS % ("y", "")], "Threshold 'l'"),
        # a loss without a top
        ([FC % "", LABEL % "", layer("SoftmaxWithLoss", "fc made", "", name="loss")], LOST),
        ([FC % "", layer("Filter", "fc y", "f"), layer("EuclideanLoss", "f f", "e")], []),
        ([FC % "", LABEL % "", layer("Filter", "fc made", "f"), layer("EuclideanLoss", "f f", "e")], "Filter 'l'"),
    ],
)  # fmt: skip
def test_backward(layers: list[str], expected: str | list[Found]) -> None:
    assert found(*layers) == ([("error", "no-gradient", expected)] if isinstance(expected, str) else expected)


def test_force_backward_spares_labels_alone() -> None:
    assert found(FC % "", LOSS % ("y", ""), force=True) == []
    assert found(FC % "", LOSS % ("y", ""), layer("ArgMax", "x", "a"), force=True) == [
        ("error", "no-gradient", "ArgMax 'l'")
    ]
    assert (
        found(FC % "", layer("Accuracy", "fc y", "acc"), force=True) == [("error", "no-gradient", "Accuracy 'l'")] * 2
    )


def test_batch_norm_counts_as_learned_unless_written_otherwise() -> None:
    loss = layer("EuclideanLoss", "t x", "e")
    three = "param { lr_mult: 0 } param { lr_mult: 0 } param { lr_mult: 0 }"
    norm = layer("BatchNorm", "x", "b", "%s", name="bn")
    assert found(norm % "", layer("Threshold", "b", "t"), loss) == [("error", "no-gradient", "Threshold 'l'")]
    assert found(norm % three, layer("Threshold", "b", "t"), loss) == []


def test_unknown_layers_are_held_against_nobody() -> None:
    python = 'layer { name: "p" type: "Python" bottom: "x" top: "p" python_param { module: "m" layer: "L" } }'
    assert found(python, layer("Threshold", "p", "t"), layer("EuclideanLoss", "t x", "e")) == []


def test_without_backward_only_the_forward_pass_counts() -> None:
    layers = [FC % "", LABEL % "", LOSS % ("made", "")]
    assert found(*layers, backward=False) == []
    prefetch = 'layer { name: "d" type: "Data" top: "z" data_param { source: "db" batch_size: 1 prefetch: 0 } }'
    assert found(prefetch, backward=False) == [("error", "run-abort", "Data 'd'")]


def test_the_severity_can_be_given() -> None:
    assert found(FC % "", LABEL % "", LOSS % ("made", ""), severity="warning") == [
        ("warning", "no-gradient", "SoftmaxWithLoss 'loss'")
    ]


def test_the_place_is_what_asks() -> None:
    asked = "\n".join((DATA, FC % "", LOSS % ("y", "propagate_down: true\npropagate_down: true")))
    text = 'net: "net" base_lr: 0.1 lr_policy: "fixed" max_iter: 1'
    (finding,) = netcompile.check_solver(text, nets={"net": asked})
    assert (finding.span.line, finding.span.column) == (6, 17)
    assert finding.hint == "make propagate_down false for 'y'"


def random_net(choose: random.Random) -> str:
    """A net that shape rules don't stand in the way of: every blob is 2 x 3 or a loss."""
    blobs, layers = ["x", "fc"], []
    for i in range(choose.randint(2, 7)):
        kind = choose.choice(["InnerProduct", "ReLU", "Threshold", "Power", "EuclideanLoss", "Silence", "Filter"])
        rest = (
            'inner_product_param { num_output: 3 weight_filler { type: "xavier" } }' if kind == "InnerProduct" else ""
        )
        bottoms = [choose.choice(blobs) for _ in range(2 if kind in ("EuclideanLoss", "Filter") else 1)]
        if kind == "Filter":
            bottoms[1] = choose.choice(["y", "made"])
        if choose.random() < 0.1:
            rest += "".join(f" propagate_down: {choose.choice(['true', 'false'])}" for _ in bottoms)
        if kind == "InnerProduct" and choose.random() < 0.3:
            rest += f" {FROZEN}"
        if kind not in ("Silence", "Filter") and choose.random() < 0.3:
            rest += " loss_weight: 1"
        tops = "" if kind == "Silence" else f"b{i}"
        layers.append(layer(kind, " ".join(bottoms), tops, rest, name=f"l{i}"))
        if kind not in ("Silence", "EuclideanLoss"):
            blobs.append(f"b{i}")
    return "\n".join((FC % "", *layers, layer("EuclideanLoss", f"{blobs[-1]} {blobs[-2]}", "loss", name="loss")))


def test_the_look_in_passing_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = [random_net(random.Random(seed)) for seed in range(300)]  # noqa: S311 - no secret
    quick = [found(LABEL % "", net) for net in nets]
    monkeypatch.setattr("netcompile.passes._may_abort", lambda *_: True)
    assert quick == [found(LABEL % "", net) for net in nets]
    assert 20 < sum(map(bool, quick)) < 280
