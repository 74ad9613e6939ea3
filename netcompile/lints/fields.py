"""Lints on the fields of a layer: those that nothing reads, and values that are hardly meant."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import EltwiseParameter, LRNParameter
from netcompile.layers import LAYER_TYPES
from netcompile.lints.view import Finding
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.lints.view import View

_READ: Final = MappingProxyType({name: frozenset(kind.messages) for name, kind in LAYER_TYPES.items()})
_MOVED: Final = ("scale", "mean_file", "mirror", "crop_size")
_IN_TRANSFORM: Final = "write it in `transform_param: {{...}}`; Caffe reads it there"


def unread_messages(view: View) -> Iterator[Finding]:
    """Parameter messages that a layer's type does not read."""
    for index in view.new:
        one = view.layers[index]
        given, kind = one.layer.messages, one.kind
        if kind is None or kind.name == "Python":  # which gets the whole message
            continue
        if given is None:
            given = {field.name for field, _ in one.layer.message.ListFields() if field.name.endswith("_param")}
        if given and not _READ[kind.name].issuperset(given):
            for name in sorted(set(given) - _READ[kind.name]):
                yield Finding(index, name, f"{name} has no effect: {kind.name} does not read it", _owner(name))


def _owner(message: str) -> str | None:
    """Whose message it is, where that is one type alone."""
    readers = [name for name, kind in LAYER_TYPES.items() if message in kind.messages]
    return f"{readers[0]} does" if len(readers) == 1 else None


class _Unread(NamedTuple):
    """Fields of a message that a type passes over: always, or where the layer is so."""

    block: str
    fields: tuple[str, ...]
    why: str
    where: Callable[[LayerParameter], bool] = lambda _: True
    hint: str | None = None


def _moved(block: str) -> _Unread:
    return _Unread(block, _MOVED, "the transformation reads it elsewhere", hint=_IN_TRANSFORM)


def _has_two_bottoms(layer: LayerParameter) -> bool:
    return len(layer.bottom) > 1


_UNREAD: Final[Mapping[str, tuple[_Unread, ...]]] = MappingProxyType({
    "Data": (
        _moved("data_param"),
        _Unread("data_param", ("rand_skip", "force_encoded_color"), "only old versions of Caffe read it"),
    ),
    "ImageData": (_moved("image_data_param"),),
    "WindowData": (_moved("window_data_param"),),
    "Scale": (
        _Unread("scale_param", ("bias_filler",), "bias_term is not true, so there is no bias",
                lambda layer: not layer.scale_param.bias_term, "`bias_term: true` adds one"),
        _Unread("scale_param", ("num_axes", "filler"), "the second bottom is the factor", _has_two_bottoms),
    ),
    "Bias": (_Unread("bias_param", ("num_axes", "filler"), "the second bottom is the bias", _has_two_bottoms),),
    "Eltwise": (_Unread("eltwise_param", ("coeff",), "only a SUM weighs its bottoms",
                        lambda layer: layer.eltwise_param.operation == EltwiseParameter.MAX),),
    "LRN": (_Unread("lrn_param", ("k",), "only normalisation across channels has it",
                    lambda layer: layer.lrn_param.norm_region == LRNParameter.WITHIN_CHANNEL),),
    "Pooling": (_Unread("pooling_param", ("kernel_h", "kernel_w"), "kernel_size is given too, and counts",
                        lambda layer: layer.pooling_param.HasField("kernel_size")),),
    "Python": (_Unread("python_param", ("share_in_parallel",), "Caffe does not read it any more"),),
})  # fmt: skip


def unread_fields(view: View) -> Iterator[Finding]:
    """Fields that a layer's type passes over as the others stand."""
    for index in view.new_of(*_UNREAD):
        layer = view.message(index)
        for unread in _UNREAD[layer.type]:
            if unread.where(layer):
                yield from _written_of(index, layer, unread)


def _written_of(index: int, layer: LayerParameter, unread: _Unread) -> Iterator[Finding]:
    written = {field.name for field, _ in getattr(layer, unread.block).ListFields()}
    for name in unread.fields:
        if name in written:
            yield Finding(index, f"{unread.block}.{name}", f"{name} has no effect: {unread.why}", unread.hint)


_FILLER_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "constant": frozenset({"type", "value"}),
    "uniform": frozenset({"type", "min", "max"}),
    "gaussian": frozenset({"type", "mean", "std", "sparse"}),
    "xavier": frozenset({"type", "variance_norm"}),
    "msra": frozenset({"type", "variance_norm"}),
    "positive_unitball": frozenset({"type"}),
    "bilinear": frozenset({"type"}),
})  # fmt: skip


def unread_filler_fields(view: View) -> Iterator[Finding]:
    """Fields of fillers that a filler of that type does not read."""
    known: dict[bytes, list[str]] = {}  # nets have few different fillers
    for index, path, filler in view.weight_fillers:
        key = filler.SerializeToString()
        unread = known.get(key)
        if unread is None:
            unread = known[key] = _unread_of(filler)
        for field in unread:
            readers = " and ".join(kind for kind, fields in _FILLER_FIELDS.items() if field in fields)
            text = f"{field} of {path.rpartition('.')[2]} has no effect: the filler {filler.type} does not read it"
            yield Finding(index, f"{path}.{field}", f"{text}, but {readers}")


