"""Learned blobs of a net: presets, the count of `param` entries, fillers, and sharing by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import ParamSpec
from netcompile.layers._checks import value_at
from netcompile.layers._fillers import TYPES, check_filler
from netcompile.layers._rules import stored_shape
from netcompile.records import NamedTuple
from netcompile.shapes import Shape, ShapeError, check_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.ir import Layer
    from netcompile.layers import LayerType

_CHECK_PRESETS: Final = frozenset({"Convolution", "Deconvolution"})
_DROP_PRESETS: Final = frozenset({"LSTM", "RNN"})
_PERMISSIVE: Final = ParamSpec.DimCheckMode.Value("PERMISSIVE")


def learned_blobs(
    kind: LayerType, layer: LayerParameter, inferred: Sequence[tuple[Shape | None, str | None]]
) -> tuple[list[Shape | None], list[str | None], list[ShapeError]]:
    """Shapes and fillers of a layer's learned blobs, presets (`blobs {}`) included, and what Caffe refuses of them."""
    errors: list[ShapeError] = []
    shapes = [shape for shape, _ in inferred]
    fillers = [filler for _, filler in inferred]
    if layer.blobs:
        errors.extend(_check_stored(layer))
    if layer.blobs and kind.name not in _DROP_PRESETS:
        presets = [stored_shape(blob) for blob in layer.blobs]
        errors.extend(_check_presets(kind, presets, shapes))
        # Scale alone adds what is not stored: its bias, of the stored factor's shape (scale_layer.cpp, LayerSetUp).
        shapes = [*presets, *(shapes[len(presets) :] if kind.name == "Scale" else ())]
        fillers = [None] * len(shapes)
    errors.extend(check_param_count(layer, len(shapes)))
    return shapes, fillers, errors


def check_param_count(layer: LayerParameter, n: int) -> list[ShapeError]:
    """Refuse more `param` entries than the `n` learned blobs that a layer has."""
    if len(layer.param) <= n:
        return []
    have = {0: "no parameter blobs", 1: "1 parameter blob"}.get(n, f"{n} parameter blobs")
    text = f"has {have}, but {len(layer.param)} param entries are given"
    return [ShapeError(text, f"param:{n}", "param-count")]


def _check_stored(layer: LayerParameter) -> list[ShapeError]:
    """The values of each stored blob must be as many as its shape says, and not none (blob.cpp, FromProto)."""
    errors = []
    for i, blob in enumerate(layer.blobs):
        shape = stored_shape(blob)
        try:
            check_blob(shape, f"stored blob {i}")
        except ShapeError as error:
            errors.append(ShapeError(error.message, f"blobs:{i}", error.code))
            continue
        if shape.count() == 0:
            text = f"stored blob {i} is {shape}: it has no elements, which Caffe can't read back"
            errors.append(ShapeError(text, f"blobs:{i}", "empty-blob"))
            continue
        wanted = [("data", len(blob.double_data) or len(blob.data))]
        wanted += [("diff", n) for n in (len(blob.double_diff) or len(blob.diff),) if n]
        errors += [
            ShapeError(
                f"stored blob {i} is {shape} = {shape.count()} values, but has {n} of {what}",
                f"blobs:{i}",
                "count-mismatch",
            )
            for what, n in wanted
            if n != shape.count()
        ]
    return errors


def _check_presets(kind: LayerType, presets: Sequence[Shape], shapes: Sequence[Shape | None]) -> list[ShapeError]:
    if kind.name == "PReLU":
        return _check_slopes(presets, shapes)
    if kind.name not in _CHECK_PRESETS:
        return []
    if len(presets) != len(shapes):
        return [ShapeError(f"{len(presets)} blobs are given; it has {len(shapes)}", "blobs", "param-count")]
    return [
        ShapeError(f"blob {i} is given as {preset}, but the parameters make it {shape}", f"blobs:{i}")
        for i, (preset, shape) in enumerate(zip(presets, shapes, strict=True))
        if shape is not None and preset.differs(shape)
    ]


