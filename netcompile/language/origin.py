"""Where the parts of a layer of a spec are written, found when a finding asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.language.merge import is_null
from netcompile.language.spec import is_inside, layer_title, name_list
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.language.spec import Form, LayerSpec
    from netcompile.tree import Span


class SpecOrigin:
    """The origin of a layer of a spec. Paths are those of `ShapeError.at`."""

    __slots__ = ("form", "spec")
    in_spec: Final = True

    def __init__(self, spec: LayerSpec, form: Form) -> None:
        self.spec = spec
        self.form = form

    def span(self, at: str) -> Span:
        """The place of the value at `at`; of what encloses it where it isn't written; else of the layer's name."""
        return self._find(at)[1].span

    def key_span(self, at: str) -> Span:
        """The place of the key at `at`, likewise."""
        key, value = self._find(at)
        return (value if key is None else key).span

    def notes(self, at: str) -> Sequence[Note]:
        """The layer itself where the value is written elsewhere, and the chain of uses."""
        uses = self.spec.use.notes() if self.spec.use else ()
        if is_inside(self._find(at)[1].span, self.spec.node):
            return uses
        title = layer_title(self.spec.name, self.form.type)
        return (Note(f"used for {title} here", self._name().span, use=True), *uses)

    def _name(self) -> Node:
        """The layer's name, or its key where the name itself comes from elsewhere: the place of the whole layer."""
        name = self.spec.node.entries["name"]
        return name if is_inside(name.span, self.spec.node) else self.spec.node.keys.get("name", name)

    def _find(self, at: str) -> tuple[Scalar | None, Node]:
        """Key and value at a path, or at the longest part of it that is written."""
        key, value = None, self._name()
        parts = at.replace(":", ".").split(".") if at else []
        node: Node = self.form.fields.layer
        if parts[:1] == ["bottom"] and is_null(self.form.fields.layer.entries.get("bottom")):
            return None, self._implied() or value
        if parts[:1] == ["top"] and "top" not in self.form.fields.layer.entries:
            parts = ["in_place"]  # which names the top, where it is written
        for i, part in enumerate(parts):
            if i == 0 and part in self.form.fields.blocks:
                node = self.form.fields.blocks[part]
                key, value = node.keys.get(part), self._block_value(part, value)
                continue
            step = _step(node, part)
            if step is None:
                break
            key, node = step
            value = node
        return key, value

    def _implied(self) -> Node | None:
        """The bottom that a block use around the layer gives, where the layer continues from that."""
        use = self.spec.use
        while use is not None and is_null(use.bottom):
            use = use.parent
        first = name_list(use.bottom)[:1] if use is not None else []
        return next((name for name in first if [str(name.value)] == list(self.form.bottoms)), None)

    def _block_value(self, name: str, fallback: Node) -> Node:
        """The block as written; where its fields are flat, the layer's type, which says what they are."""
        entries = self.spec.node.entries
        written = entries.get(name, entries["type"])
        return written if name in entries or is_inside(written.span, self.spec.node) else fallback


def _step(node: Node, part: str) -> tuple[Scalar | None, Node] | None:
    """One step down a path. A single value stands for the list of it."""
    if type(node) is Mapping and part in node.entries:
        return node.keys.get(part), node.entries[part]
    if not part.isdigit():
        return None
    if type(node) is List:
        return (None, node.items[int(part)]) if int(part) < len(node.items) else None
    return None, node
