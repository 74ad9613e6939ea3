"""Prototxt to a spec: the stages in order. The spec that comes out is compiled again and compared before it is given.

Straight-line code: nothing here decides how a layer is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.compiler import collector_off
from netcompile.diagnostics import CompileError, Report
from netcompile.forks.read import fork_of
from netcompile.importing.comments import NO_COMMENTS
from netcompile.importing.defaults import collect_defaults
from netcompile.importing.deploying import DeployPlan, plan_deploy
from netcompile.importing.document import Document, mark_commented, write_document
from netcompile.importing.given import Files, Given, fork_in, read_message, read_text
from netcompile.importing.items import make_items
from netcompile.importing.recompiled import Recompiled
from netcompile.importing.wiring import wire
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from netcompile.forks.read import Fork

_MOST_TOLD: Final = 20  # lines that a comment can hold before it hides the spec


class Imported(NamedTuple):
    """The text of a spec. `drift` says in lines how a given deploy net differs from the spec's."""

    text: str
    drift: Sequence[str]


def import_net(
    net: Message | str,
    solver: Message | str | None = None,
    deploy: Message | str | None = None,
    *,
    caffe_pb2: Any = None,
) -> str:
    """The text of a spec that compiles to a net: prototxt text or a NetParameter, in any format that Caffe reads.

    With the net's `solver` and `deploy` net, the spec holds them too. `caffe_pb2` is a fork's generated module, or its
    path, that text is read with. Raises CompileError where a text can't be read, or Caffe would refuse to upgrade it.
    """
    report = Report()
    with collector_off():
        fork = fork_of(caffe_pb2) or (None if isinstance(net, str) else fork_in(net))
        files = Files(
            net=_read(net, "NetParameter", report, fork),
            solver=None if solver is None else _read(solver, "SolverParameter", report, fork),
            deploy=None if deploy is None else _read(deploy, "NetParameter", report, fork),
            fork=fork,
        )
        imported = import_files(files, report)
        if imported is None:
            raise CompileError(report.ordered())
        return imported.text


def _read(given: Message | str, kind: str, report: Report, fork: Fork | None) -> Given:
    if isinstance(given, str):
        return read_text(Source("<prototxt>", given), kind, report, fork)
    return read_message(given, kind, report, fork)


def import_files(files: Files, report: Report) -> Imported | None:
    """The spec of a net and what belongs to it; None where something in `report` is an error.

    Where a layer does not come back from its usual form as it was, it is written without folding and without defaults.
    """
    if report.failed:
        return None
    try:
        return _import(files)
    except CompileError:
        text = f"the net has {len(files.net.message.layer):,} layers, too many for the text of one spec"
        report.add("expansion-limit", None, text)
        return None


def _import(files: Files) -> Imported:
    net, solver, deploy = files.net.message, files.solver, files.deploy
    plan = None if deploy is None else plan_deploy(net, deploy.message)
    apart: set[int] = set()
    while True:
        text = _write(files, plan, apart)
        compiled = Recompiled(text, files.fork)
        wrong = compiled.differing_layers(net)
        if not wrong:
            break
        assert not wrong <= apart, f"layers {sorted(wrong)} are others in the spec: {compiled.report.ordered()}"
        apart |= wrong
    assert solver is None or compiled.is_solver(solver.message), "the solver is another in the spec"
    drift = [] if deploy is None else compiled.drift(deploy.message)
    if drift:
        told = drift if len(drift) <= _MOST_TOLD else [*drift[:_MOST_TOLD], f"and {len(drift) - _MOST_TOLD} lines more"]
        text = _write(files, plan, apart, told)
    return Imported(text, drift)


def _write(files: Files, plan: DeployPlan | None, apart: set[int], drift: Sequence[str] = ()) -> str:
    layers = files.net.message.layer
    items = list(make_items(layers, apart, files.fork))
    for item in items:
        item.plan_deploy(plan.layers if plan else {})
    wire(items, files.fork)
    mark_commented(items, files.net.comments, files.net.origins)
    header = type(files.net.message)()
    header.CopyFrom(files.net.message)
    header.ClearField("layer")
    document = Document(
        schema=files.schema,
        header=header,
        defaults=collect_defaults(items, {layers[i].type for i in apart}),
        items=items,
        comments=files.net.comments,
        origins=files.net.origins,
        deploy=plan.section if plan else None,
        drift=drift,
        solver=files.solver.message if files.solver else None,
        solver_comments=files.solver.comments if files.solver else NO_COMMENTS,
    )
    return write_document(document)
