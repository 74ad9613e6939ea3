"""The stages in order, and the entries of the API.

Straight-line code: nothing here decides what a spec or a net means.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING, Any, Final

from netcompile.checked_states import build, build_phases, check_phases, check_run_of
from netcompile.diagnostics import CompileError, Diagnostic, Note, Report
from netcompile.emit import emit, emit_phase, to_text
from netcompile.expand import expand
from netcompile.language.spec import name_list
from netcompile.lints import lint_some
from netcompile.load import load
from netcompile.lower import lower
from netcompile.records import NamedTuple
from netcompile.states import State
from netcompile.tree import Mapping as MappingNode
from netcompile.tree import Source
from netcompile.validate import Validated, declared_custom, validate, validate_layer, validate_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from netcompile.caffe.caffe_pb2 import NetParameter, SolverParameter
    from netcompile.checked_states import Built
    from netcompile.forks.read import Fork
    from netcompile.ir import Graph, Net
    from netcompile.language.spec import Expanded
    from netcompile.layers import Known
    from netcompile.tree import Node


# What keeps an imported file from being read at all.
_UNREAD: Final = frozenset({
    "import-not-found", "import-outside-root", "syntax", "empty-spec", "not-a-spec", "too-deep", "recursive-alias",
    "expansion-limit",
})  # fmt: skip
_KEYS: Final = frozenset({
    "name", "vars", "defaults", "blocks", "imports", "deploy", "solver", "lint", "force_backward", "debug_info",
    "state",
})  # fmt: skip


class Settings(NamedTuple):
    """What a call says beyond the spec itself.

    `root` is the folder that imports stay in and that a solver's `net` starts from; None: found from the spec.
    `net_file` is where the net will be written, None for beside the spec; `net_path` is what the solver says instead.
    `ignore` has the codes of findings to leave out. `state` is the level and the stages to build and check the net in,
    whatever its solver says. `caffe` is the Caffe that is followed, as `fork_of` takes it; None for Caffe itself.
    `optional` has the variables that the spec need not declare, although they are set: that is a note then.
    """

    check: bool = True
    deploy: bool = False
    allow_custom: bool = False
    root: str | None = None
    net_file: str | None = None
    net_path: str | None = None
    ignore: frozenset[str] = frozenset()
    state: tuple[int, tuple[str, ...]] | None = None
    caffe: Any = None
    optional: frozenset[str] = frozenset()

    @property
    def fork(self) -> Fork | None:
        """The fork whose messages are used. Raises CallError where there is none to be found."""
        if self.caffe is None:
            return None
        from netcompile.forks.read import fork_of  # noqa: PLC0415 - most nets are Caffe's own

        return fork_of(self.caffe)


class Compiled:
    """What became of a spec.

    `net` is the net of all phases, `deploy` the deploy net and `solver` the solver, None where the spec asks for none;
    they are messages of the fork that is followed, if any.
    `graphs` has the net in "TRAIN", "TEST" and, where there is a deploy net, "DEPLOY", with the shape of every blob.
    `warnings` are the findings that are no errors; `notes` say what was not checked.
    """

    def __init__(
        self,
        lowered: Net,
        deploy: Net | None,
        solver: SolverParameter | None,
        graphs: Mapping[str, Graph],
        findings: Sequence[Diagnostic],
        source: Callable[[], str],
    ) -> None:
        self.solver = solver
        self.graphs = graphs
        self.warnings = tuple(found for found in findings if found.severity == "warning")
        self.notes = tuple(found for found in findings if found.severity == "note")
        self._lowered = lowered
        self._deploy = deploy
        self._source = source

    @cached_property
    def net(self) -> NetParameter:
        """The net of all phases."""
        return emit(self._lowered)

    @cached_property
    def deploy(self) -> NetParameter | None:
        """The deploy net, None where the spec asks for none."""
        return None if self._deploy is None else emit(self._deploy)

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that this spec has: "net", and "deploy" and "solver" where it asks for them."""
        found = {"net": self._lowered, "deploy": self._deploy, "solver": self.solver}
        return tuple(target for target, one in found.items() if one is not None)

    def message(self, target: str = "net") -> Message:
        """The message of "net", "train", "test", "deploy" or "solver". Raises KeyError where there is none."""
        if target in ("train", "test"):
            return emit_phase(self._lowered, target.upper())
        if target not in self.targets:
            raise KeyError(target)
        found: Message = getattr(self, target)
        return found

    def prototxt(self, target: str = "net", *, header: bool = False) -> str:
        """A target as text, with a comment that names the spec where `header` is true."""
        return to_text(self.message(target), self._source() if header else None)


