"""Compares what is found of a net with what an installed Caffe makes of it: whether it builds, and all shapes.

Caffe reads the very text of the net. Only layers that reach outside it are replaced there: data layers whose source is
not at hand, by inputs of the shapes that they would have, and HDF5Output, which would write its file. What is not known
of such data is made up, on both sides alike. Which nets there are in which files is the business of `nets`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter, V1LayerParameter
from netcompile.diagnostics import Report
from netcompile.infer import infer
from netcompile.ir import Net
from netcompile.net_files import read_net
from netcompile.prototxt import read_prototxt
from netcompile.shapes import Shape
from netcompile.states import includes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netcompile.diagnostics import Diagnostic
    from netcompile.forks.read import Fork
    from netcompile.ir import Dims, Graph, GraphLayer
    from netcompile.pycaffe.process import Answer, Pycaffe
    from netcompile.states import State
    from netcompile.text_format.positions import Positions
    from netcompile.tree import Source, Span

_SOURCES: Final = {
    "Data": "data_param",
    "HDF5Data": "hdf5_data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}
_NO_MODULE: Final = ("ModuleNotFoundError", "ImportError")
_PATH_HINT: Final = "--python-path names the folder of a Python layer's module"
_CHANNELS, _SIDE = 3, 256  # of an image of which nothing is known
_AUTOMATIC: Final = re.compile(r"_split_\d+$|^\(automatic\)$")  # tops that Caffe adds


class Options(NamedTuple):
    """How a net is read: with whose fields, whether other types are taken, and what is known of blobs by name."""

    fork: Fork | None = None
    allow_custom: bool = False
    shapes: Mapping[str, Dims] = {}


def compare(source: Source, states: Iterable[State], caffe: Pycaffe, report: Report, options: Options) -> None:
    """Let Caffe build the net of a text in some states, and report each answer that differs from ours.

    The findings stand at the layer where the two first differ, else at the start of the text.
    """
    comparison = _Comparison(source, caffe, report, options)
    for state in states:
        comparison.compare(state)


class _Outside(Exception):  # noqa: N818 - no error, but a reason
    """A layer that reaches outside the net and can't be replaced."""


class _Comparison:
    """The comparison of one text."""

    def __init__(self, source: Source, caffe: Pycaffe, report: Report, options: Options) -> None:
        self.source = source
        self.caffe = caffe
        self.report = report
        self.options = options
        self.reading = Report()
        self.net = read_net(source, self.reading, fork=options.fork, allow_custom=options.allow_custom)

    def compare(self, state: State) -> None:
        """Compare in one state."""
        try:
            assumed = self._assumed(state)
            graph, refusal = self._ours(state, assumed)
            answer = self.caffe.build(self._text_for(state, graph), state)
        except _Outside as reason:
            self.report.add("caffe-not-compared", None, f"not compared with Caffe in {state}: {reason}")
            return
        where = f"in {state}{_listed(assumed)}:"
        if answer.refusal is not None:
            if refusal is None and answer.refusal.startswith(_NO_MODULE):
                text = f"not compared with Caffe in {state}: {answer.refusal}"
                self.report.add("caffe-not-compared", None, text, hint=_PATH_HINT)
            elif refusal is None:
                self._add(None, f"{where} Caffe refuses the net, in which no error is found: {answer.refusal}")
        elif refusal is not None:
            self._add(refusal.span, f"{where} Caffe builds the net, which is refused here: {refusal.message}")
        elif graph is not None:
            self._compare_blobs(graph, answer, where)
            self._compare_params(graph, answer, where)

    def _add(self, span: Span | None, text: str) -> None:
        self.report.add("caffe-differs", span, text)

    def _ours(self, state: State, assumed: Mapping[str, Dims]) -> tuple[Graph | None, Diagnostic | None]:
        """The graph, and the first error."""
        findings = Report()
        findings.extend(self.reading)
        graph = None
        if self.net is not None:
            given = {**self.options.shapes, **assumed}
            declared = {name: Shape.of(dims) for name, dims in given.items() if dims is not None}
            layers = [layer._replace(declared=declared) for layer in self.net.layers]
            graph = infer(Net(self.net.header, layers), state, findings, incomplete=self.reading.failed)
        return graph, next((found for found in findings.ordered() if found.severity == "error"), None)

    # What Caffe reads

    def _assumed(self, state: State) -> dict[str, Dims]:
        """Shapes for what is read from sources that are not here: what is not known of an image is made up.

        Raises _Outside where not even the number of axes is known.
        """
        graph, _ = self._ours(state, {})
        assumed: dict[str, Dims] = {}
        for one in graph.layers if graph else ():
            path = _missing_source(one)
            for top, shape in zip(one.layer.message.top, one.tops, strict=True) if path else ():
                if shape is None:
                    name = one.layer.message.name
                    raise _Outside(f"'{name}' reads '{path}', which is not here, and '{top}' has no known shape")
                if not shape.known:
                    made_up = (1, _CHANNELS, *[_SIDE] * len(shape))
                    assumed[top] = tuple(made_up[i] if dim is None else dim for i, dim in enumerate(shape.dims))
        return assumed

    def _text_for(self, state: State, graph: Graph | None) -> str:
        """The text with layers replaced that reach outside it. Raises _Outside where one can't be."""
        if self.net is None or graph is None:
            return self.source.text
        included = [i for i, layer in enumerate(self.net.layers) if includes(layer.message, state)]
        stand_ins = {}
        for index, one in zip(included, graph.layers, strict=True):
            stand_in = self._stand_in(one)
            if stand_in is not None:
                stand_ins[index] = stand_in
        return self._with(stand_ins) if stand_ins else self.source.text

    def _stand_in(self, one: GraphLayer) -> LayerParameter | None:
        """What stands for a layer that reaches outside; None where it may stay."""
        message = one.layer.message
        if message.type == "HDF5Output":
            return LayerParameter(name=message.name, type="Silence", bottom=message.bottom)
        if not _missing_source(one) or None in one.tops:
            return None
        fork = self.options.fork
        known = fork is None or "input_param" in fork.blocks
        kind, block = ("Input", "input_param") if known else ("DummyData", "dummy_data_param")
        made: Any = {block: {"shape": [{"dim": shape.dims} for shape in one.tops if shape is not None]}}
        return LayerParameter(name=message.name, type=kind, top=message.top, **made)

    def _with(self, stand_ins: Mapping[int, LayerParameter]) -> str:
        """The text with some layers of the net replaced."""
        text = self.source.text
        fork = self.options.fork
        parsed = read_prototxt(self.source, fork.NetParameter if fork else NetParameter, Report())
        field = "layers" if getattr(parsed.message, "layers", ()) else "layer"
        assert self.net is not None
        # Net-level inputs become one layer before all others.
        shift = len(self.net.layers) - len(getattr(parsed.message, field))
        for index, layer in sorted(stand_ins.items(), reverse=True):
            entry = _entry(parsed.positions, field, index - shift)
            if entry is None or shift not in (0, 1):
                raise _Outside(f"'{layer.name}' reads what is not here, and the net is too old to have it replaced")
            body = str(_v1(layer) if field == "layers" else layer)
            name = "" if entry.start == entry.at else f"{field} "
            text = f"{text[: entry.start]}{name}{{\n{body}}}{text[entry.end :]}"
        return text

    # What Caffe says

    def _compare_blobs(self, graph: Graph, answer: Answer, where: str) -> None:
        ours, theirs = graph.blobs, answer.blobs
        differing = {name for name, dims in ours.items() if _differ(dims, theirs.get(name))}
        others = sorted(name for name in theirs.keys() - ours.keys() if not _AUTOMATIC.search(name))
        if others:
            self._add(None, f"{where} Caffe makes a blob '{others[0]}', which is not found here")
        for one in graph.layers:
            tops = list(one.layer.message.top)
            first = next((i for i, top in enumerate(tops) if top in differing), None)
            if first is not None:
                name = tops[first]
                text = f"{where} Caffe makes '{name}' {_shown(theirs.get(name))}, not {_shown(ours[name])}"
                self._add(one.layer.origin.span(f"top:{first}"), f"{text}{_more(len(differing), 'blob')}")
                return

    def _compare_params(self, graph: Graph, answer: Answer, where: str) -> None:
        ours = {one.layer.message.name: one for one in graph.layers if one.blobs}
        unknown = {one.layer.message.name for one in graph.layers if one.blobs is None}
        names = [name for name in {**ours, **answer.params} if name not in unknown]
        differing = [name for name in names if _params_differ(graph.params.get(name, []), answer.params.get(name, []))]
        if not differing:
            return
        name = differing[0]
        here, there = (
            ", ".join(map(_shown, params.get(name, []))) or "none" for params in (graph.params, answer.params)
        )
        span = ours[name].layer.origin.span("") if name in ours else None
        text = f"{where} Caffe gives '{name}' the learned blobs {there}, not {here}"
        self._add(span, f"{text}{_more(len(differing), 'layer')}")


