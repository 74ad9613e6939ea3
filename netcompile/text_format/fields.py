"""What protobuf's text format takes for each kind of field, and how its values become Python's.

Asked of descriptors alone, so that every pool will do. Must not know places or findings: a value that a field does not
take raises ValueError or KeyError, and `prototxt` finds out why.
"""

from __future__ import annotations

import math
import re
import sys
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor

from netcompile.records import NamedTuple
from netcompile.text_format.scan import INTEGER, NUMBER, STRING, STRINGS, WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.descriptor import Descriptor, EnumDescriptor

    Readers = Mapping[int, Callable[[str], Any]]


class Field(NamedTuple):
    """A field as its reader sees it. `readers` has a function for each kind of single value that the field takes."""

    repeated: bool
    readers: Readers
    message: Descriptor | None
    takes: str
    descriptor: FieldDescriptor


_LITERAL: Final = re.compile(r"""#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""")
_ESCAPE: Final = re.compile(
    r"""\\(?:([abfnrtv\\?'"])|([0-7]{1,3})|x([\da-fA-F]{1,2})"""
    r"|u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})|u([\da-fA-F]{4})|U(00[01][\da-fA-F]{5})|(.))",
    re.ASCII | re.DOTALL,
)
_SIMPLE_ESCAPES: Final = dict(zip("abfnrtv\\?'\"", b"\a\b\f\n\r\t\v\\?'\"", strict=True))
_COMMENTS: Final = re.compile(r"\s+|#[^\n]*\n?")


def unquote(text: str) -> bytes:
    """The bytes that one or several adjacent literals stand for. An escape that protobuf refuses raises ValueError."""
    return b"".join(_unescape(literal[literal.lastindex]) for literal in _LITERAL.finditer(text) if literal.lastindex)


def _unescape(text: str) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for escape in _ESCAPE.finditer(text):
        pieces += (text[done : escape.start()].encode("utf-8", "surrogateescape"), _escaped(escape))
        done = escape.end()
    return b"".join((*pieces, text[done:].encode("utf-8", "surrogateescape")))


def _escaped(escape: re.Match[str]) -> bytes:
    simple, octal, hexadecimal, high, low, short, long, _ = escape.groups()
    if simple:
        return bytes((_SIMPLE_ESCAPES[simple],))
    if octal:
        return bytes((int(octal, 8) % 256,))
    if hexadecimal:
        return bytes((int(hexadecimal, 16),))
    if high:
        return (chr(int(high, 16)) + chr(int(low, 16))).encode("utf-16", "surrogatepass").decode("utf-16").encode()
    if short or long:
        code = int(short or long, 16)
        return chr(code).encode("utf-8", "surrogatepass") if code <= sys.maxunicode else b"\xff"
    raise ValueError(escape[0])


def _integer(text: str) -> int:
    """A signed, hexadecimal or octal integer."""
    sign, digits = (-1, _COMMENTS.sub("", text[1:])) if text[0] == "-" else (1, text)
    return sign * _natural(digits)


def _natural(text: str) -> int:
    """A hexadecimal or octal integer without a sign."""
    if text[0] == "-":
        raise ValueError(text)
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text, 8 if text[0] == "0" and text != "0" else 10)


def _float(text: str) -> float:
    """A decimal number with sign, fraction, exponent or the suffix f; infinity or not-a-number with a sign."""
    negative = text[0] == "-"
    digits = _COMMENTS.sub("", text[1:]) if negative else text
    if digits[0] == "0" and digits[1:2].isalnum() and digits[1] not in "eEfF":
        raise ValueError(text)
    value = _float_word(digits) if digits[0].isalpha() else float(digits.rstrip("fF"))
    return -value if negative else value  # not a product, in which -nan loses its sign


def _float32(text: str) -> float:
    """The same for 32 bits. Half-way to where infinity begins, protobuf's C++ parser rounds down, Python's up."""
    value = _float(text)
    return math.copysign(_MOST_FLOAT32, value) if abs(value) == _HALF_WAY else value


