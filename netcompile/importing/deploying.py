"""What a spec must say so that its deploy net becomes a given one: inputs, outputs, and what to leave out.

Only reads the two nets. What can't be said is left to be seen when the derived net is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.deploying.losses import CONVERSIONS
from netcompile.importing import scalars
from netcompile.layers import LAYER_TYPES
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.importing.layout import Data

_OUT: Final = "false"
_PROB: Final = "prob"


class DeployPlan(NamedTuple):
    """The `deploy` section, and the `deploy` key of single layers by their index in the net."""

    section: dict[str, Data]
    layers: dict[int, Data]


def plan_deploy(net: Any, given: Any) -> DeployPlan:
    """Plan how `given`, a deploy net, comes out of `net`; both in the current format."""
    return _Planner(net, given).plan()


class _Planner:
    def __init__(self, net: Any, given: Any) -> None:
        state = State("DEPLOY", 0, tuple(net.state.stage))
        self.layers = [(i, layer) for i, layer in enumerate(net.layer) if includes(layer, state)]
        self.given = [layer for layer in given.layer if includes(layer, State("DEPLOY", 0, tuple(given.state.stage)))]
        self.wanted = _outputs(self.given)
        self.marks: dict[int, Data] = {}
        self.starts: dict[str, str] = {}  # the outputs that the losses give, each with the blob that it is taken of

    def plan(self) -> DeployPlan:
        for index, layer in self.layers:
            if layer.type in CONVERSIONS:
                self._convert(index, layer)
            elif _is_loss(layer):
                self._keep_or_leave_out(index, layer)
        section: dict[str, Data] = {}
        inputs = self._inputs()
        if inputs:
            section["inputs"] = inputs
        if set(self.wanted) != set(self.starts):
            outputs = self._named_outputs()
            if outputs:
                section["outputs"] = outputs[0] if len(outputs) == 1 else outputs
            if _PROB not in outputs:
                self.marks = {index: mark for index, mark in self.marks.items() if mark != _OUT}
        self._leave_out_dropouts()
        return DeployPlan(section, self.marks)

    def _convert(self, index: int, loss: Any) -> None:
        """A loss that becomes probabilities: under the name that they have in the given net, or left out."""
        kind = CONVERSIONS[loss.type]
        tops = [one.top[0] for one in self.given if one.type == kind and one.bottom[:1] == loss.bottom[:1] and one.top]
        if not tops or tops[0] in self.starts:
            self.marks[index] = _OUT
            return
        self.starts[tops[0]] = loss.bottom[0]
        if tops[0] != _PROB:
            self.marks[index] = {"top": scalars.text(tops[0])}

    def _keep_or_leave_out(self, index: int, loss: Any) -> None:
        """Another loss gives what it is taken of, where that is an output of the given net."""
        bottoms = list(loss.bottom[: 2 if loss.type == "ContrastiveLoss" else 1])
        if set(bottoms) <= set(self.wanted):
            self.starts.update(zip(bottoms, bottoms, strict=True))
        else:
            self.marks[index] = _OUT

    def _named_outputs(self) -> list[Data]:
        """The outputs of the given net that the net has as well."""
        made = {top for index, layer in self.layers if index not in self.marks for top in layer.top}
        named = [name for name in self.wanted if name in made or name in self.starts]
        self.starts = {name: self.starts.get(name, name) for name in named} or self.starts
        return [scalars.text(name) for name in named]

    def _leave_out_dropouts(self) -> None:
        """Dropout does nothing in deploy: where the given net has none, nor does this one, as far as it is needed."""
        names = {layer.name for layer in self.given}
        needed = set(self.starts.values())
        for index, layer in reversed(self.layers):
            if index in self.marks or needed.isdisjoint(layer.top):
                continue
            needed.update(layer.bottom)
            if layer.type == "Dropout" and layer.name not in names and list(layer.bottom) == list(layer.top):
                self.marks[index] = _OUT

    def _inputs(self) -> dict[str, Data]:
        """The shapes of the given net's inputs, as far as the net has these blobs and other shapes."""
        shapes = _input_shapes(self.given)
        own = _input_shapes([layer for _, layer in self.layers])
        made = {top for _, layer in self.layers for top in layer.top}
        return {
            scalars.text(top): [str(dim) for dim in dims]
            for top, dims in shapes.items()
            if top in made and own.get(top) != dims
        }


def _input_shapes(layers: Sequence[Any]) -> dict[str, list[int]]:
    """The shapes of the inputs; a single shape is that of all tops."""
    shapes = {}
    for layer in layers:
        given = layer.input_param.shape if layer.type == "Input" else ()
        for i, top in enumerate(layer.top if given else ()):
            shapes[top] = list(given[min(i, len(given) - 1)].dim)
    return shapes


def _outputs(layers: Sequence[Any]) -> list[str]:
    """The blobs that nothing reads, in their order."""
    unread: dict[str, None] = {}
    for layer in layers:
        for bottom in layer.bottom:
            unread.pop(bottom, None)
        unread.update(dict.fromkeys(layer.top))
    return list(unread)


def _is_loss(layer: Any) -> bool:
    kind = LAYER_TYPES.get(layer.type)
    return any(layer.loss_weight) if layer.loss_weight else kind is not None and kind.loss
