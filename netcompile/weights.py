"""Which layers of a net can't take the weights of another net: Caffe copies them by the names of layers.

A layer takes the blobs of each layer of its name, and aborts where their number or their shapes differ. Knows graphs,
not what the nets are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers import LAYER_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.ir import Graph, GraphLayer
    from netcompile.shapes import Shape


def misfits(source: Graph, target: Graph) -> Iterator[tuple[GraphLayer, GraphLayer]]:
    """Each layer of `source` whose blobs the first layer of its name in `target` refuses, with that one."""
    takers: dict[str, GraphLayer] = {}
    for one in target.layers:
        takers.setdefault(one.layer.message.name, one)
    for one in source.layers:
        taker = takers.get(one.layer.message.name)
        if taker is not None and differ(one.blobs, taker.blobs):
            yield one, taker


def differ(ours: Sequence[Shape | None] | None, theirs: Sequence[Shape | None] | None) -> bool:
    """Whether learned blobs differ in number or shape, as far as that is known."""
    if ours is theirs or ours is None or theirs is None:  # layers that are alike share what was derived
        return False
    if len(ours) != len(theirs):
        return True
    return any(a is not None and b is not None and a.differs(b) for a, b in zip(ours, theirs, strict=True))


def other_field(source: GraphLayer, target: GraphLayer) -> str | None:
    """The path of the type, or of the first field of its own, in which one layer differs from another."""
    ours, theirs = target.layer.message, source.layer.message
    if ours.type != theirs.type:
        return "type"
    kind = LAYER_TYPES.get(ours.type)
    for block in kind.params if kind else ():
        before, after = getattr(theirs, block), getattr(ours, block)
        for field, value in after.ListFields():
            if field.message_type is None and getattr(before, field.name) != value:
                return f"{block}.{field.name}"
    return None


def blobs_in_words(shapes: Sequence[Shape | None] | None) -> str:
    """Learned blobs as a message names them: `the learned blobs 10x3 and 10`."""
    if not shapes:
        return "no learned blobs"
    noun = "the learned blob" if len(shapes) == 1 else "the learned blobs"
    return f"{noun} {' and '.join('?' if shape is None else str(shape) for shape in shapes)}"
