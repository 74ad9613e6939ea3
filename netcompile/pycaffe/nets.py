"""The nets that the check command compares with an installed Caffe: those of specs, of net files and of solvers.

Each is compared in the states in which it is checked. Straight-line code like `checking`, whose results are added to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.checked_states import build_phases
from netcompile.compiler import compile_document
from netcompile.diagnostics import Report
from netcompile.load import load
from netcompile.net_files import read_net
from netcompile.pycaffe.compare import Options as Reading
from netcompile.pycaffe.compare import compare
from netcompile.solver_files import check_source
from netcompile.states import State
from netcompile.texts import prototxt_source, read_bytes, spec_source
from netcompile.tree import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.checking import Checked, Job, Options
    from netcompile.compiler import Compiled
    from netcompile.ir import Graph
    from netcompile.pycaffe.process import Pycaffe


def compare_job(job: Job, checked: Checked, options: Options, caffe: Pycaffe) -> Checked:
    """Add to what was found in a file what Caffe says of its nets."""
    report = Report()
    if checked.outcome == "spec":
        _compare_spec(job, options, caffe, report)
    elif checked.outcome == "net":
        _compare_net(job, options, caffe, report)
    elif checked.outcome == "solver":
        _compare_solver(job, options, caffe, report)
    ignored = options.settings.ignore
    whole = Span(Source(job.path, ""), 1, 1, 1, 1)
    found = [one if one.span else one._replace(span=whole) for one in report.ordered() if one.code not in ignored]
    return checked._replace(findings=(*checked.findings, *found))


def _compare_spec(job: Job, options: Options, caffe: Pycaffe, report: Report) -> None:
    """Compare the nets of a spec that compiles; of another there is nothing that Caffe could read."""
    findings = Report()
    settings = options.settings._replace(optional=options.variables.names)
    document = load(spec_source(job.path, read_bytes(job.path) if job.data is None else job.data), findings)
    if document is None:
        return
    compiled = compile_document(document, Report(), settings, variables=options.variables.nodes(findings))
    if compiled is None:
        return
    own = Report()
    for target, state in _states_of(compiled, options):
        graph = compiled.graphs[state.phase]
        shapes = {name: shape.dims for one in graph.layers for name, shape in one.layer.declared.items()}
        reading = Reading(settings.fork, allow_custom=True, shapes=shapes)
        compare(Source(job.path, compiled.prototxt(target)), [state], caffe, own, reading)
    # Places in what is compiled are none in the spec.
    report.extend(found._replace(span=None, notes=()) for found in own)


def _states_of(compiled: Compiled, options: Options) -> Iterator[tuple[str, State]]:
    """Each target of a spec with the states in which it is checked."""
    settings = options.settings
    if compiled.solver is not None and settings.state is None:
        net = Source("net", compiled.prototxt("net"))
        solver = Source("solver", compiled.prototxt("solver"))
        built = check_source(solver, lambda _: net, Report(), fork=settings.fork, allow_custom=True)
        yield from (("net", one.state) for one in built if one.use.path is not None)
    else:
        graphs = [compiled.graphs[phase] for phase in ("TRAIN", "TEST")]
        yield from (("net", _state(graph)) for graph in graphs if _is_fed(graph))
    if compiled.deploy is not None:
        yield "deploy", State("DEPLOY")


def _compare_net(job: Job, options: Options, caffe: Pycaffe, report: Report) -> None:
    source = prototxt_source(job.path, read_bytes(job.path) if job.data is None else job.data)
    settings = options.settings
    reading = Reading(settings.fork, settings.allow_custom)
    net = read_net(source, Report(), fork=settings.fork, allow_custom=settings.allow_custom)
    states: Sequence[State] = [State("TRAIN"), State("TEST")]
    if net is not None:
        level, stages = settings.state or (0, ())
        graphs = [one.graph for one in build_phases(net, level=level, stages=stages).values()]
        states = [_state(graph) for graph in graphs if _is_fed(graph)]
    compare(source, states, caffe, report, reading)


def _compare_solver(job: Job, options: Options, caffe: Pycaffe, report: Report) -> None:
    settings = options.settings
    reading = Reading(settings.fork, settings.allow_custom)
    sources = {written: prototxt_source(path, read_bytes(path)) for written, path in job.nets.items()}
    source = prototxt_source(job.path, read_bytes(job.path) if job.data is None else job.data)
    built = check_source(source, sources.get, Report(), fork=settings.fork, allow_custom=settings.allow_custom)
    for one in built:
        if one.use.path in sources:
            compare(sources[one.use.path], [one.state], caffe, report, reading)


def _state(graph: Graph) -> State:
    return State(graph.phase, graph.level, tuple(graph.stages))


def _is_fed(graph: Graph) -> bool:
    """Whether a net has data in a state: it is not meant for one without."""
    messages = [one.layer.message for one in graph.layers]
    return any(not message.bottom and message.type != "Parameter" for message in messages)
