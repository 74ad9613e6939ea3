"""Implied bottoms: which blob a layer continues from where its spec does not say.

One `Flow` follows one list of layers; a block has a flow of its own, that starts from the bottom of its use.
Knows names and where layers exist, nothing of shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Tops: TypeAlias = "Mapping[str, str]"  # of each target, the blob to continue from
Rules: TypeAlias = "frozenset[object]"  # stage and level rules; empty for none


class NoBottom(Exception):  # noqa: N818 - an answer, not a fault of the flow
    """There is no bottom to imply; the message says why."""


class Placed(NamedTuple):
    """A layer, or a block use, that later layers may continue from."""

    order: int
    tops: Tops
    targets: frozenset[str]
    rules: Rules
    source: bool
    follows_source: bool
    name: str


class Flow:
    """The layers of one list so far, as far as later layers may continue from them."""

    __slots__ = ("_entry", "_last", "_latest", "_order", "_previous")

    def __init__(self, entry: Callable[[frozenset[str], Rules], Tops] | None = None) -> None:
        self._entry = entry
        self._latest: dict[tuple[frozenset[str], Rules], Placed] = {}
        self._last: Placed | None = None
        self._order = 0

    def place(self, name: str, tops: Tops, targets: frozenset[str], rules: Rules, *, source: bool) -> None:
        """Add a layer with tops. `source`: it has no bottoms."""
        last = self._last
        follows = source and last is not None and last.source and not last.targets.isdisjoint(targets)
        self._order += 1
        self._last = Placed(self._order, tops, targets, rules, source, follows, name)
        self._latest[targets, rules] = self._last

    def bottom(self, targets: frozenset[str], rules: Rules) -> Tops:
        """The blob that a layer which exists in `targets`, under `rules`, continues from. Raises NoBottom."""
        placed = self._nearest(targets, rules)
        if placed is None:
            if self._entry is not None:
                return self._entry(targets, rules)
            raise NoBottom("no layer with tops before it exists wherever it does")
        if placed.follows_source:
            raise NoBottom("two layers without bottoms come right before it")
        return placed.tops

    def _nearest(self, targets: frozenset[str], rules: Rules) -> Placed | None:
        last = self._last
        if last is not None and last.targets >= targets and (not last.rules or last.rules == rules):
            return last
        fitting = [
            placed
            for placed in self._latest.values()
            if placed.targets >= targets and (not placed.rules or placed.rules == rules)
        ]
        return max(fitting, key=lambda placed: placed.order, default=None)
