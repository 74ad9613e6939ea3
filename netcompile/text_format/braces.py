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
    it. The block to blame is the first that holds such a field, or that is closed by a brace further left than itself.
    """
    if entry.kind != MESSAGE:
        return entry, None
    _drop_from(entry, end)
    blamed: list[Entry] = []
    _settle(text, entry, blamed)
    culprit = min(blamed, key=lambda one: one.start) if blamed else _closed_left(text, entry)
    return entry._replace(end=end), culprit


def join_surplus(text: str, entry: Entry) -> int | None:
    """Put back into a block of `entry` what a brace too many has parted from it; returns the offset of that brace.

    That is one further right than the block that it closes. None where there is none.
    """
    if entry.kind != MESSAGE:
        return None
    for i, block in enumerate(entry.value):
        margin = _indent(text, block.start)
        brace = _indent(text, block.end - 1) if block.kind == MESSAGE and block.end - 1 > block.at else None
        if margin is None or brace is None or brace <= margin:
            continue
        parted = [one for one in entry.value[i + 1 :] if (_indent(text, one.start) or 0) > margin]
        block.value.extend(parted)
        entry.value[i + 1 :] = [one for one in entry.value[i + 1 :] if one not in parted]
        return int(block.end - 1)
    return None


def _drop_from(entry: Entry, offset: int) -> None:
    """Take out of a message what belongs to the entries behind it."""
    entry.value[:] = [inside for inside in entry.value if inside.start < offset]
    if entry.value and entry.value[-1].kind == MESSAGE:
        _drop_from(entry.value[-1], offset)


def _settle(text: str, entry: Entry, blamed: list[Entry]) -> list[Entry]:
    """Take out of a block what stands no further right than the block itself, and return it."""
    inside: list[Entry] = []
    for one in entry.value:
        inside.append(one)
        if one.kind == MESSAGE:
            inside += _settle(text, one, blamed)
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
