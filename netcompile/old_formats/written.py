"""Where the layers of an upgraded net are written: which element of the old net, and there under which path.

Paths are those of `prototxt`: dotted, with indexes from 0, such as `param:1.lr_mult`. Must not know texts or findings.
"""

from __future__ import annotations

from netcompile.records import NamedTuple


class Written(NamedTuple):
    """A place in the net as given: a field of the net, which of its elements, and a path in the element."""

    field: str
    element: int
    path: str = ""


class Origins:
    """The way from the layers of a net back to what they were made of. Costs nothing for what was not moved."""

    __slots__ = ("_field", "_inputs", "_kept", "_moved")

    def __init__(self, field: str = "layer") -> None:
        self._field = field
        self._kept: list[int] | None = None
        self._moved: dict[int, dict[str, Written]] = {}
        self._inputs: dict[str, Written] | None = None

    def written(self, index: int, path: str = "") -> Written:
        """Where a path in layer `index` of the upgraded net comes from, as nearly as is known."""
        if self._inputs is not None:
            if index == 0:
                return _look_up(self._inputs, path) or Written("input", 0)
            index -= 1
        moved = _look_up(self._moved.get(index, {}), path)
        return moved or Written(self._field, self._kept[index] if self._kept else index, path)

    def keep(self, indexes: list[int]) -> None:
        """Record which elements are still there, as their indexes in the net as given."""
        self._kept = indexes

    def move(self, index: int, new: str, old: str) -> None:
        """Record that what stood under the path `old` of a layer stands under `new` now."""
        self.put(index, new, self.written(index, old))

    def put(self, index: int, path: str, written: Written) -> None:
        """Record where a path of a layer comes from."""
        self._moved.setdefault(index, {})[_normal(path)] = written

    def put_input(self, path: str, written: Written) -> None:
        """Record where a path of the layer comes from that is put before all others, to hold the net's inputs."""
        self._inputs = self._inputs if self._inputs is not None else {}
        self._inputs[_normal(path)] = written


def _look_up(moved: dict[str, Written], path: str) -> Written | None:
    """The entry of the longest part of a path that has one, with the rest of the path behind it."""
    head, rest = _normal(path), ""
    while head not in moved:
        # First without its index, as a list that moved as a whole is recorded; then what encloses it.
        cut = max(head.rfind("."), head.rfind(":"))
        if cut < 0:
            return None
        head, rest = head[:cut], head[cut:] + rest
    found = moved[head]
    return found._replace(path=(found.path + rest).lstrip("."))


def _normal(path: str) -> str:
    return path.replace(":0", "")
