"""Open texts, their models, and lines that move."""

import asyncio

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


@pytest.fixture
def text():
    return Text("net.yaml", SOUND, Settings(), asyncio.Lock())


def learned(text):
    return asyncio.run(text.learn())


def nearest(text, line=None):
    return asyncio.run(text.nearest(line))


def test_a_model_is_made_once_for_a_text(text):
    first = learned(text)
    assert learned(text) is first
    text.update(SOUND + "#")
    assert learned(text) is not first


def test_who_asks_together_gets_one_model(text):
    async def asked():
        return await asyncio.gather(text.learn(), text.learn(), text.nearest())

    one, other, (nearest, _) = asyncio.run(asked())
    assert one is other is nearest


def test_a_change_on_the_way_is_waited_for(text):
    async def changed():
        learning = asyncio.create_task(text.learn())
        await asyncio.sleep(0)
        text.update(SOUND.replace("name: a", "name: b"))
        return await learning

    assert "name: b" in asyncio.run(changed()).source.text


def test_what_can_be_read_is_its_own_nearest(text):
    model, lines = nearest(text)
    assert model is learned(text)
    assert list(lines.there) == [0, 1, 2, 3]


def test_the_last_sound_model_stands_in_for_a_broken_text(text):
    before = learned(text)
    text.update("# new\n" + SOUND + "  - {name: b")
    assert learned(text).document is None
    model, lines = nearest(text, 4)
    assert model is before
    assert lines.back[3] == 2


def test_a_broken_text_without_a_past_has_an_empty_model(text):
    text.update("layers: [")
    model, _ = nearest(text)
    assert model.document is None
    assert model.instances == []


def test_a_line_that_is_being_typed_is_left_out(text):
    text.update(SOUND + "  - {name: b")
    model, line = asyncio.run(text.without(3))
    assert line == 3
    assert [one.spec.name for one in model.instances] == ["data"]
    text.update(SOUND + "  - {name: bc")
    assert asyncio.run(text.without(3))[0] is model


def test_the_model_before_stands_in_for_lines_that_have_not_changed(text, monkeypatch):
    before = learned(text)
    text.update(SOUND + "#")
    assert not text.is_behind
    monkeypatch.setattr(session_module, "LONG", 0)
    text.update("# new\n" + SOUND + "  - {name: b, type: ReLU, bottom: }\n")
    assert text.is_behind
    model, lines = nearest(text)
    assert model is before
    assert lines.back[3] == 2
    assert asyncio.run(text.without(4)) == (before, 3)
    assert nearest(text, 3)[0] is before
    model, lines = nearest(text, 4)  # which is new
    assert model is not before
    assert lines.back[4] == 4
    assert not text.is_behind


def test_prototxt_has_no_tree():
    text = Text("net.prototxt", "name: 'a'", Settings(), asyncio.Lock())
    assert learned(text).document is None


def test_only_texts_that_import_are_forgotten():
    session = Session(Settings(), lambda uri: uri)
    session.open("one", SOUND)
    session.open("two", "imports: [one]\n" + SOUND)
    session.open("one.prototxt", "")
    old = learned(session.texts["two"])
    assert session.forget("one") == ["two"]
    assert learned(session.texts["two"]) is not old
    session.close("two")
    assert session.forget("one") == []
