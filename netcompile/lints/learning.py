"""Lints on what is learned: weights that start at zero, upsampling that is none, fillers that nobody runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import Note
from netcompile.lints.view import LOSSES, WEIGHTED, Finding
from netcompile.shapes import Wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.lints.view import View

_FEW: Final = 2
_LOADED: Final = "ignore this where trained weights are loaded"


def zero_weights(view: View) -> Iterator[Finding]:
    """Trained weights that are left at the filler's default, constant 0."""
    if view.solver is not None and view.solver.weights:
        return
    at_zero: dict[int, bool] = {}  # by the shapes that equal layers have in common
    suspects = []
    for index in view.of(*WEIGHTED):
        one = view.layers[index]
        path = one.fillers[0] if one.fillers else None
        if path is None or at_zero.get(id(one.tops)) is False:
            continue
        filler = _filler(view, index, path)[0]
        at_zero[id(one.tops)] = filler.type == "constant" and filler.value == 0
        if at_zero[id(one.tops)]:
            suspects.append((index, path, filler))
    found = [finding for index, path, filler in suspects for finding in _zero_weights_of(view, index, path, filler)]
    bare = [one for one in found if not _filler(view, one.layer, one.at)[1]]
    if len(bare) > _FEW and 2 * len(bare) > len(view.of(*WEIGHTED)):  # to be loaded, or all forgotten: said once
        first = min(bare, key=lambda one: one.layer)
        found = [one for one in found if one not in bare]
        name, others = first.at.rpartition(".")[2], len(bare) - 1
        text = f"{name} is not given, here and in {others} other layers: all their weights start at 0"
        yield first._replace(message=text)
    yield from found


def _zero_weights_of(view: View, index: int, path: str, filler: Any) -> Iterator[Finding]:
    name = path.rpartition(".")[2]
    if not _is_trained(view, index):
        return
    if filler.HasField("value"):
        if _is_dead(view, index):
            text = (
                f"{name} and bias start at 0, and so does the ReLU behind, which then has no gradient: it never learns"
            )
            yield Finding(index, path, text, _written(name, "msra").followed_by(f" suits a ReLU; {_LOADED}"))
        return
    unread = [field.name for field, _ in filler.ListFields() if field.name != "type"]
    if unread:
        text = f"{name} has {' and '.join(unread)} but no type, so it is constant, and all weights start at 0"
        yield Finding(index, path, text, f"write its type: {_TYPE_OF.get(unread[0], 'xavier')}")
        return
    state = f"{name} is constant without a value" if _filler(view, index, path)[1] else f"{name} is not given"
    text = f"{state}, so all weights start at 0, and units that start alike learn alike"
    yield Finding(index, path, text, _written(name, "xavier").followed_by(f" or `msra` starts them apart; {_LOADED}"))


def _written(name: str, kind: str) -> Wording:
    """How a filler of some type is written."""
    return Wording(f"`{name}: {kind}`", f'`{name} {{ type: "{kind}" }}`')


def _is_trained(view: View, index: int) -> bool:
    """True where the first learned blob of a layer is filled here and trained by a loss."""
    one = view.layers[index]
    params = one.layer.message.param
    own = not (one.owners and one.owners[0])
    return own and view.under_loss[index] and (not params or params[0].lr_mult != 0)


def _filler(view: View, index: int, path: str) -> tuple[Any, bool]:
    """The filler at a path of a layer, and whether it is written."""
    block, _, name = path.partition(".")
    message = getattr(view.message(index), block)
    return getattr(message, name), message.HasField(name)


_TYPE_OF: Final = {"std": "gaussian", "mean": "gaussian", "sparse": "gaussian", "min": "uniform", "max": "uniform"}


def _is_dead(view: View, index: int) -> bool:
    """True where all that a layer of zeros gives goes into plain ReLUs, and no bias lifts it above 0."""
    biases = [_filler(view, index, path)[0] for path in view.layers[index].fillers[1:] if path]
    if any(filler.type != "constant" or filler.value for filler in biases):
        return False
    readers = [reader for version in view.writes[index] for reader in version.readers]
    relus = [view.message(reader) for reader in readers]
    return bool(relus) and all(one.type == "ReLU" and not one.relu_param.negative_slope for one in relus)


def upsampling(view: View) -> Iterator[Finding]:
    """Deconvolutions that are there to enlarge, and don't: frozen without an interpolation, or mixing channels."""
    for index in view.of("Deconvolution"):
        message = view.message(index)
        p = message.convolution_param
        filler, at = p.weight_filler, "convolution_param.weight_filler"
        frozen = bool(message.param) and message.param[0].lr_mult == 0
        if message.blobs:
            continue
        if filler.type == "bilinear" and p.num_output > 1 and p.group == 1:
            text = (
                f"bilinear fills all kernels alike: with group 1, each of {p.num_output} outputs sums up all channels"
            )
            yield Finding(index, at, text, f"`group: {p.num_output}` enlarges each channel by itself")
        elif filler.type != "bilinear" and frozen:
            state = (
                f"as {filler.type} fills them" if p.HasField("weight_filler") else "at 0, as it has no weight_filler"
            )
            enlarging = f" with `group: {p.num_output}` enlarges each channel; {_LOADED}"
            hint = _written("weight_filler", "bilinear").followed_by(enlarging)
            yield Finding(index, at, f"lr_mult 0 leaves its weights {state}, which interpolates nothing", hint)


def shared_fillers(view: View) -> Iterator[Finding]:
    """Fillers of shared blobs that differ from the owner's, which alone counts."""
    for index, one in enumerate(view.layers):
        for owner, path in zip(one.owners, one.fillers, strict=False) if one.owners and any(one.owners) else ():
            theirs = view.layers[owner[0]].fillers[owner[1]] if owner is not None else None
            if owner is None or path is None or theirs is None:
                continue
            filler, written = _filler(view, index, path)
            if written and filler != _filler(view, owner[0], theirs)[0]:
                name = path.rpartition(".")[2]
                text = f"{name} has no effect: the blob is that of {view.name(owner[0])}, which fills it"
                notes = [Note("the filler that counts", view.layers[owner[0]].layer.origin.span(theirs))]
                yield Finding(index, path, text, None, notes)


def frozen_nets(view: View) -> Iterator[Finding]:
    """A net that a solver trains and of which nothing has a learning rate, as far as all that it could learn is known.

    A BatchNorm that gathers its statistics is a reason to run such a net.
    """
    if view.solver is None or not view.training or view.of("Python", ""):
        return
    gathering = [view.message(index).batch_norm_param for index in view.of("BatchNorm")]
    could = [index for index, one in enumerate(view.layers) if one.blobs and index not in view.of("BatchNorm")]
    unknown = any(one.blobs is None for one in view.layers)
    if not could or unknown or any(map(view.learns, could)) or not all(p.use_global_stats for p in gathering):
        return
    text = "nothing is learned: lr_mult is 0 here and wherever else the net has parameters"
    yield Finding(could[-1], "param:0.lr_mult", text, "of a net that is fine-tuned, too, the last layers learn")


def no_loss(view: View) -> Iterator[Finding]:
    """A net that a solver trains and that has no loss."""
    if view.solver is None or view.graph.phase != "TRAIN" or view.training or view.of("Python"):
        return
    if view.layers:
        text = "nothing is learned: the net has no loss in TRAIN"
        yield Finding(len(view.layers) - 1, "", text, f"a loss is a layer like {LOSSES[-1]}, or one with a loss_weight")
