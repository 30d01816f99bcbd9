"""Random accounts under the shipped policy: the engine's surplus is the program's, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from drift_documents import scaled, shared_pool, shipped_engine
from program import Perp, Spot, totals

from rules_engine.terms.evaluation import PoolFigures

MARKETS: dict[str, dict[str, Any]] = {
    "BTC-PERP": {"ratios": (1000, 500), "imf": 1000, "pnl_weights": (10_000, 10_000), "pnl_imf": 1000},
    "SOL-PERP": {"ratios": (1000, 500), "imf": 50, "pnl_weights": (0, 10_000), "pnl_imf": 0},
}
ASSETS: dict[str, dict[str, Any]] = {
    "USDC": {},
    "SOL": {"asset_weights": (8000, 9000), "liability_weights": (12_000, 11_000)},
    "BTC": {"asset_weights": (9000, 9500), "liability_weights": (11_000, 10_500), "imf": 300},
}


class Drawn:
    """A random account, as documents and as the program's positions."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.items: list[Perp | Spot] = []
        self.account: dict[str, Any] = {"account": "A", "positions": [], "collateral": {}}
        self.market: dict[str, Any] = {"as_of": "2026-12-02T00:00:00Z", "instruments": {}, "prices": {}}
        for name, terms in MARKETS.items():
            self._perp(random, name, terms)
        for name, terms in ASSETS.items():
            self._spot(random, name, terms)

    def _perp(self, random: Random, name: str, terms: dict[str, Any]) -> None:
        base = random.randrange(1, 10**12) * random.choice((1, -1))
        price, entry = random.randrange(10**6, 10**9), random.randrange(10**6, 10**9)
        cost = scaled(str(base), 9) * scaled(str(entry), 6)
        self.items.append(Perp(base, -int(cost.scaleb(6).to_integral_value("ROUND_HALF_UP")), price, **terms))
        self.market["instruments"][name] = {"mark_price": str(scaled(str(price), 6))}
        self.account["positions"].append(
            {"id": name, "instrument": name, "mode": "drift_cross"}
            | {"quantity": str(scaled(str(base), 9)), "entry_price": str(scaled(str(entry), 6))}
        )

    def _spot(self, random: Random, name: str, terms: dict[str, Any]) -> None:
        amount, price = random.randrange(-(10**12), 10**13), random.randrange(10**6, 10**9)
        if name == "USDC":
            amount, price = random.randrange(0, 10**15), 10**6
        self.items.append(Spot(amount, price, **terms))
        self.account["collateral"][name] = str(scaled(str(amount), 9))
        self.market["prices"][name] = {"price": str(scaled(str(price), 6))}


def assert_agrees(pool: PoolFigures, drawn: Drawn) -> None:
    """Total collateral, both requirements, what is free, and the decision."""
    collateral, requirement, _ = totals(drawn.items, initial=True)
    assert pool.figures["total_collateral_initial"] == scaled(str(collateral), 6)
    assert pool.figures["margin_requirement_initial"] == scaled(str(requirement), 6)
    assert pool.free_margin == scaled(str(collateral - requirement), 6)
    collateral, requirement, buffered = totals(drawn.items, initial=False)
    assert pool.figures["total_collateral_maintenance"] == scaled(str(collateral), 6)
    assert pool.figures["margin_requirement_maintenance"] == scaled(str(requirement), 6)
    assert pool.figures["margin_requirement_plus_buffer"] == scaled(str(buffered), 6)
    assert (pool.status in ("liquidate", "bankrupt")) == (collateral < requirement)


@pytest.mark.parametrize("seed", range(25))
def test_random_account__agrees_with_the_program(seed: int) -> None:
    """Perps and assets of random sizes and prices come out as in the program's whole numbers."""
    drawn = Drawn(seed)
    assert_agrees(shared_pool(shipped_engine().evaluate(drawn.account, drawn.market)), drawn)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("lacking", "status"), [(0, "margin_call"), (1, "liquidate")])
def test_maintenance_boundary__is_the_program_s(seed: int, lacking: int, status: str) -> None:
    """Where collateral equals the requirement nothing is liquidated; one millionth less, and it is."""
    drawn = Drawn(seed)
    collateral, requirement, _ = totals(drawn.items, initial=False)
    usdc = Decimal(drawn.account["collateral"]["USDC"])
    usdc -= usdc % Decimal("0.000001") + scaled(str(collateral - requirement + lacking), 6)
    drawn.account["collateral"]["USDC"] = str(usdc)
    pool = shared_pool(shipped_engine().evaluate(drawn.account, drawn.market))
    assert pool.status == status
