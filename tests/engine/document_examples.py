"""Documents that the tests of this folder start from, and what is found wrong with a changed one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rules_engine.errors import DocumentError, Problem

POSITION = {"id": "p1", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "0.5", "entry_price": "60000"}
ORDER = {"id": "o1", "instrument": "BTCUSDT", "mode": "cross", "quantity": "0.1"}
AS_OF = "2026-12-02T00:00:00Z"
MIDNIGHT = datetime(2026, 12, 2, tzinfo=UTC)

# The account and the market of the published format.
ACCOUNT_TEXT = """{"account": "A-17",
 "collateral": {"USDT": "12000", "BTC": "0.25"},
 "group_margins": {"SOL": "2500"},
 "positions": [
   {"id": "p1", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "0.5", "entry_price": "60000",
    "margin": "3000", "leverage": "10", "accrued": "-1.25", "opened_at": "2026-11-30T12:00:00Z"},
   {"id": "p2", "instrument": "ETHUSDT", "mode": "cross", "quantity": "-4", "entry_price": "2500", "leverage": "5"},
   {"id": "p3", "instrument": "SOLUSDT", "mode": "hybrid", "quantity": "100", "entry_price": "150", "leverage": "5"}],
 "orders": [{"id": "o1", "instrument": "BTCUSDT", "mode": "isolated", "position": "p1", "quantity": "0.1",
   "price": "59000", "leverage": "10", "reduce_only": false}]}"""
MARKET_TEXT = """{"as_of": "2026-12-02T00:00:00Z",
 "instruments": {"BTCUSDT": {"mark_price": "61000", "index_price": "61010", "time": "2026-12-02T00:00:00Z",
                             "measures": {"realized_24h": "0.7", "depth_1pct": "9000000"}, "expires_at": null}},
 "prices": {"BTC": {"price": "61005", "time": "2026-12-02T00:00:00Z"}}}"""


def problems_of(call: Any, *arguments: Any) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        call(*arguments)
    return caught.value.problems


def found(call: Any, *arguments: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems_of(call, *arguments)]


def account_with(**fields: Any) -> dict[str, Any]:
    return {"account": "A-17", "positions": [{**POSITION, **fields}]}
