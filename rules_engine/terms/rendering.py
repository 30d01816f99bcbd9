"""How figures are written for programs: plain decimal strings, times in UTC, null for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from rules_engine.errors import Doubt
from rules_engine.numbers.text import plain

RATIO_DECIMALS: Final = 8
"""Decimals of a margin ratio, which is the one figure that keeps its trailing zeros."""


def figure(value: Decimal | None) -> str | None:
    """A figure in plain digits, without trailing zeros."""
    return None if value is None else plain(value)


def ratio(value: Decimal | None) -> str | None:
    """A margin ratio, already rounded, with all its decimals."""
    return None if value is None else f"{value:.{RATIO_DECIMALS}f}"


def instant(value: datetime) -> str:
    """An aware time in UTC with `Z`; a fraction of a second only where there is one."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def stated(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members without those that are None: for what is left out where it does not apply."""
    return {name: member for name, member in members.items() if member is not None}


def evidence(doubts: Iterable[Doubt]) -> list[dict[str, Any]]:
    """Doubts as members `code`, `message` and, where they speak of one, `position` and `instrument`."""
    return [
        stated(
            {
                "code": doubt.code,
                "message": doubt.message,
                "position": doubt.position,
                "instrument": doubt.instrument,
            }
        )
        for doubt in doubts
    ]


def figures(named: Mapping[str, Decimal]) -> dict[str, Any]:
    """A member `figures` with each in plain digits; nothing where there are none."""
    return {"figures": {name: plain(value) for name, value in named.items()}} if named else {}
