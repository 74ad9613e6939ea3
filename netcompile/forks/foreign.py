"""Messages of another Caffe as ours, and the other way its defaults: field by field, by name.

Forks give new fields numbers that Caffe later gave to others, make single fields of repeated ones, and change defaults,
so that the bytes of a message of theirs may mean something else in ours. Works on descriptors alone; of layers it knows
which messages a type reads, as those have defaults even where they are not given.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

from netcompile.language.fill import is_repeated
from netcompile.layers import LAYER_TYPES
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    Copy: TypeAlias = "Callable[[Any, Any], bool]"  # from a value into a message; False where something of it is lost

_MESSAGE: Final = FieldDescriptor.CPPTYPE_MESSAGE
_ENUM: Final = FieldDescriptor.CPPTYPE_ENUM
_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
_NUMBERS: Final = _INTEGERS | {FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE}
# Caffe tells these given from not given, so that a default written out would change what they mean.
_TOLD_APART: Final = frozenset({"normalize"})


def carry(source: Message, target: Message) -> bool:
    """Fill `target` with what `source` means, as far as it has the fields; False where something has no place in it.

    A field that is not given is given as the default of `source`, where that of `target` is another. But a number that
    a fork has taken back to 0 is left to `target`: forks do so to work it out by themselves.
    """
    plan = _plan(source.DESCRIPTOR, target.DESCRIPTOR)
    if plan is None:
        target.MergeFromString(source.SerializePartialToString())
        return True
    whole = True
    for field, value in source.ListFields():
        copy = None if field.is_extension else plan.copies.get(field.name)
        whole = copy is not None and copy(target, value) and whole
    _give(target, plan.meant)
    return whole


def carry_layer(source: Message, target: Any) -> bool:
    """`carry` for a layer, with the defaults of the messages that its type reads and that are not given."""
    whole = carry(source, target)
    given = source.DESCRIPTOR.fields_by_name
    for name in _reads(target.type):
        if name in given and not target.HasField(name):
            block = getattr(target, name)
            plan = _plan(given[name].message_type, block.DESCRIPTOR)
            _give(block, plan.meant if plan else ())
    return whole


def write_defaults(message: Any, own: Descriptor) -> None:
    """Write out what a message of another Caffe leaves to its defaults where ours, of type `own`, are others."""
    plan = _plan(own, message.DESCRIPTOR)
    if plan is None:
        return
    _give(message, plan.defaults)
    for field, value in message.ListFields():
        twin = own.fields_by_name.get(field.name)
        if field.cpp_type == _MESSAGE and twin is not None and twin.message_type:
            for one in value if is_repeated(field) else (value,):
                write_defaults(one, twin.message_type)


def write_layer_defaults(layer: Any, own: Descriptor) -> None:
    """`write_defaults` for a layer, with the messages that its type reads and that are not given."""
    given = layer.DESCRIPTOR.fields_by_name
    for name in _reads(layer.type):
        if name in given and not layer.HasField(name):
            plan = _plan(own.fields_by_name[name].message_type, given[name].message_type)
            if plan is not None and plan.defaults:
                getattr(layer, name).SetInParent()
    write_defaults(layer, own)


def spell_defaults(message: Any, own: Descriptor) -> None:
    """Write out a message's own defaults where those of ours, of type `own`, are others: then both mean the same."""
    plan = _plan(message.DESCRIPTOR, own)
    if plan is None:
        return
    if message.DESCRIPTOR.name == "LayerParameter":
        _give_blocks(message, own)
    for name, _ in plan.defaults:
        if not message.HasField(name):
            setattr(message, name, getattr(message, name))
    for field, value in message.ListFields():
        twin = own.fields_by_name.get(field.name)
        if field.cpp_type == _MESSAGE and twin is not None and twin.message_type:
            for one in value if is_repeated(field) else (value,):
                spell_defaults(one, twin.message_type)


def _give_blocks(layer: Any, own: Descriptor) -> None:
    """Make room for the defaults of the messages that a layer's type reads and that are not given."""
    given = layer.DESCRIPTOR.fields_by_name
    for name in _reads(layer.type):
        plan = _plan(given[name].message_type, own.fields_by_name[name].message_type) if name in given else None
        if plan is not None and plan.defaults and not layer.HasField(name):
            getattr(layer, name).SetInParent()


def _reads(type_name: str) -> tuple[str, ...]:
    kind = LAYER_TYPES.get(type_name)
    return kind.messages if kind else ()


class _Plan(NamedTuple):
    """How a type of message is carried into another: each field's copying, and the defaults that differ."""

    copies: dict[str, Copy]
    defaults: tuple[tuple[str, Any], ...]
    meant: tuple[tuple[str, Any], ...]  # those but for numbers that are 0


