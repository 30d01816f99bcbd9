"""The conformance kit on everything that the plugin supplies."""

from __future__ import annotations

import rules_engine_portfolio_margin
from portfolio_documents import POLICY, account, market

from rules_engine.testing import Examples, check_plugin

PARAMETERS = "short_option_minimum: 2, initial_multiplier: 1.2, spread_credits: [{legs: {BTC: 1, ETH: -1}, rate: 0.6}]"


def test_plugin__keeps_the_laws() -> None:
    """Futures, an inverse contract and options, long and short, and an order that opens a position."""
    order = {"id": "o1", "instrument": "BTC_C100", "mode": "portfolio", "quantity": "-2", "price": "9"}
    held = account("3000", BTC_F1="10", ETH_F1="-5", BTC_I1="20", BTC_C90="-3", BTC_P90="2", BTC_C400="-1")
    examples = Examples(
        policy=POLICY.format(parameters=PARAMETERS, instruments=""),
        accounts=[{**held, "orders": [order]}],
        markets=[market()],
    )
    for report in check_plugin(rules_engine_portfolio_margin, examples=examples):
        report.raise_if_broken()
