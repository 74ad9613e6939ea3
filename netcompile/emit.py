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
    from google.protobuf.message import Message

    from netcompile.ir import Net

# A number of over 6 digits on a line of its own field; strings are quoted and never match.
_LONG_FLOAT: Final = re.compile(r"^( *\w+: -?)(\d*\.?\d{2,}(?:e[-+]?\d+)?|\d\.\d+(?:e[-+]?\d+)?)$", re.MULTILINE)
_LONG: Final = 8


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
    text = _LONG_FLOAT.sub(_shorten, str(message))
    return text if source is None else f"# Made by netcompile from {_one_line(source)}\n{text}"


def _one_line(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)


def _shorten(match: re.Match[str]) -> str:
    """protobuf prints 9 digits where 6 don't suffice; often 7 or 8 mean the same float."""
    digits = match[2]
    if len(digits) < _LONG or "." not in digits:
        return match[0]
    value: Any = float(digits)
    wanted = pack("f", value)
    for precision in (7, 8):
        short = f"{value:.{precision}g}"
        if pack("f", float(short)) == wanted:
            return match[1] + short
    return match[0]
