"""The initial and maintenance margin that Derive's own tests assert, through documents."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from derive_cases import file
from derive_documents import account, engine_of, market

Case = Mapping[str, Any]
CASES = file()["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_margin__is_that_of_derive(case: Case) -> None:
    """Equity less requirement is what Derive calls margin."""
    inputs, expected = case["inputs"], case["expected"]
    pool = engine_of(inputs).evaluate(account(inputs), market(inputs)).pools[0]
    assert pool.reasons == ()
    assert pool.equity is not None
    tolerance = Decimal(case["tolerance"]["value"])
    for balance, required in (("IM", pool.initial_margin), ("MM", pool.maintenance_margin)):
        assert required is not None
        wanted = Decimal(expected[balance])
        assert abs(pool.equity - required - wanted) <= tolerance * abs(wanted)
    for balance, name in (("IM", "initial"), ("MM", "maintenance")):
        wanted = Decimal(expected[balance])
        assert abs(pool.figures[f"{name}_margin_balance"] - wanted) <= tolerance * abs(wanted)
