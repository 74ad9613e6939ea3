"""Where a layer exists: what `only`, `false` variants and the rules of `include` and `exclude` leave of all targets.

Reports what contradicts itself. Stages and levels are no targets: the rules on them are handed on as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.language.defaults import VARIANTS
from netcompile.language.merge import is_null
from netcompile.language.spec import EVERYWHERE, TARGETS, name_list
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netcompile.language.flow import Rules
    from netcompile.language.variants import Variants
    from netcompile.tree import Node

_ONLY: Final = {"train": "TRAIN", "test": "TEST", "deploy": "DEPLOY"}
_PHASES: Final = frozenset({"TRAIN", "TEST"})
_NEVER: Final[Rules] = frozenset({"never"})  # no layer but one like it continues from such a layer


class Places(NamedTuple):
    """Where a layer exists: its targets, those that `only` leaves (None: all), and its rules on stages and levels.

    `never`: its own rules match nowhere, as Caffe allows, so that it is in the text of the net alone.
    """

    targets: frozenset[str]
    only: frozenset[str] | None
    rules: Rules
    never: bool = False


def read_only(node: Node | None) -> frozenset[str] | None:
    """The targets that `only` names; None where it is not given."""
    if is_null(node):
        return None
    return frozenset(_ONLY[str(name.value)] for name in name_list(node) if str(name.value) in _ONLY)


def intersect(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """What two `only` leave together."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def phase_of(target: str) -> str:
    """The phase in which a target is filtered: deploy runs as TEST."""
    return "TEST" if target == "DEPLOY" else target


def find_places(
    variants: Variants, outer: frozenset[str] | None, refuse: Callable[[Node, str, str | None], None]
) -> Places:
    """Where a layer exists of which block uses leave the targets `outer`. Contradictions are told to `refuse`."""
    return _Finder(variants, refuse).find(outer)


class _Finder:
    def __init__(self, variants: Variants, refuse: Callable[[Node, str, str | None], None]) -> None:
        self.variants = variants
        self.refuse = refuse
        self.only = read_only(variants.base.layer.entries.get("only"))
        self.refused = False
        self.adds_phase = variants.split or self.only is not None
        self.rules: set[object] = set()

    def find(self, outer: frozenset[str] | None) -> Places:
        if outer is not None:
            self.adds_phase = self.adds_phase or not outer >= _PHASES
        wanted = (EVERYWHERE if self.only is None else self.only) - self.variants.absent
        targets = frozenset(target for target in TARGETS if target in wanted and self._admits(target))
        for target in TARGETS:
            self._check_variant(target, targets)
        if not targets and not self.refused and wanted == EVERYWHERE and not self.adds_phase:
            return Places(wanted if outer is None else wanted & outer, outer, _NEVER, never=True)
        if not targets and not self.refused:
            self._refuse(self._place(), "its `only`, `train`, `test`, `deploy` and rules leave it nowhere")
        left = targets if outer is None else targets & outer
        return Places(left, intersect(self.only, outer), frozenset(self.rules - {()}))

    def _refuse(self, node: Node, message: str, hint: str | None = None) -> None:
        self.refused = True
        self.refuse(node, message, hint)

    def _place(self) -> Node:
        keys = self.variants.base.layer.keys
        return next(keys[key] for key in ("only", "include", "exclude", *VARIANTS.values(), "name") if key in keys)

    def _admits(self, target: str) -> bool:
        """Whether the rules of a layer, as it is in a target, keep it there in some state."""
        layer = self.variants.of(target).fields.layer
        include, exclude = layer.entries.get("include"), layer.entries.get("exclude")
        admitted = True
        if not is_null(include):
            admitted = self._included(read_rules(include), target, layer.keys["include"])
        if not is_null(exclude):
            self._check_exclude(target, layer)
            admitted = admitted and self._not_excluded(read_rules(exclude), target)
        return admitted

    def _included(self, rules: Sequence[dict[str, object]], target: str, key: Scalar) -> bool:
        if self.only is not None:
            phases = {phase_of(one) for one in self.only}
            others = sorted({str(rule["phase"]) for rule in rules if rule.get("phase") not in (None, *phases)})
            if others:
                self._refuse(key, f"`include` names {' and '.join(others)}, and `only` leaves the layer out there")
        matching = [rule for rule in rules if rule.get("phase") in (None, phase_of(target))]
        self.rules.update(map(_staged, matching))
        return bool(matching)

    def _not_excluded(self, rules: Sequence[dict[str, object]], target: str) -> bool:
        matching = [_staged(rule) for rule in rules if rule.get("phase") in (None, phase_of(target))]
        self.rules.update(("not", staged) for staged in matching if staged)
        return all(matching)

    def _check_exclude(self, target: str, layer: Mapping) -> None:
        """A phase is added as an `include` rule, and Caffe takes one kind of rules on a layer."""
        if target == "DEPLOY" or not self.adds_phase or not is_null(layer.entries.get("include")):
            return
        what = "`train` or `test`" if self.variants.split else "`only`"
        hint = "say where the layer is with `include`, such as `include: {not_stage: ...}`"
        self._refuse(layer.keys["exclude"], f"`exclude` can't stand beside {what}", hint)

    def _check_variant(self, target: str, targets: frozenset[str]) -> None:
        """A layer's own variant for a target in which the layer is not can't be meant."""
        key = VARIANTS[target]
        written = self.variants.written(target)
        if written is None or target in targets or self.refused:
            return
        where = "deploy" if target == "DEPLOY" else target
        reason = "`only`" if self.only is not None and target not in self.only else "its rules"
        self._refuse(
            self.variants.own.layer.keys[key],
            f"`{key}:` changes the layer in {where}, where {reason} would not have it",
        )


def read_rules(node: Node | None) -> list[dict[str, object]]:
    """Rules as plain values, a phase alone meaning a rule of it."""
    if is_null(node):
        return []
    items = node.items if type(node) is List else [node]
    rules: list[dict[str, object]] = []
    for item in items:
        if type(item) is Scalar:
            rules.append({"phase": item.value})
        elif type(item) is Mapping:
            rules.append({key: _rule_value(key, value) for key, value in item.entries.items()})
    return rules


def _rule_value(key: str, node: Node) -> object:
    if key in ("stage", "not_stage"):
        return tuple(sorted(str(name.value) for name in name_list(node)))
    return node.value if type(node) is Scalar else None


def _staged(rule: dict[str, object]) -> object:
    """What a rule says of stages and levels; an empty tuple for nothing."""
    return tuple(sorted((key, str(value)) for key, value in rule.items() if key != "phase" and value is not None))
