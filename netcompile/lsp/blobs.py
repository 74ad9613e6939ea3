"""Which blobs and layers the words at a place stand for, and their shapes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.language.spec import name_list
from netcompile.tree import List, Mapping, Scalar
from netcompile.views.net import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.lsp.cursor import Item
    from netcompile.lsp.model import Instance, Model
    from netcompile.shapes import Shape

PHASES: Final = ("TRAIN", "TEST")


def blobs_at(model: Model, item: Item | None, scalar: Scalar) -> list[str]:
    """The blobs that a word under `bottom`, `top` or the like stands for: several where a block is used repeatedly."""
    text = str(scalar.value)
    if "$" not in text:
        return [text]
    if item is None or "type" not in item.node.entries:
        return []
    found = {}
    for instance in model.items_at(item.node):
        for form in instance.spec.forms.values():
            names = form.bottoms if "bottom" in item.rest else form.tops
            found.update(dict.fromkeys(_at_index(names, item, scalar)))
    return list(found)


def _at_index(names: Sequence[str], item: Item, scalar: Scalar) -> Sequence[str]:
    """The names that one word of a list became; all of them where the word may have become a list."""
    key = "bottom" if "bottom" in item.rest else "top"
    written = item.node.entries.get(key)
    if type(written) is not List or len(written.items) != len(names):
        return names
    return [name for name, node in zip(names, written.items, strict=True) if node is scalar]


def implied_tops(instance: Instance) -> set[str]:
    """The tops that have their name from the layer, because none is written."""
    spec = instance.spec
    written = any(name_list(form.fields.layer.entries.get("top")) for form in spec.forms.values())
    return set() if written else {spec.name} & instance.tops.keys()


def blob_words_of(node: Mapping) -> Iterator[Scalar]:
    """The words under a layer's `bottom`, `top` and `top_shapes`."""
    for key in ("bottom", "top"):
        yield from name_list(node.entries.get(key))
    shapes = node.entries.get("top_shapes")
    if type(shapes) is Mapping:
        yield from shapes.keys.values()


def blob_words(instance: Instance) -> Iterator[Scalar]:
    """The words that a layer's blobs came from, which may stand in variables and in the arguments of blocks."""
    for form in instance.spec.forms.values():
        yield from blob_words_of(form.fields.layer)


def named_by(model: Model, scalar: Scalar) -> set[str]:
    """What a value names wherever it is brought in as it is: "layer", "blob", both, or nothing."""
    kinds = set()
    for one in model.instances:
        name = one.spec.node.entries["name"]
        if name is scalar:
            kinds.add("layer")
        if (name is scalar and implied_tops(one)) or any(word is scalar for word in blob_words(one)):
            kinds.add("blob")
    return kinds


def shapes_of(model: Model, blob: str) -> dict[str, str]:
    """The final shape of a blob, by phase; deploy too where the document asks for it."""
    graphs = {phase: graph.shapes for phase, graph in model.graphs.items()}
    if model.deploy is not None:
        graphs["deploy"] = model.deploy.shapes
    return {phase: shape_text(shapes[blob]) for phase, shapes in graphs.items() if blob in shapes}


def tops_text(model: Model, instance: Instance) -> str:
    """The shapes of a layer's tops: `8x64x25x25`, `TRAIN | TEST` where they differ, `TEST: ...` where it is in one."""
    return by_phase(model, {phase: _shapes(one.tops) for phase, one in instance.phases.items()})


def top_text(model: Model, instance: Instance, blob: str) -> str:
    """The shapes of one of a layer's tops, likewise."""
    texts: dict[str, str] = {}
    for phase, one in instance.phases.items():
        shapes = dict(zip(one.layer.message.top, one.tops, strict=True))
        texts |= {phase: shape_text(shapes[blob])} if blob in shapes else {}
    return by_phase(model, texts)


def by_phase(model: Model, texts: AbstractMapping[str, str]) -> str:
    """What is said of each phase, said once where all that there are agree."""
    found = {phase: texts[phase] for phase in PHASES if texts.get(phase)}
    said = " | ".join(dict.fromkeys(found.values()))
    return said if len(found) == len(model.graphs) or not said else f"{', '.join(found)}: {said}"


def _shapes(shapes: Sequence[Shape | None]) -> str:
    return ", ".join(map(shape_text, shapes))
