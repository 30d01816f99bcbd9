"""Two policies, and books for the tests of impacts."""

from __future__ import annotations

from random import Random
from typing import Any

from rules_engine import Engine
from rules_engine.engine.book import Book
from rules_engine.engine.book_rows import book_from_rows
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import registry
from tests.engine.books import ENGINE, ROOT, row

TEXT = (ROOT / "policies" / "usdt-perpetuals" / "1.2.0.yaml").read_text(encoding="utf-8")
TIGHTER = {
    "version: 1.2.0": "version: 1.3.0",
    "up_to: 50000,     maintenance_rate: 0.004, max_leverage: 125": (
        "up_to: 20000,     maintenance_rate: 0.02, max_leverage: 40"
    ),
    "maintenance_rate: 0.005, max_leverage: 100": "maintenance_rate: 0.03, max_leverage: 30",
    "maintenance_rate: 0.025, max_leverage: 20": "maintenance_rate: 0.04, max_leverage: 20",
    "haircut: 0.05": "haircut: 0.15",
}
"""From the published policy to one that asks for several times as much."""


def candidate_text(changes: dict[str, str]) -> str:
    """The published policy's text with these changes, each of which must be in it."""
    text = TEXT
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def engine_with(changes: dict[str, str]) -> Engine:
    """An engine of the published policy with these changes."""
    finder = policy_finder(ROOT / "policies")
    compiled, problems = check_policy(candidate_text(changes).encode(), "candidate.yaml", registry(), finder)
    assert compiled is not None, "\n".join(map(str, problems))
    return Engine(compiled)


BEFORE, AFTER = ENGINE, engine_with(TIGHTER)
MARKS = {"BTCUSDT": 61000, "ETHUSDT": 2450, "SOLUSDT": 152.5}
GROUPS = {"BTCUSDT": "BTC", "ETHUSDT": "ETH", "SOLUSDT": "SOL"}


def some_rows(accounts: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Positions of both sides in all modes, at margins near the lines; some rows at fault, one mode that is no mode."""
    random, rows, collateral = Random(5), [], []
    for account in range(accounts):
        for place in range(random.randrange(1, 6)):
            name = random.choice(list(MARKS))
            mode = random.choice(["isolated", "cross", "hybrid"])
            size = max(round(random.uniform(500, 80_000) / MARKS[name], 3), 0.001)
            cells = {"quantity": str(random.choice([size, -size])), "entry_price": str(MARKS[name])}
            margin = {"margin": str(round(size * MARKS[name] * random.uniform(0.003, 0.06), 2))}
            where = margin if mode == "isolated" else {"group": GROUPS[name]} if mode == "hybrid" else {}
            rows.append(row(f"A{account}", f"p{place}", mode, instrument=name, **cells, **where))
        collateral.append({"account": f"A{account}", "asset": "USDT", "amount": str(random.randrange(3_000))})
        collateral.append({"account": f"A{account}", "asset": "BTC", "amount": str(random.random() / 20)[:6]})
    rows.append(row("A0", "wrong", quantity="two"))
    rows.append(row("A1", "odd", "nothing"))
    return rows, collateral


def some_book(accounts: int) -> Book:
    """A book of those rows."""
    return book_from_rows(*some_rows(accounts), currency="USDT")