def _float_word(text: str) -> float:
    return _FLOAT_WORDS[text.lower()]


_FLOAT_WORDS: Final = {"inf": float("inf"), "infinity": float("inf"), "nan": float("nan")}
_TRUTHS: Final = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}
_MOST_FLOAT32: Final = (2 - 2**-23) * 2.0**127
_HALF_WAY: Final = (2 - 2**-24) * 2.0**127
_BITS: Final = {0: False, 1: True}


def _bit(text: str) -> bool:
    return _BITS[_natural(text)]


_SIGNED: Final[Readers] = {INTEGER: int, NUMBER: _integer}
_UNSIGNED: Final[Readers] = {INTEGER: int, NUMBER: _natural}
_REAL: Final[Readers] = {INTEGER: float, NUMBER: _float, WORD: _float_word}
_REAL32: Final[Readers] = {INTEGER: float, NUMBER: _float32, WORD: _float_word}
_BOOL: Final[Readers] = {WORD: _TRUTHS.__getitem__, INTEGER: _bit, NUMBER: _bit}
_TEXT: Final[Readers] = {STRING: itemgetter(slice(1, -1)), STRINGS: lambda text: unquote(text).decode()}
_BYTES: Final[Readers] = {STRING: unquote, STRINGS: unquote}

_SCALARS: Final[Mapping[int, tuple[Readers, str]]] = {
    FieldDescriptor.CPPTYPE_INT32: (_SIGNED, "an integer"),
    FieldDescriptor.CPPTYPE_INT64: (_SIGNED, "an integer"),
    FieldDescriptor.CPPTYPE_UINT32: (_UNSIGNED, "an integer from 0 on"),
    FieldDescriptor.CPPTYPE_UINT64: (_UNSIGNED, "an integer from 0 on"),
    FieldDescriptor.CPPTYPE_FLOAT: (_REAL32, "a number"),
    FieldDescriptor.CPPTYPE_DOUBLE: (_REAL, "a number"),
    FieldDescriptor.CPPTYPE_BOOL: (_BOOL, "true or false"),
    FieldDescriptor.CPPTYPE_STRING: (_TEXT, "a quoted string"),
}


@lru_cache(maxsize=1024)
def fields_of(descriptor: Descriptor) -> dict[str, Field]:
    """The fields of a message type by name."""
    return {field.name: _field(field) for field in descriptor.fields}


@lru_cache(maxsize=1024)
def block_names(descriptor: Any) -> frozenset[str]:
    """The names of all fields that take a block, in a message type or inside it."""
    names: set[str] = set()
    types, todo = {descriptor.full_name}, [descriptor]
    while todo:
        for field in todo.pop().fields:
            inner = field.message_type
            names.update([field.name] if inner else ())
            if inner and inner.full_name not in types:
                types.add(inner.full_name)
                todo.append(inner)
    return frozenset(names)


def _field(field: FieldDescriptor) -> Field:
    repeated = _is_repeated(field)
    if field.message_type:
        return Field(repeated, {}, field.message_type, "a block", field)
    if field.enum_type:
        return Field(repeated, _enum_readers(field.enum_type), None, "one word of its enum", field)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return Field(repeated, _BYTES, None, "a quoted string", field)
    readers, takes = _SCALARS[field.cpp_type]
    return Field(repeated, readers, None, takes, field)


def _is_repeated(field: Any) -> bool:
    # `label` goes away in protobuf 7; `is_repeated` came with 6.31.
    many = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if many is None else many)


def _enum_readers(enum: EnumDescriptor) -> Readers:
    numbers = {value.name: value.number for value in enum.values}
    known = {number: number for number in numbers.values()}
    return {
        WORD: numbers.__getitem__,
        INTEGER: lambda text: known[int(text)],
        NUMBER: lambda text: known[_integer(text)],
    }
