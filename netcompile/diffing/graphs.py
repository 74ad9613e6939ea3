"""The graphs of a net that is given as a message, whether or not Caffe would build it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.checked_states import build, build_phases
from netcompile.ir import Layer, Net, given_fields
from netcompile.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.forks.read import Fork
    from netcompile.ir import Graph


def graphs_of_net(
    net: Any, *, phase: str | None = None, level: int = 0, stages: Sequence[str] = (), fork: Fork | None = None
) -> dict[str, Graph]:
    """The graph of a net in the current format in one phase, or in both; `fork` is whose message it is."""
    whole = Net(net, [Layer(layer, given_fields(layer), custom=True) for layer in net.layer])
    read = fork.net_for_rules(whole) if fork else whole
    if phase is not None:
        return {phase: build(read, State(phase, level, (*net.state.stage, *stages))).graph}
    return {one: built.graph for one, built in build_phases(read, level=level, stages=stages).items()}
