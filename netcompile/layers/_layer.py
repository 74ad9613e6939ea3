"""What a layer type is: the record that a family file fills, and the decorator that fills it.

A layer type's shape rule gets the layer's message and the shapes of its bottoms, and returns the shapes of its tops
and of its learned blobs, or raises ShapeError at its first contradiction. It need not think of blobs of unknown
shape: an unknown dim takes part in arithmetic and is never found wrong (see `shapes`), and a bottom whose number of
axes is unknown is tried with each by the engine.
This module knows nothing of YAML, of positions or of findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.records import NamedTuple
from netcompile.shapes import Dim, Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

InPlace: TypeAlias = Literal["exact", "forward", "wrong", "refused"]


class Learned(NamedTuple):
    """A learned blob. `filler` is the path of the FillerParameter that fills it; None: the layer sets it itself."""

    shape: Shape
    filler: str | None = None


class Inferred(NamedTuple):
    """What a rule derives from a layer and its bottoms.

    `tops` in order, one per declared top; None where no rule can tell (a Python layer). `blobs` in Caffe's order.
    `macs`: multiply-accumulates of one forward pass over the whole batch. `later`: what aborts only in the first
    forward pass, in Caffe's order.
    """

    tops: Sequence[Shape | None]
    blobs: Sequence[Learned] = ()
    macs: Dim = 0
    later: Sequence[ShapeError] = ()


class Arity(NamedTuple):
    """How many bottoms or tops a type takes: from `least` to `most`, where None is no limit.

    `rule` says in words where the number comes from, where the layer's own bottoms set it.
    """

    least: int
    most: int | None
    rule: str | None = None

    def __str__(self) -> str:
        if self.rule is not None:
            return f"{self.rule}, so {self.least}"
        if self.most is None:
            return f"at least {self.least}"
        return f"exactly {self.least}" if self.least == self.most else f"{self.least} to {self.most}"


Rule: TypeAlias = "Callable[[LayerParameter, Sequence[Shape]], Inferred]"
Check: TypeAlias = "Callable[[LayerParameter], Iterable[ShapeError]]"
ArityOf: TypeAlias = "Callable[[LayerParameter], Arity]"
InPlaceOf: TypeAlias = "Callable[[LayerParameter], InPlace]"


class LayerType(NamedTuple):
    """Everything that is known of a layer type of Caffe. `layer_type` documents the fields."""

    name: str
    rule: Rule
    doc: str
    bottoms: Arity | ArityOf
    tops: Arity | ArityOf
    params: tuple[str, ...]
    reads: tuple[str, ...]
    checks: tuple[Check, ...]
    spatial_checks: tuple[Check, ...]
    in_place: InPlace | InPlaceOf
    loss: bool
    names_tops: bool
    implies_bottom: bool
    no_gradient: tuple[int, ...] | None
    unforced: tuple[int, ...]
    data: bool

    @property
    def messages(self) -> tuple[str, ...]:
        """All messages of LayerParameter that it reads."""
        return self.params + self.reads

    def bottoms_of(self, layer: LayerParameter) -> Arity:
        """How many bottoms this layer takes, given its parameters."""
        return self.bottoms if type(self.bottoms) is Arity else self.bottoms(layer)  # type: ignore[operator]

    def tops_of(self, layer: LayerParameter) -> Arity:
        """How many tops this layer takes, given its parameters and bottoms."""
        return self.tops if type(self.tops) is Arity else self.tops(layer)  # type: ignore[operator]

    def in_place_of(self, layer: LayerParameter) -> InPlace:
        """What becomes of this layer in place, given its parameters."""
        return self.in_place if isinstance(self.in_place, str) else self.in_place(layer)


def layer_type(
    name: str,
    *,
    bottoms: int | tuple[int, int | None] | ArityOf = 1,
    tops: int | tuple[int, int | None] | ArityOf = 1,
    params: Sequence[str] | None = None,
    reads: Sequence[str] = (),
    checks: Sequence[Check] = (),
    spatial_checks: Sequence[Check] = (),
    in_place: InPlace | InPlaceOf = "wrong",
    loss: bool = False,
    names_tops: bool = False,
    implies_bottom: bool = True,
    no_gradient: Sequence[int] | None = (),
    unforced: Sequence[int] = (),
    data: bool = False,
) -> Callable[[Rule], LayerType]:
    """Make a LayerType of a rule, whose docstring is the type's documentation.

    bottoms, tops: how many, as a number, (least, most) with None for no limit, or a function of the layer.
    params: the messages of LayerParameter that it reads and whose fields can be written flat in a spec; left out, the
        type's own (`InnerProduct`: `inner_product_param`).
    reads: further messages that it reads, which keep their block form (`transform_param`).
    checks: what its parameters alone must satisfy.
    spatial_checks: the same for parameters that Caffe passes over where the bottom has no spatial axes. The rule itself
        looks at them; of a layer that is refused anyway, what they find is said as well.
    in_place: "exact" is right forward and backward, "forward" has a wrong gradient, "wrong" wrong values as well,
        "refused" is refused by the layer; a function where it depends on the parameters.
    loss: has loss weight 1 unless said otherwise, and makes a missing top by itself.
    names_tops: its tops must be named in a spec. implies_bottom: a spec may leave out its only bottom.
    no_gradient: bottoms whose gradient aborts Caffe (-1 is the last); None: any call of Backward aborts.
    unforced: bottoms that force_backward leaves alone. data: makes its tops from a source outside the net.
    """

    def fill(rule: Rule) -> LayerType:
        own = own_message(name) if params is None else tuple(params)
        doc = " ".join((rule.__doc__ or "").split("\n\n")[0].split())
        return LayerType(
            name=name,
            rule=rule,
            doc=doc,
            bottoms=_arity(bottoms),
            tops=_arity(tops),
            params=own,
            reads=tuple(reads),
            checks=tuple(checks),
            spatial_checks=tuple(spatial_checks),
            in_place=in_place,
            loss=loss,
            names_tops=names_tops,
            implies_bottom=implies_bottom,
            no_gradient=None if no_gradient is None else tuple(no_gradient),
            unforced=tuple(unforced),
            data=data,
        )

    return fill


def elementwise(name: str, doc: str, *, checks: Sequence[Check] = (), in_place: InPlace | InPlaceOf = "exact",
                params: Sequence[str] | None = None, no_gradient: Sequence[int] | None = ()) -> LayerType:  # fmt: skip
    """A type with one bottom and one top of the same shape, and nothing learned."""

    def rule(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
        del layer
        return Inferred([Shape(bottoms[0])])  # of an Unshaped bottom, a scalar

    rule.__doc__ = doc
    return layer_type(name, params=params, checks=checks, in_place=in_place, no_gradient=no_gradient)(rule)


def _own_messages() -> dict[str, str]:
    """The parameter messages of LayerParameter, by their names without `_` and `_param`."""
    names = [field.name for field in LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param")]
    return {name[: -len("_param")].replace("_", ""): name for name in names}


OWN_MESSAGES: Final = _own_messages()


def own_message(name: str) -> tuple[str, ...]:
    """The field of a type's own message, where it has one: `InnerProduct` has `inner_product_param`."""
    field = OWN_MESSAGES.get(name.lower())
    return () if field is None else (field,)


def _arity(count: int | tuple[int, int | None] | ArityOf) -> Arity | ArityOf:
    if isinstance(count, int):
        return Arity(count, count)
    return Arity(*count) if isinstance(count, tuple) else count
