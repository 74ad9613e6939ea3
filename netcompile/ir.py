"""The net between the stages: layers as messages with their origin, and the graph that inference makes of them.

Values only, with lookups. Nothing here knows YAML, and nothing here computes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter
    from netcompile.diagnostics import Note
    from netcompile.layers import LayerType
    from netcompile.shapes import Dim, Shape, ShapeError
    from netcompile.tree import Span

Dims: TypeAlias = "tuple[int | None, ...] | None"


class Origin(Protocol):
    """Where a layer is written. Paths are those of `ShapeError.at`; what isn't written falls to what encloses it."""

    @property
    def in_spec(self) -> bool:
        """True for a layer of a spec, false for one of prototxt or of a message."""

    def span(self, at: str) -> Span | None:
        """The place of the value at a path, or None where the layer has no text."""

    def key_span(self, at: str) -> Span | None:
        """The place of the key at a path."""

    def notes(self, at: str) -> Sequence[Note]:
        """How the layer came to be: the chain of uses, innermost first."""


class NoOrigin:
    """The origin of a layer that came as a message: it has no text."""

    __slots__ = ()
    in_spec: Final = False

    def span(self, at: str) -> Span | None:
        """No place."""
        del at
        return None

    key_span = span

    def notes(self, at: str) -> Sequence[Note]:
        """No chain."""
        del at
        return ()


NO_ORIGIN = NoOrigin()


# What of a layer may be missing, as something in it was wrong: its "fields", "bottoms", "tops", or "rules" of phases.
Damage: TypeAlias = "frozenset[str]"
WHOLE: Final[Damage] = frozenset()
BROKEN: Final[Damage] = frozenset({"fields", "bottoms", "rules"})
# Nothing is missing, but its type is only what was probably meant: it is not held against the layer.
GUESSED: Final[Damage] = frozenset({"type"})


class Layer(NamedTuple):
    """One layer of a net. `message` is complete as Caffe would read it and must not be changed.

    `given` has the names of all fields that are set in it, and maybe of some that are not: to ask a message for each
    costs more than to look here first. Its name, type, bottoms and tops need not be there.
    `declared` holds shapes that the user gave for tops, by name. `damaged` says what of a layer was found wrong
    before: then its shapes are not to be trusted. `custom` says that the type is not Caffe's own. `forked` says that a
    fork of Caffe reads more in it than `message` has, so that what Caffe's own rules refuse may be right.
    """

    message: LayerParameter
    given: Collection[str]
    origin: Origin = NO_ORIGIN
    declared: Mapping[str, Shape] = MappingProxyType({})
    custom: bool = False
    damaged: Damage = WHOLE
    forked: bool = False


def given_fields(message: LayerParameter) -> frozenset[str]:
    """The names of all fields that are set in a layer's message."""
    return frozenset(field.name for field, _ in message.ListFields())


class Absent(NamedTuple):
    """A layer of a spec that is not in the net, since it exists elsewhere alone: its name and tops there.

    `unneeded`: it would be, but nothing that the net is for needs it.
    """

    name: str
    tops: Sequence[str]
    origin: Origin
    unneeded: bool = False


class Net(NamedTuple):
    """A net of all phases. `header` has the net's own fields and no layers; `absent` serves messages alone.

    `incomplete`: layers are missing that could not be read.
    """

    header: NetParameter
    layers: Sequence[Layer]
    absent: Sequence[Absent] = ()
    incomplete: bool = False

    def lacks_tops(self) -> bool:
        """Tell whether a blob that nobody makes may be one that could not be read."""
        damaged = [layer for layer in self.layers if layer.damaged]
        return self.incomplete or any("tops" in layer.damaged or not layer.message.top for layer in damaged)


class Version:
    """One value of a blob: what layer `maker` wrote under a name. In-place layers make a new version of the same blob.

    `readers` has the layers that read it, once for each bottom; `uses` counts them, and an explicit loss weight.
    Layers are indices into the graph's.
    """

    __slots__ = ("maker", "readers", "shape", "uses")

    def __init__(self, maker: int) -> None:
        self.maker = maker
        self.readers: list[int] = []
        self.uses = 0
        self.shape: Shape | None = None


class GraphLayer(NamedTuple):
    """A layer of a filtered net with what was inferred for it. `kind` is None for a type that is not Caffe's own.

    `tops` are shapes in the order of the message's tops (None: unknown); `blobs` are the shapes of its learned blobs,
    None where not even their number is known; `fillers` the path of each blob's filler. `owners[i]` is the index of
    the layer and blob whose storage blob i shares, or None. `macs` are multiply-accumulates of a forward pass.
    """

    layer: Layer
    kind: LayerType | None
    bottoms: Sequence[Shape | None]
    tops: Sequence[Shape | None]
    blobs: Sequence[Shape | None] | None
    fillers: Sequence[str | None]
    owners: Sequence[tuple[int, int] | None]
    macs: Dim
    later: Sequence[ShapeError]


class Graph:
    """A net in one state, with shapes.

    `blobs` maps each named blob to its final dims and `params` each layer with learned blobs to theirs, as Caffe
    reports them: `()` is a scalar, a dim of None is unknown, dims of None mean that not even the number of axes is
    known. Of layers with one name, `params` has the last one that has any.
    `names` has the bottoms and tops of each layer, `reads` the version of a blob that each bottom reads (None where
    there is none), and `writes` the one that each top makes. `steered` has the layers that say themselves where losses
    and gradients go: with `loss_weight` or `propagate_down`. `refused` has the layers that are refused, or
    that read what nobody makes.
    """

    __slots__ = (
        "_blobs", "_params", "layers", "level", "names", "phase", "reads", "refused", "shapes", "stages", "steered",
        "writes",
    )  # fmt: skip

    def __init__(
        self,
        phase: str,
        stages: tuple[str, ...],
        level: int,
        layers: Sequence[GraphLayer],
        shapes: Mapping[str, Shape | None],
        names: Sequence[tuple[Sequence[str], Sequence[str]]],
        reads: Sequence[Sequence[Version | None]],
        writes: Sequence[Sequence[Version]],
        steered: Sequence[int],
        refused: Collection[int] = (),
    ) -> None:
        self.phase = phase
        self.stages = stages
        self.level = level
        self.layers = layers
        self.shapes = shapes
        self.names = names
        self.reads = reads
        self.writes = writes
        self.steered = steered
        self.refused = refused
        self._blobs: dict[str, Dims] | None = None
        self._params: dict[str, list[Dims]] | None = None

    @property
    def blobs(self) -> Mapping[str, Dims]:
        """The final dims of each named blob."""
        if self._blobs is None:
            self._blobs = {name: _dims(shape) for name, shape in self.shapes.items()}
        return self._blobs

    @property
    def params(self) -> Mapping[str, list[Dims]]:
        """The dims of each layer's learned blobs."""
        if self._params is None:
            self._params = {
                one.layer.message.name: [_dims(shape) for shape in one.blobs] for one in self.layers if one.blobs
            }
        return self._params

    def in_phase(self, phase: str) -> Graph:
        """The same layers in the other phase, where no rule tells the two apart."""
        wiring = (self.names, self.reads, self.writes, self.steered)
        return Graph(phase, self.stages, self.level, self.layers, self.shapes, *wiring)

    def __repr__(self) -> str:
        return f"<Graph {self.phase}: {len(self.layers)} layers, {len(self.shapes)} blobs>"


def _dims(shape: Shape | None) -> Dims:
    return None if shape is None else shape.dims
