"""Why a message does not take a field, or a field a value: the code, the message and the hint of the finding.

Read only for what is refused. Must not know places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor

from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.diagnostics import did_you_mean
from netcompile.text_format.fields import unquote
from netcompile.text_format.scan import INTEGER, LIST, MALFORMED, MESSAGE, NUMBER, STRING, STRINGS, WORD

if TYPE_CHECKING:
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
_MOVED: Final = {  # fields of V1 layers that are lists of their own
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
    "blob_share_mode": "share_mode",
}


def explain_field(name: str, message: Any) -> tuple[str, str | None]:
    """The message and the hint for a field that a message type does not have."""
    text = f"{message.name} has no field '{name}'"
    if name in _MOVED and "param" in message.fields_by_name:
        return text, f"write param {{ {_MOVED[name]}: ... }} instead, once for each learned blob"
    inside = [
        field.name for field in message.fields if field.message_type and name in field.message_type.fields_by_name
    ]
    if inside:
        return text, f"it is a field of {' and '.join(inside[:3])}{' and others' if inside[3:] else ''}"
    if _is_own(name, message):
        return text, _NOT_IN_FORK
    meant = did_you_mean(name, message.fields_by_name)
    guess = f"did you mean '{meant}'? " if meant else ""
    return text, f"{guess}{_remedy('field', message)}"


def _remedy(what: str, declared: Any) -> str:
    """What to do about a field or value that is none, of a message or enum of Caffe's own or of a fork."""
    if declared.file is own_messages.DESCRIPTOR:
        return f"a {what} of a Caffe fork needs the fork's messages: --caffe"
    return f"the fork that --caffe names has no such {what} either"


def _is_own(name: str, message: Any) -> bool:
    """Whether Caffe has a field that a fork's message lacks."""
    messages: Any = own_messages.DESCRIPTOR.message_types_by_name
    return message.name in messages and name in messages[message.name].fields_by_name


def explain_value(entry: Entry, field: Field) -> tuple[str, str, str | None]:
    """The code, the message and the hint for a value that its field does not take."""
    if entry.kind == MALFORMED:
        return _explain_malformed(entry, field)
    if entry.kind not in field.readers:
        found = _KINDS[entry.kind]
        return "wrong-kind", f"'{entry.name}' takes {field.takes}, not {found}", _hint_kind(entry, field)
    if field.descriptor.enum_type:
        return _explain_enum(entry, field.descriptor.enum_type)
    if entry.kind in (STRING, STRINGS):
        return _explain_string(entry)
    return _explain_number(entry, field)


def _shown(entry: Entry) -> str:
    text = str(entry.value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _explain_malformed(entry: Entry, field: Field) -> tuple[str, str, str | None]:
    hint = "put it into quotes" if STRING in field.readers else None
    return "syntax", f"{_shown(entry)!r} is neither a number nor a word", hint


def _hint_kind(entry: Entry, field: Field) -> str | None:
    if entry.kind == MESSAGE or field.message:
        return None
    if STRING in field.readers:
        return f'write "{_shown(entry)}"'
    return f"write {entry.value[1:-1]} without quotes" if entry.kind == STRING and entry.value[1:-1] else None


def _explain_enum(entry: Entry, enum: Any) -> tuple[str, str, str | None]:
    names = [value.name for value in enum.values]
    choice = f"one of {', '.join(names)}"
    if entry.kind == NUMBER and not _is_integer(entry.value):
        return "wrong-kind", f"'{entry.name}' takes a word or its number, not {_shown(entry)}", choice
    meant = did_you_mean(entry.value, names)
    text = f"'{entry.name}' has no value {_shown(entry)}"
    guess = f"did you mean '{meant}'? " if meant else f"{choice}; " if len(names) <= _LISTED else ""
    return "unknown-enum-value", text, f"{guess}{_remedy('value', enum)}"


def _explain_string(entry: Entry) -> tuple[str, str, str | None]:
    try:
        unquote(entry.value)
    except ValueError as wrong:
        return "syntax", f"'{wrong}' is no escape that a string can have", r"a backslash itself is written \\"
    return "not-utf8", f"the text of '{entry.name}' is not UTF-8", None


def _explain_number(entry: Entry, field: Field) -> tuple[str, str, str | None]:
    limits = _RANGES.get(field.descriptor.cpp_type)
    if limits is None or not _is_integer(entry.value):
        return "wrong-kind", f"'{entry.name}' takes {field.takes}, not {_shown(entry)}", None
    return "out-of-range", f"{_shown(entry)} is not between {limits[0]} and {limits[1]}", None


def _is_integer(text: str) -> bool:
    """True for a decimal, hexadecimal or octal integer, with or without a sign."""
    digits = text.lstrip("-").strip()
    return digits.isdigit() or digits[:2] in ("0x", "0X")
