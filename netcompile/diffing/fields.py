"""Two layers' parameters by what they mean: a default written out is no difference, nor is another way to say the same.

A value is plain: text, a number, a truth value, a list, a dict, or None for nothing. Knows messages, not wiring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.importing.scalars import shortest
from netcompile.language.fill import is_repeated
from netcompile.layers import LAYER_TYPES
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

# Compared on their own, or no business of a layer's meaning.
_APART: Final = frozenset(
    {"name", "type", "bottom", "top", "include", "exclude", "blobs", "phase", "param", "loss_weight", "propagate_down"}
)
_HEADER: Final = frozenset({"layer", "layers", "input", "input_shape", "input_dim"})
# The fields of a window: for all axes at once, by stem for height and width; and what nothing given means.
_WINDOW: Final = {"kernel_size": ("kernel", None), "stride": ("stride", 1), "pad": ("pad", 0), "dilation": ("", 1)}
_SIDES: Final = frozenset(f"{stem}_{side}" for stem, _ in _WINDOW.values() if stem for side in "hw")
_WINDOWED: Final = frozenset({"ConvolutionParameter", "PoolingParameter"})
_PARAM: Final = ("name", "share_mode", "lr_mult", "decay_mult")
# Statistics, which Caffe does not let the solver touch: it adds the entries itself (batch_norm_layer.cpp, LayerSetUp).
_FIXED: Final = {"BatchNorm": 3}
_STATISTICS: Final = "use_global_stats"
# What a loss is divided by where nothing says so (the LayerSetUp of each).
_NORMALIZED: Final = ("loss_param.normalization", "loss_param.normalize")
_NORMALIZATIONS: Final = {"SoftmaxWithLoss": "VALID", "SigmoidCrossEntropyLoss": "BATCH_SIZE"}
_LARGEST_WHOLE: Final = 1e15


class FieldChange(NamedTuple):
    """A parameter that differs: its path, such as `convolution_param.stride`, and its two values."""

    field: str
    before: Any
    after: Any


def changed_fields(before: Any, after: Any, *, inference: bool = False, phase: str | None = None) -> list[FieldChange]:
    """What differs between the parameters of two layers in a phase; with `inference`, without what only training reads.

    Of layers of different types, a message that belongs to one of the types counts for that one alone.
    """
    fillers = not inference or before.type == "DummyData"
    both = {field.name for field, _ in before.ListFields()} & {field.name for field, _ in after.ListFields()}
    alone = (_messages(before.type) ^ _messages(after.type)) - both
    compared = _compare(before, after, "", _APART | alone, fillers=fillers)
    changes = [
        *_with_statistics(_with_normalization(compared, before, after), before, after, phase),
        *(FieldChange(path, value, None) for path, value in _said(before, alone, fillers=fillers)),
        *(FieldChange(path, None, value) for path, value in _said(after, alone, fillers=fillers)),
        *_compare_params(before, after, inference),
    ]
    if not inference:
        changes.append(FieldChange("loss_weight", _weights(before), _weights(after)))
        changes.append(FieldChange("propagate_down", *(list(one.propagate_down) or None for one in (before, after))))
    return [change for change in changes if _differs(change)]


def meaning(layer: Any, *, inference: bool = False, phase: str | None = None) -> str:
    """What the parameters of a layer mean: the same for two of one type just where nothing differs between them."""
    said = changed_fields(type(layer)(type=layer.type), layer, inference=inference, phase=phase)
    still = {f"param[{i}].decay_mult" for i, spec in enumerate(layer.param) if spec.lr_mult == 0}  # nothing moves them
    return repr([(field, after) for field, _, after in said if field not in still])


def depends_on_phase(layer: Any) -> bool:
    """True for a layer with a field that is at its default in one phase and not in the other."""
    if layer.type != "BatchNorm" or _STATISTICS not in layer.batch_norm_param.DESCRIPTOR.fields_by_name:
        return False
    return bool(layer.batch_norm_param.HasField(_STATISTICS))


def changed_header(before: Any, after: Any) -> list[FieldChange]:
    """What differs between two nets apart from their layers."""
    named = [change for change in _compare(before, after, "", _HEADER) if _differs(change)]
    # Caffe gives a snapshot of a net without a name an empty one.
    return [change for change in named if change.before or change.after]


def changed_rules(before: Any, after: Any, phase: str | None) -> list[FieldChange]:
    """What differs between the rules of two layers, as far as they speak of a phase: on stages and levels then."""
    changes = [
        FieldChange(name, *(_rules(getattr(one, name), phase) for one in (before, after)))
        for name in ("include", "exclude")
    ]
    return [change for change in changes if _differs(change)]


def _messages(type_name: str) -> set[str]:
    kind = LAYER_TYPES.get(type_name)
    return set() if kind is None else set(kind.params)


def _differs(change: FieldChange) -> bool:
    return repr(change.before) != repr(change.after)  # so that a value that is no number equals itself


def _compare(
    before: Any, after: Any, prefix: str, skipped: Container[str] = (), *, fillers: bool = True
) -> Iterator[FieldChange]:
    """The effective values of the fields that either of two messages sets, messages inside by their own fields."""
    windowed = before.DESCRIPTOR.name in _WINDOWED
    for field in _set_fields(before, after):
        name = field.name
        if name in skipped:
            continue
        is_filler = field.message_type is not None and field.message_type.name == "FillerParameter"
        if is_filler and not fillers:
            continue
        if windowed and name in _WINDOW:
            yield FieldChange(f"{prefix}{name}", _window(before, name), _window(after, name))
        elif field.message_type is None or is_repeated(field) or is_filler:
            yield FieldChange(f"{prefix}{name}", _effective(before, field), _effective(after, field))
        elif getattr(before, name) != getattr(after, name):
            yield from _compare(getattr(before, name), getattr(after, name), f"{prefix}{name}.", fillers=fillers)


def _with_normalization(changes: Iterable[FieldChange], before: Any, after: Any) -> Iterator[FieldChange]:
    """The changes, where the two ways to say what a loss is divided by are one: the newer."""
    found = [_normalization(layer) for layer in (before, after)]
    if None in found:
        yield from changes
        return
    yield from (change for change in changes if change.field not in _NORMALIZED)
    yield FieldChange(_NORMALIZED[0], *found)


def _normalization(layer: Any) -> str | None:
    """What a loss is divided by; None for a layer that does not read both fields."""
    default = _NORMALIZATIONS.get(layer.type)
    if default is None or "normalization" not in layer.loss_param.DESCRIPTOR.fields_by_name:
        return None
    given = layer.loss_param
    if given.HasField("normalization"):
        return str(given.NormalizationMode.Name(given.normalization))
    if given.HasField("normalize"):
        return "VALID" if given.normalize else "BATCH_SIZE"
    return default


def _with_statistics(
    changes: Iterable[FieldChange], before: Any, after: Any, phase: str | None
) -> Iterator[FieldChange]:
    """The changes, where a BatchNorm that does not say which statistics it takes has those of its phase."""
    if phase is None or before.type != after.type or not (depends_on_phase(before) or depends_on_phase(after)):
        yield from changes
        return
    path = f"batch_norm_param.{_STATISTICS}"
    yield from (change for change in changes if change.field != path)
    # Caffe takes the stored ones in TEST (batch_norm_layer.cpp, LayerSetUp).
    yield FieldChange(
        path,
        *(
            one.batch_norm_param.use_global_stats if depends_on_phase(one) else phase != "TRAIN"
            for one in (before, after)
        ),
    )


def _said(layer: Any, messages: Container[str], *, fillers: bool) -> Iterator[tuple[str, Any]]:
    """What some of a layer's messages say beyond their defaults, by path."""
    for field, message in layer.ListFields():
        if field.name in messages:
            empty = type(message)()
            changes = _compare(empty, message, f"{field.name}.", fillers=fillers)
            yield from ((change.field, change.after) for change in changes if _differs(change))


