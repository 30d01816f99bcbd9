"""Contract symbols in ccxt's spelling, `BASE/QUOTE:SETTLE` and `BASE/QUOTE:SETTLE-YYMMDD`."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

from rules_engine.errors import Problem
from rules_engine.policy.importing.records import Contract
from rules_engine.policy.text import unseen

_SYMBOL: Final = re.compile(r"([^/:]+)/([^/:]+):([^/:-]+)(?:-([0-9]{6}))?")
_CURRENCY: Final = re.compile(r"[A-Z0-9]+")
_DELIVERY_HOUR: Final = 8
"""UTC; Binance delivers its dated contracts at 08:00 on the date of their symbol."""

_GLOB_CHARACTERS: Final = frozenset("*?[]")
_LONGEST: Final = 100


def is_visible(text: str) -> bool:
    """Whether a person sees every character: no space, nothing that leaves no ink, no control character."""
    return " " not in text and unseen(text) is None


def shown(text: str) -> str:
    """A name for messages: itself where all of it can be seen, escaped where not."""
    return text if is_visible(text) else ascii(text)[1:-1]


def contract_of(symbol: str) -> Contract | Problem:
    """The contract that a symbol names, or why it cannot be margined by notional tiers in its settlement currency."""
    name = unicodedata.normalize("NFC", symbol)
    if not is_visible(symbol):
        return _refused(symbol, "SYMBOL_INVISIBLE", "the symbol holds characters that cannot be seen", "ask the venue")
    match = _SYMBOL.fullmatch(name)
    if match is None or len(symbol) > _LONGEST:
        hint = "wanted BASE/QUOTE:SETTLE or BASE/QUOTE:SETTLE-YYMMDD; spot, options and others are not imported"
        return _refused(symbol, "SYMBOL_UNREADABLE", "the symbol names no perpetual and no dated contract", hint)
    base, quote, settle, date = match.groups()
    fault = _name_fault(symbol, base, quote, settle) or _payoff_fault(symbol, base, quote, settle)
    if fault:
        return fault
    expires_at = _delivery(date) if date else None
    if date and expires_at is None:
        return _refused(symbol, "SYMBOL_DATE", f"{date} is no date of the form YYMMDD", "correct the symbol")
    instrument = f"{base}{quote}-{date}" if date else f"{base}{quote}"
    return Contract(symbol=symbol, instrument=instrument, base=base, settlement_currency=settle, expires_at=expires_at)


def _name_fault(symbol: str, base: str, quote: str, settle: str) -> Problem | None:
    if _GLOB_CHARACTERS & set(base + quote):
        hint = "write this instrument's policy by hand"
        return _refused(symbol, "SYMBOL_GLOB", "the name would read as a pattern of several instruments", hint)
    if not _CURRENCY.fullmatch(settle):
        hint = "wanted capital letters and digits, such as USDT"
        return _refused(symbol, "SYMBOL_UNREADABLE", f"`{settle}` is no settlement currency", hint)
    return None


def _payoff_fault(symbol: str, base: str, quote: str, settle: str) -> Problem | None:
    if settle == quote:
        return None
    if settle == base:
        message = f"an inverse contract: settled in {settle}, its own base, so its tiers count {base}, not {quote}"
        hint = "write it by hand, with payoff: inverse and the tiers in contracts (unit: quantity)"
        return _refused(symbol, "TIERS_INVERSE", message, hint)
    message = f"a quanto contract: quoted in {quote}, settled in {settle}, so the unit of its tiers is not certain"
    hint = "write it by hand, with payoff: quanto and its conversion"
    return _refused(symbol, "TIERS_QUANTO", message, hint)


def _refused(symbol: str, code: str, message: str, hint: str) -> Problem:
    return Problem(code=code, message=message, hint=hint, path=shown(symbol))


def _delivery(date: str) -> datetime | None:
    try:
        return datetime(2000 + int(date[:2]), int(date[2:4]), int(date[4:]), _DELIVERY_HOUR, tzinfo=UTC)
    except ValueError:
        return None
