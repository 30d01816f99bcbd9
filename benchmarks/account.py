"""What an engine costs: an account of ten positions evaluated by it, and the same arithmetic in bare Decimals.

Run `python benchmarks/account.py [--json]`. The bare function knows its tables; it parses, checks and rounds nothing.
It does the tier envelope, equity, both margins and both prices of each position. Ratios of medians, in one run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from rules_engine import Engine, load_policy
from rules_engine.engine.documents import decode_account, decode_market

NAMES = [
    "BTCUSDT",
    "ETHUSDT",
    "SOLUSDT",
    "XRPUSDT",
    "DOGEUSDT",
    "ADAUSDT",
    "LINKUSDT",
    "LTCUSDT",
    "AVAXUSDT",
    "DOTUSDT",
]
MARKS = ["61000.5", "2450.25", "152.41", "0.5231", "0.11873", "0.4417", "14.223", "68.91", "27.35", "6.482"]
SIZES = ["0.75", "-12", "310", "-42000", "150000", "61000", "-900", "210", "-640", "3100"]


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """An account of ten positions, half isolated and half cross, and its market."""
    as_of = "2026-12-02T00:00:00Z"
    positions = []
    for index, (name, mark, size) in enumerate(zip(NAMES, MARKS, SIZES, strict=True)):
        entry = str(Decimal(mark) * Decimal("0.99"))
        position = {"id": f"p{index}", "instrument": name, "quantity": size, "entry_price": entry, "leverage": "10"}
        own = {"mode": "isolated", "margin": "4000"} if index % 2 else {"mode": "cross"}
        positions.append({**position, **own})
    instruments = {
        name: {"mark_price": mark, "time": as_of, "price_tick": "0.0001", "quantity_step": "0.001"}
        for name, mark in zip(NAMES, MARKS, strict=True)
    }
    account = {"account": "A", "collateral": {"USDT": "90000"}, "positions": positions}
    return account, {"as_of": as_of, "instruments": instruments}


def bare(engine: Engine, account: Any, market: Any) -> Callable[[], list[Any]]:
    """The same arithmetic with everything looked up beforehand."""
    rows = []
    for position in account.positions:
        tiers = engine.policy.instruments[position.instrument].table.tiers
        lines = [(tier.maintenance_rate, tier.deduction) for tier in tiers]
        initial_rates = [(tier.floor, 1 / tier.max_leverage) for tier in tiers]
        mark = market.instruments[position.instrument].mark_price
        collateral = position.margin or account.collateral["USDT"]
        rows.append(
            (position.quantity, mark, position.entry_price, collateral, position.leverage, lines, initial_rates)
        )

    def run() -> list[Any]:
        results = []
        for quantity, mark, entry, collateral, leverage, lines, initial_rates in rows:
            size = abs(quantity)
            notional = size * mark
            maintenance = max([rate * notional - deduction for rate, deduction in lines])
            for floor, rate in initial_rates:
                if notional < floor:
                    break
                initial_rate = rate
            initial = max(notional / leverage, notional * initial_rate, maintenance)
            equity = collateral + quantity * (mark - entry)
            cost = size * entry
            if quantity > 0:
                liquidation = max([(cost - collateral - deduction) / (size * (1 - rate)) for rate, deduction in lines])
                bankruptcy = (cost - collateral) / size
            else:
                liquidation = min([(cost + collateral + deduction) / (size * (1 + rate)) for rate, deduction in lines])
                bankruptcy = (cost + collateral) / size
            results.append((notional, equity, initial, maintenance, liquidation, bankruptcy))
        return results

    return run


def median(function: Callable[[], object], rounds: int = 40, calls: int = 10) -> float:
    """Seconds a call, the median of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


def main() -> None:
    """Measures in turn, so that a noisy machine is noisy for all."""
    engine = Engine(load_policy("binance-usdm-usdt@1.0.0"))
    account, market = documents()
    records = decode_account(account), decode_market(market)
    subjects: dict[str, Callable[[], object]] = {
        "bare Decimals": bare(engine, *records),
        "evaluate, records": lambda: engine.evaluate(*records),
        "evaluate, dicts": lambda: engine.evaluate(account, market),
        "evaluate, dicts, to_dict": lambda: engine.evaluate(account, market).to_dict(),
        "evaluate and explain, records": lambda: engine.explain(*records),
    }
    rounds = [{name: median(function, rounds=5) for name, function in subjects.items()} for _ in range(8)]
    figures = {}
    for name in subjects:
        seconds = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["bare Decimals"] for each in rounds)
        figures[name] = {"microseconds": round(seconds * 1e6, 1), "times bare": round(ratio, 2)}
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f"{name:<32} {figure['microseconds']:>10} us {figure['times bare']:>8} times bare")


if __name__ == "__main__":
    main()
