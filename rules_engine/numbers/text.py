"""The one grammar of numbers in text, and their way back: plain decimals without exponents."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from rules_engine.numbers.exact import ZERO

LARGEST: Final = Decimal("1e30")
SMALLEST: Final = Decimal("1e-30")
MOST_DIGITS: Final = 40

_NUMBER: Final = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:e[+-]?([0-9]+))?").fullmatch
_UNDERSCORED: Final = re.compile(r"-?[0-9]+(?:_[0-9]+)+(?:\.[0-9]+)?").fullmatch
_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?").fullmatch
_WITH_COMMAS: Final = re.compile(r"-?[0-9]+,[0-9]+|-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?").fullmatch
is_everyday: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch
"""A number so short that it is within every limit: what nearly all texts are, known by one look."""


class NumberError(ValueError):
    """A value is not a number of ours; `code` is NUMBER_INVALID (spelling) or NUMBER_RANGE (size, digits)."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def parse_number(text: str) -> Decimal:
    """The decimal that a text spells, exactly; raises `NumberError`. Takes time linear in the length of the text."""
    if is_everyday(text):
        return Decimal(text)
    match = _NUMBER(text)
    if match is None:
        raise NumberError("NUMBER_INVALID", f"{shown(text)} is not a number", _respelled(text))
    whole, fraction, exponent = match[1], match[2] or "", match[3] or ""
    if len(whole) + len(fraction) > MOST_DIGITS:
        raise NumberError(
            "NUMBER_RANGE", f"{shown(text)} has {len(whole) + len(fraction)} digits", f"at most {MOST_DIGITS} digits"
        )
    if not (whole + fraction).strip("0"):
        return ZERO
    if len(exponent.lstrip("0")) > 2:  # no number within the limits needs more; a Decimal of such an exponent is a trap
        raise out_of_range(shown(text))
    return within_limits(Decimal(text))


def _respelled(text: str) -> str:
    """How to write what people separate otherwise: `1_000`, `0,004`, `1,000,000`."""
    if len(text) <= MOST_DIGITS and _UNDERSCORED(text):
        return f"write {text.replace('_', '')}"
    if len(text) <= MOST_DIGITS and _WITH_COMMAS(text):
        grouped, point = text.replace(",", ""), text.replace(",", ".")
        if not _GROUPED(text):
            return f"write {point}"
        return f"write {grouped}" if text.count(",") > 1 or "." in text else f"write {grouped} or {point}, as is meant"
    return 'digits as in "-0.005" or "5e-3"'


def within_limits(value: Decimal) -> Decimal:
    """The value itself where it is finite, zero or of permitted size, and of permitted length; else `NumberError`."""
    if not value.is_finite():
        raise NumberError("NUMBER_INVALID", f"{shown(str(value))} is not a number")
    if not value:
        return ZERO
    if not SMALLEST <= value.copy_abs() <= LARGEST:
        raise out_of_range(shown(str(value)))
    if len(value.as_tuple().digits) > MOST_DIGITS:
        raise NumberError("NUMBER_RANGE", f"{shown(str(value))} is too long", f"at most {MOST_DIGITS} digits")
    return value


def out_of_range(found: str) -> NumberError:
    """The error for a number whose size is beyond the limits."""
    return NumberError("NUMBER_RANGE", f"{found} is too large or too small", "zero, or between 1e-30 and 1e30 in size")


def shown(text: str, longest: int = 40) -> str:
    """A text as evidence: quoted, invisible characters escaped, cut where it is long."""
    return repr(text) if len(text) <= longest else f"{text[:longest]!r}..."


def plain(value: Decimal) -> str:
    """A finite decimal in plain digits: no exponent, no trailing zeros, never `-0`."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
