"""Measures how long the language server takes to answer, as an editor feels it: a real client over a pipe.

    python benchmarks/lsp.py [--quick]

On ResNet-152 as a spec with blocks, and on the same net written out layer by layer. Every request comes right behind an
edit that changes all shapes; `fresh` tells how many of the answers know of it, and only these count. Times are
milliseconds: on the clock of the client, and CPU that was spent up to the answer, by the server for requests, by the
process that checks as well for findings. What the server waits before it checks is on the clock alone.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

import netcompile

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "specs" / "resnet_152.yaml"
PATIENCE = 60  # seconds
SETTLED = 0.3  # seconds, after which a server has nothing left to do
BATCH = 8  # images, in the spec
# What is asked about: a blob of the net, and a layer that can be renamed.
MORE = "  - {name: more, type: ReLU, bottom: res5c}\n  - {name: end, type: Silence, bottom: more}\n"


class Editor:
    """One server and its client, with one open text."""

    def __init__(self) -> None:
        self.client = LanguageClient("benchmark", "1")
        self.published: dict[int, asyncio.Event] = {}
        self.version = 0
        self.uri = ""
        self.text = ""
        self.findings: list[types.Diagnostic] = []
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(self._receiver())
        self.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: None)

    def _receiver(self) -> Callable[[types.PublishDiagnosticsParams], None]:
        def receive(params: types.PublishDiagnosticsParams) -> None:
            self.findings = list(params.diagnostics)
            if params.version is not None:
                self._event(params.version).set()

        return receive

    def _event(self, version: int) -> asyncio.Event:
        return self.published.setdefault(version, asyncio.Event())

    async def start(self) -> None:
        """Start the server and shake hands."""
        await self.client.start_io(sys.executable, "-m", "netcompile", "lsp")
        hints = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
        capabilities = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(inlay_hint=hints))
        await self.client.initialize_async(types.InitializeParams(capabilities=capabilities, root_uri=ROOT.as_uri()))
        self.client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        """Say goodbye and wait for the end."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client._server.wait()  # noqa: SLF001 - the process
        await self.client.stop()

    def open(self, path: Path, text: str) -> None:
        """Open a text."""
        self.uri, self.text, self.version = path.as_uri(), text, 1
        item = types.TextDocumentItem(self.uri, "yaml", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, text: str) -> None:
        """Replace the whole text."""
        self.text, self.version = text, self.version + 1
        named = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        whole = [types.TextDocumentContentChangeWholeDocument(text)]
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(named, whole))

    async def diagnosed(self) -> None:
        """Wait until what is found in the text as it is was published."""
        await asyncio.wait_for(self._event(self.version).wait(), PATIENCE)

    def cpu(self, *, checking: bool) -> float:
        """CPU seconds of the server so far, with or without its process that checks; 0 where no /proc tells."""
        server = self.client._server.pid  # noqa: SLF001 - likewise
        pids = [server, *_children(server)] if checking else [server]
        return sum(_cpu(pid) for pid in pids)

    # Requests

    def at(self, place: tuple[int, int]) -> dict[str, Any]:
        """The parameters of most requests."""
        return {"text_document": types.TextDocumentIdentifier(self.uri), "position": types.Position(*place)}

    async def hints(self, _place: tuple[int, int]) -> str:
        """The hints of as many lines as a window shows."""
        shown = types.Range(types.Position(0, 0), types.Position(60, 0))
        params = types.InlayHintParams(types.TextDocumentIdentifier(self.uri), shown)
        found = await self.client.text_document_inlay_hint_async(params)
        return " ".join(str(hint.label) for hint in found or ())

    async def hover(self, place: tuple[int, int]) -> str:
        """What is shown under the pointer."""
        found = await self.client.text_document_hover_async(types.HoverParams(**self.at(place)))
        return str(found.contents) if found else ""

    async def definition(self, place: tuple[int, int]) -> str:
        """Where a word leads."""
        return str(await self.client.text_document_definition_async(types.DefinitionParams(**self.at(place))))

    async def completion(self, place: tuple[int, int]) -> str:
        """What can be typed."""
        found = await self.client.text_document_completion_async(types.CompletionParams(**self.at(place)))
        items = found.items if isinstance(found, types.CompletionList) else found or ()
        return " ".join(str(item.detail) for item in items)

    async def rename(self, place: tuple[int, int]) -> str:
        """All edits."""
        params = types.RenameParams(**self.at(place), new_name="another_name")
        return str(await self.client.text_document_rename_async(params))


