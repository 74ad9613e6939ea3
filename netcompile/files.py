"""Reading and writing files so that nothing is lost: whole, atomically, and only where the bytes change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Staged(NamedTuple):
    """New bytes in a file beside the one that they are for; no such file where that is a device or a pipe."""

    target: str
    temporary: str | None
    data: bytes


def write_atomic(path: str, data: bytes) -> bool:
    """Make the file at `path` hold `data`: False where it does already. Raises OSError, with the old file intact.

    The new bytes go to a file beside it, which then takes its name; a symbolic link stays one and its target changes.
    The file keeps its mode.
    """
    return write_together([(path, data)]) == 1


def write_together(files: Iterable[tuple[str, bytes]]) -> int:
    """Write files that belong together, each like `write_atomic`, and count those that change.

    All new bytes are on the disk before the first file is replaced, so that one that can't be written spares them all.
    """
    staged: list[_Staged] = []
    try:
        for path, data in files:
            target = os.path.realpath(path)
            if _read(target) != data:
                staged.append(_stage(target, data))
        for one in staged:
            _put(one)
    except BaseException:
        for one in staged:
            _remove(one.temporary)
        raise
    return len(staged)


def _stage(target: str, data: bytes) -> _Staged:
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(target) and not os.path.isfile(target):
        return _Staged(target, None, data)
    temporary = os.path.join(folder, f".{os.path.basename(target)}.{os.getpid()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
    except BaseException:
        _remove(temporary)
        raise
    return _Staged(target, temporary, data)


def _put(one: _Staged) -> None:
    if one.temporary is not None:
        os.replace(one.temporary, one.target)
        return
    with open(one.target, "wb") as file:  # a device or a pipe can't be replaced; a folder raises IsADirectoryError
        file.write(one.data)


def _read(path: str) -> bytes | None:
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _remove(path: str | None) -> None:
    try:
        if path is not None:
            os.unlink(path)
    except OSError:
        return
