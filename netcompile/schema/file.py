"""The file that holds the JSON Schema: where it is, how it is laid out, and how a part of it is read.

Each definition has a line of its own, so that a process parses only those that it needs. This module knows nothing of
what the definitions say.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, Final

_START: Final = ',"definitions":{\n'
_END: Final = "\n}}\n"


@cache
def schema_text() -> str:
    """The text of the schema: from inside the installed package, or from `schemas/` in a checkout."""
    # Not pathlib, which costs start-up time.
    here = os.path.dirname(os.path.dirname(__file__))
    path = os.path.join(here, "netcompile.schema.json")
    if not os.path.exists(path):
        path = os.path.join(os.path.dirname(here), "schemas", "netcompile.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_schema(schema: dict[str, Any]) -> str:
    """The text of a schema."""
    definitions = [f"{_compact(name)}:{_compact(body)}" for name, body in sorted(schema["definitions"].items())]
    head = _compact({key: value for key, value in schema.items() if key != "definitions"})
    return head.removesuffix("}") + _START + ",\n".join(definitions) + _END


class Definitions(dict[str, Any]):
    """The definitions in the text of a schema, each parsed when it is asked for; "document" is the whole schema's.

    `replaced` is a part of the text, and what is to be read in its place.
    """

    def __init__(self, text: str, replaced: tuple[str, str] | None = None) -> None:
        super().__init__()
        self._lines = _lines(text)
        self._replaced = replaced

    def __missing__(self, name: str) -> Any:
        line = self._lines[name]
        definition = self[name] = json.loads(line.replace(*self._replaced) if self._replaced else line)
        return definition


@cache
def _lines(text: str) -> dict[str, str]:
    head, _, rest = text.partition(_START)
    lines = dict(line[1:].split('":', 1) for line in rest.removesuffix(_END).split(",\n"))
    lines["document"] = head + "}"
    return lines


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
