"""The files that an import is made of: read as text or as binary messages, with what is to be told of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from netcompile.binaries import is_binary, read_binary, take_weights, undo_snapshot
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.diagnostics import CallError
from netcompile.importing.given import SCHEMA, Files, Given, read_message, read_text
from netcompile.kinds import kind_of
from netcompile.texts import prototxt_source, read_bytes

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork

_KINDS: Final = {"net": "NetParameter", "solver": "SolverParameter"}


def read_files(
    net: str, solver: str | None, deploy: str | None, output: str | None, report: Report, notes: list[str],
    fork: Fork | None = None,
) -> Files:  # fmt: skip
    """Read the net and what is given beside it. `notes` gets what was old in them, and what is left out.

    Raises CallError where a file can't be read or is something else.
    """
    return Files(
        net=_read(net, "net", report, notes, fork),
        solver=None if solver is None else _read(solver, "solver", report, notes, fork),
        deploy=None if deploy is None else _read(deploy, "net", report, notes, fork),
        fork=fork,
        schema=_schema(output),
    )


def _read(path: str, kind: str, report: Report, notes: list[str], fork: Fork | None) -> Given:
    data = read_bytes(path)
    if is_binary(path, data):
        message = read_binary(path, data, getattr(fork or own_messages, _KINDS[kind]))
        layers, values = take_weights(message) if kind == "net" else (0, 0)
        if layers:
            of = "1 layer" if layers == 1 else f"{layers} layers"
            notes.append(f"{path}: the weights of {of}, {values:,} values, are left out: a spec holds none")
        given = read_message(message, _KINDS[kind], report, fork)
        notes += _undone(path, given.message) if kind == "net" else []
    else:
        source = prototxt_source(path, data)
        found = kind_of(source.text)
        if found not in (kind, None):
            raise CallError(f"{path} is a {found}, not a {kind}")
        given = read_text(source, _KINDS[kind], report, fork)
    if given.formats:
        notes.append(f"{path}: had {', '.join(given.formats)}")
    return given


def _undone(path: str, net: Any) -> list[str]:
    """Take back what Caffe adds when it builds a net; the notes that say so."""
    splits, phase = undo_snapshot(net)
    what = [f"{splits} {'layer' if splits == 1 else 'layers'} of type Split"] if splits else []
    what += ["the phase in each layer"] if phase else []
    return [f"{path}: {' and '.join(what)} are left out: Caffe puts them in by itself"] if what else []


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
