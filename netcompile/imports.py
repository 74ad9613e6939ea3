"""Brings in the libraries that a document imports: each once, those that it builds on first, and all inside the root.

Reads files; what a library means is the expansion's business. How a text becomes a document is handed in.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.files import read_file
from netcompile.language.spec import name_list
from netcompile.load import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from netcompile.diagnostics import Report
    from netcompile.tree import Mapping, Scalar, Source

MAX_IMPORTS: Final = 1000
MAX_DEPTH: Final = 100
_ROOT_MARKS: Final = (".git", "pyproject.toml")


def find_root(path: str) -> str:
    """The root folder of a file: the nearest folder above it with `.git` or `pyproject.toml`, else its own folder."""
    own = folder = os.path.dirname(os.path.realpath(path))
    while True:
        if any(os.path.exists(os.path.join(folder, mark)) for mark in _ROOT_MARKS):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return own
        folder = parent


def read_libraries(
    document: Mapping, root: str | None, read: Callable[[Source], Mapping | None], report: Report
) -> list[Mapping]:
    """The documents that `document` imports, in the order in which they apply: a library stands after what it imports.

    `root` is the folder that all must be in; None: that of the document's file. `read` makes a validated document of a
    text, or None. What can't be brought in is reported and left out.
    """
    if "imports" not in document.entries:
        return []
    return _Importer(root or find_root(document.source.name), read, report).run(document)


class _Importer:
    def __init__(self, root: str, read: Callable[[Source], Mapping | None], report: Report) -> None:
        self.root = os.path.realpath(root)
        self.read = read
        self.report = report
        self.found: set[str] = set()
        self.open: list[str] = []
        self.order: list[Mapping] = []
        self.exceeded = False

    def run(self, document: Mapping) -> list[Mapping]:
        path = os.path.realpath(document.source.name)
        self.open.append(path)
        self._imports(document, path)
        return self.order

    def _imports(self, document: Mapping, path: str) -> None:
        for name in name_list(document.entries.get("imports")):
            if type(name.value) is not str:
                continue  # a finding of validation
            if "\0" in name.value:
                self._refuse(name, "a path has no null character")
                continue
            shown = os.path.join(os.path.dirname(document.source.name), name.value)
            self._import(name, shown, os.path.realpath(os.path.join(os.path.dirname(path), name.value)))

    def _import(self, name: Scalar, shown: str, path: str) -> None:
        if os.path.isabs(str(name.value)) or os.path.commonpath([self.root, path]) != self.root:
            text = f"'{name.value}' is outside the root folder {self.root}"
            self.report.add("import-outside-root", name.span, text, hint="imports stay inside the root; --root sets it")
            return
        if path in self.open:
            chain = " > ".join(os.path.basename(one) for one in [*self.open[self.open.index(path) :], path])
            self.report.add("import-cycle", name.span, f"'{name.value}' imports itself: {chain}")
            return
        if path in self.found:
            return
        if len(self.found) >= MAX_IMPORTS or len(self.open) > MAX_DEPTH:
            if not self.exceeded:
                text = f"more than {MAX_IMPORTS} imported files, or {MAX_DEPTH} that import one another"
                self.report.add("expansion-limit", name.span, text)
            self.exceeded = True
            return
        self.found.add(path)
        library = self._read(name, os.path.normpath(shown), path)
        if library is None:
            return
        self.open.append(path)
        self._imports(library, path)
        self.open.pop()
        self.order.append(library)

    def _read(self, name: Scalar, shown: str, path: str) -> Mapping | None:
        """The library in the file `path`, under the name that findings show."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                self._refuse(name, "not a file")
                return None
            # Not by the name: with a link and `..` in it, it can mean another file than the one that was looked at.
            source = decode(shown, read_file(path))
        except OSError as error:
            self._refuse(name, str(error.strerror))
            return None
        library = self.read(source)
        if library is not None and "layers" in library.entries:
            text = f"'{name.value}' has `layers`; only a library can be imported"
            notes = [Note("its layers are here", library.keys["layers"].span)]
            hint = "move what is shared to a file of its own"
            self.report.add("not-a-library", name.span, text, notes=notes, hint=hint)
        return library

    def _refuse(self, name: Scalar, reason: str) -> None:
        text = f"'{name.value}' can't be read: {reason}"
        self.report.add("import-not-found", name.span, text, hint="the path is relative to the importing file")
