"""Variables and expressions: `$name`, `${expression}` and `$$` in the text of a scalar.

A text is read once into a function from names to a value. Reading and running are bounded in time, memory and stack,
and nothing but `ExpressionError` gets out. This package knows nothing of YAML, nodes, scopes or findings: names come
as a mapping, places are offsets into the text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from netcompile.expressions.reader import Reader, lone_reference
from netcompile.expressions.running import ExpressionError

if TYPE_CHECKING:
    from netcompile.expressions.arithmetic import Value
    from netcompile.expressions.running import Names, Run

__all__ = ["ExpressionError", "check", "evaluate", "lone_reference", "render"]

_MAX_CACHED: Final = 200  # characters: a text that a repetition renders again and again is short


def render(text: str, names: Names) -> Value:
    """The value of a scalar's text: of its one reference if it is nothing else, or the text with all values put in.

    A name that the mapping refuses with KeyError is unknown. Raises ExpressionError.
    """
    read = _read_text if len(text) <= _MAX_CACHED else _read_text.__wrapped__
    return read(text)(names)


def evaluate(expression: str, names: Names) -> Value:
    """The value of a bare expression, as in `when`. Raises ExpressionError."""
    read = _read_expression if len(expression) <= _MAX_CACHED else _read_expression.__wrapped__
    return read(expression)(names)


def check(text: str, *, bare: bool = False) -> None:
    """Read a scalar's text, or a `bare` expression, without giving it a value. Raises ExpressionError."""
    reader = Reader(text)
    (reader.whole if bare else reader.text)()


@lru_cache(maxsize=1024)
def _read_text(text: str) -> Run:
    return Reader(text).text()


@lru_cache(maxsize=256)
def _read_expression(text: str) -> Run:
    return Reader(text).whole()
