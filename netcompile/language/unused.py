"""The expressions of a library as far as they can be checked without a use: whether they can be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.language.scope import part_of
from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.tree import Node


def check_syntax(node: Node, report: Report) -> None:
    """Report each `$name`, `${expression}` and `when` in a node that can't be read, whatever the names stand for."""
    if type(node) is List:
        for item in node.items:
            check_syntax(item, report)
    elif type(node) is Mapping:
        for key, value in node.entries.items():
            _check(node.keys[key], key, report)
            if key == "when":
                _check(value, value.value if type(value) is Scalar else None, report, bare=True)
            elif key != "imports":
                check_syntax(value, report)
    else:
        _check(node, node.value, report)  # type: ignore[union-attr] # the only other node


def _check(node: Node, text: Any, report: Report, *, bare: bool = False) -> None:
    if not isinstance(text, str) or not (bare or "$" in text):
        return
    from netcompile.expressions import ExpressionError, check  # noqa: PLC0415 - most libraries need none

    try:
        check(text, bare=bare)
    except ExpressionError as error:
        report.add(error.code, part_of(node, error.start, error.end), error.message, hint=error.hint)
