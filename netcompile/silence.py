"""Which findings are left out because somebody says so: by code, in a list or in a comment on the line.

    - {name: loss2, type: EuclideanLoss, bottom: [a, b]}  # netcompile: ignore[unused-top]

Warnings and notes can be silenced, and errors about what Caffe builds and only aborts later. What is refused outright
can't: an attempt is a finding itself, like a code that doesn't exist.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.codes import CODES
from netcompile.diagnostics import CallError, did_you_mean
from netcompile.records import NamedTuple
from netcompile.tree import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from netcompile.diagnostics import Diagnostic, Report
    from netcompile.tree import Source

MARK: Final = "netcompile:"  # in every text with such a comment
_COMMENT: Final = re.compile(r"#[ \t]*netcompile:[ \t]*(ignore)\b(?:[ \t]*\[([^\]\n]*)\])?")
_WORD: Final = re.compile(r"[^,\s]+")


class Asked(NamedTuple):
    """A code that is to be left out, and where that is written. `line`: on this line of the text alone; 0: anywhere."""

    code: str
    span: Span
    line: int = 0


def check_codes(codes: Iterable[str], where: str) -> list[str]:
    """Give the codes of a list, each of which may hold several with commas between.

    Raises CallError for one that doesn't exist or can't be silenced; `where` says who asks: `--ignore`.
    """
    words = [word for text in codes for word in _WORD.findall(text)]
    for word in words:
        wrong = _refusal(word)
        if wrong is not None:
            _, text, hint = wrong
            raise CallError(f"{where}: {text}; {hint}")
    return words


def comments(source: Source) -> Iterator[Asked]:
    """Find the codes that comments in a text leave out, each on its own line."""
    if MARK not in source.text:
        return
    for number, line in enumerate(source.text.split("\n"), 1):
        for comment in _COMMENT.finditer(line):
            words = list(_WORD.finditer(line, *comment.span(2))) if comment[2] else []
            places = [(word[0], word.start(), word.end()) for word in words] or [("", *comment.span(1))]
            for code, start, end in places:
                yield Asked(code, Span(source, number, start + 1, number, end + 1), number)


def silence(report: Report, ignored: Collection[str], asked: Iterable[Asked], source: Source) -> None:
    """Take out of `report` what the call leaves out (`ignored`), what a spec does (`asked`), and what comments do.

    The comments are those of `source`, the text that the report is on, and of every other text with a finding. Adds a
    warning for each code that there is none of, or that stands for errors which stay.
    """
    texts = dict.fromkeys((source, *(found.span.source for found in report if found.span is not None)))
    wanted = [*asked, *(one for text in texts for one in comments(text))]
    everywhere = {one.code for one in wanted if not one.line} | set(ignored)
    on_lines = {(one.code, one.span.source.name, one.line) for one in wanted if one.line}
    dropped = report.drop(lambda found: can_silence(found) and (found.code in everywhere or _key(found) in on_lines))
    effective = {found.code for found in dropped}
    for one in wanted:
        wrong = _refusal(one.code)
        if wrong is not None and one.code not in effective:
            code, text, hint = wrong
            report.add(code, one.span, text, hint=hint)


def can_silence(found: Diagnostic) -> bool:
    """Tell whether a finding may be left out."""
    return found.severity != "error" or CODES[found.code].silenceable


def _key(found: Diagnostic) -> tuple[str, str, int] | None:
    return None if found.span is None else (found.code, found.span.source.name, found.span.line)


def _refusal(word: str) -> tuple[str, str, str] | None:
    """Say why a code can't be left out: code, message and hint of the finding; None where it can."""
    if not word:
        return "unknown-code", "`ignore` names no code", "write `# netcompile: ignore[CODE]`"
    if word not in CODES:
        meant = did_you_mean(word, CODES)
        hint = f"did you mean '{meant}'?" if meant else "`netcompile explain --all` lists the codes"
        return "unknown-code", f"there is no code '{word}'", hint
    if not CODES[word].silenceable:
        text = f"'{word}' is an error that can't be silenced: Caffe refuses the net, or the text can't be read"
        return "ignored-error", text, "mend it"
    return None
