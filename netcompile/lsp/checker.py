"""Works out findings in a process of its own, so that no request waits for them.

The process ends when ours does, however that happens. One that dies of a text is
replaced for the next.
"""

from __future__ import annotations

import gc
import signal
from contextlib import suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING

from netcompile.lsp.findings import findings
from netcompile.lsp.warming import warm_up_checks

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from netcompile.compiler import Settings
    from netcompile.lsp.findings import Finding
    from netcompile.tree import Source


class FaultError(Exception):
    """A text could not be checked, and not because of what is wrong in it; the message says what happened."""


class Checker:
    """Answers with the findings on one text after the other. Not to be called from two threads at once."""

    def __init__(self) -> None:
        self._running: tuple[Connection, BaseProcess] | None = None

    def start(self, settings: Settings) -> None:
        """Start the process, where none runs. It makes itself ready for texts with these settings."""
        self._running = self._running or _start(settings)

    def findings(self, source: Source, settings: Settings) -> list[Finding]:
        """As `findings.findings`; waits for the process. Raises FaultError."""
        self.start(settings)
        assert self._running is not None
        connection, process = self._running
        try:
            connection.send((source, settings))
            found = connection.recv()
        except (EOFError, OSError):
            self._running = None
            process.join()
            raise FaultError(f"checking {source.name} ended the process that did it, with {process.exitcode}") from None
        if isinstance(found, str):
            raise FaultError(found)
        return found  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End the process, also in the middle of its work."""
        if self._running is not None:
            self._running[1].kill()
            self._running = None


def _start(settings: Settings) -> tuple[Connection, BaseProcess]:
    context = get_context("spawn")  # a fork would take our threads' locks along
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
    process.start()
    theirs.close()  # so that each side sees the other's end
    return ours, process


def _serve(connection: Connection, settings: Settings) -> None:
    """Be the process: check what comes, until nothing more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted closes the pipe
    with suppress(RuntimeError):  # whatever it is, it is said of the first text
        warm_up_checks(settings)
    gc.freeze()  # what is loaded stays
    gc.disable()  # garbage is looked for when nobody waits
    while True:
        try:
            source, settings = connection.recv()
        except (EOFError, OSError):
            return
        try:
            connection.send(findings(source, settings))
        except RuntimeError as error:
            connection.send(str(error))
        gc.collect()
