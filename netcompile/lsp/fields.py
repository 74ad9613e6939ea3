"""The words on a field: those of the JSON Schema, which has them from the comments of `caffe.proto`.

Knows how the schema is laid out, and nothing of documents.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from netcompile.layers import LAYER_TYPES
from netcompile.schema.file import Definitions, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REF: Final = "#/definitions/"
# Where a key of a layer can be described, in order; a variant or an entry of `defaults` takes its fields of the type.
_OF_LAYER: Final = ("item_keys", "common", "layer")
_MOST_SEARCHED: Final = 60


def words_on(start: str, keys: Sequence[str]) -> str | None:
    """The description of the field that `keys` lead to, or None where there is none.

    `start` is a definition of the schema, "document", or `layer_T`, `override_T` or `default_T` for a layer of type T.
    """
    head, _, kind = start.partition("_")
    known = kind if kind in LAYER_TYPES else "custom"
    of_layer = head in ("layer", "override", "default")
    starts = (f"fields_{known}", *_OF_LAYER, f"layer_{known}") if of_layer else (start,)
    found = [found for name in starts if (found := _child({"$ref": f"{_REF}{name}"}, keys[0]))]
    for key in keys[1:]:
        found = [inner for schema in found if (inner := _child(schema, key))]
    return next((words for schema in found if (words := _words(schema))), None)


@cache
def _definitions() -> Definitions:
    return Definitions(schema_text())


def _child(schema: dict[str, Any], key: str) -> dict[str, Any] | None:
    """The schema of a key's value: the nearest that names the key, else that of any key."""
    other = None
    for part in _parts(schema):
        named = part.get("properties", {}).get(key)
        if isinstance(named, dict):
            return named
        pattern = next((p for p in part.get("patternProperties", ()) if p.startswith("^") and re.match(p, key)), None)
        if pattern is not None and isinstance(part["patternProperties"][pattern], dict):
            return part["patternProperties"][pattern]  # type: ignore[no-any-return]
        more = part.get("additionalProperties")
        other = other or (more if isinstance(more, dict) else None)
    return other


def _words(schema: dict[str, Any]) -> str | None:
    return next((part["description"] for part in _parts(schema) if "description" in part), None)


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all that it refers to or consists of, the nearest first."""
    waiting = [schema]
    for _ in range(_MOST_SEARCHED):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        if "$ref" in part:
            waiting.append(_resolve(part["$ref"]))
        inner = [*part.get("allOf", ()), *(part[key] for key in ("then", "else", "items") if key in part)]
        waiting += [one for one in inner if isinstance(one, dict)]


def _resolve(reference: str) -> dict[str, Any]:
    name, *steps = reference.removeprefix(_REF).split("/")
    schema = _definitions()[name]
    for step in steps:
        schema = schema[step]
    return schema  # type: ignore[no-any-return]
