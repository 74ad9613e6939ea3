"""The command line: which command is called, its streams and exit codes. What a command does stands in `commands`.

Exit codes: 0 fine, 1 the input is wrong, 2 the call is wrong or a file can't be read or written, 3 a fault of netcompile.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

from netcompile.commands.common import OK, OUR_FAULT, WRONG_CALL, add_common
from netcompile.diagnostics import CallError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Each command with its line of help; its module in `commands` has the same name, with a `_` behind Python's keywords.
COMMANDS: Final = {
    "compile": "compile specs to prototxt",
    "schema": "print the JSON Schema of specs, for editors",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; `netcompile SPEC` is short for `netcompile compile SPEC`. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else "--help"
    if name in ("-h", "--help", "--version"):
        return _overview(name)
    if name in COMMANDS:
        given = given[1:]
    else:
        name = "compile"
    return _run(name, given)


class _Formatter(argparse.HelpFormatter):
    """Help of a fixed width: asking the terminal for its own costs an import at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def _run(name: str, given: list[str]) -> int:
    command: Any = import_module(f"netcompile.commands.{'import_' if name == 'import' else name}")
    parser = argparse.ArgumentParser(
        prog=f"netcompile {name}", description=COMMANDS[name], allow_abbrev=False, formatter_class=_Formatter
    )
    command.add(parser)
    add_common(parser)
    try:
        options = parser.parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        code: int = command.run(options)
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
    text = f"{type(error).__name__}: {error}"
    return _say(f"netcompile: a fault of netcompile, please report it: {text} (NETCOMPILE_DEBUG=1 shows where)", OUR_FAULT)


def _overview(name: str) -> int:
    if name == "--version":
        from importlib.metadata import version  # noqa: PLC0415 - only for this answer

        sys.stdout.write(f"netcompile {version('netcompile')}\n")
        return OK
    width = max(map(len, COMMANDS))
    lines = [f"  {command:{width}}  {text}" for command, text in COMMANDS.items()]
    sys.stdout.write(
        "usage: netcompile [COMMAND] ...\n\nDeclarative compiler for Caffe nets: a YAML spec in, checked prototxt out.\n\n"
        "commands (`netcompile COMMAND --help` says more; without one: compile):\n" + "\n".join(lines) + "\n"
    )
    return OK


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())
