"""Applies a layer type to a layer: counts, parameter checks, the shape rule, and the limits of every blob.

This is where unknown shapes are dealt with, so that no rule has to: a bottom with an unknown number of axes is tried
with each number, and what the accepted tries have in common is what is known.
"""

from __future__ import annotations

from itertools import product
from operator import eq
from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.records import NamedTuple
from netcompile.shapes import UNKNOWN, Shape, ShapeError, check_blob, merge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import Arity, Inferred, LayerType, Learned
    from netcompile.shapes import Dim

_TRIED_AXES: Final = range(7)
_ANY_RANK: Final = tuple(Shape((UNKNOWN,) * axes) for axes in _TRIED_AXES)
_LARGER: Final = 3  # the largest ranks, of those tried
_TRIED_APART: Final = 3  # bottoms of unknown rank that are tried in every combination


class Applied(NamedTuple):
    """What came of a layer: tops and blobs where nothing is wrong, else the errors.

    A shape is None where not even the number of axes is known; `blobs` is None where not even their number is.
    """

    tops: Sequence[Shape | None]
    blobs: Sequence[tuple[Shape | None, str | None]] | None
    macs: Dim
    errors: Sequence[ShapeError]
    later: Sequence[ShapeError]


def apply_type(kind: LayerType, layer: LayerParameter, bottoms: Sequence[Shape | None]) -> Applied:
    """Derive the tops and learned blobs of `layer`, a layer of type `kind`, from the shapes of its bottoms."""
    errors: list[ShapeError] = []
    if kind.checks:
        for check in kind.checks:
            errors.extend(check(layer))
    errors.extend(_check_counts(kind, layer))
    if kind.in_place == "refused":
        errors.extend(_refuse_in_place(layer))
    if errors:
        return _refused(kind, layer, errors)
    try:
        inferred = _infer(kind, layer, bottoms)
        _check_blobs(layer, inferred)
    except ShapeError as error:
        return _refused(kind, layer, [error])
    return inferred


def _refused(kind: LayerType, layer: LayerParameter, errors: list[ShapeError]) -> Applied:
    said = {error.message for error in errors}
    errors.extend(error for error in spatial_errors(kind, layer) if error.message not in said)
    return Applied((None,) * len(layer.top), None, UNKNOWN, errors, ())


def spatial_errors(kind: LayerType, layer: LayerParameter) -> list[ShapeError]:
    """What is wrong with parameters that Caffe looks at where the bottom has spatial axes, as it nearly always has."""
    return [error for check in kind.spatial_checks for error in check(layer)]


Known: TypeAlias = "dict[tuple[object, ...], Applied]"


def apply_again(
    kind: LayerType,
    layer: LayerParameter,
    bottoms: Sequence[Shape | None],
    names: tuple[Sequence[str], Sequence[str]],
    given: Collection[str],
    known: Known,
) -> Applied:
    """`apply_type`, from what is `known` where a layer of the same parameters had bottoms of the same shapes before.

    Deep nets repeat themselves. `names` are the layer's bottoms and tops, of which only matters which are in place;
    `given` has the names of all fields that are set in it. Only what is accepted is kept, as a refusal names its own
    layer.
    """
    # A scalar and a blob without a shape compare alike; presets and data layers are rare, and read more than the key.
    if () in bottoms or not bottoms or "blobs" in given:
        return apply_type(kind, layer, bottoms)
    key = (len(names[1]), *map(eq, *names), *_parameters(kind, layer, given), *bottoms)
    done = known.get(key)
    if done is None:
        done = apply_type(kind, layer, bottoms)
        if not done.errors and not done.later:
            known[key] = done
    return done


def _parameters(kind: LayerType, layer: LayerParameter, given: Collection[str]) -> list[object]:
    """The type of a layer and all parameters that its rule and its checks read, as parts of a key."""
    parts: list[object] = [kind.name]
    for field in kind.messages:
        if field in given and layer.HasField(field):
            parts += field, getattr(layer, field).SerializePartialToString()
    if kind.checks and "param" in given:
        parts += [param.SerializePartialToString() for param in layer.param]
    return parts


_MOST_COUNTS: Final = 10_000
_counts: Final[dict[tuple[object, ...], int | None]] = {}  # for all nets: layers of a few kinds are asked for again


def learned_count(kind: LayerType, layer: LayerParameter) -> int | None:
    """How many learned blobs `layer` has, whatever its bottoms are; None where that depends on them, or it is wrong."""
    key = (len(layer.bottom), len(layer.top), *_parameters(kind, layer, (*kind.messages, "param")))
    if key not in _counts:
        if len(_counts) >= _MOST_COUNTS:
            _counts.clear()
        _counts[key] = _learned_count(kind, layer)
    return _counts[key]


def _learned_count(kind: LayerType, layer: LayerParameter) -> int | None:
    if any(_check_counts(kind, layer)) or any(True for check in kind.checks for _ in check(layer)):
        return None
    blobs = likely_learned(kind, layer)
    return None if blobs is None else len(blobs)


