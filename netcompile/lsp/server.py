"""The language server on standard input and output: each request of the protocol is one call of a feature.

Findings are worked out elsewhere, a moment after the last change; requests are answered at once, from the model of
the text as it is. The only module that knows pygls.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from netcompile.compiler import collector_off
from netcompile.lsp import convert
from netcompile.lsp.checker import Checker, FaultError
from netcompile.lsp.completion import completions
from netcompile.lsp.definition import definitions
from netcompile.lsp.hints import hints
from netcompile.lsp.hover import hover
from netcompile.lsp.rename import RefusedError, rename, subject_at
from netcompile.lsp.session import Session, Text
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.compiler import Settings

_ANY_SPEC: Final = """
vars: {size: 3}
layers:
  - {name: data, type: Input, shape: {dim: [1, 1, $size, '${size + 1}']}}
  - {name: conv, type: Convolution, num_output: 1, kernel_size: $size}
deploy: {}
"""
_TURN: Final = 0.001  # seconds; an answer is not to wait long for a thread that understands a text
_QUIET: Final = 0.2  # seconds without a change before findings are worked out
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
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._due: dict[str, int | None] = {}  # texts to check, with their version
        self._working: asyncio.Task[None] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._answer(types.INITIALIZED, self.initialized)
        self._answer(types.TEXT_DOCUMENT_DID_OPEN, self.opened)
        self._answer(types.TEXT_DOCUMENT_DID_CHANGE, self.changed)
        self._answer(types.TEXT_DOCUMENT_DID_SAVE, self.saved)
        self._answer(types.TEXT_DOCUMENT_DID_CLOSE, self.closed)
        self._answer(types.SHUTDOWN, self.shutdown)
        self._answer(types.TEXT_DOCUMENT_INLAY_HINT, self.inlay_hints)
        self._answer(types.TEXT_DOCUMENT_HOVER, self.hover)
        self._answer(types.TEXT_DOCUMENT_DEFINITION, self.definition)
        triggers = types.CompletionOptions(trigger_characters=["$", "{", "[", ",", " "])
        self._answer(types.TEXT_DOCUMENT_COMPLETION, self.completion, triggers)
        self._answer(types.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename)
        self._answer(types.TEXT_DOCUMENT_RENAME, self.rename, types.RenameOptions(prepare_provider=True))

    def _answer(self, method: str, handler: Callable[[Any], object], options: object = None) -> None:
        def handle(params: Any) -> object:  # pygls marks what it registers, which a bound method does not take
            with collector_off():
                return handler(params)

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

    def initialized(self, _params: types.InitializedParams) -> None:
        """The client is ready: what the first text would wait for is loaded now."""
        self._checker.start()
        Text("", _ANY_SPEC, self.session.settings).model.prepare()

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """A text is there: it is checked at once."""
        uri = params.text_document.uri
        self.session.open(uri, params.text_document.text)
        self._check(uri, params.text_document.version, 0)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """A text has changed: it is checked when the typing pauses."""
        uri = params.text_document.uri
        self.session.texts[uri].update(self.pygls.workspace.get_text_document(uri).source)
        self._check(uri, params.text_document.version, _QUIET)

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
            self._learning = loop.create_task(self._catch_up(uri, text))

    async def _catch_up(self, uri: str, text: Text) -> None:
        """Understand a text whose model is behind, now that the typing pauses."""
        written = text.text
        model = await asyncio.to_thread(text.make, written)
        if self.session.texts.get(uri) is text and text.text == written:
            text.adopt(model)
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
        source, lines = Source(text.path, text.text), text.lines
        try:
            found = await asyncio.to_thread(self._checker.findings, source, text.settings)
        except FaultError as error:
            self.pygls.window_log_message(types.LogMessageParams(types.MessageType.Error, str(error)))
            return
        if self.session.texts.get(uri) is text and text.text == source.text:
            shown = [convert.diagnostic(self.units, lines, one) for one in found]
            self.pygls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, number))

    # Requests

    def _at(self, params: _AtPosition) -> tuple[Text, int, int]:
        """The text of a request with the line and column that it is about."""
        text = self.session.texts[params.text_document.uri]
        line = min(params.position.line, len(text.lines) - 1)
        return text, line, self.units.column(text.lines[line], params.position.character)

    def inlay_hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """The shapes behind the layers."""
        text = self.session.texts[params.text_document.uri]
        if not self._refreshes:
            text.model.prepare()  # this client does not ask again
        model, moved = text.nearest()
        shown = []
        for hint in hints(model, 0, len(model.lines)):
            line = moved.there[hint.line]
            if line is not None and params.range.start.line <= line <= params.range.end.line:
                place = self.units.position(text.lines, line, hint.column)
                shown.append(types.InlayHint(place, hint.text, tooltip=hint.tooltip, padding_left=True))
        return shown

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What is under the pointer."""
        text, line, column = self._at(params)
        model, moved = text.nearest()
        old = moved.back[line]
        found = None if old is None else hover(model, old, column)
        if found is None:
            return None
        markdown = types.MarkupContent(types.MarkupKind.Markdown, found.text)
        return types.Hover(markdown, self.units.range(text.lines, line, found.start, found.end))

    def definition(self, params: types.DefinitionParams) -> list[types.Location]:
        """Where what is under the cursor comes from."""
        text, line, column = self._at(params)
        model, moved = text.nearest()
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

    def completion(self, params: types.CompletionParams) -> types.CompletionList:
        """What can be typed."""
        text, line, column = self._at(params)
        items = [
            types.CompletionItem(
                label=one.text.rstrip(": "),
                kind=_KINDS[one.kind],
                detail=one.detail,
                sort_text=f"{number:06}",
                text_edit=types.TextEdit(self.units.range(text.lines, line, one.start, column), one.text),
            )
            for number, one in enumerate(completions(*text.without(line), text.lines, line, column))
        ]
        return types.CompletionList(is_incomplete=False, items=items)

    def prepare_rename(self, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder:
        """Whether what is under the cursor can be renamed."""
        text, line, column = self._at(params)
        try:
            subject = subject_at(text.model, line, column)
        except RefusedError as error:
            raise JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed) from None
        return types.PrepareRenamePlaceholder(
            self.units.range(text.lines, subject.line, subject.start, subject.end), subject.name
        )

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit:
        """All edits that rename a layer or blob."""
        text, line, column = self._at(params)
        try:
            edits = rename(text.model, line, column, params.new_name)
        except RefusedError as error:
            raise JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed) from None
        changes = [
            types.TextEdit(self.units.range(text.lines, edit.line, edit.start, edit.end), edit.text) for edit in edits
        ]
        return types.WorkspaceEdit(changes={params.text_document.uri: changes})
