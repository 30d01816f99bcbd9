"""The engine's own conformance kit, run on both modes as an author of a plugin runs it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rules_engine_dydx_margin.modes import Cross, Isolated

testing: Any = pytest.importorskip("rules_engine.testing")
if not hasattr(testing, "check_mode"):
    pytest.skip("this version of rules_engine has no conformance kit", allow_module_level=True)

MARKS = {"FIRST": "100", "SECOND": "95", "THIRD": "103", "FOURTH": "100", "FIFTH": "100"}
"""The instruments of the kit's own policy and accounts."""
TIER = {
    "markets": ["*"],
    "initial_margin_ppm": Decimal(200000),
    "maintenance_fraction_ppm": Decimal(500000),
    "open_interest_lower_cap": Decimal(1000000),
    "open_interest_upper_cap": Decimal(2000000),
}


@pytest.mark.parametrize("mode", [Cross(), Isolated()], ids=lambda mode: mode.name)
def test_mode__keeps_every_law(mode: Any) -> None:
    """In a market between its caps; the laws that the modes state, and units, are all judged."""
    market = {
        "as_of": "2026-12-02T00:00:00Z",
        "instruments": {
            name: {"mark_price": mark, "expires_at": None, "measures": {"open_interest_notional": "1234567.891"}}
            for name, mark in MARKS.items()
        },
        "prices": {"COIN": {"price": "100"}},
    }
    examples = testing.Examples(markets=[market])
    report = testing.check_mode(mode, {"tiers": {"all": TIER}}, examples=examples)
    report.raise_if_broken()
    judged = {law.name for law in report.laws if not law.skipped}
    assert judged >= {"amounts", "opaque", "traced", "units", "mirror", "size", "collateral", "parameters"}
