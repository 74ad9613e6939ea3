"""Lints on layers that work in place where their type can't, or where somebody still needs what they overwrite.

Caffe compares names alone: it sees neither that two blobs have the same memory, nor what the backward pass still reads.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.layers.memory import (
    KEEPING,
    KEEPING_POSITIVES,
    POSITIVE,
    READING_TOPS,
    SHARING_DIFFS,
    STAYING_POSITIVE,
    overwriter,
    reads_bottoms,
    tolerated,
)
from netcompile.lints.view import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.ir import Version
    from netcompile.lints.view import View

_OWN_TOP: Final = "give it a top of its own"
_FARTHEST: Final = 64  # layers on the memory of one blob; rows of them are short
_MOST_SEEN: Final = 100  # blobs that have the memory of one, however they branch


def wrong_values(view: View) -> Iterator[Finding]:
    """Layers in place that compute wrong values, or change values that others still read."""
    for index, outcome in view.inexact.items():
        if outcome == "wrong":
            blob = _blob(view, index)
            text = f"its type can't work in place: it reads '{blob}' while it writes it, so its values are wrong"
            yield Finding(index, f"top:{view.in_place[index]}", text, _OWN_TOP)
    for source in view.of(*KEEPING):
        for version in view.writes[source]:
            for index in _overwriters(view, version)[:1] if _is_kept(view, source, version) else ():
                text = f"it changes in place what {view.name(source)} fills once: each pass changes it further"
                yield Finding(index, f"top:{view.in_place[index]}", text, _OWN_TOP)
    for index, other in _shared(view):
        unchanged = view.graph.phase != "TRAIN" and view.message(index).type == "Dropout"
        if other > index and not unchanged:
            text = f"it changes '{_blob(view, index)}' in place, whose memory {view.name(other)} reads by another name"
            yield _finding(view, index, other, text)


def wrong_gradients(view: View) -> Iterator[Finding]:
    """Layers in place in training whose gradient is wrong for it, or that of a layer whose values they overwrite."""
    for index, outcome in view.inexact.items():
        if outcome == "forward" and view.backward[index]:
            text = f"its gradient is computed from the old '{_blob(view, index)}', which it overwrites: it is wrong"
            yield Finding(index, f"top:{view.in_place[index]}", text, _OWN_TOP)
    told: set[int] = set()  # each layer in place once, and each layer that it harms
    for index, other in (*_clashes(view), *(pair for pair in _shared(view) if pair[1] < pair[0])):
        if told.isdisjoint((index, other)) and view.backward[other]:
            told.update((index, other))
            text = f"it changes '{_blob(view, index)}' in place, from which {view.name(other)} computes its gradient"
            yield _finding(view, index, other, f"{text}: that is wrong then")


def lost_gradients(view: View) -> Iterator[Finding]:
    """Flatten layers behind one that shares the memory of gradients with its bottom.

    In Backward, Flatten gives its bottom other memory for that (flatten_layer.cpp), and what the layer before hands on
    is the old one, which nobody has written.
    """
    for index in view.of("Flatten"):
        version = view.reads[index][0]
        while version is not None and version.uses == 1 and version.maker in view.in_place:
            version = view.reads[version.maker][view.in_place[version.maker]]
        if version is None or version.uses != 1 or version.maker not in view.sharing:
            continue
        maker = view.message(version.maker)
        if maker.type in SHARING_DIFFS and view.backward[version.maker]:
            text = f"its gradient does not get past {view.name(version.maker)}: nothing before that is trained"
            hint = "no Flatten right behind a Reshape, or a Concat or Slice of one blob: a Reshape can do it all"
            notes = [Note(f"the layer '{maker.name}'", view.layers[version.maker].layer.origin.span(""))]
            yield Finding(index, "bottom:0", text, hint, notes)


def _blob(view: View, index: int) -> str:
    return view.names[index][0][view.in_place[index]]


def _finding(view: View, index: int, other: int, text: str) -> Finding:
    notes = [Note(f"the layer '{view.message(other).name}'", view.layers[other].layer.origin.span(""))]
    return Finding(index, f"top:{view.in_place[index]}", text, _OWN_TOP, notes)


def _is_kept(view: View, source: int, version: Version) -> bool:
    """True for a top whose values its layer hands out again in the next pass, instead of new ones."""
    message = view.message(source)
    if message.type != "DummyData":
        return True
    fillers = message.dummy_data_param.data_filler
    i = view.writes[source].index(version)
    return not fillers or fillers[i if len(fillers) > 1 else 0].type == "constant"


def _clashes(view: View) -> Iterator[tuple[int, int]]:
    """Layers that overwrite in place the top of a layer which reads it in Backward: both layers."""
    for name in sorted(READING_TOPS & view.by_type.keys()):
        for keeper in view.by_type[name]:
            if name == "ReLU" and keeper not in view.in_place:
                continue  # it reads its bottom, which is its top in place alone
            overwriters = _overwriters(view, view.writes[keeper][0]) if view.writes[keeper] else ()
            harmless = tolerated(view.message(keeper)) if overwriters else None
            for index in () if harmless is None else overwriters:
                if overwriter(view.message(index)) not in (harmless or ()) and not _is_identity(view, index):
                    yield index, keeper


def _shared(view: View) -> Iterator[tuple[int, int]]:
    """Layers that overwrite in place a blob with a second name, and the layers that need it under the other one.

    Those after it get other values. Those before it count where their Backward reads the blob. Of very many on one
    memory, only some are looked at.
    """
    for sharer in sorted(view.sharing):
        for top in view.writes[sharer]:
            overwriters = _overwriters(view, top)
            others = _readers_aside(view, sharer, top) if overwriters else ()
            for index in overwriters if others else ():
                by = overwriter(view.message(index))
                if not _is_identity(view, index):
                    yield from ((index, one) for one in others if one > index or _needs_bottom(view, one, by))


def _overwriters(view: View, version: Version) -> list[int]:
    """The layers that work in place on the memory of a blob, under whatever name."""
    in_place, sharing = view.in_place, view.sharing
    found: list[int] = []
    waiting = [version]
    for _ in range(_MOST_SEEN):
        if not waiting or len(found) >= _FARTHEST:
            break
        blob = waiting.pop()
        for reader in islice(blob.readers, _MOST_SEEN):
            i = in_place.get(reader)
            if i is not None and view.reads[reader][i] is blob:
                found.append(reader)
                waiting.append(view.writes[reader][i])
            elif reader in sharing:
                waiting.extend(islice(view.writes[reader], _MOST_SEEN))
    return found


def _readers_aside(view: View, sharer: int, top: Version) -> list[int]:
    """The layers that read the memory of a top of `sharer` under another name."""
    source = view.reads[sharer][0]
    aside = (reader for version in view.writes[sharer] if version is not top for reader in version.readers)
    before = () if source is None else (reader for reader in source.readers if reader != sharer)
    found: set[int] = set()
    for reader in islice(_past_sharing(view, chain(before, aside)), _MOST_SEEN):
        if len(found) >= _FARTHEST:
            break
        if reader not in view.sharing:
            found.add(reader)
    return sorted(found)


def _past_sharing(view: View, readers: Iterator[int]) -> Iterator[int]:
    """Some layers and, behind each that only gives a blob another name, those that read it by that."""
    waiting = [readers]
    while waiting:
        reader = next(waiting[-1], None)
        if reader is None:
            waiting.pop()
            continue
        yield reader
        if reader in view.sharing:
            waiting.append(one for version in view.writes[reader] for one in version.readers)


def _is_identity(view: View, index: int) -> bool:
    """True for a layer in place that leaves its bottom as it is, since that has no values below 0."""
    if overwriter(view.message(index)) not in KEEPING_POSITIVES:
        return False
    version = view.reads[index][view.in_place[index]]
    for _ in range(_MOST_SEEN):
        if version is None:
            break
        maker = view.message(version.maker)
        if maker.type in POSITIVE or overwriter(maker) == "ReLU":
            return True
        version = view.reads[version.maker][0] if maker.type in STAYING_POSITIVE else None
    return False


def _needs_bottom(view: View, reader: int, by: str) -> bool:
    """Whether Backward of a layer reads its bottom, and minds what a layer of the type `by` makes of it."""
    message = view.message(reader)
    if message.type == "ReLU":
        return by not in (tolerated(message) or ())
    return reads_bottoms(message)