def _children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _cpu(pid: int) -> float:
    """CPU seconds of all threads of a process."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def texts() -> dict[str, str]:
    """ResNet-152 with its blocks, and written out; each with the layers that are asked about."""
    spec = SPEC.read_text(encoding="utf-8")
    end = spec.index("\ndeploy:") + 1
    flat = netcompile.import_net(netcompile.compile(SPEC).net)
    return {"blocks": f"{spec[:end]}{MORE}{spec[end:]}", "written out": f"{flat}{MORE}{spec[end:]}"}


def with_batch(text: str, batch: int) -> str:
    """The text with another batch size in training."""
    return text.replace(f"batch: {BATCH}", f"batch: {batch}", 1).replace(
        f"batch_size: {BATCH}", f"batch_size: {batch}", 1
    )


def place(text: str, words: str) -> tuple[int, int]:
    """The line and column in which `words` end."""
    at = text.index(words) + len(words)
    return text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


class Taken:
    """How long something took, again and again."""

    def __init__(self, what: str, editor: Editor, *, checking: bool = False) -> None:
        self.what = what
        self.editor = editor
        self.checking = checking
        self.clock: list[float] = []
        self.cpu: list[float] = []

    def begin(self) -> None:
        """Now."""
        self.spent = self.editor.cpu(checking=self.checking)
        self.began = time.perf_counter()

    def end(self) -> None:
        """Now."""
        self.clock.append(time.perf_counter() - self.began)
        self.cpu.append(self.editor.cpu(checking=self.checking) - self.spent)

    def forget(self) -> None:
        """Leave out what was measured last."""
        del self.clock[-1], self.cpu[-1]

    def report(self, note: str = "") -> None:
        """Print one line of the table."""
        figures = [
            f"{1000 * of(times):7.1f}" if times else f"{'-':>7}"
            for times in (self.clock, self.cpu)
            for of in (min, statistics.median)
        ]
        print(f"  {self.what:28} {' '.join(figures)}  {note}")


async def measure_opening(path: Path, text: str, runs: int) -> None:
    """From the opening of a text, the first of a server, to its findings and hints."""
    first = [Taken("open to first hints", Editor()), Taken("open to findings", Editor(), checking=True)]
    for _ in range(runs):
        for taken in first:
            editor = taken.editor = Editor()
            await editor.start()
            await asyncio.sleep(SETTLED)
            taken.begin()
            editor.open(path, text)
            if taken.checking:
                await editor.diagnosed()
            else:
                assert f"{BATCH}x64x56x56" in await editor.hints((0, 0))
            taken.end()
            await editor.stop()
    for taken in first:
        taken.report()


async def measure_edits(path: Path, text: str, runs: int) -> None:
    """From an edit to its findings, and to the answers of requests that follow it at once."""
    editor = Editor()
    await editor.start()
    editor.open(path, text)
    await editor.diagnosed()
    batch = BATCH
    for what, ask, words, known in (
        ("findings", None, "", ""),
        ("hints", editor.hints, "", "{}x256x56x56"),
        ("hover on a bottom", editor.hover, "bottom: res5", "{}x2048x7x7"),
        ("definition", editor.definition, "bottom: res5", ""),
        ("completion", editor.completion, "bottom: res5", "{}x2048x7x7"),
        ("rename", editor.rename, "{name: mo", ""),
    ):
        taken, fresh = Taken(f"edit to {what}", editor, checking=ask is None), 0
        for _ in range(runs):
            batch += 1
            taken.begin()
            editor.change(with_batch(text, batch))
            answer = "" if ask is None else await ask(place(editor.text, words))
            if ask is None:
                await editor.diagnosed()
            taken.end()
            if known.format(batch) in answer:
                fresh += 1
            else:
                taken.forget()
            await editor.diagnosed()
            await asyncio.sleep(SETTLED)
        taken.report(f"{fresh:3} of {runs} fresh" if known else "")
    await editor.stop()


async def main() -> None:
    """Measure both texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    quick = parser.parse_args().quick
    for name, text in texts().items():
        print(f"\nResNet-152, {name}, {text.count(chr(10))} lines")
        print(
            f"  {'':28} {'clock':>7} {'':7} {'CPU':>7}\n  {'':28} {'least':>7} {'median':>7} {'least':>7} {'median':>7}"
        )
        path = SPEC.with_name(f"{name.split()[0]}.yaml")
        await measure_opening(path, text, 2 if quick else 7)
        await measure_edits(path, text, 5 if quick else 20)


if __name__ == "__main__":
    asyncio.run(main())
