"""Lints on a net in several states at once: what differs between TRAIN and TEST, and rules that no state meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diagnostics import Note, did_you_mean
from netcompile.records import NamedTuple
from netcompile.weights import blobs_in_words, misfits, other_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.ir import Graph, Layer, Net
    from netcompile.lints.view import View


class NetFinding(NamedTuple):
    """What a lint says of a layer of the net, whatever the state, at the path `at` of its message."""

    layer: Layer
    at: str
    message: str
    hint: str | None = None
    notes: Sequence[Note] = ()


def unknown_stages(net: Net, views: Sequence[View]) -> Iterator[NetFinding]:
    """Rules with a stage that no state has, where a state has one much like it that no rule names."""
    set_by = {stage for view in views for stage in view.graph.stages if stage}
    if not set_by:
        return
    named = {
        stage: layer
        for layer in net.layers
        for rule in (*layer.message.include, *layer.message.exclude)
        for stage in (*rule.stage, *rule.not_stage)
    }
    for stage in sorted(set_by - named.keys()):
        meant = did_you_mean(stage, named.keys() - set_by)
        if meant is not None:
            layer = named[meant]
            rules = "include" if layer.message.include else "exclude"
            text = f"its rule names the stage '{meant}', which no state has, but no rule names '{stage}', which one has"
            yield NetFinding(layer, rules, text, f"did you mean '{stage}'?")


def impossible_rules(net: Net, views: Sequence[View]) -> Iterator[NetFinding]:
    """Rules that no state can meet, so that they include or exclude nothing."""
    del views
    for layer in net.layers:
        for kind in ("include", "exclude"):
            if kind not in layer.given:
                continue
            for i, rule in enumerate(getattr(layer.message, kind)):
                both = next((stage for stage in rule.stage if stage in rule.not_stage), None)
                if both is not None:
                    text = f"its rule wants the stage '{both}' and wants it not, so that no state meets it"
                    yield NetFinding(layer, f"{kind}:{i}.not_stage", text)
                elif rule.HasField("min_level") and rule.HasField("max_level") and rule.min_level > rule.max_level:
                    text = f"its rule wants a level of at least {rule.min_level} and of at most {rule.max_level}"
                    yield NetFinding(layer, f"{kind}:{i}.max_level", text)


def test_only_losses(net: Net, views: Sequence[View]) -> Iterator[NetFinding]:
    """Losses of TEST in a net that has none in TRAIN."""
    del net
    train = [view for view in views if view.graph.phase == "TRAIN"]
    test = [view for view in views if view.graph.phase == "TEST"]
    if not train or any(view.training or view.of("Python") for view in train) or any(view.solver for view in train):
        return
    for view in test:
        for index in view.losses:
            text = "the loss is in TEST alone, so nothing is learned in TRAIN"
            yield NetFinding(
                view.layers[index].layer, "include", text, "leave out its rule, or train with another loss"
            )
            return


def other_weights(net: Net, views: Sequence[View]) -> Iterator[NetFinding]:
    """Layers that learn other shapes in TEST than in TRAIN, though a test takes over the weights by name."""
    del net
    train = next((view for view in views if view.graph.phase == "TRAIN" and view.training), None)
    if train is None or train.solver is not None:  # the solver's own check knows which nets share weights
        return
    for view in views:
        if view.graph.phase == "TEST" and view.layers is not train.layers:
            yield from _misfits(train.graph, view.graph)


def _misfits(train: Graph, test: Graph) -> Iterator[NetFinding]:
    found = False
    for first, one in misfits(train, test):
        if not first.blobs or not one.blobs:
            continue  # two layers of one name: there is a lint on that
        path = other_field(first, one)
        ours, theirs = one.layer.message, first.layer.message
        moved = path is None and ours.bottom != theirs.bottom
        if found and path is None and not moved:
            continue  # it reads what another one makes otherwise
        found = True
        at = path or ("bottom:0" if moved else "")
        hint = "the data of both phases must have the same channels, height and width"
        if path is not None:
            hint = f"let both phases have the same {path.rpartition('.')[2]}, or give it a name of its own in each"
        elif moved:
            hint = f"in TRAIN it reads '{theirs.bottom[0]}'" if theirs.bottom else "in TRAIN it reads nothing"
        text = (
            f"it has {blobs_in_words(one.blobs)} in TEST, but {blobs_in_words(first.blobs)} in TRAIN: "
            "a test takes the weights of TRAIN, and aborts"
        )
        place = first.layer.origin.span(at)
        notes = [Note("in TRAIN", place)] if place != one.layer.origin.span(at) else []
        yield NetFinding(one.layer, at, text, hint, notes)
