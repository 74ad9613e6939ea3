"""Changes prototxt at random: a net or a solver, in any format, mostly so that it can be read still."""

import copy

from change_text import CHANGES, change_text
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Kind
from words import FLOATS, HUGE, INTEGERS, NAMES, SMALL_FLOATS, TEXTS, TYPES

from netcompile import caffe_pb2

_RANGES = {
    Kind.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Kind.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Kind.CPPTYPE_UINT32: (0, 2**32 - 1),
    Kind.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def change_net(text, random, donors=()):
    """Change the text of a net or a solver: as a message, or as text. Parts of `donors` may be put in."""
    message = None if random.random() < 0.2 else _message(text)
    if message is None:
        return change_text(text, random, donors)
    for _ in range(random.choice(CHANGES)):
        _change_message(message, random, plausible=random.random() < 0.7)
    changed = text_format.MessageToString(message)
    return changed if random.random() < 0.85 else change_text(changed, random, donors)


def _message(text):
    for kind in (caffe_pb2.NetParameter, caffe_pb2.SolverParameter):
        message = kind()
        try:
            return text_format.Parse(text, message)
        except (text_format.ParseError, UnicodeError, RecursionError, SystemError):  # of a surrogate, in a name
            continue
    return None


def _change_message(message, random, *, plausible):
    """Make one change: to a field anywhere in it, or to its list of layers. `plausible` values are small."""
    layers = next((getattr(message, name) for name in ("layer", "layers") if len(getattr(message, name, ()))), None)
    action = random.random()
    if layers is not None and action < 0.25:
        _change_layers(layers, random)
    elif layers is not None and action < 0.45:
        _rewire(layers, random)
    else:
        _change_field(random.choice(list(_messages(message))), random, plausible)


def _messages(message):
    yield message
    for field, value in message.ListFields():
        if field.message_type:
            for inner in value if _is_repeated(field) else [value]:
                yield from _messages(inner)


def _is_repeated(field):
    many = getattr(field, "is_repeated", None)  # which came with protobuf 6.31
    return field.label == field.LABEL_REPEATED if many is None else many


def _change_layers(layers, random):
    action = random.randrange(4)
    i, j = random.randrange(len(layers)), random.randrange(len(layers))
    if action == 0:
        del layers[i]
    elif action == 1:
        layers.add().CopyFrom(layers[i])
    elif action == 2:
        first, second = copy.deepcopy(layers[i]), copy.deepcopy(layers[j])
        layers[i].CopyFrom(second)
        layers[j].CopyFrom(first)
    elif isinstance(layers[i].type, str):
        layers[i].type = random.choice(TYPES)


def _rewire(layers, random):
    """Change what a layer reads or makes."""
    blobs = sorted({name for layer in layers for name in (*layer.top, *layer.bottom)}) or ["a"]
    layer = random.choice(layers)
    names = layer.bottom if random.random() < 0.6 else layer.top
    action = random.random()
    if names and action < 0.5:
        names[random.randrange(len(names))] = random.choice(blobs)
    elif names and action < 0.7:
        del names[random.randrange(len(names))]
    else:
        names.append(random.choice([*blobs, "new"]))


def _change_field(message, random, plausible):
    given = [field for field, _ in message.ListFields()]
    field = random.choice(given if given and random.random() < 0.5 else _fields(message, random))
    value = getattr(message, field.name)
    if random.random() < 0.15:
        message.ClearField(field.name)
    elif field.message_type and not _is_repeated(field):
        value.SetInParent()
        _change_field(value, random, plausible)
    elif _is_repeated(field):
        _change_repeated(field, value, random, plausible)
    else:
        setattr(message, field.name, _scalar(field, random, plausible))


def _fields(message, random):
    """The fields to choose from: of a layer mostly those that its type reads, as nobody looks at the others."""
    fields = list(message.DESCRIPTOR.fields)
    kind = getattr(message, "type", None)
    if not isinstance(kind, str) or random.random() < 0.2:
        return fields
    own = {f"{word}param" for word in (kind.replace("_", "").lower(), "loss", "transform")}
    return [one for one in fields if not one.name.endswith("_param") or one.name.replace("_", "") in own]


def _change_repeated(field, values, random, plausible):
    action = random.random()
    if values and action < 0.25:
        del values[random.randrange(len(values))]
    elif field.message_type:
        inner = random.choice(values) if values and action < 0.5 else values.add()
        _change_field(inner, random, plausible)
    elif values and action < 0.6:
        values[random.randrange(len(values))] = _scalar(field, random, plausible)
    else:
        values.append(_scalar(field, random, plausible))


def _scalar(field, random, plausible):
    if field.enum_type:
        return random.choice(list(field.enum_type.values)).number
    if field.cpp_type in _RANGES:
        low, high = _RANGES[field.cpp_type]
        return min(max(random.choice(INTEGERS if plausible else [*INTEGERS, *HUGE]), low), high)
    if field.cpp_type == Kind.CPPTYPE_BOOL:
        return random.random() < 0.5
    if field.cpp_type in (Kind.CPPTYPE_FLOAT, Kind.CPPTYPE_DOUBLE):
        return random.choice(SMALL_FLOATS if plausible else FLOATS)
    text = random.choice(NAMES if plausible else TEXTS).encode("utf-8", "replace")
    return text if field.type == Kind.TYPE_BYTES else text.decode()
