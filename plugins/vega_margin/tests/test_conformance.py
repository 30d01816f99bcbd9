"""The conformance kit's laws for margin modes, under the built-in examples and under Vega's own documents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rules_engine_vega_margin import VegaCross, VegaIsolated
from vega_documents import LEVELS, account, market, policy_text

from rules_engine.testing import Examples, check_mode

MODES = [VegaCross(), VegaIsolated()]
PARAMETERS = {
    "risk_factor_long": Decimal("0.1"),
    "risk_factor_short": Decimal("0.11"),
    "linear_slippage": Decimal("0.05"),
    "initial_factor": Decimal("1.2"),
}
OWN = {
    "vega_cross": {"search_factor": Decimal("1.1"), "release_factor": Decimal("1.4")},
    "vega_isolated": {"margin_factor": Decimal("0.5")},
}


def own_examples(mode: Any) -> Examples:
    """Longs, shorts and orders on both sides of a market with funding, in and out of an auction; levels are rounded."""
    inputs = {name: str(value) for name, value in PARAMETERS.items()} | {
        "quadratic_slippage": "0.001",
        "position_factor": "10",
        "scaling": LEVELS,
    }
    others = [other for other in OWN if other != mode.name]
    policy = "".join(
        line for line in policy_text(inputs).splitlines(True) if not line.strip().startswith(tuple(others))
    )
    buys, sells = [("10", "50"), ("20", "40"), ("30", "20")], [("10", "20"), ("20", "40"), ("30", "50")]
    accounts = [account(mode.name, quantity, "38", buys, sells, "400", "90") for quantity in ("25", "-25", "0")]
    markets = [market({"funding_per_unit": "-2"}, "40"), market({"funding_per_unit": "1", "auction_price": "42"}, "40")]
    return Examples(policy=policy, accounts=accounts, markets=markets)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_modes__keep_the_laws_under_the_built_in_examples(mode: Any) -> None:
    """Without rounding and quadratic slippage, so that piecewise numbers can follow."""
    check_mode(mode, PARAMETERS | OWN[mode.name]).raise_if_broken()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_modes__keep_the_laws_under_documents_of_their_own(mode: Any) -> None:
    """What Vega's markets have: funding, auctions, sizes with a position factor, levels in whole units."""
    check_mode(mode, examples=own_examples(mode)).raise_if_broken()
