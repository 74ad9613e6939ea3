"""Lints on who reads what: tops that nobody reads, layers that no loss reaches, loss tops that others read, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.lints.view import LOSSES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.ir import Version
    from netcompile.lints.view import View

_LOOKED_AT: Final = frozenset({"Accuracy", "Python"})
_UNTRAINED_HINT: Final = "`lr_mult: 0` for its parameters says so, if it is meant"
_MIXED_UP: Final = {
    True: "weights are loaded by name, so that one of the two gets none",
    False: "by this name, pycaffe finds only one of the two",
}
_OWN_NAME: Final = "give each layer a name of its own"
_MOST_NAMED: Final = 4


def unused_tops(view: View) -> Iterator[Finding]:
    """Layers of a net in training that work for nothing: no layer reads any of their tops, and there is no loss on one.

    A single number is taken for an output to look at, and what comes straight from data for something that other
    nets need.
    """
    for index in _unread(view):
        kind = view.layers[index].kind
        if kind is None or kind.loss or kind.name in _LOOKED_AT or view.is_source(index):
            continue
        if any(_is_number(version) for version in view.writes[index]):
            continue
        tops = " and ".join(f"'{top}'" for top in view.names[index][1])
        text = f"no layer reads its top {tops} in TRAIN: the work on it is lost, and it becomes an output of the net"
        hint = "leave the layer out of TRAIN, or, if it is meant to be there, read its top with a Silence layer"
        yield Finding(index, "", text, hint, _dead_before(view, index))


def _unread(view: View) -> Iterator[int]:
    """The layers with tops of which nobody reads any."""
    for index, versions in enumerate(view.writes):
        used = not versions
        for version in versions:
            used = used or version.uses > 0
        if not used:
            yield index


def _is_number(version: Version) -> bool:
    return version.shape is not None and version.shape.count() == 1


def _dead_before(view: View, index: int) -> list[Note]:
    """The layers before that work for this one alone."""
    dead, waiting = {index}, [index]
    while waiting:
        for version in view.reads[waiting.pop()]:
            if version is None or version.maker in dead or view.is_source(version.maker):
                continue
            if all(reader in dead for made in view.writes[version.maker] for reader in made.readers):
                dead.add(version.maker)
                waiting.append(version.maker)
    named = [f"'{view.message(one).name}'" for one in sorted(dead - {index})]
    return [Note(f"lost with it is the work of {_and(named)}, which nothing else needs")] if named else []


def _and(words: Sequence[str]) -> str:
    shown = (
        words if len(words) <= _MOST_NAMED else [*words[: _MOST_NAMED - 1], f"{len(words) - _MOST_NAMED + 1} others"]
    )
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def untrained_layers(view: View) -> Iterator[Finding]:
    """Layers that have something to learn, and that no loss teaches: of those in a row, the last."""
    cut = any(view.message(index).propagate_down for index in view.graph.steered)
    reached = view.backward if cut else view.under_loss
    idle = {index for index, ok in enumerate(reached) if not ok and view.learns(index)}
    for index in sorted(idle):
        after = set(view.after(index))
        ends = [i for i in sorted({index, *after}) if not any(version.readers for version in view.writes[i])]
        if idle.isdisjoint(after) and all(_is_measure(view, end) for end in ends):
            others = sum(index in view.after(one) for one in idle if one < index)
            more = f", like {others} before it" if others else ""
            yield Finding(index, "", f"it learns nothing{more}: {_why(view, index, ends)}", _UNTRAINED_HINT)


def _is_measure(view: View, end: int) -> bool:
    """True for a last layer that is there to be looked at. A Silence is told to be of no use, others have findings."""
    kind = view.layers[end].kind
    return kind is not None and (kind.loss or kind.name == "Accuracy")


def _why(view: View, index: int, ends: list[int]) -> str:
    if view.under_loss[index]:
        return "no gradient gets to it past `propagate_down: false`"
    for one in (index, *view.after(index)):
        for version in view.writes[one]:
            blind = next((reader for reader in version.readers if not view.follows(version, reader)), None)
            if blind is not None:
                return f"{view.name(blind)} has no gradient for what it makes"
    return f"no loss depends on what it makes, which ends in {_and([view.name(end) for end in ends])}"


def read_losses(view: View) -> Iterator[Finding]:
    """Losses whose top another layer reads in training, which Caffe's bookkeeping of loss weights does not bear."""
    for index in sorted({*view.graph.steered, *view.of(*LOSSES)}):
        readers = [reader for version in view.writes[index] for reader in version.readers]
        text = _lost_weight(view, index, readers) if readers and view.is_loss(index) else None
        if text is not None:
            hint = "let no layer read the top of a loss; a printed loss needs no reader"
            notes = [Note(f"{view.name(readers[0])} reads it", view.layers[readers[0]].layer.origin.span("bottom"))]
            yield Finding(index, "loss_weight" if view.message(index).loss_weight else "top", text, hint, notes)


def _lost_weight(view: View, index: int, readers: Sequence[int]) -> str | None:
    """What becomes of the weights of a loss that some layers read; None where they stand."""
    kind, weights = view.layers[index].kind, view.message(index).loss_weight
    is_loss = kind is not None and kind.loss
    if not weights and not is_loss:
        return None
    if not weights and any(view.under_loss[reader] for reader in readers):
        return "the gradient of the layer that reads its top takes the place of its loss weight"
    if not weights:
        return "a layer without a gradient reads its top, for which Caffe skips its backward pass: it trains nothing"
    tops = [*zip(view.names[index][1], weights, view.writes[index], strict=False)]
    if not any(weight and version.readers for _, weight, version in tops):
        return None
    if is_loss:
        return (
            f"its top is read: loss_weight {weights[0]:g} goes to a copy, and its own 1 comes back, so it counts twice"
        )
    lost = [f"'{top}'" for top, weight, version in tops if weight and not version.readers]
    return f"a weighted top is read, which clears the weights of the others: {_and(lost)} is no loss" if lost else None


def duplicate_names(view: View) -> Iterator[Finding]:
    """Layers that have the name of an earlier one in the same state."""
    if len({one.layer.message.name for one in view.layers}) == len(view.layers):
        return
    first: dict[str, int] = {}
    for index, one in enumerate(view.layers):
        name = one.layer.message.name
        other = first.setdefault(name, index)
        if other != index and name:
            span = view.layers[other].layer.origin.span("name")
            text = f"a layer before it has the name '{name}' in {view.graph.phase} too"
            yield Finding(
                index, "name", f"{text}: {_MIXED_UP[bool(one.blobs)]}", _OWN_NAME, [Note("the other one", span)]
            )
