"""Exposures and schedules for the formulas, and the same worked apart in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from rules_engine.formulas.tiers import tier_lines
from rules_engine.numbers.exact import Exact, Ratio, divide
from rules_engine.terms.exposure import ClosingFee, Exposure, Schedule

FLOORS = ("0", "1000", "5000")
RATES = ("0.01", "0.02", "0.05")
LEVERAGES = ("50", "25", "10")


def decimals(texts: Sequence[str]) -> tuple[Decimal, ...]:
    """Texts as decimals."""
    return tuple(Decimal(text) for text in texts)


def schedule_of(
    unit: Literal["notional", "quantity"] = "notional",
    form: Literal["marginal", "whole"] = "marginal",
    floors: Sequence[str] = FLOORS,
) -> Schedule:
    """Rates 1 %, 2 % and 5 %, largest leverages 50, 25 and 10."""
    rates = tuple(divide(Decimal(1), leverage) for leverage in decimals(LEVERAGES))
    return Schedule(
        unit=unit,
        form=form,
        floors=decimals(floors),
        lines=tier_lines(decimals(floors), decimals(RATES)),
        initial_rates=rates,
        leverage_rates=rates,
    )


def exposure_of(quantity: str | Exact, value: str | Exact = "100", entry: str | Exact = "100", **more: Any) -> Exposure:
    """A position of this many contracts of this value; all is valued at the mark unless `more` says otherwise."""
    quantity, value, entry = (Decimal(x) if isinstance(x, str) else x for x in (quantity, value, entry))
    standard = {
        "id": "p1",
        "instrument": "BTCUSDT",
        "maintenance_value": value,
        "initial_value": value,
        "schedule": schedule_of(),
        "closing_fee": ClosingFee(),
        "side": 1 if quantity * entry > 0 else -1,
    }
    return Exposure(quantity=quantity, value=value, entry_value=entry, **{**standard, **more})


def slices(size: Fraction, floors: Sequence[str], rates: Sequence[str]) -> Fraction:
    """Each rate on its own slice of the size: what a marginal table means, without deductions."""
    lows = [Fraction(floor) for floor in floors]
    highs = [*lows[1:], max(size, lows[-1])]
    parts = zip(lows, highs, rates, strict=True)
    return sum((max(Fraction(0), min(size, high) - low) * Fraction(rate) for low, high, rate in parts), Fraction(0))


def fraction(x: Exact) -> Fraction:
    """An exact number as a fraction."""
    return Fraction(x.n) / Fraction(x.d) if isinstance(x, Ratio) else Fraction(x)
