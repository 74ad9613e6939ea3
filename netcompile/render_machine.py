"""Findings for machines: JSON, GitHub's workflow commands, SARIF. The formats are documented in docs/findings.md.

Lines and columns count from 1 in characters (code points), and an end column is the one after the last character, as
in `Span`. Nothing here prints, and nothing here knows what a finding means.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from netcompile.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcompile.diagnostics import Diagnostic, Note
    from netcompile.tree import Span

_SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Write a JSON array with one object per finding; keys are never left out, only null."""
    found = [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "message": diagnostic.message,
            **_place(diagnostic.span),
            "hint": diagnostic.hint,
            "notes": [{"message": note.message, **_place(note.span)} for note in diagnostic.notes],
        }
        for diagnostic in diagnostics
    ]
    return json.dumps(found, indent=2) + "\n"


def _place(span: Span | None) -> dict[str, str | int | None]:
    if span is None:
        return dict.fromkeys(("path", "line", "column", "end_line", "end_column"))
    return {
        "path": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def render_github(diagnostics: Iterable[Diagnostic], root: str = ".") -> str:
    """Write one workflow command per finding, which GitHub shows as an annotation at its line.

    `root` is the folder of the checked-out repository: annotations need paths that are relative to it.
    """
    return "".join(_command(diagnostic, root) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic, root: str) -> str:
    properties: dict[str, str | int] = {}
    span = diagnostic.span
    if span is not None:
        properties = {"file": _relative(span.source.name, root), "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:  # the runner refuses columns with several lines
            properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = diagnostic.code
    listed = ",".join(f"{key}={_escaped_property(str(value))}" for key, value in properties.items())
    command = "notice" if diagnostic.severity == "note" else diagnostic.severity
    return f"::{command} {listed}::{_escaped(_whole_message(diagnostic, diagnostic.notes))}\n"


def _whole_message(diagnostic: Diagnostic, notes: Sequence[Note]) -> str:
    """Join the message with notes and hint, on lines of their own."""
    lines = [diagnostic.message]
    for note in notes:
        where = f" ({note.span.source.name}:{note.span.line}:{note.span.column})" if note.span else ""
        lines.append(f"note: {note.message}{where}")
    if diagnostic.hint:
        lines.append(f"hint: {diagnostic.hint}")
    return "\n".join(map(printable, lines))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _relative(name: str, root: str) -> str:
    """Give the path of a source under `root`, with slashes; as it is where it lies outside."""
    path = Path(os.path.abspath(name))
    base = Path(os.path.abspath(root))
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else Path(name).as_posix()


def render_sarif(diagnostics: Iterable[Diagnostic], version: str, root: str = ".") -> str:
    """Write a SARIF 2.1.0 log of one run. `version` is netcompile's, `root` the folder that paths are relative to."""
    diagnostics = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    indices = {code: i for i, code in enumerate(codes)}
    driver = {
        "name": "netcompile",
        "version": version,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, indices[diagnostic.code], root) for diagnostic in diagnostics],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    from netcompile.codes import CODES  # noqa: PLC0415 - read only when something is found
    from netcompile.explain import explain  # noqa: PLC0415 - likewise

    return {
        "id": code,
        "shortDescription": {"text": CODES[code].meaning},
        "help": {"text": explain(code), "markdown": explain(code, markdown=True)},
        "defaultConfiguration": {"level": CODES[code].severity},
    }


def _result(diagnostic: Diagnostic, index: int, root: str) -> dict[str, Any]:
    placeless = [note for note in diagnostic.notes if note.span is None]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity,
        "message": {"text": _whole_message(diagnostic, placeless)},
    }
    if diagnostic.span is not None:
        result["locations"] = [{"physicalLocation": _physical(diagnostic.span, root)}]
    related = [
        {"physicalLocation": _physical(note.span, root), "message": {"text": printable(note.message)}}
        for note in dict.fromkeys(diagnostic.notes)  # SARIF wants each once
        if note.span is not None
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _physical(span: Span, root: str) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"artifactLocation": _artifact(span.source.name, root), "region": region}


def _artifact(name: str, root: str) -> dict[str, str]:
    from urllib.parse import quote  # noqa: PLC0415 - slow to import, and only SARIF has URIs

    path = _relative(name, root)
    if os.path.isabs(path):
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": "%SRCROOT%"}
