"""The stages in order, and the entries of the API. Straight-line code: nothing here decides what a spec or a net means."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from netcompile.caffe.caffe_pb2 import NetParameter
from netcompile.checked_states import build, build_phases, check_phases, check_run_of
from netcompile.diagnostics import CompileError, Diagnostic, Report
from netcompile.emit import emit, emit_phase, to_text
from netcompile.expand import Expanded, expand
from netcompile.infer import infer
from netcompile.ir import Layer, Net
from netcompile.load import load, read_source
from netcompile.lower import lower
from netcompile.shapes import Shape
from netcompile.spec import name_list
from netcompile.states import State
from netcompile.tree import Mapping as MappingNode
from netcompile.tree import Source
from netcompile.validate import Validated, validate, validate_layer, validate_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from netcompile.caffe.caffe_pb2 import SolverParameter
    from netcompile.ir import Graph
    from netcompile.layers import Known
    from netcompile.tree import Node


_KEYS: Final = frozenset({
    "name", "vars", "defaults", "blocks", "imports", "deploy", "solver", "lint", "force_backward", "debug_info", "state",
})  # fmt: skip


class Settings(NamedTuple):
    """What a call says beyond the spec itself.

    `root` is the folder that imports stay in and that a solver's `net` starts from; None: found from the spec.
    `net_file` is where the net will be written, None for beside the spec; `net_path` is what the solver says instead.
    `ignore` has the codes of findings to leave out. `state` is the level and the stages to build and check the net in,
    whatever its solver says.
    """

    check: bool = True
    deploy: bool = False
    allow_custom: bool = False
    root: str | None = None
    net_file: str | None = None
    net_path: str | None = None
    ignore: frozenset[str] = frozenset()
    state: tuple[int, tuple[str, ...]] | None = None


class Compiled:
    """What became of a spec.

    `net` is the net of all phases, `deploy` the deploy net and `solver` the solver, None where the spec asks for none.
    `graphs` has the net in "TRAIN", "TEST" and, where there is a deploy net, "DEPLOY", with the shape of every blob.
    `warnings` are the findings that are no errors; `notes` say what was not checked.
    """

    def __init__(self, lowered: Net, deploy: Net | None, solver: SolverParameter | None, graphs: Mapping[str, Graph],
                 findings: Sequence[Diagnostic], source: Callable[[], str]) -> None:  # fmt: skip
        self.net = emit(lowered)
        self.deploy = None if deploy is None else emit(deploy)
        self.solver = solver
        self.graphs = graphs
        self.warnings = tuple(found for found in findings if found.severity == "warning")
        self.notes = tuple(found for found in findings if found.severity == "note")
        self._lowered = lowered
        self._source = source

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that this spec has: "net", and "deploy" and "solver" where it asks for them."""
        found = {"net": self.net, "deploy": self.deploy, "solver": self.solver}
        return tuple(target for target, message in found.items() if message is not None)

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
        return to_text(self.message(target), self._source() if header else None)


def compile(  # noqa: A001, PLR0913 - the public verb, and what it can be told
    spec: str | os.PathLike[str] | TextIO | Mapping[str, Any],
    *,
    variables: Mapping[str, Any] | None = None,
    check: bool = True,
    deploy: bool = False,
    allow_custom_layers: bool = False,
    root: str | os.PathLike[str] | None = None,
    net_path: str | None = None,
) -> Compiled:
    """Compile a spec: a path, a text stream, or the document itself as a mapping.

    `variables` set the spec's `vars`. `check=False` leaves out the checks per state: the net is emitted as it stands.
    `deploy` derives a deploy net where the spec has no `deploy` key; `root` is the folder that imports stay in;
    `net_path` is what the solver names as its net. Raises CompileError with every finding where one is an error,
    OSError where a file can't be read.
    """
    settings = Settings(check, deploy, allow_custom_layers, None if root is None else os.fspath(root), None, net_path)
    with collector_off():
        report = Report()
        source = _source_of(spec)
        done = compile_source(source, report, settings, variables=variable_nodes(variables or {}, report))
        if done is None or report.failed:
            raise CompileError(report.ordered())
        return done


def compile_source(
    source: Source, report: Report, settings: Settings, *, variables: Mapping[str, Node] | None = None
) -> Compiled | None:
    """Compile the text of a spec. Findings go to `report`; None where it has errors."""
    document = load(source, report)
    if document is None:
        return None
    return compile_document(document, report, settings, variables=variables)


