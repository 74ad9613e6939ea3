"""The variables of a document and what its libraries bring in: imports < document < set from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netcompile.diagnostics import did_you_mean
from netcompile.scope import Scope, Substitution
from netcompile.tree import Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report


class Merged(NamedTuple):
    """What several documents declare, later ones over earlier ones; `defaults` keeps each document's own."""

    variables: dict[str, tuple[Scalar, Node]]
    defaults: list[Mapping]
    blocks: dict[str, Node]


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
    overrides: AbstractMapping[str, Node],
    report: Report,
) -> Scope:
    """The scope of the document's variables. Undeclared overrides and values that are missing are reported."""
    for name, node in overrides.items():
        if name not in declared:
            meant = did_you_mean(name, declared)
            known = ", ".join(declared) or "none"
            hint = f"did you mean '{meant}'?" if meant else f"declared: {known}"
            report.add("undeclared-variable", node.span, f"variable '{name}' is set but not declared in `vars`", hint=hint)
    return _Variables(declared, document, overrides, report).scope()


class _Variables:
    """Works out each variable when it is first asked for, so that a value from outside reaches those that use it."""

    def __init__(self, declared: AbstractMapping[str, tuple[Scalar, Node]], document: Mapping,
                 overrides: AbstractMapping[str, Node], report: Report) -> None:  # fmt: skip
        self.declared = declared
        self.overrides = overrides
        self.report = report
        self.known: dict[str, Node | None] = {}
        self.order = {name: i for i, name in enumerate(declared)}
        self.own = document

    def scope(self) -> Scope:
        names: dict[str, Node | Callable[[], Node | None]] = {name: self._later(name) for name in self.declared}
        for name in self.declared:  # every value is worked out, so that each mistake is found
            self.value(name)
        return Scope(names)

    def _later(self, name: str) -> Callable[[], Node | None]:
        return lambda: self.value(name)

    def value(self, name: str) -> Node | None:
        """The value of a variable, or None where it has none, which is reported once."""
        if name in self.known:
            return self.known[name]
        self.known[name] = None  # while it is worked out: a variable can't use itself
        place, node = self.declared[name]
        value: Node | None = self.overrides.get(name, node)
        if type(value) is Scalar and value.value is None and name not in self.overrides:
            text = f"variable '{name}' is required and has no value"
            self.report.add("missing-variable", place.span, text, hint=f"set it: --set {name}=VALUE")
            return None
        if name not in self.overrides and value is not None:
            value = Substitution(_Earlier(self, name), self.report)(value)
        self.known[name] = value
        return value

    def before(self, other: str, name: str) -> bool:
        """True where `other` may be used in `name`: it stands earlier, or comes from another document."""
        elsewhere = self.declared[other][0].source is not self.declared[name][0].source
        return elsewhere or self.order[other] < self.order[name]


class _Earlier(Scope):
    """The variables that one variable may use."""

    __slots__ = ("_name", "_variables")

    def __init__(self, known: _Variables, name: str) -> None:
        super().__init__({})
        self._variables = known
        self._name = name

    def node(self, name: str) -> Node | None:
        if name not in self:
            raise KeyError(name)
        return self._variables.value(name)

    def __contains__(self, name: object) -> bool:
        return name in self._variables.declared and self._variables.before(str(name), self._name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._variables.declared if name in self)
