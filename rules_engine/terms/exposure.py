"""What the margin formulas take and give: one position with the table rates that hold for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from rules_engine.numbers.system import Line, Number

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


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """One position as a margin formula sees it, in the numbers of one number system.

    `quantity` counts contracts, long positive. `value` and `entry_value` are the value of one contract at the mark and
    at entry, in the settlement currency (negative for inverse contracts); `maintenance_value` and `initial_value` are
    the ones at which these requirements are valued (the mark, or entry where the policy says so). `collateral` is what
    is ring-fenced for this position alone, None where it shares a pool. `leverage` None means the table's own limit.
    `side` is the sign of `quantity * entry_value`: 1 or -1.
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


class Requirement(msgspec.Struct, frozen=True):
    """What a position requires, in the settlement currency, unrounded and not negative."""

    initial: Number
    maintenance: Number
