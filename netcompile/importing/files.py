"""The files that an import is made of: read as text or as binary messages, with what is to be told of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from netcompile.binaries import is_binary, read_binary, take_weights, undo_snapshot
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.diagnostics import CallError, Report
from netcompile.importing.given import SCHEMA, Files, Given, read_message, read_text
from netcompile.kinds import kind_of
from netcompile.texts import prototxt_source, read_bytes

if TYPE_CHECKING:
    from netcompile.forks.read import Fork

_STDIN: Final = "-"
_KINDS: Final = {"net": "NetParameter", "solver": "SolverParameter"}


def read_files(
    net: str, solver: str | None, deploy: str | None, output: str | None, report: Report, notes: list[str],
    fork: Fork | None = None,
) -> Files:  # fmt: skip
    """Read the net and what is given beside it. `notes` gets what was old in them, and what is left out.

    Raises CallError where a file can't be read, is something else, or would be overwritten.
    """
    given = [path for path in (net, solver, deploy) if path is not None]
    if given.count(_STDIN) > 1:
        raise CallError("standard input can be read once: of NET, --solver and --deploy, only one can be -")
    if output is not None and os.path.realpath(output) in map(os.path.realpath, given):
        raise CallError(f"{output} is what is imported; it would be overwritten")
    files = Files(
        net=_read(net, "net", report, notes, fork),
        solver=None if solver is None else _read(solver, "solver", report, notes, fork),
        deploy=None if deploy is None else _read(deploy, "net", report, notes, fork),
        fork=fork,
        schema=_schema(output),
    )
    if files.deploy is not None and len(files.deploy.comments):
        which = _counted(len(files.deploy.comments), "comment")
        notes.append(f"{deploy}: {which} left out: the deploy net comes of the layers of {net}")
    return files


def _read(path: str, kind: str, report: Report, notes: list[str], fork: Fork | None) -> Given:
    data = read_bytes(path)
    own = Report()
    message_type = getattr(fork or own_messages, _KINDS[kind])
    if is_binary(path, data, message_type):
        message = read_binary(path, data, message_type)
        layers, values = take_weights(message) if kind == "net" else (0, 0)
        if layers:
            of = f"{_counted(layers, 'layer')}, {_counted(values, 'value')},"
            notes.append(f"{path}: the weights of {of} are left out: a spec holds none")
        given = read_message(message, _KINDS[kind], own, fork, path)
        notes += _undone(path, given.message) if kind == "net" else []
    else:
        source = prototxt_source(path, data)
        found = kind_of(source.text)
        if found not in (kind, None):
            raise CallError(f"{path} is a {found}, not a {kind}")
        given = read_text(source, _KINDS[kind], own, fork)
        if found is None and own.failed and not given.message.ListFields() and not _is_misspelt(own):
            raise CallError(f"{path} is not a prototxt {kind}: none of its fields are")
    report.extend(own)
    if given.formats:
        notes.append(f"{path}: had {', '.join(given.formats)}")
    if any(one.code == "not-utf8" for one in own):
        notes.append(f"{path}: text that is not UTF-8 can't be kept: \\x.. stands for its bytes")
    if kind == "net" and not given.message.layer and not own.failed:
        notes.append(f"{path}: has no layers")
    return given


def _is_misspelt(report: Report) -> bool:
    """True where a field that is not known is close to one that is."""
    return any("did you mean" in (one.hint or "") for one in report)


def _undone(path: str, net: Any) -> list[str]:
    """Take back what Caffe adds when it builds a net; the notes that say so."""
    splits, phase = undo_snapshot(net)
    what = [f"{_counted(splits, 'layer')} of type Split"] if splits else []
    what += ["the phase in each layer"] if phase else []
    if not what:
        return []
    several = splits > 1 or len(what) > 1
    left = "are left out: Caffe puts them in by itself" if several else "is left out: Caffe puts it in by itself"
    return [f"{path}: {' and '.join(what)} {left}"]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def _schema(output: str | None) -> str:
    """The path of the JSON Schema from a spec: the nearest one above it, else as if it lay beside it."""
    folder = os.path.dirname(os.path.abspath(output)) if output is not None else ""
    above = folder
    while above:
        for name in (SCHEMA, f"schemas/{SCHEMA}"):
            if os.path.isfile(os.path.join(above, name)):
                return os.path.relpath(os.path.join(above, name), folder).replace(os.sep, "/")
        above = os.path.dirname(above) if os.path.dirname(above) != above else ""
    return SCHEMA
