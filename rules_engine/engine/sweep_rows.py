"""Rows of a sweep: the formulas of the exact path run on columns, a chunk of a group at a time."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.engine.book import COLUMNS, Group, Span
from rules_engine.engine.calls import PluginFault
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Terms
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.bounded import (
    UNIT,
    Bounded,
    BoundedNumbers,
    Mask,
    NotColumns,
    bounded,
    constants,
    lines_of,
)
from rules_engine.numbers.exact import ONE
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import Exposure, Schedule
from rules_engine.terms.policy import AllowedMode, Liquidation

STATUSES: Final = ("healthy", "margin_call", "liquidate", "bankrupt", "undetermined")
"""By their number in a column of statuses."""

Codes = NDArray[np.uint8]


class Figures(msgspec.Struct, frozen=True):
    """What a chunk's rows require and have gained, in one number system."""

    pnl: Bounded
    initial: Bounded
    maintenance: Bounded
    fee: Number


class GroupTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is one for all rows of a group: its quote and mode, and the schedule in bounded numbers."""

    quote: Quote
    allowed: AllowedMode
    schedule: Schedule
    terms: Terms
    side: int


def in_columns(schedule: Schedule) -> Schedule:
    """A schedule in bounded numbers."""
    return msgspec.structs.replace(
        schedule,
        floors=constants(schedule.floors),
        lines=lines_of(schedule.lines),
        initial_rates=constants(schedule.initial_rates),
        leverage_rates=constants(schedule.leverage_rates),
    )


def column(num: BoundedNumbers, group: Group, span: Span, name: str) -> Bounded | None:
    """A chunk of one of the book's columns; None where its rows do not state it."""
    values = group.columns[name]
    if values is None:
        return None
    low, high = span.bounds[COLUMNS.index(name)]
    order = 1 if name == "quantity" else 0
    return num.column(values[span.start : span.stop], low, high, UNIT * max(-low, high), order)


def figures_of(num: BoundedNumbers, group: Group, span: Span, common: GroupTerms, backing: Bounded | None) -> Figures:
    """The figures of a chunk. Raises `NotColumns` where the mode or the payoff needs what columns cannot do."""
    exposure = _exposure(num, group, span, common, backing)
    allowed = common.allowed
    try:
        answer = allowed.mode.requirement(num, exposure, allowed.parameters)  # type: ignore[union-attr]
        initial, maintenance = bounded(answer.initial), bounded(answer.maintenance)
    except NotColumns:
        raise
    except Exception as error:  # what a stranger does on columns is no fault: exact numbers decide
        raise NotColumns(f"{allowed.name} of {allowed.supplier}: {error}") from error
    return Figures(unrealized_pnl(num, exposure), initial, maintenance, counted_fee(num, exposure, "trigger"))


def _exposure(num: BoundedNumbers, group: Group, span: Span, common: GroupTerms, backing: Bounded | None) -> Exposure:
    quote, conventions = common.quote, common.terms.conventions
    quantity = column(num, group, span, "quantity")
    value = bounded(quote.value)
    try:
        entry_value = quote.value_in(num, column(num, group, span, "entry_price"))
    except PluginFault as fault:
        raise NotColumns(str(fault)) from fault
    return Exposure(
        id="",
        instrument=group.instrument,
        quantity=quantity,
        value=value,
        entry_value=entry_value,
        maintenance_value=value if conventions.maintenance_priced_at == "mark" else entry_value,
        initial_value=value if conventions.initial_priced_at == "mark" else entry_value,
        schedule=common.schedule,
        closing_fee=common.terms.closing_fee,
        leverage=column(num, group, span, "leverage"),
        collateral=backing,
        side=common.side,
        market=quote.view,
        as_of=quote.as_of,
        prepared=quote.prepared_for(common.allowed),
    )


def decided(equity: Bounded, maintenance: Bounded, fee: Number, rules: Liquidation, out: Codes) -> Mask | None:
    """Writes each row's status by its number; the rows in doubt, None if none is.

    The lines are nested: what is bankrupt is liquidated, what is liquidated is called. So the status is how many lines
    a row has passed. A row no farther from a line than the error is in doubt; that takes no side of the trigger.
    """
    out[:] = 0
    doubtful: Mask | None = None
    lines = (surplus(equity, maintenance, fee, rules.margin_call), surplus(equity, maintenance, fee, ONE), equity)
    for line in lines:
        values = line.values if line.scratch is not None else np.broadcast_to(line.values, out.shape)
        passed = values < -line.error
        within = values <= line.error
        np.add(out, passed.view(np.uint8), out=out)
        if np.count_nonzero(passed) != np.count_nonzero(within) or not line.error < np.inf:
            near = ~(np.abs(values) > line.error)
            doubtful = near if doubtful is None else doubtful | near
    return doubtful
