"""Which files a command's paths stand for: files, folders with all below them, and patterns.

Knows no contents.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

YAML: Final = (".yaml", ".yml")
PROTOTXT: Final = (".prototxt", ".pbtxt")
_MAGIC: Final = frozenset("*?[")


class Found(NamedTuple):
    """A file to look at, and the folder that was searched for it: None where it was named itself."""

    path: str
    folder: str | None


def find_files(paths: Sequence[str], endings: tuple[str, ...] = YAML + PROTOTXT) -> list[Found]:
    """List the files that `paths` stand for, each once: in the order given, a folder's in the order of their names.

    A folder gives the files with one of `endings`; folders in it that begin with a dot are left out. A path that does
    not exist comes back as it is, unless it is a pattern that matches something.
    """
    found: dict[str, Found] = {}
    for path in paths:
        for one in _expand(path, endings):
            found.setdefault(one.path, one)
    return list(found.values())


def _expand(path: str, endings: tuple[str, ...]) -> Iterator[Found]:
    if not _MAGIC.isdisjoint(path) and not os.path.lexists(path):
        matches = _matches(path)
        if matches:
            yield from (one for match in matches for one in _below(match, _start(path), endings))
            return
    if os.path.isdir(path):
        yield from _walk(path, path, endings)
    else:
        yield Found(path if path == "-" else os.path.normpath(path), None)


def _below(match: str, folder: str, endings: tuple[str, ...]) -> Iterator[Found]:
    if os.path.isdir(match):
        return _walk(match, folder, endings)
    return iter((Found(os.path.normpath(match), folder),))


def _matches(pattern: str) -> list[str]:
    from glob import glob  # noqa: PLC0415 - most shells have expanded it

    return sorted(glob(pattern, recursive=True))


def _start(pattern: str) -> str:
    """The folder in which a pattern begins to vary."""
    folder = pattern
    while not _MAGIC.isdisjoint(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir


def _walk(top: str, found_in: str, endings: tuple[str, ...]) -> Iterator[Found]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith(endings) and not _is_special(path):
                yield Found(os.path.normpath(path), found_in)


def _is_special(path: str) -> bool:
    """True for a pipe, a socket or a device, which could be read for ever. What is not there is none of these."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
