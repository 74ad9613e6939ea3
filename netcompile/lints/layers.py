"""Lints on a layer by itself: fields that nothing reads, and values that are hardly meant.

Those that get a GraphLayer look at nothing but its type's own messages and its shapes, so that layers with the same of
these are the same to them. Their remarks name no blobs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import EltwiseParameter, LayerParameter, LRNParameter
from netcompile.layers import LAYER_TYPES
from netcompile.lints.view import Finding
from netcompile.records import NamedTuple
from netcompile.shapes import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netcompile.ir import GraphLayer
    from netcompile.lints.view import View


class Remark(NamedTuple):
    """What a lint says of a layer by itself, at the path `at` of its message."""

    at: str
    message: str
    hint: str | None = None


_MESSAGES: Final = frozenset(field.name for field in LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param"))
_READ: Final = MappingProxyType({name: frozenset(kind.messages) for name, kind in LAYER_TYPES.items()})
_MOVED: Final = ("scale", "mean_file", "mirror", "crop_size")
_IN_TRANSFORM: Final = "write it in `transform_param`, where Caffe reads it"


def unread_messages(view: View) -> Iterator[Finding]:
    """Parameter messages that a layer's type does not read."""
    layers = view.layers
    for index in view.new:
        given, kind = layers[index].layer.given, layers[index].kind
        if not given or kind is None or kind.name == "Python":  # which gets the whole message
            continue
        if not _READ[kind.name].issuperset(given):
            unread = _MESSAGES.intersection(given) - _READ[kind.name]
            for name in sorted(filter(view.message(index).HasField, unread)):
                yield Finding(index, name, f"{name} has no effect: {kind.name} does not read it", _owner(name))


def _owner(message: str) -> str | None:
    """Whose message it is, where that is one type alone."""
    readers = [name for name, kind in LAYER_TYPES.items() if message in kind.messages]
    return f"{readers[0]} does" if len(readers) == 1 else None


def phases(view: View) -> Iterator[Finding]:
    """Layers with a phase of their own, which is not a rule on where they exist."""
    layers = view.layers
    for index in view.new:
        given = layers[index].layer.given
        if "phase" in given and "include" not in given and "exclude" not in given:
            phase = "TEST" if view.message(index).phase else "TRAIN"
            text = f"`phase: {phase}` leaves it in both phases, where it works as in {phase}"
            rule = Wording(f"`include: {phase}`", f"`include {{ phase: {phase} }}`")
            yield Finding(index, "phase", text, rule.followed_by(f" puts it into {phase} alone"))


def repeated_bottoms(view: View) -> Iterator[Finding]:
    """Eltwise layers of one blob. A PROD may be a square."""
    for index in view.new_of("Eltwise"):
        layer = view.message(index)
        if layer.eltwise_param.operation != EltwiseParameter.PROD and len(set(layer.bottom)) == 1:
            yield Finding(index, "bottom:1", f"all its bottoms are the same blob, '{layer.bottom[0]}'")


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


UNREAD: Final[Mapping[str, tuple[_Unread, ...]]] = MappingProxyType({
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


def unread_fields(one: GraphLayer) -> Iterator[Remark]:
    """Fields that a layer's type passes over as the others stand."""
    layer = one.layer.message
    for unread in UNREAD[layer.type]:
        if unread.where(layer):
            written = {field.name for field, _ in getattr(layer, unread.block).ListFields()}
            for name in written.intersection(unread.fields):
                yield Remark(f"{unread.block}.{name}", f"{name} has no effect: {unread.why}", unread.hint)


_FILLER_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "constant": frozenset({"value"}),
    "uniform": frozenset({"min", "max"}),
    "gaussian": frozenset({"mean", "std", "sparse"}),
    "xavier": frozenset({"variance_norm"}),
    "msra": frozenset({"variance_norm"}),
    "positive_unitball": frozenset(),
    "bilinear": frozenset(),
})  # fmt: skip


def unread_filler_fields(one: GraphLayer) -> Iterator[Remark]:
    """Fields of fillers that a filler of that type does not read."""
    for path in filter(None, one.fillers):
        block, _, name = path.partition(".")
        filler = getattr(getattr(one.layer.message, block), name)
        read = _FILLER_FIELDS.get(filler.type)
        if path == one.fillers[0] and not filler.HasField("type"):
            continue  # it was meant to be of another type: there is a lint on weights that are constant
        for field, _ in filler.ListFields() if read is not None else ():
            if field.name != "type" and field.name not in (read or ()):
                readers = " and ".join(kind for kind, fields in _FILLER_FIELDS.items() if field.name in fields)
                text = f"{field.name} of {name} has no effect: the filler {filler.type} does not read it, but {readers}"
                yield Remark(f"{path}.{field.name}", text)


