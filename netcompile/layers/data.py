"""Layers without bottoms, which bring data into the net, and HDF5Output, which writes it out.

What lies in files is not read: a dim that only the file knows stays unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import FillerParameter
from netcompile.layers._checks import exclusive, positive
from netcompile.layers._fillers import TYPES as FILLERS
from netcompile.layers._fillers import check_filler
from netcompile.layers._layer import Inferred, Learned, layer_type
from netcompile.layers._rules import cut, dims_of, entry, once_or_each, written
from netcompile.layers._words import named, plural
from netcompile.shapes import UNKNOWN, Dim, Shape, ShapeError, Unshaped, Wording, axes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.caffe.caffe_pb2 import LayerParameter

_MEANS = exclusive("transform_param.mean_file", "transform_param.mean_value")
_LEGACY: Final = ("num", "channels", "height", "width")
_LEGACY_AXES = len(_LEGACY)
_CHANNELS_OF_SOURCE: Final = frozenset({"Data", "WindowData"})
_DUMMY, _FILLER = "dummy_data_param", "dummy_data_param.data_filler"


def _crop(layer: LayerParameter) -> Dim:
    return layer.transform_param.crop_size or UNKNOWN


def _prefetch(layer: LayerParameter) -> list[ShapeError]:
    """Without a batch prefetched ahead, the first forward pass waits for ever (base_data_layer.cpp)."""
    if layer.data_param.prefetch:
        return []
    message = "prefetch is 0; the first forward pass would wait for ever for a batch"
    return [ShapeError(message, "data_param.prefetch", "bad-value", "write `prefetch: 1` or more")]


@layer_type(
    "Data",
    bottoms=0,
    tops=(1, 2),
    reads=["transform_param"],
    checks=[
        written("data_param.source", "the folder of a database"),
        positive("data_param.batch_size"),
        _MEANS,
    ],
    names_tops=True,
    data=True,
)
def data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Reads images and labels from an LMDB or LevelDB database: N x C x H x W, and N labels as a second top.

    Height and width are those of the images, or `crop_size`.
    """
    del bottoms
    n, crop = layer.data_param.batch_size, _crop(layer)
    tops = [Shape((n, UNKNOWN, crop, crop)), Shape((n,))]
    return Inferred(tops[: len(layer.top)], later=_prefetch(layer))


