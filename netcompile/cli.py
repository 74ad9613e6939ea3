"""The command line: arguments, streams and exit codes. What a command does stands in the modules that it calls.

Exit codes: 0 fine, 1 the input is wrong, 2 the call is wrong or a file can't be read or written, 3 a fault of netcompile.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netcompile.compiler import Settings
    from netcompile.diagnostics import Diagnostic

OK: Final = 0
WRONG_INPUT: Final = 1
WRONG_CALL: Final = 2
OUR_FAULT: Final = 3

TARGETS: Final = ("net", "deploy", "solver", "train", "test", "all")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; `netcompile SPEC` is short for `netcompile compile SPEC`. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else "--help"
    if name in ("-h", "--help", "--version"):
        return _overview(name)
    command = _COMMANDS.get(name)
    if command is None:
        name, command = "compile", _COMMANDS["compile"]
    else:
        given = given[1:]
    return _run(name, command, given)


class _Formatter(argparse.HelpFormatter):
    """Help of a fixed width: asking the terminal for its own costs an import at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


class _Command:
    """A command: one line of help, what adds its arguments, and what runs it."""

    __slots__ = ("add", "help", "run")

    def __init__(self, text: str, add: Callable[[argparse.ArgumentParser], None],
                 run: Callable[[argparse.Namespace], int]) -> None:  # fmt: skip
        self.help = text
        self.add = add
        self.run = run


def _run(name: str, command: _Command, given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"netcompile {name}", description=command.help, allow_abbrev=False, formatter_class=_Formatter
    )
    command.add(parser)
    _add_common(parser)
    try:
        options = parser.parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        code = command.run(options)
        sys.stdout.flush()
    except CallError as error:
        return _say(f"netcompile: {error}")
    except BrokenPipeError:
        # The reader has seen enough; Python must not complain of it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return _say(f"netcompile: {error.filename or ''}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, never shown as a traceback
        return _fault(error)
    return code


def _say(text: str, code: int = WRONG_CALL) -> int:
    sys.stderr.write(text.replace("\n", "\n  ") + "\n")
    return code


def _fault(error: Exception) -> int:
    if os.environ.get("NETCOMPILE_DEBUG"):
        raise error
    kind = type(error).__name__
    return _say(f"netcompile: a fault of netcompile, please report it: {kind}: {error} (NETCOMPILE_DEBUG=1 shows where)", OUR_FAULT)


def _overview(name: str) -> int:
    if name == "--version":
        from importlib.metadata import version  # noqa: PLC0415 - only for this answer

        sys.stdout.write(f"netcompile {version('netcompile')}\n")
        return OK
    width = max(map(len, _COMMANDS))
    lines = [f"  {command:{width}}  {entry.help}" for command, entry in _COMMANDS.items()]
    sys.stdout.write(
        "usage: netcompile [COMMAND] ...\n\nDeclarative compiler for Caffe nets: a YAML spec in, checked prototxt out.\n\n"
        "commands (`netcompile COMMAND --help` says more; without one: compile):\n" + "\n".join(lines) + "\n"
    )
    return OK


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-custom-layers", action="store_true", help="take layer types that are not Caffe's own")
    parser.add_argument("--root", metavar="DIR", help="the folder that imports stay in and `net:` paths start from")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour in findings")


def _add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, a folder of specs, or - for standard input")
    parser.add_argument("-o", "--output", metavar="PATH", help="a file, or DIR/ for several; else standard output")
    parser.add_argument("--target", choices=TARGETS, default="net", help="what to write (default: net)")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", dest="variables", help="set a variable of `vars`")
    parser.add_argument("--deploy", action="store_true", help="derive a deploy net where the spec has no `deploy` key")
    parser.add_argument("--binary", action="store_true", help="write the binary message instead of text")
    parser.add_argument("--check", action="store_true", help="write nothing; fail, with a diff, where an output is stale")
    parser.add_argument("--net-path", metavar="P", help="what the solver names as its net")
    parser.add_argument("--no-header", action="store_true", help="leave out the comment that names the source")


def _compile(options: argparse.Namespace) -> int:
    from netcompile.build import BuildOptions, build, plan, stale, write  # noqa: PLC0415 - each command imports its own

    wanted = BuildOptions(
        output=options.output,
        target=options.target,
        variables=options.variables,
        binary=options.binary,
        check=options.check,
        header=not options.no_header,
        settings=_settings(options)._replace(deploy=options.deploy or options.target == "deploy"),
    )
    code = OK
    for job in plan(options.specs, wanted):
        result = build(job, wanted, given=job.spec in options.specs)
        _show(result.report.ordered(), options)
        if result.report.failed:
            code = WRONG_INPUT
        elif not options.check:
            write(result.outputs)
        else:
            differences = [text for output in result.outputs if (text := stale(output)) is not None]
            sys.stdout.write("".join(differences))
            code = WRONG_INPUT if differences else code
    return code


def _settings(options: argparse.Namespace) -> Settings:
    from netcompile.compiler import Settings  # noqa: PLC0415

    return Settings(
        allow_custom=options.allow_custom_layers, root=options.root, net_path=getattr(options, "net_path", None)
    )


def _show(diagnostics: Iterable[Diagnostic], options: argparse.Namespace) -> None:
    """Findings, on standard error."""
    found = list(diagnostics)
    if not found:
        return
    from netcompile.render import render_text  # noqa: PLC0415 - for the refused
    from netcompile.terminal import use_color  # noqa: PLC0415

    sys.stderr.write(render_text(found, color=use_color(options.color, sys.stderr)))


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="specs, libraries, prototxt nets and solvers, or folders")


def _check(options: argparse.Namespace) -> int:
    from netcompile.checking import check_paths  # noqa: PLC0415

    return check_paths(options)


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    del parser


def _schema(options: argparse.Namespace) -> int:
    from netcompile.schema_file import schema_text  # noqa: PLC0415

    del options
    sys.stdout.write(schema_text())
    return OK


_COMMANDS: Final = {
    "compile": _Command("compile specs to prototxt", _add_compile, _compile),
    "check": _Command("find what is wrong with specs and prototxt", _add_check, _check),
    "schema": _Command("print the JSON Schema of specs, for editors", _add_nothing, _schema),
}


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())
