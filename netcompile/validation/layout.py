"""Lists and mappings whose lines stand in the wrong place: a dash too many, a section's content beside the section.

Reports each once, and returns the node as it was meant. Knows where a spec has layers and sections, not their schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from netcompile.diagnostics import Report
    from netcompile.tree import Node

# What begins an item of `layers`, and what it can't be without.
_HALVES: Final = {"name": "type", "repeat": "layers"}


def joined(layers: List, report: Report) -> List:
    """The items of `layers`, where a key of an item that has a dash of its own goes on with the item before."""
    items: list[Node] = []
    lacking = ""
    for item in layers.items:
        last = items[-1] if items else None
        if not lacking or type(last) is not Mapping or type(item) is not Mapping or not _goes_on(last, item, lacking):
            items.append(item)
            lacking = _lacking(item)
            continue
        if lacking not in last.entries:
            key = next(iter(item.keys.values()))
            text = f"a dash begins another item of `layers`, and '{key.value}' goes on with the one before"
            report.add("missing-field", key.span, text, hint="remove its dash")
        items[-1] = last._replace(entries=last.entries | item.entries, keys=last.keys | item.keys, end=item.end)
    return layers._replace(items=items) if len(items) < len(layers.items) else layers


def _lacking(item: Node) -> str:
    """What an item lacks that begins with a dash, if it lacks it."""
    if type(item) is not Mapping or not item.entries or not _has_dash(item):
        return ""
    half = _HALVES.get(next(iter(item.entries)), "")
    return "" if half in item.entries else half


def _goes_on(last: Mapping, item: Mapping, lacking: str) -> bool:
    """Whether an item can only be the rest of the one before: it begins none, and has what that lacks."""
    if not item.entries or not _has_dash(item) or not last.entries.keys().isdisjoint(item.entries):
        return False
    begun = any(key in item.entries for key in ("name", "repeat", "block"))
    return not begun and (lacking in item.entries or lacking in last.entries)


def _has_dash(node: Mapping) -> bool:
    line, column = node.source.line(node.start.line + 1), node.start.column
    return line[:column].rstrip().endswith("-") and line[column : column + 1] != "{"


def indented(document: Mapping, known: Collection[str], types: Collection[str], report: Report) -> Mapping:
    """The document with what stands below an empty section, at the section's own column, in that section."""
    for section in ("vars", "defaults", "blocks"):
        empty = document.entries.get(section)
        if type(empty) is Scalar and empty.value is None:
            document = _filled(document, section, known, types, report)
    return document


def _filled(document: Mapping, section: str, known: Collection[str], types: Collection[str], report: Report) -> Mapping:
    names = list(document.entries)
    own: list[Any] = []
    for name in names[names.index(section) + 1 :]:
        if name in known or not _belongs(section, name, document.entries[name], types):
            break
        own.append(name)
    if not own:
        return document
    key = document.keys[own[0]]
    text = f"`{section}` is empty: '{own[0]}' stands beside it, and not in it"
    report.add("wrong-kind", key.span, text, hint=f"indent what belongs to `{section}:`, by two spaces")
    first, last = document.keys[own[0]], document.entries[own[-1]]
    content = Mapping(_of(document.entries, own), _of(document.keys, own), first.start, last.end, document.source)
    entries = {**document.entries, section: content}
    rest = [name for name in names if name not in own]
    return document._replace(entries=_of(entries, rest), keys=_of(document.keys, rest))


def _belongs(section: str, name: Any, value: Node, types: Collection[str]) -> bool:
    if section == "vars":
        return type(value) is Scalar
    if section == "defaults":
        return name in types and type(value) is Mapping
    return type(value) is Mapping and "layers" in value.entries


def _of(entries: dict[Any, Any], names: Iterable[Any]) -> dict[Any, Any]:
    return {name: entries[name] for name in names}
