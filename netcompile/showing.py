"""The show command: the graphs of a spec or of a net file, each phase and the deploy net."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.assignments import is_undeclared
from netcompile.checked_states import build_phases, check_phases
from netcompile.compiler import collector_off, compile_document, is_library
from netcompile.diagnostics import CallError
from netcompile.kinds import kind_of
from netcompile.load import load
from netcompile.net_files import read_net
from netcompile.paths import YAML
from netcompile.records import NamedTuple
from netcompile.silence import silence
from netcompile.texts import prototxt_source, read_bytes, spec_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netcompile.assignments import Assignments
    from netcompile.compiler import Settings
    from netcompile.diagnostics import Report
    from netcompile.ir import Graph
    from netcompile.tree import Source


class Shown(NamedTuple):
    """A net by its name, with the graphs to show: "TRAIN", "TEST" and "DEPLOY", as far as there are."""

    name: str
    graphs: Mapping[str, Graph]


def graphs_of(path: str, settings: Settings, variables: Assignments, report: Report) -> Shown | None:
    """Build the net in a file; None where it has errors. Raises CallError where it holds no net."""
    data = read_bytes(path)
    text = prototxt_source(path, data)
    kind = kind_of(text.text, yaml=path.endswith(YAML))
    if kind == "solver":
        raise CallError(f"{path} is a solver; show takes a spec or a net")
    with collector_off():
        if kind == "net":
            return _net(text, settings, report)
        return _spec(spec_source(path, data), settings, variables, report)


def _spec(source: Source, settings: Settings, variables: Assignments, report: Report) -> Shown | None:
    document = load(source, report)
    if document is None:
        return None
    if is_library(document):
        raise CallError(f"{source.name} is a library: it has no layers to show")
    own = settings._replace(optional=variables.names)
    compiled = compile_document(document, report, own, variables=variables.nodes(report))
    report.extend(variables.undeclared([report.drop(is_undeclared)]))
    return None if compiled is None or report.failed else Shown(compiled.net.name, compiled.graphs)


def _net(source: Source, settings: Settings, report: Report) -> Shown | None:
    if settings.deploy:
        raise CallError(f"{source.name} is prototxt, of which no deploy net can be derived; a spec has one")
    net = read_net(source, report, fork=settings.fork, allow_custom=settings.allow_custom)
    if net is None or report.failed:
        return None
    level, stages = settings.state or (0, ())
    built = build_phases(net, level=level, stages=stages)
    check_phases(net, built, report, chosen=settings.state is not None)
    silence(report, settings.ignore, (), source)
    return None if report.failed else Shown(net.header.name, {phase: one.graph for phase, one in built.items()})
