"""`[tool.netcompile]` of pyproject.toml: what the command line takes when it does not say otherwise.

A key is the long name of an option, without its dashes; `specs` stands for the paths. Relative paths start from the
folder of pyproject.toml. Read only where that file has such a table (`find_table` looks for it without a parser).
"""

from __future__ import annotations

import json
import os
import re
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import CallError, did_you_mean
from netcompile.records import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLORS: Final = ("auto", "always", "never")
_FORMATS: Final = ("text", "json", "github", "sarif")
_TARGETS: Final = ("net", "deploy", "solver", "train", "test", "all")
_INSTALLED: Final = "installed"  # of --caffe: no path


class Key(NamedTuple):
    """A key: its kind or its choices, the commands that it is for (none: all), and the option that it sets there."""

    kind: str | tuple[str, ...]
    commands: tuple[str, ...] = ()
    option: str = ""


KEYS: Final[Mapping[str, Key]] = MappingProxyType({
    "allow-custom-layers": Key("flag"),
    "binary": Key("flag", ("compile",)),
    "caffe": Key("path"),
    "caffe-python": Key("text", ("check",)),
    "color": Key(_COLORS),
    "deploy": Key("flag", ("compile",)),
    "format": Key(_FORMATS, ("check",)),
    "header": Key("flag", ("compile",)),
    "ignore": Key("words", ("compile", "check")),
    "jobs": Key("number", ("check",)),
    "level": Key("number", ("check", "show")),
    "net-path": Key("text", ("compile",)),
    "output": Key("path", ("compile",)),
    "python-path": Key("paths", ("check",)),
    "root": Key("path"),
    "set": Key("table", ("compile", "check", "show"), "configured"),
    "skip-others": Key("flag", ("check",)),
    "specs": Key("paths", ("compile", "check")),
    "stage": Key("words", ("check", "show")),
    "strict": Key("flag", ("check",)),
    "target": Key(_TARGETS, ("compile",)),
    "with-caffe": Key("flag", ("check",)),
})  # fmt: skip

_KINDS: Final = MappingProxyType({
    "flag": "true or false",
    "number": "a whole number",
    "path": "a path",
    "paths": "a list of paths",
    "table": "a table of names and values",
    "text": "a string",
    "words": "a list of words",
})  # fmt: skip


class Config:
    """The settings of one pyproject.toml, checked. Raises CallError, with the place, where one is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._text = _read(path)
        self._values = {key: self._checked(key, value) for key, value in _table(self._text, path).items()}

    def defaults(self, command: str) -> dict[str, Any]:
        """What a command's options are where the command line does not give them, by their names in argparse."""
        found = {}
        for name, value in self._values.items():
            key = KEYS[name]
            if not key.commands or command in key.commands:
                found[key.option or name.replace("-", "_")] = value
        if "specs" in found:
            found["project"] = found["specs"]
        if command == "check" and "specs" in found:
            found["paths"] = found.pop("specs")
        return found

    def _checked(self, name: str, value: Any) -> Any:
        if name not in KEYS:
            meant = did_you_mean(name, KEYS)
            known = ", ".join(KEYS)
            self._refuse(
                name, f"no setting '{name}'; " + (f"did you mean '{meant}'?" if meant else f"there are: {known}")
            )
        kind = KEYS[name].kind
        if isinstance(kind, tuple):
            if value not in kind:
                self._refuse(name, f"'{name}' is {_shown(value)}; it takes one of {', '.join(kind)}")
            return value
        read: Any = _READERS[kind](value)
        if read is None:
            self._refuse(name, f"'{name}' takes {_KINDS[kind]}, not {_shown(value)}")
        if name == "ignore":
            self._check_codes(read)
        if kind == "path":
            return value if value == _INSTALLED else self._from_here(value)
        return [self._from_here(path) for path in read] if kind == "paths" else read

    def _check_codes(self, codes: list[str]) -> None:
        from netcompile.silence import check_codes  # noqa: PLC0415 - where something is to be silenced

        check_codes(codes, f"{self._place('ignore')} ignore")

    def _from_here(self, path: str) -> str:
        """A path as it is from the current folder. A slash at its end stays."""
        return os.path.join(os.path.relpath(os.path.dirname(self.path) or os.curdir), path).removeprefix("./")

    def _refuse(self, name: str, text: str) -> None:
        raise CallError(f"{self._place(name)} [tool.netcompile] {text}")

    def _place(self, name: str) -> str:
        """The file and the line of a key, as nearly as a look at the text tells."""
        table = re.search(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*netcompile\b", self._text, re.MULTILINE)
        start = table.start() if table else 0
        key = re.compile(rf"""^[ \t]*(?:\[.*\.)?["']?{re.escape(name)}\b""", re.MULTILINE).search(self._text, start)
        line = self._text.count("\n", 0, key.end() if key else start) + 1
        return f"{self.path}:{line}:"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise CallError(f"{path}: not UTF-8, as TOML has to be") from None


def _table(text: str, path: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text).get("tool", {}).get("netcompile", {})
    except tomllib.TOMLDecodeError as error:
        raise CallError(f"{path}: {error}") from None
    except RecursionError:
        raise CallError(f"{path}: nested too deep to be read") from None
    if not isinstance(table, dict):
        raise CallError(f"{path}: tool.netcompile is a table: [tool.netcompile]")
    return table


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _words(value: Any) -> list[str] | None:
    """A list of strings; one alone stands for a list of it."""
    values = value if isinstance(value, list) else [value]
    return list(values) if all(isinstance(one, str) for one in values) else None


def _assignments(value: Any) -> list[str] | None:
    """A table as --set takes it. JSON is YAML, and keeps a string from being read as a number."""
    if not isinstance(value, dict):
        return None
    return [f"{name}={json.dumps(one, default=str)}" for name, one in value.items()]


_READERS: Final = MappingProxyType({
    "flag": _flag,
    "number": _number,
    "path": _text,
    "paths": _words,
    "table": _assignments,
    "text": _text,
    "words": _words,
})  # fmt: skip


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)
