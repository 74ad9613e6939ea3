"""Gives netcompile each hostile input of tests/hostile/ at full size, and writes docs/hostile.md.

python tools/hostile.py [--kills N] [--keep-rows]

Each input is a process of its own, one after another, in about 15 minutes: the page has its time, its peak memory and
its message. `--keep-rows` measures only what the page has no row for. The page also gets the figures of a loop that
kills N writers, and those of the fuzzing, which `tools/fuzz.py --figures tests/fuzz/figures.jsonl` adds. Exit code 1
where an outcome is not the expected one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "hostile.md"
FIGURES = ROOT / "tests" / "fuzz" / "figures.jsonl"
REGRESSIONS = ROOT / "tests" / "fuzz" / "regressions"
SIZE = 32_000_000  # bytes: just below the longest text that is read
TIMEOUT = 600
LONGEST = 150
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "hostile")]

EVERYTHING: Any = importlib.import_module("cases").EVERYTHING
running: Any = importlib.import_module("running")
scenes: Any = importlib.import_module("scenes")

INTRO = """\
<!-- Made by tools/hostile.py. -->

# Hostile input

Whatever netcompile is given, it answers with a result or with errors that say where and what: in bounded time and
memory, without a traceback, with the exit code of the command line, and with earlier files as they were. Nothing in a
spec, a net or the module of a fork is executed. Here is every hostile input that the tests try (tests/hostile/), at
full size: texts of 32 MB, as more than 33,554,432 characters are refused unread.

Seconds are of the whole process, on a machine with other work. Megabytes are its peak, but never less than the process
that measures has itself, about 44. Of several findings the first is shown; there are at most 1,000 of a kind.

    python tools/hostile.py
"""
KILLS = """\
## Writers that are killed

{kills:,} times, a process that writes one file again and again was killed (SIGKILL) at a random moment, {unfinished:,}
times with a file half written beside the one that it was to replace. {kills:,} times the file was whole: the earlier
text or a new one. What such a process leaves is removed by the next one that writes there.
"""
FUZZING = """\
## Fuzzing

`tools/fuzz.py` makes inputs from the project's own specs and nets, and from a grammar of the language, and changes
them; atheris leads the changes to code that was not reached before. No exception but CompileError may get out, no
command may end as a fault; the same input must give the same twice; what compiles must be read back, be taken by
`analyze` and come back from `import_net` as it was. A short run of it is among the tests.

| target | executions | seconds | a second | faults |
| --- | ---: | ---: | ---: | ---: |
{rows}

    python tools/fuzz.py compiler --seconds 600 --figures tests/fuzz/figures.jsonl

A fault may come out in several targets and runs. All are mended; {faults} inputs that brought one out are kept in
tests/fuzz/regressions/ and tried in every run of the tests:

{names}
"""


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description="Measure what hostile inputs cost, and write docs/hostile.md.")
    parser.add_argument("--kills", type=int, default=1000, help="how many writers are killed (default: 1000)")
    parser.add_argument("--keep-rows", action="store_true", help="keep the rows of the page, where it has them")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    rows = rows_of(before) if options.keep_rows else {}
    kills = KILLS.format(kills=options.kills, unfinished=_kill(options.kills))
    wrong: list[str] = []
    try:
        for case in EVERYTHING:
            if (case.area, case.what) not in rows:
                rows[case.area, case.what] = _row(case, wrong)
    finally:  # else one fault costs all that was measured
        PAGE.write_text(_page(rows, kills), encoding="utf-8")
    for one in wrong:
        print(f"not as expected: {one}")
    return 1 if wrong else 0


def _page(rows: dict[tuple[str, str], str], kills: str) -> str:
    tables = []
    for area, cases in groupby(EVERYTHING, key=lambda case: case.area):
        measured = [rows[area, case.what] for case in cases if (area, case.what) in rows]
        tables.append("\n".join((f"## {area}", "", *HEAD, *measured, "")))
    system = f"Measured on {platform.system()} with {os.cpu_count()} cores, Python {platform.python_version()}.\n"
    return "\n".join((INTRO, system, *tables, kills, _fuzzing()))


HEAD = ("| input | exit code | seconds | MB | message |", "| --- | ---: | ---: | ---: | --- |")


def rows_of(page: str) -> dict[tuple[str, str], str]:
    """The rows of a page, by area and input."""
    found: dict[tuple[str, str], str] = {}
    area = ""
    for line in page.split("\n"):
        if line.startswith("## "):
            area = line.removeprefix("## ")
        elif line.startswith("| "):
            found[area, line.split(" | ")[0].removeprefix("| ")] = line
    return found


def _row(case: Any, wrong: list[str]) -> str:
    """Measure a case, and give its row."""
    print(f"{case.area}: {case.what}", flush=True)
    if case.what == "a full disk" and not scenes.can_mount():
        return f"| {case.what} | | | | no small disk could be made here |"
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "folder"
        folder.mkdir()
        outcome = running.play(case, folder, SIZE, TIMEOUT)
    if outcome.exit != case.exit or case.says not in outcome.text or len(outcome.findings) > case.count:
        wrong.append(f"{case.area}: {case.what}: exit code {outcome.exit}, {len(outcome.findings)} findings")
    return (
        f"| {case.what} | {int(outcome.exit)} | {outcome.seconds:.1f} | {outcome.megabytes:.0f} "
        f"| {_message(outcome, str(folder))} |"
    )


def _message(outcome: Any, folder: str) -> str:
    found = outcome.findings
    if not found:
        return ""
    first = re.sub(r"`+", "'", found[0].replace(f"{folder}/", "").replace(folder, "."))
    first = first if len(first) <= LONGEST else f"{first[: LONGEST - 30]}...{first[-27:]}"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"`{first}`{more}".replace("|", "\\|")


def _kill(times: int) -> int:
    print(f"{times} writers to kill", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        unfinished: int = scenes.kill_writers(Path(folder), times)
        return unfinished


def _fuzzing() -> str:
    runs = [json.loads(line) for line in FIGURES.read_text(encoding="utf-8").splitlines()]
    totals = []
    for target in sorted({run["target"] for run in runs}):
        of_it = [run for run in runs if run["target"] == target]
        count, seconds, faults = (sum(run[key] for run in of_it) for key in ("executions", "seconds", "faults"))
        totals.append(f"| {target} | {count:,} | {seconds:,} | {count / seconds:.0f} | {faults} |")
    names = [path.name for path in sorted(REGRESSIONS.iterdir())]
    listed = "\n".join(f"- {name.replace('-', ': ', 1).replace('-', ' ')}" for name in names)
    return FUZZING.format(rows="\n".join(totals), faults=len(names), names=listed)


if __name__ == "__main__":
    sys.exit(main())
