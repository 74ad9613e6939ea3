from __future__ import annotations

from typing import Any

import pytest

from netcompile.expressions import evaluate, lone_reference, render

NAMES: dict[str, Any] = {
    "name": "2a",
    "i": 3,
    "half": 0.5,
    "whole": 64.0,
    "yes": True,
    "nothing": None,
    "empty": "",
    "list": [64, [1, 2], "x"],
    "map": {"type": "xavier"},
    "stride": 2,
    "from": 1,
    "lambda": 5,
    "if": 7,
    "true": "shadow",
    "inf": float("inf"),
}


def same(found: Any, expected: Any) -> bool:
    """Equal in value and in type, entries of lists included."""
    if type(found) is not type(expected) or found != expected:
        return False
    return not isinstance(found, list) or all(map(same, found, expected))


TEXTS: list[tuple[str, Any]] = [
    ("", ""),
    ("plain", "plain"),
    # A text that is one reference only keeps the type.
    ("$name", "2a"),
    ("$i", 3),
    ("${i}", 3),
    ("${ i }", 3),
    ("$half", 0.5),
    ("$whole", 64.0),
    ("$yes", True),
    ("$nothing", None),
    ("$empty", ""),
    ("$list", [64, [1, 2], "x"]),
    ("$map", {"type": "xavier"}),
    ("${map}", {"type": "xavier"}),
    ("${i + 1}", 4),
    ("${list[1]}", [1, 2]),
    # Anything else is text.
    ("$i ", "3 "),
    (" $i", " 3"),
    ("$i$i", "33"),
    ("${i}${i}", "33"),
    ("res$name/conv${i+1}", "res2a/conv4"),
    ("res${name}_branch", "res2a_branch"),
    ("$name.$i-$name", "2a.3-2a"),
    ("$i/conv", "3/conv"),
    ("é$iß", "é3ß"),
    ("x$half", "x0.5"),
    ("x$whole", "x64"),
    ("x$yes ${not yes}", "xtrue false"),
    ("x$nothing", "xnull"),
    ("x$empty", "x"),
    ("x$inf ${'y'}", "x.inf y"),
    ("x${1e-5}", "x1e-05"),
    # Dollars.
    ("$$", "$"),
    ("$$name", "$name"),
    ("$$$name", "$2a"),
    ("a$$b$$", "a$b$"),
    ("$${i}", "${i}"),
    # Braces and quotes inside an expression.
    ("${'}'}", "}"),
    ('${"{"}x', "{x"),
    ("${'a\"b'}", 'a"b'),
    (r"${'a\'b\\\n\t'}", "a'b\\\n\t"),
    ("{$i}", "{3}"),
    ("${i}}", "3}"),
    # A text inside an expression is a text like any other.
    ("${'conv$i'}", "conv3"),
    ("${'$i'}", "3"),
    ("${'conv${i + 1}'}", "conv4"),
    ("${'a${'b${'c'}'}' + 'd'}", "abcd"),
    ("${'$$'}", "$"),
    ("${'conv$i' if i > 2 else 'fc$i'}", "conv3"),
    # Names that are words of Python's, or of our own.
    ("$from", 1),
    ("${from + lambda}", 6),
    ("$if", 7),
    ("${$if + 1}", 8),
    ("$true", "shadow"),
    ("${true}", True),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text(text: str, expected: Any) -> None:
    assert same(render(text, NAMES), expected)


EXPRESSIONS: list[tuple[str, Any]] = [
    ("1", 1),
    ("007", 7),
    ("64.0", 64),
    ("1e5", 100_000),
    ("1.", 1),
    (".5", 0.5),
    ("1e-3", 0.001),
    ("1E+2", 100),
    ("1e30", 1e30),
    ("true", True),
    ("false", False),
    ("null", None),
    ("'a'", "a"),
    ('"a"', "a"),
    ("[]", []),
    ("[1, 'a', [true],]", [1, "a", [True]]),
    ("(((1)))", 1),
    ("\n  1\t+\n 2 ", 3),
    # Arithmetic.
    ("7 / 2", 3.5),
    ("6 / 2", 3),
    ("7 // 2", 3),
    ("-7 // 2", -4),
    ("7.5 // 2", 3),
    ("-7 % 3", 2),
    ("7.5 % 2", 1.5),
    ("0.5 + 0.5", 1),
    ("2 ** 10", 1024),
    ("2 ** -1", 0.5),
    ("2 ** 63", 2**63),
    ("-2 ** 63", -(2**63)),
    ("1 ** 99999999999", 1),
    ("(-1) ** 99999999999", -1),
    ("2 ** -999999999999", 0),
    ("4 ** 0.5", 2),
    ("2 ** 3 ** 2", 512),
    ("-2 ** 2", -4),
    ("(-2) ** 2", 4),
    ("- - 2", 2),
    ("+i - -i", 6),
    ("-0.0", 0),
    ("1 - 2 - 3", -4),
    ("2 + 3 * 4", 14),
    ("8 / 4 / 2", 1),
    ("2 * 3 % 4", 2),
    ("1e30 * 10", 1e31),
    # Joining and indexing.
    ("'a' + 'b' + 'c'", "abc"),
    ("[1] + [2]", [1, 2]),
    ("list[0]", 64),
    ("list[-1]", "x"),
    ("list[-3]", 64),
    ("list[1][1]", 2),
    ("list[i - 2.0][0]", 1),
    ("'abc'[1]", "b"),
    ("[64, 128, 256][i - 1]", 256),
    ("-list[0]", -64),
    ("2 ** list[1][1]", 4),
    # Comparisons.
    ("stride > 1", True),
    ("$stride > 1", True),
    ("${stride} > 1", True),
    ("${stride > 1}", True),
    ("1 < i < 4", True),
    ("1 < i < 3", False),
    ("1 < 2 == 2 != 3 >= 3", True),
    ("5 < 4 < nope", False),
    ("'a' < 'b'", True),
    ("'a' <= 'B'", False),
    ("1 == 1.0", True),
    ("'1' == 1", False),
    ("name == '2a'", True),
    ("'$name' == '2a'", True),
    ("nothing == null", True),
    ("i != null", True),
    ("list == [64, [1, 2], 'x']", True),
    ("map == null", False),
    ("list != map", True),
    # and, or, not: the value of an operand, and no more run than needed.
    ("yes and i", 3),
    ("nothing or 'x'", "x"),
    ("empty or nothing", None),
    ("false and nope", False),
    ("true or nope", True),
    ("not i", False),
    ("not not empty", False),
    ("not 1 == 2", True),
    ("not false and false", False),
    ("true or false and false", True),
    ("1 == (not false)", True),
    # Conditions.
    ("1 if yes else nope", 1),
    ("nope if nothing else 2", 2),
    ("1 if false else 2 if false else 3", 3),
    ("(1 if true else 2) + 10", 11),
    ("1 if true else 2 + 10", 1),
    ("[1 if i == 3 else 0]", [1]),
    ("1 if not false else 2", 1),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_expression(text: str, expected: Any) -> None:
    assert same(evaluate(text, NAMES), expected)
    assert same(render(f"${{{text}}}", NAMES), expected)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("$a", "a"),
        ("$a_1B", "a_1B"),
        ("${a}", "a"),
        ("${ a }", "a"),
        ("$if", "if"),
        ("$true", "true"),
        ("${from}", "from"),
        ("${true}", None),
        ("${not}", None),
        ("", None),
        ("a", None),
        ("$", None),
        ("$$", None),
        ("$$a", None),
        ("$a ", None),
        ("$a\n", None),
        ("$a$b", None),
        ("${a+1}", None),
        ("${$a}", None),
        ("$1", None),
        ("$é", None),
    ],
)
def test_lone_reference(text: str, name: str | None) -> None:
    assert lone_reference(text) == name


def test_values_are_fresh_each_time() -> None:
    first = render("${[1] + [2]}", {})
    assert isinstance(first, list)
    first.append(3)
    assert render("${[1] + [2]}", {}) == [1, 2]


def test_only_the_names_that_are_used_are_asked_for() -> None:
    class Asked(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            asked.append(name)
            return name

    asked: list[str] = []
    assert render("$a ${b + c if a else d} ${[e][0]}", Asked()) == "a bc e"
    assert asked == ["a", "a", "b", "c", "e"]


def test_an_error_of_the_mapping_passes_through() -> None:
    class Failing(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError):
        render("${1 + a}", Failing())
