"""The JSON Schema of the spec language, made from Caffe's messages, the table of layer types and the comments.

This module has the document and its parts; `layers` has the layers, `fields` the messages. What is known
only after expansion (whether a bottom exists, how many there may be) is no business of a schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from netcompile.schema.fields import (
    FILLERS,
    SHORT_FILLER,
    SHORT_RULE,
    VARIABLE,
    Fields,
    Schema,
    closed,
    described,
    leaf_definitions,
    ref,
    short_form,
)
from netcompile.schema.file import schema_text
from netcompile.schema.layers import NAME, LayerSchemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import Descriptor, FileDescriptor

    from netcompile.layers import LayerType

__all__ = ["build_schema", "schema_text"]

_IDENTIFIER: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
_RESERVED: Final = ("block", "bottom", "when", "only", "repeat", "layers")
_LAYERS: Final = frozenset({"layer", "layers", "input"})
_UNREAD: Final = ("input_shape", "input_dim")
_LIBRARY_KEYS: Final = ("layers", "vars", "defaults", "blocks", "imports")
_WHEN: Final = {"$ref": "#/definitions/item_keys/properties/when"}
_WORDS: Final = {
    "vars": "Variables for $name and ${expression}, with their values. ~ makes one required: --set name=value.",
    "defaults": "Fields that every layer of a type has unless it says otherwise, by type.",
    "blocks": "Groups of layers to use again, by name.",
    "imports": "Libraries whose variables, defaults and blocks are brought in. Paths are relative to this file.",
    "layers": "The layers in order; also block uses {block: ...} and repetitions {repeat: ...}.",
    "deploy": "Asks for a deploy net, derived from the layers in the TEST phase.",
    "solver": "The solver: fields of SolverParameter.",
    "lint": "Which warnings to leave out.",
    "ignore": "Codes of warnings that are not to be shown.",
    "batch": "What `batch` in the shapes of inputs becomes. Default: 1.",
    "stages": "Stages in which the deploy net is filtered.",
    "outputs": "Blobs that the deploy net computes, instead of those derived from the losses.",
    "inputs": "Shapes of inputs, by blob. The deploy net starts at these blobs.",
    "test_set": "Number of items to test on: test_iter becomes this divided by the TEST batch size, rounded up.",
    "params": "Parameters of the block with their defaults. ~ makes one required.",
    "output": "The blob that the next layer continues from. Default: the first top of the last layer.",
    "block": "Name of the block that is used here. Its parameters stand beside it.",
    "bottom": "Blobs that the block reads as $bottom. Left out, the first top of the nearest layer before it.",
    "repeat": "Variables that change from round to round: {from: 1, to: 3}, or lists of one length.",
    "from": "Value in the first round.",
    "to": "Value in the last round.",
    "unread": "Kept of an old net. Nothing reads it: a spec has a layer of type Input instead.",
}


def build_schema(file: FileDescriptor, layer_types: Mapping[str, LayerType], comments: Mapping[str, str]) -> Schema:
    """The whole JSON Schema (draft-07); equal arguments give equal schemas.

    `file` has Caffe's messages, or those of a fork: then a type whose own message the fork lacks is none of its types.
    """
    messages = file.message_types_by_name
    blocks = messages["LayerParameter"].fields_by_name
    types = {
        name: layer_types[name]
        for name in sorted(layer_types, key=lambda name: (name.lower(), name))
        if not (own := layer_types[name].params) or any(block in blocks for block in own)
    }
    phases = tuple(value.name for value in file.enum_types_by_name["Phase"].values)
    fields = Fields(comments)
    leaves = leaf_definitions()
    definitions = dict(leaves)
    definitions[SHORT_FILLER] = short_form(fields.message(messages["FillerParameter"]), FILLERS)
    definitions[SHORT_RULE] = short_form(fields.message(messages["NetStateRule"]), phases)
    layers = LayerSchemas(file, types, fields)
    layers.build()
    definitions.update(layers.definitions)
    definitions.update(_items())
    definitions["deploy"] = _deploy()
    definitions["solver"] = _solver(fields, messages["SolverParameter"])
    definitions["defaults"] = {
        "type": "object",
        "properties": {name: ref(f"default_{name}") for name in types},
        "patternProperties": {VARIABLE: ref("default_open")},
        "propertyNames": {"pattern": NAME, "doNotSuggest": True},
        "additionalProperties": ref("default_unknown"),
    }
    document = _document(fields, messages["NetParameter"])
    definitions.update(fields.definitions)
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "netcompile spec", **document}
    schema = {**head, "definitions": definitions}
    _drop_unused(leaves, schema)
    return schema


def _drop_unused(leaves: Iterable[str], schema: Schema) -> None:
    """Take out the leaves that nothing refers to."""
    definitions, text = schema["definitions"], json.dumps(schema)
    unused = [name for name in leaves if name in definitions and f'/{name}"' not in text]
    for name in unused:
        del definitions[name]
    if unused:
        _drop_unused(leaves, schema)


def _document(fields: Fields, net: Descriptor) -> Schema:
    own: Schema = {
        "vars": {"type": "object", "patternProperties": {_IDENTIFIER: True}, "additionalProperties": False},
        "defaults": ref("defaults"),
        "blocks": ref("blocks"),
        "imports": ref("strings"),
        "layers": ref("items"),
        "deploy": ref("deploy"),
        "solver": ref("solver"),
        "lint": closed({"ignore": described(ref("strings"), _WORDS["ignore"])}, variables=False),
    }
    properties = {field.name: fields.field(field) for field in net.fields if field.name not in _LAYERS}
    for name in _UNREAD:
        properties[name] = {**described(properties[name], _WORDS["unread"]), "doNotSuggest": True}
    properties.update({key: described(schema, _WORDS[key]) for key, schema in own.items()})
    return {**closed(properties, variables=False), "anyOf": [{"required": [key]} for key in _LIBRARY_KEYS]}


def _items() -> dict[str, Schema]:
    """What stands in `layers`: layers, block uses and repetitions; and the blocks that are used."""
    names = {"type": "object", "patternProperties": {_IDENTIFIER: True}, "additionalProperties": False}
    layers = described(ref("items"), _WORDS["layers"])
    return {
        "items": {"type": "array", "items": ref("item")},
        "item": {
            "if": {"type": "object", "required": ["block"]},
            "then": ref("block_use"),
            "else": {"if": {"type": "object", "required": ["repeat"]}, "then": ref("repetition"), "else": ref("layer")},
        },
        "block_use": {
            "title": "A block use",
            "required": ["block"],
            "properties": {
                "block": described(ref("string"), _WORDS["block"]),
                "bottom": described(ref("strings_or_null"), _WORDS["bottom"]),
                **dict.fromkeys(("repeat", "layers"), False),
            },
            "allOf": [ref("item_keys")],
        },
        "repetition": {
            **closed(
                {"repeat": described(ref("rounds"), _WORDS["repeat"]), "layers": layers, "when": _WHEN}, "A repetition"
            ),
            "required": ["repeat", "layers"],
        },
        "rounds": {
            **names,
            "patternProperties": {f"{_IDENTIFIER}|{VARIABLE}": ref("round_values")},
            "minProperties": 1,
        },
        "round_values": {
            **closed({end: described(ref("int64"), _WORDS[end]) for end in ("from", "to")}, variables=False),
            "type": ["object", "array", "string"],
            "pattern": VARIABLE,
            "required": ["from", "to"],
        },
        "blocks": {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": ref("block")},
        "block": {
            **closed(
                {
                    "params": described({**names, "properties": dict.fromkeys(_RESERVED, False)}, _WORDS["params"]),
                    "layers": layers,
                    "output": described(ref("string"), _WORDS["output"]),
                },
                "A block",
                variables=False,
            ),
            "required": ["layers"],
        },
    }


def _deploy() -> Schema:
    inputs = {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": ref("shape")}
    own = {
        "batch": ref("uint32"),
        "stages": ref("strings"),
        "outputs": ref("strings"),
        "inputs": inputs,
    }
    properties = {key: described(value, _WORDS[key]) for key, value in own.items()}
    return {**closed(properties, "The deploy net", variables=False), "type": ["object", "null"]}


def _solver(fields: Fields, solver: Descriptor) -> Schema:
    properties = {field.name: fields.field(field) for field in solver.fields}
    return closed({**properties, "test_set": described(ref("int32s"), _WORDS["test_set"])}, "The solver")
