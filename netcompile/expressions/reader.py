"""How texts and expressions are written: reads one into the function that runs it.

An operator-precedence reader with one token of lookahead. It knows what the signs mean to the eye (order, brackets,
quotes), not what they do to values.
"""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from netcompile.expressions import running
from netcompile.expressions.arithmetic import MAX_INTEGER, calculate, index, integral, make_list, shorten, sign
from netcompile.expressions.running import ExpressionError, Reference, constant, strict, variable

if TYPE_CHECKING:
    from netcompile.expressions.arithmetic import Value
    from netcompile.expressions.running import Run

MAX_LENGTH: Final = 2_000
MAX_OPERATIONS: Final = 100
MAX_NESTING: Final = 30

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_LONE: Final = re.compile(rf"\$(?:({_NAME.pattern})|\{{\s*({_NAME.pattern})\s*\}})")
_TOKEN: Final = re.compile(
    rf"""\s*(?:
        (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
      | (?P<name>{_NAME.pattern})
      | (?P<reference>\${_NAME.pattern})
      | (?P<symbol>\*\*|//|[<>=!]=|&&|\|\||\$\{{|\S)
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_STOPS: Final = {"": re.compile(r"\$"), "'": re.compile(r"['\\$]"), '"': re.compile(r'["\\$]')}
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_CLOSERS: Final = {"(": ")", "[": "]", "${": "}"}
_ENDS: Final = frozenset({*_CLOSERS.values(), ","})

_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
_OPERATORS: Final = frozenset({"and", "or", "not", "if", "else"})
_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})

# How tightly each operator binds; the same order as in Python.
_CONDITIONAL, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _INDEX = range(1, 11)
_STRENGTHS: Final = {
    "if": _CONDITIONAL,
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(_COMPARISONS, _COMPARISON),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "//", "%"), _PRODUCT),
    "**": _POWER,
    "[": _INDEX,
}

_HINTS: Final = {
    "=": "equality is ==",
    "!": "write 'not'",
    "&&": "write 'and'",
    "||": "write 'or'",
    "?": "write 'a if condition else b'",
    "(": "expressions have no calls",
    ".": "expressions have no attributes",
    ":": "expressions have no slices",
    "{": "expressions have no mappings",
    "in": "expressions have no 'in'",
    "is": "equality is ==",
    "$": "a variable is written name or $name",
    "not": "put it into brackets: (not a)",
}


def lone_reference(text: str) -> str | None:
    """The name, where the text is exactly `$name` or `${name}`; else None."""
    match = _LONE.fullmatch(text)
    if match is None:
        return None
    plain, braced = match.groups()
    return plain or (None if braced in _CONSTANTS or braced in _OPERATORS else braced)


class Reader:
    """Reads one source, once. `at` is the offset behind the current token."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.kind = self.word = ""
        self.start = self.last = 0  # of the current token; the end of the one before it
        self.opened = self.operations = self.nesting = 0  # of the outermost expression: its offset, and its size so far

    def text(self) -> Run:
        """The whole source, as a text with references."""
        parts = self._parts("")
        if len(parts) == 1 and isinstance(parts[0], Reference):
            return parts[0].run
        return running.interpolation(parts, 0, len(self.source))

    def whole(self) -> Run:
        """The whole source, as an expression."""
        self._advance()
        run = self._expression()
        if self.kind != "end":
            self._refuse()
        return run

    # Texts

    def _parts(self, quote: str) -> list[str | Reference]:
        """Read up to the closing quote, or to the end of the source where `quote` is empty, and stand behind it."""
        parts: list[str | Reference] = []
        opened = self.at - 1
        while True:
            found = _STOPS[quote].search(self.source, self.at)
            end = found.start() if found else len(self.source)
            stop = found[0] if found else ""
            if end > self.at:
                parts.append(self.source[self.at : end])
            self.at = end + 1
            if stop == quote:
                return parts
            if not stop:
                raise ExpressionError("this quote is not closed", opened, opened + 1)
            parts.append(self._escape(end) if stop == "\\" else self._dollar(end, outermost=not quote))

    def _escape(self, start: int) -> str:
        char = self.source[start + 1 : start + 2]
        if char not in _ESCAPES:
            end = start + 1 + len(char)
            raise ExpressionError(f"unknown escape '\\{char}'", start, end, hint="a backslash is written \\\\")
        self.at = start + 2
        return _ESCAPES[char]

    def _dollar(self, start: int, *, outermost: bool) -> str | Reference:
        self.at = start + 2
        following = self.source[start + 1 : self.at]
        if following == "$":
            return "$"
        if following == "{":
            if outermost:
                self.opened, self.operations = start, 0
            return Reference(self._inside("${", start), start, self.at)
        name = _NAME.match(self.source, start + 1)
        if name is None:
            hint = "a dollar sign is written $$"
            raise ExpressionError("'$' is followed by neither a name nor {expression}", start, start + 1, hint=hint)
        self.at = name.end()
        return Reference(variable(name[0], start, self.at), start, self.at)

    # Tokens

    def _advance(self) -> None:
        match = _TOKEN.match(self.source, self.at)
        assert match is not None
        assert match.lastgroup is not None
        self.last = self.at
        self.kind = match.lastgroup
        self.word = match[self.kind]
        self.start = match.start(self.kind)
        self.at = match.end()
        if self.at - self.opened > MAX_LENGTH:
            self._limit(f"is longer than {MAX_LENGTH} characters")

    def _count(self) -> None:
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            self._limit(f"has more than {MAX_OPERATIONS} operators and brackets")

    def _limit(self, what: str) -> NoReturn:
        raise ExpressionError(f"this expression {what}", self.opened, self.at, code="expansion-limit")

    def _refuse(self) -> NoReturn:
        message = f"{shorten(self.word)!r} can't stand here"
        raise ExpressionError(message, self.start, self.at, hint=_HINTS.get(self.word))

    def _missing(self) -> NoReturn:
        before = f"before {self.word!r}" if self.word else "at the end"
        raise ExpressionError(f"a value is missing {before}", self.last if self.word else self.opened, self.at)

    def _close(self, opener: str, start: int) -> None:
        """Stand behind the closing partner of a bracket, which is the current token."""
        if self.kind == "end":
            raise ExpressionError(f"this '{opener}' is not closed", start, start + len(opener))
        if self.word != _CLOSERS[opener]:
            self._refuse()

    # Expressions

    def _inside(self, opener: str, start: int) -> Run:
        """Read the expression between a bracket, behind which we stand, and its partner, and stand behind that."""
        self._count()
        self._advance()
        run = self._expression()
        self._close(opener, start)
        return run

    def _expression(self, strength: int = 0) -> Run:
        """Read on while operators bind more tightly than `strength`; what stops it is then the current token."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self._limit(f"is nested more than {MAX_NESTING} deep")
        start = self.start
        run = self._operand(strength)
        while _STRENGTHS.get(self.word, 0) > strength:
            self._count()
            run = self._operation(run, start)
        self.nesting -= 1
        return run

    def _operand(self, strength: int) -> Run:
        kind, word, start = self.kind, self.word, self.start
        if kind == "symbol":
            return self._symbol(word, start)
        if word == "not" and strength <= _NOT:
            return self._not()
        if kind == "end":
            self._missing()
        if word in _OPERATORS:
            self._refuse()
        self._advance()
        if kind == "number":
            return self._number(word, start)
        if word in _CONSTANTS:
            return constant(_CONSTANTS[word])
        alone = self.source[:start].rstrip().endswith("${") and self.kind == "symbol" and self.word == "}"
        return variable(word.lstrip("$"), start, self.last, bare=kind == "name", alone=alone)

    def _symbol(self, symbol: str, start: int) -> Run:
        if symbol in ("+", "-"):
            return self._sign(symbol, start)
        if symbol in ("'", '"'):
            run = running.interpolation(self._parts(symbol), start, self.at)
        elif symbol == "[":
            run = self._list(start)
        elif symbol in _CLOSERS:
            run = self._inside(symbol, start)
        elif symbol in _ENDS:
            self._missing()
        else:
            self._refuse()
        self._advance()
        return run

    def _sign(self, symbol: str, start: int) -> Run:
        self._count()
        self._advance()
        operand = self._expression(_SIGN)
        return strict(partial(sign, symbol), start, self.last, operand)

    def _not(self) -> Run:
        self._count()
        self._advance()
        return running.negation(self._expression(_NOT))

    def _number(self, written: str, start: int) -> Run:
        if self.start == self.last and (self.kind in ("name", "number") or self.word == "."):
            raise ExpressionError(f"'{shorten(self.source[start : self.at])}' is not a number", start, self.at)
        number = int(written) if written.isdigit() else integral(float(written))
        if number == math.inf or (isinstance(number, int) and number > MAX_INTEGER):
            message = f"{shorten(written)} is larger than a number may be"
            raise ExpressionError(message, start, self.last, code="expansion-limit")
        return constant(number)

    def _list(self, start: int) -> Run:
        """Read the entries of a list, behind whose bracket we stand; a comma may follow the last."""
        self._count()
        self._advance()
        entries: list[Run] = []
        while self.word != "]":
            entries.append(self._expression())
            if self.word != ",":
                break
            self._advance()
        self._close("[", start)
        return strict(make_list, start, self.at, *entries)

    def _operation(self, left: Run, start: int) -> Run:
        symbol = self.word
        if symbol in _COMPARISONS:
            return self._comparison(left, start)
        if symbol == "[":
            return self._index(left, start)
        self._advance()
        if symbol == "if":
            return self._conditional(left, self.last)
        # A power takes a sign on its right (2 ** -1), and the power to its right comes first.
        right = self._expression(_SIGN if symbol == "**" else _STRENGTHS[symbol])
        if symbol == "and":
            return running.conjunction(left, right)
        if symbol == "or":
            return running.disjunction(left, right)
        return strict(partial(calculate, symbol), start, self.last, left, right)

    def _comparison(self, first: Run, start: int) -> Run:
        links: list[tuple[str, Run]] = []
        while self.word in _COMPARISONS:
            self._count()
            symbol = self.word
            self._advance()
            links.append((symbol, self._expression(_COMPARISON)))
        return running.comparison(start, self.last, first, links)

    def _index(self, left: Run, start: int) -> Run:
        position = self._inside("[", self.start)
        self._advance()
        return strict(index, start, self.last, left, position)

    def _conditional(self, chosen: Run, end: int) -> Run:
        condition = self._expression(_CONDITIONAL)
        if self.word != "else":
            raise ExpressionError("this 'if' has no 'else'", end - len("if"), end)
        self._advance()
        return running.conditional(chosen, condition, self._expression())
