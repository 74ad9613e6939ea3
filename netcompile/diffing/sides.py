"""One of two nets to compare: its layers, its graphs, and why Caffe would not build it.

Inputs are told by the blobs that they make, which is all that a caller knows of them: each becomes a layer of its own,
named after its blob. Takes nets as messages or as layers; knows no files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.checked_states import Built, build, build_phases
from netcompile.ir import Layer, Net, given_fields
from netcompile.records import NamedTuple
from netcompile.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netcompile.forks.read import Fork
    from netcompile.ir import Graph, GraphLayer


class NetSide(NamedTuple):
    """One of the nets: the name that it goes by, its own fields, all its layers, and its graphs by phase.

    `net` is what the graphs are made of. `problems` says what Caffe would refuse, so that shapes are not known.
    """

    name: str
    header: Any
    layers: Sequence[Any]
    net: Net
    graphs: Mapping[str, Graph]
    problems: Sequence[str] = ()


class Wanted(NamedTuple):
    """The states that nets are compared in: in one phase or, with None, in TRAIN and TEST; at a level, with stages."""

    phase: str | None = None
    level: int = 0
    stages: Sequence[str] = ()


def side_of_message(name: str, message: Any, wanted: Wanted, fork: Fork | None = None) -> NetSide:
    """The side of a net that is given as a message in the current format, whether or not Caffe would build it."""
    layers = [Layer(layer, given_fields(layer), custom=True) for layer in message.layer]
    return side_of_net(name, Net(message, layers), wanted, fork)


def side_of_net(name: str, net: Net, wanted: Wanted, fork: Fork | None = None) -> NetSide:
    """The side of a net; `fork` is whose messages it has."""
    net = Net(net.header, list(_single_inputs(net.layers)))
    read = fork.net_for_rules(net) if fork else net
    phase, level, stages = wanted
    if phase is None:
        built = build_phases(read, level=level, stages=stages)
    else:
        built = {phase: build(read, State(phase, level, (*read.header.state.stage, *stages)))}
    graphs = {one: found.graph for one, found in built.items()}
    problems = dict.fromkeys(text for one in built.values() for text in _problems(one))
    return NetSide(name, net.header, [layer.message for layer in net.layers], read, graphs, list(problems))


def _problems(built: Built) -> Iterator[str]:
    """What Caffe would refuse of the layers whose shapes are not known for it, in a state that the net has data in."""
    layers = built.graph.layers
    if any(not one.layer.message.bottom for one in layers):
        named = tuple(_named(one) for i, one in enumerate(layers) if _lacks_shapes(built.graph, i))
        yield from (found.message for found in built.findings.ordered() if found.message.startswith(named))


def _lacks_shapes(graph: Graph, index: int) -> bool:
    """True for a layer that Caffe knows and that has no shapes, or not all for a bottom that nothing makes."""
    one = graph.layers[index]
    if one.kind is None:
        return False
    return one.blobs is None or (
        None in graph.reads[index] and any(shape is None or not shape.known for shape in one.tops)
    )


def is_refused(one: GraphLayer, problems: Sequence[str]) -> bool:
    """True for a layer that some of its net's problems are about."""
    return any(text.startswith(_named(one)) for text in problems)


def _named(one: GraphLayer) -> str:
    """How findings name a layer."""
    message: Any = one.layer.message
    return f"{message.type} '{message.name}': " if message.name else f"{message.type} layer: "


def _single_inputs(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        message: Any = layer.message
        if message.type != "Input" or not message.top or "input_param" not in message.DESCRIPTOR.fields_by_name:
            yield layer
        elif len(message.input_param.shape) in (0, 1, len(message.top)):
            yield from (layer._replace(message=_input(message, i)) for i in range(len(message.top)))
        else:
            yield layer


def _input(layer: Any, i: int) -> Any:
    """The layer of input `i` alone; a single shape is that of all."""
    one = type(layer)()
    one.CopyFrom(layer)
    one.name = layer.top[i]
    one.top[:] = [layer.top[i]]
    shapes = layer.input_param.shape
    if len(shapes) > 1:
        one.input_param.shape[0].CopyFrom(shapes[i])
        del one.input_param.shape[1:]
    return one
