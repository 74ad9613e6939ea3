"""Inlay hints: behind each layer the shapes of its tops, behind each block use the last blob that it makes.

A layer that blocks or repetitions bring in more than once has the shapes of its first and its last turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers import LAYER_TYPES
from netcompile.lsp.blobs import PHASES, by_phase, tops_text
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar
from netcompile.views.net import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.lsp.model import Instance, Model
    from netcompile.tree import Node


class Hint(NamedTuple):
    """A text to be shown at the end of a line; `tooltip` says more."""

    line: int
    column: int
    text: str
    tooltip: str


def hints(model: Model, first: int, last: int) -> list[Hint]:
    """The hints on the lines from `first` to `last`, both included."""
    if model.document is None:
        return []
    found = [hint for item in _items(model.document) if (hint := _hint(model, item, first, last))]
    return sorted(found, key=lambda hint: hint.line)


def _items(document: Mapping) -> Iterator[Mapping]:
    """The layers and block uses of a document in order, those inside blocks and repetitions included."""
    waiting: list[Node | None] = [document.entries.get("layers")]
    blocks = document.entries.get("blocks")
    if type(blocks) is Mapping:
        waiting += [block.entries.get("layers") for block in blocks.entries.values() if type(block) is Mapping]
    while waiting:
        items = waiting.pop()
        for item in items.items if type(items) is List else ():
            if type(item) is Mapping and "repeat" in item.entries:
                waiting.append(item.entries.get("layers"))
            elif type(item) is Mapping:
                yield item


def _hint(model: Model, item: Mapping, first: int, last: int) -> Hint | None:
    line = item.start.line
    if not first <= line <= last or item.source is not model.source:
        return None
    block = item.entries.get("block")
    if type(block) is Scalar:
        return _of_use(model, line, model.by_use.get((block.start.line, block.start.column), []))
    return _of_layer(model, line, model.items_at(item))


def _of_layer(model: Model, line: int, instances: list[Instance]) -> Hint | None:
    texts = list(dict.fromkeys(text for one in instances if (text := tops_text(model, one))))
    if not texts:
        return None
    text = texts[0] if len(texts) == 1 else f"{texts[0]} … {texts[-1]}"
    return Hint(line, len(model.lines[line].rstrip()), text, "\n".join(_named(one) for one in instances[:20]))


def _of_use(model: Model, line: int, instances: list[Instance]) -> Hint | None:
    made = [one for one in instances if any(layer.tops for layer in one.phases.values())]
    if not made:
        return None
    last = next((one for one in reversed(made) if not _ends_a_branch(one)), made[-1])
    name = next(iter(last.tops))
    shapes = {phase: shape_text(layer.tops[0]) for phase, layer in last.phases.items() if layer.tops}
    total = f"{len(instances)} layers, the last blob is {name}" if len(instances) > 1 else _named(last)
    return Hint(line, len(model.lines[line].rstrip()), f"{name} {by_phase(model, shapes)}", total)


def _ends_a_branch(instance: Instance) -> bool:
    """True for losses and Accuracy, which say nothing of what the next layer gets."""
    types = {form.type for form in instance.spec.forms.values()}
    return any(name == "Accuracy" or (name in LAYER_TYPES and LAYER_TYPES[name].loss) for name in types)


def _named(instance: Instance) -> str:
    """A layer with its tops by name, phase by phase."""
    phases = []
    for phase in PHASES:
        layer = instance.phases.get(phase)
        if layer is not None:
            tops = zip(layer.layer.message.top, layer.tops, strict=True)
            phases.append(f"{phase} {', '.join(f'{top} {shape_text(shape)}' for top, shape in tops)}")
    return f"{instance.spec.name}: {'; '.join(phases)}"
