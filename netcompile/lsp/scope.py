"""The variables that a place in a document sees, with what is known of each without expanding anything.

The innermost name wins; a block sees its parameters and `vars`, and not the names around its use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.lsp.cursor import block_around, items_around
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netcompile.lsp.cursor import Item, Spot
    from netcompile.lsp.model import Model
    from netcompile.tree import Node


class Variable(NamedTuple):
    """A name that can be used: what it is, its value or default as text, and where it is declared."""

    name: str
    what: str
    value: str
    key: Scalar | None


def visible(model: Model, spot: Spot, items: Iterable[Item] | None = None) -> dict[str, Variable]:
    """The variables that can be used at a position, by name. `items`: those that it is inside of, where known."""
    found = {
        name: Variable(name, "variable", "" if one.value is None else shown(one.value), one.key)
        for name, one in model.variables.items()
    }
    block = block_around(spot)
    if block in model.blocks:
        found.update((one.name, one) for one in _parameters(model, block))
    for item in items_around(spot) if items is None else items:
        names = item.node.entries.get("repeat")
        # What a repetition runs over is worked out before its names are bound.
        if type(names) is Mapping and item.rest[:1] == ("layers",):
            for name, values in names.entries.items():
                found[name] = Variable(name, "variable of a repetition", shown(values), names.keys[name])
    return found


def _parameters(model: Model, block: str) -> Iterator[Variable]:
    params = model.blocks[block][1].node.entries.get("params")
    yield Variable("bottom", f"the bottom of a use of block '{block}', given or implied", "", None)
    if type(params) is not Mapping:
        return
    for name, default in params.entries.items():
        required = type(default) is Scalar and default.value is None
        what = f"parameter of block '{block}'" + (", required" if required else "")
        yield Variable(name, what, "" if required else shown(default), params.keys[name])


def shown(node: Node) -> str:
    """A value on one line, as one would write it in a spec."""
    if type(node) is Scalar:
        return _scalar(node.value)
    if type(node) is List:
        return f"[{', '.join(map(shown, node.items))}]"
    assert type(node) is Mapping
    return "{" + ", ".join(f"{key}: {shown(value)}" for key, value in node.entries.items()) + "}"


def _scalar(value: str | float | bool | None) -> str:  # noqa: FBT001 - one of the kinds of a value
    if value is None or type(value) is bool:
        return {None: "~", True: "true", False: "false"}[value]
    return value if type(value) is str and value else repr(value)
