"""What a program hands in, as the stages take it: a spec as a path, a stream or a mapping, and values of variables.

Knows Python's values, and nothing of what a spec means.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import CompileError, Report
from netcompile.load import decode, load, read_source
from netcompile.tree import Mapping as MappingNode
from netcompile.tree import Source

if TYPE_CHECKING:
    from typing import IO

    from netcompile.tree import Node

_MAX_DEPTH: Final = 100


def source_of(spec: str | os.PathLike[str] | IO[Any] | Mapping[str, Any]) -> Source:
    """The text of a spec. Raises CompileError where a mapping has values that no spec holds, OSError for a file."""
    if hasattr(spec, "read"):
        name = getattr(spec, "name", None)
        title, text = name if isinstance(name, str) else "<stream>", spec.read()
        return decode(title, text) if isinstance(text, bytes) else Source(title, text)
    if isinstance(spec, str) or hasattr(spec, "__fspath__"):
        return read_source(os.fspath(spec))
    return Source("<mapping>", _dump(spec, "the spec"))


def variable_nodes(variables: Mapping[str, Any], report: Report) -> dict[str, Node]:
    """Values set from outside as nodes, taken as they are. Raises CompileError for one that no spec holds."""
    if not variables:
        return {}
    document = load(Source("variables", _dump({"vars": variables}, "variables")), report)
    declared = document.entries["vars"] if document is not None else None
    return dict(declared.entries) if type(declared) is MappingNode else {}


def _dump(value: Mapping[str, Any], title: str) -> str:
    import yaml  # noqa: PLC0415 - loaded by `load` anyway

    plain = _Plain(title).value(value, "", 0)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None)


class _Plain:
    """Makes values that YAML has of others, whatever their class: of numpy's numbers, tuples, paths and the like."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._made: dict[int, tuple[Any, Any]] = {}  # by identity: what stands in several places stays one

    def value(self, value: Any, path: str, depth: int) -> Any:
        if hasattr(value, "tolist"):  # numpy's
            value = value.tolist()
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (str, os.PathLike)):
            return self._text(os.fspath(value), path)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
        if id(value) in self._made:
            return self._made[id(value)][1]
        if depth > _MAX_DEPTH:
            raise self._refusal("too-deep", path[:_MAX_DEPTH], f"is nested more than {_MAX_DEPTH} levels deep")
        return self._several(value, path, depth)

    def _several(self, value: Any, path: str, depth: int) -> Any:
        if isinstance(value, Mapping):
            entries: dict[Any, Any] = {}
            self._made[id(value)] = (value, entries)
            for key, one in value.items():
                inner = f"{path}.{key}" if path else str(key)
                entries[self._key(key, inner, depth)] = self.value(one, inner, depth + 1)
            return entries
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
            items: list[Any] = []
            self._made[id(value)] = (value, items)
            items.extend(self.value(one, f"{path}[{i}]", depth + 1) for i, one in enumerate(value))
            return items
        raise self._refusal("wrong-kind", path, f"is of type {type(value).__name__}, which a spec can't hold")

    def _key(self, key: Any, path: str, depth: int) -> Any:
        plain = self.value(key, path, depth + 1)
        if isinstance(plain, (dict, list)):
            raise self._refusal("wrong-kind", path, f"is a key of type {type(key).__name__}, which a spec can't hold")
        return plain

    def _text(self, text: str | bytes, path: str) -> str:
        if isinstance(text, bytes):
            raise self._refusal("wrong-kind", path, "is a path of bytes, which a spec can't hold")
        return str.__str__(text)  # of a class of its own, YAML knows nothing

    def _refusal(self, code: str, path: str, what: str) -> CompileError:
        report = Report()
        report.add(code, None, f"{path or self._title} {what}")
        return CompileError(report.ordered())
