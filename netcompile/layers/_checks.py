"""Declared checks of a layer's parameters: each says what one or two fields must satisfy, whatever the bottoms are.

A check yields a ShapeError for each fault, so that all are reported at once. Paths are dotted, from LayerParameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.shapes import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.layers._layer import Check


def value_at(layer: LayerParameter, path: str) -> Any:
    """The value of a dotted field path, defaults included."""
    value: Any = layer
    for name in path.split("."):
        value = getattr(value, name)
    return value


def is_set(layer: LayerParameter, path: str) -> bool:
    """True where the field at a dotted path is written out (a repeated field: has entries)."""
    *parents, name = path.split(".")
    message: Any = layer
    for parent in parents:
        message = getattr(message, parent)
    field = message.DESCRIPTOR.fields_by_name[name]
    return bool(getattr(message, name)) if _repeated(field) else message.HasField(name)


def _repeated(field: Any) -> bool:
    # `label` goes away in protobuf 7, `is_repeated` came with 6.31.
    repeated = getattr(field, "is_repeated", None)
    return field.label == field.LABEL_REPEATED if repeated is None else bool(repeated)


def positive(path: str) -> Check:
    """The field must be written and greater than 0."""
    message, _, name = path.partition(".")

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        value = getattr(getattr(layer, message), name)
        if value <= 0:
            yield _missing_or(layer, path, f"{name} is {value}; it must be at least 1")

    return check


def _missing_or(layer: LayerParameter, path: str, message: str) -> ShapeError:
    name = path.rpartition(".")[2]
    if is_set(layer, path):
        return ShapeError(message, path, "bad-value")
    return ShapeError(
        f"{name} is missing; it must be at least 1", path.partition(".")[0], "missing-field", f"write `{name}: N`"
    )


def at_least(path: str, least: float) -> Check:
    """The field, or its default, must be `least` or more."""
    name = path.rpartition(".")[2]

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        value = value_at(layer, path)
        if not value >= least:
            yield ShapeError(f"{name} is {value:g}; it must be at least {least:g}", path, "bad-value")

    return check


def require(path: str, holds: Callable[[Any], bool], demand: str) -> Check:
    """The field, or its default, must satisfy `holds`; `demand` says what that is: 'must be odd'."""
    name = path.rpartition(".")[2]

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        value = value_at(layer, path)
        if not holds(value):
            shown = f"{value:g}" if isinstance(value, float) else value
            yield ShapeError(f"{name} is {shown}; it {demand}", path, "bad-value")

    return check


def exclusive(path: str, other: str) -> Check:
    """Two fields that can't both be written: the finding stands at the second."""
    name, rival = path.rpartition(".")[2], other.rpartition(".")[2]

    def check(layer: LayerParameter) -> Iterator[ShapeError]:
        if is_set(layer, path) and is_set(layer, other):
            yield ShapeError(f"{name} and {rival} are both given; Caffe takes one of them", other, "conflicting-fields")

    return check