def _check_slopes(presets: Sequence[Shape], shapes: Sequence[Shape | None]) -> list[ShapeError]:
    """PReLU compares how many slopes are stored, not their shape."""
    wanted, stored = shapes[0], presets[0].count()
    if wanted is None or stored == wanted.count():
        return []
    return [ShapeError(f"{stored} slopes are given; it has {wanted.count()}", "blobs:0", "count-mismatch")]


def check_fillers(
    layer: LayerParameter, shapes: Sequence[Shape | None], fillers: Sequence[str | None]
) -> list[ShapeError]:
    """What the fillers of a layer refuse when they fill its blobs at construction."""
    errors: list[ShapeError] = []
    for shape, path in zip(shapes, fillers, strict=True):
        if path is not None:
            errors.extend(check_filler(value_at(layer, path), shape, path))
    for error in errors:
        if error.code == "unknown-filler":
            from netcompile.language.names import meant_word  # noqa: PLC0415 - for the refused

            error.hint = meant_word(value_at(layer, error.at), TYPES).hint
    return errors


class _Owner(NamedTuple):
    layer: int
    blob: int
    shape: Shape | None


class Sharing:
    """Learned blobs shared by name: the first layer with a name owns the storage, later ones must fit it."""

    def __init__(self) -> None:
        self._owners: dict[str, _Owner] = {}
        self._multipliers: dict[tuple[str, str], tuple[float, int]] = {}

    def share(
        self, index: int, layers: Sequence[Layer], blobs: Sequence[Shape | None] | None, add: Callable[..., None]
    ) -> list[tuple[int, int] | None]:
        """The owner of each blob of layer `index`, None for its own. `add` reports what Caffe refuses."""
        message = layers[index].message
        if blobs is None:
            return []
        owners: list[tuple[int, int] | None] = [None] * len(blobs)
        for i, param in enumerate(message.param):
            if i >= len(blobs) or not param.name:
                continue
            owner = self._owners.setdefault(param.name, _Owner(index, i, blobs[i]))
            if (owner.layer, owner.blob) != (index, i):
                owners[i] = (owner.layer, owner.blob)
                self._check_shape(index, i, param, owner, layers, blobs[i], add)
            for field in ("lr_mult", "decay_mult"):
                self._check_multiplier(index, i, param, field, layers, add)
        return owners

    def _check_shape(
        self,
        index: int,
        i: int,
        param: Any,
        owner: _Owner,
        layers: Sequence[Layer],
        shape: Shape | None,
        add: Callable[..., None],
    ) -> None:
        if shape is None or owner.shape is None:
            return
        first = layers[owner.layer].message.name
        shared = f"param '{param.name}' is shared with blob {owner.blob} of '{first}', which is {owner.shape}"
        if param.share_mode == _PERMISSIVE:
            if shape.count() != owner.shape.count():
                text = f"{shared} = {owner.shape.count()} values, but blob {i} here is {shape} = {shape.count()}"
                add(layers[index], "count-mismatch", f"param:{i}.name", text)
        elif shape.differs(owner.shape):
            text = f"{shared}, but blob {i} here is {shape}"
            hint = "`share_mode: PERMISSIVE` compares the counts only" if shape.count() == owner.shape.count() else None
            add(layers[index], "shape-mismatch", f"param:{i}.name", text, hint=hint)

    def _check_multiplier(
        self, index: int, i: int, param: Any, field: str, layers: Sequence[Layer], add: Callable[..., None]
    ) -> None:
        if not param.HasField(field):
            return
        value = getattr(param, field)
        first, owner = self._multipliers.setdefault((param.name, field), (value, index))
        if value != first:
            where = layers[owner].message.name
            text = f"{field} {value:g} of shared param '{param.name}' contradicts {first:g} in '{where}'"
            add(layers[index], "shared-multiplier", f"param:{i}.{field}", text)