def _unread_of(filler: Any) -> list[str]:
    read = _FILLER_FIELDS.get(filler.type)
    return [] if read is None else [field.name for field, _ in filler.ListFields() if field.name not in read]


def phases(view: View) -> Iterator[Finding]:
    """Layers with a phase of their own, which is not a rule on where they exist."""
    layers = view.layers
    for index in view.new:
        message = layers[index].layer.message
        if message.HasField("phase") and not message.include and not message.exclude:
            phase = "TEST" if message.phase else "TRAIN"
            text = f"`phase: {phase}` leaves it in both phases, where it works as in {phase}"
            yield Finding(index, "phase", text, f"`include {{ phase: {phase} }}` puts it into {phase} alone")


def gaps(view: View) -> Iterator[Finding]:
    """Windows that step over parts of their bottom, which then count for nothing."""
    for index in view.new_of("Convolution"):
        p = view.layers[index].layer.message.convolution_param
        strides = p.stride or (p.stride_h, p.stride_w)
        if max(strides) > 1:
            kernels = list(p.kernel_size) or [p.kernel_h, p.kernel_w]
            yield from _gap(view, index, kernels, list(strides), list(p.dilation) or [1])
    for index in view.new_of("Pooling"):
        q = view.message(index).pooling_param
        if not q.global_pooling:
            kernels = [q.kernel_size] if q.HasField("kernel_size") else [q.kernel_h, q.kernel_w]
            yield from _gap(view, index, kernels, [q.stride_h, q.stride_w] if q.stride_h else [q.stride], [1])


def _gap(view: View, index: int, *per_axis: list[int]) -> Iterator[Finding]:
    """A finding where kernel, stride and dilation, given once or for each axis, leave something out."""
    top = view.layers[index].tops[0]
    n = max(map(len, per_axis))
    for i, (kernel, stride, dilation) in enumerate(zip(*(one * n if len(one) == 1 else one for one in per_axis))):  # noqa: B905
        lone = top is not None and i + 2 < len(top) and top[i + 2] == 1
        if stride > dilation * (kernel - 1) + 1 > 1 and not lone:
            block = "pooling_param" if view.message(index).type == "Pooling" else "convolution_param"
            text = f"stride {stride} is more than its kernel covers: parts of the bottom are never read"
            yield Finding(index, f"{block}.stride", text)
            return


def empty_tops(view: View) -> Iterator[Finding]:
    """Layers that make blobs without elements of blobs that have some."""
    for index in view.new:
        one = view.layers[index]
        for i, shape in enumerate(one.tops):
            if (
                shape
                and 0 in shape
                and one.bottoms
                and not one.later
                and not any(b is not None and b.count() == 0 for b in one.bottoms)
            ):
                text = f"its top '{view.names[index][1][i]}' is {shape}, without elements"
                yield Finding(index, f"top:{i}", text, "most layers abort on it in the first forward pass")


def odd_numbers(view: View) -> Iterator[Finding]:
    """Numbers that Caffe takes and that are hardly meant."""
    for index in view.new_of("Dropout"):
        if view.layers[index].layer.message.dropout_param.dropout_ratio == 1:
            text = "dropout_ratio is 1: it drops everything and divides by 0"
            yield Finding(index, "dropout_param.dropout_ratio", text)
    for index in view.new_of("Convolution", "Deconvolution"):
        if 0 in view.layers[index].layer.message.convolution_param.dilation:
            text = "dilation is 0: all of the kernel looks at one place"
            yield Finding(index, "convolution_param.dilation", text, "no dilation is 1")
    for index in view.new_of("Clip"):
        layer = view.message(index)
        if not layer.HasField("clip_param"):
            yield Finding(index, "", "without clip_param it clips everything to 0", "write `min: A` and `max: B`")
        elif layer.clip_param.min > layer.clip_param.max:
            yield Finding(
                index, "clip_param.min", f"min {layer.clip_param.min:g} is above max {layer.clip_param.max:g}"
            )


def odd_choices(view: View) -> Iterator[Finding]:
    """Bottoms and words that Caffe takes and that are hardly meant."""
    for index in view.new_of("Eltwise"):
        layer = view.message(index)
        if layer.eltwise_param.operation != EltwiseParameter.PROD and len(set(layer.bottom)) == 1:
            yield Finding(index, "bottom:1", f"all its bottoms are the same blob, '{layer.bottom[0]}'")
    for index in view.new_of("WindowData"):
        mode = view.message(index).window_data_param.crop_mode
        if mode not in ("warp", "square"):
            text = f"crop_mode '{mode}' is neither warp nor square, so it is taken for warp"
            yield Finding(index, "window_data_param.crop_mode", text)


def without_cpu_code(view: View) -> Iterator[Finding]:
    """Layers that can't run in the mode that the solver asks for."""
    solver = view.solver
    if solver is None or not solver.HasField("solver_mode") or solver.solver_mode != solver.CPU:
        return
    for index in view.of("Pooling"):
        if view.message(index).pooling_param.pool == view.message(index).pooling_param.STOCHASTIC:
            text = "STOCHASTIC pooling has no code for the CPU, and solver_mode is CPU: the first forward pass aborts"
            yield Finding(index, "pooling_param.pool", text, "MAX and AVE run on the CPU")
