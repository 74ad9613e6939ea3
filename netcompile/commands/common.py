"""What several commands share: exit codes, settings from arguments, and findings on a stream."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcompile.assignments import Assignments
    from netcompile.compiler import Settings
    from netcompile.diagnostics import Diagnostic

OK: Final = 0
WRONG_INPUT: Final = 1
WRONG_CALL: Final = 2
OUR_FAULT: Final = 3


def add_common(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command."""
    parser.add_argument(
        "--allow-custom-layers",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="take layer types that are not Caffe's own",
    )
    parser.add_argument("--caffe", metavar="PATH", help="follow a fork: its caffe_pb2.py or folder, or `installed`")
    parser.add_argument("--root", metavar="DIR", help="the folder that imports stay in and `net:` paths start from")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour in findings")


def add_set(parser: argparse.ArgumentParser) -> None:
    """The argument of the commands that read specs with variables."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="K=V", dest="variables", help="set a variable of `vars`"
    )
    parser.set_defaults(configured=(), project=None)  # of pyproject.toml


def assignments_of(options: argparse.Namespace, paths: Sequence[str]) -> Assignments:
    """The variables that the arguments and the project set. Raises CallError where one is not `NAME=VALUE`."""
    from netcompile.assignments import Assignments, check_assignment  # noqa: PLC0415 - `--help` does without

    given = list(map(check_assignment, options.variables))
    return Assignments(given, options.configured, whole=options.project is not None and paths == options.project)


def settings_of(options: argparse.Namespace) -> Settings:
    """What the arguments say beyond the spec itself."""
    from netcompile.compiler import Settings  # noqa: PLC0415 - not every command needs it

    if options.caffe is not None:
        from netcompile.forks.read import load_fork  # noqa: PLC0415 - most nets are Caffe's own

        load_fork(options.caffe)  # a wrong path is a wrong call, not a finding in each file
    return Settings(
        allow_custom=options.allow_custom_layers,
        caffe=options.caffe,
        root=options.root,
        net_path=getattr(options, "net_path", None),
        ignore=_ignored(getattr(options, "ignore", ())),
    )


def _ignored(codes: Iterable[str]) -> frozenset[str]:
    if not codes:
        return frozenset()
    from netcompile.silence import check_codes  # noqa: PLC0415 - where something is to be silenced

    return frozenset(check_codes(codes, "--ignore"))


def program_version() -> str:
    """The version of netcompile; "unknown" in a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

    try:
        return version("netcompile")
    except PackageNotFoundError:
        return "unknown"


def state_of(options: argparse.Namespace) -> tuple[int, tuple[str, ...]] | None:
    """The level and the stages that --level and --stage choose; None where neither is given."""
    if not options.stage and options.level is None:
        return None
    return options.level or 0, tuple(options.stage)


def complain(text: str) -> None:
    """Write a message that is no finding to standard error: to a user's text in it, no terminal shall react."""
    from netcompile.terminal import printable  # noqa: PLC0415 - most calls are right

    lines = "\n  ".join(map(printable, text.split("\n")))
    sys.stderr.write(f"netcompile: {lines}\n")


def show_findings(diagnostics: Iterable[Diagnostic], options: argparse.Namespace) -> None:
    """Write findings to standard error."""
    found = list(diagnostics)
    if not found:
        return
    from netcompile.render import render_text  # noqa: PLC0415 - for the refused
    from netcompile.terminal import use_color  # noqa: PLC0415 - likewise

    sys.stderr.write(render_text(found, color=use_color(options.color, sys.stderr)))
