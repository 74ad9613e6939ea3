"""Reading and writing files so that nothing is lost: whole, atomically, and only where the bytes change."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


MAX_BYTES: Final = 2**31 - 1  # of a message, weights included: protobuf's own limit
MAX_STREAM: Final = 2**28  # of a pipe or a device: /dev/zero has no end
_CHUNK: Final = 2**20
_MARK: Final = ".netcompile-"  # with which the names of files begin that are not finished


class _Staged(NamedTuple):
    """New bytes in a file beside the one that they are for; no such file where that is a device or a pipe.

    The file is open, and locked as long as it is: what no process has locked was left by one that was killed.
    """

    target: str
    temporary: str | None
    file: IO[bytes] | None
    data: bytes


def read_file(path: str) -> bytes:
    """The content of a file, a pipe or a device. Raises OSError, also where that is too much."""
    if "\0" in path:
        raise OSError(errno.EINVAL, "a path has no null character", path)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return read_stream(file, path)
        if status.st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"{status.st_size:,} bytes; at most {MAX_BYTES:,} are read", path)
        return file.read()


def read_stream(stream: IO[bytes], name: str) -> bytes:
    """What is left in a stream, like `read_file`; `name` is for the error."""
    data = stream.read(_CHUNK)
    if len(data) < _CHUNK:
        return data
    chunks, size = [data], len(data)
    while chunk := stream.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_STREAM:
            raise OSError(errno.EFBIG, f"it does not end; at most {MAX_STREAM:,} bytes are read", name)
    return b"".join(chunks)


def write_atomic(path: str, data: bytes) -> bool:
    """Make the file at `path` hold `data`: False where it does already. Raises OSError, with the old file intact.

    The new bytes go to a file beside it, which then takes its name; a symbolic link stays one and its target changes.
    The file keeps its mode.
    """
    return write_together([(path, data)]) == 1


def write_together(files: Iterable[tuple[str, bytes]]) -> int:
    """Write files that belong together, each like `write_atomic`, and count those that change.

    All new bytes are on the disk before the first file is replaced, so that one that can't be written spares them all.
    What killed processes left in the folders goes.
    """
    staged: list[_Staged] = []
    try:
        for path, data in files:
            target = os.path.realpath(path)
            if _read(target) != data:
                with _naming(target):
                    staged.append(_stage(target, data))
        for one in staged:
            with _naming(one.target):
                _put(one)
    finally:
        for one in staged:
            _discard(one)
    return len(staged)


@contextmanager
def _naming(target: str) -> Iterator[None]:
    """Let errors name the file that is to be written: a full disk names none, and nobody knows the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from None


def _stage(target: str, data: bytes) -> _Staged:
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    if os.path.isdir(target):  # said before another file is replaced
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if os.path.exists(target) and not os.path.isfile(target):
        return _Staged(target, None, None, data)
    _sweep(folder)
    temporary, file = _claim(folder)
    staged = _Staged(target, temporary, file, data)
    try:
        left = memoryview(data)
        while left:  # a disk that is nearly full takes a part
            left = left[file.write(left) :]
        os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
    except BaseException:
        _discard(staged)
        raise
    return staged


def _claim(folder: str) -> tuple[str, IO[bytes]]:
    """Make a new file in a folder, and lock it."""
    while True:
        # By chance, not by process: in containers all have the same number.
        path = os.path.join(folder, f"{_MARK}{os.urandom(8).hex()}.tmp")
        file = open(path, "xb", buffering=0)  # noqa: SIM115 - it stays open until it has its name
        _lock(file)
        if os.path.exists(path):
            return path, file
        file.close()  # another process took it for left over, before it was locked


def _sweep(folder: str) -> None:
    """Remove what killed processes left in a folder."""
    try:
        names = os.listdir(folder)
    except OSError:  # it may be written, but not read
        return
    for name in names:
        path = os.path.join(folder, name)
        if not (name.startswith(_MARK) and os.path.isfile(path)):
            continue
        with suppress(OSError), open(path, "rb") as file:  # another process was quicker, or it is not ours to remove
            if _lock(file):
                os.unlink(path)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file against other processes, as long as it is open; false where it is locked or can't be."""
    try:
        import fcntl  # noqa: PLC0415 - for writing alone, and not everywhere

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _put(one: _Staged) -> None:
    if one.temporary is not None:
        os.replace(one.temporary, one.target)
        return
    with open(one.target, "wb") as file:  # a device or a pipe can't be replaced
        file.write(one.data)


def _read(path: str) -> bytes | None:
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _discard(one: _Staged) -> None:
    """Close the file of staged bytes, and remove it where it has not taken its name."""
    if one.file is None or one.temporary is None:
        return
    with suppress(OSError):
        os.unlink(one.temporary)
    one.file.close()
