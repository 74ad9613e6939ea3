"""Open texts, their models, and lines that move."""

import pytest

from netcompile.compiler import Settings
from netcompile.lsp import session as session_module
from netcompile.lsp.session import Session, Text, moved

SOUND = "name: a\nlayers:\n  - {name: data, type: Input, shape: {dim: [1]}}\n"


@pytest.mark.parametrize(
    ("old", "new", "there"),
    [
        ("abcd", "abcd", [0, 1, 2, 3]),
        ("abcd", "abXcd", [0, 1, 3, 4]),
        ("abcd", "acd", [0, None, 1, 2]),
        ("abcd", "aXYd", [0, None, None, 3]),
        ("aa", "aaa", [0, 1]),
        ("abcdef", "XabYdef", [1, 2, None, 4, 5, 6]),
        ("abcdef", "bcXe", [None, 0, 1, None, 3, None]),
        ("", "ab", []),
        ("ab", "", [None, None]),
        ("abc", "xyz", [None, None, None]),
    ],
)
def test_lines_move(old, new, there):
    lines = moved(list(old), list(new))
    assert list(lines.there) == there
    assert [lines.back[line] for line in there if line is not None] == [
        i for i, line in enumerate(there) if line is not None
    ]


def test_much_that_has_changed_is_not_compared():
    old = [str(i) for i in range(3000)]
    lines = moved(old, ["new", *old[1:1500], "new", *old[1500:-1], "last"])
    assert set(lines.there) == {None}


def test_a_model_is_made_once_for_a_text():
    text = Text("net.yaml", SOUND, Settings())
    assert text.model is text.model
    first = text.model
    text.update(SOUND + "#")
    assert text.model is not first


def test_what_can_be_read_is_its_own_nearest():
    text = Text("net.yaml", SOUND, Settings())
    model, lines = text.nearest()
    assert model is text.model
    assert list(lines.there) == [0, 1, 2, 3]


def test_the_last_sound_model_stands_in_for_a_broken_text():
    text = Text("net.yaml", SOUND, Settings())
    before = text.model
    text.update("# new\n" + SOUND + "  - {name: b")
    assert text.model.document is None
    model, lines = text.nearest()
    assert model is before
    assert lines.back[3] == 2


def test_a_broken_text_without_a_past_has_an_empty_model():
    model, _ = Text("net.yaml", "layers: [", Settings()).nearest()
    assert model.document is None
    assert model.instances == []


def test_a_line_that_is_being_typed_is_left_out():
    text = Text("net.yaml", SOUND + "  - {name: b", Settings())
    model, line = text.without(3)
    assert line == 3
    assert [one.spec.name for one in model.instances] == ["data"]
    text.update(SOUND + "  - {name: bc")
    assert text.without(3)[0] is model


def test_the_model_of_a_large_net_stands_in_until_there_is_time(monkeypatch):
    text = Text("net.yaml", SOUND, Settings())
    before = text.model
    text.update(SOUND + "#")
    assert not text.is_behind
    monkeypatch.setattr(session_module, "LARGE", 0)
    text.update("# new\n" + SOUND + "  - {name: b, type: ReLU, bottom: }\n")
    assert text.is_behind
    model, lines = text.nearest()
    assert model is before
    assert lines.back[3] == 2
    assert text.without(4) == (before, 3)
    assert text.model is not before
    assert not text.is_behind
    assert text.nearest()[0] is text.model


def test_prototxt_has_no_tree():
    assert Text("net.prototxt", "name: 'a'", Settings()).model.document is None


def test_only_texts_that_import_are_forgotten():
    session = Session(Settings(), lambda uri: uri)
    session.open("one", SOUND)
    session.open("two", "imports: [one]\n" + SOUND)
    session.open("one.prototxt", "")
    old = session.texts["two"].model
    assert session.forget("one") == ["two"]
    assert session.texts["two"].model is not old
    session.close("two")
    assert session.forget("one") == []
