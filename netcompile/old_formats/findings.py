"""How an upgrade reports what Caffe refuses and what is lost, and how later findings come to places in the old text.

Places are given as `Written`; the text they stand in, if there is one, is the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from netcompile.diagnostics import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.diagnostics import Report
    from netcompile.old_formats.written import Origins, Written
    from netcompile.tree import Span


class Find(Protocol):
    """Gives the place of a path in an element of the message as given, or None: `Positions.find`, for one."""

    def __call__(self, name: str, index: int = 0, path: str = "", *, key: bool = False) -> Span | None:
        """Give the place of the value, or of the field's name where `key` is true."""


class LayerOrigin:
    """Where one layer of an upgraded net is written: the net's `Origin` of a layer that comes from a text."""

    __slots__ = ("_find", "_index", "_origins")
    in_spec: Final = False

    def __init__(self, find: Find, origins: Origins, index: int) -> None:
        self._find = find
        self._origins = origins
        self._index = index

    def span(self, at: str) -> Span | None:
        """Give the place of the value at a path in the upgraded layer, or of what encloses it."""
        return self._find(*self._origins.written(self._index, at))

    def key_span(self, at: str) -> Span | None:
        """Give the place of the field's name at a path in the upgraded layer."""
        return self._find(*self._origins.written(self._index, at), key=True)

    def notes(self, at: str) -> Sequence[Note]:
        """Give no notes: a prototxt has no uses to tell of."""
        del at
        return ()


class Findings:
    """Puts the findings of one upgrade into a report."""

    __slots__ = ("_find", "_report")

    def __init__(self, report: Report, find: Find | None) -> None:
        self._report = report
        self._find = find

    def drop(self, written: Written, message: str, hint: str | None = None) -> None:
        """Report a field that Caffe goes on without."""
        self._report.add("upgrade-dropped-field", self._span(written, key=True), message, hint=hint)

    def refuse(
        self, code: str, written: Written, message: str, *,
        note: tuple[str, Written] | None = None, hint: str | None, key: bool = False,
    ) -> None:  # fmt: skip
        """Report what Caffe refuses to upgrade; with `key`, at the names of the fields."""
        notes = (Note(note[0], self._span(note[1], key=key)),) if note else ()
        self._report.add(code, self._span(written, key=key), message, notes=notes, hint=hint)

    def _span(self, written: Written, *, key: bool = False) -> Span | None:
        return self._find(*written, key=key) if self._find else None
