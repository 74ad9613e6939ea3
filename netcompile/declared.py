"""Shapes that a spec declares for tops: `top_shapes`, with `batch` for the layer's batch size and `~` for unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diagnostics import did_you_mean
from netcompile.shapes import UNKNOWN, Dim, Shape
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.origin import SpecOrigin
    from netcompile.spec import Form


def declared_shapes(form: Form, origin: SpecOrigin, report: Report) -> dict[str, Shape]:
    """The declared shape of each top that has one. What can't be read is reported and left out."""
    shapes = {}
    for top, node in shape_nodes(form, origin, report).items():
        dims = [_dim(item, form, origin, report) for item in node.items]
        shapes[top] = Shape(dims)
    return shapes


def shape_nodes(form: Form, origin: SpecOrigin, report: Report) -> dict[str, List]:
    """The list of dims of each top: from a mapping by name, from a list in the order of the tops, or one for one top."""
    node = form.fields.layer.entries["top_shapes"]
    found: dict[str, List] = {}
    if type(node) is Mapping:
        for top, dims in node.entries.items():
            if top not in form.tops:
                meant = did_you_mean(str(top), form.tops)
                text = f"'{form_name(origin)}' has no top '{top}'"
                hint = f"did you mean '{meant}'?" if meant else f"its tops: {', '.join(form.tops) or 'none'}"
                report.add("unknown-top", node.keys[top].span, text, hint=hint, notes=origin.notes("top_shapes"))
            elif type(dims) is List:
                found[top] = dims
        return found
    if type(node) is not List:
        return found
    shapes = node.items if node.items and all(type(item) is List for item in node.items) else [node]
    if len(shapes) > len(form.tops):
        text = f"'{form_name(origin)}' has {len(form.tops)} tops, but {len(shapes)} shapes are given"
        report.add("top-count", node.span, text, notes=origin.notes("top_shapes"))
    for top, dims in zip(form.tops, shapes, strict=False):
        if type(dims) is List:
            found[top] = dims
    return found


def form_name(origin: SpecOrigin) -> str:
    """The name of the layer that is shaped."""
    return origin.spec.name


def _dim(node: Node, form: Form, origin: SpecOrigin, report: Report) -> Dim:
    value = node.value if type(node) is Scalar else None
    if value == "batch":
        size = batch_size(form)
        if size is None:
            text = f"'batch' stands for the batch_size of '{origin.spec.name}', which has none"
            report.add("missing-field", node.span, text, hint="write the number, or ~ for an unknown dim")
        return UNKNOWN if size is None else size
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
