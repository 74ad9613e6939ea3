"""A net to a NetParameter, and messages to prototxt text.

The text is what protobuf prints, with the shortest decimals that mean the same float; nothing is written by templates.
"""

from __future__ import annotations

import re
from struct import pack
from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.states import State, includes

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from netcompile.ir import Net

# A number of 8 characters or more that ends its line. Strings are quoted, so none ends that way.
_LONG_NUMBER: Final = re.compile(r": (-?[\d.]{8,}(?:e[-+]?\d+)?)\n")


def emit(net: Net) -> NetParameter:
    """The whole net with the rules that put its layers into their phases."""
    message = NetParameter()
    message.CopyFrom(net.header)
    message.layer.extend([layer.message for layer in net.layers])
    return message


def emit_phase(net: Net, phase: str) -> NetParameter:
    """The net of one phase, "TRAIN" or "TEST", as Caffe filters it; the rules are gone."""
    message = NetParameter()
    message.CopyFrom(net.header)
    state = State(phase, 0, tuple(net.header.state.stage))
    message.layer.extend([layer.message for layer in net.layers if includes(layer.message, state)])
    for layer in message.layer:
        layer.ClearField("include")
        layer.ClearField("exclude")
    return message


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
