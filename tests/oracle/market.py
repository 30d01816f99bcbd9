"""What one market says: values of contracts, doubts about marks, prices of assets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from .numbers import Doubt, instant, number, optional_number
from .policy import Instrument, Policy, read_instrument, read_policy


def value_at(instrument: Instrument, price: Fraction) -> Fraction:
    """The value of one contract at a price, in settlement currency; negative for inverse."""
    if instrument.payoff == "inverse":
        return -instrument.contract_size / price
    return instrument.contract_size * price * instrument.conversion


def price_at(instrument: Instrument, value: Fraction) -> Fraction:
    """The price at which one contract has that value."""
    if instrument.payoff == "inverse":
        return -instrument.contract_size / value
    return value / (instrument.contract_size * instrument.conversion)


@dataclass(frozen=True)
class World:
    """A policy, a market and an account's fee rate; `moved` are marks put at a hypothetical price."""

    policy: Policy
    market: dict[str, Any]
    fee_rate: Fraction
    moved: dict[str, Fraction] = field(default_factory=dict)

    def with_mark(self, name: str, price: Fraction) -> World:
        """The same world with one mark elsewhere and everything else as it is."""
        return replace(self, moved={**self.moved, name: price})

    def as_of(self) -> datetime:
        """The time the market is for."""
        return instant(self.market["as_of"])

    def instrument(self, name: str) -> Instrument:
        """The instrument of that name; Doubt where unknown."""
        return read_instrument(self.policy, self.market, name)

    def measures(self, name: str) -> dict[str, Any]:
        """The measures the market gives for an instrument."""
        result: dict[str, Any] = self.market["instruments"].get(name, {}).get("measures") or {}
        return result

    def require_fresh(self, row: dict[str, Any]) -> None:
        """Doubt where a row's time is later than `as_of` or older than allowed."""
        if "time" not in row:
            if self.policy.stale_after is not None:
                raise Doubt("STALE")
            return
        time = instant(row["time"])
        if time > self.as_of():
            raise Doubt("FROM_THE_FUTURE")
        if self.policy.stale_after is not None and self.as_of() - time > self.policy.stale_after:
            raise Doubt("STALE")

    def mark_price(self, name: str) -> Fraction:
        """The mark of an instrument; Doubt where it is missing or doubtful."""
        row = self.market["instruments"].get(name)
        if row is None or row.get("mark_price") is None:
            raise Doubt("MARK_MISSING")
        self.require_fresh(row)
        mark, index = number(row["mark_price"]), optional_number(row.get("index_price"))
        if mark <= 0:
            raise Doubt("MARK_NOT_POSITIVE")
        if self.policy.max_divergence is not None:
            if index is None or index <= 0:
                raise Doubt("INDEX_MISSING")
            if abs(mark - index) > self.policy.max_divergence * index:
                raise Doubt("MARK_DIVERGES")
        return self.moved.get(name, mark)

    def mark_value(self, instrument: Instrument) -> Fraction:
        """The value of one contract at the mark; Doubt where the mark is doubtful or the contract expired."""
        if instrument.expires_at not in (None, "absent") and self.as_of() >= instant(instrument.expires_at):
            raise Doubt("EXPIRED")
        return value_at(instrument, self.mark_price(instrument.name))

    def asset_price(self, asset: str) -> Fraction:
        """The price of a collateral asset; the settlement currency is worth one."""
        if asset == self.policy.currency:
            return Fraction(1)
        row = self.market.get("prices", {}).get(asset)
        if row is None:
            raise Doubt("PRICE_MISSING")
        self.require_fresh(row)
        price = number(row["price"])
        if price <= 0:
            raise Doubt("PRICE_NOT_POSITIVE")
        return price


def world_of(policy: dict[str, Any], account: dict[str, Any], market: dict[str, Any]) -> World:
    """The world an account lives in."""
    read = read_policy(policy)
    rate = account.get("fee_rate")
    return World(read, market, read.closing_fee.rate if rate is None else number(rate))


def collateral_value(world: World, collateral: dict[str, Any]) -> Fraction:
    """Shared collateral after haircuts and caps; Doubt for a debt in, or a missing price of, an asset that counts."""
    total = Fraction(0)
    listed = world.policy.document.get("collateral", {})
    for asset, text in collateral.items():
        amount = number(text)
        if amount == 0:
            continue
        if asset not in listed and asset != world.policy.currency:
            if amount < 0:
                raise Doubt("DEBT_IN_UNLISTED_ASSET")
            continue
        rules = listed.get(asset, {})
        haircut = Fraction(0) if asset == world.policy.currency else number(rules.get("haircut", "0"))
        worth = amount * world.asset_price(asset)
        if amount < 0:
            total += worth * (1 + haircut)
        elif rules.get("cap") is None:
            total += worth * (1 - haircut)
        else:
            total += min(worth * (1 - haircut), number(rules["cap"]))
    return total
