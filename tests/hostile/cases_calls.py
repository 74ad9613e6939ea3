"""Files that are none, outputs that can't be written, and arguments."""

import os

from making import GOOD, TO_FILE, Case, call, special


def _odd_name(folder):
    for name in ("\udcff.yaml", "a\nb.yaml"):
        (folder / name).write_text(GOOD, encoding="utf-8")


FILE_CASES = [
    Case(
        "files",
        "a folder without specs",
        call("compile", "{}/empty", prepare=lambda folder: (folder / "empty").mkdir()),
        2,
        "no specs in",
    ),
    Case(
        "files",
        "a folder with the name of a spec",
        call("compile", "special.yaml", prepare=special("folder")),
        2,
        "no specs in",
    ),
    Case("files", "/dev/null", call("compile", "/dev/null", "-o", "out.prototxt"), 1, "error[empty-spec]"),
    Case("files", "/dev/zero", call("compile", "/dev/zero", "-o", "out.prototxt"), 2, "/dev/zero"),
    Case("files", "/dev/zero, checked", call("check", "/dev/zero"), 2, "/dev/zero"),
    Case(
        "files",
        "a symbolic link to itself",
        call("compile", "special.yaml", prepare=special("special.yaml")),
        2,
        "special.yaml",
    ),
    Case(
        "files", "no such file", call("compile", "nothing.yaml", "-o", "out.prototxt"), 2, "nothing.yaml: No such file"
    ),
    Case("files", "a file below a file", call("compile", "spec.yaml/x.yaml"), 2, "Not a directory"),
    Case("files", "a name of 5,000 characters", call("compile", "n" * 5000), 2, "File name too long"),
    Case(
        "files",
        "an output of 5,000 characters",
        call("compile", "spec.yaml", "-o", "n" * 5000),
        2,
        "File name too long",
    ),
    Case("files", "an output of 255 characters", call("compile", "spec.yaml", "-o", "n" * 255), 0, ""),
    Case("files", "an output below a file", call("compile", "spec.yaml", "-o", "out.prototxt/x"), 2, "out.prototxt"),
    Case(
        "files",
        "an output where nobody may write",
        call("compile", "spec.yaml", "-o", "/proc/out.prototxt"),
        2,
        "/proc",
    ),
    Case("files", "an output onto a full device", call("compile", "spec.yaml", "-o", "/dev/full"), 2, "No space left"),
    Case("files", "escape sequences in a path", call("compile", "\x1b[2Jno\x07.yaml"), 2, "no"),
    Case("files", "an output with escape sequences", call("compile", "spec.yaml", "-o", "a\x1b[2J/"), 0, ""),
    Case("files", "a path that is no UTF-8", call("compile", "\udcff.yaml", prepare=_odd_name), 0, ""),
    Case("files", "a path that is no UTF-8, stale", call("compile", "spec.yaml", "-o", "\udcff", "--check"), 1, ""),
    Case("files", "a spec with a line break in its path", call("compile", "a\nb.yaml", prepare=_odd_name), 0, ""),
    Case("files", "a path with a line break", call("check", "a\nb.prototxt"), 2, "No such file"),
    Case(
        "files",
        "a folder with a loop of links",
        call("check", "{}", prepare=lambda folder: os.symlink(folder, folder / "loop")),
        0,
        "",
    ),
    Case("files", "a folder with a named pipe", call("check", "{}", prepare=special("pipe")), 1, "importing.yaml"),
]

CALL_CASES = [
    Case("--set", "no `=`", call(*TO_FILE, "--set", "a"), 2, "NAME=VALUE"),
    Case("--set", "no name", call(*TO_FILE, "--set", "=1"), 2, "NAME=VALUE"),
    Case("--set", "an unclosed list", call(*TO_FILE, "--set", "a=[[[["), 1, "error[syntax]"),
    Case("--set", "an alias", call(*TO_FILE, "--set", "a=*b"), 1, "error[syntax]"),
    Case(
        "--set",
        "`!!python/object/apply`",
        call(*TO_FILE, "--set", "a=!!python/object/apply:os.system [x]"),
        1,
        "error[bad-tag]",
        2,
    ),
    Case("--set", "a second key", call(*TO_FILE, "--set", "a=1\nb: 2"), 1, "error", 2),
    Case("--set", "what is not declared", call(*TO_FILE, "--set", "nothing=1"), 1, "error[undeclared-variable]"),
    Case("--set", "100,000 brackets", call(*TO_FILE, "--set", f"a={'[' * 100_000}"), 1, "error[too-deep]"),
    Case("--set", "escape sequences", call(*TO_FILE, "--set", "a\x1b[2J=\x07"), 1, "error"),
    Case("--set", "bytes that are no UTF-8", call(*TO_FILE, "--set", "a=\udcff"), 1, "error"),
]
