"""What an impact costs: a book under two policies, beside the two sweeps that it is made of, and beside one.

Run `python benchmarks/impact.py [--json] [--rows N] [--large]`. The later policy has other rates in three of ten tiers
of every table. Times are the processor's, of one thread, each subject in turn in every round, and figures are medians
of the rounds: of a book that is looked at for the first time, as a command does, and of one that was swept before.
Memory is that of a process which draws the book and does one of both, in GiB. `--large` takes books of 10^7 positions.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

from sweep_books import Scene, engine_of, scene
from sweep_subjects import FEW, ROUNDS, medians

from rules_engine import Engine
from rules_engine.engine.book import Book
from rules_engine.life.impact.impact import Comparer

LARGE: Final = 10_000_000
INSTRUMENTS: Final = 300
TIERS: Final = 10
TIGHTER: Final = {
    "maintenance_rate: 0.007, initial_rate: 0.014": "maintenance_rate: 0.009, initial_rate: 0.018",
    "maintenance_rate: 0.010, initial_rate: 0.020": "maintenance_rate: 0.012, initial_rate: 0.024",
    "maintenance_rate: 0.013, initial_rate: 0.026": "maintenance_rate: 0.015, initial_rate: 0.030",
    "version: 1.0.0": "version: 1.1.0",
}
"""From the policy of the sweep's benchmark to the later one: what the second to fourth tier of each table require."""
MODES: Final = ("isolated", "cross")


def subjects(made: Scene, later: Engine) -> dict[str, dict[str, Callable[[], Any]]]:
    """Two sweeps and an impact, of a book that nobody has looked at, and again of one."""
    engines = [engine.at(made.market) for engine in (made.engine, later)]
    known = [engine.sweep(made.book) for engine in engines]
    comparer = Comparer(made.engine, later, made.market)

    def anew() -> Any:
        book = Book(made.book.contents)
        return [engine.sweep(book, made.market) for engine in (made.engine, later)]

    def again() -> None:
        for engine, last in zip(engines, known, strict=True):
            engine.sweep(made.book, last)

    first = {
        "two sweeps": anew,
        "impact": lambda: Comparer(made.engine, later, made.market)(Book(made.book.contents)),
    }
    return {"for the first time": first, "again": {"two sweeps": again, "impact": lambda: comparer(made.book)}}


def measured(rows: int) -> dict[str, Any]:
    """All figures of one run. Memory comes first: a process that it starts counts what this one holds."""
    found: dict[str, Any] = {"rows": rows, "peak memory, GiB": {mode: peaks(rows, mode) for mode in MODES}}
    later = engine_of(INSTRUMENTS, TIERS, TIGHTER)
    for mode in MODES:
        made = scene(rows, INSTRUMENTS, TIERS, mode)
        found[mode] = {}
        for name, each in subjects(made, later).items():
            seconds = medians(each, FEW if rows >= LARGE else ROUNDS)
            both, impact = seconds["two sweeps"], seconds["impact"]
            found[mode][name] = {
                "seconds of two sweeps": round(both, 3),
                "seconds of the impact": round(impact, 3),
                "impact over two sweeps": round(impact / both, 2),
                "impact over one sweep": round(2 * impact / both, 2),
            }
    return found


def peaks(rows: int, mode: str) -> dict[str, float]:
    """The most memory that a process holds which sweeps twice, and one that takes the impact."""
    found = {}
    for name in ("two sweeps", "impact"):
        with get_context("spawn").Pool(1) as pool:
            found[name] = pool.apply(_peak, (rows, mode, name))
    return found


def _peak(rows: int, mode: str, name: str) -> float:
    made, later = scene(rows, INSTRUMENTS, TIERS, mode), engine_of(INSTRUMENTS, TIERS, TIGHTER)
    if name == "impact":
        Comparer(made.engine, later, made.market)(made.book)
    else:
        kept = [engine.sweep(made.book, made.market) for engine in (made.engine, later)]
        del kept
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as text."""
    told = [f"{found['rows']:,} positions, {INSTRUMENTS} instruments, {TIERS} tiers"]
    for mode in MODES:
        for name, each in found[mode].items():
            told.append(f"{mode}, {name}: " + ", ".join(f"{figure} {what}" for what, figure in each.items()))
        told.append(f"{mode}, peak memory: {found['peak memory, GiB'][mode]} GiB")
    return told


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args()
    found = measured(LARGE if asked.large else asked.rows)
    print(json.dumps(found, indent=1) if asked.json else "\n".join(lines(found)))


if __name__ == "__main__":
    main()
