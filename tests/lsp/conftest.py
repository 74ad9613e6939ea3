import asyncio
import sys
import threading
from pathlib import Path

import pytest

from netcompile.compiler import Settings
from netcompile.lsp.model import Model
from netcompile.tree import Source

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds; a machine under load is no failure


class Editor:
    """An editor as far as a language server sees it: pygls' own client, driven without coroutines."""

    def __init__(self, command):
        from lsprotocol import types  # noqa: PLC0415 - the extra may not be there
        from pygls.lsp.client import LanguageClient  # noqa: PLC0415 - likewise

        self.types = types
        self.log = []
        self._opened = {}
        self._published = {}
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.client = LanguageClient("tests", "1")
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(self._receiver())
        self.client.feature(types.WORKSPACE_CONFIGURATION)(lambda params: [None] * len(params.items))
        self.client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda _params: None)
        self.client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: self.log.append(params.message))
        self.refreshed = threading.Event()
        self.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: self.refreshed.set())
        self.run(self.client.start_io(*map(str, command)))
        self.server = self.client._server  # noqa: SLF001 - the process, for its end
        document = types.TextDocumentClientCapabilities(
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
            rename=types.RenameClientCapabilities(prepare_support=True),
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(snippet_support=True)
            ),
        )
        refreshing = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
        workspace = types.WorkspaceClientCapabilities(inlay_hint=refreshing)
        capabilities = types.ClientCapabilities(text_document=document, workspace=workspace)
        self.started = self.run(
            self.client.initialize_async(types.InitializeParams(capabilities=capabilities, root_uri=ROOT.as_uri()))
        )
        self.client.initialized(types.InitializedParams())

    def _receiver(self):
        def receive(params):
            with self._news:
                self._published.setdefault(params.uri, []).append(params)
                self._news.notify_all()

        return receive

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def open(self, path, text):
        """Open a text under a path that need not exist, and give its URI."""
        uri = Path(path).as_uri()
        self._opened[uri] = 1
        self._published.pop(uri, None)
        language = "yaml" if uri.endswith(".yaml") else "prototxt"
        item = self.types.TextDocumentItem(uri, language, 1, text)
        self._on_loop(self.client.text_document_did_open, self.types.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri, text):
        """Replace the whole text."""
        self._opened[uri] += 1
        named = self.types.VersionedTextDocumentIdentifier(self._opened[uri], uri)
        whole = [self.types.TextDocumentContentChangeWholeDocument(text)]
        self._on_loop(self.client.text_document_did_change, self.types.DidChangeTextDocumentParams(named, whole))

    def save(self, uri):
        """Say that a text was saved."""
        named = self.types.TextDocumentIdentifier(uri)
        self._on_loop(self.client.text_document_did_save, self.types.DidSaveTextDocumentParams(named))

    def close(self, uri):
        """Close a text."""
        named = self.types.TextDocumentIdentifier(uri)
        self._on_loop(self.client.text_document_did_close, self.types.DidCloseTextDocumentParams(named))

    def _on_loop(self, send, params):
        async def on_loop():
            send(params)

        self.run(on_loop())

    def findings(self, uri, version=None, count=1):
        """Wait for what is found in a text: in its version, or what is published as the `count`th."""

        def published():
            found = self._published.get(uri, [])
            return found[-1] if len(found) >= count and (version is None or found[-1].version == version) else None

        with self._news:
            assert self._news.wait_for(published, PATIENCE), f"nothing published for {uri}; log: {self.log}"
            return list(published().diagnostics)

    def at(self, uri, line, column):
        """The parameters of most requests."""
        return {"text_document": self.types.TextDocumentIdentifier(uri), "position": self.types.Position(line, column)}

    def stop(self):
        """Shut the server down as the protocol says; gives its exit code and what it wrote to standard error."""
        if self.server.returncode is None:
            self.run(self.client.shutdown_async(None))

            async def leave():
                self.client.exit(None)

            self.run(leave())
        return self.end()

    def end(self):
        """Wait for the end of the server."""
        code = self.run(self.server.wait())
        errors = self.run(self.server.stderr.read()).decode()
        self.run(self.client.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return code, errors


@pytest.fixture(scope="session")
def pygls():
    """The library that the extra `lsp` brings."""
    return pytest.importorskip("pygls", reason="pygls is not installed: pip install -e '.[lsp]'")


@pytest.fixture(scope="session")
def start_editor(pygls):
    """Start an editor with a server of a command."""
    del pygls
    return Editor


@pytest.fixture(scope="module")
def editor(start_editor):
    """An editor with our server, for all tests of a file."""
    running = start_editor([sys.executable, "-m", "netcompile", "lsp"])
    yield running
    running.stop()


@pytest.fixture(scope="session")
def place():
    """Take the mark `@` out of a text: the text, and the line and column where it was, from 0."""

    def found(text):
        before, _, after = text.partition("@")
        return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1

    return found


@pytest.fixture
def model(tmp_path):
    """The model of a text, and libraries beside it under their names."""

    def made(text, **libraries):
        for name, library in libraries.items():
            (tmp_path / f"{name}.yaml").write_text(library, encoding="utf-8")
        return Model(Source(str(tmp_path / "net.yaml"), text), Settings())

    return made
