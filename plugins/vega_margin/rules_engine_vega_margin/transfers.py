"""What isolated margin mode moves into and out of a position's margin account when trades change the position.

Source: vegaprotocol/vega, core/risk/isolated_margin.go, `getIsolatedMarginTransfersOnPositionChange`. An engine that
evaluates accounts does not move money; these formulas are for those who book trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from rules_engine.plugin import Number, NumberSystem
from rules_engine_vega_margin.formulas import ONE, ZERO, in_units, is_positive, on_side


class Trade(NamedTuple):
    """Contracts, without sign, and the price at which they were traded, in the order of time."""

    size: Number
    price: Number


class MarginAccount(NamedTuple):
    """A position's margin account: its balance, the margin factor, the contract size and the unit of the asset."""

    balance: Number
    margin_factor: Number
    contract_size: Number = ONE
    unit: Number | None = ONE


def margin_added(num: NumberSystem, trades: Sequence[Trade], covered: Number, account: MarginAccount) -> Number:
    """Margin for what trades open: the notional beyond the first `covered` contracts times the factor, rounded down."""
    reached = accumulate((trade.size for trade in trades), initial=ZERO)
    opened = (
        trade.price * (num.maximum(before + trade.size, covered) - num.maximum(before, covered))
        for before, trade in zip(reached, trades, strict=False)
    )
    notional = account.contract_size * num.total(opened)
    return in_units(num, notional * account.margin_factor, account.unit, "down")


def margin_released(
    num: NumberSystem, trades: Sequence[Trade], position_before: Number, mark_price: Number, account: MarginAccount
) -> Number:
    """Margin that a position gives back when it shrinks: a share of its balance, the position valued as it was traded.

    `(balance + |position before| * (average trade price - mark)) * |traded| / |position before|`. The average price,
    the bracket and the result are each rounded down, and nothing is given back where the bracket is negative.
    The specification has the position with its sign; Vega's code, which is followed here, has it without.
    """
    traded = num.total(trade.size for trade in trades)
    size = num.absolute(position_before)
    total = num.total(trade.size * trade.price for trade in trades)
    average = in_units(num, num.quotient(total, traded), account.unit, "down")
    at_average = account.balance + account.contract_size * size * (average - mark_price)
    theoretical = in_units(num, num.maximum(at_average, ZERO), account.unit, "down")
    # What is traded is never more than the position here; the maximum only keeps an empty position from dividing.
    return in_units(num, num.quotient(theoretical * traded, num.maximum(size, traded)), account.unit, "down")


def transfer_on_position_change(
    num: NumberSystem,
    side: Decimal,
    trades: Sequence[Trade],
    position_after: Number,
    mark_price: Number,
    account: MarginAccount,
) -> Number:
    """What trades on one side (1 bought, -1 sold) move into the margin account; what they release is negative.

    A position that grows takes margin for the trades. One that shrinks gives back its share. One that changes sides
    gives back the whole balance and takes margin for what lies beyond zero.
    """
    before = position_after - side * num.total(trade.size for trade in trades)
    covered = on_side(num, -side, before)
    flipped = is_positive(num, -ONE * (before * position_after))
    reduced = is_positive(num, covered) * (ONE - flipped)
    released = flipped * account.balance + reduced * margin_released(num, trades, before, mark_price, account)
    return margin_added(num, trades, covered, account) - released
