"""Shapes that a spec declares for tops: `top_shapes`, with `batch` for the layer's batch size and `~` for unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diagnostics import did_you_mean
from netcompile.layers import LAYER_TYPES
from netcompile.layers._words import plural
from netcompile.shapes import UNKNOWN, Dim, Shape
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.diagnostics import Report
    from netcompile.language.origin import SpecOrigin
    from netcompile.language.spec import Form


def declared_shapes(form: Form, origin: SpecOrigin, report: Report) -> dict[str, Shape]:
    """The declared shape of each top that has one. What can't be read is reported and left out."""
    if origin.spec.damaged:
        return {}
    nodes = shape_nodes(form, origin, report)
    size = batch_size(form)
    if size is None:
        _check_batch([item for node in nodes.values() for item in node.items], origin, report)
    batch = UNKNOWN if size is None else size
    return {top: Shape(_dim(item, batch) for item in node.items) for top, node in nodes.items()}


def shape_nodes(form: Form, origin: SpecOrigin, report: Report) -> dict[str, List]:
    """The list of dims of each top: from a mapping by name, a list in the order of the tops, or one for one top."""
    node = form.fields.layer.entries["top_shapes"]
    if type(node) is Mapping:
        return _by_name(node, form, origin, report)
    if type(node) is not List:
        return {}
    one = not any(type(item) is List for item in node.items)
    shapes = [node] if one else node.items
    if len(shapes) != len(form.tops):
        given = "1 shape is" if len(shapes) == 1 else f"{len(shapes)} shapes are"
        text = f"{_layer(origin)}: {given} given for {plural(len(form.tops), 'top')}"
        hint = "give a list of shapes in the order of the tops, or a mapping from top to shape; ~ is an unknown one"
        report.add("top-count", node.span, text, hint=hint, notes=origin.notes("top_shapes"))
        return {}
    return {top: dims for top, dims in zip(form.tops, shapes, strict=True) if type(dims) is List}


def _by_name(node: Mapping, form: Form, origin: SpecOrigin, report: Report) -> dict[str, List]:
    known = {top for one in origin.spec.forms.values() for top in one.tops}
    for top, key in node.keys.items():
        if top in node.entries and top not in known:
            meant = did_you_mean(str(top), form.tops)
            hint = f"did you mean '{meant}'?" if meant else f"its tops: {', '.join(form.tops) or 'none'}"
            text = f"{_layer(origin)}: `top_shapes` names '{top}', which is none of its tops"
            report.add("unknown-top", key.span, text, hint=hint, notes=origin.notes("top_shapes"))
    return {top: dims for top in form.tops if type(dims := node.entries.get(top)) is List}


def _layer(origin: SpecOrigin) -> str:
    return f"{origin.form.type} '{origin.spec.name}'"


def _check_batch(dims: Iterable[Node], origin: SpecOrigin, report: Report) -> None:
    """Report the first `batch` of a layer without a batch size. Data layers are refused for that themselves."""
    first = next((dim for dim in dims if _is_batch(dim)), None)
    kind = LAYER_TYPES.get(origin.form.type)
    if first is None or (kind is not None and kind.data):
        return
    text = f"{_layer(origin)}: `batch` stands for its batch_size, which is not given"
    hint = "write the number, or ~ for an unknown dim"
    report.add("missing-field", first.span, text, hint=hint, notes=origin.notes("top_shapes"))


def _is_batch(node: Node) -> bool:
    return type(node) is Scalar and node.value == "batch"


def _dim(node: Node, batch: Dim) -> Dim:
    if _is_batch(node):
        return batch
    value = node.value if type(node) is Scalar else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else UNKNOWN


def batch_size(form: Form) -> int | None:
    """The batch size that a layer's fields give, in whichever message; for a Python layer also in `param_str`."""
    for block in form.fields.blocks.values():
        node = block.entries.get("batch_size")
        if node is None and type(block.entries.get("param_str")) is Mapping:
            node = block.entries["param_str"].entries.get("batch_size")  # type: ignore[union-attr]
        if type(node) is Scalar and isinstance(node.value, (int, float)):
            return int(node.value)
    return None
