"""Lints: what Caffe takes, and what is probably wrong all the same. A table, and the stage that goes through it.

Each lint is a function: over a layer by itself, over a `View` of a net in one state, or over the views of all states of
a net. It stands in a file by theme. A lint must be right each time that it fires: what can't be known is no finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Report, worded
from netcompile.layers import LAYER_TYPES
from netcompile.lints import data, layers, learning, losses, normalisation, overwriting, states, wiring
from netcompile.lints.view import WEIGHTED, View
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.diagnostics import Note
    from netcompile.ir import Graph, GraphLayer, Layer, Net
    from netcompile.lints.layers import Remark
    from netcompile.lints.states import NetFinding
    from netcompile.lints.view import Finding
    from netcompile.shapes import Wording


class Lint(NamedTuple):
    """A lint with its code. `training`: it is about nets that are trained, and runs on nothing else.

    `phase`: it looks at the phase as well as at the layers, so that it can differ where the layers are the same.
    `alone`: what it finds in a layer stands whatever is wrong with others.
    """

    code: str
    check: Callable[[View], Iterator[Finding]]
    training: bool = False
    phase: bool = False
    alone: bool = False


class LayerLint(NamedTuple):
    """A lint on layers of some types by themselves; no types are all. Equal layers are looked at once."""

    code: str
    types: tuple[str, ...]
    check: Callable[[GraphLayer], Iterator[Remark]]
    training: bool = False


class NetLint(NamedTuple):
    """A lint that compares the states of a net. `severity` replaces that of the code."""

    code: str
    check: Callable[[Net, Sequence[View]], Iterator[NetFinding]]
    severity: str | None = None


LAYER_LINTS: Final = (
    LayerLint("unused-field", tuple(layers.UNREAD), layers.unread_fields),
    LayerLint("unused-field", WEIGHTED, layers.unread_filler_fields, training=True),
    LayerLint("odd-value", ("Dropout",), layers.dropout_of_all),
    LayerLint("odd-value", ("Convolution", "Deconvolution"), layers.no_dilation),
    LayerLint("odd-value", ("Clip",), layers.clip_of_all),
    LayerLint("odd-value", ("WindowData",), layers.crop_modes),
    LayerLint("python-module", ("Python",), layers.module_paths),
    LayerLint("stride-gap", ("Convolution", "Pooling"), layers.gaps),
    LayerLint("empty-top", (), layers.empty_tops),
)
LINTS: Final = (
    Lint("unused-field", layers.unread_messages, alone=True),
    Lint("layer-phase", layers.phases, alone=True),
    Lint("odd-value", layers.repeated_bottoms, alone=True),
    Lint("odd-value", data.backends, alone=True),
    Lint("odd-value", losses.blind_measures),
    Lint("duplicate-layer", wiring.duplicate_names, alone=True),
    Lint("in-place-values", overwriting.wrong_values),
    Lint("in-place-gradient", overwriting.wrong_gradients, training=True),
    Lint("lost-gradient", overwriting.lost_gradients, training=True),
    Lint("unused-top", wiring.unused_tops, training=True),
    Lint("untrained-layer", wiring.untrained_layers, training=True),
    Lint("loss-top-read", wiring.read_losses, training=True),
    Lint("zero-weights", learning.zero_weights, training=True, alone=True),
    Lint("upsampling", learning.upsampling, training=True, alone=True),
    Lint("shared-filler", learning.shared_fillers, training=True),
    Lint("learning-rate", learning.frozen_nets, training=True),
    Lint("no-loss", learning.no_loss),
    Lint("batch-norm-alone", normalisation.without_scale, training=True),
    Lint("batch-norm-phase", normalisation.fixed_statistics, phase=True, alone=True),
    Lint("loss-input", losses.inputs_of_losses),
    Lint("one-class", losses.one_class),
    Lint("class-count", losses.classes_of_labels),
    Lint("swapped-axes", losses.swapped_axes),
    Lint("unweighted-loss", losses.unweighted_losses),
    Lint("random-test", data.random_tests, phase=True, alone=True),
    Lint("cpu-mode", layers.without_cpu_code),
)
_LAYER_LINTS: Final = {name: [one for one in LAYER_LINTS if not one.types or name in one.types] for name in LAYER_TYPES}
NET_LINTS: Final = (
    NetLint("unknown-stage", states.unknown_stages),
    NetLint("unused-field", states.impossible_rules),
    NetLint("no-loss", states.test_only_losses),
    NetLint("weights-mismatch", states.other_weights, "warning"),
)


def lint(net: Net, graphs: Iterable[Graph], report: Report, solver: SolverParameter | None = None) -> None:
    """Report what is probably wrong with a net in the states that it is checked in, each of which must be sound.

    `solver` trains it, where that is known.
    """
    views: list[View] = []
    for graph in graphs:
        views.append(View(net, graph, solver, views[-1] if views else None))
        _lint_state(views[-1], report)
    for one in NET_LINTS:
        for layer, at, message, hint, notes in one.check(net, views):
            _add(report, one.code, layer, at, message, hint, notes, one.severity)


def lint_layers(net: Net, graphs: Iterable[Graph], report: Report, solver: SolverParameter | None = None) -> None:
    """Report what is probably wrong with single layers in states that are not sound: of those that are, by themselves.

    What depends on how layers read each other is not looked for, since what is wrong there may be its cause.
    """
    before: View | None = None
    for graph in graphs:
        view = before = View(net, graph, solver, before)
        _lint_state(view, report, alone=True, but=view.broken.union(_sharers(view)))


def lint_some(net: Net, graph: Graph, chosen: Collection[int], report: Report) -> None:
    """Report what is probably wrong with some layers of a sound net."""
    if chosen:
        view = View(net, graph, None)
        _lint_state(view, report, but=set(range(len(graph.layers))).difference(chosen))


def _sharers(view: View) -> Iterator[int]:
    """The layers that share learned blobs with one that is broken, which may be who fills them."""
    names = {param.name for index in view.broken for param in view.message(index).param}
    for index, one in enumerate(view.layers):
        if "param" in one.layer.given and any(p.name and p.name in names for p in one.layer.message.param):
            yield index


def _lint_state(view: View, report: Report, *, alone: bool = False, but: Collection[int] = ()) -> None:
    """Lint a state; `alone` only what is said of layers by themselves, and `but` some layers."""
    found = Report()
    if view.new:
        _lint_each(view, found, but)
    for one in LINTS:
        if (one.training and not view.training) or (view.same and not one.phase) or (alone and not one.alone):
            continue
        for index, at, message, hint, notes in one.check(view):
            if index not in but:
                _add(found, one.code, view.layers[index].layer, at, message, hint, notes)
    report.extend_new(found)


def _lint_each(view: View, report: Report, but: Collection[int]) -> None:
    """Look at the new layers of a state, at those once that were derived once (`layers.apply_again`)."""
    known: dict[int, list[tuple[str, Remark]]] = {}
    for index in view.new:
        one = view.layers[index]
        if one.kind is None or index in but:
            continue
        remarks = known.get(id(one.tops))
        if remarks is None:
            lints = _LAYER_LINTS[one.kind.name]
            asked = [lint for lint in lints if view.training or not lint.training]
            remarks = known[id(one.tops)] = [(lint.code, remark) for lint in asked for remark in lint.check(one)]
        for code, remark in remarks:
            _add(report, code, one.layer, remark.at, remark.message, remark.hint, ())


def _add(
    report: Report, code: str, layer: Layer, at: str, message: str, hint: str | Wording | None, notes: Sequence[Note],
    severity: str | None = None,
) -> None:  # fmt: skip
    name = layer.message.name
    text = f"{layer.message.type} '{name}'" if name else f"{layer.message.type} layer"
    said = worded(hint, in_spec=layer.origin.in_spec)
    notes = (*notes, *layer.origin.notes(at))
    report.add(code, layer.origin.span(at), f"{text}: {message}", notes=notes, hint=said, severity=severity)
