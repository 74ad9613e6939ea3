"""What has no value is refused with a code, the guilty part, the values and, where possible, what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from netcompile.expressions import ExpressionError, render

NAMES: dict[str, Any] = {
    "name": "2a",
    "i": 3,
    "whole": 64.0,
    "yes": True,
    "nothing": None,
    "list": [64, [1, 2], "x"],
    "map": {"type": "xavier"},
    "stride": 2,
    "inf": float("inf"),
    "huge": 16**5000,
    "long": "x" * 9_000,
}


# Each with its code and the guilty part.
REFUSED: list[tuple[str, str, str]] = [
    ("$", "bad-expression", "$"),
    ("a$ b", "bad-expression", "$"),
    ("$5", "bad-expression", "$"),
    ("$é", "bad-expression", "$"),
    ("a $name$", "bad-expression", "$"),
    ("$nope", "unknown-variable", "$nope"),
    ("a $i $nope", "unknown-variable", "$nope"),
    ("a ${nope} b", "unknown-variable", "nope"),
    ("${i + nope * 2}", "unknown-variable", "nope"),
    ("${i + $nope}", "unknown-variable", "$nope"),
    ("${'x$nope'}", "unknown-variable", "$nope"),
    ("${True}", "unknown-variable", "True"),
    ("x $list", "bad-expression", "$list"),
    ("x ${map} y", "bad-expression", "${map}"),
    ("${'x$map'}", "bad-expression", "$map"),
    ("${", "bad-expression", "${"),
    ("x${i", "bad-expression", "${"),
    ("x${i + ", "bad-expression", "${i + "),
    ("${}", "bad-expression", "}"),
    ("${i +}", "bad-expression", "}"),
    ("${[,]}", "bad-expression", ","),
    ("${(i}", "bad-expression", "}"),
    ("${(i", "bad-expression", "("),
    ("${[1, 2}", "bad-expression", "}"),
    ("${[1, 2", "bad-expression", "["),
    ("${list[}", "bad-expression", "}"),
    ("${'abc}", "bad-expression", "'"),
    (r"${'a\d'}", "bad-expression", r"\d"),
    ("${'a\\", "bad-expression", "\\"),
    ("${i i}", "bad-expression", "i"),
    ("${12ab}", "bad-expression", "12ab"),
    ("${1_000}", "bad-expression", "1_000"),
    ("${1.2.3}", "bad-expression", "1.2.3"),
    ("${1..}", "bad-expression", "1.."),
    ("${0x1F}", "bad-expression", "0x1F"),
    ("${i = 3}", "bad-expression", "="),
    ("${i && i}", "bad-expression", "&&"),
    ("${!i}", "bad-expression", "!"),
    ("${if}", "bad-expression", "if"),
    ("${1 if yes}", "bad-expression", "if"),
    ("${1 + not yes}", "bad-expression", "not"),
    ("${é}", "bad-expression", "é"),
    ("${i;i}", "bad-expression", ";"),
    # What the language leaves out.
    ("${str(i)}", "bad-expression", "("),
    ("${name.upper}", "bad-expression", "."),
    ("${list[0:1]}", "bad-expression", ":"),
    ("${i in list}", "bad-expression", "in"),
    ("${i is 3}", "bad-expression", "is"),
    ("${{}}", "bad-expression", "{"),
    ("${lambda: 1}", "bad-expression", ":"),
    ("${[i for i in list]}", "bad-expression", "for"),
    ("${(i := 1)}", "bad-expression", ":"),
    ("${[*list]}", "bad-expression", "*"),
    ("${(1, 2)}", "bad-expression", ","),
    ("${1 & 2}", "bad-expression", "&"),
    # Operands.
    ("${1 + 1 / 0}", "bad-expression", "1 / 0"),
    ("${1 // (i - 3)}", "bad-expression", "1 // (i - 3)"),
    ("${1 % 0.0}", "bad-expression", "1 % 0.0"),
    ("${0 ** -1}", "bad-expression", "0 ** -1"),
    ("${(-8) ** 0.5}", "bad-expression", "(-8) ** 0.5"),
    ("${1e300 * 1e300}", "bad-expression", "1e300 * 1e300"),
    ("${10.5 ** 400}", "bad-expression", "10.5 ** 400"),
    ("${inf - inf}", "bad-expression", "inf - inf"),
    ("${'a' + 1}", "bad-expression", "'a' + 1"),
    ("${2 * 'a' }", "bad-expression", "2 * 'a'"),
    ("${[1] * 2}", "bad-expression", "[1] * 2"),
    ("${'a' - 'b'}", "bad-expression", "'a' - 'b'"),
    ("${'%d' % 1}", "bad-expression", "'%d' % 1"),
    ("${yes + 1}", "bad-expression", "yes + 1"),
    ("${nothing + 1}", "bad-expression", "nothing + 1"),
    ("${-name}", "bad-expression", "-name"),
    ("${+yes}", "bad-expression", "+yes"),
    ("${1 < name}", "bad-expression", "1 < name"),
    ("${yes < 2}", "bad-expression", "yes < 2"),
    ("${[1] < [2]}", "bad-expression", "[1] < [2]"),
    ("${map < map}", "bad-expression", "map < map"),
    ("${list[3]}", "bad-expression", "list[3]"),
    ("${list[-4]}", "bad-expression", "list[-4]"),
    ("${list['a']}", "bad-expression", "list['a']"),
    ("${list[0.5]}", "bad-expression", "list[0.5]"),
    ("${list[true]}", "bad-expression", "list[true]"),
    ("${1 + i[0]}", "bad-expression", "i[0]"),
    ("${map['type']}", "bad-expression", "map['type']"),
    ("${''[0]}", "bad-expression", "''[0]"),
    # Bounds.
    ("${2 ** 64}", "expansion-limit", "2 ** 64"),
    ("${9**9**9}", "expansion-limit", "9**9**9"),
    ("${9**9**9**9**9}", "expansion-limit", "9**9**9"),
    ("${2**63 + 1}", "expansion-limit", "2**63 + 1"),
    ("${2**62 * -3}", "expansion-limit", "2**62 * -3"),
    ("${99999999999999999999}", "expansion-limit", "99999999999999999999"),
    ("${1e999}", "expansion-limit", "1e999"),
    ("${huge % 2}", "expansion-limit", "huge % 2"),
    ("${3 ** huge}", "expansion-limit", "3 ** huge"),
    ("x$huge", "expansion-limit", "$huge"),
    ("${long + long}", "expansion-limit", "long + long"),
    ("a$long$long", "expansion-limit", "a$long$long"),
    ("${'$long$long'}", "expansion-limit", "'$long$long'"),
]


@pytest.mark.parametrize(("text", "code", "part"), REFUSED)
def test_refused(text: str, code: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(text, NAMES)
    error = caught.value
    assert (error.code, text[error.start : error.end]) == (code, part)
    assert error.message
    assert len(error.message) < 200


def test_the_offsets_are_those_of_the_guilty_one_of_two() -> None:
    with pytest.raises(ExpressionError) as caught:
        render("${i}${nope}nope$nope", {"i": 1})
    assert (caught.value.start, caught.value.end) == (6, 10)


HINTS: list[tuple[str, str]] = [
    ("$", "$$"),
    ("$strid", "did you mean 'stride'?"),
    ("${Stride}", "did you mean 'stride'?"),
    ("$name_branch", "${name}_branch"),
    ("conv$i1", "${i}1"),
    ("${True}", "did you mean 'true'?"),
    ("${None}", "did you mean 'null'?"),
    ("${relu if i else 'conv'}", "a text needs quotes here: 'relu'"),
    ("${'a' + 1}", "'conv$i'"),
    ("${i = 1}", "=="),
    ("${i || i}", "'or'"),
    ("${str(i)}", "no calls"),
    ("${list.a}", "no attributes"),
    ("${1 + not i}", "(not a)"),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_hint(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(text, NAMES)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["zzz", "y" * 200])
def test_no_hint_for_a_name_like_no_other_nor_for_a_very_long_one(name: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(f"${name}", {**NAMES, "y" * 199: 1})
    assert caught.value.hint is None


@pytest.mark.parametrize(("names", "hint"), [({"i": 1}, "did you mean 'i'?"), ({"i": 1, "n": 2}, None), ({}, None)])
def test_what_stands_alone_is_a_name_and_no_text(names: dict[str, int], hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        render("conv${j}", names)
    assert caught.value.hint == hint


def test_a_slip_is_likelier_than_a_missing_brace() -> None:
    with pytest.raises(ExpressionError) as caught:
        render("$out_chanels", {"out": 1, "out_channels": 2})
    assert caught.value.hint == "did you mean 'out_channels'?"


MESSAGES: list[tuple[str, str]] = [
    ("$nope", "unknown variable 'nope'"),
    ("${i / (i - 3)}", "3 / 0: division by zero"),
    ("${name + i}", "'2a' + 3: + takes two numbers, two texts or two lists"),
    ("${whole * nothing}", "64 * null: * takes two numbers"),
    ("${list[i]}", "index 3 is out of range: a list of 3 has length 3"),
    ("a$list", "a list of 3 can't stand inside other text"),
    ("${2 ** 64}", "2 ** 64 is beyond the largest integer, 2**63"),
    ("${i < name}", "3 < '2a': only numbers or two texts have an order"),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_the_message_has_the_values(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(text, NAMES)
    assert caught.value.message == message
