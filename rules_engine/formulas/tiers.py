"""Leverage-tier tables: deductions derived from rates, and rates under buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rules_engine.numbers.exact import EXACT, ONE, ZERO
from rules_engine.numbers.system import Line, Number, NumberSystem
from rules_engine.terms.exposure import Adjustment, Schedule

NEUTRAL = Adjustment(multiply=ONE, add_rate=ZERO)


def next_deduction(below: Number, floor: Number, rate: Number, rate_below: Number) -> Number:
    """A tier's deduction from that of the tier below."""
    return below + floor * (rate - rate_below)


def tier_lines(floors: Sequence[Number], rates: Sequence[Number]) -> tuple[Line, ...]:
    """`(rate, deduction)` per tier, so that `rate * size - deduction` continues where the tier below ends.

    `deduction_t = deduction_{t-1} + floor_t * (rate_t - rate_{t-1})`, which venues publish as "maintenance amount".
    """
    lines: list[Line] = []
    previous: Number = rates[0]
    deduction: Number = ZERO
    for floor, rate in zip(floors, rates, strict=True):
        deduction = next_deduction(deduction, floor, rate, previous)
        lines.append((rate, deduction))
        previous = rate
    return tuple(lines)


def combined(adjustments: Iterable[Adjustment]) -> Adjustment:
    """Several buffers as one: factors multiply and additions add, so their order does not matter."""
    multiply: Number = ONE
    add_rate: Number = ZERO
    for adjustment in adjustments:
        if adjustment.multiply is not None:
            multiply = multiply * adjustment.multiply
        if adjustment.add_rate is not None:
            add_rate = add_rate + adjustment.add_rate
    return Adjustment(multiply=multiply, add_rate=add_rate)


def greatest(adjustments: Iterable[Adjustment]) -> Adjustment:
    """The greatest factor and the greatest addition, each by itself: more severe than any of these adjustments."""
    return _extreme(tuple(adjustments), EXACT.maximum)


def least(adjustments: Iterable[Adjustment]) -> Adjustment:
    """The least factor and the least addition, each by itself."""
    return _extreme(tuple(adjustments), EXACT.minimum)


def _extreme(adjustments: Sequence[Adjustment], choose: Callable[..., Number]) -> Adjustment:
    """One that is silent leaves rates as they are; what none speaks of stays unsaid."""
    factors = [one.multiply for one in adjustments]
    additions = [one.add_rate for one in adjustments]
    return Adjustment(multiply=_chosen(factors, ONE, choose), add_rate=_chosen(additions, ZERO, choose))


def _chosen(said: Sequence[Number | None], silent: Number, choose: Callable[..., Number]) -> Number | None:
    if all(value is None for value in said):
        return None
    return choose(*[silent if value is None else value for value in said])


def adjusted_rate(num: NumberSystem, rate: Number, adjustment: Adjustment) -> Number:
    """`min(1, rate * multiply + add_rate)`."""
    return num.minimum(ONE, rate * adjustment.multiply + adjustment.add_rate)


def adjusted(schedule: Schedule, initial: Adjustment, maintenance: Adjustment) -> Schedule:
    """A schedule under buffers: rates adjusted, deductions derived anew, the table's own leverage limits untouched."""
    if initial == NEUTRAL and maintenance == NEUTRAL:
        return schedule
    rates = [adjusted_rate(EXACT, rate, maintenance) for rate, _ in schedule.lines]
    return Schedule(
        unit=schedule.unit,
        form=schedule.form,
        floors=schedule.floors,
        lines=tier_lines(schedule.floors, rates),
        initial_rates=tuple(adjusted_rate(EXACT, rate, initial) for rate in schedule.initial_rates),
        leverage_rates=schedule.leverage_rates,
        cap=schedule.cap,
    )
