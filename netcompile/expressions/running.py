"""The functions from names to values that a text is read into, and the one error they raise.

Each knows the place in the text that an error of its own belongs to. How texts are written is the reader's business.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from netcompile.diagnostics import did_you_mean
from netcompile.expressions.arithmetic import MAX_TEXT, OperationError, Value, compare, shorten, spell
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Names: TypeAlias = Mapping[str, Value]
    Run: TypeAlias = Callable[[Names], Value]

T = TypeVar("T")

_MAX_HINTED: Final = 100  # characters: a longer name is no slip, and looking for its neighbours is slow
_FOREIGN: Final = {"True": "true", "False": "false", "None": "null"}


class ExpressionError(Exception):
    """A text that has no value. `start` and `end` are offsets of the guilty part; `code` is a diagnostic code.

    A hint that takes long to find can be given as what finds it, when it is asked for.
    """

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        *,
        code: str = "bad-expression",
        hint: str | Callable[[], str | None] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.code = code
        self._hint = hint

    @property
    def hint(self) -> str | None:
        """What to write instead, where that can be said."""
        return self._hint() if callable(self._hint) else self._hint

    @classmethod
    def placed(cls, error: OperationError, start: int, end: int) -> ExpressionError:
        """What an operation refuses, with the place of the operation."""
        return cls(error.message, start, end, code=error.code, hint=error.hint)


class Reference(NamedTuple):
    """A `$name` or `${expression}` inside a text: what gives its value, and where it stands."""

    run: Run
    start: int
    end: int


def constant(value: T) -> Callable[[Names], T]:
    """A value that depends on no name."""
    return lambda _names: value


def variable(name: str, start: int, end: int, *, bare: bool = False, alone: bool = False) -> Run:
    """The value of a name; `bare` where it is written without a `$`, `alone` where it is a whole `${expression}`."""

    def run(names: Names) -> Value:
        try:
            return names[name]
        except KeyError:
            pass
        hint = partial(_meant, name, names, bare=bare, alone=alone)
        raise ExpressionError(f"unknown variable '{shorten(name)}'", start, end, code="unknown-variable", hint=hint)

    return run


def strict(function: Callable[..., T], start: int, end: int, *operands: Run) -> Callable[[Names], T]:
    """Run every operand, then `function` on their values."""

    def run(names: Names) -> T:
        values = [operand(names) for operand in operands]
        try:
            return function(*values)
        except OperationError as error:
            raise ExpressionError.placed(error, start, end) from None

    return run


def comparison(start: int, end: int, first: Run, links: Sequence[tuple[str, Run]]) -> Run:
    """A chain: `a < b < c` is `a < b and b < c`, with b run once."""

    def run(names: Names) -> bool:
        left = first(names)
        for symbol, operand in links:
            right = operand(names)
            try:
                holds = compare(symbol, left, right)
            except OperationError as error:
                raise ExpressionError.placed(error, start, end) from None
            if not holds:
                return False
            left = right
        return True

    return run


def negation(operand: Run) -> Run:
    """`not operand`; zero, null and what is empty are false."""
    return lambda names: not operand(names)


def conjunction(left: Run, right: Run) -> Run:
    """`left and right`: the value of the first that is false, or of `right`."""
    return lambda names: left(names) and right(names)


def disjunction(left: Run, right: Run) -> Run:
    """`left or right`: the value of the first that is true, or of `right`."""
    return lambda names: left(names) or right(names)


def conditional(chosen: Run, condition: Run, otherwise: Run) -> Run:
    """`chosen if condition else otherwise`."""
    return lambda names: chosen(names) if condition(names) else otherwise(names)


def interpolation(parts: Sequence[str | Reference], start: int, end: int) -> Run:
    """All parts joined into one text. Its references may add at most MAX_TEXT characters to what is written."""
    written = [part for part in parts if isinstance(part, str)]
    if len(written) == len(parts):
        return constant("".join(written))
    runs = [
        constant(part) if isinstance(part, str) else strict(spell, part.start, part.end, part.run) for part in parts
    ]
    bound = MAX_TEXT + sum(map(len, written))

    def run(names: Names) -> str:
        pieces = [piece(names) for piece in runs]
        if sum(map(len, pieces)) > bound:
            message = f"the values put into this text have more than {MAX_TEXT} characters"
            raise ExpressionError(message, start, end, code="expansion-limit")
        return "".join(pieces)

    return run


def _meant(name: str, names: Names, *, bare: bool, alone: bool) -> str | None:
    if len(name) > _MAX_HINTED:
        return None
    if name in _FOREIGN:
        return f"did you mean '{_FOREIGN[name]}'?"
    close = did_you_mean(name, names)
    stem = next((name[:end] for end in range(len(name), 0, -1) if name[:end] in names), "")
    rest = name[len(stem) :]
    if not bare and close in (None, stem) and stem and (rest[0] == "_" or rest[0].isdigit()):
        return f"a name reaches as far as it can; did you mean '${{{stem}}}{rest}'?"
    if close:
        return f"did you mean '{close}'?"
    if alone:
        only = list(islice(names, 2))
        return f"did you mean '{only[0]}'?" if len(only) == 1 else None
    return f"a text needs quotes here: '{name}'" if bare else None
