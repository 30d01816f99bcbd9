"""What a YAML scalar without quotes means: an exact number, true, false, nothing or text; what two readers could read
differently is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

Scalar: TypeAlias = Decimal | str | bool | None

LARGEST_DIGITS: Final = 40
"""Digits of a number, before and after the point together."""
LARGEST_SIZE: Final = 30
"""A number is zero or between 10^-30 and 10^30."""

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?")
_WORDS: Final[dict[str, bool | None]] = {"": None, "null": None, "true": True, "false": False}
_ZERO: Final = Decimal(0)


class Ambiguity(NamedTuple):
    """Why a scalar could be read in two ways, and what to write instead."""

    reading: str
    hint: str


_QUOTE: Final = "write it in quotes if it is text"
_TRUTH: Final = Ambiguity("true or false to some readers", f"write true or false; {_QUOTE}")
_SPELLING: Final = Ambiguity("text to some readers and not to others", f"write it in small letters; {_QUOTE}")
_AMBIGUOUS_WORDS: Final = {
    **dict.fromkeys(("yes", "no", "on", "off", "y", "n"), _TRUTH),
    **dict.fromkeys(("true", "false", "null"), _SPELLING),
    "~": Ambiguity("nothing to some readers", f"write null; {_QUOTE}"),
    "=": Ambiguity("a default value to some readers", _QUOTE),
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_AMBIGUOUS_NUMBERS: Final = [
    (re.compile(pattern, re.IGNORECASE), Ambiguity(reading, hint))
    for pattern, reading, hint in [
        (r"[-+]?0[0-9_]+(\.[0-9_]*)?(e[-+]?[0-9]+)?", "a number of base 8 to some readers", "remove the leading zero"),
        (r"[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)", "a number of another base to some readers", "write it in decimal"),
        (r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", "a number of base 60 to some readers", _QUOTE),
        (r"[-+]?\.(inf|nan)", "infinite or not a number to some readers", "write a finite number"),
        (r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", "one number or several", "write digits without separators"),
    ]
]
_NUMBER_LIKE: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_NOT_OUR_NUMBER: Final = Ambiguity(
    "a number to some readers, but not one of ours",
    f"numbers are written 12, -0.5 or 1e-8, with at most {LARGEST_DIGITS} digits, zero or from 1e-30 to 1e30; {_QUOTE}",
)


def number_of(text: str) -> Decimal | None:
    """The exact number that a text spells in the grammar of policies; None where it spells none."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, fraction, exponent = match.groups(default="")
    if len(whole) + len(fraction) > LARGEST_DIGITS or len(exponent) > LARGEST_DIGITS:
        return None
    if not (whole + fraction).strip("0"):
        return _ZERO
    if exponent and abs(int(exponent)) > 2 * (LARGEST_DIGITS + LARGEST_SIZE):
        return None
    number = Decimal(text)
    return number if _in_range(number) else None


def _in_range(number: Decimal) -> bool:
    size = number.adjusted()
    return -LARGEST_SIZE <= size < LARGEST_SIZE or number.copy_abs() == Decimal((0, (1,), LARGEST_SIZE))


def plain_value(text: str) -> Scalar | Ambiguity:
    """What a scalar without quotes means; an `Ambiguity` where readers of YAML could disagree."""
    if text in _WORDS:
        return _WORDS[text]
    number = number_of(text)
    if number is not None:
        return number
    if text[0] in _NUMBER_STARTS:
        return _ambiguous_number(text) or text
    return _AMBIGUOUS_WORDS.get(text.lower(), text)


def _ambiguous_number(text: str) -> Ambiguity | None:
    for pattern, ambiguity in _AMBIGUOUS_NUMBERS:
        if pattern.fullmatch(text):
            return ambiguity
    return _NOT_OUR_NUMBER if _NUMBER_LIKE.fullmatch(text) else None
