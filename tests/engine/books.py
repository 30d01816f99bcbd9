"""A policy, a market and rows for the tests of books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rules_engine import Engine, load_policy
from rules_engine.engine.book import Book
from rules_engine.engine.sweep_rows import STATUSES

ROOT = Path(__file__).parents[2]
ENGINE = Engine(load_policy(ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml"))
MARKET = (ROOT / "docs" / "examples" / "market.json").read_text(encoding="utf-8")
"""Marks: BTCUSDT 61,000, ETHUSDT 2,450, SOLUSDT 152.5; BTC is worth 61,005."""


def row(account: str = "A", id: str = "p1", mode: str = "isolated", **cells: Any) -> dict[str, Any]:
    """A long position of one contract of BTCUSDT, with what is asked for in place of that."""
    margin = {"margin": "6000"} if mode == "isolated" else {}
    plain = {"account": account, "id": id, "instrument": "BTCUSDT", "mode": mode, "quantity": "1"}
    return {**plain, "entry_price": "60000", **margin, **cells}


def statuses(book: Book) -> list[str]:
    """The status of every row, in the book's order."""
    codes = ENGINE.sweep(book, MARKET).columns.status
    return [STATUSES[code] for code in codes[book.slots].tolist()]


def reasons(book: Book) -> dict[str, tuple[str, ...]]:
    """Why pools are undetermined, by name, as evaluation says it account by account."""
    accounts = (book.account(place) for place in range(len(book.names)))
    evaluations = [ENGINE.evaluate(account, MARKET) for account in accounts]
    return {pool.pool: pool.reasons for evaluation in evaluations for pool in evaluation.pools}
