"""Which fields may have been lost with what could not be read: so that none is called missing that may be there.

A known field that could not be read has lost itself alone. A name that is none may have been meant for those that are
spelt like it, or that have a word in common with it. Knows names only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Container

REST: Final = "*"  # among names that are lost: any others may be too
_SHORTEST: Final = 2


class Lost:
    """The names of what a message has lost, as they are written; `REST` among them stands for any."""

    __slots__ = ("_known", "_names")

    def __init__(self, names: Collection[str] = (), known: Container[str] = ()) -> None:
        self._names = names
        self._known = known

    def __contains__(self, field: str) -> bool:
        return any(name in (field, REST) or self._may_be(name, field) for name in self._names)

    def __bool__(self) -> bool:
        return bool(self._names)

    def any_of(self, *fields: str) -> bool:
        """Whether one of some fields may be lost."""
        return any(field in self for field in fields)

    def _may_be(self, name: str, field: str) -> bool:
        if name in self._known:
            return False
        words, others = name.lower().split("_"), field.split("_")
        return did_you_mean(name, (field,)) is not None or any(_alike(a, b) for a in words for b in others)


def _alike(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= _SHORTEST and (one.startswith(other) or other.startswith(one))
