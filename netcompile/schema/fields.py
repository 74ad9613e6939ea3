"""Caffe's messages as definitions of a JSON Schema: one closed object per message, one leaf form per kind of field.

The leaf forms are chosen for editors: the string comes first among the types, so that completion inserts `pad: ` and no
made-up value; no `default` keyword, which completion would write out; a message of our own where the general one would
list types. This module knows descriptors and comments, and nothing of layer types or of the keys that a spec adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from google.protobuf.descriptor import Descriptor

Schema: TypeAlias = dict[str, Any]

VARIABLE: Final = r"\$"
FILLERS: Final = ("constant", "gaussian", "uniform", "xavier", "msra", "bilinear", "positive_unitball")
SHORT_RULE: Final = "NetStateRule_or_phase"
SHORT_FILLER: Final = "FillerParameter_or_type"
LAYERS_OF_NET: Final = frozenset({"layers"})

_INTEGERS: Final = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
_NAMES: Final = {
    **{kind: name for kind, (name, _, _) in _INTEGERS.items()},
    FieldDescriptor.CPPTYPE_FLOAT: "number",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_STRING: "string",
}
_SHORT: Final = {"FillerParameter": SHORT_FILLER, "NetStateRule": SHORT_RULE}
_SUGGESTED: Final = {
    "FillerParameter.type": FILLERS,
    "SolverParameter.lr_policy": ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid"),
    "SolverParameter.regularization_type": ("L2", "L1"),
    "SolverParameter.type": ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"),
    "WindowDataParameter.crop_mode": ("warp", "square"),
}


def ref(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, words: str) -> Schema:
    """A schema with the text that an editor shows."""
    return {**schema, "description": words} if words else schema


def leaf_definitions() -> dict[str, Schema]:
    """The leaf of each kind of value, and of a list of them, with and without null: `int32`, `int32s_or_null`."""
    leaves: dict[str, tuple[Schema, str]] = {
        name: ({"type": ["string", "integer"], "pattern": VARIABLE, "minimum": least, "maximum": most}, "an integer")
        for name, least, most in _INTEGERS.values()
    }
    leaves["number"] = ({"type": ["string", "number"], "pattern": VARIABLE}, "a number")
    leaves["boolean"] = ({"type": ["string", "boolean"], "pattern": VARIABLE}, "true, false")
    leaves["string"] = ({"type": ["string"]}, "")
    # Without a title of its own, editors head the hover text of every enum twice. Null passes: its absence is said by
    # the type beside, and a third choice for it would be offered at every completion.
    definitions: dict[str, Schema] = {"variable": {"title": "variable", "pattern": VARIABLE}}
    for name, (leaf, expected) in leaves.items():
        message = {"errorMessage": f"Expected {expected} or a $variable."} if expected else {}
        many = {"if": {"type": "array"}, "then": {"items": ref(name)}}
        definitions[name] = {**leaf, **message}
        definitions[f"{name}_or_null"] = {**leaf, "type": [*leaf["type"], "null"], **message}
        definitions[f"{name}s"] = {**leaf, "type": [*leaf["type"], "array"], **many, **message}
        definitions[f"{name}s_or_null"] = {**leaf, "type": [*leaf["type"], "array", "null"], **many, **message}
    return definitions


def choice(words: tuple[str, ...], descriptions: list[str] | None = None, *, null: bool = False) -> Schema:
    """One of some words, or text with a variable."""
    words_schema: Schema = {"enum": list(words)}
    if descriptions and any(descriptions):
        words_schema["enumDescriptions"] = descriptions
    return {"type": ["string", "null"] if null else "string", "anyOf": [words_schema, ref("variable")]}


def suggestion(words: tuple[str, ...], *, null: bool = False) -> Schema:
    """Any text; an editor offers some words."""
    return {"type": ["string", "null"] if null else "string", "anyOf": [{"enum": list(words)}, {}]}


def one_or_more(item: Schema, kinds: list[str], words: tuple[str, ...] = (), *, null: bool = False) -> Schema:
    """One value or a list of them, where the value is more than a leaf; an editor offers the words for it."""
    aside = ["array", "null"] if null else ["array"]
    schema = {"type": [*kinds, *aside], "if": {"type": aside}, "then": {"items": item}, "else": item}
    return {**schema, "defaultSnippets": snippets(words)} if words else schema


def snippets(words: tuple[str, ...]) -> list[Schema]:
    """Words that an editor offers where it does not find them in the schema itself."""
    return [{"label": word, "body": word} for word in words]


def closed(properties: Schema, title: str | None = None, *, variables: bool = True) -> Schema:
    """An object with these keys alone, and keys with a variable in them unless told otherwise."""
    heading = {"title": title} if title else {}
    keys = {"patternProperties": {VARIABLE: True}} if variables else {}
    return {**heading, "type": "object", "properties": properties, **keys, "additionalProperties": False}


class Fields:
    """Makes the definitions of the messages that fields refer to, each once, as they are asked for."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self.comments = comments
        self.definitions: dict[str, Schema] = {}

    def message(self, message: Descriptor, *, null: bool = False, skip: Container[str] = ()) -> str:
        """Define a message, and return the name of its definition.

        A message that is a block of a layer takes null for itself and for its fields, which removes what is inherited.
        """
        name = message_name(message)
        if name not in self.definitions:
            self.definitions[name] = {}
            own = [field for field in message.fields if field.name not in skip]
            body = closed({field.name: self.field(field, null=null) for field in own}, name)
            kinds = ["object", "string", "null"] if null else ["object", "string"]
            self.definitions[name] = {**body, "type": kinds, "pattern": VARIABLE}
        return name

    def field(self, field: FieldDescriptor, *, null: bool = False) -> Schema:
        """The values that a field takes, with its documentation."""
        return described(self._values(field, null=null), self.describe(field))

    def describe(self, field: FieldDescriptor) -> str:
        """What a field does, with its default."""
        words = self.comments.get(field.full_name.removeprefix("caffe."), "")
        default = _default(field)
        return f"{words} Default: {default}.".lstrip() if default else words

    def _values(self, field: FieldDescriptor, *, null: bool) -> Schema:
        many = is_repeated(field)
        suggested = _SUGGESTED.get(field.full_name.removeprefix("caffe."))
        if suggested:
            return suggestion(suggested, null=null)
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            return self._messages(field, many=many, null=null)
        if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
            one = self._enum(field, null=null)
            return one_or_more(one, ["string"], null=null) if many else one  # Caffe has none, forks do
        return ref(f"{_NAMES[field.cpp_type]}{'s' if many else ''}{'_or_null' if null else ''}")

    def _messages(self, field: FieldDescriptor, *, many: bool, null: bool) -> Schema:
        message = field.message_type
        assert message is not None
        name = message_name(message)
        skip = LAYERS_OF_NET if name == "NetParameter" else ()
        inner = self.message(message, null=_is_block(field), skip=skip)
        one = ref(_SHORT.get(inner, inner))
        kinds = ["string", "object"] if inner in _SHORT else ["object", "string"]
        words = FILLERS if inner == "FillerParameter" else ()
        if many:
            return one_or_more(one, kinds, words, null=null)
        if null and not _is_block(field):
            offered = {"defaultSnippets": snippets(words)} if words else {}
            return {"type": [*kinds, "null"], "if": {"type": "null"}, "else": one, **offered}
        return one

    def _enum(self, field: FieldDescriptor, *, null: bool) -> Schema:
        enum = field.enum_type
        assert enum is not None
        scope = enum.full_name.removeprefix("caffe.")
        names = tuple(value.name for value in enum.values)
        return choice(names, [self.comments.get(f"{scope}.{name}", "") for name in names], null=null)


