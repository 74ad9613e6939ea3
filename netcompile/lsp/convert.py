"""Our places and values as the protocol's: characters to its units, spans to ranges, findings to diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.uris import from_fs_path

from netcompile.lsp.findings import message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.lsp.findings import Finding
    from netcompile.tree import Span

_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
_CODECS: Final = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}


class Units:
    """The units in which a client counts the characters of a line: UTF-16 code units unless it has agreed to others."""

    def __init__(self, encoding: str | None) -> None:
        self._codec = _CODECS["utf-16"] if encoding is None else _CODECS.get(encoding)

    def column(self, line: str, units: int) -> int:
        """The column, in characters, of what a client counts as `units`."""
        if self._codec is None:
            return units
        name, size = self._codec
        return len(line.encode(name, "surrogatepass")[: units * size].decode(name, "ignore"))

    def units(self, line: str, column: int) -> int:
        """What a client counts up to a column."""
        if self._codec is None:
            return column
        name, size = self._codec
        return len(line[:column].encode(name, "surrogatepass")) // size

    def range(self, lines: Sequence[str], line: int, start: int, end: int) -> types.Range:
        """The characters of one line from one column to another."""
        return types.Range(self.position(lines, line, start), self.position(lines, line, end))

    def position(self, lines: Sequence[str], line: int, column: int) -> types.Position:
        """A place, counted from 0, as a client counts."""
        text = lines[line] if 0 <= line < len(lines) else ""
        return types.Position(line, self.units(text, column))

    def span(self, lines: Sequence[str], span: Span) -> types.Range:
        """A span as a range."""
        start = self.position(lines, span.line - 1, span.column - 1)
        return types.Range(start, self.position(lines, span.end_line - 1, span.end_column - 1))


def location(units: Units, span: Span) -> types.Location:
    """A span with the file that it is in."""
    source = span.source
    lines = [source.line(number) for number in range(1, span.end_line + 1)]
    return types.Location(from_fs_path(source.name) or source.name, units.span(lines, span))


def diagnostic(units: Units, lines: Sequence[str], finding: Finding) -> types.Diagnostic:
    """A finding as an editor shows it."""
    found = finding.diagnostic
    return types.Diagnostic(
        range=units.span(lines, finding.span),
        message=message_of(found),
        severity=_SEVERITIES.get(found.severity, types.DiagnosticSeverity.Error),
        code=found.code,
        source="netcompile",
        related_information=[
            types.DiagnosticRelatedInformation(location(units, span), text) for text, span in finding.related
        ],
    )
