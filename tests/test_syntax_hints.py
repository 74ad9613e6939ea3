"""What is said of a text that is no YAML: one finding, with a hint made of the user's own words."""

from __future__ import annotations

import pytest

from netcompile.diagnostics import Report
from netcompile.load import load
from netcompile.tree import Source

QUOTE = "quote a text with ${...} in it where it stands inside {...} or [...]: "
COLUMN = "the keys of one mapping, and the dashes of one list, stand in one column"
SPECIAL = "quote a value that starts with a special character"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        # References in flow style, wherever they stand
        ("- {name: res${i}a, type: ReLU}", 1, f'{QUOTE}"res${{i}}a"'),
        ("- {name: a, n: ${i}}", 1, f'{QUOTE}"${{i}}"'),
        ("- {bottom: [a${i}, b]}", 1, f'{QUOTE}"a${{i}}"'),
        ("- {bottom: [b, a${i}]}", 1, f'{QUOTE}"a${{i}}"'),
        ("- {name: a${i}b${j}}", 1, f'{QUOTE}"a${{i}}b${{j}}"'),
        ("- {n: ${n ** 2},\n   x: 1}", 1, f'{QUOTE}"${{n ** 2}}"'),
        ("- {x: 1,\n   y: [\n     b, a${i}]}", 3, f'{QUOTE}"a${{i}}"'),
        ("- {${i}: 3}", 1, f'{QUOTE}"${{i}}"'),
        ("- {name: ${a['b']}}", 1, f"{QUOTE}\"${{a['b']}}\""),
        # Braces and brackets
        ("- {include: phase: TRAIN}", 1, "a mapping inside stands in braces: `include: {phase: TRAIN}`"),
        ("- {a: [b, c: d}", 1, "a comma, or the closing ], is missing before this"),
        ("- {a: b\n- {c: d}", 2, "a comma, or the closing }, is missing before this"),
        ("a:\n  - {b: c}}", 2, "there is one } too many"),
        ("- a: b, c: d", 1, "several keys on one line stand in braces: `- {a: b, c: d}`"),
        # Colons
        ("- a: b\n  num_output 64\n  c: d", 3, "a key has a colon and a space behind it: `num_output: 64`"),
        ("- a: b\n  num_output:64\n  c: d", 3, "a key has a colon and a space behind it: `num_output: 64`"),
        ("- a: b\n  num_output = 64\n  c: d", 3, "a key has a colon and a space behind it: `num_output: 64`"),
        ("- {a: b, filler {type: xavier}}", 1, "a key has a colon and a space behind it: `filler: {...}`"),
        ("- {a: b, bottom [fc, label]}", 1, "a key has a colon and a space behind it: `bottom: [...]`"),
        ("- {a: [b {c: d}]}", 1, "a comma, or the closing ], is missing before this"),
        ("layers\n- a: b", 2, "a colon is missing: `layers:`"),
        ("layers\n  - {a: b}", 2, "a colon is missing: `layers:`"),
        ("- include: phase: TRAIN", 1, "or put a mapping in braces: `include: {phase: TRAIN}`"),
        ("- source: a: b: c", 1, "quote a value that contains ': '"),
        ("- a: b\n  conv_param {\n    c: d\n  }", 3, "a block of prototxt is a mapping: `conv_param:`"),
        # Columns, dashes and tabs
        ("a: b\nc:\n  - d: e\n   f: g", 4, COLUMN),
        ("- a: b\n    c: d", 2, f"it is indented too far, or the line before lacks its colon; {COLUMN}"),
        ("c:\n  - d: e\n  f: g", 3, COLUMN),
        ("c:\n  - d: e\n  -f: g", 3, "a space stands behind the dash: `- f: g`"),
        ("c:\n  - {d: e}\n  {f: g}\n", 4, "an item of a list begins with a dash and a space: `- {...}`"),
        ("a:\n\tb: c", 2, "indent with spaces, not tabs"),
        ("a: b\nc: d\n\te: f", 3, "indent with spaces, not tabs"),
        # Quotes
        ("a: @b", 1, SPECIAL),
        ("a: *.txt", 1, SPECIAL),
        ('a: "b', 1, "close the quotes"),
        (r'a: "C:\data"', 1, "in double quotes a backslash is doubled"),
    ],
)
def test_hint(text: str, line: int, hint: str) -> None:
    report = Report()
    assert load(Source("spec.yaml", text), report) is None
    (found,) = report
    assert found.code == "syntax"
    assert found.span is not None
    assert found.span.line == line
    assert hint in (found.hint or "")


def test_numbers_that_lack_brackets_are_no_keys() -> None:
    """`dim: 1, 8, 8` is explained where the fields are known: two equal numbers are no key given twice."""
    report = Report()
    assert load(Source("spec.yaml", "{dim: 1, 8, 8}"), report) is not None
    assert not len(report)
    assert load(Source("spec.yaml", "{8: 1, 8: 2}"), report) is not None
    assert [one.code for one in report] == ["duplicate-key"]
