"""The way that a blob came: the layers before it, each with the size that it got and gave.

Reads layers that are inferred already. Only for what is refused; says nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.ir import Layer, Version

WINDOWS: Final = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "Pooling": "pooling_param",
}
PLANE: Final = 2  # the first axis of the plane in N x C x H x W
_USUAL: Final = {"kernel_size": 0, "kernel_h": 0, "kernel_w": 0, "stride": 1, "pad": 0, "dilation": 1}


class Wiring(NamedTuple):
    """The layers so far, and of each the names and versions of its bottoms."""

    layers: Sequence[Layer]
    names: Sequence[tuple[Sequence[str], Sequence[str]]]
    reads: Sequence[Sequence[Version | None]]

    def name(self, version: Version) -> str:
        """The name of the layer that made a blob."""
        return self.layers[version.maker].message.name


class Step(NamedTuple):
    """A layer on a way, by its index; its first bottom, and the blob as it left the layer."""

    layer: int
    bottom: Version
    top: Version

    @property
    def resizes(self) -> bool:
        """True where the plane left the layer with another size."""
        return plane(self.bottom) != plane(self.top)


def back(version: Version, wiring: Wiring) -> Iterator[Step]:
    """The layers on the way to a blob, the last first, each by its first bottom."""
    while True:
        reads = wiring.reads[version.maker]
        bottom = reads[0] if reads else None
        if bottom is None or bottom.shape is None or version.shape is None:
            return
        yield Step(version.maker, bottom, version)
        version = bottom


def branches(first: Version, second: Version, wiring: Wiring) -> tuple[tuple[list[Step], list[Step]], bool]:
    """The ways to two blobs in order, from where they part; and whether they do, or have nothing in common."""
    ways = [list(back(version, wiring)) for version in (first, second)]
    seen = {id(version) for version in (first, *(step.bottom for step in ways[0]))}
    joint = next((v for v in (second, *(step.bottom for step in ways[1])) if id(v) in seen), None)
    parted = [list(_until(joint, way)) for way in ways]
    return (parted[0][::-1], parted[1][::-1]), joint is not None


def _until(joint: Version | None, way: Sequence[Step]) -> Iterator[Step]:
    for step in way:
        if step.top is joint:
            return
        yield step


def last_change(version: Version, axes: Collection[int], wiring: Wiring) -> Step | None:
    """The last layer on the way that changed one of some axes; None where the blob came so from outside."""
    for step in back(version, wiring):
        before, after = step.bottom.shape or (), step.top.shape or ()
        if len(before) != len(after) or any(before[axis] is not after[axis] for axis in axes if axis < len(after)):
            return step
    return None


def plane(version: Version) -> str:
    """Height and width of a blob; all of its shape where it has none."""
    shape = version.shape or ()
    return "x".join(map(str, shape[PLANE:] if len(shape) > PLANE else shape))


def written(message: LayerParameter) -> str:
    """What a layer says of its window, and what is not usual: 'kernel_size 7, stride 2'."""
    block = WINDOWS.get(message.type)
    fields = {field.name: value for field, value in getattr(message, block).ListFields()} if block else {}
    if fields.get("global_pooling"):
        return "global_pooling"
    sizes = {name: _sizes(fields[name]) for name in _USUAL if name in fields}
    return ", ".join(
        f"{name} {'x'.join(map(str, size))}" for name, size in sizes.items() if set(size) != {_USUAL[name]}
    )


def _sizes(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(value)