def compile(  # noqa: A001 - the public verb, and what it can be told
    spec: str | os.PathLike[str] | IO[Any] | Mapping[str, Any],
    *,
    variables: Mapping[str, Any] | None = None,
    check: bool = True,
    deploy: bool = False,
    allow_custom_layers: bool = False,
    root: str | os.PathLike[str] | None = None,
    net_path: str | None = None,
    caffe_pb2: Any = None,
) -> Compiled:
    """Compile a spec: a path, a stream, or the document itself as a mapping.

    `variables` set the spec's `vars`. `check=False` leaves out the checks per state: the net is emitted as it stands.
    `deploy` derives a deploy net where the spec has no `deploy` key; `root` is the folder that imports stay in;
    `net_path` is what the solver names as its net; `caffe_pb2` is a fork's generated module, or its path, whose fields
    are followed. Raises CompileError with every finding where one is an error, OSError where a file can't be read.
    """
    from netcompile.inputs import source_of, variable_nodes  # noqa: PLC0415 - the command line has files

    folder = None if root is None else os.fspath(root)
    settings = Settings(check, deploy, allow_custom_layers, folder, None, net_path, caffe=caffe_pb2)
    with collector_off():
        report = Report()
        source = source_of(spec)
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
    fork = settings.fork
    lowered = lower(spec, report, allow_custom=settings.allow_custom, fork=fork)
    net = fork.net_for_rules(lowered) if fork else lowered
    checks = report if settings.check else Report()
    known: Known = {}
    level, stages = settings.state or (0, ())
    built = build_phases(net, level=level, stages=stages, incomplete=spec.incomplete, known=known)
    solver = None
    if type(spec.solver) is MappingNode:
        own = checks if settings.state is None else Report()
        solver = _solver(
            spec.solver, document, net, settings, report=report, checks=own, incomplete=spec.incomplete, known=known,
            built=built.values(),
        )  # fmt: skip
    if settings.check and (solver is None or settings.state is not None):  # else the solver says in which states
        chosen = settings.state is not None
        check_phases(net, built, report, chosen=chosen, incomplete=spec.incomplete, known=known)
    graphs = {phase: one.graph for phase, one in built.items()}
    deploy = None
    if spec.deploy is not None or settings.deploy:
        deploy, graph = _deploy(spec, document, lowered, built, report, checks, settings)
        if graph is not None:
            graphs["DEPLOY"] = graph
    _silence(report, document, settings)
    if report.failed:
        return None
    return Compiled(lowered, deploy, solver, graphs, report.ordered(), partial(_source_name, document, settings))


def expand_document(
    document: MappingNode, report: Report, settings: Settings, variables: Mapping[str, Node]
) -> Expanded:
    """Validate and expand a document, its imports included."""
    imported = _libraries(document, report, settings) if "imports" in document.entries else []
    libraries = [one.document for one in imported]
    lost = bool("imports" in document.entries and any(found.code in _UNREAD for found in report))
    custom = settings.allow_custom
    fork = settings.fork
    types = frozenset(_custom_types([*libraries, document]))
    validated = validate(document, report, allow_custom=custom, custom_types=types, fork=fork)
    lost = lost or ("imports" in validated.document.entries and "imports" not in document.entries)  # misspelt
    return expand(
        validated.document,
        report,
        libraries=libraries,
        overrides=variables,
        damaged={node: lost for one in (validated, *imported) for node, lost in one.damaged.items()},
        optional=settings.optional,
        recheck=partial(_recheck, allow_custom=custom, custom_types=types, fork=fork),
        fork=fork,
        lost_library=lost,
    )


def _recheck(
    node: MappingNode,
    definition: str,
    report: Report,
    *,
    allow_custom: bool,
    custom_types: frozenset[str],
    fork: Fork | None,
) -> MappingNode | None:
    if definition == "layer":
        return validate_layer(node, report, allow_custom=allow_custom, custom_types=custom_types, fork=fork)
    return validate_section(node, definition, report, fork)


def _libraries(document: MappingNode, report: Report, settings: Settings) -> list[Validated]:
    from netcompile.imports import read_libraries  # noqa: PLC0415 - for specs that have some

    validated: dict[int, Validated] = {}

    def read(source: Source) -> MappingNode | None:
        library = load(source, report)
        if library is None:
            return None
        one = validate(library, report, allow_custom=settings.allow_custom, fork=settings.fork)
        validated[id(one.document)] = one
        return one.document

    return [validated[id(one)] for one in read_libraries(document, settings.root, read, report)]


def _custom_types(libraries: Iterable[MappingNode]) -> set[str]:
    """Types that a library's `defaults` say are custom."""
    return {name for library in libraries for name in declared_custom(library)}


