"""Liquidation prices of a sweep: where a pool's liquidate decision changes when one mark moves alone, row by row.

The formulas of the decision run on columns with their slopes, Newton's method follows them to where the surplus is
zero, and their bounds prove how near that is. The page on a sweep's prices states the proof.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np

from rules_engine.engine.book import Group, Span
from rules_engine.engine.sums import at_mark
from rules_engine.engine.sweep_rows import GroupTerms, answer_of, column, exposure_of
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.bounded import SAFE
from rules_engine.numbers.bounded_rows import RowNumbers, Rows, rows_of, rows_table
from rules_engine.numbers.columns import Floats, Mask, NotColumns
from rules_engine.numbers.exact import ONE
from rules_engine.numbers.slopes import Sloped, SlopeNumbers
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import Exposure

CLOSE: Final = 1e-9
"""What a price may be off by, as a part of it. Our choice: far less than any venue's tick is of its prices."""
PIECE: Final = 8192
"""Rows that are worked on together: some dozens of their columns are in use at once, and stay in cache."""
STEPS: Final = 32
"""Of Newton's method, which needs two, and one for every tier that a row passes; rows that need more stay in doubt."""
SETTLED: Final = 2.0**-40
"""Of a value: a step as small as that is rounding, or a corner so near that the bound will tell."""


def liquidation_prices(
    group: Group, span: Span, common: GroupTerms, *, ringfenced: bool, standing: Floats, standing_error: float
) -> tuple[Floats, Mask]:
    """The price of each row of a chunk, unrounded, and the rows of which exact numbers are to say it.

    `standing` is the surplus of the row's pool over its maintenance margin (and the fee that decides) at the mark; NaN
    where it is not known: such rows have no price, and are not in doubt. `ringfenced` says that each row is a pool that
    its own margin backs. Prices are within `CLOSE` of themselves; NaN stands for none.
    """
    common = in_rows(common)
    prices, doubtful = np.full(len(standing), np.nan), ~np.isnan(standing)
    with np.errstate(all="ignore"):
        try:
            for start in range(0, len(standing), PIECE):
                rows = slice(start, min(start + PIECE, len(standing)))
                part = Span(span.start + rows.start, span.start + rows.stop, span.bounds)
                exposure = exposure_at(group, part, common, ringfenced)
                values = turning_values(exposure, common, Rows(standing[rows], standing_error))
                _priced(values, common, prices[rows], doubtful[rows])
        except NotColumns:
            pass  # those not priced yet are in doubt
    return prices, doubtful


def exposure_at(group: Group, span: Span, common: GroupTerms, ringfenced: bool) -> Exposure:
    """The positions of some rows; `ringfenced` as for their prices."""
    num = RowNumbers()
    backing = column(num, group, span, "margin") if ringfenced else None
    if backing is not None and (accrued := column(num, group, span, "accrued")) is not None:
        backing = backing + accrued
    return exposure_of(num, group, span, common, backing)


def in_rows(common: GroupTerms) -> GroupTerms:
    """The terms of a group with its schedule in the numbers of these columns."""
    schedule = common.quote.severe
    assert schedule is not None
    made = msgspec.structs.replace(
        schedule,
        floors=rows_table(schedule.floors),
        lines=tuple((rows_of(rate), rows_of(deduction)) for rate, deduction in schedule.lines),
        initial_rates=rows_table(schedule.initial_rates),
        leverage_rates=rows_table(schedule.leverage_rates),
    )
    return msgspec.structs.replace(common, schedule=made)


def _own(exposure: Exposure, common: GroupTerms, value: Number) -> Sloped:
    """What a position itself adds to its pool's surplus, at this value of one contract at the mark."""
    num, conventions = SlopeNumbers(RowNumbers()), common.terms.conventions
    there = at_mark(exposure, num.unknown(value), conventions)
    pnl: Sloped = unrealized_pnl(num, there)
    if conventions.liquidation_price == "at_mark":
        return pnl
    fee = counted_fee(num, there, "trigger")
    answer = answer_of(num, there, common.allowed)
    own: Sloped = surplus(pnl, answer.maintenance, fee, ONE)
    return own


def turning_values(exposure: Exposure, common: GroupTerms, standing: Rows) -> Rows:
    """The values of one contract at which the surplus is zero, with how far off they may be: infinite if not known."""
    now = _own(exposure, common, exposure.value)
    least, most = (rows_of(end) for end in now.slopes)
    steepness = np.maximum(least.values - least.error, -(most.values + most.error)) / SAFE
    steepness = np.where(steepness > 0, steepness, np.nan)
    fixed = standing - now.value
    start = exposure.value.values - standing.values / rows_of(now.slope).values
    values, errors = _settled(exposure, common, fixed, steepness, start)
    return Rows(values, errors)


def _settled(
    exposure: Exposure, common: GroupTerms, fixed: Rows, steepness: Floats, values: Floats, steps: int = STEPS
) -> tuple[Floats, Floats]:
    """Newton's method from these values, for the rows that have not settled; then how far off each may be at most.

    Between a value and the root the surplus changes by at least the distance times its least steepness.
    """
    own = _own(exposure, common, Rows(values))
    left = fixed + own.value
    errors = (np.abs(left.values) + left.error) * SAFE / steepness * SAFE
    step = left.values / rows_of(own.slope).values
    scale = np.abs(values) + np.abs(exposure.value.values)
    rows = np.flatnonzero(np.abs(step) > SETTLED * scale)
    if len(rows) and steps:
        values[rows], errors[rows] = _settled(
            _at(exposure, rows), common, fixed.at(rows), steepness[rows], (values - step)[rows], steps - 1
        )
    return values, errors


def _at(exposure: Exposure, rows: Any) -> Exposure:
    """Some of the rows."""
    fields = ("quantity", "entry_value", "leverage", "collateral", "side")
    columns = {name: getattr(exposure, name) for name in fields}
    return msgspec.structs.replace(
        exposure, **{name: each.at(rows) for name, each in columns.items() if isinstance(each, Rows)}
    )


def _priced(values: Rows, common: GroupTerms, prices: Floats, doubtful: Mask) -> None:
    """Writes the prices at these values, where there are any, and which rows stay in doubt."""
    quote, num = common.quote, RowNumbers()
    assert quote.rule is not None
    payoff = quote.rule.payoff
    inside, outside = np.ones(len(prices), bool), np.zeros(len(prices), bool)
    for end, sign in zip(payoff.value_range, (1, -1), strict=True):
        if end is not None:
            inward = (values - end) * sign
            inside &= inward.values > inward.error
            outside |= inward.values <= -inward.error
    try:
        found = num.constant(payoff.price(num, values, quote.contract_size, quote.conversion))
    except Exception as error:  # what a stranger does on columns is no fault: exact numbers decide
        raise NotColumns(f"{payoff.name}: {error}") from error
    close = inside & (found.error <= CLOSE * np.abs(found.values))
    prices[:] = np.where(close & doubtful, found.values, np.nan)
    doubtful &= ~(close | outside)
