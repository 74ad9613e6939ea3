"""Whether the deploy net can take the weights that training gives, and where it says what keeps it from that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diagnostics import Note
from netcompile.weights import blobs_in_words, misfits, other_field

if TYPE_CHECKING:
    from netcompile.deploying.options import DeployOptions
    from netcompile.diagnostics import Report
    from netcompile.ir import Graph, GraphLayer
    from netcompile.tree import Span


def check_weights(train: Graph, deploy: Graph, options: DeployOptions, report: Report) -> None:
    """Warn of the layers of a deploy net that can't take the weights of the training net; both must be sound.

    Caffe builds the net all the same: whoever never loads the weights does not meet it.
    """
    found = False
    for source, target in misfits(train, deploy):
        layer, path = target.layer, other_field(source, target)
        if found and path is None:
            continue  # it reads what another one makes otherwise
        found = True
        text = (
            f"{layer.message.type} '{layer.message.name}' has {blobs_in_words(target.blobs)} in deploy, but "
            f"{blobs_in_words(source.blobs)} in TRAIN: Caffe aborts where it loads the trained weights"
        )
        span, hint = _guilty(target, path, train, options)
        own = layer.origin.span("")
        notes = [] if span == own else [Note("the layer that takes the weights", own)]
        if source.layer.origin.span("") != own:
            notes.append(Note("the layer that is trained", source.layer.origin.span("")))
        notes.extend(layer.origin.notes(""))
        report.add("weights-mismatch", span, text, hint=hint, notes=notes, severity="warning")


def _guilty(target: GraphLayer, path: str | None, train: Graph, options: DeployOptions) -> tuple[Span | None, str]:
    """What is written otherwise for deploy than for training: in the layer, else in `inputs`; and a hint."""
    origin = target.layer.origin
    if path is not None:
        return origin.span(path), "give it a name of its own where it is not to have these weights"
    dim = _other_dim(train, options)
    if dim is not None:
        return dim
    return origin.span(""), "the data of training and of deploy must have the same channels, height and width"


def _other_dim(train: Graph, options: DeployOptions) -> tuple[Span, str] | None:
    """The first number of `inputs`, behind the batch size, that is not the one of training."""
    for name, given in options.inputs.items():
        trained = train.shapes.get(name)
        if trained is None or len(trained) != len(given.shape):
            continue
        for axis, (before, after) in enumerate(zip(trained, given.shape, strict=True)):
            if axis and type(before) is int and before != after:
                return given.dims[axis].span, f"in TRAIN, {name} is {trained}"
    return None
