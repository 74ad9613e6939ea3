"""Prototxt to a spec: the stages in order. The spec that comes out is compiled again and compared before it is given.

Straight-line code: nothing here decides how a layer is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.compiler import Settings, collector_off, expand_document
from netcompile.diagnostics import CompileError, Report
from netcompile.emit import emit
from netcompile.importing.comments import NO_COMMENTS, Comments, read_comments
from netcompile.importing.defaults import collect_defaults
from netcompile.importing.document import Document, write_document
from netcompile.importing.items import make_items
from netcompile.importing.wiring import wire
from netcompile.load import load
from netcompile.lower import lower
from netcompile.old_formats import upgrade_net, upgrade_solver
from netcompile.prototxt import read_prototxt
from netcompile.records import NamedTuple
from netcompile.solver_spec import fill_solver
from netcompile.tree import Mapping, Source

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from netcompile.old_formats import Origins

SCHEMA: Final = "netcompile.schema.json"


class Read(NamedTuple):
    """A net or solver in the current format, with its comments and where its layers were written."""

    message: Any
    comments: Comments
    origins: Origins | None
    formats: tuple[str, ...]


def import_net(
    net: Message | str, solver: Message | str | None = None, deploy: Message | str | None = None
) -> str:
    """The text of a spec that compiles to a net: prototxt text or a NetParameter, in any format that Caffe reads.

    With the `solver` of the net and its `deploy` net, the spec holds them too. Raises CompileError where a text can't
    be read, or Caffe would refuse to upgrade it.
    """
    report = Report()
    with collector_off():
        read = read_given(net, "NetParameter", report)
        read_solver = None if solver is None else read_given(solver, "SolverParameter", report)
        read_deploy = None if deploy is None else read_given(deploy, "NetParameter", report)
        if report.failed:
            raise CompileError(report.ordered())
        return write_spec(read, read_solver)


def read_given(given: Message | str, kind: str, report: Report) -> Read:
    """Read a net or solver, by the name of its message, as text or from a message of any pool."""
    if isinstance(given, str):
        return read_text(Source("<prototxt>", given), kind, report)
    message_type = getattr(own_messages, kind)
    return _upgraded(message_type.FromString(given.SerializePartialToString()), NO_COMMENTS, report)


def read_text(source: Source, kind: str, report: Report, messages: Any = own_messages) -> Read:
    """Read the text of a net or solver, by the name of its message."""
    parsed = read_prototxt(source, getattr(messages, kind), report)
    comments = NO_COMMENTS if report.failed else read_comments(source.text)
    return _upgraded(parsed.message, comments, report, parsed.positions.find)


def _upgraded(message: Any, comments: Comments, report: Report, find: Any = None) -> Read:
    if message.DESCRIPTOR.name == "SolverParameter":
        return Read(upgrade_solver(message, report, find), comments, None, ())
    upgraded = upgrade_net(message, report, find)
    return Read(upgraded.net, comments, upgraded.origins, upgraded.formats)


def write_spec(net: Read, solver: Read | None = None, schema: str = SCHEMA) -> str:
    """The text of a spec for a net, which compiles to that very net.

    Where a layer does not come back as it was from its usual form, it is written without folding and defaults.
    """
    apart: set[int] = set()
    while True:
        text = _write(net, solver, schema, apart)
        wrong = _differing(net.message, text)
        if not wrong:
            return text
        assert not wrong <= apart, f"layers {sorted(wrong)} do not come back from the spec"
        apart |= wrong


def _write(net: Read, solver: Read | None, schema: str, apart: set[int]) -> str:
    layers = net.message.layer
    items = make_items(layers, apart)
    wire(items)
    defaults = collect_defaults(items, {layers[i].type for i in apart})
    header = type(net.message)()
    header.CopyFrom(net.message)
    header.ClearField("layer")
    return write_document(Document(
        schema=schema, header=header, defaults=defaults, items=items, comments=net.comments, origins=net.origins,
        deploy=None, solver=None if solver is None else solver.message,
        solver_comments=NO_COMMENTS if solver is None else solver.comments,
    ))  # fmt: skip


def _differing(net: Any, text: str) -> set[int]:
    """The indexes of the layers that are others in the net that a spec compiles to; all of them where the net is."""
    report = Report()
    document = load(Source("spec", text), report)
    assert document is not None, report.ordered()
    spec = expand_document(document, report, Settings(check=False), {})
    compiled = emit(lower(spec, report))
    if str(compiled) == str(net) and not report.failed:
        return set()
    if len(compiled.layer) != len(net.layer):
        return set(range(len(net.layer)))
    return {i for i, layer in enumerate(net.layer) if str(layer) != str(compiled.layer[i])} or set(range(len(net.layer)))
