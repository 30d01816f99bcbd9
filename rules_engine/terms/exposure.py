"""What the margin formulas take and give: a position with the table rates that hold for it, or a whole pool of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgspec

from rules_engine.numbers.system import Line, Number
from rules_engine.terms.instrument import InstrumentView

FeePlace: TypeAlias = Literal["initial", "maintenance", "trigger"]


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What a buffer does to a rate: `rate * multiply + add_rate`. None means that the buffer does not speak of it."""

    multiply: Number = None
    add_rate: Number = None


class ClosingFee(msgspec.Struct, frozen=True, kw_only=True):
    """The fee of closing: a fraction of notional, and the figures in which it counts."""

    rate: Decimal = Decimal(0)
    counts_in: frozenset[FeePlace] = frozenset()
    valued_at: Literal["mark", "bankruptcy"] = "mark"


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A leverage-tier table with the buffers of one instrument applied: what both margins follow from.

    All sequences run over the tiers, lowest first. `floors` are in notional (settlement currency) or contracts, as
    `unit` says. `lines` are `(maintenance rate, deduction)`; for form `whole` only the rates count. `leverage_rates`
    are the reciprocals of the table's own largest leverages, which buffers do not touch. `cap` ends a capped last tier.
    """

    unit: Literal["notional", "quantity"]
    form: Literal["marginal", "whole"]
    floors: tuple[Number, ...]
    lines: tuple[Line, ...]
    initial_rates: tuple[Number, ...]
    leverage_rates: tuple[Number, ...]
    cap: Decimal | None = None


class RestingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A resting order on a position, as a margin formula sees it.

    `quantity` counts contracts, buy positive. `value` is the value of one contract at the order's price (at the mark
    for a market order), in the settlement currency. `leverage` None means that the order states none.
    """

    id: str
    quantity: Number
    value: Number
    leverage: Number | None = None
    reduce_only: bool = False


BEGINNING: Final = datetime.min
"""Stands for an instant in exposures that are not of any market, such as those of checks."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """One position as a margin formula sees it, in the numbers of one number system.

    `quantity` counts contracts, long positive; it is 0 where orders rest that would open a position. `value` and
    `entry_value` are the value of one contract at the mark and at entry, in the settlement currency (negative for
    inverse contracts); `maintenance_value` and `initial_value` are the ones at which these requirements are valued
    (the mark, or entry where the policy says so). `collateral` is what is ring-fenced for this position alone, None
    where it shares a pool. `leverage` None means the table's own limit. `side` is the sign of
    `quantity * entry_value`: 1 or -1. `orders` rest on this position. `market` is what is known of its instrument at
    `as_of`, and `prepared` what the mode's own `prepare` made of that.
    """

    id: str
    instrument: str
    quantity: Number
    value: Number
    entry_value: Number
    maintenance_value: Number
    initial_value: Number
    schedule: Schedule
    closing_fee: ClosingFee
    leverage: Number | None = None
    collateral: Number | None = None
    side: Number = 1
    orders: tuple[RestingOrder, ...] = ()
    market: InstrumentView = InstrumentView()
    as_of: datetime = BEGINNING
    prepared: Any = None


class AssetExposure(msgspec.Struct, frozen=True, kw_only=True):
    """An asset that backs a pool: its amount (a debt is negative), its price, and what it counts for after haircut.

    `measures` are those of the asset's price in the market document.
    """

    asset: str
    amount: Number
    price: Number
    value: Number
    measures: Mapping[str, Decimal] = {}


class PoolExposure(msgspec.Struct, frozen=True, kw_only=True):
    """A whole pool as a margin formula sees it: positions in the account's order, and what backs them.

    `collateral` is what backs the pool after haircut, with what accrued; `equity` is that and the unrealized PnL of
    all positions, without any draw. `assets` are given for the pool that the account's shared collateral backs.
    """

    positions: tuple[Exposure, ...]
    collateral: Number
    equity: Number
    assets: tuple[AssetExposure, ...] = ()
    as_of: datetime = BEGINNING


class Requirement(msgspec.Struct, frozen=True):
    """What a position requires, in the settlement currency, unrounded and not negative.

    `orders` is what the orders on it reserve beside `initial`, from modes that say so themselves (`reserves_orders`);
    from all others it is None. `figures` are further figures by name, which the evaluation reports as they are.
    """

    initial: Number
    maintenance: Number
    orders: Number | None = None
    figures: Mapping[str, Number] = {}


class PoolRequirement(msgspec.Struct, frozen=True):
    """What a pool requires, in the settlement currency, unrounded and not negative.

    `attribution` says by position how much of it each accounts for: what they have together is exactly what the pool
    requires. A position that takes risk off the pool may have less than nothing.
    """

    initial: Number
    maintenance: Number
    attribution: Mapping[str, Requirement]
    orders: Number | None = None
    figures: Mapping[str, Number] = {}
