"""The `deploy` section of a spec as values with their places. Knows nothing of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.language.spec import name_list
from netcompile.records import NamedTuple
from netcompile.shapes import Shape
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.diagnostics import Note, Report
    from netcompile.tree import Span


class DeployInput(NamedTuple):
    """An entry of `inputs`: its key, the shape it gives, and the nodes of its dims.

    As the origin of the layer that is made of it, it says where that is written.
    """

    key: Scalar
    shape: Shape
    dims: Sequence[Node]

    @property
    def in_spec(self) -> bool:
        """True: there are no such entries elsewhere."""
        return True

    def span(self, at: str) -> Span:
        """The entry's key, whatever is asked for."""
        del at
        return self.key.span

    def key_span(self, at: str) -> Span:
        """The entry's key."""
        return self.span(at)

    def notes(self, at: str) -> Sequence[Note]:
        """No chain: the section is written once."""
        del at
        return ()


class DeployOptions(NamedTuple):
    """What a spec says under `deploy`, and the place that stands for the whole of it."""

    batch: int
    stages: tuple[str, ...]
    outputs: Sequence[Scalar]
    inputs: dict[str, DeployInput]
    place: Node | None


def read_options(node: Node | None, report: Report, place: Node | None = None) -> DeployOptions:
    """The `deploy` section of a spec, all defaults where there is none. What it can't mean is reported.

    `place` stands for the section where it is not written, or empty.
    """
    if type(node) is not Mapping:
        return DeployOptions(1, (), (), {}, place if node is None else node)
    entries = node.entries
    batch = _batch(entries.get("batch"), report)
    declared = entries.get("inputs")
    shapes = declared.entries if type(declared) is Mapping else {}
    return DeployOptions(
        batch=batch,
        stages=tuple(str(name.value) for name in name_list(entries.get("stages"))),
        outputs=name_list(entries.get("outputs")),
        inputs={
            str(name): DeployInput(
                declared.keys[name], Shape.of([_dim(item, batch) for item in dims.items]), dims.items
            )
            for name, dims in shapes.items()
            if type(declared) is Mapping and type(dims) is List
        },
        place=node,
    )


def _batch(node: Node | None, report: Report) -> int:
    size = _dim(node, 1) if node is not None else 1
    if node is None or size is None or size > 0:
        return size or 1
    text = f"`batch: {size}`: the deploy net takes at least 1 item at a time"
    report.add("bad-value", node.span, text, hint="1 is the default; whoever runs the net can change it there")
    return 1


def _dim(node: Node | None, batch: int) -> int | None:
    """A dim of an input: a number, `batch`, or None for an unknown one."""
    value = node.value if type(node) is Scalar else None
    if value == "batch":
        return batch
    return int(value) if isinstance(value, (int, float)) else None
