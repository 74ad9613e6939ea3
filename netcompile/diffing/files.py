"""The nets of two files to compare, each a spec, prototxt or a binary message, and the weights of an old model.

Straight-line code: nothing here decides what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.binaries import check_message, is_binary, read_binary, take_weights, undo_snapshot
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.compiler import collector_off, compile_document, is_library
from netcompile.diagnostics import CallError
from netcompile.differ import Difference, NetSide, compare
from netcompile.diffing.graphs import graphs_of_net
from netcompile.diffing.weights import stored_blobs
from netcompile.kinds import kind_of
from netcompile.load import load
from netcompile.old_formats import upgrade_net
from netcompile.prototxt import read_prototxt
from netcompile.texts import prototxt_source, read_bytes, spec_source

if TYPE_CHECKING:
    from netcompile.compiler import Settings
    from netcompile.diagnostics import Report
    from netcompile.diffing.weights import Blob
    from netcompile.forks.read import Fork


def compare_files(
    before: str, after: str, settings: Settings, report: Report, *, phase: str | None = None, model: str | None = None
) -> Difference | None:
    """Compare the nets of two files; None where one has errors that make it no net.

    `phase` is "TRAIN", "TEST" or "DEPLOY", None for the first two. Of prototxt, DEPLOY is the net in TEST. `model` is
    the path of a .caffemodel. Raises CallError where a file can't be read, or holds no net.
    """
    with collector_off():
        old, new = (_side(path, settings, report, phase) for path in (before, after))
        stored = None if model is None else _stored(model, settings, report)
        if old is None or new is None or report.failed:
            return None
        return compare(old, new, inference=phase == "DEPLOY", model=stored)


def _side(path: str, settings: Settings, report: Report, phase: str | None) -> NetSide | None:
    data = read_bytes(path)
    kind = "net" if is_binary(path, data) else kind_of(prototxt_source(path, data).text)
    if kind == "solver":
        raise CallError(f"{path} is a solver; diff compares nets")
    if kind == "spec":
        return _spec_side(path, data, settings, report, phase)
    net = _read(path, data, settings.fork, report)
    if report.failed:
        return None
    take_weights(net)  # as parts of a net they say nothing; what they fit is another question
    upgraded = upgrade_net(net, report).net
    if is_binary(path, data):
        undo_snapshot(upgraded)
    level, stages = settings.state or (0, ())
    graphs = graphs_of_net(upgraded, phase=phase, level=level, stages=stages, fork=settings.fork)
    return NetSide(path, upgraded, graphs)


def _spec_side(path: str, data: bytes, settings: Settings, report: Report, phase: str | None) -> NetSide | None:
    document = load(spec_source(path, data), report)
    if document is None:
        return None
    if is_library(document):
        raise CallError(f"{path} is a library: it has no layers to compare")
    wanted = settings._replace(check=False, allow_custom=True, deploy=phase == "DEPLOY")
    compiled = compile_document(document, report, wanted)
    if compiled is None or report.failed:
        return None
    net = compiled.deploy if phase == "DEPLOY" else compiled.net
    return NetSide(path, net, {one: compiled.graphs[one] for one in ((phase,) if phase else ("TRAIN", "TEST"))})


def _read(path: str, data: bytes, fork: Fork | None, report: Report) -> Any:
    """The net of a file as it is written there."""
    message_type = (fork or own_messages).NetParameter
    if not is_binary(path, data):
        return read_prototxt(prototxt_source(path, data), message_type, report).message
    net = read_binary(path, data, message_type)
    check_message(net, report)
    return net


def _stored(path: str, settings: Settings, report: Report) -> dict[str, list[Blob]]:
    """The blobs of a model by layer."""
    net = _read(path, read_bytes(path), settings.fork, report)
    return stored_blobs(upgrade_net(net, report).net)
