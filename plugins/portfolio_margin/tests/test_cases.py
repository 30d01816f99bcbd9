"""Gains by scenario that a public project reproduces from a spreadsheet and from Takasbank's own SPAN file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from portfolio_documents import cases, thyao_engine

from rules_engine import Evaluation

Case = Mapping[str, Any]
AS_OF = datetime(2026, 9, 1, tzinfo=UTC)
YEAR = 31536000
"""Seconds."""


def evaluated(inputs: Mapping[str, str]) -> Evaluation:
    """An account that holds the case's option alone."""
    seconds = Decimal(inputs["T"]) * YEAR
    name = f"O_THYAO_{inputs['option'][0].upper()}{inputs['strike']}"
    account = {
        "account": "A",
        "collateral": {"TRY": "100000"},
        "positions": [
            {
                "id": "p1",
                "instrument": name,
                "mode": "portfolio",
                "quantity": inputs["contracts"],
                "entry_price": "30",
            }
        ],
    }
    quoted = {
        "mark_price": "30",
        "index_price": inputs["spot"],
        "expires_at": (AS_OF + timedelta(microseconds=int(seconds * 10**6))).isoformat(),
        "terms": {"strike": inputs["strike"]},
        "measures": {"implied_volatility": inputs["vol"], "interest_rate": inputs["r"]},
    }
    return thyao_engine().evaluate(account, {"as_of": AS_OF.isoformat(), "instruments": {name: quoted}})


@pytest.mark.parametrize("case", cases(), ids=[case["id"] for case in cases()])
def test_scenario__gains_what_is_published(case: Case) -> None:
    """The gain of the case's scenario, through documents, as the figure of the position and of its underlying."""
    inputs = case["inputs"]
    evaluation = evaluated(inputs)
    expected, tolerance = Decimal(case["expected"]["pnl"]), Decimal(case["tolerance"]["value"])
    found = evaluation.positions[0].figures[f"scenario_{inputs['scenario']}"]
    assert abs(found - expected) <= tolerance
    assert evaluation.pools[0].figures[f"THYAO.scenario_{inputs['scenario']}"] == found


@pytest.mark.parametrize(("kind", "scenario", "required"), [("call", 11, "3901.039329"), ("put", 16, "2793.582309")])
def test_requirement__is_the_scanning_risk_that_is_published(kind: str, scenario: int, required: str) -> None:
    """A short call and a short put: `test_thyao_calculate_span_margin_matches_excel_sonuclar` of the same file."""
    inputs = next(case["inputs"] for case in cases() if case["inputs"]["option"] == kind)
    pool = evaluated(inputs).pools[0]
    assert pool.maintenance_margin is not None
    assert abs(pool.maintenance_margin - Decimal(required)) <= Decimal("0.01")
    assert pool.figures["THYAO.worst_scenario"] == scenario
    assert pool.figures["THYAO.short_option_minimum"] == 1640