def compile_document(
    document: MappingNode, report: Report, settings: Settings, *, variables: Mapping[str, Node] | None = None
) -> Compiled | None:
    """Compile a loaded document, like `compile_source`."""
    spec = expand_document(document, report, settings, variables or {})
    net = lower(spec, report, allow_custom=settings.allow_custom)
    checks = report if settings.check else Report()
    known: Known = {}
    level, stages = settings.state or (0, ())
    built = build_phases(net, level=level, stages=stages, incomplete=spec.incomplete, known=known)
    solver = None
    if type(spec.solver) is MappingNode:
        own = checks if settings.state is None else Report()
        solver = _solver(
            spec.solver, document, net, settings, report=report, checks=own, incomplete=spec.incomplete, known=known
        )
    if settings.check and (solver is None or settings.state is not None):  # else the solver says in which states
        chosen = settings.state is not None
        check_phases(net, built, report, chosen=chosen, incomplete=spec.incomplete, known=known)
    graphs = {phase: one.graph for phase, one in built.items()}
    deploy = None
    if spec.deploy is not None or settings.deploy:
        deploy = _deploy(spec, report, settings)
        if deploy is not None:
            deployed = build(deploy, State("DEPLOY"), incomplete=spec.incomplete)
            graphs["DEPLOY"] = deployed.graph
            check_run_of(deployed, checks)
    _silence(report, document, settings)
    if report.failed:
        return None
    return Compiled(net, deploy, solver, graphs, report.ordered(), lambda: _source_name(document.source.name, settings))


def expand_document(
    document: MappingNode, report: Report, settings: Settings, variables: Mapping[str, Node]
) -> Expanded:
    """Validate and expand a document, its imports included."""
    imported = _libraries(document, report, settings) if "imports" in document.entries else []
    libraries = [one.document for one in imported]
    custom = settings.allow_custom
    validated = validate(document, report, allow_custom=custom, custom_types=_custom_types(libraries))

    return expand(
        validated.document,
        report,
        libraries=libraries,
        overrides=variables,
        damaged=validated.damaged.union(*(one.damaged for one in imported)),
        recheck=partial(_recheck, allow_custom=custom),
    )


def _recheck(node: MappingNode, definition: str, report: Report, *, allow_custom: bool) -> MappingNode | None:
    if definition == "layer":
        return validate_layer(node, report, allow_custom=allow_custom)
    return validate_section(node, definition, report)


def _libraries(document: MappingNode, report: Report, settings: Settings) -> list[Validated]:
    from netcompile.imports import read_libraries  # noqa: PLC0415 - for specs that have some

    validated: dict[int, Validated] = {}

    def read(source: Source) -> MappingNode | None:
        library = load(source, report)
        if library is None:
            return None
        one = validate(library, report, allow_custom=settings.allow_custom)
        validated[id(one.document)] = one
        return one.document

    return [validated[id(one)] for one in read_libraries(document, settings.root, read, report)]


def _custom_types(libraries: Iterable[MappingNode]) -> set[str]:
    """Types that a library's `defaults` say are custom."""
    found = set()
    for library in libraries:
        defaults = library.entries.get("defaults")
        if type(defaults) is MappingNode:
            found.update(name for name, node in defaults.entries.items() if type(node) is MappingNode and "custom" in node.entries)
    return found


def _deploy(spec: Expanded, report: Report, settings: Settings) -> Net | None:
    from netcompile.deploy import derive_deploy, read_options  # noqa: PLC0415 - for specs that have one

    if spec.incomplete and report.failed:
        return None
    return derive_deploy(lower(spec, report, "DEPLOY", allow_custom=settings.allow_custom), read_options(spec.deploy), report)


def _solver(  # noqa: PLR0913 - all that a spec says
    section: MappingNode, document: MappingNode, net: Net, settings: Settings, *, report: Report, checks: Report,
    incomplete: bool, known: Known,
) -> SolverParameter | None:  # fmt: skip
    from netcompile.solver_files import compile_solver  # noqa: PLC0415 - for specs that have one

    sound = validate_section(section, "solver", report)
    if sound is None:
        return None
    whole = document.keys.get("solver", section).span  # the key may be misspelt
    path = settings.net_path or _net_path(document.source.name, settings)
    return compile_solver(
        sound, whole, net, path, report=report, checks=checks, incomplete=incomplete, known=known
    )


def _net_path(spec: str, settings: Settings) -> str:
    """The path of the emitted net from the root folder: where it is written, else NAME.prototxt beside the spec."""
    path = settings.net_file or f"{os.path.splitext(spec)[0]}.prototxt"
    return _from_root(path, spec, settings) or path


def _source_name(spec: str, settings: Settings) -> str:
    """What the header comment calls a spec: its path from the root folder, wherever the compiler is called."""
    if not os.path.isfile(spec):
        return spec
    return _from_root(spec, spec, settings) or os.path.basename(spec)


