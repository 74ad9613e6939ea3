"""Checks a spec, or a part of one, against the JSON Schema, and hands on a spec that satisfies it.

What is right is accepted by closures in microseconds a layer. Only what they refuse is given to jsonschema, whose
errors become findings (`validation.refusals`), and is repaired as far as it can be (`validation.mend`): a later stage
may count on keys and kinds being those of the schema. Nothing here knows whether a net makes sense.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from netcompile.records import NamedTuple
from netcompile.schema.file import Definitions, schema_text
from netcompile.tree import Mapping, Scalar
from netcompile.validation.acceptor import Acceptor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork
    from netcompile.ir import Damage
    from netcompile.tree import Node

_ANY: Final = "."
_WITHOUT_VARIABLES: Final = (r"\\$", "(?!)")  # the pattern of a text with a reference, and one that no text has


class Validated(NamedTuple):
    """A document that satisfies the schema. It shares every part that was right with the document that was given.

    An item of `layers` that could not be saved is left as null. `damaged` says by id what each other part lost that
    could not be put right (layers, block uses, repetitions, blocks, entries of `defaults`, `solver`, `deploy`, the
    document itself): what is missing there is already reported.
    """

    document: Mapping
    damaged: AbstractMapping[int, Damage]


class Rules:
    """The schema in one of its variants, for acceptance and for explanation."""

    def __init__(self, *, variables: bool, custom_types: str, fork: Fork | None) -> None:
        self._variables = variables
        self._custom_types = custom_types
        self._fork = fork
        # Where all variables are substituted, no text passes for a number or a word any more.
        definitions = Definitions(self._text(), None if variables else _WITHOUT_VARIABLES)
        self._open_types(definitions)
        self._acceptor = Acceptor({"definitions": definitions})
        self._full: dict[str, Any] | None = None

    def accepts(self, node: Node, definition: str) -> bool:
        """Whether a node satisfies a definition."""
        return self._acceptor.accepts(node, definition)

    def has_type(self, name: str) -> bool:
        """Whether a type that Caffe does not have is one of the fork's."""
        return self._fork is not None and self._fork.has_type(name)

    def full(self) -> dict[str, Any]:
        """The whole schema, parsed when it is first needed; its definition "document" is the schema itself."""
        if self._full is None:
            text = self._text()
            text = text if self._variables else text.replace(*_WITHOUT_VARIABLES)
            schema = json.loads(text, object_hook=_name_refused)
            definitions = schema["definitions"]
            definitions["document"] = {key: value for key, value in schema.items() if key != "definitions"}
            self._open_types(definitions)
            self._full = schema
        return self._full

    def _text(self) -> str:
        return schema_text() if self._fork is None else self._fork.schema

    def _open_types(self, definitions: dict[str, Any]) -> None:
        """Take the types that match for custom ones, as if each such layer said `custom: true`."""
        if not self._custom_types:
            return
        named = {"required": ["type"], "properties": {"type": {"type": "string", "pattern": self._custom_types}}}
        for form in ("layer", "fields"):
            known = definitions[f"{form}_unknown"]
            custom = {"$ref": f"#/definitions/{form}_custom"}
            definitions[f"{form}_unknown"] = {"if": named, "then": custom, "else": known}


def _name_refused(schema: dict[str, Any]) -> dict[str, Any]:
    """Write a key that is never allowed so that jsonschema's error says which: under `false` it forgets the key."""
    keys = schema.get("properties")
    if isinstance(keys, dict):
        schema["properties"] = {key: {"not": {}} if part is False else part for key, part in keys.items()}
    return schema


@cache
def _rules(*, variables: bool, custom_types: str, fork: Fork | None) -> Rules:
    return Rules(variables=variables, custom_types=custom_types, fork=fork)


def validate(
    document: Mapping, report: Report, *, allow_custom: bool = False, custom_types: Iterable[str] = (),
    fork: Fork | None = None,
) -> Validated:  # fmt: skip
    """Check a document as it is written; report every mistake, and return what is sound of it.

    `allow_custom` takes every unknown layer type for a custom one, `custom_types` those that a library declares.
    The fields are those of `fork`, or Caffe's own.
    """
    custom = _ANY if allow_custom else _pattern({*custom_types, *declared_custom(document)})
    rules = _rules(variables=True, custom_types=custom, fork=fork)
    found = len(report) > 0
    sound, damaged = _validated(document, "document", rules, report)
    if found and sound is not None:
        from netcompile.validation.duplicates import damaged_by_duplicates  # noqa: PLC0415 - for the refused

        damaged.update(damaged_by_duplicates(sound, report, damaged))
    return Validated(sound or document._replace(entries={}, keys={}), damaged)


def accepts_layer(layer: Mapping, *, allow_custom: bool = False) -> bool:
    """Whether a layer is right in which all variables are substituted."""
    return _rules(variables=False, custom_types=_ANY if allow_custom else "", fork=None).accepts(layer, "layer")


def validate_layer(
    layer: Mapping, report: Report, *, allow_custom: bool = False, custom_types: Collection[str] = (),
    fork: Fork | None = None,
) -> Mapping | None:  # fmt: skip
    """Check a layer in which all variables are substituted; return it as it is where nothing is wrong with it.

    Otherwise the mistakes are reported, and what is sound of it is returned, or None where nothing is.
    """
    custom = _ANY if allow_custom else _pattern(custom_types)
    rules = _rules(variables=False, custom_types=custom, fork=fork)
    return _validated(layer, "layer", rules, report)[0]


def validate_section(section: Mapping, name: str, report: Report, fork: Fork | None = None) -> Mapping | None:
    """Check `solver` or `deploy`, or a "repetition", as `validate_layer` checks a layer."""
    return _validated(section, name, _rules(variables=False, custom_types="", fork=fork), report)[0]


def _validated(
    node: Mapping, definition: str, rules: Rules, report: Report
) -> tuple[Mapping | None, dict[int, Damage]]:
    if rules.accepts(node, definition):
        return node, {}
    from netcompile.validation.mend import Mender  # noqa: PLC0415 - imports jsonschema, for the refused alone

    mender = Mender(rules, report)
    sound = mender.mend(node, definition)
    return sound if type(sound) is Mapping else None, mender.damaged


def declared_custom(document: Mapping) -> set[str]:
    """The types that `defaults` says are custom."""
    defaults = document.entries.get("defaults")
    if type(defaults) is not Mapping:
        return set()
    return {name for name, entry in defaults.entries.items() if type(name) is str and _is_custom(entry)}


def _is_custom(entry: Node) -> bool:
    said = entry.entries.get("custom") if type(entry) is Mapping else None
    return type(said) is Scalar and said.value is True


def _pattern(names: Collection[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in sorted(names))})$" if names else ""
