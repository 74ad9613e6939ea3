"""The open texts of an editor, each with its model: of the text as it is, or of the nearest that can be read.

One model per version of a text: what is asked of it again costs nothing. A large net takes longer to understand than an
answer may: while it is typed in, the model before stands in, with its lines where they are now. Knows no protocol.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from netcompile.lsp.model import Model, lines_of
from netcompile.paths import PROTOTXT
from netcompile.records import NamedTuple
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netcompile.compiler import Settings


_MOST_COMPARED: Final = 2000  # lines
LARGE: Final = 300  # layers; the model of a larger net is not made while somebody waits for an answer


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
    """One open text. `path` is the name that findings have and that imports start from. Prototxt has an empty model."""

    def __init__(self, path: str, text: str, settings: Settings) -> None:
        self.path = path
        self.settings = settings
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
        self._model: Model | None = None

    def forget(self) -> None:
        """A file that it imports may have changed."""
        self._model = self._blanked = self._sound = None

    @property
    def model(self) -> Model:
        """The model of the text as it is."""
        if self._model is None:
            self.adopt(self.make(self.text))
        assert self._model is not None
        return self._model

    def make(self, text: str) -> Model:
        """A model of what may be another state of this text."""
        model = Model(Source(self.path, "" if self.is_prototxt else text), self.settings)
        model.prepare()
        return model

    def adopt(self, model: Model) -> None:
        """Take what `make` has made of the text as it is."""
        self._model = model
        if model.document is not None:
            self._sound = model

    @property
    def is_behind(self) -> bool:
        """True where the text has changed, the net is large, and the model before stands in."""
        return self._model is None and self._sound is not None and len(self._sound.instances) > LARGE

    def nearest(self) -> tuple[Model, Moved]:
        """The model of the text, or of the last one that could be read, and how the lines have moved since."""
        if self._sound is not None and (self.is_behind or self.model.document is None):
            return self._sound, moved(self._sound.lines, self.lines)
        model = self.model
        same = range(len(self.lines))
        return model, Moved(same, same)

    def without(self, line: int) -> tuple[Model, int]:
        """A model to complete a line with, and the line's number there.

        It is that of the text, else of the text without the line, which is being typed; else the nearest.
        """
        if self.is_behind:
            return self._from_before(line)
        if self.model.document is not None:
            return self.model, line
        text = "\n".join([*self.lines[:line], "", *self.lines[line + 1 :]])
        if self._blanked is None or self._blanked.source.text != text:
            self._blanked = self.make(text)
        if self._blanked.document is not None:
            return self._blanked, line
        return self._from_before(line)

    def _from_before(self, line: int) -> tuple[Model, int]:
        model, where = self.nearest()
        known = next((i for i in range(line, -1, -1) if where.back[i] is not None), None)
        there = None if known is None else where.back[known]
        return model, 0 if known is None or there is None else there + line - known


class Session:
    """All open texts, by their URI."""

    def __init__(self, settings: Settings, path_of: Callable[[str], str]) -> None:
        self.settings = settings
        self.texts: dict[str, Text] = {}
        self._path_of = path_of

    def open(self, uri: str, text: str) -> Text:
        """A text was opened, or is there anew."""
        self.texts[uri] = Text(self._path_of(uri), text, self.settings)
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
