"""What no single input brings about: streams that close, disks that are full, signals, and others that write as well.

Each scene is played in a folder of its own, in processes of their own.
"""

import ctypes
import os
import random
import resource
import signal
import subprocess
import time
from typing import NamedTuple

from making import GOOD, NET
from running import EARLIER, run, start

WRONG = "layers:\n  - {name: a, type: Nothing}\n"
# To one file: two specs in turn, so that its bytes change each time.
WRITER = """
import itertools, sys
from netcompile.cli import main
for i in range(int(sys.argv[1])) if len(sys.argv) > 1 else itertools.count():
    if main(["compile", f"spec{i % 2}.yaml", "-o", "out.prototxt"]):
        sys.exit(1)
    if i == 1:  # from now on all is imported, and most of the time goes to writing
        print("ready", flush=True)
"""
# The new bytes are written, and do not have their name yet.
STOPPED = """
import os, signal, sys
os.fsync = lambda file: os.kill(os.getpid(), signal.{signal})
from netcompile.cli import main
sys.exit(main(sys.argv[1:]))
"""
# A disk of its own with an earlier file, and nearly no room.
FULL_DISK = """
set -e
mount -t tmpfs -o size=64k none disk
cp out.prototxt disk/
head -c 52000 /dev/zero > disk/filler
set +e
"$@"
code=$?
cp disk/out.prototxt out.prototxt
ls -A disk > files
exit $code
"""
PRINTING = {
    "compile": ["compile", "spec.yaml"],
    "compile --binary": ["compile", "spec.yaml", "--binary"],
    "compile --check": ["compile", "spec.yaml", "-o", "out.prototxt", "--check"],
    "check": ["check", "wrong.yaml"],
    "check --format json": ["check", "wrong.yaml", "--format", "json"],
    "check --format github": ["check", "wrong.yaml", "--format", "github"],
    "check --format sarif": ["check", "wrong.yaml", "--format", "sarif"],
    "show": ["show", "spec.yaml"],
    "show --format json": ["show", "spec.yaml", "--format", "json"],
    "show --format dot": ["show", "spec.yaml", "--format", "dot"],
    "import": ["import", "net.prototxt"],
    "diff": ["diff", "spec.yaml", "net.prototxt"],
    "upgrade": ["upgrade", "net.prototxt"],
    "schema": ["schema"],
    "explain": ["explain", "--all"],
    "--help": ["--help"],
    "compile --help": ["compile", "--help"],
    "--version": ["--version"],
}
FAILING = [name for name in PRINTING if name.startswith(("check", "diff", "compile --check"))]  # and say so


class Scene(NamedTuple):
    """What happens to a run: `act(folder)` plays it, checks what else must hold, and gives the outcome of the run."""

    area: str
    what: str
    act: object
    exit: int
    says: str
    count: int = 1


