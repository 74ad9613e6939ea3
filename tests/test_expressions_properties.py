"""Expressions mean what they mean in Python, where Python has them, and raise nothing but their own error."""

from __future__ import annotations

import ast
import string
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from netcompile.expressions import ExpressionError, evaluate, render

NAMES: dict[str, Any] = {"i": 3, "half": 0.5, "name": "conv", "list": [1, [2]], "map": {}, "nothing": None}


class Settling(ast.NodeTransformer):
    """Has `settle` called on every number and on the result of every calculation, and `power` for every power."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _call("settle", node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return node if isinstance(node.op, ast.Not) else _call("settle", node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _call("settle", _call("power", node.left, node.right) if isinstance(node.op, ast.Pow) else node)


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def power(base: Any, exponent: Any) -> Any:
    """The power, but none that takes for ever: what is more than 2 to the 200 settles to nothing anyway."""
    if type(base) is type(exponent) is int and abs(base) > 1 and exponent > 200:
        raise OverflowError
    return base**exponent


def settle(number: Any) -> Any:
    """The number as this language keeps it: integral floats are integers, and both are bounded."""
    if isinstance(number, complex) or number in (float("inf"), float("-inf")):
        raise OverflowError
    if isinstance(number, int) and abs(number) > 2**63:
        raise OverflowError
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) <= 2**63 else number


def in_python(text: str) -> Any:
    tree = ast.fix_missing_locations(Settling().visit(ast.parse(text, mode="eval")))
    return eval(compile(tree, "test", "eval"), {"settle": settle, "power": power}, NAMES)  # noqa: S307 - our own text


NUMBERS = st.one_of(st.integers(0, 99).map(str), st.sampled_from(["0.5", "2.25", "1e3", "1e-2", ".125", "i", "half"]))
ARITHMETIC = st.sampled_from([" + ", "-", " * ", "/", "//", "%"])
COMPARISONS = st.sampled_from(["<", " <= ", ">", ">=", "==", " != ", " < 50 < ", " >= 5 == "])
POWERS = st.sampled_from(["2", "3", "-1", "0", "0.5", "-.5", "2 ** 2", "20", "-40"])


# The depths keep what is made within the bounds of one expression.
@st.composite
def numbers(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression that gives a number in both languages, or fails in both."""
    form = draw(st.integers(0, 5)) if depth else 0
    if form == 0:
        return draw(NUMBERS)
    one = draw(numbers(depth - 1))
    if form == 1:
        return f"({one})"
    if form == 2:
        return draw(st.sampled_from([f"+{one}", f"-{one}", f"{one} ** {draw(POWERS)}"]))
    two = draw(numbers(depth - 1))
    if form == 3:
        return f"[{one}, {two}][{draw(st.sampled_from(['0', '1', '-1', '2', 'i // 2']))}]"
    if form == 4:
        return f"({one} if {draw(conditions(depth - 1))} else {two})"
    return f"{one}{draw(ARITHMETIC)}{two}"


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> str:
    """An expression that gives true or false in both languages, or fails in both."""
    form = draw(st.integers(0, 3)) if depth else 0
    if form == 0:
        return f"{draw(numbers(depth))}{draw(COMPARISONS)}{draw(numbers(depth))}"
    one = draw(conditions(depth - 1))
    if form == 1:
        return f"({one})"
    if form == 2:
        return f"not {one}"
    return f"{one} {draw(st.sampled_from(['and', 'or']))} {draw(conditions(depth - 1))}"


def outcome(function: Any, text: str) -> tuple[type, Any]:
    try:
        value = function(text)
    except (ArithmeticError, IndexError, TypeError, ExpressionError):
        return (Exception, None)
    return (type(value), value)


@settings(max_examples=500, deadline=None)
@given(st.one_of(numbers(), conditions()))
@example("-2 ** 2 ** -1 * 3 - 1 - 1 // 2 % 3")
@example("not 1 < 2 and 3 > 2 > 1 or 1 != 2")
@example("1 if 1 < 0 else 2 if 0 < 1 else 3 + 1")
def test_it_agrees_with_python(text: str) -> None:
    assert outcome(lambda text: evaluate(text, NAMES), text) == outcome(in_python, text)


def test_the_examples_do_have_values() -> None:
    assert in_python("6 / 2 + i") == 6
    assert type(in_python("6 / 2")) is int
    assert outcome(in_python, "1 / 0")[0] is outcome(in_python, "[1][1]")[0] is Exception


WORDS = ["and", "or", "not", "if", "else", "true", "false", "null", "list", "name", "i", "map", "nope", "half", "_"]
SIGNS = ["$", "${", "$$", "$i", "$nope", "**", "//", "<=", "==", "!=", "&&", "1", "2.5", "1e400", "99"]
PIECES = st.sampled_from([*WORDS, *SIGNS, *string.punctuation, *string.whitespace, "\0", "é", "\udc80"])


@settings(max_examples=1_000, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=25).map("".join), st.lists(PIECES).map(" ".join)))
def test_only_its_own_error_gets_out(text: str) -> None:
    for function, source in ((render, text), (evaluate, text), (render, "${" + text + "}")):
        error = failure(function, source)
        if error is None:
            continue
        assert error.message
        assert error.code in ("unknown-variable", "bad-expression", "expansion-limit")
        assert 0 <= error.start <= error.end <= len(source)


def failure(function: Any, source: str) -> ExpressionError | None:
    try:
        function(source, NAMES)
    except ExpressionError as error:
        return error
    return None


@given(st.text(max_size=40))
def test_doubled_dollars_give_back_the_text(text: str) -> None:
    assert render(text.replace("$", "$$"), {}) == text
