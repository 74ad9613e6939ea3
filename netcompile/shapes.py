"""Shapes of blobs and the arithmetic on axes that Caffe does.

A dim is an `int` or `UNKNOWN`. An unknown dim is absorbed by arithmetic (`UNKNOWN + 3` is unknown), and no comparison
with it is ever true, not even `!=`. So a rule is written as if every dim were known, and refuses only when a condition
is true: what can't be known is never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, overload

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_AXES: Final = 32
MAX_COUNT: Final = 2**31 - 1


class Unknown:
    """A dim that is not known: absorbs arithmetic, and is false in every comparison. Its only value is `UNKNOWN`."""

    __slots__ = ()

    def _absorb(self, _other: object = None) -> Unknown:
        return self

    def _never(self, _other: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _absorb
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = _absorb
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never

    def __hash__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "?"


UNKNOWN: Final = Unknown()
Dim: TypeAlias = "int | Unknown"


class Wording(NamedTuple):
    """A hint that is written in one way in a spec, and in another in prototxt."""

    spec: str
    prototxt: str

    def followed_by(self, text: str) -> Wording:
        """The same with a text behind it that is for both."""
        return Wording(self.spec + text, self.prototxt + text)


class ShapeError(Exception):
    """A layer that Caffe refuses, said without a position.

    `at` names the guilty part of the layer: a dotted path into LayerParameter (`convolution_param.kernel_size`),
    `bottom:1` or `top:0` for one bottom or top, or `` for the layer itself. `code` is a code of the diagnostics' table.
    """

    def __init__(
        self, message: str, at: str = "", code: str = "shape-mismatch", hint: str | Wording | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.code = code
        self.hint = hint


class Shape(tuple[Dim, ...]):
    """The dims of a blob, outermost first. `Shape(())` is a scalar: no axes, one element."""

    __slots__ = ()

    @classmethod
    def of(cls, dims: Iterable[int | None]) -> Shape:
        """A shape from dims in which None is unknown."""
        return cls(UNKNOWN if dim is None else dim for dim in dims)

    @property
    def dims(self) -> tuple[int | None, ...]:
        """The dims, with None for an unknown one."""
        return tuple(dim if type(dim) is int else None for dim in self)

    @property
    def known(self) -> bool:
        """True where every dim is known."""
        return UNKNOWN_TYPE not in map(type, self)

    def canonical(self, axis: int) -> int:
        """The axis counted from the front; `axis` may be negative. Raises ShapeError where there is no such axis."""
        n = len(self)
        if not -n <= axis < n:
            raise ShapeError(f"axis {axis} is out of range for {self}, which has {axes(n)}", "", "axis-range")
        return axis + n if axis < 0 else axis

    def count(self, start: int = 0, end: int | None = None) -> Dim:  # type: ignore[override] # Caffe's word
        """The number of elements in axes `start` to `end` (not included): 1 for no axes."""
        product: Dim = 1
        for dim in self[start:end]:
            product = product * dim
        if type(product) is not int and 0 in self[start:end]:
            return 0
        return product

    def legacy(self, axis: int) -> Dim:
        """Dim `axis` (0 to 3) in the old N, C, H, W view: 1 past the last axis. Raises ShapeError past 4 axes."""
        if len(self) > 4:  # noqa: PLR2004 - N, C, H, W
            raise ShapeError(f"reads its bottom as N x C x H x W, but {self} has {axes(len(self))}", "", "axis-count")
        return self[axis] if axis < len(self) else 1

    def differs(self, other: Shape) -> bool:
        """True where the two can't be the same shape: another number of axes, or two known dims that differ.

        Rules ask this rather than `!=`, which takes an unknown dim for a difference.
        """
        return len(self) != len(other) or any(a != b for a, b in zip(self, other, strict=True))

    def replaced(self, axis: int, dim: Dim) -> Shape:
        """The same shape with another dim at `axis`, which counts from the front."""
        return Shape((*self[:axis], dim, *self[axis + 1 :]))

    def __str__(self) -> str:
        return "x".join(map(str, self)) if self else "a scalar"


class Unshaped(Shape):
    """A blob that nobody shaped (an Input without `shape`): no axes like a scalar, but no element either."""

    __slots__ = ()

    def count(self, start: int = 0, end: int | None = None) -> Dim:  # type: ignore[override] # likewise
        """No elements."""
        del start, end
        return 0


UNKNOWN_TYPE: Final = Unknown


def axes(n: int) -> str:
    """`n` in words: '1 axis', '4 axes'."""
    return "1 axis" if n == 1 else f"{n} axes"


def truncated(numerator: Dim, denominator: Dim) -> Dim:
    """Integer division as C does it, toward zero. Raises ZeroDivisionError for a denominator of 0."""
    if type(numerator) is int and type(denominator) is int:
        quotient = abs(numerator) // abs(denominator)
        return quotient if (numerator < 0) == (denominator < 0) else -quotient
    if denominator == 0:
        raise ZeroDivisionError
    return UNKNOWN


@overload
def as_int(value: int) -> int: ...
@overload
def as_int(value: Dim) -> Dim: ...
def as_int(value: Dim) -> Dim:
    """A number as Caffe keeps it in a signed integer of 32 bits: 4294967295 is -1 to it."""
    return (value + 2**31) % 2**32 - 2**31 if type(value) is int else value


def check_blob(shape: Shape, what: str) -> None:
    """Refuse what no blob of Caffe can be: a negative dim, over 32 axes, over 2^31 - 1 elements."""
    if len(shape) > MAX_AXES:
        raise ShapeError(f"{what} has {len(shape)} axes; a blob has at most {MAX_AXES}", "", "axis-count")
    count = 1
    for dim in shape:
        if dim < 0:
            raise ShapeError(f"{what} would be {shape}: a dim can't be negative", "", "negative-dim")
        if type(dim) is int:
            count *= dim
        # Caffe multiplies from the front and checks each step, so a later 0 doesn't excuse (blob.cpp, Reshape).
        if count > MAX_COUNT:
            raise ShapeError(f"{what} would be {shape}: a blob has at most {MAX_COUNT} elements", "", "blob-too-large")


def merge(shapes: Iterator[Shape] | Iterable[Shape]) -> Shape | None:
    """What several possible shapes of one blob have in common: None where the number of axes differs."""
    merged: Shape | None = None
    for shape in shapes:
        if merged is None:
            merged = shape
        elif len(merged) != len(shape):
            return None
        else:
            merged = Shape(a if type(a) is int and a == b else UNKNOWN for a, b in zip(merged, shape, strict=True))
    return merged
