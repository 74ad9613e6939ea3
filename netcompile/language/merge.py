"""Layer fields in block form, and what becomes of them when one level is laid over another.

Flat fields are first brought to the block form, so that `num_output` and `convolution_param: {num_output: ...}` are
one thing. Merging never changes a node: it makes new mappings around old ones. Knows nothing of which levels there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.diagnostics import Note
from netcompile.layers import LAYER_TYPES
from netcompile.records import NamedTuple
from netcompile.tree import Mapping, Node, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork

# Keys of a layer that are neither fields of LayerParameter nor of the type's messages.
SPEC_KEYS: Final = frozenset(
    {"in_place", "train", "test", "deploy", "only", "when", "top_shapes", "custom", "param_format"}
)
LAYER_FIELDS: Final = frozenset(field.name for field in LayerParameter.DESCRIPTOR.fields)
BLOCKS: Final = frozenset(name for name in LAYER_FIELDS if name.endswith("_param"))
_SIDES: Final = {"kernel_size": "kernel", "pad": "pad", "stride": "stride"}
_WINDOW: Final = (*_SIDES, *(f"{stem}_{side}" for stem in _SIDES.values() for side in "hw"))
# Of two ways to give a size, the later one takes the earlier one's place.
_RIVALS: Final = {
    **{square: (f"{stem}_h", f"{stem}_w") for square, stem in _SIDES.items()},
    **{f"{stem}_{side}": (square,) for square, stem in _SIDES.items() for side in "hw"},
}
_KERNEL: Final = ("kernel_size", "kernel_h", "kernel_w")
_GLOBAL: Final = "global_pooling"  # whose window is the whole bottom


class Fields(NamedTuple):
    """A layer's keys in block form: `layer` has its own keys, `blocks` the fields of each `*_param` message."""

    layer: Mapping
    blocks: dict[str, Mapping]


_TABLES: dict[str, dict[str, str]] = {}


def flat_fields(type_name: str, fork: Fork | None = None) -> dict[str, str]:
    """The fields that a type takes in flat form, in Caffe or in a fork, each with the message that it belongs to."""
    tables = fork.flat if fork else _TABLES
    table = tables.get(type_name)
    if table is not None:
        return table
    table = {}
    fields: Any = (fork.LayerParameter if fork else LayerParameter).DESCRIPTOR.fields_by_name
    kind = LAYER_TYPES.get(type_name)
    for block in kind.params if kind else ():
        # A fork may lack the message of a younger type.
        for field in fields[block].message_type.fields if block in fields else ():
            if field.name not in fields and field.name not in SPEC_KEYS:
                table.setdefault(field.name, block)
    tables[type_name] = table
    return table


def normalise(node: Mapping, type_name: str, report: Report, fork: Fork | None = None) -> Fields:
    """The keys of a layer, or of a part of one, in block form. The same field both ways is reported."""
    table = flat_fields(type_name, fork)
    known = fork.blocks if fork else BLOCKS
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
        elif key in known and type(value) is Mapping:
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
            notes = [Note("the flat one is here", flat.keys[key].span)]
            report.add("duplicate-field", block.keys[key].span, message, notes=notes)
    entries = {**block.entries, **flat.entries}
    return Mapping(entries, {**block.keys, **flat.keys}, block.start, block.end, block.source)


def merge(base: Fields, over: Fields) -> Fields:
    """`over` laid over `base`: layer keys and the fields of blocks merge, everything deeper is replaced as a whole."""
    blocks = {name: block for name, block in base.blocks.items() if name not in over.layer.entries}  # `lrn_param: ~`
    for name, block in over.blocks.items():
        blocks[name] = _merge_block(blocks[name], block) if name in blocks else block
    return Fields(_merge_layer(base.layer, over.layer), blocks)


def _merge_layer(base: Mapping, over: Mapping) -> Mapping:
    """Layer keys. Of `top` and `in_place: true`, which both name the top, a later one takes an earlier one's place."""
    merged = _merge_mapping(base, over)
    if "top" in over.entries and "in_place" in base.entries and "in_place" not in over.entries:
        return merged if is_null(over.entries["top"]) else _without(merged, "in_place")
    if "in_place" in over.entries and "top" in base.entries and "top" not in over.entries:
        return _without(merged, "top") if is_true(over.entries["in_place"]) else merged
    return merged


def _merge_block(base: Mapping, over: Mapping) -> Mapping:
    gone = [
        rival
        for key, node in over.entries.items()
        if key in _RIVALS and not is_null(node)
        for rival in _RIVALS[key]
        if rival not in over.entries
    ]
    if _GLOBAL in over.entries and is_true(over.entries[_GLOBAL]):
        gone += [key for key in _WINDOW if key not in over.entries]
    elif _GLOBAL in base.entries and any(not is_null(over.entries.get(key)) for key in _KERNEL):
        gone.append(_GLOBAL)
    return _without(_merge_mapping(base, over), *gone)


def _merge_mapping(base: Mapping, over: Mapping) -> Mapping:
    if not base.entries:
        return over
    return Mapping({**base.entries, **over.entries}, {**base.keys, **over.keys}, over.start, over.end, over.source)


def _without(node: Mapping, *keys: str) -> Mapping:
    if not any(key in node.entries for key in keys):
        return node
    return node._replace(entries={key: value for key, value in node.entries.items() if key not in keys})


def without_type(fields: Fields, old: str, new: str) -> Fields:
    """The fields of a layer whose variant changes its type: the old type's messages go, but those both types read."""
    old_kind, new_kind = LAYER_TYPES.get(old), LAYER_TYPES.get(new)
    gone = set(old_kind.params if old_kind else ()) - set(new_kind.messages if new_kind else ())
    return Fields(fields.layer, {name: block for name, block in fields.blocks.items() if name not in gone})


def is_null(node: Node | None) -> bool:
    """True for a missing node and for `~`, which removes what a layer would inherit."""
    return node is None or (type(node) is Scalar and node.value is None)


def is_true(node: Node | None) -> bool:
    """True for `true`."""
    return type(node) is Scalar and node.value is True


def is_false(node: Node | None) -> bool:
    """True for `false`, which leaves a layer out where it stands for a variant."""
    return type(node) is Scalar and node.value is False
