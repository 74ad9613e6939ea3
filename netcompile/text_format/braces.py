"""Braces that are missing or too many, told by indentation: which block it is, and what belongs into it.

Read only for malformed texts. Must not know message types, findings or messages.
"""

from __future__ import annotations

from typing import Final

from netcompile.text_format.scan import MESSAGE, Entry

_DEEPEST: Final = 200  # columns of an indentation; what stands further right is not the first on its line


def unclosed(text: str, entry: Entry, end: int) -> tuple[Entry, Entry | None]:
    """An entry that has no closing brace before `end`, without what does not belong into it, and the block to blame.

    A field at the start of a line that stands no further right than its block is the block's neighbour, not a part of
    it. The block to blame is the innermost that holds such a field, or the first that is closed by a brace further left
    than itself.
    """
    if entry.kind != MESSAGE:
        return entry, None
    _drop_from(entry, end)
    blamed: list[Entry] = []
    _settle(text, entry, blamed)
    culprit = blamed[0] if blamed else _closed_left(text, entry)
    return entry._replace(end=end), culprit


def is_closed_right(text: str, entry: Entry) -> bool:
    """Whether a block is closed by a brace that is the first on its line and stands further right than the block."""
    if entry.kind != MESSAGE or entry.end - 1 <= entry.at:
        return False
    margin, brace = _indent(text, entry.start), _indent(text, entry.end - 1)
    return margin is not None and brace is not None and brace > margin


def join_surplus(text: str, read: list[Entry]) -> int | None:
    """Put together again what a brace too many has parted, in the first of some entries and of it from the others.

    Returns the offset of that brace: the first that is further right than the block that it closes. None where there is
    none, and nothing is changed.
    """
    entry = read[0]
    if entry.kind != MESSAGE:
        return None
    i = next((i for i, one in enumerate(entry.value) if is_closed_right(text, one)), None)
    if i is None:
        return None
    block = entry.value[i]
    margin = _indent(text, block.start) or 0
    parted = [one for one in entry.value[i + 1 :] if (_indent(text, one.start) or 0) > margin]
    block.value.extend(parted)
    entry.value[i + 1 :] = [one for one in entry.value[i + 1 :] if one not in parted] + read[1:]
    del read[1:]
    return int(block.end - 1)


def _drop_from(entry: Entry, offset: int) -> None:
    """Take out of a message what belongs to the entries behind it."""
    entry.value[:] = [inside for inside in entry.value if inside.start < offset]
    if entry.value and entry.value[-1].kind == MESSAGE:
        _drop_from(entry.value[-1], offset)


def _settle(text: str, entry: Entry, blamed: list[Entry]) -> list[Entry]:
    """Take out of a block what stands no further right than the block itself, and return it."""
    inside: list[Entry] = []
    for one in entry.value:
        parted = _settle(text, one, blamed) if one.kind == MESSAGE else []
        doubled = parted and not one.value and parted[0].name == one.name  # its first line stands there twice
        inside += parted if doubled else [one, *parted]
    margin = _indent(text, entry.start)
    first = next((i for i, one in enumerate(inside) if _is_left(text, one, margin)), len(inside))
    entry.value[:] = inside[:first]
    if inside[first:]:
        blamed.append(entry)
    return inside[first:]


def _is_left(text: str, entry: Entry, margin: int | None) -> bool:
    indent = _indent(text, entry.start)
    return indent is not None and margin is not None and indent <= margin


def _closed_left(text: str, entry: Entry) -> Entry | None:
    """The first block inside that is closed by a brace further left than itself."""
    for one in entry.value:
        if one.kind != MESSAGE:
            continue
        margin, brace = _indent(text, one.start), _indent(text, one.end - 1)
        if margin is not None and brace is not None and brace < margin:
            return _closed_left(text, one) or one
        inner = _closed_left(text, one)
        if inner is not None:
            return inner
    return None


def _indent(text: str, offset: int) -> int | None:
    """How far right something stands that is the first on its line; None where it is not."""
    start = text.rfind("\n", max(offset - _DEEPEST, 0), offset) + 1
    if start == 0 and offset > _DEEPEST:
        return None
    before = text[start:offset]
    return None if before.strip() else len(before.expandtabs())