def _files(folder, length=0):
    (folder / "spec.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    (folder / "net.prototxt").write_text(NET, encoding="utf-8")
    (folder / "out.prototxt").write_bytes(EARLIER)
    for i in range(2):
        more = "".join(f"  - {{name: l{i}_{k}, type: ReLU}}\n" for k in range(length))
        (folder / f"spec{i}.yaml").write_text(GOOD + more, encoding="utf-8")


def _check_intact(folder, *contents):
    """The earlier file, or one of the new ones, is there, and nothing is left beside it."""
    assert (folder / "out.prototxt").read_bytes() in (contents or [EARLIER])
    assert not _left(folder)


def _left(folder):
    return [name for name in os.listdir(folder) if name.startswith(".")]


def _compiled(folder):
    """The two texts that WRITER writes in turn."""
    texts = []
    for i in range(2):
        assert run(["compile", f"spec{i}.yaml", "-o", "other.prototxt"], folder).exit == 0
        texts.append((folder / "other.prototxt").read_bytes())
    (folder / "other.prototxt").unlink()
    assert texts[0] != texts[1]
    return texts


def _closed(arguments, stream):
    """A reader that has gone before the first byte, as behind `| head`."""

    def act(folder):
        _files(folder)
        reading, writing = os.pipe()
        os.close(reading)
        try:
            outcome = run(arguments, folder, **{stream: writing})
        finally:
            os.close(writing)
        _check_intact(folder)
        return outcome

    return act


def _without_input(arguments):
    def act(folder):
        _files(folder)
        return run(arguments, folder, setup=lambda: os.close(0))

    return act


def _full(arguments, stream):
    def act(folder):
        _files(folder)
        with open("/dev/full", "wb") as device:
            outcome = run(arguments, folder, **{stream: device})
        _check_intact(folder)
        return outcome

    return act


def _unwritable_folder(folder):
    _files(folder)
    folder.chmod(0o555)
    try:
        outcome = run(["compile", "spec.yaml", "-o", "out.prototxt"], folder, setup=_without_override)
    finally:
        folder.chmod(0o755)
    _check_intact(folder)
    return outcome


def _without_override():
    """Let modes bind root too, before the program is started."""
    drop, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    ctypes.CDLL(None).prctl(drop, override, 0, 0, 0)


def _full_disk(folder):
    _files(folder, 2000)
    (folder / "disk").mkdir()
    before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", FULL_DISK, "sh"]
    outcome = run(["compile", "spec0.yaml", "-o", "disk/out.prototxt"], folder, before=before)
    assert (folder / "files").read_text(encoding="utf-8").split() == ["filler", "out.prototxt"]
    _check_intact(folder)
    return outcome


def can_mount():
    """Whether the system lets a process have file systems of its own."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]  # noqa: S108 - in a namespace of its own
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _file_size_limit(folder):
    """As a full disk would, the system refuses what is beyond a limit, and after a part of it was taken."""
    _files(folder, 2000)
    outcome = run(["compile", "spec0.yaml", "-o", "out.prototxt"], folder, setup=_bounded_files)
    _check_intact(folder)
    return outcome


def _bounded_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def _stopped_by(name):
    """A signal between the writing of the new bytes and their taking the name."""

    def act(folder):
        _files(folder)
        code = STOPPED.format(signal=name)
        outcome = run(["compile", "spec.yaml", "-o", "out.prototxt"], folder, code=code)
        if name != "SIGINT":  # nobody tidies up but the next writer
            assert len(_left(folder)) == 1
            assert (folder / "out.prototxt").read_bytes() == EARLIER
            assert run(["compile", "wrong.yaml", "-o", "out.prototxt"], folder).exit == 1
            assert run(["compile", "spec.yaml", "-o", "new.prototxt"], folder).exit == 0
        _check_intact(folder)
        return outcome

    return act


def _interrupted(folder):
    """Ctrl-C while a long spec is compiled."""
    _files(folder, 50_000)
    outcome = run(["compile", "spec0.yaml", "-o", "out.prototxt"], folder, interrupt=0.5)
    _check_intact(folder)
    return outcome


def _interrupted_together(folder):
    """Ctrl-C while many specs are checked, which all processes get."""
    _files(folder, 1000)
    for i in range(300):
        os.link(folder / "spec0.yaml", folder / f"copy{i}.yaml")
    outcome = run(["check", ".", "-j", "4"], folder, interrupt=0.5)
    _check_intact(folder)
    return outcome


def _two_writers(folder):
    _files(folder, 100)
    texts = _compiled(folder)
    writers = [start(["40"], folder, code=WRITER, stdout=subprocess.PIPE) for _ in range(2)]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert (folder / "out.prototxt").read_bytes() in [EARLIER, *texts]
        reads += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert reads
    outcome = run(["compile", "spec0.yaml", "-o", "out.prototxt"], folder)
    _check_intact(folder, texts[0])
    return outcome


def kill_writers(folder, times, seed=1):
    """Kill that many writers at moments of chance; the file is whole each time. Returns how often one was mid-write."""
    _files(folder, 100)
    texts = [EARLIER, *_compiled(folder)]
    chance = random.Random(seed)  # noqa: S311 - no secret
    unfinished = 0
    for _ in range(times):
        before = set(_left(folder))
        process = start([], folder, code=WRITER, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.communicate()
        assert (folder / "out.prototxt").read_bytes() in texts
        assert len(_left(folder)) <= 1, "what killed writers leave does not pile up"
        unfinished += bool(set(_left(folder)) - before)
    assert run(["compile", "spec.yaml", "-o", "out.prototxt"], folder).exit == 0
    assert not _left(folder)
    return unfinished


def _killed(folder):
    kill_writers(folder, 8)
    return run(["compile", "spec0.yaml", "-o", "out.prototxt"], folder)


NOT_WRITTEN = "netcompile: standard output: No space left on device"
SCENES = [
    *(
        Scene("streams", f"`{name}` to a reader that has gone", _closed(arguments, "stdout"), name in FAILING, "")
        for name, arguments in PRINTING.items()
    ),
    Scene("streams", "findings to a reader that has gone", _closed(["compile", "wrong.yaml"], "stderr"), 1, ""),
    Scene("streams", "a message to a reader that has gone", _closed(["compile", "nothing.yaml"], "stderr"), 2, ""),
    *(
        Scene("streams", f"`{name}` onto a full disk", _full(arguments, "stdout"), 2, NOT_WRITTEN)
        for name, arguments in PRINTING.items()
    ),
    Scene("streams", "findings onto a full disk", _full(["compile", "wrong.yaml"], "stderr"), 1, ""),
    Scene("streams", "`compile -` without standard input", _without_input(["compile", "-"]), 2, "netcompile: <stdin>"),
    Scene("streams", "`lsp` without standard input", _without_input(["lsp"]), 2, "netcompile: "),
    Scene("writing", "a folder that may not be written", _unwritable_folder, 2, "out.prototxt: Permission denied"),
    Scene("writing", "a full disk", _full_disk, 2, "disk/out.prototxt: No space left on device"),
    Scene("writing", "a limit on the size of files", _file_size_limit, 2, "out.prototxt: File too large"),
    Scene("writing", "SIGINT while the file is written", _stopped_by("SIGINT"), 130, ""),
    Scene("writing", "SIGTERM while the file is written", _stopped_by("SIGTERM"), -signal.SIGTERM, ""),
    Scene("writing", "SIGKILL while the file is written", _stopped_by("SIGKILL"), -signal.SIGKILL, ""),
    Scene("writing", "SIGINT while 50,000 layers are compiled", _interrupted, 130, ""),
    Scene("writing", "SIGINT while 300 specs are checked by 4 processes", _interrupted_together, 130, ""),
    Scene("writing", "two processes that write one file", _two_writers, 0, ""),
    Scene("writing", "8 writers killed at random moments", _killed, 0, ""),
]  # fmt: skip
