"""What is found in deploy, without what only repeats or follows from a finding in a phase. Knows places, no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.language.origin import SpecOrigin
from netcompile.language.spec import is_inside
from netcompile.tree import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.diagnostics import Diagnostic
    from netcompile.ir import Graph
    from netcompile.tree import Span


def not_repeated(found: Iterable[Diagnostic], graphs: Iterable[Graph]) -> list[Diagnostic]:
    """The findings of a deploy net that do not only stand on what is refused in `graphs`, the net in its phases.

    Whether a net has outputs, and what they need, can't be told where a layer is refused or reads what nobody makes.
    """
    damaged = False
    refused: dict[int, list[Mapping]] = {}  # by the lines that they are on
    for graph in graphs:
        damaged = damaged or any(one.layer.damaged for one in graph.layers)
        for index in graph.refused:
            origin = graph.layers[index].layer.origin
            if isinstance(origin, SpecOrigin):
                node = origin.spec.node
                for line in range(node.start.line + 1, node.end.line + 2):
                    refused.setdefault(line, []).append(node)
    kept = list(found)
    if damaged or refused:
        kept = [one for one in kept if one.severity == "error" and one.code != "no-outputs"]
    return [one for one in kept if one.span is None or not _repeats(one.span, refused.get(one.span.line, ()))]


def _repeats(span: Span, layers: Iterable[Mapping]) -> bool:
    """Whether a place is in one of some layers, and not in what that says of deploy."""
    for layer in layers:
        own = layer.entries.get("deploy")
        if is_inside(span, layer) and not (type(own) is Mapping and is_inside(span, own)):
            return True
    return False
