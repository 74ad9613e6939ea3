"""The language server on standard input and output: each request of the protocol is one call of a feature.

Findings are worked out in another process, a moment after the last change; requests are answered as soon as the text is
understood. The only module that knows pygls.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from netcompile.lsp import convert
from netcompile.lsp.checker import Checker, FaultError
from netcompile.lsp.completion import completions
from netcompile.lsp.definition import definitions
from netcompile.lsp.hints import hints
from netcompile.lsp.hover import hover
from netcompile.lsp.rename import RefusedError, rename, try_out
from netcompile.lsp.session import Session, Text
from netcompile.lsp.warming import warm_up
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from netcompile.compiler import Settings
    from netcompile.lsp.model import Model

_TURN: Final = 0.001  # seconds; an answer is not to wait long for a thread that understands a text
# Seconds without a change before findings are worked out: an eighth of what that takes, and at most this.
_MOST_QUIET: Final = 0.2
_KINDS: Final = {
    "blob": types.CompletionItemKind.Value,
    "variable": types.CompletionItemKind.Variable,
    "block": types.CompletionItemKind.Function,
    "parameter": types.CompletionItemKind.Property,
}


def serve(settings: Settings) -> bool:
    """Answer a client on standard input until it is done; true where it said goodbye as the protocol wants."""
    # The protocol has the two streams to itself: whatever else is printed goes to standard error.
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as stdin, os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stdout:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        server = Server(settings)
        warm_up(settings)
        sys.setswitchinterval(_TURN)
        gc.freeze()  # what is loaded stays; looking for garbage in it would hold up answers
        server.pygls.start_io(stdin, stdout)
        server.stop()
    return server.said_goodbye


def _version() -> str:
    """Our version, as far as there is one: a checkout that is not installed has none."""
    try:
        return version("netcompile")
    except PackageNotFoundError:
        return "unknown"


class _Refusal(JsonRpcException):
    """The answer to a renaming that can't be done. To the client an error, and none of ours."""

    def __init__(self, reason: RefusedError) -> None:
        super().__init__(str(reason), types.LSPErrorCodes.RequestFailed)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether what pygls logs belongs on standard error, which editors show: refusals are answers."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, _Refusal)