def _check_resize(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.image_data_param
    sides = {"new_height": p.new_height, "new_width": p.new_width}
    if all(sides.values()):
        yield from _check_crop(layer, sides)
    elif any(sides.values()):
        given = "new_height" if p.new_height else "new_width"
        message = f"{given} is {sides[given]}, but the other side is not given; Caffe resizes to both or not at all"
        yield ShapeError(message, f"image_data_param.{given}", "conflicting-fields")


def _check_crop(layer: LayerParameter, sides: dict[str, int]) -> Iterator[ShapeError]:
    crop = layer.transform_param.crop_size
    small = [f"{name}, which is {size}" for name, size in sides.items() if crop > size]
    if small:
        message = f"crop_size is {crop}, more than {', and '.join(small)}"
        yield ShapeError(message, "transform_param.crop_size", "bad-value")


@layer_type(
    "ImageData",
    bottoms=0,
    tops=2,
    reads=["transform_param", "data_param"],
    checks=[
        written("image_data_param.source", "a file that lists images and labels"),
        positive("image_data_param.batch_size"),
        _check_resize,
        _MEANS,
    ],
    names_tops=True,
    data=True,
)
def image_data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Reads image files that a list names, and one label each: N x C x H x W, and N labels.

    C is 3, or 1 without `is_color`. Height and width are `crop_size`, else `new_height` and `new_width`, else those of
    the first image.
    """
    del bottoms
    p, crop = layer.image_data_param, _crop(layer)
    channels = 3 if p.is_color else 1
    height, width = (crop, crop) if crop is not UNKNOWN else (p.new_height or UNKNOWN, p.new_width or UNKNOWN)
    tops = [Shape((p.batch_size, channels, height, width)), Shape((p.batch_size,))]
    return Inferred(tops, later=[*_prefetch(layer), *_mean_values(layer, channels)])


def check_declared_data(layer: LayerParameter, shape: Shape | None) -> list[ShapeError]:
    """What aborts where a data layer whose source alone knows the channels reads data of the declared `shape`."""
    if layer.type not in _CHANNELS_OF_SOURCE or shape is None or len(shape) != _LEGACY_AXES:
        return []
    return _mean_values(layer, shape[1])


def _mean_values(layer: LayerParameter, channels: Dim) -> list[ShapeError]:
    given = len(layer.transform_param.mean_value)
    if type(channels) is not int or given in (0, 1, channels):
        return []
    message = f"mean_value is given {given} times for {plural(channels, 'channel')}; give it once, or once for each"
    return [ShapeError(message, "transform_param.mean_value", "count-mismatch")]


_CROP: Final = Wording("write `transform_param: {crop_size: N}`", "write `transform_param { crop_size: N }`")


def _needs_crop(layer: LayerParameter) -> Iterator[ShapeError]:
    if not layer.transform_param.crop_size:
        message = "crop_size is missing; it is the size to which each window is warped"
        yield ShapeError(message, "transform_param", "missing-field", _CROP)


@layer_type(
    "WindowData",
    bottoms=0,
    tops=2,
    reads=["transform_param", "data_param"],
    checks=[
        written("window_data_param.source", "a window file"),
        positive("window_data_param.batch_size"),
        _needs_crop,
        _MEANS,
    ],
    names_tops=True,
    data=True,
)
def window_data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Cuts windows out of images, as a window file lists them, for detectors: N x C x crop x crop, and N labels."""
    del bottoms
    n, crop = layer.window_data_param.batch_size, layer.transform_param.crop_size
    return Inferred([Shape((n, UNKNOWN, crop, crop)), Shape((n,))], later=_prefetch(layer))


@layer_type(
    "MemoryData",
    bottoms=0,
    tops=2,
    reads=["transform_param"],
    checks=[
        *(positive(f"memory_data_param.{name}") for name in ("batch_size", "channels", "height", "width")),
        _MEANS,
    ],
    names_tops=True,
    data=True,
)
def memory_data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Takes data and labels that the program hands over in memory: N x C x H x W as given, and N labels."""
    del bottoms
    p = layer.memory_data_param
    return Inferred([Shape((p.batch_size, p.channels, p.height, p.width)), Shape((p.batch_size,))])


def _no_transform(layer: LayerParameter) -> Iterator[ShapeError]:
    if layer.HasField("transform_param"):
        hint = "scale, crop and mirror the data when you write the files"
        yield ShapeError("HDF5Data refuses transform_param", "transform_param", "conflicting-fields", hint)


@layer_type(
    "HDF5Data",
    bottoms=0,
    tops=(1, None),
    checks=[written("hdf5_data_param.source", "a file that lists HDF5 files"), _no_transform],
    names_tops=True,
    data=True,
)
def hdf5_data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Reads HDF5 files that a list names: each top is the dataset of its name, `batch_size` rows at a time."""
    del bottoms
    later = []
    if not layer.hdf5_data_param.batch_size:
        later.append(ShapeError("batch_size is 0; it must be at least 1", "hdf5_data_param", "bad-value"))
    return Inferred([None] * len(layer.top), later=later)


@layer_type("HDF5Output", bottoms=2, tops=0, checks=[written("hdf5_output_param.file_name", "the file to write")])
def hdf5_output(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Writes its two bottoms into an HDF5 file, as the datasets `data` and `label`. Has no top."""
    later = []
    x, label = bottoms
    for i, shape in enumerate(bottoms):
        if len(shape) > _LEGACY_AXES:
            message = f"writes N x C x H x W, but {named(layer, i, shape)} has {axes(len(shape))}"
            later.append(ShapeError(message, f"bottom:{i}", "axis-count"))
    if not later and x.legacy(0) != label.legacy(0):
        message = f"bottoms differ in their number of items: {named(layer, 0, x)}, {named(layer, 1, label)}"
        later.append(ShapeError(message, "bottom:1", "shape-mismatch"))
    return Inferred([], later=later)


def _check_input(layer: LayerParameter) -> Iterator[ShapeError]:
    return once_or_each(layer, "input_param.shape", optional=True)


@layer_type("Input", bottoms=0, tops=(1, None), checks=[_check_input])
def input_(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """An input of the net, which the program fills: each top has its `shape`, or the only one that is given."""
    del bottoms
    shapes = layer.input_param.shape
    if not shapes:
        return Inferred([Unshaped()] * len(layer.top))
    return Inferred([dims_of(entry(shapes, i), "input_param.shape") for i in range(len(layer.top))])


@layer_type("Parameter", bottoms=0)
def parameter(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """A learned blob of the given `shape` as a top. It starts as zeros: there is no filler."""
    del bottoms
    shape = dims_of(layer.parameter_param.shape, "parameter_param.shape")
    return Inferred([shape], [Learned(shape)])


def _check_dummy(layer: LayerParameter) -> Iterator[ShapeError]:
    p = layer.dummy_data_param
    old = [name for name in _LEGACY if getattr(p, name)]
    if old and p.shape:
        message = f"shape and {old[0]} are both given; Caffe takes one of them"
        yield ShapeError(message, f"{_DUMMY}.{old[0]}", "conflicting-fields")
    for name in _LEGACY if old and not p.shape else ("shape",):
        yield from once_or_each(layer, f"{_DUMMY}.{name}")
    yield from once_or_each(layer, _FILLER, optional=True)


@layer_type("DummyData", bottoms=0, tops=(1, None), checks=[_check_dummy])
def dummy_data(layer: LayerParameter, bottoms: Sequence[Shape]) -> Inferred:
    """Makes data of the given `shape` by `data_filler` (by default zeros), each once for all tops or once per top.

    A constant is filled in once, anything else anew in every pass.
    """
    del bottoms
    p = layer.dummy_data_param
    fillers = p.data_filler or [FillerParameter()]
    tops, later = [], []
    for i in range(len(layer.top)):
        shape = dims_of(entry(p.shape, i), f"{_DUMMY}.shape") if p.shape else _legacy_shape(layer, i)
        at = f"{_FILLER}:{0 if len(fillers) == 1 else i}" if p.data_filler else _DUMMY
        filler = entry(fillers, i)
        errors = list(check_filler(filler, shape, at))
        if errors and (filler.type == "constant" or filler.type not in FILLERS):
            raise errors[0]
        tops.append(shape)
        later.extend(errors)
    return Inferred(tops, later=later)


def _legacy_shape(layer: LayerParameter, i: int) -> Shape:
    return Shape(cut(entry(getattr(layer.dummy_data_param, name), i), f"{_DUMMY}.{name}") for name in _LEGACY)


TYPES = (
    data,
    dummy_data,
    hdf5_data,
    hdf5_output,
    image_data,
    input_,
    memory_data,
    parameter,
    window_data,
)
