"""Lints: what Caffe takes, and what is probably wrong all the same. A table, and the stage that goes through it.

Each lint is a function: over a layer by itself, over a `View` of a net in one state, or over the views of all states of
a net. It stands in a file by theme. A lint must be right each time that it fires: what can't be known is no finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Report
from netcompile.layers import LAYER_TYPES
from netcompile.lints import data, layers, learning, losses, normalisation, overwriting, states, wiring
from netcompile.lints.view import WEIGHTED, View
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.diagnostics import Note
    from netcompile.ir import Graph, GraphLayer, Layer, Net
    from netcompile.lints.layers import Remark
    from netcompile.lints.states import NetFinding
    from netcompile.lints.view import Finding


class Lint(NamedTuple):
    """A lint with its code. `training`: it is about nets that are trained, and runs on nothing else.

    `phase`: it looks at the phase as well as at the layers, so that it can differ where the layers are the same.
    """

    code: str
    check: Callable[[View], Iterator[Finding]]
    training: bool = False
    phase: bool = False


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
    Lint("unused-field", layers.unread_messages),
    Lint("layer-phase", layers.phases),
    Lint("odd-value", layers.repeated_bottoms),
    Lint("odd-value", data.backends),
    Lint("odd-value", losses.blind_measures),
    Lint("duplicate-layer", wiring.duplicate_names),
    Lint("in-place-values", overwriting.wrong_values),
    Lint("in-place-gradient", overwriting.wrong_gradients, training=True),
    Lint("lost-gradient", overwriting.lost_gradients, training=True),
    Lint("unused-top", wiring.unused_tops, training=True),
    Lint("untrained-layer", wiring.untrained_layers, training=True),
    Lint("loss-top-read", wiring.read_losses, training=True),
    Lint("zero-weights", learning.zero_weights, training=True),
    Lint("upsampling", learning.upsampling, training=True),
    Lint("shared-filler", learning.shared_fillers, training=True),
    Lint("no-loss", learning.no_loss),
    Lint("batch-norm-alone", normalisation.without_scale, training=True),
    Lint("batch-norm-phase", normalisation.fixed_statistics, phase=True),
    Lint("loss-input", losses.inputs_of_losses),
    Lint("one-class", losses.one_class),
    Lint("class-count", losses.classes_of_labels),
    Lint("swapped-axes", losses.swapped_axes),
    Lint("unweighted-loss", losses.unweighted_losses),
    Lint("random-test", data.random_tests, phase=True),
    Lint("cpu-mode", layers.without_cpu_code),
)
_LAYER_LINTS: Final = {name: [one for one in LAYER_LINTS if not one.types or name in one.types] for name in LAYER_TYPES}
NET_LINTS: Final = (
    NetLint("unknown-stage", states.unknown_stages),
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


def _lint_state(view: View, report: Report) -> None:
    found = Report()
    if view.new:
        _lint_layers(view, found)
    for one in LINTS:
        if (one.training and not view.training) or (view.same and not one.phase):
            continue
        for index, at, message, hint, notes in one.check(view):
            _add(found, one.code, view.layers[index].layer, at, message, hint, notes)
    report.extend_new(found)


def _lint_layers(view: View, report: Report) -> None:
    """Look at the new layers of a state, at those once that were derived once (`layers.apply_again`)."""
    known: dict[int, list[tuple[str, Remark]]] = {}
    for index in view.new:
        one = view.layers[index]
        if one.kind is None:
            continue
        remarks = known.get(id(one.tops))
        if remarks is None:
            lints = _LAYER_LINTS[one.kind.name]
            asked = [lint for lint in lints if view.training or not lint.training]
            remarks = known[id(one.tops)] = [(lint.code, remark) for lint in asked for remark in lint.check(one)]
        for code, remark in remarks:
            _add(report, code, one.layer, remark.at, remark.message, remark.hint, ())


def _add(
    report: Report, code: str, layer: Layer, at: str, message: str, hint: str | None, notes: Sequence[Note],
    severity: str | None = None,
) -> None:  # fmt: skip
    name = layer.message.name
    text = f"{layer.message.type} '{name}'" if name else f"{layer.message.type} layer"
    notes = (*notes, *layer.origin.notes(at))
    report.add(code, layer.origin.span(at), f"{text}: {message}", notes=notes, hint=hint, severity=severity)