def short_form(message: str, words: tuple[str, ...]) -> Schema:
    """A message for which a single word may stand: a filler by its type, a state rule by its phase."""
    return {
        "type": ["string", "object"],
        "if": {"type": "object"},
        "then": ref(message),
        "else": {"anyOf": [{"enum": list(words)}, ref("variable")]},
        "defaultSnippets": snippets(words),
    }


def message_name(message: Descriptor) -> str:
    """The name of a message's definition: with those of the messages that it is declared in."""
    outer = message.containing_type
    return f"{message_name(outer)}.{message.name}" if outer else str(message.name)


def is_repeated(field: Any) -> bool:
    """Tell whether a field is repeated, under every protobuf from 5 on."""
    # `label` goes away in protobuf 7; `is_repeated` came with 6.31.
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


def _is_block(field: FieldDescriptor) -> bool:
    """True for the parameter messages of a layer, whose fields merge one by one."""
    owner = field.containing_type
    return owner is not None and owner.name == "LayerParameter" and field.name.endswith("_param")


def _default(field: FieldDescriptor) -> str:
    """The default of a field as a spec would write it; empty where none is declared."""
    if is_repeated(field) or not field.has_default_value:
        return ""
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return str(field.enum_type.values_by_number[field.default_value].name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return str(field.default_value).lower()
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return f"'{field.default_value}'" if not field.default_value else str(field.default_value)
    return f"{field.default_value:.7g}" if isinstance(field.default_value, float) else str(field.default_value)
