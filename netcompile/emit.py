"""A net to a NetParameter, and messages to prototxt text.

The text is what protobuf prints, with the shortest decimals that mean the same float; nothing is written by templates.
"""

from __future__ import annotations

import re
from struct import pack
from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.states import State, includes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.ir import Net

_INPUT_DIMS: Final = 4  # numbers that one input has in `input_dim`
# A number of 8 characters or more that ends its line. Strings are quoted, so none ends that way.
_LONG_NUMBER: Final = re.compile(r": (-?[\d.]{8,}(?:e[-+]?\d+)?)\n")


def emit(net: Net) -> NetParameter:
    """The whole net with the rules that put its layers into their phases."""
    return _whole(net.header, [layer.message for layer in net.layers])


def emit_phase(net: Net, phase: str) -> NetParameter:
    """The net of one phase, "TRAIN" or "TEST", as Caffe filters it; the rules are gone."""
    state = State(phase, 0, tuple(net.header.state.stage))
    message = _whole(net.header, [layer.message for layer in net.layers if includes(layer.message, state)])
    for layer in message.layer:
        layer.ClearField("include")
        layer.ClearField("exclude")
    return message


def _whole(header: NetParameter, layers: Iterable[LayerParameter]) -> NetParameter:
    """A net of the class of its header: that of a fork, where the layers are the fork's too."""
    message = type(header)()
    message.CopyFrom(header)
    if isinstance(message, NetParameter):
        message.layer.extend(layers)
        return message
    for layer in layers:
        if layer.DESCRIPTOR.file is header.DESCRIPTOR.file:
            message.layer.append(layer)
        else:
            _add_input(layer, message)
    return message


def _add_input(layer: LayerParameter, net: Any) -> None:
    """Add an Input that deploy has put in, as the net of a fork has inputs: some forks are older than the type."""
    shape = layer.input_param.shape[0]
    if "input_param" in net.layer.add().DESCRIPTOR.fields_by_name:
        net.layer[-1].MergeFrom(type(net.layer[-1])(name=layer.name, type="Input", top=layer.top))
        net.layer[-1].input_param.shape.add().dim.extend(shape.dim)
        return
    del net.layer[-1]
    net.input.append(layer.top[0])
    if "input_shape" in net.DESCRIPTOR.fields_by_name:
        net.input_shape.add().dim.extend(shape.dim)
    else:
        net.input_dim.extend([*shape.dim, *[1] * (_INPUT_DIMS - len(shape.dim))])


def to_text(message: Message, source: str | None = None) -> str:
    """Prototxt. `source` is named in a header comment."""
    text = _LONG_NUMBER.sub(_shorten, str(message))
    return text if source is None else f"# Made by netcompile from {_one_line(source)}\n{text}"


def _one_line(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)


def _shorten(match: re.Match[str]) -> str:
    """Protobuf prints 9 digits where 6 don't suffice; often 7 or 8 mean the same float."""
    digits = match[1]
    if "." not in digits:
        return match[0]
    value = float(digits)
    wanted = pack("f", value)
    for precision in (7, 8):
        short = f"{value:.{precision}g}"
        if pack("f", float(short)) == wanted:
            return f": {short}\n"
    return match[0]
