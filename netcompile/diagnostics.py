"""What a finding is: a code, a severity, a span, a message, notes and a hint.

Findings are values. Stages make them and hand them on in a `Report`; only `render` turns them into text for people
and machines. The table of codes is in `codes`, and is read when the first finding is made.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple
from netcompile.shapes import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netcompile.tree import Span


MOST_OF_A_KIND: Final = 1000  # findings of one code: nobody reads on, and a generated file may have a million
_LONGEST: Final = 1000  # characters of a message; names and values in it may be of any length
_SOME: Final = 100  # words to guess from: comparing with all of more takes longer than asking for all slips
_MANY: Final = 200  # words to guess from; more are not looked through, only asked for what is one slip away
_OF_TRAINING: Final = frozenset({"no-gradient"})  # found where a net is trained, and looked for nowhere else
_SHORT: Final = 3  # letters of a word in which one letter is a third
_DOUBTFUL: Final = frozenset({"bad-tag", "wrong-kind", "unknown-enum-value", "unknown-filler"})
_LETTERS: Final = "etaoinsrhldcumfpgwybvkxjqz_0123456789"
_LONGEST_WORD: Final = 100


class Note(NamedTuple):
    """A further fact about a finding, at its own place where it has one. `use`: it says where the place was used."""

    message: str
    span: Span | None = None
    use: bool = False


class Diagnostic(NamedTuple):
    """One finding. `severity` is "error", "warning" or "note"; `span` is None where the input has no text."""

    code: str
    severity: str
    span: Span | None
    message: str
    notes: tuple[Note, ...] = ()
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.span.source.name}:{self.span.line}:{self.span.column}: " if self.span else ""
        return f"{where}{self.severity}[{self.code}]: {self.message}"


class CompileError(Exception):
    """The input is wrong. `diagnostics` has every finding, warnings included, in the order of the text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(str(d) for d in self.diagnostics if d.severity == "error")


class CallError(Exception):
    """The call is wrong: a bad combination of arguments, or a file that can't be read or written."""


class Report:
    """Collects the findings of a run. The same finding at the same place is kept once.

    What a block gets wrong shows in every use of it: of findings with a chain of uses, those of the first chain are
    kept. Of one code, `most` findings are kept.
    """

    __slots__ = ("_chains", "_counts", "_doubtful", "_found", "_most")

    def __init__(self, most: int | None = MOST_OF_A_KIND) -> None:
        self._most = most
        self._counts: dict[str, int] = {}
        self._found: dict[tuple[object, ...], Diagnostic] = {}
        self._chains: dict[tuple[object, ...], tuple[Note, ...]] = {}
        self._doubtful: dict[tuple[object, ...], Diagnostic] = {}  # by place: what is said of a value that is no good

    def add(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        notes: Iterable[Note] = (),
        hint: str | None = None,
        severity: str | None = None,
    ) -> None:
        """Record a finding; its severity is that of its code unless given."""
        from netcompile.codes import CODES  # noqa: PLC0415 - read only when something is found

        hint = None if hint is None else _shortened(hint)
        severity = severity or CODES[code].severity
        self.append(Diagnostic(code, severity, span, _shortened(message), tuple(notes), hint))

    def append(self, diagnostic: Diagnostic) -> None:
        """Record a finding that is already made."""
        place = _place(diagnostic)
        chain = tuple(note for note in diagnostic.notes if note.use)
        first = self._doubtful.get(place)
        if first is not None and _only_follows(diagnostic, first, chain):
            return
        if diagnostic.code in _DOUBTFUL and diagnostic.span is not None:
            self._doubtful.setdefault(place, diagnostic)
        if chain and self._chains.setdefault((diagnostic.code, place), chain) != chain:
            return
        key = (diagnostic.code, place, diagnostic.message)
        if key in self._found:
            return
        count = self._counts[diagnostic.code] = self._counts.get(diagnostic.code, 0) + 1
        if count == self._most:
            note = Note(f"there are {count} findings of this kind; further ones are left out")
            diagnostic = diagnostic._replace(notes=(*diagnostic.notes, note))
        if self._most is None or count <= self._most:
            self._found[key] = diagnostic

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several findings."""
        for diagnostic in diagnostics:
            self.append(diagnostic)

    def extend_new(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record those findings whose code is not yet reported at their place: another state finds the same again."""
        known = {(code, place) for code, place, _ in self._found if not place[0]}  # type: ignore[index]
        self.extend(d for d in diagnostics if (d.code, _place(d)) not in known)

    def extend_states(self, found: Sequence[tuple[str, Iterable[Diagnostic]]]) -> None:
        """Record what is found in several states: an error that one of them has alone says so."""
        where: dict[tuple[object, ...], set[str]] = {}
        for state, diagnostics in found:
            for one in diagnostics:
                where.setdefault(_finding(one), set()).add(state)
        for state, diagnostics in found:
            everywhere = len(found) == 1
            self.extend_new(
                one if everywhere or len(where[_finding(one)]) > 1 else _in_one_state(one, state) for one in diagnostics
            )

    def drop(self, unwanted: Callable[[Diagnostic], bool]) -> list[Diagnostic]:
        """Take out the findings that are `unwanted`, and give them."""
        dropped = {key: found for key, found in self._found.items() if unwanted(found)}
        for key in dropped:
            del self._found[key]
        return list(dropped.values())

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def full(self, code: str) -> bool:
        """True where further findings of a code would be left out."""
        return self._most is not None and self._counts.get(code, 0) >= self._most

    @property
    def failed(self) -> bool:
        """True where at least one finding is an error."""
        return any(d.severity == "error" for d in self._found.values())

    def ordered(self) -> tuple[Diagnostic, ...]:
        """All findings in the order of the text: by source, line and column; those without a place come last."""
        return tuple(sorted(self._found.values(), key=_place))


