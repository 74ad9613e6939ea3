"""What an import starts from: a net, its solver and its deploy net, read and brought to the current format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netcompile.binaries import check_message, unknown_fields
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.forks.read import fork_of
from netcompile.importing.comments import NO_COMMENTS, Comments, read_comments
from netcompile.old_formats import upgrade_net, upgrade_solver
from netcompile.prototxt import read_prototxt

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork
    from netcompile.old_formats import Origins
    from netcompile.tree import Source

SCHEMA: Final = "netcompile.schema.json"


class Given(NamedTuple):
    """A net or solver in the current format, with its comments and where its layers were written.

    `formats` says what was old in it. What a fork's message leaves to defaults that are not Caffe's is written out.
    """

    message: Any
    comments: Comments
    origins: Origins | None
    formats: tuple[str, ...]


class Files(NamedTuple):
    """What a spec is made of: a net, and its solver and deploy net where they are given; `fork` is whose they are.

    `schema` is the path of the JSON Schema, as the spec will name it.
    """

    net: Given
    solver: Given | None
    deploy: Given | None
    fork: Fork | None
    schema: str = SCHEMA


def read_text(source: Source, kind: str, report: Report, fork: Fork | None = None) -> Given:
    """Read the text of a net or solver, by the name of its message."""
    parsed = read_prototxt(source, getattr(fork or own_messages, kind), report)
    plain = kind == "NetParameter" and "#" not in source.text  # of a solver, the order of its fields is read too
    comments = NO_COMMENTS if report.failed or plain else read_comments(source.text)
    return _upgraded(parsed.message, comments, report, fork, parsed.positions.find)


def read_message(
    message: Message, kind: str, report: Report, fork: Fork | None = None, path: str | None = None
) -> Given:
    """Take a net or solver that is a message of any pool. It is not modified. `path` is the file that it is from."""
    own = getattr(fork or own_messages, kind).FromString(message.SerializePartialToString())
    check_message(own, report, path)
    return _upgraded(own, NO_COMMENTS, report, fork)


def fork_in(message: Message) -> Fork | None:
    """The fork whose message a net is; None where it says nothing that Caffe's own messages don't."""
    own = own_messages.NetParameter
    if isinstance(message, own):
        return None
    known = own.FromString(message.SerializePartialToString())
    return fork_of(type(message)) if unknown_fields(known) else None


def _upgraded(message: Any, comments: Comments, report: Report, fork: Fork | None, find: Any = None) -> Given:
    if message.DESCRIPTOR.name == "NetParameter":
        upgraded = upgrade_net(message, report, find)
        if fork is not None:
            fork.spell_out(upgraded.net)
        return Given(upgraded.net, comments, upgraded.origins, upgraded.formats)
    solver = upgrade_solver(message, report, find)
    if fork is not None:
        fork.spell_out(solver)
    for field, value in solver.ListFields():
        nets = value if field.name == "test_net_param" else (value,) if field.name.endswith("net_param") else ()
        if any(getattr(net, "layers", ()) for net in nets):
            text = (
                f"the net in `{field.name}` has an old form, which Caffe does not upgrade there, nor can a spec hold it"
            )
            hint = "keep that net in a file of its own, and name it with `net`"
            report.add("not-upgraded", find and find(field.name), text, hint=hint, severity="error")
    return Given(solver, comments, None, () if solver is message else ("solver_type",))
