"""Why a message does not take a field, or a field a value: the code, the message and the hint of the finding.

Read only for what is refused. Must not know places.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor

from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.diagnostics import did_you_mean
from netcompile.language.wording import is_slip
from netcompile.layers import LAYER_TYPES
from netcompile.records import NamedTuple
from netcompile.text_format.fields import unquote
from netcompile.text_format.scan import (
    INTEGER,
    LIST,
    MALFORMED,
    MESSAGE,
    NUMBER,
    STRING,
    STRINGS,
    VALUE,
    WORD,
    pattern,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netcompile.text_format.fields import Field
    from netcompile.text_format.scan import Entry

_SHOWN: Final = 40
_LISTED: Final = 8
_NOT_IN_FORK: Final = "Caffe has it, but the fork that --caffe names does not"
_KINDS: Final = {
    INTEGER: "a number",
    NUMBER: "a number",
    STRING: "a quoted string",
    STRINGS: "a quoted string",
    WORD: "a word without quotes",
    MESSAGE: "a block",
    LIST: "a list",
}
_RANGES: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_NAMED: Final = 3
_CURLY: Final = "\u201c\u201d\u2018\u2019"
_TRUTHS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_USUAL: Final = {"lr": "base_lr", "learning_rate": "base_lr", "iterations": "max_iter", "optimizer": "type"}
_WHOLE: Final = pattern(rf"(){VALUE}")
_TYPE: Final = re.compile(r"""\btype\s*:\s*(["']?)[A-Z]""")  # of a layer: those of fillers are small
_MOVED: Final = {  # fields of V1 layers that are lists of their own
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
    "blob_share_mode": "share_mode",
}


class Refusal(NamedTuple):
    """Why a field does not take a value. `meant` is the value that it can only have been meant to take, if any.

    For a block, that is a mapping with its fields.
    """

    code: str
    message: str
    hint: str | None = None
    meant: Any = None


def explain_field(name: str, message: Any, around: Any = None) -> tuple[str, str | None, str | None]:
    """The message and the hint for a field that a message type does not have, and the one that it must be a slip for.

    `around` is the type of the element at the top in which the message stands.
    """
    text = f"{message.name} has no field '{name}'"
    usual = _USUAL.get(name) if message.name == "SolverParameter" else None
    meant = did_you_mean(name, message.fields_by_name)
    if usual:
        return text, f"Caffe calls it '{usual}'", usual
    hint = _say_where(name, message, around, slip=bool(meant and is_slip(name, meant)))
    if hint is not None:
        return text, hint, None
    if meant and is_slip(name, meant):
        return text, f"did you mean '{meant}'?", meant
    guess = f"did you mean '{meant}'? " if meant else ""
    return text, f"{guess}{_remedy('field', message)}", None


def _say_where(name: str, message: Any, around: Any, *, slip: bool) -> str | None:
    """The hint for a field that is one elsewhere; where it is a `slip` for one here, only of fields near by."""
    if name in _MOVED and "param" in message.fields_by_name:
        return f"write param {{ {_MOVED[name]}: ... }} instead, once for each learned blob"
    inside = _holders(name, message)
    if inside:
        return f"it is a field of {inside}"
    if _is_own(name, message):
        return _NOT_IN_FORK
    if around is None or around is message or slip:
        return None
    if name in around.fields_by_name:
        return f"it is a field of {around.name}, outside of this block"
    elsewhere = _holders(name, around)
    return f"it is a field of {elsewhere}" if elsewhere else None


def _holders(name: str, message: Any) -> str:
    """The fields of a message type whose blocks have a field of that name, listed."""
    held = [field.name for field in message.fields if field.message_type and name in field.message_type.fields_by_name]
    return listed(held)


def listed(names: Sequence[str]) -> str:
    """Some names in a sentence, of many the first; empty where there are none."""
    *first, last = [*names[:_NAMED], "others"] if names[_NAMED:] else names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _remedy(what: str, declared: Any) -> str:
    """What to do about a field or value that is none, of a message or enum of Caffe's own or of a fork."""
    if declared.file is own_messages.DESCRIPTOR:
        return f"a {what} of a Caffe fork needs the fork's messages: --caffe"
    return f"the fork that --caffe names has no such {what} either"


def _is_own(name: str, message: Any) -> bool:
    """Whether Caffe has a field that a fork's message lacks."""
    messages: Any = own_messages.DESCRIPTOR.message_types_by_name
    return message.name in messages and name in messages[message.name].fields_by_name


def explain_format(field: str, kind: str, enum: Any, text: str) -> Refusal | None:
    """Why one of the `layers` is a `layer` by its type, or the reverse; None where the type is to blame.

    `kind` is the type as it is written, `enum` has those that `layers` take.
    """
    named = kind.strip("\"'") in enum.values_by_name
    if named == (field == "layers") or _are_types_words(text) != (field == "layer"):
        return None
    if field == "layers":
        message = f"type {kind} is that of a `layer`: `layers` have one without quotes"
        return Refusal("wrong-kind", message, "write `layer` here, and wherever a type has quotes")
    message = f"type {kind} is that of one of the `layers`: a `layer` has one in quotes"
    return Refusal("wrong-kind", message, "write `layers` here, as for the others")


@lru_cache(maxsize=1)
def _are_types_words(text: str) -> bool:
    """Whether the types of layers have no quotes, or most of them: a net of `layers`, as V1 writes them."""
    quotes = _TYPE.findall(text)
    return quotes.count("") * 2 >= len(quotes)


def explain_value(entry: Entry, field: Field) -> Refusal:
    """Why a field does not take a value."""
    if field.message is not None:
        return _explain_block(entry, field.message)
    if entry.kind == MALFORMED:
        return _explain_malformed(entry, field)
    if field.descriptor.enum_type and entry.kind not in (MESSAGE, STRING, STRINGS):
        return _explain_enum(entry, field)
    if entry.kind not in field.readers:
        return _explain_kind(entry, field)
    if entry.kind in (STRING, STRINGS):
        return _explain_string(entry)
    return _explain_number(entry, field)


def _shown(text: Any) -> str:
    shown = str(text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."


def _explain_block(entry: Entry, inner: Any) -> Refusal:
    """A block that is given a single value, or a list of them."""
    name = entry.name
    text = f"'{name}' takes a block, not {_KINDS.get(entry.kind, 'a word')}"
    value = _plain(entry)
    if inner.name == "NetStateRule" and value in ("TRAIN", "TEST"):
        number = inner.fields_by_name["phase"].enum_type.values_by_name[value].number
        return Refusal("wrong-kind", text, f"write {name} {{ phase: {value} }}", {"phase": number})
    if inner.name == "NetState" and entry.kind == STRING:
        return Refusal("wrong-kind", text, f"write {name} {{ stage: {entry.value} }}", {"stage": [value]})
    if inner.name == "FillerParameter" and entry.kind in (WORD, STRING) and _is_text(value):
        return Refusal("wrong-kind", text, f'write {name} {{ type: "{value}" }}', {"type": value})
    if inner.name == "BlobShape" and entry.kind == LIST and all(item.kind == INTEGER for item in entry.value):
        dims = [int(item.value) for item in entry.value]
        return Refusal("wrong-kind", text, f"write {name} {{ dim: {_shown(dims)} }}", {"dim": dims})
    return Refusal("wrong-kind", text, f"write {name} {{ ... }}, with its fields between the braces")


def _plain(entry: Entry) -> Any:
    """A single value without its quotes."""
    return entry.value[1:-1] if entry.kind == STRING else entry.value


def _explain_malformed(entry: Entry, field: Field) -> Refusal:
    value = entry.value.strip(_CURLY)
    text = f"{_shown(entry.value)!r} is neither a number nor a word"
    if STRING in field.readers:
        hint = f'write "{_shown(value)}", with {"straight " if value != entry.value else ""}quotes'
        meant = STRINGS in field.readers and "\\" not in value and _is_text(value)
        return Refusal("syntax", text, hint, value if meant else None)
    digits = value.replace("_", "")
    if digits.isdigit() and INTEGER in field.readers:
        return Refusal("syntax", text, f"write {digits}")
    return Refusal("syntax", text)


def _is_text(value: str) -> bool:
    """False for what holds bytes that are no UTF-8, and so can stand in no message."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _explain_kind(entry: Entry, field: Field) -> Refusal:
    name, value = entry.name, _plain(entry)
    text = f"'{name}' takes {field.takes}, not {_KINDS[entry.kind]}"
    if entry.kind in (MESSAGE, LIST):
        return Refusal("wrong-kind", text)
    if STRING in field.readers:
        meant = _layer_type(value) if _is_layer_type(field.descriptor) else value
        return Refusal("wrong-kind", text, f'write "{_shown(meant)}"', meant if entry.kind == WORD else None)
    read = _read(value, field) if entry.kind == STRING else None
    if read is not None:
        return Refusal("wrong-kind", text, f"write {_shown(value)} without quotes", read)
    if field.descriptor.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _explain_truth(entry, text)
    if entry.kind == STRING and field.descriptor.enum_type:
        return _explain_enum(entry._replace(kind=WORD, value=value), field)
    return Refusal("wrong-kind", text)


def _read(text: str, field: Field) -> Any:
    """The value that a text would be without quotes; None where the field does not take that either."""
    found = _WHOLE.fullmatch(text)
    reader = field.readers.get(found.lastindex or 0) if found else None
    try:
        return None if reader is None else reader(text)
    except (KeyError, ValueError):
        return None


def _is_layer_type(descriptor: Any) -> bool:
    return bool(descriptor.name == "type" and descriptor.containing_type.name == "LayerParameter")


def _layer_type(word: str) -> str:
    """A type of a layer as it is written today: `POOLING` was an enum's value before."""
    folded = word.replace("_", "").lower()
    old = {"softmaxloss": "SoftmaxWithLoss"}
    names: list[str] = [name for name in LAYER_TYPES if name.lower() == folded]
    return old.get(folded) or (names[0] if names else word)


def _explain_truth(entry: Entry, text: str) -> Refusal:
    meant = _TRUTHS.get(str(_plain(entry)).lower())
    word = "true" if meant else "false"
    return Refusal("wrong-kind", text, None if meant is None else f"write {word}", meant)


def _explain_enum(entry: Entry, field: Field) -> Refusal:
    enum: Any = field.descriptor.enum_type
    names = [value.name for value in enum.values]
    choice = f"one of {', '.join(names)}"
    if entry.kind == NUMBER and not _is_integer(entry.value):
        return Refusal("wrong-kind", f"'{entry.name}' takes a word or its number, not {_shown(entry.value)}", choice)
    meant = did_you_mean(entry.value, names)
    text = f"'{entry.name}' has no value {_shown(entry.value)}"
    if meant and is_slip(entry.value, meant):
        return Refusal("unknown-enum-value", text, f"did you mean '{meant}'?", enum.values_by_name[meant].number)
    guess = f"did you mean '{meant}'? " if meant else f"{choice}; " if len(names) <= _LISTED else ""
    return Refusal("unknown-enum-value", text, f"{guess}{_remedy('value', enum)}")


def _explain_string(entry: Entry) -> Refusal:
    try:
        text = unquote(entry.value).decode(errors="backslashreplace")  # so that two names stay two
    except ValueError as wrong:
        return Refusal("syntax", f"'{wrong}' is no escape that a string can have", r"a backslash itself is written \\")
    # Caffe takes it, and nothing of the element is lost.
    return Refusal("not-utf8", f"the text of '{entry.name}' is not UTF-8", meant=text)


def _explain_number(entry: Entry, field: Field) -> Refusal:
    limits = _RANGES.get(field.descriptor.cpp_type)
    if field.descriptor.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _explain_truth(entry, f"'{entry.name}' takes {field.takes}, not {_shown(entry.value)}")
    if limits is None or not _is_integer(entry.value):
        text = f"'{entry.name}' takes {field.takes}, not {_shown(entry.value)}"
        whole = _whole(entry.value) if limits else None
        if limits is None or whole is None or not limits[0] <= whole <= limits[1]:
            return Refusal("wrong-kind", text)
        return Refusal("wrong-kind", text, f"write {whole}", whole)
    text = f"{_shown(entry.value)} is not between {limits[0]} and {limits[1]}"
    return Refusal("out-of-range", f"'{entry.name}' takes {field.takes}: {text}")


def _whole(text: str) -> int | None:
    """The integer that a number with a fraction or an exponent is, if any."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None


def _is_integer(text: str) -> bool:
    """True for a decimal, hexadecimal or octal integer, with or without a sign."""
    digits = text.lstrip("-").strip()
    return digits.isdigit() or digits[:2] in ("0x", "0X")
