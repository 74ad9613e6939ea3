"""A net as a table for people, one per target, in at most 120 columns.

Where a table is too wide, tops that only repeat the layer's name or bottoms are left out, then cells are wrapped
between names or shapes; only a part that has no room by itself loses its middle. Pure functions: nothing here prints.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.terminal import pad, printable, shorten, width
from netcompile.views.net import measure, shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netcompile.ir import Graph, GraphLayer
    from netcompile.shapes import Dim
    from netcompile.views.net import Figures, Measured

_GAP: Final = "  "
_HEAD: Final = ("layer", "type", "", "tops' shapes", "params' shapes", "params", "MACs", "memory")
_WIRES: Final = "bottoms -> tops"
_TERSE_WIRES: Final = "bottoms -> other tops"
_NUMBERS: Final = 3  # the last columns are numbers: to the right, and never shortened
_NARROWEST: Final = 8
_ROOM: Final = 120 - len(_GAP) * (len(_HEAD) - 1)

# A cell is a list of parts, which are joined as they are; lines are broken between them alone.
_Row: TypeAlias = "tuple[list[str], ...]"


def to_table(name: str, graphs: Mapping[str, Graph]) -> str:
    """Make what `show` prints: a table for each target in `graphs`, with totals. `?` is what isn't known."""
    return "\n".join(_table(name, target, measure(graph)) for target, graph in graphs.items())


def _table(name: str, target: str, measured: Measured) -> str:
    head, *rows = _rows(measured, terse=False)
    if sum(_needed([head, *rows])) > _ROOM:
        head, *rows = _rows(measured, terse=True)
    widths = _widths([head, *rows])
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    body = [[rule] if row is None else _lines(row, widths) for row in (head, None, *rows[:-1], None, rows[-1])]
    return "\n".join([_title(name, target, measured.graph), "", *chain.from_iterable(body)]) + "\n"


def _rows(measured: Measured, *, terse: bool) -> list[_Row]:
    """Make the head, a row for each layer, and the totals."""
    n = len(measured.layers)
    head = [[word] for word in _HEAD]
    head[2] = [_TERSE_WIRES if terse else _WIRES]
    total: _Row = ([f"{n} layer{'s' * (n != 1)}"], [], [], [], [], *_numbers(measured.total))
    layers = zip(measured.graph.layers, measured.layers, strict=True)
    return [tuple(head), *(_row(one, figures, terse=terse) for one, figures in layers), total]


def _title(name: str, target: str, graph: Graph) -> str:
    parts = [f"{printable(name) or 'net without a name'}: {target}"]
    if graph.level:
        parts.append(f"level {graph.level}")
    if graph.stages:
        parts.append(f"stage{'s' * (len(graph.stages) > 1)} {printable(', '.join(graph.stages))}")
    return ", ".join(parts)


def _row(one: GraphLayer, figures: Figures, *, terse: bool) -> _Row:
    message = one.layer.message
    name, bottoms, tops = (
        printable(message.name),
        list(map(printable, message.bottom)),
        list(map(printable, message.top)),
    )
    in_place = bool(tops) and bottoms == tops
    shown = [] if terse and (in_place or tops == [name]) else tops
    wires = [*_listed(bottoms), *_listed(shown, "-> ")]
    params, macs, memory = _numbers(figures)
    return (
        re.findall("[^/]*/|[^/]+", name),
        [printable(message.type)],
        wires,
        _listed([shape_text(shape) for shape in one.tops]),
        _params(one),
        [] if figures.params == 0 else params,
        [] if figures.macs == 0 else macs,
        ["in place"] if in_place else [] if figures.activation_bytes == 0 else memory,
    )


def _listed(words: Sequence[str], before: str = "") -> list[str]:
    """Make the parts of a list with commas."""
    parts = [f"{word}, " for word in words[:-1]] + [f"{word} " for word in words[-1:]]
    return [before + parts[0], *parts[1:]] if parts else []


def _params(one: GraphLayer) -> list[str]:
    if one.blobs is None:
        return ["?"]
    owned = [owner is None for owner in one.owners] or [True] * len(one.blobs)
    if one.blobs and not any(owned):
        return [*_params(one._replace(owners=())), "shared"]
    return [
        f"{'+ ' * (i > 0)}{shape_text(blob)} {'' if own else 'shared '}"
        for i, (blob, own) in enumerate(zip(one.blobs, owned, strict=True))
    ]


def _numbers(figures: Figures) -> tuple[list[str], list[str], list[str]]:
    params, macs, memory = figures
    return (
        [f"{params:,}" if isinstance(params, int) else "?"],
        [_scaled(macs, 1000, ("", "k", "M", "G", "T"))],
        [_scaled(memory, 1024, (" B", " KiB", " MiB", " GiB", " TiB"))],
    )


def _scaled(count: Dim, step: int, units: Sequence[str]) -> str:
    """Write a count with three significant digits and its unit."""
    if not isinstance(count, int):
        return "?"
    value, i = float(count), 0
    while round(value) >= step and i + 1 < len(units):
        value, i = value / step, i + 1
    digits = 0 if i == 0 or value >= 99.95 else 1 if value >= 9.995 else 2  # noqa: PLR2004 - three digits, rounded
    return f"{value:.{digits}f}{units[i]}"


def _needed(rows: Sequence[_Row]) -> list[int]:
    """Find the width that each column needs not to be wrapped."""
    return [max(width("".join(cell).rstrip()) for cell in column) for column in zip(*rows, strict=True)]


def _widths(rows: Sequence[_Row]) -> list[int]:
    """Give each column what it needs, or less where all do not fit."""
    widths = [min(columns, _ROOM) for columns in _needed(rows)]
    parts = [
        max(width(part.rstrip()) for cell in column for part in cell or ("",)) for column in zip(*rows, strict=True)
    ]
    shrinkable = range(len(widths) - _NUMBERS)
    for least in (parts, [_NARROWEST] * len(widths)):  # wrap first, and only then shorten
        while sum(widths) > _ROOM and (loose := [i for i in shrinkable if widths[i] > least[i]]):
            widths[max(loose, key=widths.__getitem__)] -= 1
    return widths


def _lines(row: _Row, widths: Sequence[int]) -> Iterator[str]:
    cells = [_wrapped(cell, columns) for cell, columns in zip(row, widths, strict=True)]
    for i in range(max(map(len, cells))):
        texts = [cell[i] if i < len(cell) else "" for cell in cells]
        yield _GAP.join(_aligned(texts, widths)).rstrip()


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for i, (text, columns) in enumerate(zip(texts, widths, strict=True)):
        yield pad(text, columns) if i < len(widths) - _NUMBERS else text.rjust(columns)


def _wrapped(parts: Sequence[str], columns: int) -> list[str]:
    lines: list[str] = []
    for part in parts:
        text = shorten(part.rstrip(), columns) + " " * part.endswith(" ")
        if lines and width(lines[-1]) + width(text.rstrip()) <= columns:
            lines[-1] += text
        else:
            lines.append(text)
    return [line.rstrip() for line in lines]
