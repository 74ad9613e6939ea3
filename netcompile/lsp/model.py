"""A text as the compiler understands it, with what editors ask of it looked up by place and by name.

Everything is worked out when it is first asked for, and once: a model never changes. What is wrong in the text is left
out here; finding it is the business of `findings`. Knows no protocol and no cursor.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from netcompile.checked_states import build_phases
from netcompile.compiler import expand_document, is_library
from netcompile.deploy import derive_deploy, layers_in_deploy, read_options
from netcompile.diagnostics import Report
from netcompile.imports import read_libraries
from netcompile.infer import infer
from netcompile.language.blocks import Block, block_table
from netcompile.language.origin import SpecOrigin
from netcompile.language.variables import Given, merge_libraries, variables
from netcompile.load import load
from netcompile.lower import lower
from netcompile.records import NamedTuple
from netcompile.states import State
from netcompile.tree import Mapping, Node, Place, Scalar, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AbstractMapping

    from netcompile.compiler import Settings
    from netcompile.deploying.options import DeployOptions
    from netcompile.ir import Graph, GraphLayer, Net
    from netcompile.language.spec import Expanded, LayerSpec, Use
    from netcompile.lower import Target
    from netcompile.tree import Position


_BREAK: Final = re.compile(r"\r\n?|\n")


class Instance(NamedTuple):
    """A layer of the expanded document.

    `place` is where the open document brings it in: the layer itself, or the outermost block use or repetition.
    """

    spec: LayerSpec
    place: Place
    model: Model

    @property
    def phases(self) -> AbstractMapping[str, GraphLayer]:
        """What was inferred of it, by the phases that it is in."""
        return self.model.inferred.get(id(self.spec), {})

    @property
    def bottoms(self) -> set[str]:
        """The blobs that it reads, in whichever target."""
        return {name for form in self.spec.forms.values() for name in form.bottoms}

    @property
    def tops(self) -> dict[str, bool]:
        """The blobs that it makes, in whichever target; true for one that it only changes in place."""
        forms = self.spec.forms.values()
        return {name: all(name in form.bottoms for form in forms) for form in forms for name in form.tops}


class Declared(NamedTuple):
    """A variable: where it is declared, as what, and its value where it has one."""

    key: Scalar
    written: Node
    value: Node | None


class Model:
    """One text: its tree, its libraries, the expanded layers and their shapes. `document` is None for no YAML."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source = source
        self.settings = settings
        self.document = load(source, Report())

    def prepare(self) -> None:
        """Work out what nearly all answers need, which is nearly all of the work."""
        if self.document is not None:
            assert self.inferred is not None

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their breaks."""
        return lines_of(self.source.text)

    @property
    def is_library(self) -> bool:
        """True for a document that has nothing to compile, only things to import."""
        return self.document is not None and is_library(self.document)

    @cached_property
    def libraries(self) -> list[Mapping]:
        """The documents that it imports, in the order in which they apply."""
        if self.document is None or "imports" not in self.document.entries:
            return []
        return read_libraries(self.document, self.settings.root, lambda text: load(text, Report()), Report())

    @cached_property
    def documents(self) -> list[Mapping]:
        """The libraries and the document, in the order in which they apply."""
        return [] if self.document is None else [*self.libraries, self.document]

    @cached_property
    def variables(self) -> dict[str, Declared]:
        """What `vars` declares here and in libraries."""
        if self.document is None:
            return {}
        declared = merge_libraries(self.documents).variables
        scope = variables(declared, self.document, Given({}), Report())
        return {name: Declared(key, node, scope.node(name)) for name, (key, node) in declared.items()}

    @cached_property
    def blocks(self) -> dict[str, tuple[Scalar, Block]]:
        """The blocks that can be used, each with its name where it is declared."""
        found: dict[str, tuple[Scalar, Block]] = {}
        for document in self.documents:
            node = document.entries.get("blocks")
            if type(node) is Mapping:
                table = block_table(node.entries)
                found.update((name, (node.keys[name], block)) for name, block in table.items())
        return found

    # After expansion

    @cached_property
    def expanded(self) -> Expanded | None:
        """The document after expansion; None where it has no layers to expand."""
        if self.document is None or "layers" not in self.document.entries:
            return None
        return expand_document(self.document, Report(), self.settings, {})

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        """The net in "TRAIN" and "TEST", as far as it is sound; without a phase that it has no data for."""
        if self.expanded is None:
            return {}
        net = self._lowered(self.expanded, "NET")
        built = build_phases(net, incomplete=self.expanded.incomplete)
        fed = {phase: one.graph for phase, one in built.items() if _is_fed(one.graph)}
        return fed or {phase: one.graph for phase, one in built.items()}

    def _lowered(self, spec: Expanded, target: Target) -> Net:
        """The layers as the rules read them, those of a fork too."""
        fork = self.settings.fork
        net = lower(spec, Report(), target, allow_custom=self.settings.allow_custom, fork=fork)
        return fork.net_for_rules(net) if fork else net

    @cached_property
    def deploy(self) -> Graph | None:
        """The deploy net, where the document asks for one; that of all losses, where it has no such outputs."""
        if self._for_deploy is None:
            return None
        net, options = self._for_deploy
        derived = derive_deploy(net, options, Report()) or derive_deploy(net, options._replace(outputs=()), Report())
        incomplete = self.expanded is not None and self.expanded.incomplete
        return None if derived is None else infer(derived.net, State("DEPLOY"), Report(), incomplete=incomplete)

    @cached_property
    def outputs(self) -> list[str]:
        """The blobs that `outputs` of deploy can name, those of the last layer first."""
        layers = layers_in_deploy(*self._for_deploy) if self._for_deploy else []
        return list(dict.fromkeys(top for layer in reversed(layers) for top in layer.message.top))

    @cached_property
    def _for_deploy(self) -> tuple[Net, DeployOptions] | None:
        """The layers as they are in deploy, and what the document says of it."""
        spec = self.expanded
        if spec is None or (spec.deploy is None and not self.settings.deploy):
            return None
        return self._lowered(spec, "DEPLOY"), read_options(spec.deploy, Report())

    @cached_property
    def instances(self) -> list[Instance]:
        """The expanded layers in order."""
        if self.expanded is None:
            return []
        return [Instance(spec, self._place(spec), self) for spec in self.expanded.layers]

    @cached_property
    def inferred(self) -> dict[int, dict[str, GraphLayer]]:
        """What was inferred of the expanded layers, by their ids, in each phase that they are in."""
        found: dict[int, dict[str, GraphLayer]] = {}
        for phase, graph in self.graphs.items():
            for one in graph.layers:
                assert isinstance(one.layer.origin, SpecOrigin)
                found.setdefault(id(one.layer.origin.spec), {})[phase] = one
        return found

    @cached_property
    def by_item(self) -> dict[tuple[str, int, int], list[Instance]]:
        """The instances of each layer that is written, by file, line and column of where it starts."""
        found: dict[tuple[str, int, int], list[Instance]] = {}
        for one in self.instances:
            found.setdefault(key_of(one.spec.node), []).append(one)
        return found

    @cached_property
    def by_use(self) -> dict[tuple[int, int], list[Instance]]:
        """The instances that each block use of the document brings in, by where the block's name stands."""
        found: dict[tuple[int, int], list[Instance]] = {}
        for one in self.instances:
            for use in _uses(one.spec):
                if use.span.source is self.source:
                    found.setdefault((use.span.line - 1, use.span.column - 1), []).append(one)
        return found

    @cached_property
    def makers(self) -> dict[str, list[Instance]]:
        """Of each blob, the layers that make it; those that only change it in place stand last."""
        first: dict[str, list[Instance]] = {}
        later: dict[str, list[Instance]] = {}
        for one in self.instances:
            for name, in_place in one.tops.items():
                (later if in_place else first).setdefault(name, []).append(one)
        return {name: [*first.get(name, ()), *later.get(name, ())] for name in (*first, *later)}

    @cached_property
    def readers(self) -> dict[str, list[Instance]]:
        """Of each blob, the layers that read it."""
        found: dict[str, list[Instance]] = {}
        for one in self.instances:
            for name in one.bottoms:
                found.setdefault(name, []).append(one)
        return found

    def items_at(self, item: Mapping) -> list[Instance]:
        """The instances of a layer of this document."""
        return self.by_item.get(key_of(item), [])

    def where(self, span_source: Source, line: int) -> str:
        """A line in words, for text that stands in this document: `line 12`, `blocks/resnet.yaml, line 8`."""
        if span_source is self.source:
            return f"line {line}"
        folder = os.path.dirname(self.source.name) or "."
        return f"{os.path.relpath(span_source.name, folder)}, line {line}"

    def _place(self, spec: LayerSpec) -> Place:
        start: Position = spec.node.start
        place = Place(start.line, start.column)
        for use in _uses(spec):
            if use.span.source is self.source:
                place = Place(use.span.line - 1, use.span.column - 1)
        return place


def lines_of(text: str) -> list[str]:
    """The lines of a text as editors count them, without their breaks."""
    return _BREAK.split(text)


def key_of(node: Mapping) -> tuple[str, int, int]:
    """What tells a written mapping from all others, also after references in it were replaced."""
    return node.source.name, node.start.line, node.start.column


def _uses(spec: LayerSpec) -> Iterator[Use]:
    """What brought a layer in, innermost first."""
    use = spec.use
    while use is not None:
        yield use
        use = use.parent


def _is_fed(graph: Graph) -> bool:
    """True for a net that has a layer to get data from."""
    return any(not one.layer.message.bottom and one.layer.message.type != "Parameter" for one in graph.layers)
