"""Whether the sweep ever decides wrongly: random rows, and rows at or beside a line, against an oracle in fractions.

Run `python benchmarks/exactness.py [--rows N] [--seed N] [--json] [--write FILE.json]`; N rows of each kind, a million
unless told. Every batch of rows has a policy and a market of its own, and of some random rows liquidation prices are
compared. The command fails where one decision or price differs. The page of `sweep.py` tells what was written.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).resolve().parents[1]))

from exactness_documents import Drawing, market_of, policy_of
from exactness_prices import Prices, compare

from rules_engine.engine.book_rows import book_of
from rules_engine.engine.sweep_rows import STATUSES
from tests.properties.product import engine_of

BATCH = 25_000
"""Rows under one policy: enough for groups of thousands, few enough for forty policies in a million."""


@dataclass
class Count:
    """What came of some rows."""

    rows: int = 0
    wrong: int = 0
    doubtful: int = 0
    oracle_seconds: float = 0.0
    sweep_seconds: float = 0.0
    price_seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    prices: Prices = field(default_factory=Prices)


def batch(seed: int, rows: int, aimed: bool, count: Count) -> None:
    """Draws accounts under a policy of their own, decides them both ways, and counts."""
    random = Random(seed)
    policy = policy_of(random)
    market = market_of(random, policy)
    started = time.perf_counter()
    held = list(Drawing(random, policy, market, aimed).accounts(rows))
    drawn = time.perf_counter()
    sweep = engine_of(policy).sweep(book_of(one.account for one in held), market)
    swept = time.perf_counter()
    if not aimed:  # those at a line are in doubt, nearly all, so their prices are the exact path's
        compare(policy, market, [one.account for one in held], count.prices)
    count.price_seconds += time.perf_counter() - swept
    count.sweep_seconds += swept - drawn
    count.oracle_seconds += drawn - started
    count.doubtful += sweep.rows_exact
    expected = [(one.account, index) for one in held for index in range(len(one.statuses))]
    decided = sweep.columns.status[sweep.book.slots].tolist()
    count.rows += len(decided)
    for (account, index), status, code in zip(
        expected, (status for one in held for status in one.statuses), decided, strict=True
    ):
        count.statuses[status] = count.statuses.get(status, 0) + 1
        if STATUSES[code] != status:
            count.wrong += 1
            if len(count.examples) < 5:
                count.examples.append(f"seed {seed}, {account} row {index}: {STATUSES[code]}, not {status}")


def run(rows: int, aimed: bool, seed: int = 0) -> Count:
    """So many rows in batches."""
    count = Count()
    while count.rows < rows:
        batch(2 * seed + aimed, min(BATCH, rows - count.rows), aimed, count)
        seed += 1
    return count


def figures_of(count: Count) -> dict[str, object]:
    """What is told of some rows."""
    prices = count.prices
    return {
        "rows": count.rows,
        "wrong decisions": count.wrong,
        "share decided exactly": round(count.doubtful / count.rows, 6),
        "statuses": count.statuses,
        "prices compared": prices.compared,
        "wrong prices": prices.wrong,
        "compared where there is none": prices.none,
        "share priced exactly": round(prices.exact / max(prices.swept, 1), 6),
        "seconds to draw and decide in fractions": round(count.oracle_seconds, 1),
        "seconds for book and sweep": round(count.sweep_seconds, 1),
        "seconds for prices": round(count.price_seconds, 1),
        "examples of wrong ones": [*count.examples, *prices.examples],
    }


def main() -> int:
    """Runs both kinds and prints what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE.json")
    asked = parser.parse_args()
    counts = {
        name: run(asked.rows, aimed, asked.seed) for name, aimed in (("random rows", False), ("rows at a line", True))
    }
    figures = {name: figures_of(count) for name, count in counts.items()}
    text = json.dumps(figures, indent=1)
    if asked.write is not None:
        asked.write.write_text(text + "\n")
    if asked.json:
        print(text)
    else:
        for name, figure in figures.items():
            print(name, *(f"  {key}: {value}" for key, value in figure.items()), sep="\n")
    return 1 if any(count.wrong or count.prices.wrong for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
