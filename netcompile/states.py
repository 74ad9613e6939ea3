"""Which layers are in a net in a given state: Caffe's include and exclude rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import TEST, TRAIN
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.caffe.caffe_pb2 import LayerParameter, NetStateRule

# A deploy net runs as TEST.
PHASES: Final = {"TRAIN": TRAIN, "TEST": TEST, "DEPLOY": TEST}


class State(NamedTuple):
    """The state of a net: phase "TRAIN", "TEST" or "DEPLOY", a level, and the names of stages."""

    phase: str
    level: int = 0
    stages: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = ["deploy" if self.phase == "DEPLOY" else self.phase]
        if self.level:
            parts.append(f"level {self.level}")
        if self.stages:
            parts.append(f"stage {', '.join(self.stages)}")
        return ", ".join(parts)


def includes(layer: LayerParameter, state: State) -> bool:
    """True where `layer` is in a net of `state`. Both kinds of rules on one layer are refused elsewhere."""
    if layer.include:
        return _any(layer.include, state)
    return not (layer.exclude and _any(layer.exclude, state))


def _any(rules: Iterable[NetStateRule], state: State) -> bool:
    return any(matches(rule, state) for rule in rules)


def matches(rule: NetStateRule, state: State) -> bool:
    """True where every given part of `rule` holds in `state`; an empty rule always does."""
    if rule.HasField("phase") and rule.phase != PHASES[state.phase]:
        return False
    if rule.HasField("min_level") and state.level < rule.min_level:
        return False
    if rule.HasField("max_level") and state.level > rule.max_level:
        return False
    return all(stage in state.stages for stage in rule.stage) and not any(s in state.stages for s in rule.not_stage)