def likely_learned(kind: LayerType, layer: LayerParameter) -> list[str | None] | None:
    """The fillers of a layer's learned blobs, even where a check refuses its parameters.

    None where not even their number is known whatever the bottoms are.
    """
    try:
        accepted = _try(kind, layer, [[shape] * len(layer.bottom) for shape in _ANY_RANK])[0]
    except (ArithmeticError, LookupError, ValueError):  # of what a check refuses, rules need not think
        return None
    if len({len(one.blobs) for one in accepted}) != 1:
        return None
    return [blob.filler for blob in accepted[0].blobs]


def _try(
    kind: LayerType, layer: LayerParameter, tries: Iterable[Sequence[Shape]]
) -> tuple[list[Inferred], list[ShapeError]]:
    """What the rule says to each of several guesses at the bottoms: what it accepts, and its refusals."""
    accepted: list[Inferred] = []
    refused: list[ShapeError] = []
    for bottoms in tries:
        try:
            accepted.append(kind.rule(layer, bottoms))
        except ShapeError as error:  # noqa: PERF203 - a refusal is one of the answers
            refused.append(error.with_traceback(None))  # which would keep all that is known here alive
    return accepted, refused


def _check_counts(kind: LayerType, layer: LayerParameter) -> Iterator[ShapeError]:
    arity = kind.bottoms_of(layer)
    n = len(layer.bottom)
    if n < arity.least or (arity.most is not None and n > arity.most):
        at = f"bottom:{arity.most}" if arity.most is not None and n > arity.most else "bottom"
        yield ShapeError(f"takes {_counted(arity, 'bottom')}, but {n or 'none'} {_is(n)} given", at, "bottom-count")
    arity = kind.tops_of(layer)
    n = len(layer.top)
    if n < (0 if kind.loss else arity.least) or (arity.most is not None and n > arity.most):
        at = f"top:{arity.most}" if arity.most is not None and n > arity.most else "top"
        yield ShapeError(f"makes {_counted(arity, 'top')}, but {n or 'none'} {_is(n)} given", at, "top-count")


def _refuse_in_place(layer: LayerParameter) -> Iterator[ShapeError]:
    for i, (bottom, top) in enumerate(zip(layer.bottom, layer.top, strict=False)):
        if bottom == top:
            message = f"can't work in place, but top '{top}' is its bottom too"
            yield ShapeError(message, f"top:{i}", "in-place-refused", "give the top another name")


def _counted(arity: Arity, noun: str) -> str:
    return f"{arity} {noun}" if arity.most == 1 or (arity.least == 1 and arity.most is None) else f"{arity} {noun}s"


def _is(n: int) -> str:
    return "is" if n < 2 else "are"  # noqa: PLR2004 - grammar


def _infer(kind: LayerType, layer: LayerParameter, bottoms: Sequence[Shape | None]) -> Applied:
    if None not in bottoms:
        done = kind.rule(layer, bottoms)  # type: ignore[arg-type]
        return Applied(done.tops, done.blobs, done.macs, (), done.later)
    known = [(shape,) if shape is not None else _ANY_RANK for shape in bottoms]
    if bottoms.count(None) <= _TRIED_APART:
        accepted, refused = _try(kind, layer, product(*known))
        # A blob may have more axes than are tried: only what is said of all the larger ranks alike is a refusal.
        if not accepted and len({error.message for error in refused[-_LARGER:]}) == 1:
            raise refused[-1]
    else:  # all of the same rank, which proves no refusal
        alike = [[shape[min(i, len(shape) - 1)] for shape in known] for i in range(len(_ANY_RANK))]
        accepted, _ = _try(kind, layer, alike)
    return _common(accepted, len(layer.top))


def _common(accepted: Sequence[Inferred], tops: int) -> Applied:
    """What is known whichever of the accepted tries is true."""
    if not accepted:
        return Applied((None,) * tops, None, UNKNOWN, (), ())
    shapes = [_merge([one.tops[i] for one in accepted]) for i in range(len(accepted[0].tops))]
    macs = accepted[0].macs if len({one.macs for one in accepted}) == 1 else UNKNOWN
    later = [error for error in accepted[0].later if all(_foresees(one, error) for one in accepted)]
    return Applied(shapes, _merge_blobs([one.blobs for one in accepted]), macs, (), later)


def _foresees(one: Inferred, error: ShapeError) -> bool:
    return any((other.at, other.message) == (error.at, error.message) for other in one.later)


def _merge(shapes: Sequence[Shape | None]) -> Shape | None:
    return None if None in shapes else merge(shape for shape in shapes if shape is not None)


def _merge_blobs(tries: Sequence[Sequence[Learned]]) -> list[tuple[Shape | None, str | None]] | None:
    if len({len(blobs) for blobs in tries}) != 1:
        return None
    return [(merge(blob.shape for blob in blobs), blobs[0].filler) for blobs in zip(*tries, strict=True)]


def _check_blobs(layer: LayerParameter, inferred: Applied) -> None:
    for i, shape in enumerate(inferred.tops):
        if shape is not None:
            check_blob(shape, f"top '{layer.top[i]}'" if i < len(layer.top) else "its top")
    for i, (shape, _) in enumerate(inferred.blobs or ()):
        if shape is not None:
            check_blob(shape, f"parameter blob {i}")
