"""Findings as text: the place, the line, the carets, notes and hints, and what a terminal is spared."""

import io

import pytest

from netcompile.diagnostics import Diagnostic, Note
from netcompile.render import render_text
from netcompile.terminal import printable, shorten, use_color, width
from netcompile.tree import Source, Span

SPEC = Source(
    "specs/srcnn.yaml",
    "name: SRCNN\nlayers:\n  - {name: conv3, type: Convolution}\n  - {name: loss, bottom: [conv3, label]}\n",
)
ONE = Diagnostic("count-mismatch", "error", Span(SPEC, 4, 26, 4, 31), "bottoms differ in count")


def text_of(line: str, start: int, end: int) -> list[str]:
    """The two lines of the snippet for the characters `start` to `end` (counted from 0) of a source of one line."""
    span = Span(Source("a", line), 1, start + 1, 1, end + 1)
    return render_text([Diagnostic("syntax", "error", span, "m")], color=False).splitlines()[1:]


def marked(snippet: list[str]) -> str:
    """What of a snippet has carets under it, where every character is one column wide."""
    text, carets = snippet
    return "".join(character for character, caret in zip(text, carets, strict=False) if caret == "^")


def test_header_snippet_carets_and_hint() -> None:
    found = ONE._replace(hint="a kernel of 5 gives 21")
    assert render_text([found], color=False) == (
        "specs/srcnn.yaml:4:26: error[count-mismatch]: bottoms differ in count\n"
        "    4 |   - {name: loss, bottom: [conv3, label]}\n"
        "      |                          ^^^^^\n"
        "  hint: a kernel of 5 gives 21\n"
    )


def test_first_line_is_the_str_of_the_finding() -> None:
    assert render_text([ONE], color=False).splitlines()[0] == str(ONE)


def test_no_findings_no_text() -> None:
    assert render_text([], color=True) == ""


def test_finding_without_place_is_one_line() -> None:
    found = Diagnostic("empty-spec", "warning", None, "nothing there")
    assert render_text([found, found], color=False) == "warning[empty-spec]: nothing there\n" * 2


def test_findings_of_several_lines_are_set_off() -> None:
    short = Diagnostic("empty-spec", "warning", None, "nothing there")
    lines = render_text([ONE, ONE, short, short], color=False).splitlines()
    assert [i for i, line in enumerate(lines) if not line] == [3, 7]


def test_single_note_elsewhere_shows_its_line() -> None:
    found = ONE._replace(notes=(Note("made here", Span(SPEC, 3, 12, 3, 17)),))
    assert render_text([found], color=False).splitlines()[3:] == [
        "  note: made here (specs/srcnn.yaml:3:12)",
        "    3 |   - {name: conv3, type: Convolution}",
        "      |            ^^^^^",
    ]


def test_chain_of_notes_gives_places_alone() -> None:
    notes = (Note("first", Span(SPEC, 1, 1, 1, 5)), Note("second", Span(SPEC, 2, 1, 2, 7)), Note("third"))
    assert render_text([ONE._replace(notes=notes)], color=False).splitlines()[3:] == [
        "  note: first (specs/srcnn.yaml:1:1)",
        "  note: second (specs/srcnn.yaml:2:1)",
        "  note: third",
    ]


def test_note_on_the_same_line_does_not_repeat_it() -> None:
    found = ONE._replace(notes=(Note("and this", Span(SPEC, 4, 33, 4, 38)),))
    assert render_text([found], color=False).splitlines()[3:] == ["  note: and this (specs/srcnn.yaml:4:33)"]


def test_span_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    found = ONE._replace(span=Span(SPEC, 3, 5, 5, 1))
    assert render_text([found], color=False).splitlines()[1:] == [
        "    3 |   - {name: conv3, type: Convolution}",
        "      |     " + "^" * len("{name: conv3, type: Convolution}"),
    ]


@pytest.mark.parametrize(("start", "end", "column"), [(2, 2, 2), (9, 9, 3), (3, 4, 3)])
def test_empty_span_and_span_past_the_end_have_one_caret(start: int, end: int, column: int) -> None:
    assert text_of("abc", start, end)[1] == "      | " + " " * column + "^"


def test_empty_line_is_not_shown() -> None:
    assert text_of("   ", 0, 1) == []


