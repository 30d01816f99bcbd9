"""What an account holds: positions, orders and collateral. Numbers are exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from rules_engine.errors import Doubt

ZERO = Decimal(0)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """An open position. `quantity` counts contracts, long positive; money is in the settlement currency.

    `margin` is the collateral ring-fenced for this position, `accrued` funding and fees not yet in collateral (signed).
    `fault` says what is wrong with a row of a book that cannot be read; what it is about is then undetermined.
    """

    id: str
    instrument: str
    mode: str
    quantity: Decimal
    entry_price: Decimal
    margin: Decimal | None = None
    leverage: Decimal | None = None
    group: str | None = None
    opened_at: datetime | None = None
    accrued: Decimal = ZERO
    fault: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A resting or proposed order. `quantity` is signed, buy positive; `price` None is a market order, at the mark.

    `position` is the id of the position that it acts on; it may be None where the instrument leaves no choice.
    `fault` is as in a position: what the order reserves is then not known.
    """

    id: str
    instrument: str
    mode: str
    quantity: Decimal
    price: Decimal | None = None
    position: str | None = None
    leverage: Decimal | None = None
    reduce_only: bool = False
    fault: str | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One margin account in the policy's settlement currency.

    `collateral` (asset -> amount, may be negative) backs the shared pool; `group_margins` (group -> amount) and the
    positions' own `margin` are ring-fenced and not part of it. `fee_rate` replaces the policy's closing fee rate.
    `collateral_doubts` says what keeps collateral from being known, by the group that it backs: empty for the account's
    own, None for all of it.
    """

    account: str
    collateral: Mapping[str, Decimal] = {}
    group_margins: Mapping[str, Decimal] = {}
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    fee_rate: Decimal | None = None
    collateral_doubts: Mapping[str | None, Doubt] = {}