def _from_root(path: str, spec: str, settings: Settings) -> str | None:
    """A path from the root folder of a spec; None where it is outside."""
    from netcompile.imports import find_root  # noqa: PLC0415 - where a path is written out

    root = os.path.realpath(settings.root or find_root(spec))
    full = os.path.realpath(path)
    inside = os.path.commonpath([root, full]) == root
    return os.path.relpath(full, root).replace(os.sep, "/") if inside else None


def check_library(document: MappingNode, report: Report, settings: Settings) -> None:
    """Check a loaded library, and those that it imports, as far as that goes without a use."""
    libraries = [one.document for one in _libraries(document, report, settings)] if "imports" in document.entries else []
    validate(document, report, allow_custom=settings.allow_custom, custom_types=_custom_types(libraries))
    _silence(report, document, settings)


def _silence(report: Report, document: MappingNode, settings: Settings) -> None:
    """Leave out what the call, the spec's `lint` or a comment says."""
    source, lint = document.source, document.entries.get("lint")
    if not report and lint is None and "netcompile:" not in source.text:
        return
    from netcompile.silence import Asked, silence  # noqa: PLC0415 - where something is found, or asked for

    names = name_list(lint.entries.get("ignore")) if type(lint) is MappingNode else []
    silence(report, settings.ignore, [Asked(str(name.value), name.span) for name in names], source)


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
        read = _net_of(net, report)
        if read is not None and not report.failed:
            declared = {name: Shape.of(dims) for name, dims in (top_shapes or {}).items()}
            if declared:
                read = Net(read.header, [layer._replace(declared=declared) for layer in read.layers])
            graph = infer(read, State(phase, level, (*read.header.state.stage, *stages)), report)
        if report.failed:
            raise CompileError(report.ordered())
        return graph


def _net_of(net: Message | str, report: Report) -> Net | None:
    """A net from prototxt text or a message of any pool, in the current format."""
    from netcompile.solver_files import read_net  # noqa: PLC0415 - for prototxt

    if isinstance(net, str):
        return read_net(Source("<prototxt>", net), report)
    own = net if isinstance(net, NetParameter) else NetParameter.FromString(net.SerializePartialToString())
    from netcompile.old_formats import upgrade_net  # noqa: PLC0415 - likewise

    upgraded = upgrade_net(own, report).net
    return Net(upgraded, [Layer(layer) for layer in upgraded.layer])


def upgrade(net: Message | str) -> NetParameter:
    """What Caffe's own upgrade makes of a net in an old format: prototxt text or a message, which is not modified.

    A net in the current format comes back as it is. Raises CompileError where Caffe refuses the file.
    """
    from netcompile.old_formats import upgrade_net  # noqa: PLC0415 - for old nets
    from netcompile.prototxt import read_prototxt  # noqa: PLC0415 - likewise

    report = Report()
    if isinstance(net, str):
        message = read_prototxt(Source("<prototxt>", net), NetParameter, report).message
    else:
        message = NetParameter.FromString(net.SerializePartialToString())
    upgraded = upgrade_net(message, report).net
    if report.failed:
        raise CompileError(report.ordered())
    return upgraded  # type: ignore[no-any-return]


def variable_nodes(variables: Mapping[str, Any], report: Report) -> dict[str, Node]:
    """Values set from outside as nodes. Text as from the command line is read before; here values are taken as they are."""
    if not variables:
        return {}
    source = Source("variables", _dump({"vars": dict(variables)}))
    document = load(source, report)
    declared = document.entries["vars"] if document is not None else None
    return dict(declared.entries) if type(declared) is MappingNode else {}


def set_variables(assignments: Iterable[str], report: Report) -> dict[str, Node]:
    """Variables as the command line sets them, `NAME=VALUE`, where the value is read as YAML."""
    nodes: dict[str, Node] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        source = Source(f"--set {name}", f"{name.strip()}: {value}" if equals else text)
        document = load(source, report)
        if document is not None and equals:
            nodes.update({str(key): node for key, node in document.entries.items()})
        elif not equals:
            report.add("undeclared-variable", None, f"--set takes NAME=VALUE, not '{text}'")
    return nodes


def is_library(document: MappingNode) -> bool:
    """True for a document that only declares: `vars`, `defaults` or `blocks`, and no `layers`."""
    return "layers" not in document.entries and not document.entries.keys().isdisjoint(("vars", "defaults", "blocks"))


def is_foreign(document: MappingNode) -> bool:
    """True for a document that is neither a spec nor a library, but some other program's."""
    keys = document.entries.keys()
    return "layers" not in keys and not (is_library(document) and keys <= _KEYS)


def _source_of(spec: str | os.PathLike[str] | TextIO | Mapping[str, Any]) -> Source:
    if hasattr(spec, "read"):
        name = getattr(spec, "name", None)
        return Source(name if isinstance(name, str) else "<stream>", spec.read())  # type: ignore[union-attr]
    if isinstance(spec, str) or hasattr(spec, "__fspath__"):
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
