"""What is known of the market at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measured quantity that buffers act on (volatility, depth, ...); `time` None means that of the mark."""

    value: Decimal
    time: datetime | None = None


class InstrumentMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Marks, measures and, where the venue publishes them here, reference data of one instrument.

    `terms` are further numbers of the contract by name, such as `strike`.
    `expires_at` is None for no expiry; `UNSET` says that the market does not speak of it.
    """

    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    time: datetime | None = None
    confidence: Decimal | None = None
    measures: Mapping[str, Measure] = {}
    terms: Mapping[str, Decimal] = {}
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    contract_size: Decimal | None = None
    conversion: Decimal | None = None
    price_tick: Decimal | None = None
    quantity_step: Decimal | None = None
    underlying: str | None = None


class AssetPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Price of one unit of a collateral asset in the settlement currency."""

    price: Decimal
    time: datetime | None = None
    measures: Mapping[str, Measure] = {}


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """All marks and prices as of one instant; `as_of` carries a zone."""

    as_of: datetime
    instruments: Mapping[str, InstrumentMarket] = {}
    prices: Mapping[str, AssetPrice] = {}
