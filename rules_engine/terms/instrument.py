"""What a margin formula may know of an instrument at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from rules_engine.errors import MissingInput


class InstrumentView(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument and its market at one instant: everything but the mark, which stands in an exposure's `value`.

    Sizes, prices and measures are exact decimals. Measures that are stale are left out, and named in `stale`.
    `expires_at` is None for an instrument that never expires; `UNSET` says that nobody speaks of it.
    """

    name: str = ""
    payoff: str = ""
    underlying: str | None = None
    contract_size: Decimal = Decimal(1)
    conversion: Decimal = Decimal(1)
    price_tick: Decimal | None = None
    quantity_step: Decimal | None = None
    index_price: Decimal | None = None
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    measures: Mapping[str, Decimal] = {}
    stale: frozenset[str] = frozenset()
    terms: Mapping[str, Decimal] = {}

    def measure(self, name: str) -> Decimal:
        """A measure of the market document. Raises `MissingInput` (`MEASURE_MISSING`): its pool is undetermined."""
        if name not in self.measures:
            raise MissingInput("MEASURE_MISSING", f"the market has no usable measure {name} of {self.name}")
        return self.measures[name]

    def measure_if_stated(self, name: str) -> Decimal | None:
        """A measure that a market may leave out: None where it does. Raises `MissingInput` where it is only stale."""
        return self.measure(name) if name in self.measures or name in self.stale else None

    def term(self, name: str) -> Decimal:
        """A term of the contract, such as `strike`. Raises `MissingInput` (`REFERENCE_MISSING`)."""
        if name not in self.terms:
            raise MissingInput("REFERENCE_MISSING", f"neither the policy nor the market states {name} of {self.name}")
        return self.terms[name]

    def index(self) -> Decimal:
        """The index price, above 0. Raises `MissingInput` (`INDEX_MISSING`)."""
        if self.index_price is None or self.index_price <= 0:
            raise MissingInput("INDEX_MISSING", f"the market has no usable index price of {self.name}")
        return self.index_price

    def seconds_to_expiry(self, as_of: datetime) -> Decimal:
        """Exact seconds from an instant to the expiry. Raises `MissingInput` (`EXPIRY_MISSING`)."""
        if not isinstance(self.expires_at, datetime):
            raise MissingInput("EXPIRY_MISSING", f"nobody says when {self.name} expires")
        left = self.expires_at - as_of
        return Decimal(left.days * 86400 + left.seconds) + Decimal(left.microseconds).scaleb(-6)
