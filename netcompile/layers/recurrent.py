"""Recurrent layers over sequences in lockstep: LSTM, RNN, and the LSTM's inner step, LSTMUnit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.layers._checks import positive
from netcompile.layers._layer import Arity, ArityOf, Inferred, Learned, layer_type
from netcompile.layers._words import named, need_axes
from netcompile.shapes import Dim, Shape, ShapeError, axes, check_blob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter

_AT = "recurrent_param"
_STATIC = 2
_WEIGHT, _BIAS = f"{_AT}.weight_filler", f"{_AT}.bias_filler"


def _bottoms(states: int) -> ArityOf:
    def arity(layer: LayerParameter) -> Arity:
        least = 2 + states * layer.recurrent_param.expose_hidden
        return Arity(least, least + 1)

    return arity


def _tops(states: int) -> ArityOf:
    def arity(layer: LayerParameter) -> Arity:
        n = 1 + states * layer.recurrent_param.expose_hidden
        return Arity(n, n)

    return arity


@layer_type(
    "LSTM",
    bottoms=_bottoms(2),
    tops=_tops(2),
    params=(_AT,),
    checks=[positive(f"{_AT}.num_output")],
    no_gradient=(1,),
    unforced=(1,),
)
def lstm(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Long short-term memory over T steps of N streams: features (T x N x ...) and continuation marks (T x N) to
    T x N x `num_output`.

    A further bottom (N x ...) is a static input. `expose_hidden` adds the first h and c (1 x N x `num_output`) as
    bottoms and the last ones as tops.
    """  # noqa: D205
    outputs = layer.recurrent_param.num_output
    gates = 4 * outputs
    hidden, inputs, static = _check_sequence(layer, bottoms, states=2, width=gates)
    blobs = [Learned(Shape((gates, inputs)), _WEIGHT), Learned(Shape((gates,)), _BIAS)]
    if static is not None:
        blobs.append(Learned(Shape((gates, static)), _WEIGHT))
    blobs.append(Learned(Shape((gates, outputs)), _WEIGHT))
    return _unrolled(layer, hidden, blobs, states=2, static=static is not None)


@layer_type(
    "RNN",
    bottoms=_bottoms(1),
    tops=_tops(1),
    params=(_AT,),
    checks=[positive(f"{_AT}.num_output")],
    no_gradient=(1,),
    unforced=(1,),
)
def rnn(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Recurrent net with tanh over T steps of N streams: features (T x N x ...) and continuation marks (T x N) to
    T x N x `num_output`.

    A further bottom (N x ...) is a static input. `expose_hidden` adds the first h (1 x N x `num_output`) as a bottom
    and the last one as a top.
    """  # noqa: D205
    outputs = layer.recurrent_param.num_output
    hidden, inputs, static = _check_sequence(layer, bottoms, states=1, width=outputs)
    square = Learned(Shape((outputs, outputs)), _WEIGHT)
    blobs = [Learned(Shape((outputs, inputs)), _WEIGHT), Learned(Shape((outputs,)), _BIAS)]
    if static is not None:
        blobs.append(Learned(Shape((outputs, static)), _WEIGHT))
    blobs += [square, square, Learned(Shape((outputs,)), _BIAS)]
    return _unrolled(layer, hidden, blobs, states=1, static=static is not None)


def _unrolled(layer: LayerParameter, hidden: Shape, blobs: Sequence[Learned], *, states: int, static: bool) -> Inferred:
    """What LSTM and RNN make; with a `static` input its weights are blob 2."""
    tops = [hidden]
    if layer.recurrent_param.expose_hidden:
        tops += [hidden.replaced(0, 1)] * states
    # Multiply-accumulates of the weights in all steps of all streams; a static input is multiplied once per stream.
    # Biases and the products inside the gates aren't counted.
    macs: Dim = 0
    for i, blob in enumerate(blobs):
        times = hidden[1] if static and i == _STATIC else hidden.count(0, 2)
        macs = macs + (blob.shape.count() * times if blob.filler == _WEIGHT else 0)
    return Inferred(tops, blobs, macs)


def _check_sequence(
    layer: LayerParameter, bottoms: Sequence[Shape], *, states: int, width: int
) -> tuple[Shape, Dim, Dim | None]:
    """The shape of the first top, the number of features, and that of static features where there are any."""
    p = layer.recurrent_param
    x, marks = bottoms[:2]
    if len(x) < 3:  # noqa: PLR2004 - T x N x ...
        message = f"needs steps x streams x features, but {named(layer, 0, x)} has {axes(len(x))}"
        raise ShapeError(message, "bottom:0", "axis-count")
    need_axes(layer, bottoms, 1, 2, "steps x streams")
    if marks.differs(Shape(x[:2])):
        message = f"{named(layer, 1, marks)} must be {Shape(x[:2])}, the steps and streams of {named(layer, 0, x)}"
        raise ShapeError(message, "bottom:1")
    if x[0] == 0 or x[1] == 0:
        message = f"{named(layer, 0, x)} has no {'steps' if x[0] == 0 else 'streams'}"
        raise ShapeError(message, "bottom:0", "empty-blob")
    first = 2
    static: Dim | None = None
    if len(bottoms) > 2 + states * p.expose_hidden:
        static = _static_inputs(layer, bottoms)
        first = 3
    state = Shape((1, x[1], p.num_output))
    for i in range(first, len(bottoms)):
        if bottoms[i].differs(state):
            message = f"initial state {named(layer, i, bottoms[i])} must be {state}, 1 x streams x num_output"
            raise ShapeError(message, f"bottom:{i}")
    check_blob(Shape((*x[:2], width)), "the inner products of all steps")
    return Shape((*x[:2], p.num_output)), x.count(2), static


def _static_inputs(layer: LayerParameter, bottoms: Sequence[Shape]) -> Dim:
    streams, static = bottoms[0][1], bottoms[2]
    if len(static) < 2:  # noqa: PLR2004 - N x ...
        message = f"a static input is streams x features, but {named(layer, 2, static)} has {axes(len(static))}"
        raise ShapeError(message, "bottom:2", "axis-count")
    if static[0] != streams:
        message = f"{named(layer, 2, static)} has {static[0]} streams, but {named(layer, 0, bottoms[0])} has {streams}"
        raise ShapeError(message, "bottom:2")
    return static.count(1)


@layer_type("LSTMUnit", bottoms=3, tops=2, params=(), names_tops=True, no_gradient=(2,), unforced=(2,))
def lstm_unit(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """One step of an LSTM: cells (1 x N x D), gate inputs (1 x N x 4D) and continuation marks (1 x N) to new cells and
    outputs, both 1 x N x D.
    """  # noqa: D205
    cells = bottoms[0]
    need_axes(layer, bottoms, 0, 3, "1 x N x D")
    need_axes(layer, bottoms, 1, 3, "1 x N x 4D")
    need_axes(layer, bottoms, 2, 2, "1 x N")
    if cells[0] != 1:
        raise ShapeError(f"is one step, but {named(layer, 0, cells)} has {cells[0]}", "bottom:0")
    for i, wanted in ((1, Shape((1, cells[1], 4 * cells[2]))), (2, Shape((1, cells[1])))):
        if bottoms[i].differs(wanted):
            message = f"{named(layer, i, bottoms[i])} must be {wanted}, as {named(layer, 0, cells)} is 1 x N x D"
            raise ShapeError(message, f"bottom:{i}")
    return Inferred([cells, cells])


TYPES = (lstm, rnn, lstm_unit)
