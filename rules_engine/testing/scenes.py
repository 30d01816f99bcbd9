"""Accounts and markets like those of the examples: sizes scaled, sides changed, marks moved, positions left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.market import InstrumentMarket, Market

SCALES: Final = tuple(map(Decimal, ("0.01", "0.1", "0.5", "1", "1", "2", "5", "10", "100")))
MOVES: Final = tuple(map(Decimal, ("0.5", "0.8", "0.95", "1", "1", "1.02", "1.25", "2")))
SIDES: Final = (1, 1, -1)
KEPT: Final = (True, True, True, False)


def scenes(
    random: Random, accounts: Sequence[Account], markets: Sequence[Market], count: int
) -> Iterator[tuple[Account, Market]]:
    """Every account in every market, and then as many variants as make up the count."""
    bases = [(account, market) for account in accounts for market in markets]
    yield from bases
    for _ in range(count - len(bases)):
        account, market = random.choice(bases)
        yield _varied(random, account), _moved(random, market)


def _varied(random: Random, account: Account) -> Account:
    """The account with some positions, each instrument on a side and of a size of its own, more or less backed."""
    rows: list[Position | Order] = [*account.positions, *account.orders]
    instruments = sorted({row.instrument for row in rows})
    factors = {name: random.choice(SIDES) * random.choice(SCALES) for name in instruments}
    kept = [position for position in account.positions if random.choice(KEPT)] or account.positions[:1]
    there = {position.id for position in kept}
    orders = [order for order in account.orders if order.position is None or order.position in there]
    return replace(
        account,
        positions=tuple(_resized(random, position, factors[position.instrument]) for position in kept),
        orders=tuple(_scaled(random, order, factors[order.instrument]) for order in orders if random.choice(KEPT)),
        collateral=_times(random.choice(SCALES), account.collateral),
        group_margins=_times(random.choice(SCALES), account.group_margins),
    )


def _resized(random: Random, position: Position, factor: Decimal) -> Position:
    margin = position.margin
    return replace(
        position,
        quantity=position.quantity * factor,
        entry_price=position.entry_price * random.choice(MOVES),
        margin=None if margin is None else margin * abs(factor) * random.choice(MOVES),
    )


def _scaled(random: Random, order: Order, factor: Decimal) -> Order:
    price = None if order.price is None else order.price * random.choice(MOVES)
    return replace(order, quantity=order.quantity * factor, price=price)


def _times(factor: Decimal, amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount * factor for name, amount in amounts.items()}


def _moved(random: Random, market: Market) -> Market:
    """The market with every mark moved, its index with it."""
    return replace(
        market, instruments={name: _at(data, random.choice(MOVES)) for name, data in market.instruments.items()}
    )


def _at(data: InstrumentMarket, factor: Decimal) -> InstrumentMarket:
    prices: dict[str, Any] = {
        name: None if price is None else price * factor
        for name, price in (("mark_price", data.mark_price), ("index_price", data.index_price))
    }
    return replace(data, **prices)