class _AtPosition(Protocol):
    """The parameters of a request that is about a position."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


class Server:
    """The requests of the protocol, and the state between them: the open texts and the findings that are awaited."""

    def __init__(self, settings: Settings) -> None:
        self.session = Session(settings, lambda uri: to_fs_path(uri) or uri)
        self.said_goodbye = False
        self.pygls = LanguageServer("netcompile", _version())
        self._checker = Checker()
        self._checker.start(settings)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._due: dict[str, int | None] = {}  # texts to check, with their version
        self._working: asyncio.Task[None] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._note(types.TEXT_DOCUMENT_DID_OPEN, self.opened)
        self._note(types.TEXT_DOCUMENT_DID_CHANGE, self.changed)
        self._note(types.TEXT_DOCUMENT_DID_SAVE, self.saved)
        self._note(types.TEXT_DOCUMENT_DID_CLOSE, self.closed)
        self._note(types.SHUTDOWN, self.shutdown)
        self._answer(types.TEXT_DOCUMENT_INLAY_HINT, self.inlay_hints)
        self._answer(types.TEXT_DOCUMENT_HOVER, self.hover)
        self._answer(types.TEXT_DOCUMENT_DEFINITION, self.definition)
        triggers = types.CompletionOptions(trigger_characters=["$", "{", "[", ",", " "])
        self._answer(types.TEXT_DOCUMENT_COMPLETION, self.completion, triggers)
        self._answer(types.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename)
        self._answer(types.TEXT_DOCUMENT_RENAME, self.rename, types.RenameOptions(prepare_provider=True))
        logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_worth_a_line)

    def _note(self, method: str, handler: Callable[[Any], None]) -> None:
        def handle(params: Any) -> None:  # pygls marks what it registers, which a bound method does not take
            handler(params)

        self.pygls.feature(method)(handle)

    def _answer(self, method: str, handler: Callable[[Text, Any], Awaitable[object]], options: object = None) -> None:
        async def handle(params: Any) -> object:
            text = self.session.texts.get(params.text_document.uri)
            return None if text is None else await handler(text, params)

        self.pygls.feature(method, options)(handle)

    @property
    def units(self) -> convert.Units:
        """How the client counts characters."""
        return convert.Units(self.pygls.server_capabilities.position_encoding)

    def stop(self) -> None:
        """Leave nothing behind."""
        self._checker.stop()

    @property
    def _refreshes(self) -> bool:
        """Whether the client asks for hints again when it is told to."""
        workspace = self.pygls.client_capabilities.workspace
        hints_of = None if workspace is None else workspace.inlay_hint
        return bool(hints_of is not None and hints_of.refresh_support)

    # Texts and findings

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """A text is there: it is checked at once."""
        uri = params.text_document.uri
        self.session.open(uri, params.text_document.text)
        self._check(uri, params.text_document.version, 0)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """A text has changed: it is checked when the typing pauses."""
        uri = params.text_document.uri
        text = self.session.texts[uri]
        text.update(self.pygls.workspace.get_text_document(uri).source)
        quiet = min(text.checked_in / 8, _MOST_QUIET)
        self._check(uri, params.text_document.version, quiet)

    def saved(self, params: types.DidSaveTextDocumentParams) -> None:
        """A file is new: the specs that may import it are checked again."""
        for uri in self.session.forget(params.text_document.uri):
            self._check(uri, self.pygls.workspace.get_text_document(uri).version, 0)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """A text is gone, and with it what was found in it."""
        uri = params.text_document.uri
        self.session.close(uri)
        self.pygls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def shutdown(self, _params: None) -> None:
        """The client is about to leave."""
        self.said_goodbye = True

    def _check(self, uri: str, number: int | None, delay: float) -> None:
        """Have a text checked after a delay, unless it changes before."""
        timer = self._timers.get(uri)
        if timer is not None:
            timer.cancel()
        self._timers[uri] = asyncio.get_running_loop().call_later(delay, self._is_due, uri, number)

    def _is_due(self, uri: str, number: int | None) -> None:
        self._due[uri] = number
        loop = asyncio.get_running_loop()
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        text = self.session.texts.get(uri)
        if text is not None and text.is_behind:
            self._learning = loop.create_task(self._catch_up(text))

    async def _catch_up(self, text: Text) -> None:
        """Understand a text whose model is behind, now that the typing pauses."""
        await text.learn()
        if self._refreshes:
            self.pygls.workspace_inlay_hint_refresh(None)

    async def _work(self) -> None:
        """Check what is due, one text after the other."""
        while self._due:
            uri = next(iter(self._due))
            number = self._due.pop(uri)
            text = self.session.texts.get(uri)
            if text is not None:
                await self._publish(uri, number, text)

    async def _publish(self, uri: str, number: int | None, text: Text) -> None:
        source, lines, began = Source(text.path, text.text), text.lines, time.perf_counter()
        try:
            found = await asyncio.to_thread(self._checker.findings, source, text.settings)
        except FaultError as error:
            self.pygls.window_log_message(types.LogMessageParams(types.MessageType.Error, str(error)))
            return
        text.checked_in = time.perf_counter() - began
        if self.session.texts.get(uri) is text and text.text == source.text:
            shown = [convert.diagnostic(self.units, lines, one) for one in found]
            self.pygls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, number))

    # Requests

    def _at(self, text: Text, params: _AtPosition) -> tuple[int, int]:
        """The line and column that a request is about."""
        line = min(params.position.line, len(text.lines) - 1)
        return line, self.units.column(text.lines[line], params.position.character)

    async def inlay_hints(self, text: Text, params: types.InlayHintParams) -> list[types.InlayHint]:
        """The shapes behind the layers."""
        if not self._refreshes:
            await text.learn()  # this client does not ask again
        model, moved = await text.nearest()
        shown = []
        for hint in hints(model, 0, len(model.lines)):
            line = moved.there[hint.line]
            if line is not None and params.range.start.line <= line <= params.range.end.line:
                place = self.units.position(text.lines, line, hint.column)
                shown.append(types.InlayHint(place, hint.text, tooltip=hint.tooltip, padding_left=True))
        return shown

    async def hover(self, text: Text, params: types.HoverParams) -> types.Hover | None:
        """What is under the pointer."""
        model, moved = await text.nearest(params.position.line)
        line, column = self._at(text, params)
        old = moved.back[line]
        found = None if old is None else hover(model, old, column)
        if found is None:
            return None
        markdown = types.MarkupContent(types.MarkupKind.Markdown, found.text)
        return types.Hover(markdown, self.units.range(text.lines, line, found.start, found.end))

    async def definition(self, text: Text, params: types.DefinitionParams) -> list[types.Location]:
        """Where what is under the cursor comes from."""
        model, moved = await text.nearest(params.position.line)
        line, column = self._at(text, params)
        old = moved.back[line]
        places = []
        for span in [] if old is None else definitions(model, old, column):
            place = convert.location(self.units, span)
            if span.source is model.source:
                new = moved.there[span.line - 1]
                if new is None:
                    continue
                place = types.Location(
                    params.text_document.uri,
                    self.units.range(text.lines, new, span.column - 1, span.end_column - 1),
                )
            places.append(place)
        return places

    async def completion(self, text: Text, params: types.CompletionParams) -> types.CompletionList:
        """What can be typed."""
        line, _ = self._at(text, params)
        model, there = await text.without(line)
        line, column = self._at(text, params)
        items = [
            types.CompletionItem(
                label=one.label,
                kind=_KINDS[one.kind],
                detail=one.detail,
                sort_text=f"{number:06}",
                filter_text=one.text,
                text_edit=types.TextEdit(self.units.range(text.lines, line, one.start, column), one.text),
            )
            for number, one in enumerate(completions(model, there, text.lines, line, column))
        ]
        return types.CompletionList(is_incomplete=False, items=items)

    async def prepare_rename(self, text: Text, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder:
        """Whether what is under the cursor can be renamed."""
        model = await self._renamed(text)
        line, column = self._at(text, params)
        try:
            subject = await asyncio.to_thread(try_out, model, line, column)
        except RefusedError as error:
            raise _Refusal(error) from None
        return types.PrepareRenamePlaceholder(
            self.units.range(text.lines, subject.line, subject.start, subject.end), subject.name
        )

    async def rename(self, text: Text, params: types.RenameParams) -> types.WorkspaceEdit:
        """All edits that rename a layer or blob."""
        model = await self._renamed(text)
        line, column = self._at(text, params)
        try:
            edits = await asyncio.to_thread(rename, model, line, column, params.new_name)
        except RefusedError as error:
            raise _Refusal(error) from None
        changes = [
            types.TextEdit(self.units.range(text.lines, edit.line, edit.start, edit.end), edit.text) for edit in edits
        ]
        return types.WorkspaceEdit(changes={params.text_document.uri: changes})

    async def _renamed(self, text: Text) -> Model:
        """The model of the text as it is, where there are names to change."""
        if text.is_prototxt:
            raise _Refusal(RefusedError("only in specs: `netcompile import` makes one of a prototxt"))
        return await text.learn()
