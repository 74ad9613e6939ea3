"""A net as Graphviz text: layers as boxes, blobs with their shapes on the edges between them.

Each target is drawn in a frame of its own. A layer that works in place shares the box of the layer that made the blob,
below it; a layer with include or exclude rules has a dashed box; a blob that nobody reads ends in its name. Pure
functions: nothing here prints, nor runs Graphviz.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.terminal import printable
from netcompile.views.net import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netcompile.ir import Graph, GraphLayer
    from netcompile.shapes import Shape

_FRAMES: Final = {"TRAIN": "#1f5fa8", "TEST": "#2e7d32", "DEPLOY": "#8a4b08"}
_SOURCE: Final = "#dcdcdc"  # no bottoms: data, inputs
_LEARNED: Final = "#cfe2f3"
_ENDING: Final = "#f9dcc4"  # nothing reads its tops: losses, accuracies
_PLAIN: Final = "#ffffff"


def to_dot(name: str, graphs: Mapping[str, Graph]) -> str:
    """Make what `show --format dot` writes: a digraph with a cluster for each target in `graphs`."""
    lines = [
        f"digraph {_quoted(name or 'net')} {{",
        '  graph [fontname="Helvetica", labeljust=l];',
        '  node [fontname="Helvetica", fontsize=11, shape=box, style="filled,rounded"];',
        '  edge [fontname="Helvetica", fontsize=9, arrowsize=0.7];',
    ]
    for i, (target, graph) in enumerate(graphs.items()):
        color = _FRAMES[target]
        title = ", ".join([f"{name}: {target}" if name else target, *graph.stages])
        lines.append(f"  subgraph cluster_{i} {{")
        lines.append(f"    label={_quoted(title)}; color={_quoted(color)}; fontcolor={_quoted(color)};")
        lines.append(f"    node [color={_quoted(color)}]; edge [color={_quoted(color)}];")
        lines.extend(f"    {line}" for line in _Drawing(graph, f"t{i}").lines())
        lines.append("  }")
    return "\n".join((*lines, "}", ""))


class _Box:
    """One box: a layer, and below it those that work in place on its top."""

    __slots__ = ("id", "layers", "read")

    def __init__(self, box_id: str) -> None:
        self.id = box_id
        self.layers: list[GraphLayer] = []
        self.read = False


class _Drawing:
    """Boxes and edges of one graph. `prefix` keeps ids apart."""

    def __init__(self, graph: Graph, prefix: str) -> None:
        self.graph = graph
        self.prefix = prefix
        self.boxes: list[_Box] = []
        self.edges: list[str] = []
        self.makers: dict[str, tuple[_Box, Shape | None]] = {}  # of each blob, the box that last wrote it
        self.unread: dict[str, None] = {}

    def lines(self) -> Iterator[str]:
        for one in self.graph.layers:
            self._add(one)
        for box in self.boxes:
            yield self._box(box)
        yield from self.edges
        for i, name in enumerate(self.unread):
            box, shape = self.makers[name]
            end = f"{self.prefix}_out{i}"
            yield f"{end} [shape=plaintext, style=solid, label={_label(name, shape_text(shape))}];"
            yield f"{box.id} -> {end};"

    def _add(self, one: GraphLayer) -> None:
        message = one.layer.message
        box = self._shared_box(one)
        if box is None:
            box = _Box(f"{self.prefix}_n{len(self.boxes)}")
            self.boxes.append(box)
            for name in message.bottom:
                self._edge(name, box)
        box.layers.append(one)
        for name, shape in zip(message.top, one.tops, strict=True):
            self.makers[name] = box, shape
            self.unread[name] = None

    def _shared_box(self, one: GraphLayer) -> _Box | None:
        """Find the box of the layer on whose only top `one` works in place."""
        message = one.layer.message
        if (
            len(message.bottom) != 1
            or list(message.bottom) != list(message.top)
            or message.bottom[0] not in self.makers
        ):
            return None
        box = self.makers[message.bottom[0]][0]
        return box if len(box.layers[0].layer.message.top) == 1 else None

    def _edge(self, name: str, to: _Box) -> None:
        if name not in self.makers:
            return
        box, shape = self.makers[name]
        box.read = True
        self.unread.pop(name, None)
        own = box.layers[0].layer.message.name
        label = _label(shape_text(shape)) if name == own else _label(name, shape_text(shape))
        self.edges.append(f"{box.id} -> {to.id} [label={label}];")

    def _box(self, box: _Box) -> str:
        first = box.layers[0].layer.message
        label = _label(*(f"{one.layer.message.name}: {one.layer.message.type}" for one in box.layers))
        dashed = ', style="filled,rounded,dashed"' if first.include or first.exclude else ""
        return f"{box.id} [label={label}, fillcolor={_quoted(_fill(box))}{dashed}];"


def _fill(box: _Box) -> str:
    first = box.layers[0]
    if not first.layer.message.bottom:
        return _SOURCE
    if not box.read:
        return _ENDING
    return _LEARNED if any(one.blobs for one in box.layers) else _PLAIN


def _label(*lines: str) -> str:
    joined = "\\n".join(map(_escaped, lines))
    return f'"{joined}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Escape text for quotes: Graphviz reads a backslash as the start of an escape."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')
