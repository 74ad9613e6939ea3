"""The stages in order, and the entries of the API. Straight-line code: nothing here decides what a spec or a net means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.diagnostics import CompileError, Report
from netcompile.infer import infer
from netcompile.ir import Layer, Net
from netcompile.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message

    from netcompile.ir import Graph
    from netcompile.shapes import Shape

def analyze(
    net: Message | str,
    phase: str = "TRAIN",
    stages: Iterable[str] = (),
    level: int = 0,
    top_shapes: Mapping[str, Sequence[int | None]] | None = None,
) -> Graph:
    report = Report()
    from google.protobuf import text_format
    if isinstance(net, str):
        try:
            message = text_format.Parse(net, NetParameter())
        except text_format.ParseError as e:
            report.add("syntax", None, str(e))
            raise CompileError(report)
    else:
        message = net
    state = State(phase, level, (*message.state.stage, *stages))
    graph = infer(Net(message, [Layer(l) for l in message.layer]), state, report)
    if report.failed:
        raise CompileError(report.ordered())
    return graph
