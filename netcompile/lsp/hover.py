"""What is shown of the word under the pointer, in Markdown.

Of a blob its shapes, and who makes and who reads it; of a layer what goes in and out; of types and fields their words;
of variables and blocks what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.layers import LAYER_TYPES
from netcompile.lsp.blobs import PHASES, blobs_at, implied_tops, named_by, shapes_of
from netcompile.lsp.cursor import find_spot, item_at, meaning_of, reference_at
from netcompile.lsp.fields import words_on
from netcompile.lsp.scope import shown, visible
from netcompile.records import NamedTuple
from netcompile.shapes import UNKNOWN
from netcompile.tree import Mapping, Scalar
from netcompile.views.net import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.ir import GraphLayer
    from netcompile.lsp.cursor import Item, Meaning, Spot
    from netcompile.lsp.model import Instance, Model
    from netcompile.tree import Node

_MOST: Final = 8  # of what could be a long list


class Hover(NamedTuple):
    """A text in Markdown on the characters of a line from one column to another."""

    line: int
    start: int
    end: int
    text: str


def hover(model: Model, line: int, column: int) -> Hover | None:
    """What there is to say about a position; None where nothing is known."""
    if model.document is None:
        return None
    spot = find_spot(model.document, line, column)
    scalar = spot.scalar
    if scalar is None or scalar.source is not model.source:
        return None
    if not spot.on_key and scalar.start.line <= line <= scalar.end.line:
        found = _reference(model, spot, line, column)
        if found is not None:
            return found
    meaning = meaning_of(spot)
    text = None if meaning is None else _text(model, spot, meaning)
    if not text or scalar.start.line != scalar.end.line:
        return None
    return Hover(line, scalar.start.column, scalar.end.column, text)


def _reference(model: Model, spot: Spot, line: int, column: int) -> Hover | None:
    expression = bool(spot.path) and spot.path[-1] == "when"
    reference = reference_at(model.lines[line], column, expression=expression)
    variable = visible(model, spot).get(reference.name) if reference else None
    if reference is None or variable is None:
        return None
    parts = [f"`${variable.name}`" + (f" = `{variable.value}`" if variable.value else ""), variable.what]
    if variable.key is not None:
        parts[1] += f", {model.where(variable.key.source, variable.key.start.line + 1)}"
    meaning = meaning_of(spot)
    if meaning is not None and meaning.kind == "blob":
        parts += [_blob(model, name) for name in blobs_at(model, item_at(spot), meaning.scalar)[:2]]
    return Hover(line, reference.start, reference.end, "\n\n".join(parts))


def _text(model: Model, spot: Spot, meaning: Meaning) -> str | None:  # noqa: PLR0911 - one answer per kind
    name = str(meaning.scalar.value)
    item = item_at(spot)
    if meaning.kind == "blob":
        return "\n\n".join(_blob(model, one) for one in blobs_at(model, item, meaning.scalar)[:_MOST])
    if meaning.kind == "layer":
        assert item is not None
        return _layer(model, model.items_at(item.node))
    if meaning.kind == "type":
        return _type(name)
    if meaning.kind == "block":
        return _block(model, name)
    if meaning.kind == "variable":
        return _variable(model, spot, name)
    if meaning.kind == "parameter":
        return _parameter(model, _block_of(spot, item), name)
    if meaning.kind == "argument":
        return _argument(model, item, meaning.scalar)
    if meaning.kind == "field":
        words = words_on(meaning.start, meaning.keys)
        return f"**{meaning.keys[-1]}**\n\n{words}" if words else None
    return None


# Blobs and layers


def _blob(model: Model, name: str) -> str:
    shapes = shapes_of(model, name)
    makers = model.makers.get(name, [])
    if not makers:
        return f"blob `{name}`: no layer makes it" if model.expanded is not None else f"blob `{name}`"
    lines = [f"blob `{name}`", _table(shapes), _listed(model, "made by", [one for one in makers if not one.tops[name]])]
    lines.append(_listed(model, "changed in place by", [one for one in makers if one.tops[name]]))
    in_place = {id(one) for one in makers if one.tops[name]}
    lines.append(_listed(model, "read by", [one for one in model.readers.get(name, ()) if id(one) not in in_place]))
    return "\n\n".join(line for line in lines if line)


def _table(shapes: dict[str, str]) -> str:
    if len(shapes) > 1 and len(set(shapes.values())) == 1:
        return f"**{next(iter(shapes.values()))}** in {', '.join(shapes)}"
    return "  \n".join(f"{phase} **{shape}**" for phase, shape in shapes.items())


def _listed(model: Model, what: str, instances: Sequence[Instance]) -> str:
    if not instances:
        return ""
    shown_ones = [f"`{one.spec.name}` ({_line(model, one)})" for one in instances[:_MOST]]
    more = len(instances) - _MOST
    return f"{what} {', '.join(shown_ones)}" + (f" and {more} more" if more > 0 else "")


def _line(model: Model, instance: Instance) -> str:
    node = instance.spec.node
    where = model.where(node.source, node.start.line + 1)
    used = f", used in line {instance.place.line + 1}" if instance.spec.use is not None else ""
    return where + used


def _layer(model: Model, instances: Sequence[Instance]) -> str | None:
    if not instances:
        return None
    parts = []
    for one in instances[:2]:
        parts.append(f"layer `{one.spec.name}`, {' / '.join({form.type: 0 for form in one.spec.forms.values()})}")
        flows = {phase: _flow(one.phases[phase]) for phase in PHASES if phase in one.phases}
        parts.append("  \n".join(f"{phase} {flow}" for phase, flow in flows.items()))
        learned = next(iter(one.phases.values()), None)
        parts.append(_learned(learned) if learned is not None else "")
        readers = [other for top in implied_tops(one) for other in model.readers.get(top, ()) if other is not one]
        parts.append(_listed(model, "read by", readers))
    if len(instances) > 2:  # noqa: PLR2004 - as above
        parts.append(f"and {len(instances) - 2} more layers from here")
    return "\n\n".join(part for part in parts if part)


def _flow(layer: GraphLayer) -> str:
    message = layer.layer.message
    bottoms = ", ".join(f"{name} {shape_text(s)}" for name, s in zip(message.bottom, layer.bottoms, strict=True))
    tops = ", ".join(f"{name} **{shape_text(s)}**" for name, s in zip(message.top, layer.tops, strict=True))
    return f"{bottoms} → {tops}" if bottoms else tops


def _learned(layer: GraphLayer) -> str:
    if not layer.blobs:
        return ""
    counts = [UNKNOWN if blob is None else blob.count() for blob in layer.blobs]
    known = [count for count in counts if isinstance(count, int)]
    total = f" = {sum(known):,}" if len(known) == len(counts) else ""
    macs = f", {layer.macs:,} multiply-accumulates" if isinstance(layer.macs, int) and layer.macs else ""
    return f"parameters {', '.join(map(shape_text, layer.blobs))}{total}{macs}"


# Types, blocks and variables


def _type(name: str) -> str | None:
    kind = LAYER_TYPES.get(name)
    if kind is None:
        return None
    takes = [
        f"{what}: {arity}" for what, arity in (("bottoms", kind.bottoms), ("tops", kind.tops)) if not callable(arity)
    ]
    if kind.params:
        takes.append(f"fields of {', '.join(f'`{param}`' for param in kind.params)}")
    return "\n\n".join(filter(None, (f"**{name}**", kind.doc, "; ".join(takes))))


def _block(model: Model, name: str) -> str | None:
    if name not in model.blocks:
        return None
    key, block = model.blocks[name]
    params = ", ".join(_with_default(param, node) for param, node in block.parameters.items()) or "none"
    where = model.where(key.source, key.start.line + 1)
    return f"block `{name}`, {where}\n\nparameters: {params}\n\n{len(block.items)} items"


def _with_default(name: str, node: Node) -> str:
    return f"`{name}`" if type(node) is Scalar and node.value is None else f"`{name}: {shown(node)}`"


def _variable(model: Model, spot: Spot, name: str) -> str | None:
    if spot.path[0] == "vars":
        declared = model.variables.get(name)
        value = None if declared is None else declared.value
        return f"`${name}` = `{shown(value)}`" if value is not None else f"`${name}` is required: `--set {name}=VALUE`"
    item = item_at(spot)
    assert item is not None
    values = item.node.entries["repeat"]
    assert type(values) is Mapping
    return f"`${name}` runs over `{shown(values.entries[name])}`"


def _argument(model: Model, item: Item | None, scalar: Scalar) -> str | None:
    """What a value is for: that of a parameter, and what it names."""
    name, parts = str(scalar.value), []
    used = item.node.entries.get("block") if item is not None else None
    if item is not None and type(used) is Scalar:
        parts.append(_parameter(model, str(used.value), str(item.rest[0])))
    kinds = named_by(model, scalar)
    if "layer" in kinds:
        parts.append(_layer(model, [one for one in model.instances if one.spec.name == name]))
    if "blob" in kinds:
        parts.append(_blob(model, name))
    return "\n\n".join(part for part in parts if part)


def _block_of(spot: Spot, item: Item | None) -> str:
    """The block that a parameter belongs to: the one that is declared, or the one that is used."""
    used = item.node.entries.get("block") if item is not None else None
    return str(spot.path[1]) if item is None else str(used.value) if type(used) is Scalar else ""


def _parameter(model: Model, block: str, name: str) -> str | None:
    if block not in model.blocks or name not in model.blocks[block][1].parameters:
        return None
    default = model.blocks[block][1].parameters[name]
    required = type(default) is Scalar and default.value is None
    return f"`{name}`, parameter of block `{block}`" + (", required" if required else f"; default `{shown(default)}`")
