"""The modes through the engine: tiers, open interest, leverage, what is missing, and what a policy may not say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from venue import checked, engine_of, evaluated, policy_text, position, registry

from rules_engine import Engine, load_policy

SCALED = {"open_interest_lower_cap": "1000000", "open_interest_upper_cap": "2000000"}
SHIPPED = Path(__file__).parent.parent / "policies" / "dydx-v4" / "1.0.0.yaml"


def test_isolated__stands_on_its_own_margin() -> None:
    """One coin at 1000 requires 200 and 100; the account's collateral is not its own."""
    held = position("BTC", 1, 1000, mode="dydx_isolated", id="p", margin="99.999999")
    evaluation = evaluated(engine_of(), [held], net_collateral="1000")
    pool = next(pool for pool in evaluation.pools if pool.pool == "A/dydx_isolated/p")
    assert [pool.initial_margin, pool.maintenance_margin] == [200, 100]
    assert pool.status == "liquidate"


@pytest.mark.parametrize(("net_collateral", "status"), [("100", "healthy"), ("99.999999", "liquidate")])
def test_status__net_collateral_at_maintenance_is_kept(net_collateral: str, status: str) -> None:
    """Liquidatable is maintenance above net collateral, not at it (`lib/margin/risk.go`, `IsLiquidatable`)."""
    evaluation = evaluated(engine_of(), [position("BTC", 1, 1000)], net_collateral=net_collateral)
    assert evaluation.pools[0].status == status


def test_leverage__raises_initial_margin_alone() -> None:
    """Twice leverage asks for half; ten times asks for less than the tier does, and is not heard."""
    for leverage, initial in (("2", 500), ("10", 200)):
        held = position("BTC", 1, 1000, leverage=leverage)
        figures = evaluated(engine_of(), [held], net_collateral="1000").positions[0]
        assert [figures.initial_margin, figures.maintenance_margin] == [initial, 100]


def test_open_interest__raises_initial_margin_alone() -> None:
    """Halfway between the caps, 20 % have become 60 %."""
    evaluation = evaluated(
        engine_of(SCALED), [position("BTC", 1, 1000)], net_collateral="1000", open_interest="1500000"
    )
    figures = evaluation.positions[0]
    assert [figures.initial_margin, figures.maintenance_margin] == [600, 100]
    assert figures.figures["initial_margin_fraction_ppm"] == 600000


@pytest.mark.parametrize(("tier", "reasons"), [(SCALED, ("MEASURE_MISSING",)), ({}, ())])
def test_open_interest__missing(tier: dict[str, str], reasons: tuple[str, ...]) -> None:
    """A tier with caps cannot do without it, and one without caps does not ask."""
    held = {"account": "A", "collateral": {"USDC": "1000"}, "positions": [position("BTC", 1, 1000)]}
    market = {"as_of": "2026-12-02T00:00:00Z", "instruments": {"BTC": {"mark_price": "1000"}}}
    assert engine_of(tier).evaluate(held, market).pools[0].reasons == reasons


def test_market__in_no_tier() -> None:
    """A market that no tier lists leaves its pool undetermined."""
    policy, codes = checked(policy_text().replace('markets: ["*"]', "markets: [ETH]"))
    assert policy is not None, codes
    pool = evaluated(Engine(policy), [position("BTC", 1, 1000)], net_collateral="1000").pools[0]
    assert (pool.status, pool.reasons) == ("undetermined", ("REFERENCE_MISSING",))


def test_closing_fee__counts_where_the_policy_says() -> None:
    """A fee of 1 % of 1000 comes on top of 100 and of 200."""
    fee = "trigger: below, closing_fee: {rate: 0.01, counts_in: [initial, maintenance]}"
    held = position("BTC", 1, 1000)
    figures = evaluated(engine_of(liquidation=fee), [held], net_collateral="1000").positions[0]
    assert [figures.initial_margin, figures.maintenance_margin] == [210, 110]


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("open_interest_lower_cap: 0", "open_interest_lower_cap: 1"),
        ('markets: ["*"]', 'markets: ["*", "*"]'),
        ('markets: ["*"]', "markets: []"),
        ('markets: ["*"]', "markets: BTC"),
        ("initial_margin_ppm: 200000", "initial_margin_ppm: 1000001"),
        ("initial_margin_ppm: 200000", "initial_margin_ppm: 0.5"),
        ("open_interest_upper_cap: 0", "open_interest_upper_cap: none"),
    ],
)
def test_parameters__refused(written: str, instead: str) -> None:
    """What the chain refuses and what says nothing: caps out of order, a market twice, none, too large a margin."""
    policy, codes = checked(policy_text().replace(written, instead, 1))
    assert policy is None
    assert set(codes) == {"PARAMETER_VALUE"}


def test_liquidation_price__found_by_ticks() -> None:
    """Net collateral P - 44000 meets the rounded tenth of P between these two ticks.

    At 48888.888889 both are 4888.888889. A tick lower, a fifth of P is 9777.7777776, up to 9777.777778, half of which
    is 4888.888889 still, and net collateral 4888.888888.
    """
    evaluation = evaluated(engine_of(), [position("BTC", 1, 50000)], net_collateral="6000")
    assert evaluation.positions[0].liquidation_price == Decimal("48888.888889")


def test_shipped_policy__evaluates() -> None:
    """LINK at 30 million of open interest: 10 % + 90 % * 10 / 30 = 40 %; BTC 2 %; maintenance 5 % and 1.2 %."""
    policy = load_policy(SHIPPED, registry=registry())
    held = [position("BTC-USD", 1, 50000), position("LINK-USD", -100, 20)]
    evaluation = evaluated(Engine(policy), held, net_collateral="5000", open_interest="30000000")
    assert policy.warnings == ()
    assert [one.initial_margin for one in evaluation.positions] == [1000, 800]
    assert [one.maintenance_margin for one in evaluation.positions] == [600, 100]
