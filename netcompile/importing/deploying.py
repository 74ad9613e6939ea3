"""What a spec must say so that its deploy net becomes a given one: inputs, outputs, and which losses and dropouts stay out.

Only reads the two nets. What can't be said is left to be seen when the derived net is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.deploy import CONVERSIONS
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


def split_inputs(net: Any) -> Any:
    """The net with an input layer for each input, as a spec's deploy net has them."""
    split = type(net)()
    split.CopyFrom(net)
    split.ClearField("layer")
    for layer in net.layer:
        if layer.type != "Input" or len(layer.top) != len(layer.input_param.shape):
            split.layer.add().CopyFrom(layer)
            continue
        for top, shape in zip(layer.top, layer.input_param.shape, strict=True):
            split.layer.add(name=top, type="Input", top=[top]).input_param.shape.add().CopyFrom(shape)
    return split


class _Planner:
    def __init__(self, net: Any, given: Any) -> None:
        state = State("DEPLOY", 0, tuple(net.state.stage))
        self.layers = [(i, layer) for i, layer in enumerate(net.layer) if includes(layer, state)]
        self.given = [layer for layer in given.layer if includes(layer, State("DEPLOY", 0, tuple(given.state.stage)))]
        self.marks: dict[int, Data] = {}
        self.outputs: list[str] = []  # that the losses give

    def plan(self) -> DeployPlan:
        for index, layer in self.layers:
            if layer.type in CONVERSIONS:
                self._convert(index, layer)
            elif _is_loss(layer):
                self._keep_or_drop(index, layer)
            elif layer.type == "Dropout" and list(layer.bottom) == list(layer.top):
                self._drop_unless_given(index, layer)
        section: dict[str, Data] = {}
        inputs = self._inputs()
        if inputs:
            section["inputs"] = inputs
        wanted = _outputs(self.given)
        if set(wanted) != set(self.outputs):
            made = {top for index, layer in self.layers if self.marks.get(index) != _OUT for top in layer.top}
            known = [scalars.text(name) for name in wanted if name in made or name in self.outputs]
            if known:
                section["outputs"] = known[0] if len(known) == 1 else list(known)
        return DeployPlan(section, self.marks)

    def _convert(self, index: int, loss: Any) -> None:
        """A loss that becomes probabilities: under the name that they have in the given net, or left out."""
        wanted = CONVERSIONS[loss.type]
        found = [one for one in self.given if one.type == wanted and list(one.bottom) == list(loss.bottom[:1]) and one.top]
        if not found or found[0].top[0] in self.outputs:
            self.marks[index] = _OUT
            return
        top = found[0].top[0]
        self.outputs.append(top)
        if top != _PROB:
            self.marks[index] = {"top": scalars.text(top)}

    def _keep_or_drop(self, index: int, loss: Any) -> None:
        """Another loss gives what it is taken of, where that is an output of the given net."""
        bottoms = list(loss.bottom[: 2 if loss.type == "ContrastiveLoss" else 1])
        if set(bottoms) <= set(_outputs(self.given)):
            self.outputs += bottoms
        else:
            self.marks[index] = _OUT

    def _drop_unless_given(self, index: int, layer: Any) -> None:
        if all(one.name != layer.name for one in self.given):
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
