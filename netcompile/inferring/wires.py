"""What is wrong with the wires of a net, in words: bottoms that nobody makes, and tops that are made twice.

Says who makes a blob elsewhere and what was probably meant. Only for what is refused; knows no shapes.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note, did_you_mean
from netcompile.layers import LAYER_TYPES
from netcompile.records import NamedTuple
from netcompile.shapes import Wording
from netcompile.states import includes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netcompile.ir import Absent, Layer, Net, Version
    from netcompile.states import State

_MOST_NAMED: Final = 3
_NEAR: Final = 500  # of the blobs made before, the last ones, among which is the one that was meant
_IN_BOTH: Final = Wording(
    "data for each phase: `train:` and `test:` in one layer, or `include: TRAIN` and `include: TEST` in two",
    "data for each phase: two layers, one with `include { phase: TRAIN }` and one with `include { phase: TEST }`",
)


class Refusal(NamedTuple):
    """A finding on a layer, without its place: what `at` in it is wrong."""

    code: str
    at: str
    message: str
    hint: str | Wording | None
    notes: Sequence[Note]


class Meant(NamedTuple):
    """What is said of a bottom that nobody makes, and the blob that was probably meant; `alike`: it only looks so."""

    blob: str | None
    hint: str | None
    notes: Sequence[Note] = ()
    alike: bool = False


class Wires:
    """The layers of a net in one state, in the order in which they are wired, for what has to be said of them.

    `layers` grows while the net is wired.
    """

    def __init__(self, net: Net, state: State, layers: Sequence[Layer]) -> None:
        self._net = net
        self._state = state
        self._layers = layers
        self._named: dict[str, Layer] = {}
        self._joined: set[str] = set()  # bottoms that are the names of several
        self._seen = 0

    def meant(self, layer: Layer, i: int, latest: dict[str, Version], *, guessing: bool) -> Meant:
        """What was meant by bottom `i` of a layer; `latest` has the blobs that are made before it."""
        message = layer.message
        bottom = message.bottom[i]
        notes = self._makers(bottom, layer)
        if notes:
            return Meant(None, self._near_namesake(bottom, latest) if guessing else None, notes)
        namesake = self._layer_called(bottom)
        tops = [top for top in namesake.message.top if top in latest] if namesake else []
        if tops:
            what = "it" if len(tops) == 1 else "them"
            return Meant(tops[0], f"did you mean {_or(tops)}? '{bottom}' is the name of the layer that makes {what}")
        top = message.top[i] if i < len(message.top) else None
        if top in latest and _works_in_place(layer):
            return Meant(top, f"did you mean '{top}', which it writes in place?")
        several = [name for name in re.split(r"[\s,]+", bottom) if name in latest]
        if len(several) > 1:
            self._joined.add(bottom)
            return Meant(None, f"several bottoms are a list: [{', '.join(several)}]")
        near = did_you_mean(bottom, islice(reversed(latest), _NEAR)) if guessing else None
        if near is not None:
            return Meant(near, f"did you mean '{near}'?", alike=True)
        return self._meant_elsewhere(layer, i, guessing=guessing)

    def _meant_elsewhere(self, layer: Layer, i: int, *, guessing: bool) -> Meant:
        """What is said of a bottom like which no blob is made before it in this state."""
        near = did_you_mean(layer.message.bottom[i], self._made_anywhere) if guessing else None
        if near is None:
            return Meant(None, self._without_labels(layer, i))
        return Meant(None, f"did you mean '{near}'?", self._makers(near, layer, unneeded=False), alike=True)

    def joins(self, layer: Layer) -> bool:
        """Whether a layer has several bottoms in one name, so that nobody knows how many it has."""
        return not self._joined.isdisjoint(layer.message.bottom)

    def _near_namesake(self, bottom: str, latest: dict[str, Version]) -> str | None:
        """What to do where the layer that makes a blob elsewhere makes one of almost its name in this state."""
        namesakes = [self._layer_called(one.message.name) for one in self._made.get(bottom, ())]
        near = did_you_mean(bottom, [top for one in namesakes if one for top in one.message.top if top in latest])
        return None if near is None else f"in {self._state}, there is '{near}': is one of the two misspelt?"

    @cached_property
    def _made_anywhere(self) -> dict[str, None]:
        """The blobs that are made in any state, and those that deploy leaves out."""
        return dict.fromkeys([*self._made, *(top for one in self._net.absent for top in one.tops)])

    def _layer_called(self, name: str) -> Layer | None:
        """The last layer of a name, of those that are wired."""
        while self._seen < len(self._layers):
            layer = self._layers[self._seen]
            self._named[layer.message.name] = layer
            self._seen += 1
        return self._named.get(name) if name else None

    @cached_property
    def _made(self) -> Mapping[str, list[Layer]]:
        """Of each top, all layers that make it, in any state."""
        made: dict[str, list[Layer]] = {}
        for layer in self._net.layers:
            for top in set(layer.message.top):
                made.setdefault(top, []).append(layer)
        return made

    def _makers(self, bottom: str, reader: Layer, *, unneeded: bool = True) -> list[Note]:
        """Layers that make a blob, but in another state or further down; also such as deploy leaves out as `unneeded`.

        Those are further down too, where they make just what is read.
        """
        notes = []
        for layer in [one for one in self._made.get(bottom, ()) if one is not reader][:_MOST_NAMED]:
            name = layer.message.name
            if includes(
                layer.message, self._state
            ):  # one that is in the net is further down, or its top would be known
                text = f"'{name}', which makes it, is defined later"
            elif self._layer_called(name):
                text = f"'{name}' makes it, but not in {self._state}"
            else:
                text = f"'{name}', which makes it, does not exist in {self._state}"
            notes.append(Note(text, layer.origin.span(_at("top", layer.message.top, bottom))))
        absent = [one for one in self._net.absent if unneeded or not one.unneeded]
        return notes + absent_makers(absent, bottom, self._state)

    def _without_labels(self, layer: Layer, i: int) -> str | None:
        """What to do with a loss or a measure whose labels nobody makes, in a net that is fed by inputs alone."""
        kind = LAYER_TYPES.get(layer.message.type)
        compares = kind is not None and (kind.loss or kind.name == "Accuracy")
        return (
            "a deploy net has no labels: leave this layer out of it" if i and compares and self._is_deployed else None
        )

    @cached_property
    def _is_deployed(self) -> bool:
        sources = {layer.message.type for layer in self._net.layers if not layer.message.bottom}
        return sources - {"Parameter"} == {"Input"}

    # Tops

    def made_twice(self, layer: Layer, tops: Sequence[int], first: Layer | None) -> Refusal:
        """Tops of a layer that `first` makes already; None: that the copies of a blob are called."""
        message = layer.message
        names = [message.top[i] for i in tops]
        notes = []
        if first is not None:
            at = _at("top", first.message.top, names[0])
            pronoun = "it" if len(names) == 1 else "them"
            notes.append(Note(f"'{first.message.name}' makes {pronoun} first", first.origin.span(at)))
        what = f"top '{names[0]}' is" if len(names) == 1 else f"tops {_and(names)} are"
        bottoms = message.bottom
        hint: str | Wording | None = None
        if any(name in bottoms for name in names):
            hint = "in place works on the bottom of the same index only"
        elif first is not None and not bottoms and not first.message.bottom:
            hint = _IN_BOTH
        text = f"{what} already made in {self._state}"
        return Refusal("duplicate-top", f"top:{tops[0]}", text, hint, notes)

    def read_before(self, layer: Layer, i: int, readers: Sequence[int], notes: Sequence[Note]) -> Refusal | None:
        """A layer in place whose bottom `i` has other `readers`; None where only its own, of which it has too many."""
        message = layer.message
        others = [one for one in map(self._layers.__getitem__, dict.fromkeys(readers)) if one is not layer]
        name = message.top[i]
        remedy = "give it a top of its own, or move the other reader behind it"
        text = f"works in place on '{name}', which another layer reads before it"
        if not others:
            kind = LAYER_TYPES.get(message.type)
            most = None if kind is None else kind.bottoms_of(message).most
            if most is not None and len(message.bottom) > most:
                return None
            remedy = "give it a top of its own"
            text = f"works in place on '{name}', which it also reads as another bottom"
        by = [
            Note(f"'{one.message.name}' reads it", one.origin.span(_at("bottom", one.message.bottom, name)))
            for one in others[:_MOST_NAMED]
        ]
        return Refusal("in-place-reader", f"top:{i}", text, remedy, [*by, *notes])

    def first_maker(self, top: str, first: Layer) -> Note:
        """Who made a top that is written in place."""
        place = first.origin.span(_at("top", first.message.top, top))
        return Note(f"'{first.message.name}' makes it first", place)


def absent_makers(absent: Sequence[Absent], blob: str, state: State) -> list[Note]:
    """Who would make a blob, of the layers that are not in the net of a state at all."""
    notes = []
    for one in [one for one in absent if blob in one.tops][:_MOST_NAMED]:
        where = "is defined later" if one.unneeded else f"does not exist in {state}"
        text = f"'{one.name}', which makes it, {where}"
        notes.append(Note(text, one.origin.span(_at("top", one.tops, blob))))
    return notes


def _at(field: str, names: Iterable[str], name: str) -> str:
    """The path of a blob in a layer that has it."""
    return f"{field}:{list(names).index(name)}"


def _works_in_place(layer: Layer) -> bool:
    kind = LAYER_TYPES.get(layer.message.type)
    return kind is not None and kind.in_place_of(layer.message) in ("exact", "forward")


def _or(names: Sequence[str]) -> str:
    *first, last = [f"'{name}'" for name in names[:_MOST_NAMED]]
    return f"{', '.join(first)} or {last}" if first else last


def _and(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
