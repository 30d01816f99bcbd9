"""Mode and plan under the conformance kit of rules_engine."""

from __future__ import annotations

from decimal import Decimal

import pytest
import rules_engine_drift_margin
from drift_documents import SHIPPED

from rules_engine import testing

if not hasattr(testing, "check_plugin"):
    pytest.skip("this rules_engine has no conformance kit", allow_module_level=True)

ACCOUNT = {
    "account": "A",
    "collateral": {"USDC": "2000", "SOL": "100", "BTC": "-0.01", "JTO": "100"},
    "positions": [
        {"id": "btc", "instrument": "BTC-PERP", "mode": "drift_cross", "quantity": "0.5", "entry_price": "60000"},
        {"id": "sol", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "-200", "entry_price": "150"},
    ],
    "orders": [
        {"id": "o", "instrument": "SOL-PERP", "mode": "drift_cross", "quantity": "-100", "price": "151"},
    ],
}
MARKET = {
    "as_of": "2026-12-02T00:00:00Z",
    "instruments": {"BTC-PERP": {"mark_price": "61000"}, "SOL-PERP": {"mark_price": "155"}},
    "prices": {
        "SOL": {"price": "155"},
        "BTC": {"price": "61000"},
        "JTO": {"price": "2.5", "measures": {"total_deposits": "300000"}},
    },
}


CLOSED = {"margin_ratio_maintenance": "0.05", "liquidator_fee": "0.01", "order_step_size": "0.001"}
PLAN = {
    "liquidation_buffer": Decimal("0.02"),
    "markets": {
        name: {field: Decimal(number) for field, number in CLOSED.items()}
        for name in ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH")
    },
}
"""Parameters for the markets of the kit."""


def test_mode_and_plan__keep_the_laws() -> None:
    """No law is broken.

    Skipped are the laws of lines, for roots and divisions are none, and those that the mode does not claim.
    """
    examples = testing.Examples(policy=SHIPPED, accounts=[ACCOUNT], markets=[MARKET])
    reports = testing.check_plugin(rules_engine_drift_margin, parameters={"drift_shortage": PLAN}, examples=examples)
    for report in reports:
        report.raise_if_broken()
    skipped = {law.name for report in reports for law in report.laws if law.verdict == "skipped"}
    assert skipped <= {"mark", "quantity", "mirror", "collateral", "size", "isolation"}
