"""Paths from the root folder of a spec: those that a compiled file names, wherever the compiler is called."""

from __future__ import annotations

import os

from netcompile.imports import find_root


def net_path(spec: str, net_file: str | None, root: str | None) -> str:
    """The path of the emitted net from the root folder: `net_file`, else NAME.prototxt beside the spec."""
    path = net_file or f"{os.path.splitext(spec)[0]}.prototxt"
    return _from_root(path, spec, root) or path


def source_name(spec: str, root: str | None) -> str:
    """What the header comment calls a spec: its path from the root folder."""
    if not os.path.isfile(spec):
        return spec
    return _from_root(spec, spec, root) or os.path.basename(spec)


def _from_root(path: str, spec: str, root: str | None) -> str | None:
    """A path from the root folder of a spec; None where it is outside."""
    folder = os.path.realpath(root or find_root(spec))
    full = os.path.realpath(path)
    inside = os.path.commonpath([folder, full]) == folder
    return os.path.relpath(full, folder).replace(os.sep, "/") if inside else None
