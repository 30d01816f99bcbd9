"""Rows of a sweep: the formulas of the exact path run on columns, a chunk of a group at a time."""

from __future__ import annotations

from decimal import getcontext, setcontext
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.engine.book import Group, Span
from rules_engine.engine.book_labels import ANY_ID
from rules_engine.engine.calls import PluginFault
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Terms
from rules_engine.formulas.pool import surplus
from rules_engine.formulas.requirement import counted_fee, unrealized_pnl
from rules_engine.numbers.bounded_columns import INFINITE
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import BY_SIZE, Column, Mask, NotColumns, Scratch
from rules_engine.numbers.exact import ONE, PRECISION, ZERO, exact_context
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure, Requirement, Schedule
from rules_engine.terms.policy import AllowedMode, Liquidation

STATUSES: Final = ("healthy", "margin_call", "liquidate", "bankrupt", "undetermined")
"""By their number in a column of statuses."""

UNDETERMINED: Final = STATUSES.index("undetermined")

Codes = NDArray[np.uint8]


class Figures(msgspec.Struct, frozen=True):
    """What a chunk's rows require and have gained, in one number system."""

    pnl: Column
    initial: Column
    maintenance: Column
    fee: Number


class GroupTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is one for all rows of a group: its quote and mode, and the schedule in bounded numbers.

    `least` is that of the least severe reading of measures that are missing, None where none is.
    """

    quote: Quote
    allowed: AllowedMode
    schedule: Schedule | None
    least: Schedule | None = None
    terms: Terms

    def under_least(self) -> GroupTerms:
        """The same with the least severe reading."""
        return msgspec.structs.replace(self, schedule=self.least, least=None)


def column(num: ColumnNumbers, group: Group, span: Span, name: str) -> Column | None:
    """A chunk of one of the book's columns; None where its rows do not state it."""
    values = group.columns[name]
    if values is None:
        return None
    return num.column(values[span.start : span.stop], *span.bounds[name], BY_SIZE if name == "quantity" else 0)


def figures_of(num: ColumnNumbers, group: Group, span: Span, common: GroupTerms, backing: Column | None) -> Figures:
    """The figures of a chunk. Raises `NotColumns` where the mode or the payoff needs what columns cannot do."""
    exposure = exposure_of(num, group, span, common, backing)
    answer = answer_of(num, exposure, common.allowed)
    initial, maintenance = num.constant(answer.initial), num.constant(answer.maintenance)
    for figure in (initial, maintenance):  # less than nothing is a fault, which exact numbers tell
        if not 0 <= figure.error <= figure.low < INFINITE:
            num.doubt(np.logical_not(np.broadcast_to(figure.values, num.scratch.length) > figure.error))
    return Figures(unrealized_pnl(num, exposure), initial, maintenance, counted_fee(num, exposure, "trigger"))


def answer_of(num: NumberSystem, exposure: Exposure, allowed: AllowedMode) -> Requirement:
    """What a mode says on columns. What a stranger does there is no fault: exact numbers decide."""
    try:
        answer = allowed.mode.requirement(num, exposure, allowed.parameters)  # type: ignore[union-attr]
    except NotColumns:
        raise
    except Exception as error:
        raise NotColumns(f"{allowed.name} of {allowed.supplier}: {error}") from error
    if getcontext().prec != PRECISION:
        setcontext(exact_context())
        raise NotColumns(f"{allowed.name} of {allowed.supplier} changed the precision of decimal arithmetic")
    if not isinstance(answer, Requirement) or answer.orders is not None or answer.figures:
        raise NotColumns(f"{allowed.name} of {allowed.supplier} says more than margins")
    return answer


def exposure_of(num: ColumnNumbers, group: Group, span: Span, common: GroupTerms, backing: Column | None) -> Exposure:
    """The positions of a chunk as the formulas take them."""
    quote, conventions = common.quote, common.terms.conventions
    quantity = column(num, group, span, "quantity")
    assert quantity is not None
    value = num.constant(quote.value)
    try:
        entry_value = num.constant(quote.value_in(num, column(num, group, span, "entry_price")))
        prepared = quote.prepared_for(common.allowed)
    except PluginFault as fault:
        raise NotColumns(str(fault)) from fault
    sign = num.one_sign(entry_value)
    if sign == 0:
        raise NotColumns("the value of a contract may be of either sign")
    assert common.schedule is not None
    return Exposure(
        id=ANY_ID,
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
        side=num.sign(quantity) if sign > 0 else -num.sign(quantity),
        market=quote.view,
        as_of=quote.as_of,
        prepared=prepared,
    )


def decided(
    num: ColumnNumbers, equity: Column, maintenance: Column, fee: Number, rules: Liquidation, out: Codes
) -> Mask | None:
    """Writes each row's status by its number; the rows in doubt, None if none is.

    The lines are nested: what is bankrupt is liquidated, what is liquidated is called. So the status is how many lines
    a row has passed, and a row that is certainly above the first need not be held against the others. A row no farther
    from a line than the error is in doubt, whatever side the trigger takes.
    """
    out[:] = 0
    called = surplus(equity, maintenance, fee, rules.margin_call)
    above = np.greater(called.values, called.error)
    rows = np.logical_not(above, out=above).nonzero()[0]
    if not len(rows):
        return None
    part = type(num)(Scratch(len(rows)))

    def of(x: Number) -> Number:
        whole = num.constant(x)
        if whole.scratch is None:
            return whole
        return part.column(whole.values[rows], whole.low, whole.high, whole.error)

    held, kept, cost = of(equity), of(maintenance), ZERO if fee is ZERO else of(fee)
    passed, near = np.zeros(len(rows), np.uint8), np.zeros(len(rows), bool)
    for line in (of(called), surplus(held, kept, cost, ONE), held):
        passed += line.values < -line.error
        near |= ~(np.abs(line.values) > line.error)
    out[rows] = passed
    if not near.any():
        return None
    doubtful = np.zeros(len(out), bool)
    doubtful[rows[near]] = True
    return doubtful


def decided_too(
    num: ColumnNumbers, equity: Column, maintenance: Column, fee: Number, rules: Liquidation, out: Codes
) -> Mask | None:
    """As `decided`, under another reading of what is missing: rows whose status that changes are undetermined."""
    status = np.empty_like(out)
    near = decided(num, equity, maintenance, fee, rules, status)
    out[status != out] = UNDETERMINED
    return near
