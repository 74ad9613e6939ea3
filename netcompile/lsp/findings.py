"""What is wrong in an open text, as `netcompile check` says it, each finding at a place in that text.

What is found in an imported file stands where this document brings it in, and leads to its own place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.batch import plan
from netcompile.checking import Job, Options, check_file
from netcompile.paths import PROTOTXT, Found
from netcompile.records import NamedTuple
from netcompile.tree import Source, Span

if TYPE_CHECKING:
    from netcompile.compiler import Settings
    from netcompile.diagnostics import Diagnostic, Note

_SCHEMA: Final = re.compile(r"^# yaml-language-server: \$schema=\S*netcompile", re.MULTILINE)
_IMPORTS: Final = re.compile(r"^imports(?=:)", re.MULTILINE)


class Finding(NamedTuple):
    """A finding with its place in the text and the places that belong to it, which may be in other files."""

    diagnostic: Diagnostic
    span: Span
    related: tuple[tuple[str, Span], ...]


def findings(source: Source, settings: Settings) -> list[Finding]:
    """All that `netcompile check` finds in a text as it stands, shapes included. None for YAML that is no spec."""
    checked = check_file(Options(settings, trace=True), _job(source, settings))
    if checked.outcome == "fault":
        raise RuntimeError(checked.text)
    return [_placed(found, source) for found in checked.findings]


def _job(source: Source, settings: Settings) -> Job:
    data = source.text.encode("utf-8", "surrogatepass")
    if source.name.endswith(PROTOTXT):
        return plan([Found(source.name, None)], settings.root)[0]._replace(data=data)
    # A spec is told by its keys, or by its first line while it can't be read.
    return Job(source.name, given=bool(_SCHEMA.search(source.text)), data=data)


def _placed(found: Diagnostic, source: Source) -> Finding:
    related = [(note.message, note.span) for note in found.notes if note.span is not None]
    if found.span is not None and found.span.source.name == source.name:
        return Finding(found, found.span, tuple(related))
    if found.span is not None:
        related = [("it is here", found.span), *related]
    here = next((span for _, span in related if span.source.name == source.name), None)
    return Finding(found, here or _imports(source), tuple(related))


def _imports(source: Source) -> Span:
    """Where the document says what it imports; else its start."""
    match = _IMPORTS.search(source.text)
    line = source.text.count("\n", 0, match.start()) + 1 if match else 1
    return Span(source, line, 1, line, 1 + len(match[0] if match else ""))


def message_of(found: Diagnostic) -> str:
    """A finding in words: its message, the notes that have no place, and its hint."""
    notes: list[Note] = [note for note in found.notes if note.span is None]
    lines = [found.message, *(f"note: {note.message}" for note in notes)]
    return "\n".join([*lines, f"hint: {found.hint}"] if found.hint else lines)
