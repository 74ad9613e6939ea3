"""The command line: which command is called, its streams and exit codes. What a command does stands in `commands`.

Exit codes: 0 fine, 1 the input is wrong, 2 the call is wrong or a file can't be read or written, 3 a fault of ours.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper, UnsupportedOperation
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO, cast

from netcompile.commands.common import OK, OUR_FAULT, WRONG_CALL, add_common, complain, program_version
from netcompile.diagnostics import CallError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.config import Config

# Each command with its line of help; its module in `commands` has the same name, with a `_` behind Python's keywords.
COMMANDS: Final = {
    "compile": "compile specs to prototxt",
    "check": "find what is wrong with specs, prototxt nets and solvers",
    "lsp": "serve an editor: findings, shapes, hover, definitions, renaming and completion while a spec is written",
    "show": "show a net layer by layer: shapes, parameters, MACs, memory",
    "import": "turn prototxt into a spec",
    "diff": "say what a change to a net means: layers, parameters, shapes, weights that no longer load",
    "upgrade": "bring prototxt in an old format to the current one",
    "explain": "say what a finding means, with an example",
    "schema": "print the JSON Schema of specs, for editors",
}


class _Stream:
    """A standard stream whose reader may leave: what is written from then on is lost, and the exit code stays."""

    def __init__(self, stream: TextIO, *lost: type[OSError]) -> None:
        self._stream = stream
        self._lost = lost  # what is lost without a word

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._losing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._losing():
            self._stream.flush()

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except self._lost:
            _discard(self._stream)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; `netcompile SPEC` is short for `netcompile compile SPEC`. Returns the exit code."""
    streams = sys.stdout, sys.stderr
    try:
        _mend_streams()
        return _called(list(sys.argv[1:] if arguments is None else arguments))
    finally:
        sys.stdout, sys.stderr = streams


def _called(given: list[str]) -> int:
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except CallError as error:
        return _say(str(error))
    except BrokenPipeError:
        _discard(sys.stdout)
        return OK  # the reader of a result has seen enough
    except OSError as error:
        if error.filename is None:  # files are named
            _discard(sys.stdout)
        return _say(f"{error.filename or 'standard output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a fault of ours is told, never shown as a traceback
        return _fault(error)
    return code


def _mend_streams() -> None:
    """Let a closed stream refuse what is written to it, escape what one can't encode, and let their readers leave.

    What can't be said on standard error, for whatever reason, is lost.
    """
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = cast("TextIO", _Stream(sys.stdout, BrokenPipeError))
    sys.stderr = cast("TextIO", _Stream(sys.stderr, OSError))


def _discard(stream: TextIO) -> None:
    """Let go of output that nobody takes, or Python complains of it once more at exit."""
    with suppress(UnsupportedOperation):  # a test's
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _dispatch(given: list[str]) -> int:
    if given and given[0] in ("-h", "--help", "--version"):
        return _overview(given[0])
    config = _config()
    if not given and (config is None or not config.defaults("compile").get("specs")):
        return _overview("--help")
    if given and given[0] in COMMANDS:
        return _run(given[0], given[1:], config)
    if given and given[0].isalpha() and not os.path.exists(given[0]):
        meant = did_you_mean(given[0], COMMANDS)
        if meant is not None:
            raise CallError(f"there is no command or file '{given[0]}'; did you mean '{meant}'?")
    return _run("compile", given, config)


def _config() -> Config | None:
    """The settings of the nearest pyproject.toml, where it has some; else nothing is imported for it."""
    try:
        folder = os.getcwd()
    except OSError:
        return None
    while True:
        path = os.path.join(folder, "pyproject.toml")
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            if folder == (folder := os.path.dirname(folder)):
                return None
            continue
        if b"tool.netcompile" not in data:
            return None
        from netcompile.config import Config  # noqa: PLC0415 - for projects that have settings

        return Config(os.path.relpath(path))


class _Formatter(argparse.HelpFormatter):
    """Help of a fixed width: asking the terminal for its own costs an import at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


class _Parser(argparse.ArgumentParser):
    """Complains like every command does."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        complain(message)
        self.exit(WRONG_CALL)


def _run(name: str, given: list[str], config: Config | None) -> int:
    command: Any = import_module(f"netcompile.commands.{'import_' if name == 'import' else name}")
    parser = _Parser(
        prog=f"netcompile {name}", description=COMMANDS[name], allow_abbrev=False, formatter_class=_Formatter
    )
    command.add(parser)
    add_common(parser)
    if config is not None:
        parser.set_defaults(**config.defaults(name))
    try:
        options = parser.parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    gc.enable()  # `run` begins without
    code: int = command.run(options)
    return code


def _say(text: str, code: int = WRONG_CALL) -> int:
    complain(text)
    return code


def _fault(error: Exception) -> int:
    if os.environ.get("NETCOMPILE_DEBUG"):
        raise error
    text = f"{type(error).__name__}: {error}"
    return _say(f"a fault of netcompile, please report it: {text} (NETCOMPILE_DEBUG=1 shows where)", OUR_FAULT)


def _overview(name: str) -> int:
    if name == "--version":
        sys.stdout.write(f"netcompile {program_version()}\n")
        return OK
    width = max(map(len, COMMANDS))
    lines = [f"  {command:{width}}  {text}" for command, text in COMMANDS.items()]
    sys.stdout.write(
        "usage: netcompile [COMMAND] ...\n\n"
        "Declarative compiler for Caffe nets: a YAML spec in, checked prototxt out.\n\n"
        "commands (`netcompile COMMAND --help` says more; without one: compile):\n" + "\n".join(lines) + "\n"
    )
    return OK


def run() -> NoReturn:
    """The console script."""
    # Nothing that start-up makes is garbage, and the end gives all back at once: looking takes a seventh of a run.
    gc.disable()
    code = main()
    gc.freeze()
    sys.exit(code)
