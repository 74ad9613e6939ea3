"""The stages in order, and the entries of the API. Straight-line code: nothing here decides what a spec or a net means."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.diagnostics import CompileError, Diagnostic, Report
from netcompile.emit import emit, emit_phase, to_text
from netcompile.expand import expand
from netcompile.infer import infer
from netcompile.ir import NO_ORIGIN, Layer, Net
from netcompile.load import load, read_source
from netcompile.lower import lower
from netcompile.shapes import Shape
from netcompile.states import State
from netcompile.tree import Mapping as MappingNode
from netcompile.tree import Source
from netcompile.validate import validate, validate_layer

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.ir import Graph
    from netcompile.tree import Node

PHASES: Final = ("TRAIN", "TEST")


class Compiled:
    """What became of a spec.

    `net` is the net of all phases, `deploy` the deploy net and `solver` the solver, None where the spec asks for none.
    `graphs` has the net in "TRAIN", "TEST" and, where there is a deploy net, "DEPLOY", with the shape of every blob.
    `warnings` are the findings that are no errors.
    """

    def __init__(self, net: NetParameter, lowered: Net, graphs: Mapping[str, Graph], warnings: Sequence[Diagnostic],
                 source: str) -> None:  # fmt: skip
        self.net = net
        self.deploy: NetParameter | None = None
        self.solver: SolverParameter | None = None
        self.graphs = graphs
        self.warnings = tuple(warnings)
        self._lowered = lowered
        self._source = source

    def message(self, target: str = "net") -> Message:
        """The message of a target: "net", "train", "test", "deploy" or "solver". Raises KeyError where there is none."""
        if target in ("train", "test"):
            return emit_phase(self._lowered, target.upper())
        found: Message | None = {"net": self.net, "deploy": self.deploy, "solver": self.solver}[target]
        if found is None:
            raise KeyError(target)
        return found

    def prototxt(self, target: str = "net", *, header: bool = False) -> str:
        """A target as text, with a comment that names the spec where `header` is true."""
        return to_text(self.message(target), self._source if header else None)


def compile(  # noqa: A001 - the public verb
    spec: str | os.PathLike[str] | TextIO | Mapping[str, Any],
    *,
    variables: Mapping[str, Any] | None = None,
    check: bool = True,
    allow_custom_layers: bool = False,
) -> Compiled:
    """Compile a spec: a path, a text stream, or the document itself as a mapping.

    `variables` set the spec's `vars`. `check=False` leaves out the checks per state: the net is emitted as it stands.
    Raises CompileError with every finding where one is an error, OSError where a file can't be read.
    """
    with collector_off():
        report = Report()
        done = compile_source(
            _source_of(spec), report, variables=variables, check=check, allow_custom=allow_custom_layers
        )
        if done is None or report.failed:
            raise CompileError(report.ordered())
        return done


def compile_source(
    source: Source,
    report: Report,
    *,
    variables: Mapping[str, Any] | None = None,
    check: bool = True,
    allow_custom: bool = False,
) -> Compiled | None:
    """Compile the text of a spec. Findings go to `report`; None where there is nothing to show for them."""
    document = load(source, report)
    if document is None:
        return None
    validated = validate(document, report)
    spec = expand(
        validated.document,
        report,
        overrides=variable_nodes(variables or {}, report),
        damaged=validated.damaged,
        recheck=lambda node: validate_layer(node, report),
    )
    net = lower(spec, report, allow_custom=allow_custom)
    graphs = infer_phases(net, report if check else Report(), incomplete=spec.incomplete)
    if report.failed:
        return None
    return Compiled(emit(net), net, graphs, report.ordered(), source.name)


def infer_phases(net: Net, report: Report, *, incomplete: bool = False) -> dict[str, Graph]:
    """The graph of each phase. Where both keep the same layers, they have one."""
    stages = tuple(net.header.state.stage)
    graphs = {"TRAIN": infer(net, State("TRAIN", 0, stages), report, incomplete=incomplete)}
    if any(layer.message.include or layer.message.exclude for layer in net.layers):
        graphs["TEST"] = infer(net, State("TEST", 0, stages), report, incomplete=incomplete)
    else:
        graphs["TEST"] = graphs["TRAIN"].in_phase("TEST")
    return graphs


def analyze(
    net: Message | str,
    phase: str = "TRAIN",
    stages: Iterable[str] = (),
    level: int = 0,
    top_shapes: Mapping[str, Sequence[int | None]] | None = None,
) -> Graph:
    """The graph of a net in one state: a NetParameter, which is not modified, or prototxt text.

    `top_shapes` gives shapes of blobs that no rule derives, by name, with None for an unknown dim. Raises CompileError
    exactly where Caffe refuses the net at construction.
    """
    with collector_off():
        report = Report()
        read = read_net(net, report)
        if read is not None and not report.failed:
            declared = {name: Shape.of(dims) for name, dims in (top_shapes or {}).items()}
            if declared:
                read = Net(read.header, [layer._replace(declared=declared) for layer in read.layers])
            graph = infer(read, State(phase, level, (*read.header.state.stage, *stages)), report)
        if report.failed:
            raise CompileError(report.ordered())
        return graph


def read_net(net: Message | str, report: Report) -> Net | None:
    """A net from a message or prototxt text, in the current format, each layer with its place in the text."""
    from google.protobuf import text_format  # noqa: PLC0415

    if isinstance(net, str):
        try:
            message = text_format.Parse(net, NetParameter())
        except text_format.ParseError as error:
            report.add("syntax", None, str(error))
            return None
    elif isinstance(net, NetParameter):
        message = net
    else:
        message = NetParameter.FromString(net.SerializePartialToString())
    return Net(message, [Layer(layer, NO_ORIGIN) for layer in message.layer])


def variable_nodes(variables: Mapping[str, Any], report: Report) -> dict[str, Node]:
    """Values set from outside as nodes. Text as from the command line is read before; here values are taken as they are."""
    if not variables:
        return {}
    source = Source("variables", _dump({"vars": dict(variables)}))
    document = load(source, report)
    declared = document.entries["vars"] if document is not None else None
    return dict(declared.entries) if type(declared) is MappingNode else {}


def _source_of(spec: str | os.PathLike[str] | TextIO | Mapping[str, Any]) -> Source:
    if hasattr(spec, "read"):
        name = getattr(spec, "name", None)
        return Source(name if isinstance(name, str) else "<stream>", spec.read())  # type: ignore[union-attr]
    if isinstance(spec, str) or hasattr(spec, "__fspath__"):
        import os  # noqa: PLC0415 - a name, already imported by Python itself

        return read_source(os.fspath(spec))  # type: ignore[arg-type]
    return Source("<mapping>", _dump(spec))


def _dump(value: Any) -> str:
    import yaml  # noqa: PLC0415 - loaded by `load` anyway

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None)


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection meanwhile: trees of a large document cost it more than all stages together."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
