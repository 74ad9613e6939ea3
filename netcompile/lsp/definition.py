"""Where the thing under the cursor is made or declared: blobs, blocks, variables, parameters and imported files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from netcompile.language.spec import name_list
from netcompile.lsp.blobs import blobs_at, named_by
from netcompile.lsp.cursor import find_spot, item_at, meaning_of, reference_at
from netcompile.lsp.scope import visible
from netcompile.tree import Mapping, Scalar, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.lsp.cursor import Meaning, Spot
    from netcompile.lsp.model import Instance, Model


def definitions(model: Model, line: int, column: int) -> list[Span]:
    """The places that the word at a position leads to; several for a blob that several layers make."""
    if model.document is None:
        return []
    spot = find_spot(model.document, line, column)
    scalar = spot.scalar
    if scalar is None or scalar.source is not model.source:
        return []
    expression = spot.path[-1] == "when" and not spot.on_key
    reference = reference_at(model.lines[line], column, expression=expression)
    if reference is not None and reference.name != "bottom":
        variable = visible(model, spot).get(reference.name)
        return [variable.key.span] if variable is not None and variable.key is not None else []
    meaning = meaning_of(spot)
    return [] if meaning is None else list(dict.fromkeys(_places(model, spot, meaning)))


def _places(model: Model, spot: Spot, meaning: Meaning) -> Iterator[Span]:
    name = str(meaning.scalar.value)
    item = item_at(spot)
    if meaning.kind == "blob":
        for blob in blobs_at(model, item, meaning.scalar):
            yield from _makers(model, blob)
    elif meaning.kind == "block" and name in model.blocks:
        yield model.blocks[name][0].span
    elif meaning.kind == "parameter" and item is not None:
        yield from _parameter(model, item.node, name)
    elif meaning.kind == "argument" and "blob" in named_by(model, meaning.scalar):
        yield from _makers(model, name)
    elif meaning.kind == "argument" and item is not None:
        yield from _parameter(model, item.node, str(item.rest[0]))
    elif meaning.kind == "import":
        path = os.path.normpath(os.path.join(os.path.dirname(model.source.name), name))
        yield from (Span(node.source, 1, 1, 1, 1) for node in model.libraries if node.source.name == path)
        if all(node.source.name != path for node in model.libraries) and os.path.isfile(path):
            yield Span(Source(path, ""), 1, 1, 1, 1)


def _makers(model: Model, blob: str) -> Iterator[Span]:
    makers = model.makers.get(blob, [])
    made = [one for one in makers if not one.tops[blob]] or makers
    yield from (_top(one, blob) for one in made)


def _top(instance: Instance, blob: str) -> Span:
    """Where a layer names a blob as its top: the word under `top`, else the layer's name."""
    for form in instance.spec.forms.values():
        for scalar in name_list(form.fields.layer.entries.get("top")):
            if scalar.value == blob:
                return scalar.span
    node = instance.spec.node
    return (node.entries.get("name") or node).span


def _parameter(model: Model, use: Mapping, name: str) -> Iterator[Span]:
    block = use.entries.get("block")
    found = model.blocks.get(str(block.value)) if type(block) is Scalar else None
    params = found[1].node.entries.get("params") if found else None
    if type(params) is Mapping and name in params.keys:
        yield params.keys[name].span
