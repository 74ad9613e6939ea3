"""The variables that a call sets, as `NAME=VALUE`, or that a project does, and the specs that they are for.

Knows findings by their code, and nothing of what a spec does with a variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import CallError
from netcompile.load import load
from netcompile.records import NamedTuple
from netcompile.tree import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcompile.diagnostics import Diagnostic, Report
    from netcompile.tree import Node

_CODE: Final = "undeclared-variable"


class Assignments(NamedTuple):
    """The variables that a call sets, each as `NAME=VALUE`: `given` on the command line, `configured` by the project.

    Each spec takes those that it declares. A spec of the run must declare what is `given`; and what is `configured`
    where the run is over the `whole` project.
    """

    given: Sequence[str] = ()
    configured: Sequence[str] = ()
    whole: bool = False

    def nodes(self, report: Report) -> dict[str, Node]:
        """The values, read as YAML; what is given comes on top."""
        nodes: dict[str, Node] = {}
        for text in (*self.configured, *self.given):
            name = _name(text)
            document = load(Source(f"--set {name}", f"{name}: {text.partition('=')[2]}"), report)
            if document is not None:
                nodes.update({str(key): node for key, node in document.entries.items()})
        return nodes

    @property
    def names(self) -> frozenset[str]:
        """The variables that are set: a single spec need not declare them."""
        return _names((*self.configured, *self.given))

    def undeclared(self, specs: Sequence[Iterable[Diagnostic]]) -> list[Diagnostic]:
        """The errors that come of the findings on each spec: on each variable that must be declared and never is."""
        told = [{one.span.source.name: one for one in spec if one.span and is_undeclared(one)} for spec in specs]
        titles = [f"--set {name}" for name in sorted(self._wanted)] if told else []
        errors = [told[0][title]._replace(severity="error") for title in titles if all(title in one for one in told)]
        if len(told) == 1:
            return errors
        return [error._replace(message=f"{error.message} of any spec", hint=None) for error in errors]

    @property
    def _wanted(self) -> frozenset[str]:
        return _names((*self.given, *(self.configured if self.whole else ())))


def is_undeclared(found: Diagnostic) -> bool:
    """True for what is said of a variable that a spec need not declare, and does not."""
    return found.code == _CODE and found.severity == "note"


def _name(assignment: str) -> str:
    return assignment.partition("=")[0].strip()


def _names(assignments: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_name, assignments))


def check_assignment(text: str) -> str:
    """An assignment as it is. Raises CallError where it is none."""
    if "=" not in text or not _name(text):
        raise CallError(f"--set takes NAME=VALUE, not '{text}'")
    return text
