"""The whole spec as text: the net's own keys, defaults, layers and the other sections, each with its comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from netcompile.importing.comments import as_comment
from netcompile.importing.layout import Data, Path, Remark, Remarks, item_lines, key_lines
from netcompile.importing.values import message_data
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netcompile.importing.comments import Comments, Spot
    from netcompile.importing.items import Item
    from netcompile.old_formats import Origins

_PARAM_LISTS: Final = frozenset({"blobs_lr", "weight_decay", "blob_share_mode", "param"})
_STEP: Final = 2


class Document(NamedTuple):
    """What a spec is made of. `header` is the net without its layers, `origins` say where its layers were written.

    `drift` is what a given deploy net has otherwise than the one that `deploy` gives, in lines.
    """

    schema: str
    header: Any
    defaults: dict[str, Data]
    items: Sequence[Item]
    comments: Comments
    origins: Origins | None
    deploy: dict[str, Data] | None
    drift: Sequence[str]
    solver: Any
    solver_comments: Comments


class _Remarked:
    """The comments of a net, by the items and keys that they will stand at."""

    def __init__(self) -> None:
        self.keys: dict[str, Remarks] = {}
        self.items: dict[int, dict[Path, Remarks]] = {}
        self.first: list[Remark] = []


def write_document(document: Document) -> str:
    """The text of a spec."""
    keys = message_data(document.header)
    items = [item.data() for item in document.items]
    remarked = _place_comments(document, keys, items)
    lines = [f"# yaml-language-server: $schema={document.schema}", *(text for _, text in sorted(remarked.first))]
    for key, data in keys.items():
        lines += key_lines(key, data, 0, _own(remarked.keys, key))
    if document.defaults:
        lines.append("defaults:")
        for name, data in document.defaults.items():
            lines += key_lines(name, data, _STEP)
    lines.append("layers:" if items else "layers: []")
    for i, item in enumerate(items):
        lines += item_lines(item, _STEP, remarked.items.get(i))
    lines += document.comments.last
    if document.deploy is not None:
        lines += [as_comment(f" {line}") for line in document.drift]
        lines += key_lines("deploy", document.deploy)
    if document.solver is not None:
        lines += _solver_lines(document.solver, document.solver_comments)
    return "\n".join(lines) + "\n"


def _solver_lines(solver: Any, comments: Comments) -> list[str]:
    data = message_data(solver)
    keys = {key: data[key] for key in (*comments.fields, *data) if key in data}
    if not keys:
        return ["solver: {}"]
    remarks: dict[str, Remarks] = {}
    for spot, own in comments.spots.items():
        _add(remarks, spot.field if spot.field in keys else next(iter(keys)), own)
    lines = ["solver:"]
    for key, value in keys.items():
        lines += key_lines(key, value, _STEP, _own(remarks, key))
    return [*lines, *(f"  {comment}" for comment in comments.last)]


def _own(remarks: Mapping[str, Remarks], key: str) -> dict[Path, Remarks] | None:
    return {(): remarks[key]} if key in remarks else None


def _place_comments(document: Document, keys: Mapping[str, Data], items: Sequence[dict[str, Data]]) -> _Remarked:
    remarked = _Remarked()
    at = _items_by_place(document.items, document.comments, document.origins)
    for spot, remarks in document.comments.spots.items():
        place = at.get((spot.field, spot.element))
        if place is not None:
            _place_in_item(remarked, place[0], items[place[0]], spot, remarks, phase=place[1])
        elif spot.field in keys:
            _add(remarked.keys, spot.field, remarks)
        else:
            remarked.first += [*remarks.before, *remarks.behind]
    return remarked


def mark_commented(items: Sequence[Item], comments: Comments, origins: Origins | None) -> None:
    """Tell the items at which of their fields comments will stand, so that these stay where they are."""
    if not comments.spots:
        return
    at = _items_by_place(items, comments, origins)
    for spot in comments.spots:
        index, phase = at.get((spot.field, spot.element), (None, ""))
        if index is not None and spot.path:
            place = _place(items[index].data(), spot, phase)
            items[index].commented.add(tuple(str(key) for key in place if isinstance(key, str)))


def _items_by_place(
    items: Sequence[Item], comments: Comments, origins: Origins | None
) -> dict[tuple[str, int], tuple[int, str]]:
    """The item of each element of the text, and the phase of its layer; one that is gone counts to the next."""
    at: dict[tuple[str, int], tuple[int, str]] = {}
    if origins is None:
        return at
    for i, item in enumerate(items):
        for offset, phase in enumerate(item.layers):
            written = origins.written(item.first + offset)
            if written.field == "input":
                inputs = [spot for spot in comments.spots if spot.field.startswith("input")]
                at.update({(spot.field, spot.element): (i, phase) for spot in inputs})
            element = written.element
            while element >= 0 and (written.field, element) not in at:
                at[written.field, element] = (i, phase)
                element -= 1
    return at


def _place_in_item(
    remarked: _Remarked, index: int, data: dict[str, Data], spot: Spot, remarks: Remarks, *, phase: str
) -> None:
    own = remarked.items.setdefault(index, {})
    place = _place(data, spot, phase)
    ends_block = len(spot.path) == 1 and spot.path[0][0].endswith("_param")  # whose fields are the layer's own now
    if place == (phase,) or (not place and ((spot.path and not ends_block) or phase == "test")):
        remarks = Remarks([*remarks.before, *remarks.behind], [])
    _add(own, place, remarks)


def _place(data: dict[str, Data], spot: Spot, phase: str) -> Path:
    """Where in an item a comment goes: to its field, else to what that is in, else to the phase or to the item."""
    for depth in range(len(spot.path), 0, -1):
        names = [name for name, _ in spot.path[:depth]]
        name = "param" if names[-1] in _PARAM_LISTS else names[-1]
        blocks: list[Path] = [(), *((block,) for block in names[:-1]), (phase,)]
        for block in blocks:
            inner = data.get(str(block[0])) if block else data
            if isinstance(inner, dict) and name in inner:
                return _element((*block, name), inner[name], spot.path[depth - 1][1])
    return (phase,) if phase in data and (spot.path or phase == "test") else ()


def _element(place: Path, data: Data, number: int) -> Path:
    """The place of one of several values."""
    return (*place, number) if isinstance(data, list) and number < len(data) else place


_Place = TypeVar("_Place", str, Path)


def _add(into: dict[_Place, Remarks], place: _Place, remarks: Remarks) -> None:
    own = into.setdefault(place, Remarks([], []))
    own.before.extend(remarks.before)
    own.behind.extend(remarks.behind)
