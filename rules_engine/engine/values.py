"""Readers of single values: text, numbers, times. Each returns what the record holds or raises `Refusal`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

from rules_engine.numbers.text import (
    LARGEST,
    NumberError,
    is_everyday,
    out_of_range,
    parse_number,
    shown,
    within_limits,
)

Read = TypeVar("Read")

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6}0*)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch
_TIME_HINT: Final = "RFC 3339 with a zone, to the microsecond, such as 2026-12-02T00:00:00Z"


class Refusal(Exception):
    """A value cannot be used: a code of the published list, a sentence, and what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class JsonNumber(str):
    """The text of a JSON number: a number by type, not yet by grammar."""

    __slots__ = ()


def text(value: object) -> str:
    """Text that names something: not empty, without control characters."""
    if type(value) is str and value.isprintable() and not value.isspace() and value:
        return value
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        raise wrong_type(value, "text")
    if not value or value.isspace():
        raise Refusal("TEXT_EMPTY", "the text is empty")
    if _CONTROL(value):
        raise Refusal("TEXT_INVALID", f"{shown(value)} has control characters")
    return str(value)


def number(value: object) -> Decimal:
    """An exact number: text, a JSON number, an int or a Decimal; never a float or a bool."""
    if type(value) is str and is_everyday(value):
        return Decimal(value)
    try:
        return _unusual_number(value)
    except NumberError as error:
        raise Refusal(error.code, error.message, error.hint) from None


def _unusual_number(value: object) -> Decimal:
    if isinstance(value, str):
        return parse_number(value)
    if isinstance(value, Decimal):
        return within_limits(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST:
            raise out_of_range(f"an integer of {value.bit_length()} bits")
        return Decimal(value)
    if isinstance(value, float):
        raise Refusal("NUMBER_IS_FLOAT", f"{value!r} is a binary float", "pass text or a Decimal")
    raise wrong_type(value, "a number")


def positive(value: object) -> Decimal:
    """A number above zero."""
    found = number(value)
    if found <= 0:
        raise Refusal("VALUE_RANGE", f"{found} is not above zero")
    return found


def not_zero(value: object) -> Decimal:
    """A number other than zero."""
    found = number(value)
    if not found:
        raise Refusal("VALUE_RANGE", "the number is zero")
    return found


def fee_rate(value: object) -> Decimal:
    """A fraction of notional: at least zero, below one."""
    found = number(value)
    if not 0 <= found < 1:
        raise Refusal("VALUE_RANGE", f"{found} is not a fraction of one", "zero or more, below 1")
    return found


def truth(value: object) -> bool:
    """True or false."""
    if value is True or value is False:
        return value
    raise wrong_type(value, "true or false")


def time(value: object) -> datetime:
    """An instant, in UTC: RFC 3339 text or an aware datetime."""
    if isinstance(value, str) and not isinstance(value, JsonNumber):
        return _time_of(value)
    if isinstance(value, datetime):
        return _in_utc(value, value.isoformat())
    raise wrong_type(value, "a time")


@lru_cache(maxsize=1024)  # most times of a document are the same one
def _time_of(written: str) -> datetime:
    if _RFC_3339(written):
        try:
            return _in_utc(datetime.fromisoformat(written.upper()), written)
        except ValueError:
            pass  # a thirteenth month, a leap second
    raise Refusal("TIME_INVALID", f"{shown(written)} is not a time", _TIME_HINT)


def _in_utc(value: datetime, written: str) -> datetime:
    if value.utcoffset() is None:
        hint = "add Z for UTC, or pass an aware datetime"
        raise Refusal("TIME_WITHOUT_ZONE", f"the time {written} has no zone", hint)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Refusal("TIME_INVALID", f"{shown(written)} lies beyond the calendar in UTC", _TIME_HINT) from None


def or_null(read: Callable[[object], Read]) -> Callable[[object], Read | None]:
    """A reader that lets null through: the value is known to be absent."""

    def read_or_null(value: object) -> Read | None:
        return None if value is None else read(value)

    return read_or_null


def wrong_type(value: object, wanted: str) -> Refusal:
    """The refusal of a value whose type is not the wanted one."""
    return Refusal("TYPE_WRONG", f"found {_kind(value)}, wanted {wanted}")


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "true or false"),
    (JsonNumber, "a number"),
    (str, "text"),
    ((int, float, Decimal), "a number"),
    ((dict,), "an object"),
    ((list, tuple), "a list"),
)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), type(value).__name__)
