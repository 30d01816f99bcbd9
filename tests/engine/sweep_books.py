"""Books of random accounts, and sweeps of them beside evaluations of every account."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from rules_engine import Engine
from rules_engine.book import STATUSES, Book, book_of
from rules_engine.engine.documents import decode_account
from rules_engine.engine.engine import unrounded
from rules_engine.engine.sweep import Sweep
from tests.builders import SECTIONS, account, engine_of, market, position

FINE = Decimal("0.00000001")
"""The quantum of these policies: figures of doubles are held against it."""
CLOSE = 1e-9
"""What a price may be off by, as a part of it."""
SMOOTH = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "CONTRACTS", "INVERSE", "QUANTO")
"""Instruments whose requirements do not jump."""
JUMPING = ("CLIFFS", "CONTRACT_CLIFFS")
MARKS = market("100", ETHUSDT="90", SOLUSDT="110", INVERSE="105") | {"prices": {"BTC": {"price": "400"}}}


def fine_engine(**sections: str) -> Engine:
    """The example's engine with figures to eight places, and some sections replaced."""
    return engine_of(settlement=f"{{currency: USDT, quantum: {FINE:f}}}", **sections)


BUFFERED = {
    "buffers": "{swings: {kind: volatility, measure: realized, bands: ["
    "{from: 0, multiply: 1}, {from: 0.5, multiply: 1.5}, {from: 1, multiply: 2}]}}",
    "instruments": SECTIONS["instruments"].replace("table: steps, u", "table: steps, buffers: [swings], u"),
}
"""Sections in which instruments of the table `steps` ask for a measure; where it is missing there are two readings."""


def random_accounts(
    seed: int, number: int, modes: Sequence[str] = ("isolated", "cross", "hybrid"), jumps: bool = False
) -> list[dict[str, Any]]:
    """Accounts of up to five positions, one an instrument, mode and side, of both sides, healthy and not."""
    random = Random(seed)
    return [_account(random, f"A{place}", modes, (*SMOOTH, *JUMPING) if jumps else SMOOTH) for place in range(number)]


def _account(random: Random, name: str, modes: Sequence[str], instruments: Sequence[str]) -> dict[str, Any]:
    held: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for place in range(random.randrange(1, 6)):
        mode, instrument, long = random.choice(modes), random.choice(instruments), random.random() < 0.5
        size = random.choice([random.randrange(1, 80), round(random.uniform(0.01, 15), 3)])
        fields: dict[str, Any] = {"id": f"p{place}", "instrument": instrument, "mode": mode}
        if mode == "isolated":
            fields["margin"] = str(round(random.uniform(0.02, 0.5) * size * (1 if instrument == "INVERSE" else 100), 2))
        if random.random() < 0.3:
            fields["leverage"] = random.choice(["2", "5", "10"])
        if random.random() < 0.3:
            fields["accrued"] = random.choice(["1.5", "-2"])
        entry = str(random.choice([100, 90, 97.5, 112]))
        held[mode, instrument, long] = position(str(size if long else -size), entry, **fields)
    cash = {"USDT": str(random.randrange(-50, 4000)), "BTC": str(random.choice([0, 0.5, 3, -0.1]))}
    if random.random() < 0.05:
        cash["ETH"] = "1"  # which has no price
    return account(*held.values(), account=name, collateral=cash, group_margins={"BTC": str(random.randrange(900))})


def book_with(accounts: Sequence[dict[str, Any]]) -> Book:
    """The book of some accounts."""
    return book_of([decode_account(one) for one in accounts])


def agreeing(engine: Engine, marks: dict[str, Any], accounts: Sequence[dict[str, Any]], **asked: Any) -> Sweep:
    """The sweep of some accounts, of which every figure is what evaluation says of it, or NaN where that says nothing.

    Prices are held against unrounded ones.
    """
    sweep = engine.sweep(book_with(accounts), marks, **asked)
    exact, slots, row = Engine(unrounded(engine.policy)), sweep.book.slots, 0
    for one in accounts:
        evaluation = exact.evaluate(one, marks)
        pools = {pool.pool: pool for pool in evaluation.pools}
        for figures in evaluation.positions:
            pool, slot = pools[figures.pool or ""], int(slots[row])
            what = (one, figures.id)
            assert STATUSES[sweep.columns.status[slot]] == pool.status, what
            hold(pool.equity, sweep.columns.equity[slot], what)
            hold(figures.initial_margin, sweep.columns.initial_margin[slot], what)
            hold(figures.maintenance_margin, sweep.columns.maintenance_margin[slot], what)
            hold(figures.unrealized_pnl, sweep.columns.unrealized_pnl[slot], what)
            if sweep.columns.liquidation_price is not None:
                hold_price(figures.liquidation_price, sweep.columns.liquidation_price[slot], what)
            row += 1
    return sweep


def hold(exact: Decimal | None, found: float, what: object) -> None:
    """Money: NaN for None, else within the quantum to which evaluation rounds it."""
    assert (exact is None) == math.isnan(found), (what, exact, found)
    assert exact is None or abs(float(exact) - found) <= float(FINE) * 1.5, (what, exact, found)


def hold_price(exact: Decimal | None, found: float, what: object) -> None:
    """A price: NaN for None, else close to the exact one."""
    assert (exact is None) == math.isnan(found), (what, exact, found)
    assert exact is None or abs(float(exact) - found) <= CLOSE * abs(float(exact)), (what, exact, found)
