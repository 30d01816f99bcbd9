"""What a YAML scalar without quotes means: an exact number, true, false, nothing or text; what two readers could read
differently is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.text import NumberError, parse_number

Scalar: TypeAlias = Decimal | str | bool | None

_WORDS: Final[dict[str, bool | None]] = {"": None, "null": None, "true": True, "false": False}
_LEADING_ZERO: Final = re.compile("-?0[0-9]")


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
        (r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", "one number or several", ""),
    ]
]
_NUMBER_LIKE: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:e[-+]?[0-9]+)?", re.IGNORECASE)


def plain_value(text: str) -> Scalar | Ambiguity:
    """What a scalar without quotes means; an `Ambiguity` where readers of YAML could disagree."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS:
        return _number(text)
    return _AMBIGUOUS_WORDS.get(text.lower(), text)


def _number(text: str) -> Scalar | Ambiguity:
    """The meaning of a text that begins as numbers do."""
    hint = ""
    if not _LEADING_ZERO.match(text):
        try:
            return parse_number(text) or ZERO
        except NumberError as error:
            hint = error.hint
    for pattern, ambiguity in _AMBIGUOUS_NUMBERS:
        if pattern.fullmatch(text):
            return ambiguity if ambiguity.hint else ambiguity._replace(hint=hint)
    if _NUMBER_LIKE.fullmatch(text):
        return Ambiguity("a number to some readers, and none of ours", f"{hint}; {_QUOTE}")
    return text