def _set_fields(before: Any, after: Any) -> list[Any]:
    """The fields that either message sets, in their order; the two sides of a window as the window."""
    fields = {field.name: field for field, _ in (*before.ListFields(), *after.ListFields())}
    if before.DESCRIPTOR.name in _WINDOWED:
        by_name = before.DESCRIPTOR.fields_by_name
        windows = {name for name, (stem, _) in _WINDOW.items() if stem and {f"{stem}_h", f"{stem}_w"} & fields.keys()}
        fields = {name: field for name, field in fields.items() if name not in _SIDES}
        fields.update({name: by_name[name] for name in windows})
    return sorted(fields.values(), key=lambda field: field.index)


def _effective(message: Any, field: Any) -> Any:
    """The value that a field has for Caffe; None where it is not set, and nothing stands for that."""
    value = getattr(message, field.name)
    if is_repeated(field):
        return [_plain(field, one) for one in value] or None
    if message.HasField(field.name) or field.has_default_value or field.message_type is not None:
        return _plain(field, value)
    return None


def _plain(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return _plain_message(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return _number(value) if field.cpp_type == field.CPPTYPE_FLOAT else value


def _plain_message(message: Any) -> dict[str, Any]:
    """A message without what is at its default; a filler still says its type."""
    fields = sorted(message.DESCRIPTOR.fields, key=lambda field: field.index)
    values = {field.name: (_effective(message, field), field) for field in fields}
    return {
        name: value
        for name, (value, field) in values.items()
        if value is not None and (name == "type" or is_repeated(field) or not _is_default(value, field))
    }


def _is_default(value: Any, field: Any) -> bool:
    return field.has_default_value and repr(value) == repr(_plain(field, field.default_value))


def _number(value: float) -> float | int:
    """A 32-bit float by its shortest digits."""
    short = shortest(value)
    return int(short) if abs(short) < _LARGEST_WHOLE and short.is_integer() else short


def _window(message: Any, name: str) -> Any:
    """A window's sizes, one number where they are the same for all axes."""
    stem, default = _WINDOW[name]
    sides = [f"{stem}_{side}" for side in "hw"] if stem else []
    if any(message.HasField(side) for side in sides):
        sizes = [getattr(message, side) for side in sides]
    elif is_repeated(message.DESCRIPTOR.fields_by_name[name]):
        sizes = list(getattr(message, name))
    else:
        sizes = [getattr(message, name)] if message.HasField(name) else []
    if not sizes:
        return default
    return sizes[0] if len(set(sizes)) == 1 else sizes


def _compare_params(before: Any, after: Any, inference: bool) -> Iterator[FieldChange]:  # noqa: FBT001 - passed on
    """The `param` entries; one that is missing says what an empty one says."""
    for i in range(max(len(before.param), len(after.param))):
        specs = [_param(layer, other, i) for layer, other in ((before, after), (after, before))]
        names: tuple[str, ...] = _PARAM[:1] if inference else _PARAM
        if all(spec.lr_mult == 0 for spec in specs):
            names = tuple(name for name in names if name != "decay_mult")  # nothing moves the blob
        for name in names:
            field = specs[0].DESCRIPTOR.fields_by_name[name]
            absent = "STRICT" if name == "share_mode" else None
            values = [value if (value := _effective(spec, field)) is not None else absent for spec in specs]
            yield FieldChange(f"param[{i}].{name}", *values)


def _param(layer: Any, other: Any, i: int) -> Any:
    """Entry `i` of a layer's `param` as Caffe has it; one of `other` tells the message where the layer has none."""
    if i < len(layer.param):
        return layer.param[i]
    spec = type(other.param[i])()
    if i < _FIXED.get(layer.type, 0):
        spec.lr_mult = 0
    return spec


def _weights(layer: Any) -> Any:
    """The loss weights that a layer has for Caffe; None for no loss."""
    kind = LAYER_TYPES.get(layer.type)
    default = [1] if kind is not None and kind.loss else [0]
    weights = [_number(weight) for weight in layer.loss_weight] or default
    while len(weights) > 1 and weights[-1] == 0:
        weights.pop()
    return None if weights == [0] and default == [0] else weights[0] if len(weights) == 1 else weights


def _rules(rules: Any, phase: str | None) -> Any:
    """Rules that speak of a phase, without it, in an order of their own; None where they don't ask for more."""
    plain = [_plain_message(rule) for rule in rules]
    if phase is not None:
        plain = [rule for rule in plain if rule.pop("phase", phase) == phase]
    return None if not plain or {} in plain else sorted(plain, key=repr)
