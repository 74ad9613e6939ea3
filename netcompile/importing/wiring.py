"""Bottoms and tops as a spec needs them: what the compiler implies anyway is left out.

Asks the compiler itself: it expands a spec in which each layer stands behind a twin that names nothing and that nothing
continues from. So what is left out here can't be other than what is implied there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netcompile.compiler import Settings, expand_document
from netcompile.diagnostics import CompileError, Report
from netcompile.importing import scalars
from netcompile.importing.layout import flow
from netcompile.layers import LAYER_TYPES
from netcompile.load import load
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcompile.forks.read import Fork
    from netcompile.importing.items import Item
    from netcompile.importing.layout import Data
    from netcompile.language.spec import LayerSpec

_Key = Literal["bottom", "top"]


def wire(items: Sequence[Item], fork: Fork | None = None) -> None:
    """Give each item the keys of its bottoms and tops that it needs."""
    for item in items:
        for key in ("bottom", "top"):
            _write(item, key)
    implied, refused = _expand_twins(items, fork)
    for item in items:
        twin = implied.get(item.first)
        if all(layer.bottom and list(layer.top) == list(layer.bottom[:1]) for layer in item.layers.values()):
            _erase(item, "top")
            item.wires["in_place"] = "true"
        elif not _names_tops(item) and _is_implied("top", item, twin):
            _erase(item, "top")
        if item.first not in refused and _is_implied("bottom", item, twin):
            _erase(item, "bottom")


def _expand_twins(items: Sequence[Item], fork: Fork | None) -> tuple[dict[int, LayerSpec], set[int]]:
    """The twins as the compiler expands them, by the index of the first layer of their item; and those it refuses."""
    lines = [f"- {flow(twin)}\n- {flow(own)}\n" for item in items for twin, own in [_twins(item)]]
    report = Report()
    document = load(Source("wires", "layers:\n" + "".join(lines)), report)
    if document is None:  # the text is longer than any that is read
        raise CompileError(report.ordered())
    expanded = expand_document(document, report, Settings(check=False, caffe=fork), {})
    twins = {(spec.node.start.line - 1): spec for spec in expanded.layers}
    refused = {found.span.line - 2 for found in report if found.span is not None and found.severity == "error"}
    firsts = {2 * i: item.first for i, item in enumerate(items)}
    return (
        {first: twins[line] for line, first in firsts.items() if line in twins},
        {first for line, first in firsts.items() if line in refused},
    )


def _twins(item: Item) -> tuple[dict[str, Data], dict[str, Data]]:
    """An item that names nothing, and is passed over for its loss weight; and the item with all that it names."""
    data = item.data()
    bare = {key: data[key] for key in ("name", "type", "custom", "deploy", *item.extra) if key in data}
    own = {**bare, **item.wires, **({"loss_weight": data["loss_weight"]} if "loss_weight" in data else {})}
    twin = {**bare, "loss_weight": "1", **({"top": "[]"} if _names_tops(item) else {})}
    for phase, fields in item.variants.items():
        twin[phase] = {}
        own[phase] = {key: value for (_, key), value in fields.items() if key in ("bottom", "top", "loss_weight")}
    return twin, own


def _is_implied(key: _Key, item: Item, twin: LayerSpec | None) -> bool:
    if twin is None:
        return False
    planned = "DEPLOY" if ("", "deploy") in item.fields else None  # has a form of its own
    return all(
        list(form.bottoms if key == "bottom" else form.tops) == list(getattr(_layer_in(item, target), key))
        for target, form in twin.forms.items()
        if target != planned
    )


def _names_tops(item: Item) -> bool:
    kind = LAYER_TYPES.get(item.type)
    return kind is not None and kind.names_tops


def _layer_in(item: Item, target: str) -> Any:
    """The layer that an item is in a target; deploy has the form of TEST."""
    return item.layers.get("") or item.layers["train" if target == "TRAIN" else "test"]


def _write(item: Item, key: _Key) -> None:
    """Name what a key has: in the item, or in its variants where they differ."""
    names = {phase: _names(getattr(layer, key)) for phase, layer in item.layers.items()}
    if len(names) == 1 or names["train"] == names["test"]:
        item.wires[key] = next(iter(names.values()))
        return
    for phase, data in names.items():
        item.variants[phase]["", key] = data


def _erase(item: Item, key: _Key) -> None:
    item.wires.pop(key, None)
    for fields in item.variants.values():
        fields.pop(("", key), None)


def _names(names: Iterable[str]) -> Data:
    spelt: list[Data] = [scalars.text(name) for name in names]
    return spelt[0] if len(spelt) == 1 else spelt
