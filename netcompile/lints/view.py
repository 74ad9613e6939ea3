"""What a lint sees: a net in one state with its layers by type, and what follows from the graph, found when asked for.

A lint gets a `View` and yields a `Finding` for each layer that it is about. Nothing here is a lint itself.
"""

from __future__ import annotations

from functools import cached_property
from operator import eq
from typing import TYPE_CHECKING, Final

from netcompile.layers import LAYER_TYPES
from netcompile.layers.memory import SHARING, shares_memory
from netcompile.passes import run_backward
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter, SolverParameter
    from netcompile.diagnostics import Note
    from netcompile.ir import Graph, Net, Version
    from netcompile.shapes import Wording

LOSSES: Final = tuple(name for name, kind in LAYER_TYPES.items() if kind.loss)
WEIGHTED: Final = ("Convolution", "Deconvolution", "InnerProduct", "Embed", "LSTM", "RNN")
_NO_GRADIENT: Final = {"Crop": 1, "ContrastiveLoss": 2}  # bottoms that get none, without an abort


class Finding(NamedTuple):
    """What a lint says of the layer with the index `layer`, at the path `at` of its message."""

    layer: int
    at: str
    message: str
    hint: str | Wording | None = None
    notes: Sequence[Note] = ()


class View:
    """A sound graph as lints see it. Layers are indices into it; a blob is one `Version`.

    `net` is the net of all phases that it is a state of. `solver` trains the net, None where that is not known.
    `new` has the layers that the state seen before does not have as well, and `same` says that it has all of them.
    """

    def __init__(self, net: Net, graph: Graph, solver: SolverParameter | None, before: View | None = None) -> None:
        self.net = net
        self.graph = graph
        self.solver = solver
        self.layers = graph.layers
        self.names = graph.names
        self.reads = graph.reads
        self.writes = graph.writes
        self.new: Sequence[int] = range(len(graph.layers))
        self.same = before is not None and before.graph.layers is graph.layers
        if before is not None:
            seen = {id(one.layer) for one in before.layers}
            self.new = [index for index, one in enumerate(graph.layers) if id(one.layer) not in seen]
        if any(one.layer.forked for one in graph.layers):  # what Caffe's own rules see of them is not all
            self.layers = [one._replace(kind=None) if one.layer.forked else one for one in graph.layers]
        by_type: dict[str, list[int]] = {}
        for index, one in enumerate(self.layers):
            name = "" if one.kind is None else one.kind.name
            if name in by_type:
                by_type[name].append(index)
            else:
                by_type[name] = [index]
        self.by_type = by_type

    def of(self, *types: str) -> list[int]:
        """The layers of some types, those of one type in order; the type '' has all that is not Caffe's own."""
        by_type = self.by_type
        if len(types) == 1:
            return by_type.get(types[0], [])
        return [index for name in types if name in by_type for index in by_type[name]]

    def new_of(self, *types: str) -> list[int]:
        """The new layers of some types."""
        found = self.of(*types)
        return found if len(self.new) == len(self.layers) else sorted(set(found).intersection(self.new))

    def message(self, index: int) -> LayerParameter:
        """The message of a layer."""
        return self.layers[index].layer.message

    def name(self, index: int) -> str:
        """A layer in words: "Convolution 'conv1'"."""
        message = self.message(index)
        return f"{message.type} '{message.name}'"

    def is_source(self, index: int) -> bool:
        """True for a layer that makes its tops of nothing in the net."""
        return not self.reads[index]

    @cached_property
    def in_place(self) -> dict[int, int]:
        """The layers that work in place, each with the number of the first bottom that a top takes the place of."""
        found = {}
        for index, (bottoms, tops) in enumerate(self.names):
            if bottoms and tops and True in map(eq, bottoms, tops):
                found[index] = 0 if bottoms[0] == tops[0] else [*map(eq, bottoms, tops)].index(True)
        return found

    def is_loss(self, index: int) -> bool:
        """True where a top of the layer counts as loss. What is not Caffe's own may have a default weight."""
        kind, weights = self.layers[index].kind, self.message(index).loss_weight
        return any(weights) if weights else kind is None or kind.loss

    @cached_property
    def inexact(self) -> dict[int, str]:
        """The layers in place for which that goes wrong: in values ("wrong"), or in the gradient alone ("forward")."""
        known: dict[int, str] = {}  # layers that were derived once have one outcome (`layers.apply_again`)
        kinds = [LAYER_TYPES[name] for name in self.by_type if name]
        for kind in kinds:
            for index in self.by_type[kind.name] if kind.in_place != "exact" else ():
                one = self.layers[index]
                if index in self.in_place and id(one.tops) not in known:
                    known[id(one.tops)] = kind.in_place_of(one.layer.message)
        wrong = {key: outcome for key, outcome in known.items() if outcome != "exact"}
        tops = {index: id(self.layers[index].tops) for index in self.in_place} if wrong else {}
        return {index: wrong[key] for index, key in tops.items() if key in wrong}

    @cached_property
    def sharing(self) -> frozenset[int]:
        """The layers whose tops have the memory of their first bottom."""
        return frozenset(
            index for index in self.of(*SHARING) if self.reads[index] and shares_memory(self.message(index))
        )

    @cached_property
    def losses(self) -> list[int]:
        """The layers that count as losses."""
        found = {*filter(self.is_loss, self.of(*LOSSES, "")), *filter(self.is_loss, self.graph.steered)}
        return sorted(found - {index for index in found.intersection(self.broken) if not self._stands(index)})

    @cached_property
    def broken(self) -> set[int]:
        """The layers of which something is wrong, none in a sound graph."""
        return {index for index, one in enumerate(self.layers) if one.layer.damaged}.union(self.graph.refused)

    def _stands(self, index: int) -> bool:
        """True for a broken layer of a known type of which each bottom is made by some layer before it."""
        known = self.layers[index].kind is not None
        return known and all(version is not None and index in version.readers for version in self.reads[index])

    @cached_property
    def training(self) -> bool:
        """True for a net that is trained: in TRAIN, with a loss."""
        return self.graph.phase == "TRAIN" and bool(self.losses)

    @cached_property
    def under_loss(self) -> list[bool]:
        """Of each layer, whether a loss depends on it in a way that a gradient can follow."""
        under = [False] * len(self.layers)
        for index in self.losses:
            under[index] = True
        writes = self.writes
        blind = {*self.of(*_NO_GRADIENT)}
        for index in range(len(under) - 1, -1, -1):
            if under[index]:
                continue
            for version in writes[index]:
                for reader in version.readers:
                    if under[reader] and (reader not in blind or self.follows(version, reader)):
                        under[index] = True
        return under

    def follows(self, version: Version, reader: int) -> bool:
        """True where a layer gives a gradient to a blob that it reads, if one is asked of it."""
        kind = self.layers[reader].kind
        without = None if kind is None else _NO_GRADIENT.get(kind.name)
        return without is None or any(v is version for i, v in enumerate(self.reads[reader]) if i != without)

    @cached_property
    def backward(self) -> Sequence[bool]:
        """Of each layer, whether its Backward runs in training. Costly: ask only where something is found."""
        return run_backward(self.graph, force=self.net.header.force_backward)

    def learns(self, index: int) -> bool:
        """True where a learned blob of the layer has a learning rate. BatchNorm's statistics have none."""
        one = self.layers[index]
        if not one.blobs or (one.kind is not None and one.kind.name == "BatchNorm"):
            return False
        params = one.layer.message.param
        return any(i >= len(params) or params[i].lr_mult != 0 for i in range(len(one.blobs)))

    def after(self, index: int) -> Iterator[int]:
        """The layers that depend on a layer, each once."""
        known, waiting = {index}, [index]
        while waiting:
            for version in self.writes[waiting.pop()]:
                for reader in version.readers:
                    if reader not in known:
                        known.add(reader)
                        yield reader
                        waiting.append(reader)
