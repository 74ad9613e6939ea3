"""How much references bring in: a bound on what a short text can expand to.

A value that stands for many others is one node, however often it is referred to; only what reads it would grow. So its
size is worked out here, part by part and each part once, before anything walks through it.
"""

from __future__ import annotations

from typing import Any, Final

from netcompile.tree import List, Mapping, Node, Scalar, plain

MAX_VALUES: Final = 2_000_000
MAX_DEPTH: Final = 100
_TEXT: Final = 64  # characters that count as one value


class Bounds:
    """What the references of one document have brought in so far."""

    __slots__ = ("_plain", "_total", "_weights")

    def __init__(self) -> None:
        self._total = 0
        # By identity, with the node, which is kept so that its identity stays its own.
        self._weights: dict[int, tuple[Node, int, int]] = {}
        self._plain: dict[int, tuple[Node, Any]] = {}

    @property
    def exceeded(self) -> bool:
        """Whether references have brought in more than is allowed, so that nothing more will be."""
        return self._total > MAX_VALUES

    def refusal(self, node: Node) -> str | None:
        """Count a value that a reference brings in. The reason where it is too much; empty where that was said."""
        size, depth = self._weigh(node)
        if depth > MAX_DEPTH:
            return f"the value is nested more than {MAX_DEPTH} levels deep"
        if size <= 1:
            return None
        before = self._total
        self._total += size
        if self._total <= MAX_VALUES:
            return None
        return f"variables expand to more than {MAX_VALUES:,} values" if before <= MAX_VALUES else ""

    def plain(self, node: Node) -> Any:
        """The plain value of a node, made once: an expression may ask for one entry of a long list many times."""
        if type(node) is Scalar:
            return node.value
        known = self._plain.get(id(node))
        if known is None:
            known = self._plain[id(node)] = (node, plain(node))
        return known[1]

    def _weigh(self, node: Node) -> tuple[int, int]:
        """The number of values in a node, and how deep they are nested."""
        if type(node) is Scalar:
            return (1 + len(node.value) // _TEXT if type(node.value) is str else 1), 0
        known = self._weights.get(id(node))
        if known is not None:
            return known[1:]
        size, depth = 1, 0
        for child in _children(node):
            child_size, child_depth = self._weigh(child)
            size += child_size
            depth = max(depth, child_depth)
        self._weights[id(node)] = (node, size, depth + 1)
        return size, depth + 1


def _children(node: Node) -> list[Node]:
    if type(node) is List:
        return node.items
    assert type(node) is Mapping
    return list(node.entries.values())
