import copy
import pickle
from typing import NamedTuple as Original

import pytest

from netcompile.records import NamedTuple


class Pair(NamedTuple):
    """Two values."""

    a: int
    b: str = "x"

    @property
    def both(self):
        return f"{self.a}{self.b}"


class Same(Original):
    a: int
    b: str = "x"


@pytest.mark.parametrize(("values", "named"), [((1, "y"), {}), ((1,), {}), ((), {"a": 1}), ((1,), {"b": "z"})])
def test_makes_what_the_original_makes(values, named):
    assert tuple(Pair(*values, **named)) == tuple(Same(*values, **named))


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, "y", 2), {}), ((1,), {"a": 2}), ((1,), {"c": 2})])
def test_refuses_what_the_original_refuses(values, named):
    with pytest.raises(TypeError):
        Same(*values, **named)
    with pytest.raises(TypeError):
        Pair(*values, **named)


def test_is_a_tuple_with_names():
    pair = Pair(1, "y")
    assert (pair.a, pair.b, pair.both) == (1, "y", "1y")
    assert pair == (1, "y")
    assert hash(pair) == hash((1, "y"))
    assert repr(pair) == "Pair(a=1, b='y')"
    assert pair._asdict() == {"a": 1, "b": "y"}
    assert Pair._fields == Same._fields
    assert Pair._make([1, "y"]) == pair
    assert not hasattr(pair, "__dict__")
    with pytest.raises(AttributeError):
        pair.a = 2


def test_replaces_fields():
    pair = Pair(1, "y")
    assert pair._replace(b="z") == Pair(1, "z")
    assert type(pair._replace(b="z")) is Pair
    with pytest.raises(TypeError):
        pair._replace(c=1)


def test_copies_and_pickles():
    pair = Pair(1, "y")
    for other in (copy.copy(pair), copy.deepcopy(pair), pickle.loads(pickle.dumps(pair))):  # noqa: S301 - our own bytes
        assert other == pair
        assert type(other) is Pair


def test_matches_patterns():
    match Pair(1, "y"):
        case Pair(a, b):
            assert (a, b) == (1, "y")