def _deploy(
    spec: Expanded, document: MappingNode, net: Net, phases: Mapping[str, Built], report: Report, checks: Report,
    settings: Settings,
) -> tuple[Net | None, Graph | None]:  # fmt: skip
    """The deploy net and its graph. What is wrong with it alone goes to `checks`, with a note that says so."""
    from netcompile.deploy import check_weights, derive_deploy, is_own, read_options  # noqa: PLC0415 - where there is one

    if spec.incomplete and report.failed:
        return None, None
    fork = settings.fork
    net = lower(spec, report, "DEPLOY", allow_custom=settings.allow_custom, fork=fork, net=net)
    options = read_options(spec.deploy, report, document.keys.get("layers"))
    found = Report()
    derived = derive_deploy(net, options, found, fork)
    report.extend(_deploys_own(found, phases) if report.failed else found)
    if derived is None:
        return None, None

    def built(net: Net) -> Built:
        return build(fork.net_for_rules(net) if fork else net, State("DEPLOY"), incomplete=spec.incomplete)

    deployed = built(derived.net)
    whole = deployed if derived.checked is derived.net else built(derived.checked)
    note = Note("in the deploy net", document.keys["deploy"].span if "deploy" in document.keys else None)
    found = Report()
    check_run_of(whole, found)
    if not (found.failed or whole.incomplete or report.failed):
        own = [index for index, one in enumerate(whole.graph.layers) if is_own(one.layer)]
        lint_some(derived.checked, whole.graph, own, found)
    own_findings = _deploys_own(found, phases) if checks.failed else found
    checks.extend_new(one._replace(notes=(note, *one.notes)) for one in own_findings)
    train = phases["TRAIN"]
    if not (found.failed or train.findings.failed or train.incomplete or deployed.incomplete):
        check_weights(train.graph, deployed.graph, options, checks)
    return derived.net, deployed.graph


def _deploys_own(found: Report, phases: Mapping[str, Built]) -> Iterable[Diagnostic]:
    from netcompile.deploying.repeated import not_repeated  # noqa: PLC0415 - for the refused

    return not_repeated(found, [one.graph for one in phases.values()])


def _solver(
    section: MappingNode,
    document: MappingNode,
    net: Net,
    settings: Settings,
    *,
    report: Report,
    checks: Report,
    incomplete: bool,
    known: Known,
    built: Iterable[Built],
) -> SolverParameter | None:
    from netcompile.rooted import net_path  # noqa: PLC0415 - for specs that have one
    from netcompile.solver_files import compile_solver  # noqa: PLC0415 - likewise

    whole = document.keys.get("solver", section).span  # the key may be misspelt
    path = settings.net_path or net_path(document.source.name, settings.net_file, settings.root)
    return compile_solver(
        section, whole, net, path, report=report, checks=checks, incomplete=incomplete, known=known, fork=settings.fork,
        built=built, document=document,
    )  # fmt: skip


def _source_name(document: MappingNode, settings: Settings) -> str:
    from netcompile.rooted import source_name  # noqa: PLC0415 - for texts with a header

    return source_name(document.source.name, settings.root)


def check_library(document: MappingNode, report: Report, settings: Settings) -> None:
    """Check a loaded library, and those that it imports, as far as that goes without a use."""
    from netcompile.language.unused import check_syntax  # noqa: PLC0415 - a spec is expanded

    libraries = (
        [one.document for one in _libraries(document, report, settings)] if "imports" in document.entries else []
    )
    types = _custom_types(libraries)
    sound = validate(document, report, allow_custom=settings.allow_custom, custom_types=types, fork=settings.fork)
    check_syntax(sound.document, report)
    _silence(report, document, settings)


def _silence(report: Report, document: MappingNode, settings: Settings) -> None:
    """Leave out what the call, the spec's `lint` or a comment says."""
    source, lint = document.source, document.entries.get("lint")
    if not report and lint is None and "netcompile:" not in source.text:
        return
    from netcompile.silence import Asked, silence  # noqa: PLC0415 - where something is found, or asked for

    names = name_list(lint.entries.get("ignore")) if type(lint) is MappingNode else []
    silence(report, settings.ignore, [Asked(str(name.value), name.span) for name in names], source)


def is_library(document: MappingNode) -> bool:
    """True for a document that only declares: `vars`, `defaults` or `blocks`, or what it imports, and no `layers`."""
    entries = document.entries
    declares = not entries.keys().isdisjoint(("vars", "defaults", "blocks")) or bool(name_list(entries.get("imports")))
    return declares and "layers" not in entries


def is_foreign(document: MappingNode) -> bool:
    """True for a document that is neither a spec nor a library, but some other program's."""
    keys = document.entries.keys()
    return "layers" not in keys and not (is_library(document) and keys <= _KEYS)


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
