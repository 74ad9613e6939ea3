"""The upgrade command: a net or solver as Caffe's own tools would write it, text as text and binary as binary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.binaries import check_message, is_binary, read_binary
from netcompile.caffe import caffe_pb2
from netcompile.diagnostics import CallError
from netcompile.emit import to_text
from netcompile.kinds import kind_of
from netcompile.old_formats import upgrade_net, upgrade_solver
from netcompile.prototxt import read_prototxt
from netcompile.records import NamedTuple
from netcompile.text_format.scan import find_comments
from netcompile.texts import prototxt_source, read_bytes

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork
    from netcompile.tree import Source


class UpgradedFile(NamedTuple):
    """The new content of a file, and what was old in it: nothing where the content is as it was.

    `comments` is how many of its comments the new content lacks.
    """

    data: bytes
    formats: tuple[str, ...]
    comments: int = 0


def upgrade_file(path: str, report: Report, fork: Fork | None = None) -> UpgradedFile | None:
    """Upgrade a net or solver of Caffe or of a fork; None where Caffe would refuse it. What gets lost is reported too.

    A binary net stays binary and keeps its weights. Raises CallError where the file can't be read, or holds something
    else.
    """
    data = read_bytes(path)
    messages: Any = fork or caffe_pb2
    if is_binary(path, data, messages.NetParameter):
        return _upgrade_binary(path, data, report, messages)
    source = prototxt_source(path, data)
    kind = kind_of(source.text)
    if kind == "spec":
        raise CallError(f"{path} is a spec; only prototxt has old formats")
    formats, text = (_upgrade_solver if kind == "solver" else _upgrade_net)(source, report, messages)
    if report.failed:
        return None
    _refuse_other_text(path, report)
    if not formats:
        return UpgradedFile(data, formats)
    return UpgradedFile(text.encode(), formats, sum(1 for _ in find_comments(source.text)))


def _upgrade_binary(path: str, data: bytes, report: Report, messages: Any) -> UpgradedFile | None:
    net = read_binary(path, data, messages.NetParameter)
    check_message(net, report, path)
    _refuse_other_text(path, report)
    upgraded = upgrade_net(net, report)
    if report.failed:
        return None
    formats = upgraded.formats
    return UpgradedFile(upgraded.net.SerializePartialToString() if formats else data, formats)


def _refuse_other_text(path: str, report: Report) -> None:
    if any(found.code == "not-utf8" for found in report):
        raise CallError(f"{path} has a string that is not UTF-8, which can't be written as it is")


def _upgrade_net(source: Source, report: Report, messages: Any) -> tuple[tuple[str, ...], str]:
    parsed = read_prototxt(source, messages.NetParameter, report)
    upgraded = upgrade_net(parsed.message, report, parsed.positions.find)
    return upgraded.formats, to_text(upgraded.net)


def _upgrade_solver(source: Source, report: Report, messages: Any) -> tuple[tuple[str, ...], str]:
    parsed = read_prototxt(source, messages.SolverParameter, report)
    solver = upgrade_solver(parsed.message, report, parsed.positions.find)
    return (() if solver is parsed.message else ("solver_type",)), to_text(solver)
