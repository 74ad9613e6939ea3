"""The open texts of an editor, each with its model: of the text as it is, or of the nearest that can be read.

One model per version of a text: what is asked of it again costs nothing. Models are made in a thread, one after the
other, so that the editor is listened to meanwhile. A net that takes longer to understand than an answer may is answered
for from the model before, with its lines where they are now, wherever the lines in question have not changed. Knows no
protocol.
"""

from __future__ import annotations

import asyncio
import time
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from netcompile.compiler import collector_off
from netcompile.lsp.model import Model, lines_of
from netcompile.paths import PROTOTXT
from netcompile.records import NamedTuple
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netcompile.compiler import Settings


_MOST_COMPARED: Final = 2000  # lines
LONG: Final = 0.1  # seconds of CPU; who asks of a text that takes longer to understand is not kept waiting


class Moved(NamedTuple):
    """Where the lines of one text are in another: for each line of the old text the new one's, and the way back.

    None for a line that is not in the other text.
    """

    there: Sequence[int | None]
    back: Sequence[int | None]


def moved(old: Sequence[str], new: Sequence[str]) -> Moved:
    """How the lines of a text have moved."""
    shorter = min(len(old), len(new))
    above = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    rest = shorter - above
    below = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    there: list[int | None] = [None] * len(old)
    back: list[int | None] = [None] * len(new)
    for start, new_start, size in [
        (0, 0, above),
        *_matches(old[above : len(old) - below], new[above : len(new) - below], above),
        (len(old) - below, len(new) - below, below),
    ]:
        there[start : start + size] = range(new_start, new_start + size)
        back[new_start : new_start + size] = range(start, start + size)
    return Moved(there, back)


def _matches(old: Sequence[str], new: Sequence[str], offset: int) -> Iterator[tuple[int, int, int]]:
    """What is the same in between, where that is little enough to look for."""
    if not old or not new or len(old) + len(new) > _MOST_COMPARED:
        return
    for start, new_start, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        yield start + offset, new_start + offset, size


class Text:
    """One open text. `path` is the name that findings have and that imports start from. Prototxt has an empty model.

    `turn` is for whoever makes a model. `checked_in` is how many seconds its last check took.
    """

    def __init__(self, path: str, text: str, settings: Settings, turn: asyncio.Lock) -> None:
        self.path = path
        self.settings = settings
        self.checked_in = 0.0
        self._turn = turn
        self._made_in = 0.0
        self._state = 0
        self._model: Model | None = None
        self._sound: Model | None = None
        self._blanked: Model | None = None
        self.update(text)

    @property
    def is_prototxt(self) -> bool:
        """True for a net or solver, false for a spec."""
        return self.path.endswith(PROTOTXT)

    def update(self, text: str) -> None:
        """The text has changed."""
        self.text = text
        self.lines = lines_of(text)
        self._state += 1
        self._model = None

    def forget(self) -> None:
        """A file that it imports may have changed."""
        self._state += 1
        self._model = self._blanked = self._sound = None

    @property
    def is_behind(self) -> bool:
        """True where the text has changed, takes long to understand, and the model before stands in."""
        return self._model is None and self._sound is not None and self._made_in > LONG

    async def learn(self) -> Model:
        """The model of the text as it is once there is one: changes on the way are waited for as well."""
        while self._model is None:
            async with self._turn:
                await self._make()
        return self._model

    async def _make(self) -> None:
        if self._model is not None:  # whoever had the turn before has made it
            return
        state = self._state
        model, self._made_in = await asyncio.to_thread(self._understand, self.text)
        if state == self._state:
            self._model = model
        if model.document is not None:
            self._sound = model

    async def _blank(self, text: str) -> Model:
        """The model of the text with a line left out, which is asked for while that line is typed."""
        before = self._blanked
        if before is not None and before.source.text == text:
            return before
        model, _ = await asyncio.to_thread(self._understand, text)
        self._blanked = model
        return model

    def _understand(self, text: str) -> tuple[Model, float]:
        """A model of what may be another state of this text, and the CPU seconds that it took."""
        began = time.thread_time()
        with collector_off():
            model = Model(Source(self.path, "" if self.is_prototxt else text), self.settings)
            model.prepare()
        return model, time.thread_time() - began

    async def nearest(self, line: int | None = None) -> tuple[Model, Moved]:
        """The model of the text, or of the last one that could be read, and how the lines have moved since.

        That of a text before is enough for whoever asks of a `line` that has not changed, or of none in particular.
        """
        if self.is_behind and self._sound is not None:
            lines = moved(self._sound.lines, self.lines)
            if line is None or (line < len(self.lines) and lines.back[line] is not None):
                return self._sound, lines
        model = await self.learn()
        if model.document is None and self._sound is not None:
            return self._sound, moved(self._sound.lines, self.lines)
        same = range(len(self.lines))
        return model, Moved(same, same)

    async def without(self, line: int) -> tuple[Model, int]:
        """A model to complete a line with, and the line's number there.

        It is that of the text, else of the text without the line, which is being typed; else the nearest.
        """
        if not self.is_behind:
            model = await self.learn()
            if model.document is not None:
                return model, line
            text = "\n".join([*self.lines[:line], "", *self.lines[line + 1 :]])
            model = await self._blank(text)
            if model.document is not None:
                return model, line
        model, where = await self.nearest()
        known = next((i for i in range(line, -1, -1) if where.back[i] is not None), None)
        there = None if known is None else where.back[known]
        return model, 0 if known is None or there is None else there + line - known


class Session:
    """All open texts, by their URI."""

    def __init__(self, settings: Settings, path_of: Callable[[str], str]) -> None:
        self.settings = settings
        self.texts: dict[str, Text] = {}
        self._path_of = path_of
        self._turn = asyncio.Lock()

    def open(self, uri: str, text: str) -> Text:
        """A text was opened, or is there anew."""
        self.texts[uri] = Text(self._path_of(uri), text, self.settings, self._turn)
        return self.texts[uri]

    def close(self, uri: str) -> None:
        """A text was closed."""
        self.texts.pop(uri, None)

    def forget(self, but: str) -> list[str]:
        """A file was saved: what the other texts import may be new. Gives those that import anything."""
        others = [uri for uri, text in self.texts.items() if uri != but and "imports:" in text.text]
        for uri in others:
            self.texts[uri].forget()
        return others
