"""What to do where a text is no YAML: a hint for what people write by mistake, made of their own words.

Knows the parser's messages and the text around the place that it gives. Nothing here reads a document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netcompile.tree import Place, Source

_LONGEST: Final = 60
_REFERENCE: Final = re.compile(r"""[^\s,\[\]{}:'"]*(?:\$\{[^{}]*\}(?:[^\s,\[\]{}'"$]|\$(?!\{))*)+(?<!:)""")
_KEY: Final = re.compile(r"\s*(?:- +)*\{?[\"']?[\w$]+[\"']?\s*:(?: |$)")
_KEYS: Final = re.compile(r"\s*- +([\w$]+: [^,]+(?:, *[\w$]+: [^,]+)+?)\s*(?:#.*)?")
_NO_COLON: Final = re.compile(r"\s*(?:- +)*(\w+)(?: *= *| *: *| +)([^\s{].*?)\s*(?:#.*)?")
_NESTED: Final = re.compile(r"([\w$]+): +([\w$]+: +[^,{}\[\]]*?)\s*(?=[,}\]]|#|$)")
_BLOCK: Final = re.compile(r"\s*(?:- +)*(\w+) *\{\s*")
_OPENED: Final = re.compile(r".*[{,]\s*(\w+) *")
_SPECIAL: Final = "quote a value that starts with a special character"
_SAID: Final = {
    "tab character": "indent with spaces, not tabs",
    "\tfound character that cannot start": "indent with spaces, not tabs",
    "cannot start any token": _SPECIAL,
    "alphabetic or numeric": _SPECIAL,
    "unexpected end of stream": "close the quotes",
    "unexpected ':'": "a space stands behind the colon of a key",
    "document indicator": "close the quotes",
    "escape": "in double quotes a backslash is doubled; in single quotes it stands as it is",
}
_COLUMN: Final = "the keys of one mapping, and the dashes of one list, stand in one column"


def syntax_hint(problem: str, source: Source, place: Place, context: Place | None) -> str | None:
    """The hint for what the parser says of a place; `context` is where what it was reading begins."""
    line = source.line(place.line + 1)
    if "did not find expected ',' or" in problem:
        return _in_flow(line, place.column, problem[-2])
    if "could not find expected ':'" in problem:
        return _without_colon(source, place, context)
    if "mapping values are not allowed" in problem:
        return _second_colon(source, place)
    if "expected '-' indicator" in problem or "did not find expected key" in problem:
        return _out_of_column(line, place.column)
    tab = "\t" if line[place.column : place.column + 1] == "\t" else ""
    return next((hint for words, hint in _SAID.items() if words in tab + problem), None)


def _in_flow(line: str, column: int, bracket: str) -> str | None:
    """Inside `{...}` or `[...]`."""
    reference = next((found for found in _REFERENCE.finditer(line) if found.end() > column), None)
    if reference is not None and reference.start() <= column:
        return f'quote a text with ${{...}} in it where it stands inside {{...}} or [...]: "{_short(reference[0])}"'
    nested = next((found for found in _NESTED.finditer(line) if found.start(2) <= column <= found.end()), None)
    if nested is not None and line[column : column + 1] == ":":
        return f"a mapping inside stands in braces: `{nested[1]}: {{{_short(nested[2])}}}`"
    opened = _OPENED.fullmatch(line[:column])
    value = {"[": "[...]", "{": "{...}"}.get(line[column : column + 1])
    if opened is not None and value is not None and bracket == "}":
        return f"a key has a colon and a space behind it: `{opened[1]}: {value}`"
    return f"a comma, or the closing {bracket}, is missing before this"


def _without_colon(source: Source, place: Place, context: Place | None) -> str:
    """A line without a key, which the parser notices on a later one."""
    guilty = source.line((place if context is None else context).line + 1)
    block = _BLOCK.fullmatch(guilty)
    if block is not None:
        return f"a block of prototxt is a mapping: `{block[1]}:` with its fields below, or `{block[1]}: {{...}}`"
    if guilty.lstrip().startswith("{"):
        return "an item of a list begins with a dash and a space: `- {...}`"
    found = _NO_COLON.fullmatch(guilty)
    written = f"`{found[1]}: {_short(found[2])}`" if found else "`key: value`"
    return f"a key has a colon and a space behind it: {written}"


def _second_colon(source: Source, place: Place) -> str:
    line = source.line(place.line + 1)
    key = _KEY.match(line)
    several = _KEYS.fullmatch(line)
    if several is not None:
        return f"several keys on one line stand in braces: `- {{{_short(several[1])}}}`"
    if key is None or key.end() <= place.column:
        nested = next((found for found in _NESTED.finditer(line) if found.start(2) <= place.column), None)
        braces = f", or put a mapping in braces: `{nested[1]}: {{{_short(nested[2])}}}`" if nested else ""
        return f"quote a value that contains ': '{braces}"
    before = next((text for number in range(place.line, 0, -1) if (text := source.line(number)).strip()), "")
    if re.fullmatch(r"\s*(?:- +)*\w+\s*", before):
        return f"a colon is missing: `{before.strip().removeprefix('- ')}:`"
    return f"it is indented too far, or the line before lacks its colon; {_COLUMN}"


def _out_of_column(line: str, column: int) -> str:
    if re.match(r"\s*-\w", line):
        return f"a space stands behind the dash: `- {_short(line.strip()[1:])}`"
    if line[column : column + 1] in ("}", "]"):
        return f"there is one {line[column]} too many"
    return f"it is indented too far, or not far enough; {_COLUMN}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
