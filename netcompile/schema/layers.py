"""The part of the JSON Schema that speaks of layers: what each type takes, and how its `type` leads there.

For each type X there are five definitions: `fields_X` closes the keys, `layer_X` adds the variants of a layer, and
`override_X` and `default_X` are the same layer in a variant and in `defaults`. What the keys hold that do not hang on
the type is said once, in `common`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.schema.fields import (
    SHORT_RULE,
    VARIABLE,
    Fields,
    Schema,
    choice,
    closed,
    described,
    message_name,
    one_or_more,
    ref,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import FileDescriptor

    from netcompile.layers import LayerType

NAME: Final = r"^[^\u0000-\u001f]*$"
PLACES: Final = ("train", "test", "deploy")

_ITEM_KEYS: Final = ("name", "type", "only", "when", *PLACES)
_NOT_IN_OVERRIDES: Final = ("name", "only", "when", *PLACES)
_NOT_IN_DEFAULTS: Final = ("name", "type", "bottom", "top")
_IS_CUSTOM: Final = {"required": ["custom"], "properties": {"custom": {"const": True}}}
_UNKNOWN: Final = "No layer type of Caffe. Write custom: true if it is your own."
_WORDS: Final = {
    "name": "Name of the layer. It is also the name of its top where `top` is left out.",
    "bottom": "Blobs that the layer reads: a name or a list. Left out, the first top of the nearest layer before it.",
    "top": "Blobs that the layer makes: a name or a list. Left out, the layer's name.",
    "in_place": "true: the layer writes over its bottom, so its top has the bottom's name.",
    "only": "Where alone the layer exists: train, test, deploy, or a list of them.",
    "when": "An expression; where it is false, the item is left out.",
    "train": "What is different in the TRAIN phase; false leaves the layer out there.",
    "test": "What is different in the TEST phase; false leaves the layer out there.",
    "deploy": "What is different in the deploy net; false leaves the layer out there.",
    "include": "Keep the layer only where one of these rules matches. A phase alone is short for {phase: TRAIN}.",
    "exclude": "Leave the layer out where one of these rules matches. A phase alone is short for {phase: TEST}.",
    "custom": "true: the type is none of Caffe's own. Its settings stand in blocks, such as python_param. With it, a "
    "name or type of ~ leaves that field out.",
    "top_shapes": "Shapes of tops that no rule derives: a mapping from top to dims, a list of shapes in the order of "
    "`top`, or one shape. `batch` stands for the batch size, ~ for an unknown dimension.",
    "param_str": "Text that the layer gets as `param_str`. A mapping or list is written as JSON.",
    "param_format": "How a mapping or list in `param_str` is written: json, or python as a Python literal.",
}


class LayerSchemas:
    """Makes the definitions of layers. `definitions` has them after `build`."""

    def __init__(self, file: FileDescriptor, layer_types: Mapping[str, LayerType], fields: Fields) -> None:
        messages = file.message_types_by_name
        self.layer_types = layer_types
        self.fields = fields
        self.phases = tuple(value.name for value in file.enum_types_by_name["Phase"].values)
        self.definitions: dict[str, Schema] = {}
        self.blocks = {f.name: f for f in messages["LayerParameter"].fields if f.name.endswith("_param")}
        self.plain_fields = [f for f in messages["LayerParameter"].fields if f.name not in self.blocks]
        self.moved = {field.name for field in messages["TransformationParameter"].fields}
        self.common_keys: tuple[str, ...] = ()

    def build(self) -> None:
        """Add every definition."""
        self._define_common()
        self._define_shapes()
        for name, kind in self.layer_types.items():
            self._define_type(name, self._type_fields(name, kind), "override")
        self._define_type("custom", self._close({}, "a custom layer"), "override_custom")
        self._define_other_types()
        self._define_entries()

    def _define_common(self) -> None:
        rules = one_or_more(ref(SHORT_RULE), ["string", "object"], self.phases, null=True)
        own = {
            "bottom": ref("strings_or_null"),
            "top": ref("strings_or_null"),
            "in_place": ref("boolean_or_null"),
            "custom": ref("boolean_or_null"),
            "include": rules,
            "exclude": rules,
            "top_shapes": ref("top_shapes"),
        }
        properties = {key: described(schema, _WORDS[key]) for key, schema in own.items()}
        for field in self.plain_fields:
            if field.name not in ("name", "type"):
                properties.setdefault(field.name, self.fields.field(field, null=True))
        blocks = {f"^{name}$": self.fields.field(field, null=True) for name, field in self.blocks.items()}
        self.definitions["common"] = {"properties": properties, "patternProperties": blocks}
        self.common_keys = (*_ITEM_KEYS, *properties, *self.blocks)
        python = self.fields.definitions.get("PythonParameter", {}).get("properties", {})
        if "param_str" in python:  # early forks have none
            python["param_str"] = described({"type": ["string", "object", "array", "null"]}, _WORDS["param_str"])

    def _define_shapes(self) -> None:
        self.definitions["dim"] = {
            "type": ["string", "integer", "null"],
            "pattern": rf"^batch$|{VARIABLE}",
            "minimum": 0,
            "maximum": 2**31 - 1,
            "errorMessage": "Expected an integer, batch, ~ or a $variable.",
        }
        self.definitions["shape"] = {"type": ["string", "array", "null"], "pattern": VARIABLE, "items": ref("dim")}
        self.definitions["top_shapes"] = {
            "type": ["object", "array", "string", "null"],
            "pattern": VARIABLE,
            "propertyNames": {"pattern": NAME},
            "additionalProperties": ref("shape"),
            "if": {"type": "array", "contains": {"type": "array"}},
            "then": {"items": ref("shape")},
            "else": {"items": ref("dim")},
        }

    def _type_fields(self, name: str, kind: LayerType) -> Schema:
        """The closed keys of a type: the fields of its own messages, flat, and the keys that all types share."""
        moved = self.moved if "transform_param" in kind.reads else ()
        own: Schema = {}
        for block in kind.params:
            # A fork may lack the message, or have a field in it that is a key of every layer: it has no flat form.
            message: Any = self.blocks[block].message_type if block in self.blocks else None
            for field in message.fields if message else ():
                if field.name not in moved and field.name not in own and field.name not in self.common_keys:
                    own[field.name] = {"$ref": f"#/definitions/{message_name(message)}/properties/{field.name}"}
        if "param_str" in own:
            own["param_format"] = described(choice(("json", "python"), null=True), _WORDS["param_format"])
        for block in filter(self.blocks.__contains__, kind.reads):
            own[block] = described({"type": ["object", "string", "null"]}, self.fields.describe(self.blocks[block]))
        own["type"] = described({}, kind.doc)
        return described(self._close(own, name), kind.doc)

    def _close(self, own: Schema, title: str) -> Schema:
        schema = closed(own, title)
        del schema["type"]
        schema["patternProperties"][f"^({'|'.join(self.common_keys)})$"] = True
        return schema

    def _define_type(self, name: str, fields: Schema, redispatch: str) -> None:
        variant = ref(f"override_{name}")
        self.definitions[f"fields_{name}"] = fields
        self.definitions[f"layer_{name}"] = {"properties": _variants(variant), "allOf": [ref(f"fields_{name}")]}
        self.definitions[f"default_{name}"] = {"allOf": [ref("default_keys"), ref(f"layer_{name}")]}
        self.definitions[f"override_{name}"] = {
            "if": {"type": "object", "required": ["type"]},
            "then": ref(redispatch),
            "else": {"allOf": [ref("override_keys"), ref(f"fields_{name}")]},
        }

    def _define_other_types(self) -> None:
        """Types that are not in the table: templated ones take anything, custom ones keys and blocks."""
        names = list(self.layer_types)
        unknown = {"if": {"type": "string"}, "then": {"enum": names, "errorMessage": _UNKNOWN}}
        variants = _variants(ref("override"))
        self.definitions["unknown_type"] = unknown
        self.definitions["layer_open"] = {"properties": variants}
        self.definitions["layer_unknown"] = {"properties": {"type": ref("unknown_type"), **variants}}
        self.definitions["fields_open"] = {}
        self.definitions["default_open"] = ref("default_keys")
        self.definitions["fields_unknown"] = {"properties": {"type": ref("unknown_type")}}
        for form in ("layer", "fields"):
            self.definitions[f"{form}_of_type"] = _tree(names, form, _other_types(form))
        self.definitions["default_unknown"] = {
            "if": _IS_CUSTOM,
            "then": ref("default_custom"),
            "else": {"required": ["custom"], "properties": {"custom": {"const": True}}, "errorMessage": _UNKNOWN},
        }

    def _define_entries(self) -> None:
        """Where layers stand: as an item of `layers`, in a variant, in `defaults`."""
        item_keys = {
            "only": described(one_or_more(choice(PLACES), ["string"], PLACES, null=True), _WORDS["only"]),
            "when": described({"type": ["string", "boolean", "number", "null"]}, _WORDS["when"]),
        }
        item_keys["only"]["then"]["minItems"] = 1
        self.definitions["item_keys"] = {"properties": item_keys}
        kinds = [{"label": name, "body": name, "description": kind.doc} for name, kind in self.layer_types.items()]
        kind = {"type": "string", "defaultSnippets": kinds}
        self.definitions["layer"] = {
            "title": "A layer",
            "type": "object",
            "required": ["name", "type"],
            "properties": {
                "name": described(ref("string_or_null"), _WORDS["name"]),
                "type": {**kind, "type": ["string", "null"]},
            },
            "allOf": [ref("item_keys"), ref("common"), ref("layer_of_type")],
            # Without a name or a type only on purpose: a key that was left empty is a mistake.
            "if": _IS_CUSTOM,
            "else": {"properties": {"name": {"type": "string"}, "type": {"type": "string"}}},
        }
        self.definitions["override_keys"] = {
            "title": "A variant of a layer",
            "type": ["object", "boolean", "string", "null"],
            "pattern": VARIABLE,
            "if": {"type": "boolean"},
            "then": {"const": False},
            "properties": {"type": kind, **dict.fromkeys(_NOT_IN_OVERRIDES, False)},
            "allOf": [ref("common")],
        }
        self.definitions["override"] = {"allOf": [ref("override_keys"), ref("fields_of_type")]}
        known = _type_is([*self.layer_types], also=VARIABLE)
        by_type = {"if": known, "then": ref("fields_of_type"), "else": ref("fields_custom")}
        self.definitions["override_custom"] = {"allOf": [ref("override_keys"), by_type]}
        self.definitions["default_keys"] = {
            "title": "Defaults of a layer type",
            "type": ["object", "string", "null"],
            "pattern": VARIABLE,
            "properties": dict.fromkeys(_NOT_IN_DEFAULTS, False),
            "allOf": [ref("item_keys"), ref("common")],
        }


def _variants(schema: Schema) -> Schema:
    return {place: described(schema, _WORDS[place]) for place in PLACES}


def _type_is(names: list[str], also: str = "") -> Schema:
    pattern = f"^({'|'.join(names)})$" + (f"|{also}" if also else "")
    return {"required": ["type"], "properties": {"type": {"type": "string", "pattern": pattern}}}


def _other_types(form: str) -> Schema:
    """Where no name of the table matches."""
    return {
        "if": {"required": ["type"], "properties": {"type": {"type": "string", "pattern": VARIABLE}}},
        "then": ref(f"{form}_open"),
        "else": {"if": _IS_CUSTOM, "then": ref(f"{form}_custom"), "else": ref(f"{form}_unknown")},
    }


def _tree(names: list[str], form: str, other: Schema) -> Schema:
    """A balanced if/then/else over the types, to `form` of the type that it is."""
    return {"if": _type_is(names), "then": _half(names, form), "else": other}


def _half(names: list[str], form: str) -> Schema:
    if len(names) == 1:
        return ref(f"{form}_{names[0]}")
    middle = len(names) // 2
    first, second = names[:middle], names[middle:]
    tree: dict[str, Any] = {"if": _type_is(first), "then": _half(first, form), "else": _half(second, form)}
    return tree
