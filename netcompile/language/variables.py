"""The variables of a document and what its libraries bring in: imports < document < set from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.diagnostics import did_you_mean
from netcompile.language.bounds import MAX_DEPTH
from netcompile.language.merge import is_null
from netcompile.language.scope import Scope, Substitution
from netcompile.language.wording import some_of
from netcompile.records import NamedTuple
from netcompile.tree import Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report


class Merged(NamedTuple):
    """What several documents declare, later ones over earlier ones; `defaults` keeps each document's own."""

    variables: dict[str, tuple[Scalar, Node]]
    defaults: list[Mapping]
    blocks: dict[str, Node]


class Given(NamedTuple):
    """The variables set from outside. That a document does not declare an `optional` one is worth a note alone."""

    nodes: AbstractMapping[str, Node]
    optional: Container[str] = ()


def merge_libraries(documents: Sequence[Mapping]) -> Merged:
    """The variables, defaults and blocks of all documents, in the order in which they apply."""
    merged = Merged({}, [], {})
    for document in documents:
        declared = document.entries.get("vars")
        if type(declared) is Mapping:
            merged.variables.update({str(k): (declared.keys[k], v) for k, v in declared.entries.items()})
        defaults = document.entries.get("defaults")
        if type(defaults) is Mapping:
            merged.defaults.append(defaults)
        blocks = document.entries.get("blocks")
        if type(blocks) is Mapping:
            merged.blocks.update(blocks.entries)
    return merged


def variables(
    declared: AbstractMapping[str, tuple[Scalar, Node]],
    document: Mapping,
    given: Given,
    report: Report,
) -> Scope:
    """The scope of the document's variables. What is given undeclared and values that are missing are reported."""
    for name, node in given.nodes.items():
        if name not in declared:
            meant = did_you_mean(name, declared)
            hint = f"did you mean '{meant}'?" if meant else f"declared: {some_of(declared)}"
            text = f"variable '{name}' is set but not declared in `vars`"
            severity = "note" if name in given.optional else None
            report.add("undeclared-variable", node.span, text, hint=hint, severity=severity)
    return _Variables(declared, document, given.nodes, report).scope()


class _Variables:
    """Works out each variable when it is first asked for, so that a value from outside reaches those that use it."""

    def __init__(
        self,
        declared: AbstractMapping[str, tuple[Scalar, Node]],
        document: Mapping,
        overrides: AbstractMapping[str, Node],
        report: Report,
    ) -> None:
        self.declared = declared
        self.overrides = overrides
        self.report = report
        self.known: dict[str, Node | None] = {}
        self.open: list[str] = []
        self.own = document.source
        self.all = Scope({name: self._later(name) for name in declared})

    def scope(self) -> Scope:
        # Every value is worked out, so that each mistake is found; in the order of the text, so none waits long.
        ordered = sorted(self.declared.items(), key=lambda item: (item[1][0].source is self.own, _position(item[1][0])))
        for name, _ in ordered:
            self.value(name)
        return self.all

    def _later(self, name: str) -> Callable[[], Node | None]:
        return lambda: self.value(name)

    def value(self, name: str) -> Node | None:
        """The value of a variable, or None where it has none, which is reported once."""
        if name in self.open:
            chain = " > ".join((*self.open[self.open.index(name) :], name))
            place = self.declared[name][0]
            self.report.add("unknown-variable", place.span, f"variable '{name}' needs its own value: {chain}")
            return None
        if len(self.open) > MAX_DEPTH:
            text = f"variables of several files use each other more than {MAX_DEPTH} levels deep"
            self.report.add("too-deep", self.declared[self.open[0]][0].span, text)
            return None
        if name not in self.known:
            self.open.append(name)
            self.known[name] = self._work_out(name)
            self.open.pop()
        return self.known[name]

    def _work_out(self, name: str) -> Node | None:
        place, written = self.declared[name]
        value = self.overrides.get(name, written)
        if is_null(value) and is_null(written):
            if any(found.span is not None and found.span.source.name == f"--set {name}" for found in self.report):
                return None  # it is set to what can't be read
            text = f"variable '{name}' is required and has no value"
            self.report.add("missing-variable", place.span, text, hint=f"set it: --set {name}=VALUE")
            return None
        if name in self.overrides:
            return value
        substitution = Substitution(_Earlier(self, name), self.report)
        new = substitution(value)
        return None if substitution.failed else new

    def before(self, other: str, name: str) -> bool:
        """True where `other` may be used in `name`: it stands earlier, or comes from another document."""
        place, own = self.declared[other][0], self.declared[name][0]
        return place.source is not own.source or _position(place) < _position(own)


class _Earlier(Scope):
    """The variables that one variable may use."""

    __slots__ = ("_name", "_variables")

    def __init__(self, known: _Variables, name: str) -> None:
        super().__init__({}, known.all)
        self._variables = known
        self._name = name

    def node(self, name: str) -> Node | None:
        if name not in self:
            raise KeyError(name)
        return self._variables.value(name)

    def hint(self, name: str) -> str | None:
        """Say where the variable is, if it is too late."""
        if name == self._name:
            return "a variable can't use itself"
        return f"'{name}' is declared further down; put it before" if name in self._variables.declared else None

    def __contains__(self, name: object) -> bool:
        return name in self._variables.declared and self._variables.before(str(name), self._name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._variables.declared if name in self)


def _position(node: Scalar) -> tuple[int, int]:
    return node.start.line, node.start.column
