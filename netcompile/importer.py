"""Prototxt to a spec: the stages in order. The spec that comes out is compiled again and compared before it is given.

Straight-line code: nothing here decides how a layer is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.binaries import check_message
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.compiler import Settings, collector_off, expand_document
from netcompile.deploy import derive_deploy, read_options
from netcompile.diagnostics import CompileError, Report
from netcompile.differ import NetSide, compare
from netcompile.diffing.graphs import graphs_of_net
from netcompile.diffing.report import to_text
from netcompile.emit import emit
from netcompile.forks import fork_of
from netcompile.importing.comments import NO_COMMENTS, Comments, read_comments
from netcompile.importing.defaults import collect_defaults
from netcompile.importing.deploying import plan_deploy, split_inputs
from netcompile.importing.document import Document, write_document
from netcompile.importing.items import make_items
from netcompile.importing.wiring import wire
from netcompile.load import load
from netcompile.lower import lower
from netcompile.old_formats import upgrade_net, upgrade_solver
from netcompile.prototxt import read_prototxt
from netcompile.solver_spec import fill_solver
from netcompile.tree import Mapping, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from netcompile.expand import Expanded
    from netcompile.forks import Fork
    from netcompile.importing.deploying import DeployPlan
    from netcompile.old_formats import Origins

_MOST_TOLD: Final = 20
SCHEMA: Final = "netcompile.schema.json"


class Given(NamedTuple):
    """A net or solver in the current format, with its comments and where its layers were written.

    `formats` says what was old in it.
    """

    message: Any
    comments: Comments
    origins: Origins | None
    formats: tuple[str, ...]


class Imported(NamedTuple):
    """The text of a spec. `drift` says in lines how a given deploy net differs from the one that the spec gives."""

    text: str
    drift: list[str]


class Files(NamedTuple):
    """What a spec is made of: a net, and where they are given its solver and its deploy net; `fork` is whose they are."""

    net: Given
    solver: Given | None
    deploy: Given | None
    fork: Fork | None
    schema: str = SCHEMA


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
        fork = fork_of(caffe_pb2) or _fork_in(net)
        files = Files(
            _read(net, "NetParameter", report, fork),
            None if solver is None else _read(solver, "SolverParameter", report, fork),
            None if deploy is None else _read(deploy, "NetParameter", report, fork),
            fork,
        )
        imported = import_files(files, report)
        if imported is None:
            raise CompileError(report.ordered())
        return imported.text


def _fork_in(net: Message | str) -> Fork | None:
    """The fork whose message a net is; None where it says nothing that Caffe's own messages don't."""
    if isinstance(net, str) or isinstance(net, own_messages.NetParameter):
        return None
    unknown = Report()
    check_message(_as(own_messages.NetParameter, net), unknown)
    return fork_of(type(net)) if unknown.failed else None


def _read(given: Message | str, kind: str, report: Report, fork: Fork | None) -> Given:
    if isinstance(given, str):
        return read_text(Source("<prototxt>", given), kind, report, fork)
    return read_message(_as(getattr(fork or own_messages, kind), given), report)


def _as(message_type: Any, message: Message) -> Any:
    return message_type.FromString(message.SerializePartialToString())


def read_text(source: Source, kind: str, report: Report, fork: Fork | None = None) -> Given:
    """Read the text of a net or solver, by the name of its message."""
    parsed = read_prototxt(source, getattr(fork or own_messages, kind), report)
    comments = NO_COMMENTS if report.failed else read_comments(source.text)
    return _upgraded(parsed.message, comments, report, parsed.positions.find)


def read_message(message: Any, report: Report) -> Given:
    """Take a net or solver that is a message already."""
    check_message(message, report)
    return _upgraded(message, NO_COMMENTS, report)


def _upgraded(message: Any, comments: Comments, report: Report, find: Any = None) -> Given:
    if message.DESCRIPTOR.name == "NetParameter":
        upgraded = upgrade_net(message, report, find)
        return Given(upgraded.net, comments, upgraded.origins, upgraded.formats)
    solver = upgrade_solver(message, report, find)
    for field, inner in solver.ListFields():
        nets = inner if field.name == "test_net_param" else [inner] if field.name.endswith("net_param") else ()
        if any(getattr(net, "layers", ()) for net in nets):
            text = f"the net in `{field.name}` has an old form, which Caffe does not upgrade there, nor can a spec hold it"
            hint = "keep that net in a file of its own, and name it with `net`"
            report.add("not-upgraded", find and find(field.name), text, hint=hint, severity="error")
    return Given(solver, comments, None, () if solver is message else ("solver_type",))


def import_files(files: Files, report: Report) -> Imported | None:
    """The spec of a net and what belongs to it; None where something in `report` is an error.

    Where a layer does not come back from its usual form as it was, it is written without folding and without defaults.
    """
    if report.failed:
        return None
    plan = None if files.deploy is None else plan_deploy(files.net.message, files.deploy.message)
    apart: set[int] = set()
    while True:
        text = _write(files, plan, apart)
        compiled = _Recompiled(text, files)
        wrong = compiled.differing()
        if not wrong:
            break
        assert not wrong <= apart, f"layers {sorted(wrong)} do not come back from the spec: {compiled.report.ordered()}"
        apart |= wrong
    drift = [] if files.deploy is None else compiled.drift(files.deploy.message)
    return Imported(_write(files, plan, apart, _cut(drift)) if drift else text, drift)


def _cut(drift: list[str]) -> list[str]:
    """As much as a comment can hold before it hides the spec."""
    return drift if len(drift) <= _MOST_TOLD else [*drift[:_MOST_TOLD], f"and {len(drift) - _MOST_TOLD} lines more"]


def _write(files: Files, plan: DeployPlan | None, apart: set[int], drift: Sequence[str] = ()) -> str:
    layers = files.net.message.layer
    items = list(make_items(layers, apart, files.fork))
    for item in items if plan else ():
        item.plan_deploy(plan.layers)
    wire(items, files.fork)
    header = type(files.net.message)()
    header.CopyFrom(files.net.message)
    header.ClearField("layer")
    return write_document(Document(
        schema=files.schema,
        header=header,
        defaults=collect_defaults(items, {layers[i].type for i in apart}),
        items=items,
        comments=files.net.comments,
        origins=files.net.origins,
        deploy=plan.section if plan else None,
        drift=drift,
        solver=files.solver and files.solver.message,
        solver_comments=files.solver.comments if files.solver else NO_COMMENTS,
    ))  # fmt: skip


class _Recompiled:
    """What a spec compiles to, to be compared with what it was made of."""

    def __init__(self, text: str, files: Files) -> None:
        self.files = files
        self.report = Report()
        document = load(Source("the spec", text), self.report)
        assert document is not None, self.report.ordered()
        settings = Settings(check=False, caffe=files.fork)
        self.spec: Expanded = expand_document(document, self.report, settings, {})

    def differing(self) -> set[int]:
        """The indexes of the layers that come out otherwise; all of them where the net or the solver does."""
        files = self.files
        net = files.net.message
        compiled = emit(lower(self.spec, self.report, fork=files.fork))
        every = set(range(len(net.layer)))
        if self.report.failed or len(compiled.layer) != len(net.layer):
            return every or {-1}
        layers = {i for i, layer in enumerate(net.layer) if not self._same(compiled.layer[i], layer)}
        if not layers and not self._same(compiled, net):
            return every or {-1}
        solver = files.solver and files.solver.message
        if solver is not None and not self._same(self._solver(type(solver)), solver):
            return every or {-1}
        return layers

    def _solver(self, message_type: Any) -> Any:
        section = self.spec.solver
        assert type(section) is Mapping
        return fill_solver(section, self.report, message_type)

    def _same(self, compiled: Any, given: Any) -> bool:
        """True for equal messages, as text, in which a field that is no number equals itself."""
        if self.files.fork is not None and str(compiled) != str(given):
            whole = type(given)()
            whole.CopyFrom(given)
            self.files.fork.complete(whole)
            given = whole
        return str(compiled) == str(given)

    def drift(self, given: Any) -> list[str]:
        """How the given deploy net differs from the one that comes of the spec; empty where it does not."""
        fork = self.files.fork
        report = Report()
        lowered = lower(self.spec, report, "DEPLOY", fork=fork)
        derived = derive_deploy(lowered, read_options(self.spec.deploy), report, fork)
        if derived is None or report.failed:
            return ["no deploy net comes of the spec as it is:", *(f"  {found.message}" for found in report)]
        own, other = (
            NetSide(name, net, graphs_of_net(net, phase="DEPLOY", fork=fork))
            for name, net in (("deploy as this spec gives it", emit(derived)), ("as it was given", split_inputs(given)))
        )
        difference = compare(own, other, inference=True)
        # The names of layers matter to their weights alone.
        entries = [entry for entry in difference.entries if entry.what != "renamed" or entry.layer in other.graphs["DEPLOY"].params]
        difference = difference._replace(entries=entries)
        return [] if difference.equal else [line for line in to_text(difference).splitlines() if line]
