"""What the operators of expressions do to values, and the bounds that they keep.

A number is an int or a float, never a truth value; an integral float counts as an integer. What an operator makes is
bounded in size, and so is what it takes to make it. This module knows nothing of how expressions are written.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[Any, Value] | None"

MAX_INTEGER: Final = 2**63
MAX_TEXT: Final = 10_000
MAX_ENTRIES: Final = 1_000
MAX_LEVELS: Final = 32
_SHOWN: Final = 40

_CALCULATIONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class OperationError(Exception):
    """An operation that its operands don't allow. `code` is "bad-expression", or "expansion-limit" past a bound."""

    def __init__(self, message: str, code: str = "bad-expression", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


def calculate(symbol: str, left: Value, right: Value) -> Value:
    """`left symbol right` for the arithmetic operators; `+` joins texts and lists too."""
    if symbol == "+" and isinstance(left, str) and isinstance(right, str):
        return _joined(left, right)
    if symbol == "+" and isinstance(left, list) and isinstance(right, list):
        return make_list(*left, *right)
    if not (is_number(left) and is_number(right)):
        kinds = "two numbers, two texts or two lists" if symbol == "+" else "two numbers"
        message = f"{_said(symbol, left, right)}: {symbol} takes {kinds}"
        raise OperationError(message, hint=_text_hint(symbol, left, right))
    if _huge(left) or _huge(right) or (symbol == "**" and _huge_power(left, right)):
        raise _beyond(symbol, left, right)
    try:
        result = _CALCULATIONS[symbol](left, right)
    except ZeroDivisionError:
        raise OperationError(f"{_said(symbol, left, right)}: division by zero") from None
    except OverflowError:
        result = math.inf
    if isinstance(result, float) and math.isfinite(result):
        return integral(result)
    if not isinstance(result, int):
        raise OperationError(f"{_said(symbol, left, right)} is not a finite real number")
    if _huge(result):
        raise _beyond(symbol, left, right)
    return result


def sign(symbol: str, value: Value) -> Value:
    """`+value` or `-value`."""
    if not is_number(value):
        raise OperationError(f"{symbol}{describe(value)}: not a number")
    return calculate(symbol, 0, value)


def compare(symbol: str, left: Value, right: Value) -> bool:
    """`left symbol right` for one comparison. Values of different kinds are unequal, and have no order."""
    if symbol in ("==", "!="):
        for side in (left, right):
            if isinstance(side, (list, dict)):
                _refuse_large(side)
        return (left == right) is (symbol == "==")
    numbers = is_number(left) and is_number(right)
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise OperationError(f"{_said(symbol, left, right)}: only numbers or two texts have an order")
    return _ORDERS[symbol](left, right)


def index(holder: Value, position: Value) -> Value:
    """`holder[position]`: an entry of a list or a character of a text; a negative position counts from the end."""
    if not isinstance(holder, (str, list)):
        raise OperationError(f"{describe(holder)} has no entries to index: only lists and texts have")
    if isinstance(position, float):
        position = integral(position)
    if isinstance(position, bool) or not isinstance(position, int):
        raise OperationError(f"an index is an integer, not {describe(position)}")
    if not -len(holder) <= position < len(holder):
        raise OperationError(f"index {describe(position)} is out of range: {describe(holder)} has length {len(holder)}")
    return holder[position]


def make_list(*entries: Value) -> Value:
    """A list of `entries`."""
    made = list(entries)
    _refuse_large(made)
    return made


def spell(value: Value) -> str:
    """`value` as YAML writes it, for use inside other text. Lists and mappings have no such form."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        raise OperationError(f"{describe(value)} can't stand inside other text")
    if is_number(value) and _huge(value):
        raise OperationError(f"{describe(value)} is beyond the largest integer, 2**63", "expansion-limit")
    return _spelt(value)


def is_number(value: Value) -> TypeGuard[int | float]:
    """True for an int or a float; a truth value is no number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def integral(number: float) -> int | float:
    """`number` as an int where it is whole and in the range of integers, else unchanged."""
    return int(number) if number.is_integer() and abs(number) <= MAX_INTEGER else number


def describe(value: Value) -> str:
    """`value` in a few words, for messages."""
    if isinstance(value, str):
        return repr(shorten(value))
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a mapping"
    if is_number(value) and _huge(value):
        return f"an integer of {value.bit_length()} bits"
    return _spelt(value)


def shorten(text: str) -> str:
    """`text`, cut where it is too long to be quoted in a message."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _spelt(value: float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value):
        return str(integral(value))
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _said(symbol: str, left: Value, right: Value) -> str:
    return f"{describe(left)} {symbol} {describe(right)}"


def _beyond(symbol: str, left: Value, right: Value) -> OperationError:
    return OperationError(f"{_said(symbol, left, right)} is beyond the largest integer, 2**63", "expansion-limit")


def _huge(number: float) -> TypeGuard[int]:
    return isinstance(number, int) and abs(number) > MAX_INTEGER


def _huge_power(base: float, exponent: float) -> bool:
    """Tell whether the power has more bits than the largest integer. Where it has not, it is quickly made."""
    if not (isinstance(base, int) and isinstance(exponent, int)) or abs(base) <= 1:
        return False
    return exponent * (base.bit_length() - 1) > MAX_INTEGER.bit_length()


def _joined(left: str, right: str) -> str:
    length = len(left) + len(right)
    if length > MAX_TEXT:
        raise OperationError(f"a text of {length} characters, more than {MAX_TEXT}", "expansion-limit")
    return left + right


def _refuse_large(holder: Value) -> None:
    """Refuse more than MAX_ENTRIES entries, inner ones included, or more than MAX_LEVELS levels of them."""
    entries = 0
    level: list[Any] = [holder]
    for _ in range(MAX_LEVELS):
        entries += sum(map(len, level))
        if entries > MAX_ENTRIES:
            raise OperationError(f"a list of more than {MAX_ENTRIES} entries, inner ones included", "expansion-limit")
        level = [
            entry
            for each in level
            for entry in (each.values() if isinstance(each, dict) else each)
            if isinstance(entry, (list, dict))
        ]
        if not level:
            return
    raise OperationError(f"lists nested more than {MAX_LEVELS} deep", "expansion-limit")


def _text_hint(symbol: str, left: Value, right: Value) -> str | None:
    if symbol != "+" or not (isinstance(left, str) or isinstance(right, str)):
        return None
    return "a $name inside quotes puts any value into a text: 'conv$i'"
