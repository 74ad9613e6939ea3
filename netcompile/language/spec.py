"""What expansion hands to lowering: layers with their fields merged and their bottoms and tops named.

Values only; knows the nodes, and nothing of messages or shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import Note
from netcompile.records import NamedTuple
from netcompile.tree import List, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.ir import Damage
    from netcompile.language.merge import Fields
    from netcompile.tree import Mapping, Node, Span

TARGETS: Final = ("TRAIN", "TEST", "DEPLOY")
EVERYWHERE: Final = frozenset(TARGETS)
_WIRING: Final = {
    "name": "tops",
    "top": "tops",
    "in_place": "tops",
    "input": "tops",  # of a net in an old format; other tools' word for a layer's bottom
    "output": "tops",
    "bottom": "bottoms",
    "train": "bottoms",
    "test": "bottoms",
    "deploy": "bottoms",
    "include": "rules",
    "exclude": "rules",
    "only": "rules",
    "inputs": "outputs",  # of the deploy net
    "outputs": "outputs",
}


class Use(NamedTuple):
    """What brought a layer in: a block use or a turn of a repetition, and what brought that in.

    `bottom` is what a block use gives as its own.
    """

    what: str
    span: Span
    parent: Use | None
    bottom: Node | None = None

    def notes(self) -> tuple[Note, ...]:
        """The chain of uses, innermost first."""
        chain = []
        use: Use | None = self
        while use is not None:
            chain.append(Note(use.what, use.span, use=True))
            use = use.parent
        return tuple(chain)


class Form(NamedTuple):
    """A layer as it is in some targets: its type, fields, bottoms and tops.

    `inherits_param`: its `param` list comes from defaults, so that surplus entries are dropped.
    """

    type: str
    fields: Fields
    bottoms: Sequence[str]
    tops: Sequence[str]
    inherits_param: bool


class LayerSpec(NamedTuple):
    """One layer of the expanded document.

    `forms` has the targets in which it exists, each with its form. `split` says that it has a form per phase, and is
    emitted once for each. `only` has the targets that its own `only` and those of block uses leave; None: all.
    `damaged` says what of it may be missing, as something in it was found wrong.
    """

    name: str
    node: Mapping
    forms: AbstractMapping[str, Form]
    split: bool
    only: frozenset[str] | None
    use: Use | None
    damaged: Damage


class Expanded(NamedTuple):
    """A whole document after expansion.

    `fields` has the net's own keys (`name`, `force_backward`, ...), `deploy` and `solver` their nodes with all
    references replaced. `incomplete`: an item could not be expanded, so that an unknown blob may be its.
    """

    fields: Mapping
    layers: Sequence[LayerSpec]
    deploy: Node | None
    solver: Node | None
    incomplete: bool


def layer_title(name: str, type_name: str) -> str:
    """What notes call a layer: by its name, or by its type where it has none."""
    return f"layer '{name}'" if name else f"the {type_name} layer".replace("  ", " ")


def name_list(node: Node | None) -> list[Scalar]:
    """The names in a `bottom`, `top`, `only` or the like: a single value means a list of it."""
    if type(node) is Scalar:
        return [node]
    if type(node) is List:
        return [item for item in node.items if type(item) is Scalar]
    return []


def lost_with(keys: Iterable[object]) -> Damage:
    """What may be missing of a layer that lost these keys, or something under them."""
    return frozenset({"fields", *(_WIRING[key] for key in keys if key in _WIRING)})


def is_inside(span: Span, node: Mapping) -> bool:
    """Whether a place lies in the text of a mapping."""
    if span.source is not node.source:
        return False
    start, end = (node.start.line, node.start.column), (node.end.line, node.end.column)
    return start <= (span.line - 1, span.column - 1) <= end
