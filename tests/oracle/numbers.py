"""Input numbers, times and durations of the documents, as exact values."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

GRAMMAR = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Doubt(Exception):
    """Something needed is missing or doubtful; `code` says what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def number(value: object) -> Fraction:
    """The exact value of a document's number; Doubt("BAD_NUMBER") for anything else."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Doubt("BAD_NUMBER")
    text = str(value)
    if not GRAMMAR.fullmatch(text) or len(re.sub(r"[eE].*|[^0-9]", "", text)) > 40:
        raise Doubt("BAD_NUMBER")
    result = Fraction(text)
    if result != 0 and not Fraction(1, 10**30) <= abs(result) <= 10**30:
        raise Doubt("BAD_NUMBER")
    return result


def optional_number(value: object) -> Fraction | None:
    """The number, or None where the document has none."""
    return None if value is None else number(value)


def instant(value: object) -> datetime:
    """A time with its zone; Doubt("BAD_TIME") otherwise."""
    try:
        result = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise Doubt("BAD_TIME") from None
    if result.tzinfo is None:
        raise Doubt("BAD_TIME")
    return result


def duration(value: str) -> timedelta:
    """`<integer>(s|m|h|d)`."""
    return timedelta(**{UNITS[value[-1]]: int(value[:-1])})


def decimal_text(value: Fraction, places: int = 12) -> str:
    """The value as a plain decimal: itself where finite within `places`, otherwise rounded half up there."""
    scaled = (abs(value) * 10**places * 2 + 1) // 2
    whole, part = divmod(scaled, 10**places)
    text = f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")
    return "-" + text if value < 0 and text != "0" else text
