"""Findings as text for people: the header line, the line of the source with carets under it, notes and a hint.

What machines read is made by `render_machine`. Nothing here prints, and nothing here knows what a finding means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.terminal import ELLIPSIS, cell, printable, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netcompile.diagnostics import Diagnostic, Note
    from netcompile.tree import Span

_COLUMNS: Final = 120  # of a source line that are shown: the line length that most specs keep
_PLAIN: Final = {"error": "", "warning": "", "note": "", "strong": "", "gutter": "", "label": ""}
_COLORED: Final = {"error": "1;31", "warning": "1;33", "note": "1;36", "strong": "1", "gutter": "34", "label": "1;36"}


def render_text(diagnostics: Iterable[Diagnostic], *, color: bool) -> str:
    """Write the findings one below the other, each line ended; an empty string where there are none.

    A finding of several lines is set off by an empty line. Uncoloured, the first line of a finding is its `str`.
    """
    paint = _painter(_COLORED if color else _PLAIN)
    parts: list[str] = []
    before = 1
    for diagnostic in diagnostics:
        lines = list(_lines(diagnostic, paint))
        if parts and max(before, len(lines)) > 1:
            parts.append("")
        parts.extend(lines)
        before = len(lines)
    return "\n".join((*parts, ""))


def _painter(styles: dict[str, str]) -> Callable[[str, str], str]:
    def paint(style: str, text: str) -> str:
        return f"\x1b[{styles[style]}m{text}\x1b[0m" if styles[style] and text else text

    return paint


def _lines(diagnostic: Diagnostic, paint: Callable[[str, str], str]) -> Iterator[str]:
    severity, span = diagnostic.severity, diagnostic.span
    where = paint("strong", f"{_place(span)}:") + " " if span else ""
    kind = paint(severity, f"{severity}[{diagnostic.code}]:")
    yield f"{where}{kind} {paint('strong', printable(diagnostic.message))}"
    if span:
        yield from _snippet(span, severity, paint)
    partner = _partner(diagnostic)
    for note in diagnostic.notes:
        where = f" ({_place(note.span)})" if note.span else ""
        yield f"  {paint('label', 'note:')} {printable(note.message)}{where}"
        if note is partner and note.span:
            yield from _snippet(note.span, "label", paint)
    if diagnostic.hint:
        yield f"  {paint('label', 'hint:')} {printable(diagnostic.hint)}"


def _partner(diagnostic: Diagnostic) -> Note | None:
    """Choose the note whose line is shown too: the only one with a place, where that is on another line.

    Of a pair (this and the other definition) both lines help; of a chain, the places are enough.
    """
    placed = [note for note in diagnostic.notes if note.span]
    if len(placed) != 1 or placed[0].span is None or diagnostic.span is None:
        return None
    return None if placed[0].span[:2] == diagnostic.span[:2] else placed[0]


def _place(span: Span) -> str:
    return f"{printable(span.source.name)}:{span.line}:{span.column}"


def _snippet(span: Span, style: str, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Show the line where `span` begins, with carets under the part of it that is on that line."""
    line = span.source.line(span.line).rstrip()
    if not line:
        return
    text, before, marked = _window(line, *_on_first_line(span, line))
    yield f"{paint('gutter', f'{span.line:>5} |')} {text}"
    yield f"{paint('gutter', '      |')} {' ' * before}{paint(style, '^' * marked)}"


def _on_first_line(span: Span, line: str) -> tuple[int, int]:
    """Count from 0 the characters of `line` that `span` covers: none where it is empty or past the end."""
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    return start, min(max(start, end), len(line))


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Give the part of `line` around characters `start` to `end` as shown, the columns before these, and theirs.

    Looks at few more characters than it shows: a generated file may be a single line of megabytes.
    """
    first = _reach(line, start, -1, max(_COLUMNS // 3, _COLUMNS * 2 // 3 - (end - start)))
    last = _reach(line, first, 1, _COLUMNS)
    if last == len(line):
        first = _reach(line, last, -1, _COLUMNS)
    cut = ELLIPSIS if first else ""
    before, marked, after = (
        "".join(map(cell, part)) for part in (line[first:start], line[start : min(end, last)], line[end:last])
    )
    text = f"{cut}{before}{marked}{after}{ELLIPSIS if last < len(line) else ''}"
    return text, len(cut) + width(before), max(width(marked), 1)


def _reach(line: str, at: int, step: int, columns: int) -> int:
    """Find how far `columns` go in `line` from before character `at`: forward (`step` 1) or backward (-1)."""
    while 0 <= (i := at if step > 0 else at - 1) < len(line):
        columns -= width(cell(line[i]))
        if columns < 0:
            break
        at += step
    return at
