"""The comments of a prototxt, each with what it speaks of: the field or layer that it stands behind or before.

Knows where things are written, not what they mean. A place is the name of a field at the top, which element of it, and
the fields inside that lead to the comment, at most two, each with its number among those of its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.importing import scalars
from netcompile.importing.layout import Remarks
from netcompile.records import NamedTuple
from netcompile.text_format.scan import LIST, MESSAGE, Scanner, find_comments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.text_format.scan import Entry

_DEEPEST: Final = 2
_MODELINE: Final = "yaml-language-server:"
_HEADER: Final = " Made by netcompile from "


class Spot(NamedTuple):
    """Where a comment belongs: a field at the top, which of its elements, and the path inside it."""

    field: str
    element: int
    path: tuple[tuple[str, int], ...]


class Comments(NamedTuple):
    """The comments of a text by their spots, `last` those behind everything else; and its `fields` in their order."""

    spots: dict[Spot, Remarks]
    last: list[str]
    fields: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.last) + sum(len(one.before) + len(one.behind) for one in self.spots.values())


NO_COMMENTS: Final = Comments({}, [])


def read_comments(text: str) -> Comments:
    """Find the comments of a prototxt that can be read, as lines of YAML."""
    entries = list(Scanner(text).entries())
    comments = Comments({}, [], tuple(dict.fromkeys(entry.name for entry in entries)))
    numbered = _numbered(entries)
    at = 0
    for offset, words in find_comments(text):
        if words.startswith(_HEADER):
            continue  # of the spec that the prototxt was compiled from
        while at < len(numbered) and numbered[at][1].start < offset:
            at += 1
        line = text[text.rfind("\n", 0, offset) + 1 : offset]
        spot, behind = _spot(numbered[at - 1] if at else None, numbered[at] if at < len(numbered) else None,
                             offset, behind=bool(line.strip()))  # fmt: skip
        written = as_comment(words)
        if spot is None:
            comments.last.append(written)
        else:
            remarks = comments.spots.setdefault(spot, Remarks([], []))
            (remarks.behind if behind else remarks.before).append((offset, written))
    return comments


def _numbered(entries: Sequence[Entry]) -> list[tuple[int, Entry]]:
    """The entries at the top, each with its index among the elements of its field."""
    counts: dict[str, int] = {}
    numbered = []
    for entry in entries:
        index = counts.get(entry.name, 0)
        counts[entry.name] = index + (len(entry.value) if entry.kind == LIST else 1)
        numbered.append((index, entry))
    return numbered


def _spot(
    before: tuple[int, Entry] | None, after: tuple[int, Entry] | None, offset: int, *, behind: bool
) -> tuple[Spot | None, bool]:
    """Where a comment belongs, and whether behind that. `before` is the last entry that begins before it."""
    if before is not None and offset < before[1].end:
        return _inside(before, offset, behind=behind)
    if behind and before is not None:
        return Spot(before[1].name, before[0], ()), True
    return (None if after is None else Spot(after[1].name, after[0], ())), False


def _inside(numbered: tuple[int, Entry], offset: int, *, behind: bool) -> tuple[Spot, bool]:
    index, entry = numbered
    top = entry.name
    path: tuple[tuple[str, int], ...] = ()
    while entry.kind == MESSAGE:
        children = _numbered(entry.value)
        earlier = [child for child in children if child[1].start < offset]
        later = [child for child in children if child[1].start > offset]
        if earlier and offset < earlier[-1][1].end:
            number, entry = earlier[-1]
            path = (*path, (entry.name, number))
            continue
        if behind and earlier:
            return Spot(top, index, (*path, _step(earlier[-1]))[:_DEEPEST]), True
        if later and not behind:
            return Spot(top, index, (*path, _step(later[0]))[:_DEEPEST]), False
        return Spot(top, index, path[:_DEEPEST]), not behind
    return Spot(top, index, path[:_DEEPEST]), False


def _step(numbered: tuple[int, Entry]) -> tuple[str, int]:
    return numbered[1].name, numbered[0]


def as_comment(words: str) -> str:
    """Some words as a YAML comment: in one line, and what YAML takes for a line break or refuses as an escape.

    Bytes that are no UTF-8 are read as those of Windows, which has the older Latin-1 but for control characters.
    """
    shown = "".join(c if c.isprintable() or c == "\t" else _shown(c) for c in words.rstrip())
    if _MODELINE in shown:
        return f"# prototxt: {shown.strip()}"
    return f"#{shown}" if shown.startswith((" ", "!", "#")) or not shown else f"# {shown}"


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    if "\udc80" <= character <= "\udcff":  # a byte
        byte = character.encode(errors="surrogateescape")
        character = byte.decode("cp1252", "ignore") or character
    return character if character.isprintable() else scalars.escaped(character)