def _finding(diagnostic: Diagnostic) -> tuple[object, ...]:
    """What two states have in common that find the same: the place, and the message where there is none."""
    return (diagnostic.code, _place(diagnostic) if diagnostic.span else diagnostic.message)


def _in_one_state(diagnostic: Diagnostic, state: str) -> Diagnostic:
    """The finding, which no other state has, with a note that says so unless that goes without saying."""
    if diagnostic.severity != "error" or diagnostic.code in _OF_TRAINING or f" in {state}" in diagnostic.message:
        return diagnostic
    return diagnostic._replace(notes=(*diagnostic.notes, Note(f"in {state} alone")))


def worded(hint: str | Wording | None, *, in_spec: bool) -> str | None:
    """The hint in the words of the language that it is for."""
    if isinstance(hint, Wording):
        return hint.spec if in_spec else hint.prototxt
    return hint


def _only_follows(diagnostic: Diagnostic, first: Diagnostic, chain: tuple[Note, ...]) -> bool:
    """Whether a finding only follows from what is wrong with the value at its place, or is a second one of another use.

    The kind of a value is put right without a doubt, so that only words which nobody knows follow from that.
    """
    if first.code == "bad-tag":
        return True
    before = tuple(note for note in first.notes if note.use)
    if (before and before != chain) or (diagnostic.code, diagnostic.message) == (first.code, first.message):
        return False
    return first.code != "wrong-kind" or diagnostic.code.startswith("unknown-")


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
    span = diagnostic.span
    return (True, "", 0, 0) if span is None else (False, span.source.name, span.line, span.column)


def _shortened(text: str) -> str:
    """Cut out the middle of a text that is too long to be read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 4 :]}"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    import difflib  # noqa: PLC0415 - only for the refused

    if len(word) > _LONGEST_WORD:
        return None
    if isinstance(known, Collection) and len(known) > _MANY:
        return _one_slip_away(word, known)
    lowered = word.lower()
    folded = {candidate.lower(): candidate for candidate in sorted({*known} - {""}, reverse=True)}
    if lowered in folded:
        return folded[lowered]
    slip = _one_slip_away(lowered, folded) if len(folded) > _SOME else None
    if slip is not None:
        return folded[slip]
    close = difflib.get_close_matches(lowered, list(folded), n=1, cutoff=0.7)
    if close:
        return folded[close[0]]
    swapped = sorted(lowered)  # letters out of order weigh too much in a short word
    found = next((known for other, known in folded.items() if sorted(other) == swapped), None)
    # And so does one letter, unless it is the only word that near.
    short = [other for other in folded if _is_near(lowered, other)] if len(word) <= _SHORT and found is None else []
    return folded[short[0]] if len(short) == 1 else found


def _is_near(word: str, other: str) -> bool:
    """Tell whether two words of a few letters differ in one, which is no number in both, and share one."""
    if len(word) == len(other):
        differing = [(a, b) for a, b in zip(word, other, strict=True) if a != b]
        return len(word) > 1 and len(differing) == 1 and not "".join(differing[0]).isdigit()
    shorter, longer = sorted((word, other), key=len)
    return len(longer) == len(shorter) + 1 and any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def _one_slip_away(word: str, known: Collection[str]) -> str | None:
    """The known word that differs from `word` in one letter, or in the order of two."""
    for i in range(len(word) + 1):
        before, after = word[:i], word[i:]
        slips = [before + after[1:], before + after[1:2] + after[:1] + after[2:]]
        slips += [before + letter + rest for letter in _LETTERS for rest in (after[1:], after)]
        found = next((slip for slip in slips if slip in known and slip != word), None)
        if found is not None:
            return found
    return None
