"""`netcompile check PATH...`: specs, libraries, prototxt nets and solvers, each told apart by its content."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

from netcompile.commands.common import (
    OK,
    OUR_FAULT,
    WRONG_CALL,
    WRONG_INPUT,
    add_set,
    assignments_of,
    complain,
    program_version,
    settings_of,
    state_of,
)
from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.batch import Batch
    from netcompile.checking import Checked, Options

FORMATS: Final = ("text", "json", "github", "sarif")
_KINDS: Final = {"spec": "specs", "library": "libraries", "net": "nets", "solver": "solvers"}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a file, a folder with all below it, or a pattern")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to write what is found (default: text)")
    parser.add_argument("--strict", action=argparse.BooleanOptionalAction, help="fail on warnings too")
    parser.add_argument("--stage", action="append", default=[], metavar="S", help="check nets with this stage")
    parser.add_argument("--level", type=int, metavar="N", help="check nets at this level")
    add_set(parser)
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE", help="leave out findings of this code")
    parser.add_argument(
        "--with-caffe",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="let the installed Caffe build each net too, and report where it says otherwise",
    )
    parser.add_argument(
        "--python-path", action="append", default=[], metavar="DIR", help="where the modules of Python layers are"
    )
    parser.add_argument("--caffe-python", metavar="PYTHON", help="the interpreter that has pycaffe (default: this one)")
    parser.add_argument(
        "--skip-others",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="pass over files that are no spec, library, net or solver, even where they are named",
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="use at most N processes (default: one per core)")


def run(options: argparse.Namespace) -> int:
    """Check all files, and write the findings to standard output. The worst of the files is the answer."""
    from netcompile.batch import check_paths  # noqa: PLC0415 - `--help` does without
    from netcompile.checking import Options  # noqa: PLC0415 - likewise

    paths = options.paths
    if not paths:
        raise CallError("check needs a PATH, or `specs` under [tool.netcompile] in pyproject.toml")
    if options.jobs is not None and options.jobs < 1:
        raise CallError(f"-j takes a number of at least 1, not {options.jobs}")
    settings = settings_of(options)._replace(state=state_of(options))
    trace = bool(os.environ.get("NETCOMPILE_DEBUG"))
    wanted = Options(settings, assignments_of(options, paths), trace, options.skip_others)
    if options.with_caffe:
        batch = _check_with_caffe(paths, wanted, options)
    else:
        batch = check_paths(paths, wanted, options.jobs)
    sys.stdout.write(_rendered(batch, options))
    sys.stdout.flush()
    for one in batch.results:
        _complain(one)
    return _code(batch, options)


def _check_with_caffe(paths: Sequence[str], wanted: Options, options: argparse.Namespace) -> Batch:
    """Check all files, and add to the findings what Caffe says otherwise."""
    from netcompile.batch import check_paths, compare_with_caffe  # noqa: PLC0415 - `--help` does without
    from netcompile.pycaffe.process import Pycaffe  # noqa: PLC0415 - likewise

    with Pycaffe(options.caffe_python, options.python_path) as caffe:
        return compare_with_caffe(check_paths(paths, wanted, options.jobs), paths, wanted, caffe)


def _rendered(batch: Batch, options: argparse.Namespace) -> str:
    """The findings in the format asked for; as text, with a summary."""
    from netcompile import render_machine  # noqa: PLC0415 - `--help` does without
    from netcompile.render import render_text  # noqa: PLC0415 - likewise
    from netcompile.terminal import use_color  # noqa: PLC0415 - likewise

    if options.format == "json":
        return render_machine.render_json(batch.findings)
    if options.format == "github":
        return render_machine.render_github(batch.findings, _checkout())
    if options.format == "sarif":
        return render_machine.render_sarif(batch.findings, program_version(), _checkout())
    text = render_text(batch.findings, color=use_color(options.color, sys.stdout))
    return f"{text}{'' if not batch.findings else chr(10)}{_summary(batch)}\n"


def _checkout() -> str:
    """The folder that paths count from where findings are shown in a repository: the top of its checkout.

    A checkout without `.git`, as GitHub makes one where there is no git, is known by its variable.
    """
    here = folder = os.getcwd()
    while not os.path.exists(os.path.join(folder, ".git")):
        if folder == (folder := os.path.dirname(folder)):
            workspace = os.environ.get("GITHUB_WORKSPACE", "")
            return workspace if os.path.isdir(workspace) else here
    return folder


def _summary(batch: Batch) -> str:
    """Say in one line what was checked and what was found."""
    outcomes = Counter[str](one.outcome for one in batch.results)
    kinds = [_counted(outcomes[kind], kind, plural) for kind, plural in _KINDS.items() if outcomes[kind]]
    severities = Counter(found.severity for found in batch.findings)
    found = [_counted(severities[kind], kind) for kind in ("error", "warning", "note") if severities[kind]]
    parts = [f"checked {_listed(kinds) or 'nothing'}: {_listed(found) or 'no findings'}"]
    if outcomes["skipped"]:
        parts.append(f"skipped {_counted(outcomes['skipped'], 'other file')}")
    if outcomes["unread"]:
        parts.append(f"could not read {_counted(outcomes['unread'], 'file')}")
    if outcomes["fault"]:
        parts.append(f"failed on {_counted(outcomes['fault'], 'file')}")
    return "; ".join(parts)


def _counted(count: int, noun: str, plural: str | None = None) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _complain(one: Checked) -> None:
    """Say on standard error what is no finding: a file that can't be read, and a fault of ours."""
    if one.outcome == "unread":
        complain(one.text)
    if one.outcome == "fault":
        complain(f"{one.path}: a fault of netcompile, please report it: {one.text}")


def _code(batch: Batch, options: argparse.Namespace) -> int:
    outcomes = {one.outcome for one in batch.results}
    if "fault" in outcomes:
        return OUR_FAULT
    enough = {*_KINDS, "skipped"} if options.skip_others else {*_KINDS}
    if "unread" in outcomes or not outcomes & enough:
        return WRONG_CALL
    fatal = {"error", "warning"} if options.strict else {"error"}
    return WRONG_INPUT if any(found.severity in fatal for found in batch.findings) else OK