def dropout_of_all(one: GraphLayer) -> Iterator[Remark]:
    """Dropout that leaves nothing over."""
    if one.layer.message.dropout_param.dropout_ratio == 1:
        yield Remark("dropout_param.dropout_ratio", "dropout_ratio is 1: it drops everything and divides by 0")


def no_dilation(one: GraphLayer) -> Iterator[Remark]:
    """A dilation of 0, which is not how to write none."""
    if 0 in one.layer.message.convolution_param.dilation:
        yield Remark("convolution_param.dilation", "dilation is 0: all of the kernel looks at one place", "none is 1")


def clip_of_all(one: GraphLayer) -> Iterator[Remark]:
    """Clip layers that give the same value everywhere."""
    layer = one.layer.message
    if not layer.HasField("clip_param"):
        yield Remark("", "without clip_param it clips everything to 0", "write `min: A` and `max: B`")
    elif layer.clip_param.min > layer.clip_param.max:
        yield Remark("clip_param.min", f"min {layer.clip_param.min:g} is above max {layer.clip_param.max:g}")


def crop_modes(one: GraphLayer) -> Iterator[Remark]:
    """Words for a crop mode that Caffe does not know, and does not mind."""
    mode = one.layer.message.window_data_param.crop_mode
    if mode not in ("warp", "square"):
        text = f"crop_mode '{mode}' is neither warp nor square, so it is taken for warp"
        yield Remark("window_data_param.crop_mode", text)


def module_paths(one: GraphLayer) -> Iterator[Remark]:
    """Python modules named like files, where Python imports by name."""
    module = one.layer.message.python_param.module
    if "/" in module or module.endswith(".py"):
        name = module.rpartition("/")[2].removesuffix(".py")
        text = f"module '{module}' is a path, and Python imports modules by name"
        yield Remark("python_param.module", text, f"write '{name}', with its folder on PYTHONPATH")


def gaps(one: GraphLayer) -> Iterator[Remark]:
    """Windows that step over parts of their bottom, which then count for nothing."""
    layer, top = one.layer.message, one.tops[0]
    pooling = layer.type == "Pooling"
    p: Any = layer.pooling_param if pooling else layer.convolution_param
    if pooling and p.global_pooling:
        return
    kernels = _sides(p.kernel_h, p.kernel_w) or _listed(p.kernel_size)
    strides = _sides(p.stride_h, p.stride_w) or _listed(p.stride)
    dilations = [1] if pooling else _listed(p.dilation)
    n = max(len(kernels), len(strides), len(dilations))
    spread = [values * n if len(values) == 1 else values for values in (kernels, strides, dilations)]
    for i, (kernel, stride, dilation) in enumerate(zip(*spread, strict=True)):
        single = top is not None and i + 2 < len(top) and top[i + 2] == 1
        if stride > dilation * (kernel - 1) + 1 > 1 and not single:
            block = "pooling_param" if pooling else "convolution_param"
            text = f"stride {stride} is more than its kernel covers: parts of the bottom are never read"
            yield Remark(f"{block}.stride", text)
            return


def _sides(height: int, width: int) -> list[int]:
    return [height, width] if height and width else []


def _listed(values: Any) -> list[int]:
    """The values of a field, of one value or of several, of which 1 is the default."""
    return [values] if isinstance(values, int) else list(values) or [1]


def empty_tops(one: GraphLayer) -> Iterator[Remark]:
    """Blobs without elements, made of blobs that have some."""
    if not one.bottoms or one.later or any(bottom is not None and bottom.count() == 0 for bottom in one.bottoms):
        return
    for i, shape in enumerate(one.tops):
        if shape and 0 in shape:
            text = f"its top is {shape}, without elements"
            yield Remark(f"top:{i}", text, "most layers abort on it in the first forward pass")


def without_cpu_code(view: View) -> Iterator[Finding]:
    """Layers that can't run in the mode that the solver asks for."""
    solver = view.solver
    if solver is None or not solver.HasField("solver_mode") or solver.solver_mode != solver.CPU:
        return
    for index in view.of("Pooling"):
        if view.message(index).pooling_param.pool == view.message(index).pooling_param.STOCHASTIC:
            text = "STOCHASTIC pooling has no code for the CPU, and solver_mode is CPU: the first forward pass aborts"
            yield Finding(index, "pooling_param.pool", text, "MAX and AVE run on the CPU")