def _give(message: Any, defaults: tuple[tuple[str, Any], ...]) -> None:
    for name, value in defaults:
        if not message.HasField(name):
            setattr(message, name, value)


@lru_cache(maxsize=1024)
def _plan(source: Descriptor, target: Descriptor) -> _Plan | None:
    """How to carry; None where the two are the same, byte for byte."""
    if _alike(source, target, set()):
        return None
    copies: dict[str, Copy] = {}
    defaults, meant = [], []
    for field in source.fields:
        twin = target.fields_by_name.get(field.name)
        copy = _copy(field, twin) if twin is not None else None
        if copy is None or twin is None:
            continue
        copies[field.name] = copy
        if field.cpp_type != _MESSAGE and not is_repeated(field) and not is_repeated(twin):
            value = _default_in(field, twin)
            if value is not None and field.name not in _TOLD_APART:
                defaults.append((field.name, value))
                meant += [] if value == 0 and field.cpp_type in _NUMBERS else defaults[-1:]
    return _Plan(copies, tuple(defaults), tuple(meant))


def _default_in(field: FieldDescriptor, twin: FieldDescriptor) -> Any:
    """The default of `field` as a value of `twin`, where that has another; else None."""
    value, other = field.default_value, twin.default_value
    if field.enum_type is not None and twin.enum_type is not None:
        name = field.enum_type.values_by_number[value].name
        number = twin.enum_type.values_by_name.get(name)
        return None if number is None or number.number == other else number.number
    return None if value == other else value


def _alike(one: Descriptor, other: Descriptor, seen: set[str]) -> bool:
    """Whether two types of message have the same fields, down to the last enum."""
    if one.full_name in seen:
        return True
    seen.add(one.full_name)
    if _declared(one, DescriptorProto) != _declared(other, DescriptorProto):
        return False
    pairs = list(zip(one.fields, other.fields, strict=True))
    enums = [(field.enum_type, twin.enum_type) for field, twin in pairs if field.enum_type]
    if any(_declared(enum, EnumDescriptorProto) != _declared(twin, EnumDescriptorProto) for enum, twin in enums):
        return False
    inner = ((field.message_type, twin.message_type) for field, twin in pairs if field.message_type)
    return all(_alike(message, twin, seen) for message, twin in inner)  # type: ignore[arg-type]


def _declared(descriptor: Any, proto: Callable[[], Any]) -> Any:
    """The declaration of a message or enum."""
    declared = proto()
    descriptor.CopyToProto(declared)
    return declared


def _copy(field: FieldDescriptor, twin: FieldDescriptor) -> Copy | None:
    """How the value of a field comes into its namesake; None where the kinds have nothing to do with each other."""
    single = _single(field, twin)
    if single is None:
        return None
    if not is_repeated(field):
        return single
    if is_repeated(twin):
        if field.type == twin.type and field.cpp_type not in (_MESSAGE, _ENUM):
            return lambda target, values: getattr(target, field.name).extend(values) is None
        # All of them: what can't be carried must not keep back the rest.
        return lambda target, values: False not in [single(target, value) for value in values]
    return lambda target, values: len(values) == 1 and single(target, values[0])


def _single(field: FieldDescriptor, twin: FieldDescriptor) -> Copy | None:
    """How one value comes into a message, as the value or one more value of a field."""
    name, many = twin.name, is_repeated(twin)
    if field.cpp_type == _MESSAGE and twin.cpp_type == _MESSAGE:
        carry_one = carry_layer if field.message_type.name == "LayerParameter" else carry  # type: ignore[union-attr]

        def copy_message(target: Any, value: Any) -> bool:
            inner = getattr(target, name)
            inner = inner.add() if many else inner
            inner.SetInParent()
            return carry_one(value, inner)

        return copy_message
    if field.cpp_type == _ENUM and twin.cpp_type == _ENUM:
        return _enum(field, twin)
    kinds = {field.cpp_type, twin.cpp_type}
    if field.type != twin.type and not kinds <= _NUMBERS:
        return None

    def copy_value(target: Any, value: Any) -> bool:
        try:
            _put(target, name, value, many=many)
        except (TypeError, ValueError):  # too large, or no integer
            return False
        return True

    return copy_value


def _enum(field: FieldDescriptor, twin: FieldDescriptor) -> Copy:
    name, many = twin.name, is_repeated(twin)
    assert field.enum_type is not None
    assert twin.enum_type is not None
    numbers = {value.name: value.number for value in twin.enum_type.values}
    known = {value.number: numbers.get(value.name) for value in field.enum_type.values}

    def copy(target: Any, value: int) -> bool:
        number = known.get(value)
        if number is not None:
            _put(target, name, number, many=many)
        return number is not None

    return copy


def _put(message: Any, name: str, value: Any, *, many: bool) -> None:
    if many:
        getattr(message, name).append(value)
    else:
        setattr(message, name, value)
