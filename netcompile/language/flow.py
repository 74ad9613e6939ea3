"""Implied bottoms: which blob a layer continues from where its spec does not say.

One `Flow` follows one list of layers; a block has a flow of its own, that starts from the bottom of its use.
Knows names and where layers exist, nothing of shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Tops: TypeAlias = "Mapping[str, str]"  # of each target, the blob to continue from
Rules: TypeAlias = "frozenset[object]"  # stage and level rules; empty for none

_NO_RULES: Final[Rules] = frozenset()


class NoBottom(Exception):  # noqa: N818 - an answer, not a fault of the flow
    """There is no bottom to imply; the message says why. `lost`: what comes before could not be read."""

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


class Placed(NamedTuple):
    """A layer, or a block use, that later layers may continue from.

    `source`: it has no bottoms. `after_source`: nor has the one before it, so that nothing continues unasked.
    """

    order: int
    name: str
    tops: Tops
    targets: frozenset[str]
    rules: Rules
    source: bool
    after_source: bool


class Flow:
    """The layers of one list so far, as far as later layers may continue from them."""

    __slots__ = ("_entry", "_last", "_latest", "_lost", "_order")

    def __init__(self, entry: Callable[[frozenset[str], Rules], Tops] | None = None) -> None:
        self._entry = entry
        self._latest: dict[Rules, dict[frozenset[str], Placed]] = {}
        self._last: Placed | None = None
        self._order = 0
        self._lost = 0

    def place(
        self,
        name: str,
        tops: Tops,
        targets: frozenset[str],
        rules: Rules,
        source: bool,  # noqa: FBT001 - passed for every layer, and keywords cost time
        after_source: bool = False,  # noqa: FBT001, FBT002 - likewise
    ) -> None:
        """Add a layer with tops."""
        last = self._last
        after = after_source or (source and last is not None and last.source and not last.targets.isdisjoint(targets))
        self._order += 1
        self._last = Placed(self._order, name, tops, targets, rules, source, after)
        self._latest.setdefault(rules, {})[targets] = self._last

    def lose(self) -> None:
        """Note that an item could not be read here: what comes next may continue from it."""
        self._order += 1
        self._lost = self._order

    def bottom(self, targets: frozenset[str], rules: Rules) -> Tops:
        """The blob that a layer which exists in `targets`, under `rules`, continues from. Raises NoBottom."""
        placed = self.nearest(targets, rules)
        if self.lost_since(placed):
            raise NoBottom("an item before it could not be read", lost=True)
        if placed is None:
            if self._entry is not None:
                return self._entry(targets, rules)
            raise NoBottom(self._why_not(targets))
        if placed.after_source:
            raise NoBottom(f"'{placed.name}' and the layer before it both have no bottoms")
        return placed.tops

    def nearest(self, targets: frozenset[str], rules: Rules) -> Placed | None:
        """The last layer that exists wherever one in `targets`, under `rules`, does."""
        last = self._last
        if last is not None and last.targets >= targets and (not last.rules or last.rules == rules):
            return last
        shared = [self._latest.get(one, {}) for one in {rules, _NO_RULES}]
        fitting = [placed for group in shared for placed in group.values() if placed.targets >= targets]
        return max(fitting, key=lambda placed: placed.order, default=None)

    def lost_since(self, placed: Placed | None) -> bool:
        """Whether an item behind `placed` could not be read."""
        return self._lost > (0 if placed is None else placed.order)

    def _why_not(self, targets: frozenset[str]) -> str:
        last = self._last
        if last is None:
            return "no layer with tops stands before it"
        missing = [target for target in ("TRAIN", "TEST", "DEPLOY") if target in targets - last.targets]
        if not missing:
            return f"'{last.name}' before it is under a stage or level rule that this layer does not share"
        where = " and ".join("deploy" if target == "DEPLOY" else target for target in missing)
        return f"'{last.name}' before it does not exist in {where}, where this layer does"
