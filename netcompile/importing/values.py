"""Messages as data: which fields are present, each as a spec writes it, with the language's short forms.

Asked of descriptors alone, so that the messages of a fork will do. Knows nothing of phases or wiring.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from netcompile.importing import scalars
from netcompile.language.fill import is_repeated
from netcompile.load import resolve
from netcompile.schema.fields import FILLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netcompile.importing.layout import Data

# The fields of a layer: by block ("" for the layer's own) and field ("" for a block that is present and empty).
Fields: TypeAlias = "dict[tuple[str, str], Data]"

NULL: Final = "~"
_WIRED: Final = frozenset({"name", "type", "bottom", "top", "include", "exclude"})
_LONGEST_MAPPING: Final = 10_000  # characters of a `param_str` that is tried as a mapping
_DEEPEST_MAPPING: Final = 20


def message_data(message: Any) -> dict[str, Data]:
    """The present fields of a message, in the order in which the message type declares them."""
    return {field.name: _field_data(field, value) for field, value in _present(message)}


def rule_data(rules: Iterable[Any]) -> Data:
    """Rules on phases, stages and levels; one that only names a phase as that word."""
    return _joined([_message(rule) for rule in rules])


def layer_fields(layer: Any) -> Fields:
    """The fields of a layer apart from its wiring and its rules."""
    fields: Fields = {}
    for field, value in _present(layer):
        if field.name in _WIRED:
            continue
        if field.message_type is None or is_repeated(field):
            fields["", field.name] = _field_data(field, value)
            continue
        inner = message_data(value)
        if not inner:
            fields[field.name, ""] = {}
        for key, data in inner.items():
            fields[field.name, key] = data
        if field.name == "python_param" and layer.type == "Python" and value.HasField("param_str"):
            fields.update(_param_str(value.param_str))
    return fields


def _present(message: Any) -> list[tuple[Any, Any]]:
    return sorted(message.ListFields(), key=lambda pair: pair[0].index)


def _field_data(field: Any, value: Any) -> Data:
    if is_repeated(field):
        return _joined([_single(field, one) for one in value])
    return _single(field, value)


def _joined(values: list[Data]) -> Data:
    """A single value stands for the list of it."""
    return values[0] if len(values) == 1 else values


def _single(field: Any, value: Any) -> Data:
    if field.message_type is not None:
        return _message(value)
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return _SPELLINGS.get(field.cpp_type, str)(value)


_SPELLINGS: Final[Mapping[int, Callable[[Any], str]]] = {
    FieldDescriptor.CPPTYPE_STRING: scalars.text,
    FieldDescriptor.CPPTYPE_FLOAT: scalars.single,
    FieldDescriptor.CPPTYPE_DOUBLE: scalars.double,
    FieldDescriptor.CPPTYPE_BOOL: scalars.truth,
}


def _message(message: Any) -> Data:
    data = message_data(message)
    if data.keys() == {"type"} and message.DESCRIPTOR.name == "FillerParameter" and data["type"] in FILLERS:
        return data["type"]
    if data.keys() == {"phase"} and message.DESCRIPTOR.name == "NetStateRule":
        return data["phase"]
    return data


def _param_str(text: str) -> Fields:
    """A Python layer's text as a mapping or list, where what is then written is the same, character by character."""
    if len(text) <= _LONGEST_MAPPING and text[:1] in ("{", "[") and "$" not in text:
        for read, write, style in _STYLES:
            try:
                value = read(text)
                same = write(value) == text
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            data = _plain_data(value, _DEEPEST_MAPPING) if same and value and isinstance(value, dict | list) else None
            if data is not None:
                return {("python_param", "param_str"): data, **style}
    return {}


def _dump_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_STYLES: Final[tuple[tuple[Any, Any, Fields], ...]] = (
    (json.loads, _dump_json, {}),
    (ast.literal_eval, repr, {("", "param_format"): "python"}),
)


def _plain_data(value: Any, depth: int) -> Data | None:
    """A plain value as data; None where YAML would read it back as another."""
    if isinstance(value, dict | list) and depth == 0:
        return None
    if isinstance(value, dict):
        if not all(type(key) is str and key != "<<" for key in value):
            return None
        inner = {scalars.text(key): _plain_data(one, depth - 1) for key, one in value.items()}
        return None if None in inner.values() else inner  # type: ignore[return-value] # none is None
    if isinstance(value, list):
        items = [_plain_data(one, depth - 1) for one in value]
        return None if None in items else items  # type: ignore[return-value] # none is None
    if isinstance(value, str):
        return scalars.text(value)
    spelt = NULL if value is None else scalars.truth(value) if isinstance(value, bool) else repr(value)
    spelt = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(spelt, spelt)
    read = resolve(spelt)
    return spelt if type(read) is type(value) and repr(read) == repr(value) else None