def test_tabs_are_expanded_and_carets_still_fit() -> None:
    assert text_of("\ta:\tbad", 4, 7) == ["    1 |     a:    bad", "      |           ^^^"]
    assert text_of("\ta", 0, 1)[1] == "      | ^^^^"


def test_wide_and_combining_characters_count_by_their_display_width() -> None:
    assert text_of("名前: 値 x", 4, 5)[1] == "      |       ^^"
    assert text_of("名前: 値 x", 6, 7)[1] == "      |          ^"
    assert text_of("cafe\u0301 x", 6, 7)[1] == "      |      ^"


@pytest.mark.parametrize(
    ("at", "cut_before", "cut_behind"),
    [(0, False, True), (50, False, True), (119, True, True), (9_000, True, True), (9_970, True, False)],
)
def test_long_lines_are_cut_around_the_span(*, at: int, cut_before: bool, cut_behind: bool) -> None:
    snippet = text_of("x" * at + "here" + "x" * (9_996 - at), at, at + 4)
    assert marked(snippet) == "here"
    text = snippet[0].removeprefix("    1 | ")
    assert len(text) == 120 + 3 * cut_before + 3 * cut_behind
    assert text.startswith("...") is cut_before
    assert text.endswith("...") is cut_behind


def test_line_of_common_length_is_whole() -> None:
    line = "x" * 120
    assert text_of(line, 110, 115)[0] == f"    1 | {line}"


def test_span_longer_than_the_window_is_marked_as_far_as_it_is_shown() -> None:
    assert set(marked(text_of("k: " + "v" * 1000, 3, 1003))) == {"v"}


def test_long_line_of_wide_characters_fits() -> None:
    text, carets = text_of("日" * 200, 150, 152)
    assert width(text) <= 134
    assert width(text[: text.index("日")]) < carets.index("^")
    assert carets.count("^") == 4


HOSTILE = "\x1b[2J\r\n\x07\x9b31m\u202e\u2028\ud800\ufeff"


def test_no_control_character_reaches_the_terminal() -> None:
    source = Source(f"a{HOSTILE}.yaml", f"key: {HOSTILE.replace(chr(10), '')} end")
    span = Span(source, 1, 1, 1, 4)
    found = Diagnostic("syntax", "error", span, f"m{HOSTILE}", (Note(HOSTILE, span), Note(HOSTILE)), f"h{HOSTILE}")
    shown = render_text([found], color=False)
    assert all(character == "\n" or character.isprintable() for character in shown)
    assert len(shown.splitlines()) == 6
    assert "\\x1b[2J\\r\\n\\x07\\x9b31m\\u202e\\u2028\\ud800\\ufeff" in shown


def test_printable_leaves_other_text_alone() -> None:
    assert printable("conv1/7x7 名前 é \\n") == "conv1/7x7 名前 é \\n"


def test_colours_add_nothing_but_escapes() -> None:
    found = ONE._replace(notes=(Note("made here", Span(SPEC, 3, 12, 3, 17)),), hint="h")
    warning = found._replace(severity="warning")
    colored = render_text([found, warning], color=True)
    assert "\x1b[1;31merror[count-mismatch]:\x1b[0m" in colored
    assert "\x1b[1;33mwarning[count-mismatch]:\x1b[0m" in colored
    assert "\x1b[1;31m^^^^^\x1b[0m" in colored
    assert "\x1b[34m    4 |\x1b[0m" in colored
    plain = colored
    for style in ("0", "1", "1;31", "1;33", "1;36", "34"):
        plain = plain.replace(f"\x1b[{style}m", "")
    assert plain == render_text([found, warning], color=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "on_terminal", "on_file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_colour_follows_the_environment(
    *, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], on_terminal: bool, on_file: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert use_color("auto", Terminal()) is on_terminal
    assert use_color("auto", io.StringIO()) is on_file
    assert use_color("always", io.StringIO()) is True
    assert use_color("never", Terminal()) is False


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("conv1", 5, "conv1"),
        ("inception_3a/relu_5x5_reduce", 20, "inception...5_reduce"),
        ("日本語の名前です", 11, "日本...です"),
    ],
)
def test_shorten_keeps_both_ends(text: str, columns: int, expected: str) -> None:
    assert shorten(text, columns) == expected
    assert width(shorten(text, columns)) <= columns
