"""Where no field can be read: what was probably meant, and where the reading goes on.

Each rule knows one slip: a quote, a colon or a brace too few, a comment of another language. It gives the problem, and
the entry that was meant where only that can be; where it can't be told, the problem names the fields that are lost.
Read only for malformed texts. A rule looks no further than the line, so that a text takes time linear in its length.
Must not know message types, findings or messages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple
from netcompile.text_format.lost import REST
from netcompile.text_format.scan import (
    INTEGER,
    LITERAL_AT,
    MALFORMED,
    MESSAGE,
    NAME,
    NUMBER,
    OTHER,
    SPACE,
    STRING,
    STRINGS,
    VALUE,
    WORD,
    Entry,
    Problem,
    pattern,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container

_LINE: Final = 2000  # characters of a line that are looked at
_MOST: Final = 20_000  # characters of anything
_SHOWN: Final = 40

_VALUE_AT = pattern(rf"(){VALUE}")
_FIELD_START = pattern(rf"(?:{NAME}{SPACE}[:{{<] | [}}>])")
# What a value that ends here may be followed by: the next field, the end of its block, or a comment.
_NEXT = pattern(rf"[,;]?\s+(?:{NAME}[ \t]*[:{{<] | [}}>\]#])")
_NAME_IN_STRING = pattern(rf"(?:^|[\s,;{{]){NAME}\s*:\s*$")
_COMMENT = re.compile(r"(//|--)[^\n]*|(/\*)[^*]{,2000}(?:\*(?!/)[^*]{,2000}){,50}\*/")
# Three words in a row at least, and nothing that is of prototxt; or a colon with two words or more on either side.
_PROSE = re.compile(
    r"""([A-Za-z_]\w*)(?:[ \t,./()'-]+(?=[A-Za-z])\w+){2}[^:{}="\n]*(?=\n|$)
    | ([A-Za-z_]\w*)(?:[ \t]+\w+){1,9}:[ \t]+[A-Za-z]\w*(?:[ \t,./()'-]+\w+){1,40}[ \t.]*(?=\n|$)""",
    re.ASCII | re.VERBOSE,
)
_CONFLICT = re.compile(r"<{7}(?!<)[^\n]*\n(?:(?!>{7})[^\n]*\n){,200}>{7}[^\n]*", re.MULTILINE)
_QUOTED_NAME = pattern(rf"""(["'])({NAME})\1{SPACE}(?=[:{{<])""")
_OPEN_STRING = pattern(rf"""({NAME}){SPACE}:{SPACE}(["'])""")
_SIGN = pattern(rf"({NAME})(?!\w){SPACE}(?:([:=]+){SPACE})?(?: (?![=:]){VALUE} | ([{{<]){SPACE})")
_NAME_IN_PARTS = pattern(rf"({NAME})((?:[ \t]*-[ \t]*|[ \t]+){NAME}){{1,3}}{SPACE}(?=[:{{<])")
_TWO_NAMES = pattern(rf"({NAME})(?!\w){SPACE}({NAME}){SPACE}[:{{<\[]")
_WITHOUT_VALUE = pattern(rf"({NAME}){SPACE}(?::{SPACE})?(?=[}}>])")
_MORE_VALUES = pattern(rf"{VALUE}(?:{SPACE},{SPACE}{VALUE})*(?!{OTHER}|{SPACE}[:{{<])")
_IN_PARENTHESES = pattern(rf"({NAME})[ \t]*:?[ \t]*(\()[^()\n]*\)")
_COMMA_NUMBER = re.compile(r"-?\d+(?:,\d+)+(?![\w.])")
_THOUSANDS = re.compile(r"-?[1-9]\d{,2}(?:,\d{3})+")
_OPENING = pattern(rf"(?::{SPACE})?([{{<]){SPACE}")
_COLON = pattern(rf":{SPACE}")
_BLANK = re.compile(r"\s*")
_TEMPLATE = re.compile(r"\{+[^{}\n]*\}+")


class Place(NamedTuple):
    """Where no field can be read. `before` is the entry before, `blocks` gives the names of fields with blocks."""

    text: str
    pos: int
    limit: int
    before: Entry | None
    blocks: Callable[[], Container[str]]

    def match(self, wanted: re.Pattern[str], pos: int | None = None) -> re.Match[str] | None:
        """Match a pattern here, or at another offset."""
        pos = self.pos if pos is None else pos
        return wanted.match(self.text, pos, min(self.limit, pos + _MOST))

    def line_end(self, pos: int) -> int:
        """The end of the line, as far as it is looked at."""
        end = min(self.limit, pos + _LINE)
        found = self.text.find("\n", pos, end)
        return end if found < 0 else found


class Mended(NamedTuple):
    """What to go on with: the entry that was meant, if any, and the offset behind it.

    `replaces`: the entry before was read wrongly and goes. The fields of an entry that is a block are yet to be read.
    """

    problem: Problem
    resume: int
    entry: Entry | None = None
    replaces: bool = False


def mend(place: Place) -> Mended | None:
    """What was probably meant where no field can be read; None where that is not clear."""
    for rule in _RULES:
        mended = rule(place)
        if mended is not None:
            return mended
    return None


def _comment(place: Place) -> Mended | None:
    found = place.match(_COMMENT)
    if found is None:
        return None
    sign = found[1] or found[2]
    problem = Problem(place.pos, place.pos + 2, f"'{sign}' begins no comment", "a comment begins with '#'")
    return Mended(problem, found.end())


def _conflict(place: Place) -> Mended | None:
    found = place.match(_CONFLICT)
    if found is None:
        return None
    problem = Problem(place.pos, place.line_end(place.pos), "a merge conflict is left in the text", lost=(REST,))
    return Mended(problem, found.end())


def _prose(place: Place) -> Mended | None:
    """`the net of the paper` or `solver mode: CPU or GPU`, a comment that has lost its `#`."""
    found = place.match(_PROSE)
    if found is None:
        return None
    problem = Problem(
        place.pos, found.end(), f"{_shown(found[0])} is no field", "a comment begins with '#'", (found[1] or found[2],)
    )
    return Mended(problem, found.end())


# Strings


def _string_before(place: Place) -> Mended | None:
    """`type: "ReLU bottom: "data"`: the string before has run on to the next quote."""
    before, text = place.before, place.text
    if before is None or before.kind not in (STRING, STRINGS) or text[before.end : place.pos].strip():
        return None
    if before.end - before.at > _LINE or not _NAME_IN_STRING.search(before.value[1:-1]):
        return None
    return _closed(place, before.name, before.start, before.at, before.end - 1)._replace(replaces=True)


def _string_open(place: Place) -> Mended | None:
    """`name: "data`, and the line ends."""
    found = place.match(_OPEN_STRING)
    if found is None:
        return None
    at = found.start(2)
    end = place.line_end(at)
    if end == len(place.text) or "\0" in place.text[at:end] or end - at >= _LINE or place.match(LITERAL_AT, at):
        return None
    following = place.match(_BLANK, end)
    over = place.text.find(found[2], end, place.line_end(following.end() if following else end))
    if over > 0 and following and place.match(_FIELD_START, following.end()) is None:
        problem = Problem(at, end, "a string goes on over the end of its line", lost=(found[1],))
        return Mended(problem, over + 1)
    return _closed(place, found[1], place.pos, at, end)


def _closed(place: Place, name: str, start: int, at: int, end: int) -> Mended:
    """A string from `at` on that is closed nowhere up to `end`, cut where the next field or the end begins."""
    quote, content = place.text[at], place.text[at + 1 : end]
    following = _NEXT.search(content)
    if following:
        content = content[: following.start()]
    content = content.rstrip(" \t\r,;")
    if "{" not in content:
        content = content.rstrip("}")
    other = "'" if quote == '"' else '"'
    cut = at + 1 + len(content)
    if content.endswith(other):
        message = f"a string begins with {quote} and ends with {other}"
        content = content[:-1]
    else:
        message = f"a string is not closed: a quote is missing after {_shown(content)}"
    kind = STRINGS if "\\" in content else STRING
    entry = Entry(name, kind, f"{quote}{content}{quote}", start, at, cut)
    return Mended(Problem(at, cut, message), cut, entry)


def _string_unopened(place: Place) -> Mended | None:
    """`name: data"`."""
    before, pos = place.before, place.pos
    if before is None or before.end != pos or place.text[pos : pos + 1] not in ("'", '"'):
        return None
    if before.kind not in (INTEGER, WORD, NUMBER, MALFORMED):
        return None
    quote = place.text[pos]
    entry = Entry(before.name, STRING, f"{quote}{before.value}{quote}", before.start, before.at, pos + 1)
    message = f"a string is not opened: a quote is missing before {_shown(before.value)}"
    return Mended(Problem(before.at, pos + 1, message), pos + 1, entry, replaces=True)


def _quoted_name(place: Place) -> Mended | None:
    """`"kernel_size": 3`, as in JSON."""
    found = place.match(_QUOTED_NAME)
    if found is None:
        return None
    problem = Problem(place.pos, found.end(2) + 1, "a field's name has no quotes", f"write {found[2]}")
    return _field_behind(place, problem, found[2], found.end())


# Several values


def _number_with_comma(place: Place) -> Mended | None:
    """`0,01` and `10,000`."""
    before = place.before
    if before is None or before.kind not in (INTEGER, NUMBER) or place.text[place.pos - 1] != ",":
        return None
    found = place.match(_COMMA_NUMBER, before.at)
    if found is None or found.end() <= place.pos:
        return None
    meant = found[0].replace(",", "") if _THOUSANDS.fullmatch(found[0]) else found[0].replace(",", ".", 1)
    problem = Problem(
        before.at, found.end(), f"{_shown(found[0])} is no number: it has a ','", f"write {meant}", (before.name,)
    )
    return Mended(problem, found.end(), replaces=True)


def _more_values(place: Place) -> Mended | None:
    """`dim: 1, 3, 224`."""
    before, text = place.before, place.text
    if before is None or before.kind >= MESSAGE or "," not in text[before.end : place.pos]:
        return None
    found = place.match(_MORE_VALUES)
    if found is None or "\n" in text[before.end : found.end()]:
        return None
    values = f"{text[before.at : before.end]}, {found[0]}"
    message = f"'{before.name}' is given one value at a time"
    hint = f"a list stands in brackets: {before.name}: [{_cut(values)}]"
    return Mended(Problem(place.pos, found.end(), message, hint, (before.name,)), found.end())


def _parentheses(place: Place) -> Mended | None:
    """`include ( phase: TRAIN )`."""
    found = place.match(_IN_PARENTHESES)
    if found is None:
        return None
    problem = Problem(found.start(2), found.start(2) + 1, "'(' where there should be '{'", lost=(found[1],))
    return Mended(problem, found.end())


def _template(place: Place) -> Mended | None:
    """`num_output: ${N}`."""
    before, text = place.before, place.text
    if before is None or before.kind not in (MALFORMED, WORD) or before.end != place.pos:
        return None
    found = place.match(_TEMPLATE)
    if found is None or before.kind == WORD:
        return None
    shown = _shown(text[before.at : found.end()])
    problem = Problem(before.at, found.end(), f"{shown} is neither a number nor a word", lost=(before.name,))
    return Mended(problem, found.end(), replaces=True)


# Colons, values and opening braces


def _without_value(place: Place) -> Mended | None:
    """`stride: }`."""
    found = place.match(_WITHOUT_VALUE)
    return None if found is None else _no_value(found[1], place.pos, found.end())


def _word_before(place: Place) -> Mended | None:
    """`stride:` or `pooling_param:`, the next field on the next line, whose name was read as the value."""
    before, text = place.before, place.text
    if before is None or before.kind != WORD or text[before.end : place.pos].strip():
        return None
    if text[place.pos : place.pos + 1] not in (":", "{", "<"):
        return None
    if before.name in place.blocks():
        return _block(before.name, before.start, before.at)._replace(replaces=True)
    return _no_value(before.name, before.start, before.at)._replace(replaces=True)


def _two_names(place: Place) -> Mended | None:
    """`layer name: "data"`, `kernel size: 3` and `kernel-size: 3`, or a name alone on its line."""
    found = place.match(_TWO_NAMES)
    if found is not None and found[1] in place.blocks():
        return _block(found[1], place.pos, found.start(2))
    parts = place.match(_NAME_IN_PARTS)
    if parts is not None:
        meant = re.sub(r"[ \t-]+", "_", parts[0].rstrip())
        end = place.pos + len(parts[0].rstrip())
        problem = Problem(place.pos, end, "a field's name is one word, with '_'", f"write {meant}")
        return _field_behind(place, problem, meant, parts.end())
    return None if found is None else _no_value(found[1], place.pos, found.start(2))


def _sign_before(place: Place) -> Mended | None:
    """`stride := 2`, whose `=` was read as the value."""
    before = place.before
    if before is None or before.kind != MALFORMED or before.value.strip("="):
        return None
    found = place.match(_VALUE_AT)
    if found is None:
        return None
    problem = Problem(before.at, before.end, f"'{before.value}' behind the ':'", "a field is written `name: value`")
    entry = Entry(before.name, found.lastindex or MALFORMED, found[0], before.start, *found.span())
    return Mended(problem, found.end(), entry, replaces=True)


def _sign(place: Place) -> Mended | None:
    """`stride 2`, `stride = 2`, `stride:: 2`, `param = {`."""
    found = place.match(_SIGN)
    if found is None:
        return None
    name, sign = found[1], found[2]
    if sign:
        problem = Problem(*found.span(2), f"'{sign}' where there should be ':'")
    else:
        problem = Problem(place.pos, found.end(1), f"no ':' between '{name}' and its value")
    kind = (found.lastindex or 0) - 1  # there is one group more than in an entry of the scanner
    at, end = found.span(found.lastindex or 0)
    if kind > MALFORMED:
        return Mended(problem, found.end(), Entry(name, MESSAGE, [], place.pos, at, end))
    return Mended(problem, end, Entry(name, kind, place.text[at:end], place.pos, at, end))


def _block(name: str, start: int, inside: int) -> Mended:
    entry = Entry(name, MESSAGE, [], start, start + len(name), inside)
    return Mended(Problem(start, start + len(name), f"no '{{' after '{name}'"), inside, entry)


def _no_value(name: str, start: int, resume: int) -> Mended:
    return Mended(Problem(start, start + len(name), f"'{name}' has no value", lost=(name,)), resume)


def _field_behind(place: Place, problem: Problem, name: str, pos: int) -> Mended | None:
    """The field whose name ends before `pos`, where a colon or a brace is."""
    found = place.match(_OPENING, pos)
    if found is not None:
        return Mended(problem, found.end(), Entry(name, MESSAGE, [], place.pos, found.start(1), found.end()))
    colon = place.match(_COLON, pos)
    found = place.match(_VALUE_AT, colon.end()) if colon else None
    if found is None:
        return None
    entry = Entry(name, found.lastindex or MALFORMED, found[0], place.pos, *found.span())
    return Mended(problem, found.end(), entry)


# Anything else


def _stray(place: Place) -> Mended | None:
    """One character too many."""
    character = place.text[place.pos : place.pos + 1]
    if not character or character.isalnum() or character in "_{}[]<>:'\"":
        return None
    end = place.match(_BLANK, place.pos + 1)
    if end is None or (end.end() < place.limit and place.match(_FIELD_START, end.end()) is None):
        return None
    hint = "a repeated field is written once for each value, without '-'" if character == "-" else None
    message = f"{character!r} where there should be a field's name"
    return Mended(Problem(place.pos, place.pos + 1, message, hint), place.pos + 1)


def _rest_of_line(place: Place) -> Mended | None:
    """A rest of a line that says nothing, and a next line that does."""
    pos = place.pos
    end = place.line_end(pos)
    rest = place.text[pos:end]
    if not rest or re.search(r"[{}\[\]<>\"':]", rest) or end >= place.limit:
        return None
    following = place.match(_BLANK, end)
    if following is None or place.match(_FIELD_START, following.end()) is None:
        return None
    message = f"{rest[0]!r} where there should be a field's name"
    lost = re.findall(NAME, rest)
    if place.before is not None and "\n" not in place.text[place.before.end : pos]:
        lost.append(place.before.name)
    return Mended(Problem(pos, pos + 1, message, lost=tuple(lost)), following.end())


_RULES: Final = (
    _comment, _conflict, _prose, _string_before, _string_unopened, _quoted_name, _number_with_comma, _more_values,
    _parentheses, _template, _sign_before, _word_before, _string_open, _without_value, _two_names, _sign,
    _stray, _rest_of_line,
)  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _shown(text: str) -> str:
    return f"'{_cut(text)}'"
