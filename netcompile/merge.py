"""The layers of one layer: defaults, the layer itself and its variants, merged field by field.

Flat fields are first brought to the block form, so that `num_output` and `convolution_param: {num_output: ...}` are
one thing. Merging never changes a node: it makes new mappings around old ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.diagnostics import Note
from netcompile.layers import LAYER_TYPES
from netcompile.tree import Mapping, Node, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report

# Keys of a layer that are neither fields of LayerParameter nor of the type's messages.
SPEC_KEYS: Final = frozenset(
    {"in_place", "train", "test", "deploy", "only", "when", "top_shapes", "custom", "param_format"}
)
LAYER_FIELDS: Final = frozenset(LAYER_FIELD.name for LAYER_FIELD in LayerParameter.DESCRIPTOR.fields)
BLOCKS: Final = frozenset(name for name in LAYER_FIELDS if name.endswith("_param"))
_SQUARE: Final = {"kernel_size": "kernel", "pad": "pad", "stride": "stride"}
_SIDES: Final = {f"{stem}_{side}": square for square, stem in _SQUARE.items() for side in "hw"}


class Fields(NamedTuple):
    """A layer's keys in block form: `layer` has its own keys, `blocks` the fields of each `*_param` message."""

    layer: Mapping
    blocks: dict[str, Mapping]


_TABLES: dict[str, dict[str, str]] = {}


def flat_fields(type_name: str) -> dict[str, str]:
    """The fields that a type takes in flat form, each with the message that it belongs to."""
    table = _TABLES.get(type_name)
    if table is not None:
        return table
    table = {}
    kind = LAYER_TYPES.get(type_name)
    for block in kind.params if kind else ():
        for field in LayerParameter.DESCRIPTOR.fields_by_name[block].message_type.fields:
            if field.name not in LAYER_FIELDS and field.name not in SPEC_KEYS:
                table.setdefault(field.name, block)
    _TABLES[type_name] = table
    return table


def normalise(node: Mapping, type_name: str, report: Report) -> Fields:
    """The keys of a layer, or of a part of one, in block form. The same field both ways is reported."""
    table = flat_fields(type_name)
    own: dict[str, Node] = {}
    blocks: dict[str, Mapping] = {}
    given: list[tuple[str, Mapping]] = []
    for key, value in node.entries.items():
        block = table.get(key)
        if block is not None:
            flat = blocks.get(block)
            if flat is None:
                flat = blocks[block] = Mapping({}, node.keys, node.start, node.end, node.source)
            flat.entries[key] = value
        elif key in BLOCKS and type(value) is Mapping:
            given.append((key, value))
        else:
            own[key] = value
    for block, value in given:
        blocks[block] = _both_forms(blocks[block], value, block, report) if block in blocks else value
    return Fields(Mapping(own, node.keys, node.start, node.end, node.source), blocks)


def _both_forms(flat: Mapping, block: Mapping, name: str, report: Report) -> Mapping:
    for key in flat.entries:
        if key in block.entries:
            message = f"'{key}' is given twice: flat and in {name}"
            notes = [Note("the other one is here", flat.keys[key].span)]
            report.add("duplicate-field", block.keys[key].span, message, notes=notes)
    entries = {**block.entries, **flat.entries}
    return Mapping(entries, {**block.keys, **flat.keys}, block.start, block.end, block.source)


def merge(base: Fields, over: Fields) -> Fields:
    """`over` laid over `base`: layer keys and the fields of blocks merge, everything deeper is replaced as a whole."""
    blocks = dict(base.blocks)
    for name, block in over.blocks.items():
        blocks[name] = _merge_block(blocks[name], block) if name in blocks else block
    for name in BLOCKS & over.layer.entries.keys():  # `pooling_param: ~`
        blocks.pop(name, None)
    return Fields(_merge_mapping(base.layer, over.layer), blocks)


def _merge_mapping(base: Mapping, over: Mapping) -> Mapping:
    if not base.entries:
        return over
    return Mapping({**base.entries, **over.entries}, {**base.keys, **over.keys}, over.start, over.end, over.source)


def _merge_block(base: Mapping, over: Mapping) -> Mapping:
    merged = _merge_mapping(base, over)
    for key in over.entries:
        square = _SIDES.get(key)
        if square is not None and square not in over.entries:
            merged.entries.pop(square, None)
        stem = _SQUARE.get(key)
        if stem is not None:
            _drop_sides(merged, over, stem)
    return merged


def _drop_sides(merged: Mapping, over: Mapping, stem: str) -> None:
    for side in "hw":
        if f"{stem}_{side}" not in over.entries:
            merged.entries.pop(f"{stem}_{side}", None)


def without_type(fields: Fields, old: str, new: str) -> Fields:
    """The fields of a layer whose variant changes its type: the old type's messages go, but those both types read."""
    old_kind, new_kind = LAYER_TYPES.get(old), LAYER_TYPES.get(new)
    gone = set(old_kind.params if old_kind else ()) - set(new_kind.params + new_kind.reads if new_kind else ())
    return Fields(fields.layer, {name: block for name, block in fields.blocks.items() if name not in gone})


def is_null(node: Node | None) -> bool:
    """True for a missing node and for `~`, which removes what a layer would inherit."""
    return node is None or (type(node) is Scalar and node.value is None)
