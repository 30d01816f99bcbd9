"""Times and durations as policies write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,12})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST: Final = 86400 * 365_000


def time_of(text: object) -> datetime | None:
    """The instant that a text names, in UTC; None where it names none or carries no zone."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None or match["zone"] is None:
        return None
    try:
        return datetime.fromisoformat(match[0].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def lacks_zone(text: object) -> bool:
    """Whether a text is a time but for its zone."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    return match is not None and match["zone"] is None


def time_text(time: datetime) -> str:
    """An instant in UTC with `Z`, its fraction without trailing zeros."""
    whole = time.astimezone(UTC)
    fraction = f".{whole.microsecond:06d}".rstrip("0") if whole.microsecond else ""
    return f"{whole:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + "Z"


def duration_of(text: object) -> Decimal | None:
    """Seconds of a duration such as `7d`; None where the text is none, or longer than a thousand years."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    seconds = int(match[1]) * _SECONDS[match[2]]
    return Decimal(seconds) if seconds <= _LONGEST else None


def timedelta_of(text: str) -> timedelta | None:
    """A duration as a timedelta; None where the text is none."""
    seconds = duration_of(text)
    return None if seconds is None else timedelta(seconds=int(seconds))
