"""Reading and writing files so that nothing is lost: whole, atomically, and only where the bytes change."""

from __future__ import annotations

import os


def write_atomic(path: str, data: bytes) -> bool:
    """Make the file at `path` hold `data`: False where it does already. Raises OSError, with the old file intact.

    The new bytes go to a file beside it, which then takes its name; a symbolic link stays one and its target changes.
    The file keeps its mode.
    """
    target = os.path.realpath(path)
    old = _read(target)
    if old == data:
        return False
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(target) and not os.path.isfile(target):
        _write_special(target, data)
        return True
    temporary = os.path.join(folder, f".{os.path.basename(target)}.{os.getpid()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise
    return True


def _read(path: str) -> bytes | None:
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _write_special(path: str, data: bytes) -> None:
    """A device or a pipe can't be replaced; a folder raises IsADirectoryError."""
    with open(path, "wb") as file:
        file.write(data)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
