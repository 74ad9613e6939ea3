"""Nodes to the values of a message: shorthands written out, single values made lists, whole floats made integers.

The message type's descriptor says what a field takes. The nodes are validated; a value that no message holds is left
out and reported. Knows no layer types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

# A message written as a single word means this field of it.
_SHORTHANDS: Final = {"FillerParameter": "type", "NetStateRule": "phase"}

_TABLES: dict[Descriptor, dict[str, Callable[[Node], Any]]] = {}


def values(block: Mapping, descriptor: Descriptor, passed: Container[str] = ()) -> dict[str, Any]:
    """The fields of `block` as keyword arguments of the message, but for those in `passed`.

    Null and unknown keys are left out.
    """
    table = _TABLES.get(descriptor) or _table(descriptor)
    filled = {}
    for key, node in block.entries.items():
        if key in passed:
            continue
        convert = table.get(key)
        if convert is _plain:  # as most are
            value = node.value if type(node) is Scalar else None
        else:
            value = None if convert is None else convert(node)
        if value is not None:
            filled[key] = value
    return filled


def _table(descriptor: Descriptor) -> dict[str, Callable[[Node], Any]]:
    """How each field of a message is converted, worked out once per message type."""
    table = {field.name: _converter(field) for field in descriptor.fields}
    _TABLES[descriptor] = table
    return table


def is_repeated(field: Any) -> bool:
    """True for a repeated field, in every supported protobuf."""
    # `label` goes away in protobuf 7, `is_repeated` came with 6.31.
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


def _converter(field: FieldDescriptor) -> Callable[[Node], Any]:
    if field.message_type is not None:
        single = _message(field.message_type)
    elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64, field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
        single = _integer
    else:
        single = _plain
    return _many(single) if is_repeated(field) else single


def _plain(node: Node) -> Any:
    return node.value if type(node) is Scalar else None


def _integer(node: Node) -> Any:
    value = node.value if type(node) is Scalar else None
    return int(value) if type(value) is float and value.is_integer() else value


def _many(single: Callable[[Node], Any]) -> Callable[[Node], Any]:
    def convert(node: Node) -> Any:
        if type(node) is List:
            return [value for item in node.items if (value := single(item)) is not None]
        value = single(node)
        return None if value is None else [value]

    return convert


def _message(descriptor: Descriptor) -> Callable[[Node], Any]:
    shorthand = _SHORTHANDS.get(descriptor.name)

    def convert(node: Node) -> Any:
        if type(node) is Mapping:
            return values(node, descriptor)
        if shorthand is not None and type(node) is Scalar and node.value is not None:
            return {shorthand: node.value}
        return None

    return convert
