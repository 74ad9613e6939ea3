"""Nets that are prototxt or messages, as the API takes them: analysed in a state, or upgraded.

Straight-line code like `compiler`: what a net means stands elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.compiler import collector_off
from netcompile.diagnostics import CompileError, Report, did_you_mean
from netcompile.infer import infer
from netcompile.ir import Layer, Net, given_fields
from netcompile.net_files import read_net
from netcompile.old_formats import upgrade_net
from netcompile.prototxt import read_prototxt
from netcompile.shapes import Shape
from netcompile.states import State
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message

    from netcompile.forks.read import Fork
    from netcompile.ir import Graph


def analyze(
    net: Message | str,
    phase: str = "TRAIN",
    stages: Iterable[str] = (),
    level: int = 0,
    top_shapes: Mapping[str, Sequence[int | None]] | None = None,
    *,
    allow_custom_layers: bool = False,
    caffe_pb2: Any = None,
) -> Graph:
    """The graph of a net in one state: a NetParameter, which is not modified, or prototxt text.

    `top_shapes` gives shapes of blobs that no rule derives, by name, with None for an unknown dim. `caffe_pb2` is a
    fork's generated module, or its path, that text is read with; a message tells by itself whose it is. Raises
    CompileError exactly where Caffe refuses the net at construction; ValueError for a state or shapes that are none,
    and for the shape of a blob that no layer makes in any state.
    """
    state = _state(phase, stages, level)
    declared = _declared(top_shapes or {})
    with collector_off():
        report = Report()
        read = _net_of(net, report, caffe_pb2, allow_custom=allow_custom_layers)
        if read is not None and not report.failed:
            if declared:
                _check_names(declared, read)
                read = Net(read.header, [layer._replace(declared=declared) for layer in read.layers])
            graph = infer(read, state._replace(stages=(*read.header.state.stage, *state.stages)), report)
        if report.failed:
            raise CompileError(report.ordered())
        return graph


def _state(phase: str, stages: Iterable[str], level: int) -> State:
    if phase not in ("TRAIN", "TEST"):
        raise ValueError(f"phase is {phase!r}; it is 'TRAIN' or 'TEST'")
    if isinstance(stages, str):
        raise ValueError(f"stages is {stages!r}; it is a list or tuple of names: ({stages!r},)")  # noqa: TRY004 - as for the phase
    if type(level) is not int:
        raise ValueError(f"level is {level!r}; it is a whole number")
    return State(phase, level, tuple(stages))


def _declared(top_shapes: Mapping[str, Sequence[int | None]]) -> dict[str, Shape]:
    for name, dims in top_shapes.items():
        if not all(dim is None or (isinstance(dim, int) and dim >= 0) for dim in dims):
            raise ValueError(
                f"the shape of {name!r} is {dims!r}; its dims are whole numbers from 0, or None for unknown"
            )
    return {name: Shape.of(dims) for name, dims in top_shapes.items()}


def _check_names(declared: Mapping[str, Shape], net: Net) -> None:
    made = {top for layer in net.layers for top in layer.message.top}
    unknown = [name for name in declared if name not in made]
    if unknown:
        meant = did_you_mean(unknown[0], made)
        raise ValueError(
            f"top_shapes names {unknown[0]!r}, which no layer makes" + (f"; did you mean {meant!r}?" if meant else "")
        )


def _net_of(net: Message | str, report: Report, caffe_pb2: Any, *, allow_custom: bool) -> Net | None:
    """A net from prototxt text or a message of any pool, in the current format and in our messages."""
    if isinstance(net, str):
        return read_net(Source("<prototxt>", net), report, fork=_fork_of(caffe_pb2), allow_custom=allow_custom)
    fork = None if isinstance(net, NetParameter) else _fork_of(type(net))
    carried = fork.carry_net(net) if fork else None
    upgraded = upgrade_net(carried.net if carried else net, report)
    layers = [Layer(layer, given_fields(layer), custom=allow_custom) for layer in upgraded.net.layer]
    if carried is not None:
        layers = [carried.mark(layer, *upgraded.origins.written(i)[:2]) for i, layer in enumerate(layers)]
    return Net(upgraded.net, layers)


def upgrade(net: Message | str, *, caffe_pb2: Any = None) -> NetParameter:
    """What Caffe's own upgrade makes of a net in an old format: prototxt text or a message, which is not modified.

    A net in the current format comes back as it is. With `caffe_pb2`, a fork's generated module or its path, the result
    is the fork's NetParameter, with its fields. Raises CompileError where Caffe refuses the file.
    """
    report = Report()
    fork = _fork_of(caffe_pb2)
    message: NetParameter = fork.NetParameter() if fork else NetParameter()
    if isinstance(net, str):
        message = read_prototxt(Source("<prototxt>", net), type(message), report).message
    else:
        from netcompile.forks.foreign import carry  # noqa: PLC0415 - most nets are text

        carry(net, message)
    upgraded: NetParameter = upgrade_net(message, report).net
    if report.failed:
        raise CompileError(report.ordered())
    return upgraded


def _fork_of(caffe_pb2: Any) -> Fork | None:
    if caffe_pb2 is None:
        return None
    from netcompile.forks.read import fork_of  # noqa: PLC0415 - most nets are Caffe's own

    return fork_of(caffe_pb2)
