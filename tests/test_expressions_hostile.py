"""What is written to take for ever, or to bring the reader down, gets one clear error at once."""

from __future__ import annotations

from typing import Any

import pytest

from netcompile.expressions import ExpressionError, evaluate, render

HOSTILE: list[str] = [
    "(" * 1_000_000,
    "[" * 1_000_000,
    "-" * 1_000_000 + "1",
    "not " * 1_000_000 + "i",
    "${" * 1_000_000,
    "'${" * 1_000_000,
    "list[" * 1_000_000,
    "1" * 1_000_000,
    "1." + "1" * 1_000_000,
    "1e" + "9" * 1_000_000,
    "1" * 1_000_000 + "a",
    "x" * 1_000_000,
    "$" + "x" * 1_000_000,
    " " * 1_000_000 + "1",
    "'" + "x" * 1_000_000 + "'",
    "'" + "x" * 1_000_000,
    "1" + "+1" * 1_000_000,
    "1" + "**1" * 1_000_000,
    "1" + "<2" * 1_000_000,
    "1 or " * 1_000_000 + "1",
    "1 if i else " * 1_000_000 + "1",
    "[" + "1," * 1_000_000 + "]",
    "(" * 29 + "1" + ")" * 29 + "+1" * 100,
    "(" * 31 + "1" + ")" * 31,
    "1" + "+1" * 101,
    "+".join(["'${1" + "+1" * 30 + "}'"] * 4),
    "9**9**9**9**9**9",
    "2**2**2**2**2**2",
    "10**-1**-10**10**10",
    "thousand + [0]",
    "deep + [0]",
    "deep == deep",
    "[[[[thousand]]]]",
    "tree == other",
    "[tree]",
]


def _tree() -> list[Any]:
    """A small object that is a list of 2**60 entries when written out."""
    tree: list[Any] = [0, 0]
    for _ in range(60):
        tree = [tree, tree]
    return tree


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.fixture(scope="module")
def hostile_names() -> dict[str, Any]:
    return {"i": 0, "thousand": [0] * 1_000, "tree": _tree(), "other": _tree(), "deep": _deep(), "list": []}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:20]}:{len(text)}")
def test_what_would_take_for_ever_is_refused(text: str, hostile_names: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, hostile_names)
    assert len(caught.value.message) < 200
    with pytest.raises(ExpressionError):
        render("${" + text + "}", hostile_names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(" * 29 + "1" + ")" * 29, 1),
        ("1" + "+1" * 100, 101),
        ("1 if false else " * 29 + "2", 2),
        ("[" + "1," * 990 + "]", [1] * 990),
        ("[" * 29 + "]" * 29 + "==1", False),
        ("nine + [0]", [0] * 1_000),
    ],
)
def test_what_is_just_within_the_bounds_is_not(text: str, expected: Any) -> None:
    assert evaluate(text, {"nine": [0] * 999}) == expected


def test_the_bounds_are_those_of_one_expression() -> None:
    term = "${" + "1" + "+1" * 90 + "}"
    assert render(term * 50, {}) == "91" * 50


def test_written_text_may_be_longer_than_what_references_add() -> None:
    text = "x" * 100_000
    assert render(f"{text}$i", {"i": 1}) == f"{text}1"


@pytest.mark.parametrize(("text", "start"), [("$a$a", "x"), ("${a + a}", "x"), ("${[a, a]}", [0]), ("${a + a}", [0])])
def test_growth_by_doubling_ends(text: str, start: Any) -> None:
    def double() -> None:
        value = start
        for _ in range(100):
            value = render(text, {"a": value})

    with pytest.raises(ExpressionError) as caught:
        double()
    assert caught.value.code == "expansion-limit"