def _missing_source(one: GraphLayer) -> str:
    """The path that a data layer reads, where nothing is at it."""
    param = _SOURCES.get(one.layer.message.type)
    path: str = getattr(one.layer.message, param).source if param else ""
    return "" if os.path.exists(path) else path


def _listed(assumed: Mapping[str, Dims]) -> str:
    """Say which shapes are made up."""
    shapes = [f"'{top}' of {_shown(dims)}" for top, dims in assumed.items()]
    return f", with {' and '.join(shapes)}" if shapes else ""


def _entry(positions: Positions, field: str, index: int) -> Any:
    """Where a layer is written; None for one of a V0 net, and for none."""
    entry = positions.entry(field, index)
    if entry is None or any(child.name == "layer" for child in entry.value):
        return None
    return entry


def _v1(layer: LayerParameter) -> V1LayerParameter:
    """A stand-in in the format of V1 nets, which know no Input."""
    if layer.type == "Silence":
        return V1LayerParameter(name=layer.name, type=V1LayerParameter.SILENCE, bottom=layer.bottom)
    shapes: Any = {"shape": layer.input_param.shape or layer.dummy_data_param.shape}
    kind = V1LayerParameter.DUMMY_DATA
    return V1LayerParameter(name=layer.name, type=kind, top=layer.top, dummy_data_param=shapes)


def _differ(ours: Dims, theirs: Sequence[int] | None) -> bool:
    if theirs is None:
        return True
    if ours is None:
        return False
    return len(ours) != len(theirs) or any(a not in (None, b) for a, b in zip(ours, theirs, strict=True))


def _params_differ(ours: Sequence[Dims], theirs: Sequence[Sequence[int]]) -> bool:
    return len(ours) != len(theirs) or any(map(_differ, ours, theirs))


def _shown(dims: Sequence[int | None] | None) -> str:
    if dims is None:
        return "not at all"
    return "x".join("?" if dim is None else str(dim) for dim in dims) if dims else "a scalar"


def _more(count: int, noun: str) -> str:
    if count == 1:
        return ""
    return f"; {count - 1} more {noun}{'s differ' if count > 2 else ' differs'}"  # noqa: PLR2004 - grammar
