"""The loader: YAML 1.2 values, places in the text, merges, and texts that are no good YAML."""

import pytest

from netcompile.diagnostics import Report
from netcompile.load import MAX_ALIASED, MAX_TEXT, decode, load
from netcompile.tree import Source, plain


def read(text):
    """The plain value of a good text."""
    report = Report()
    document = load(Source("x.yaml", text), report)
    assert not list(report)
    return plain(document)


def findings(text):
    """Where what is found in a text, as line, column, code, and the message with its hint."""
    source = decode("x.yaml", text) if isinstance(text, bytes) else Source("x.yaml", text)
    report = Report()
    load(source, report)
    return [(d.span.line, d.span.column, d.code, f"{d.message} {d.hint or ''}") for d in report.ordered()]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1e5", 1e5),
        (".5", 0.5),
        ("+2", 2),
        ("-0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("~", None),
        ("", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        *((word, word) for word in ("yes", "no", "on", "off", "y", "n", "1_1", "1:30", "2020-01-01", "0b1", "e3", ".")),
        ("tRUE", "tRUE"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("!!int 1", 1),
        ("!!null ~", None),
        ("!!bool true", True),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("9" * 400, int("9" * 400)),
        ("9" * 401, "9" * 401),
    ],
)
def test_values_are_those_of_yaml_1_2(written, value):
    got = read(f"a: {written}\n")["a"]
    assert got == value
    assert type(got) is type(value)


def test_not_a_number():
    assert str(read("a: .nan\n")["a"]) == "nan"


def test_merges():
    text = """
a: &a {x: 1, y: 2}
b: &b {y: 3, z: 4}
own: {y: 5, <<: *a}
later: {<<: [*a, *b], z: 6}
nested: {<<: {w: 7}}
quoted: {"<<": 8}
tagged: {!!merge <<: *a}
value: <<
"""
    document = read(text)
    assert document["own"] == {"y": 5, "x": 1}
    assert document["later"] == {"x": 1, "y": 2, "z": 6}
    assert document["nested"] == {"w": 7}
    assert document["quoted"] == {"<<": 8}
    assert document["tagged"] == {"x": 1, "y": 2}
    assert document["value"] == "<<"


def test_an_alias_is_the_same_node():
    report = Report()
    document = load(Source("x.yaml", "a: &a [1]\nb: *a\n"), report)
    assert document.entries["a"] is document.entries["b"]


# Places

TWICE = "keep one of them, or write their values as a list"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_in_editors(ending):
    text = ending.join(["name: a", "layers: []", "name: b", ""])
    assert findings(text) == [(3, 1, "duplicate-key", f"key 'name' is given twice {TWICE}")]
    assert Source("x.yaml", text).line(3) == "name: b"


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_no_other_character_ends_a_line(character):
    text = f"# a{character}b\nvars: {{a: 'x{character}y', b: 1, b: 2}}\n"
    ((line, column, code, _),) = findings(text)
    assert (line, code) == (2, "duplicate-key")
    assert Source("x.yaml", text).line(2)[column - 1 :] == "b: 2}"
    assert read(text.replace(", b: 2", "")) == {"vars": {"a": f"x{character}y", "b": 1}}


def test_columns_count_characters():
    text = "vars: {ä: 'é\U0001f600', b: 1, b: 2}\n"
    ((_, column, _, _),) = findings(text)
    assert text[column - 1 :] == "b: 2}\n"


def test_a_byte_order_mark_is_no_character():
    assert plain(load(decode("x.yaml", b"\xef\xbb\xbfname: a\n"), Report())) == {"name": "a"}
    assert findings(b"\xef\xbb\xbfa: 1\na: 2\n") == [(2, 1, "duplicate-key", f"key 'a' is given twice {TWICE}")]


# What can't be read


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words"),
    [
        (b"# caf\xe9\nname: a\n", 1, 6, "syntax", "byte 0xe9 is not UTF-8 save the file as UTF-8"),
        (b"name: a\nx: \xff\n", 2, 4, "syntax", "byte 0xff is not UTF-8"),
        ("name: a".encode("utf-16"), 1, 1, "syntax", "byte 0xff is not UTF-8"),
        ("x: \ud800\n", 1, 4, "syntax", "an unpaired surrogate is not a character"),
        ('x: "\\ud800"\n', 1, 7, "syntax", "invalid Unicode character escape code"),
        ("x: a\x00b\n", 1, 5, "syntax", "control characters are not allowed"),
        ("x: a\x1bb\n", 1, 5, "syntax", "control characters are not allowed"),
        ("é: é\x07\n", 1, 5, "syntax", "control characters are not allowed"),
        ("a:\n\t- b\n", 2, 1, "syntax", "indent with spaces, not tabs"),
        ("a: b: c\n", 1, 5, "syntax", "quote a value that contains ': '"),
        ("a: {x: t${n}_a}\n", 1, 10, "syntax", "quote a text with ${...} in it"),
        ("a: [1, 2\n", 2, 1, "syntax", "did not find expected ',' or ']'"),
        ("a: 'x\n", 2, 1, "syntax", "found unexpected end of stream"),
        ("a: *b\n", 1, 4, "syntax", "alias *b has no anchor before it"),
        ("a: &a [*a]\n", 1, 8, "recursive-alias", "alias *a stands inside its own anchor"),
        ("a: 1\n---\na: 2\n", 2, 1, "syntax", "a second document"),
        ("%YAML 3.0\n---\na: 1\n", 1, 1, "syntax", "found incompatible YAML document"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            1,
            4,
            "bad-tag",
            "!!python/object/apply:os.system means nothing here",
        ),
        ("!spec {a: 1}\n", 1, 1, "bad-tag", "tag !spec means nothing here"),
        ("a: !!int one\n", 1, 4, "wrong-kind", "'one' is not a value of tag !!int"),
        ("[1]: 2\n", 1, 1, "wrong-kind", "a key must be a single value"),
        ("{<<: 3}\n", 1, 6, "wrong-kind", "`<<` takes a mapping"),
        ("a: &a {}\nb: {<<: *a, <<: *a}\n", 2, 13, "duplicate-key", "`<<: [*a, *b]`"),
        ("", 1, 1, "empty-spec", "the document is empty"),
        ("---\n...\n", 1, 1, "empty-spec", "the document is empty"),
        ("- a\n", 1, 1, "not-a-spec", "a spec is a mapping"),
        ("text", 1, 1, "not-a-spec", "a spec is a mapping"),
        (f"a: {'[' * 101}{']' * 101}\n", 1, 104, "too-deep", "more than 100 levels"),
        (f"a: {'{a: ' * 101}{'}' * 101}\n", 1, 404, "too-deep", "more than 100 levels"),
    ],
)
def test_what_is_wrong_is_one_finding_at_its_place(text, line, column, code, words):
    (found,) = findings(text)
    assert found[:3] == (line, column, code)
    assert words in found[3]


def test_the_deepest_document_is_read():
    assert read(f"a: {'[' * 99}{']' * 99}\n")


def test_aliases_are_bounded():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    ((line, _, code, message),) = findings("\n".join(rows))
    assert (line, code) == (6, "expansion-limit")
    assert f"more than {MAX_ALIASED:,} values" in message


def test_a_text_of_many_megabytes_is_not_read():
    ((line, column, code, message),) = findings("#" * (MAX_TEXT + 1))
    assert (line, column, code) == (1, 1, "expansion-limit")
    assert f"at most {MAX_TEXT:,} are read" in message


def test_the_context_of_a_syntax_error_is_a_note():
    report = Report()
    load(Source("x.yaml", "a:\n  - {b: 1\n  - c\n"), report)
    (found,) = report
    (note,) = found.notes
    assert (note.message, note.span.line, note.span.column) == ("while parsing a flow mapping", 2, 5)
