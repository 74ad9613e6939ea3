"""What a value of the wrong kind should have been: what the key takes, a hint with the user's own numbers, a repair.

Reads the schema of the key and the value. Knows nothing of where the value stands, nor of keys that are wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from netcompile.language.wording import listed, number_in, takes, truth_in, words_of, written
from netcompile.tree import List, Mapping, Scalar
from netcompile.validation.repair import Drop, Put, Replace

if TYPE_CHECKING:
    from netcompile.tree import Node
    from netcompile.validation.repair import Repair

# The field that a bare number, or a bare list of them, was meant for.
_MAIN: Final = {"BlobShape": "dim", "FillerParameter": "value", "ParamSpec": "lr_mult"}
_SHORT: Final = {"FillerParameter": "a filler type", "NetStateRule": "a phase"}
_EXAMPLES: Final = {
    "NetStateRule": "write a phase, `{label}: TRAIN`, or a rule, `{label}: {{stage: deploy}}`",
    "FillerParameter": "write a type, `{label}: xavier`, or a mapping, `{label}: {{type: constant, value: 0}}`",
    "ParamSpec": "write `{label}: {{lr_mult: 1}}`, or a list with one such mapping for each learned blob",
    "NetState": "write `{label}: {{stage: [name]}}`",
    "BlobShape": "write `{label}: {{dim: [1, 3, 224, 224]}}`",
}
# What is written as a mapping in a spec, and what stands in it.
_KEYED: Final = {
    "defaults": "{Convolution: {stride: 1}}",
    "blocks": "{conv_relu: {params: {out: ~}, layers: [...]}}",
    "vars": "{width: 64, source: ~}",
    "repeat": "{i: {from: 1, to: 3}}",
    "params": "{width: ~}",
    "inputs": "{data: [1, 3, 224, 224]}",
    "solver": "{base_lr: 0.01, lr_policy: fixed, max_iter: 1000}",
    "lint": "{ignore: [unused-top]}",
}
_QUOTIENT: Final = re.compile(r"[\d.]+(?: *[-+*/] *[\d.]+)+")
_SEPARATOR: Final = re.compile(r" *[x,] *| +")
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_COMMA: Final = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_ROW: Final = re.compile(r"\d+(?: +\d+)+|\d+(?: *, *\d+)+|\d+(?:x\d+)+")
_LONGEST: Final = 100


def message_of(schema: dict[str, Any], definitions: dict[str, Any]) -> str | None:
    """The name of the message that a value is to be, alone or in a list; None where it is to be none."""
    while "$ref" in schema:
        target: Any = definitions
        for part in schema["$ref"].removeprefix("#/definitions/").split("/"):
            target = target[part]
        schema = target
    title = schema.get("title")
    if title is not None and definitions.get(title) is schema:
        return str(title)
    if "properties" in schema:
        return None
    branches = [schema[key] for key in ("else", "then") if key in schema]
    return next((name for branch in branches if (name := message_of(branch, definitions))), None)


def expected(schema: dict[str, Any], message: str | None) -> str:
    """What a key takes, in words."""
    if message is None:
        return takes(schema)
    kinds = schema.get("type", ())
    short = [_SHORT[message]] if message in _SHORT else []
    return listed([*short, "a mapping", *(["a list of them"] if "array" in kinds and not short else []),
                   *(["a list"] if "array" in kinds and short else [])])  # fmt: skip


def advice(node: Node, schema: dict[str, Any], message: str | None, label: str) -> tuple[str | None, Repair]:
    """The hint on a value of the wrong kind, and how it is put right where there is only one way."""
    if schema.get("items") == {"$ref": "#/definitions/dim"}:
        return _dims(node, label)
    if message is not None:
        return _for_message(node, schema, message, label)
    meant = _as_meant(node, schema, label)
    if meant is not None:
        return f"write `{label}: {flow(meant)}`", Put(meant)
    hint = _of_the_language(node, schema, label)
    if hint is None and type(node) is Scalar:
        return _conversion(node, schema)
    return hint, Drop()


def _as_meant(node: Node, schema: dict[str, Any], label: str) -> Node | None:
    """The only value that can be meant: without braces or brackets, or as the mapping that it is to be."""
    if type(node) is Mapping:
        return _in_braces(node)
    if type(node) is List and len(node.items) == 1 and type(node.items[0]) is Scalar and _takes_one(schema):
        return node.items[0]
    if label == "params" and type(node) is List and node.items and all(map(_is_name, node.items)):
        return _required(node)
    if type(node) is Scalar and node.value is True and "outputs" in schema.get("properties", {}):
        return Mapping({}, {}, node.start, node.end, node.source)
    return None


def _required(names: List) -> Mapping:
    """Names as what has no value yet: `{n: ~}`."""
    return _mapping({_flow(item): Scalar(None, item.start, item.end, item.source) for item in names.items})


def _in_braces(node: Mapping) -> Scalar | None:
    """The reference in `{$name}`, which YAML takes for a mapping."""
    if len(node.entries) != 1:
        return None
    ((name, value),) = node.entries.items()
    alone = type(value) is Scalar and value.value is None and str(name).startswith("$")
    return node.keys[name] if alone else None


def _for_message(node: Node, schema: dict[str, Any], message: str, label: str) -> tuple[str | None, Repair]:
    meant = _as_message(node, message)
    if meant is not None and (type(meant) is not List or "array" in schema.get("type", ())):
        return f"write `{label}: {flow(meant)}`", Put(meant)
    example = _EXAMPLES.get(message)
    return example.format(label=label) if example else None, Drop()


def _of_the_language(node: Node, schema: dict[str, Any], label: str) -> str | None:
    """The hint on a value that a spec has, and Caffe does not."""
    example = _KEYED.get(label)
    if label == "vars" and type(node) is List and node.items and all(map(_is_name, node.items)):
        return f"write `vars: {flow(_required(node))}`"
    if example and type(node) is not Mapping and schema.get("type") == "object":
        return f"write `{label}: {example}`"
    if type(node) is List and {"params", "layers"} <= schema.get("properties", {}).keys():
        return "write its layers under `layers:`"
    if label == "layers" and type(node) is Mapping:
        return f"write a list: {as_item(node)}"
    if {"from", "to"} == schema.get("properties", {}).keys():
        last = flow(node) if type(node) is Scalar and type(node.value) is int else "3"
        return f"write `{label}: {{from: 1, to: {last}}}`, or a list of values"
    return None


def as_item(mapping: Mapping) -> str:
    """The item of `layers` that was meant by a mapping: one layer, or one layer for each key."""
    if not mapping.entries.keys().isdisjoint(("type", "block", "repeat")) or not mapping.entries:
        return f"`- {flow(mapping)}`"
    name, value = next(iter(mapping.entries.items()))
    fields = value.entries if type(value) is Mapping else {}
    whole = {"name": Scalar(name, value.start, value.start, value.source), **fields}
    return f"`- {flow(_mapping(whole))}`"


def _dims(node: Node, label: str) -> tuple[str | None, Repair]:
    """A shape in the language's own form, a list of dims, for one in Caffe's or for a single dim."""
    given = node.entries.get("dim") if type(node) is Mapping else node
    if type(given) is Scalar and type(given.value) is str and given.value != "batch":
        sizes = _SEPARATOR.split(given.value)
        known = len(sizes) > 1 and all(size.isdigit() or size in ("batch", "~") for size in sizes)
        return (f"write `{label}: [{', '.join(sizes)}]`" if known else None), Drop()
    if given is None or (type(given) is Scalar and given.value is None):
        return None, Drop()
    dims = given if type(given) is List else List([given], given.start, given.end, given.source)
    return f"write `{label}: {flow(dims)}`", Put(dims)


def is_bare(node: Node) -> bool:
    """Whether no entry of a list is a mapping, so that the list itself is what is wrong, not each entry."""
    return type(node) is List and not any(type(item) is Mapping for item in node.items)


def is_row(value: object) -> bool:
    """Whether a text is several numbers with spaces between them."""
    return type(value) is str and "," not in value and "x" not in value and _ROW.fullmatch(value) is not None


def flow(node: Node) -> str:
    """A value as YAML on one line, cut short where it is long."""
    text = _flow(node)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _flow(node: Node) -> str:
    if type(node) is List:
        return f"[{', '.join(map(_flow, node.items[:_LONGEST]))}]"
    if type(node) is Mapping:
        return f"{{{', '.join(f'{key}: {_flow(value)}' for key, value in node.entries.items())}}}"
    assert type(node) is Scalar
    value = node.value
    if value is None:
        return "~"
    return str(value) if type(value) in (str, int) else written(node)  # a float as it is written: 1e-3


def _as_message(node: Node, message: str) -> Node | None:
    """The message that was meant by a bare number, or by a list of numbers."""
    field = _MAIN.get(message)
    if field is None:
        return None
    sizes = node.value.split("x") if type(node) is Scalar and type(node.value) is str else []
    if message == "BlobShape" and len(sizes) > 1 and all(map(str.isdigit, sizes)):
        dims: list[Node] = [node._replace(value=int(size)) for size in sizes]  # type: ignore[call-arg]
        return _mapping({field: List(dims, node.start, node.end, node.source)})
    if type(node) is List and message == "BlobShape" and node.items and all(map(_is_number, node.items)):
        return _mapping({field: node})
    if type(node) is List and node.items:
        each = [_as_message(item, message) for item in node.items]
        return None if None in each else node._replace(items=[one for one in each if one is not None])
    if not _is_number(node) or message == "BlobShape":
        return None
    constant = {"type": Scalar("constant", node.start, node.end, node.source)}
    return _mapping({**(constant if message == "FillerParameter" else {}), field: node})


def _mapping(entries: dict[str, Node]) -> Mapping:
    """A mapping in the place of what it is made of."""
    *_, whole = entries.values()
    keys = {key: Scalar(key, whole.start, whole.end, whole.source) for key in entries}
    return Mapping(entries, keys, whole.start, whole.end, whole.source)


def _is_number(node: Node) -> bool:
    """Whether a value is a number, or will be one."""
    value = node.value if type(node) is Scalar else None
    return type(value) in (int, float) or (type(value) is str and "$" in value)


def _is_name(node: Node) -> bool:
    return type(node) is Scalar and type(node.value) is str and node.value.isidentifier()


def _takes_one(schema: dict[str, Any]) -> bool:
    return {"array", "object"}.isdisjoint(_kinds(schema))


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    kinds = schema.get("type", ())
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


def _conversion(node: Scalar, schema: dict[str, Any]) -> tuple[str | None, Repair]:
    """How a scalar of the wrong kind is put right, where there is only one way."""
    kinds = _kinds(schema)
    if node.value is None or words_of(schema):
        return None, Drop()
    if type(node.value) is str and not kinds.isdisjoint(("number", "integer", "boolean")):
        hint = _of_text(node.value, kinds)
        if hint is not None:
            return hint, Drop()
    number = number_in(node.value)
    if number is not None and ("number" in kinds or ("integer" in kinds and number == number // 1)):
        return "remove the quotes", Replace(number)
    truth = truth_in(node.value)
    only_false = schema.get("then") == {"const": False}
    if "boolean" in kinds and truth is not None and not (truth and only_false):
        return f"write {str(truth).lower()}", Replace(truth)
    takes_text = "string" in kinds and "pattern" not in schema and not ("object" in kinds and "array" not in kinds)
    if takes_text and type(node.value) is not str:
        text = written(node)
        return f"quote it: '{text}'", Replace(text)
    return None, Drop()


def _of_text(text: str, kinds: frozenset[str]) -> str | None:
    """The hint on a text where a number, some numbers, or a truth value is wanted."""
    last, number = text[-1:], number_in(text[:-1])
    row = re.findall(r"\d+", text) if "array" in kinds and _ROW.fullmatch(text) else []
    whole, point = text.replace(",", ""), text.replace(",", ".")
    thousands = _THOUSANDS.fullmatch(text) is not None and not row
    hints = {
        "remove the quotes": "boolean" in kinds and text.lower() in ("true", "false"),
        "write the number: `batch` is for `top_shapes`": text == "batch",
        f"write {(number or 0) / 100:g}": last == "%" and number is not None,
        f"remove the '{last}'": last in (",", ";") and number is not None,
        f"write a list: [{', '.join(row)}]": bool(row),
        f"write {whole}, without a comma": thousands and "number" not in kinds,
        f"write {whole} or {point}: a comma means neither": thousands and "number" in kinds,
        f"write a point for the comma: {point}": _COMMA.fullmatch(text) is not None and "number" in kinds,
        f'an expression stands in ${{...}}: "${{{text}}}"': _QUOTIENT.fullmatch(text) is not None,
        f"a comment begins with #: `{text.partition('//')[0].strip()}  # ...`": " //" in text,
    }
    return next((hint for hint, holds in hints.items() if holds), None)
