"""Writing files: whole or not at all, whatever comes in between."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from netcompile.files import write_atomic, write_together

ROOT = Path(__file__).parents[1]


def start(code, *arguments, **options):
    """A Python process that runs `code` with `write_atomic` at hand."""
    program = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom netcompile.files import write_atomic\n"
    command = [sys.executable, "-S", "-c", program + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def others(folder, *known):
    return [name for name in os.listdir(folder) if name not in known]


def test_a_file_is_written_where_its_bytes_change(tmp_path):
    path = tmp_path / "deep" / "net.prototxt"
    assert write_atomic(str(path), b"a")
    before = path.stat()
    assert not write_atomic(str(path), b"a")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert write_atomic(str(path), b"b")
    assert path.read_bytes() == b"b"
    assert others(path.parent, "net.prototxt") == []


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"a")
    path.chmod(0o604)
    write_atomic(str(path), b"b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_new_file_has_the_mode_of_any_other(tmp_path):
    (tmp_path / "any").write_bytes(b"")
    write_atomic(str(tmp_path / "net"), b"b")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "net").write_bytes(b"a")
    link = tmp_path / "link"
    link.symlink_to("real/net")
    write_atomic(str(link), b"b")
    assert link.is_symlink()
    assert (tmp_path / "real" / "net").read_bytes() == b"b"
    dangling = tmp_path / "dangling"
    dangling.symlink_to("real/new")
    write_atomic(str(dangling), b"c")
    assert (tmp_path / "real" / "new").read_bytes() == b"c"
    assert others(tmp_path, "real", "link", "dangling") == []


def test_a_folder_is_not_written(tmp_path):
    with pytest.raises(IsADirectoryError):
        write_atomic(str(tmp_path), b"a")
    assert others(tmp_path) == []


def test_a_device_is_written_as_it_is():
    assert write_atomic(os.devnull, b"a")
    assert not os.path.isfile(os.devnull)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_a_full_device_is_an_error():
    with pytest.raises(OSError, match="/dev/full") as caught:
        write_atomic("/dev/full", b"a")
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(b"old")
    code = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            write_atomic(sys.argv[1], b"x" * 1_000_000)
        except OSError as error:
            print(error.filename)
    """
    process = start(code, path)
    assert process.communicate()[0].strip() == str(path)
    assert path.read_bytes() == b"old"
    assert others(tmp_path, "net") == []


def test_a_folder_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(b"old")
    path.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    tmp_path.chmod(0o555)
    code = """
        import os
        if os.geteuid() == 0:  # who may write everywhere
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            write_atomic(sys.argv[1], b"new")
        except PermissionError as error:
            print(error.filename)
    """
    process = start(code, path)
    told = process.communicate()[0].strip()
    tmp_path.chmod(0o755)
    assert told == str(path)
    assert path.read_bytes() == b"old"
    assert others(tmp_path, "net") == []


def test_files_that_belong_together_are_all_written_or_none(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError, match="b"):
        write_together([(str(tmp_path / "a"), b"new"), (str(tmp_path / "a" / "b"), b"new")])
    assert (tmp_path / "a").read_bytes() == b"old"
    assert others(tmp_path, "a") == []
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_together([(str(tmp_path / "a"), b"new"), (str(tmp_path / "folder"), b"new")])
    assert (tmp_path / "a").read_bytes() == b"old"
    assert write_together([(str(tmp_path / "a"), b"old"), (str(tmp_path / "b"), b"new")]) == 1


WRITER = """
    texts = [b"a" * 200_000, b"b" * 300_000]
    print("ready", flush=True)
    for i in range(int(sys.argv[2])):
        write_atomic(sys.argv[1], texts[i % 2])
"""
TEXTS = (b"a" * 200_000, b"b" * 300_000)


def test_a_killed_writer_leaves_a_whole_file_and_little_else(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(TEXTS[0])
    chance = random.Random(1)  # noqa: S311 - no secret
    for _ in range(12):
        process = start(WRITER, path, 10_000)
        process.stdout.readline()
        try:
            process.wait(chance.random() * 0.03)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert path.read_bytes() in TEXTS
        assert len(others(tmp_path, "net")) <= 1
    write_atomic(str(path), b"new")
    assert others(tmp_path, "net") == []


def test_two_writers_of_one_file(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(TEXTS[0])
    processes = [start(WRITER, path, 40) for _ in range(2)]
    while any(process.poll() is None for process in processes):
        assert path.read_bytes() in TEXTS
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert others(tmp_path, "net") == []


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    pytest.importorskip("fcntl")
    code = """
        from netcompile.files import _claim
        path, file = _claim(sys.argv[1])
        print(path, flush=True)
        sys.stdin.read()
    """
    process = start(code, tmp_path, stdin=subprocess.PIPE)
    path = process.stdout.readline().strip()
    write_atomic(str(tmp_path / "net"), b"a")
    assert os.path.exists(path)
    process.communicate()
    write_atomic(str(tmp_path / "net"), b"b")
    assert not os.path.exists(path)


def test_files_of_others_are_left_alone(tmp_path):
    names = {".netcompile.yaml", "net.tmp", ".net.tmp"}
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".netcompile-folder").mkdir()
    write_atomic(str(tmp_path / "net"), b"a")
    assert set(os.listdir(tmp_path)) == {*names, "net", ".netcompile-folder"}
