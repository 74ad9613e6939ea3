"""Net files: their text read and upgraded, each layer with its place and with what of it could not be read.

Like `compiler`, this is straight-line code: nothing here decides what a net means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter
from netcompile.diagnostics import Report, did_you_mean
from netcompile.ir import WHOLE, Layer, Net, given_fields
from netcompile.language.wording import is_slip
from netcompile.layers import LAYER_TYPES
from netcompile.text_format.lost import Lost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.diagnostics import Note
    from netcompile.forks.read import Fork
    from netcompile.ir import Damage
    from netcompile.old_formats import Origins
    from netcompile.prototxt import Parsed
    from netcompile.text_format.positions import Positions
    from netcompile.tree import Source, Span

_SHAPES: Final = ("input_shape", "input_dim")
_SHAPELESS: Final = frozenset({"fields"})
_OF_INPUTS: Final = {"input-shape-missing"}  # the rest of the net can be checked for all that
_SOURCES: Final = ("layer", "layers", "input")  # what layers come of
_PARTS: Final = {"type": ("type",), "bottoms": ("bottom",), "tops": ("top",), "rules": ("include", "exclude")}


def read_net(source: Source, report: Report, *, fork: Fork | None = None, allow_custom: bool = False) -> Net | None:
    """Read the text of a net file and upgrade it, each layer with its place; None where Caffe can't upgrade it.

    Where the text can't be read as a whole, the net has what is sound, and the layers that lost something are damaged.
    The text is read with the messages of `fork`; the net is in ours, as the rules read it.
    """
    from netcompile.old_formats import upgrade_net  # noqa: PLC0415 - specs do without it
    from netcompile.prototxt import read_prototxt  # noqa: PLC0415 - likewise

    parsed = read_prototxt(source, fork.NetParameter if fork else NetParameter, report)
    carried = fork.carry_net(parsed.message) if fork else None
    upgrading = Report()
    upgraded = upgrade_net(carried.net if carried else parsed.message, upgrading, parsed.positions.find)
    report.extend(upgrading)
    refused = {found.code for found in upgrading if found.severity == "error"}
    if not refused <= _OF_INPUTS:
        return None
    old = next((name for name in upgraded.formats if name.endswith("layers")), None)
    if old is not None:
        text = f"the net has {old}: Caffe upgrades them each time that it reads the file, and other tools refuse them"
        place = parsed.positions.find("layers", key=True)
        report.add("old-format", place, text, hint="`netcompile upgrade` writes it in the current format")
    layers = []
    for index, message in enumerate(upgraded.net.layer):
        field, element, _ = upgraded.origins.written(index)
        damaged = _damage(parsed, field, element, message.type) if parsed.unsound or parsed.lost else WHOLE
        if refused and field == "input":
            damaged = _SHAPELESS
        origin = _LayerOrigin(parsed.positions, upgraded.origins, index)
        layer = Layer(message, given_fields(message), origin, custom=allow_custom, damaged=damaged)
        layers.append(layer if carried is None else carried.mark(layer, field, element))
    incomplete = bool(parsed.lost) and Lost(parsed.lost, NetParameter.DESCRIPTOR.fields_by_name).any_of(*_SOURCES)
    return Net(upgraded.net, layers, incomplete=incomplete)


def _damage(parsed: Parsed, field: str, element: int, type_name: str) -> Damage:
    """What of a layer may be missing that comes of an element of the text."""
    if field == "input":
        lost = parsed.lost.union(name for name, _ in parsed.unsound)
        return WHOLE if lost.isdisjoint(_SHAPES) else _SHAPELESS
    names = parsed.unsound.get((field, element))
    if names is None:
        return WHOLE
    known = LayerParameter.DESCRIPTOR.fields_by_name
    inside = Lost(names, known)
    damage = {"fields", *(part for part, fields in _PARTS.items() if inside.any_of(*fields))}
    if any(name.endswith("_param") and name not in known for name in names) and not _is_slip(type_name):
        damage.add("type")  # a type that is of a fork with its message
    return frozenset(damage)


def _is_slip(type_name: str) -> bool:
    meant = did_you_mean(type_name, LAYER_TYPES)
    return meant is not None and is_slip(type_name, meant)


class _LayerOrigin:
    """The places of a layer of a net file, as it was before the upgrade."""

    __slots__ = ("_index", "_origins", "_positions")
    in_spec: Final = False

    def __init__(self, positions: Positions, origins: Origins, index: int) -> None:
        self._positions = positions
        self._origins = origins
        self._index = index

    def span(self, at: str) -> Span | None:
        return self._positions.find(*self._origins.written(self._index, at))

    def key_span(self, at: str) -> Span | None:
        return self._positions.find(*self._origins.written(self._index, at), key=True)

    def notes(self, at: str) -> Sequence[Note]:
        del at
        return ()
