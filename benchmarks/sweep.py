"""What a sweep costs: a book decided on columns, beside the exact path, plain loops, other programs and a bare copy.

Run `python benchmarks/sweep.py [--json] [--rows N] [--large] [--write FILE]`. Times are the processor's, of one thread,
so that a machine that does other work beside this disturbs them less; each subject is measured in turn in every round,
and figures are medians of the rounds. `--large` adds books of 10^7 positions; `--write` puts the page of results there.
"""

from __future__ import annotations

import argparse
import inspect
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

import msgspec
import numpy as np
import sweep_peers
from sweep_books import Scene, scene
from sweep_hand import READ, WRITTEN, Hand, by_decimals, copying, samples
from sweep_page import page

from rules_engine.engine.engine import MarketEngine

ROUNDS: Final = 9
SAMPLE: Final = 3_000

Figures = dict[str, Any]


def medians(subjects: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.process_time) -> Figures:
    """Seconds of every subject, each in turn in every round, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for subject in subjects.values():
        subject()
    for _ in range(ROUNDS):
        for name, subject in subjects.items():
            start = clock()
            subject()
            times[name].append(clock() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def sweeping(made: Scene) -> Callable[[], Any]:
    """A sweep of the scene again and again, into the arrays of the first."""
    engine: Any = made.engine.at(made.market)
    into = engine.sweep(made.book)
    return lambda: engine.sweep(made.book, into=into)


def share_exact(sweep: Any) -> float:
    """The share of rows that were decided exactly."""
    return float(sum(sweep.exactly.values()) / len(sweep.book))


def isolated(rows: int) -> Figures:
    """An isolated linear book, 300 instruments, 10 tiers: the sweep beside everything else."""
    made = scene(rows)
    run, hand = sweeping(made), Hand(made)
    hand.run()
    answer = run()
    agreed = hand.agrees(answer.columns.status)
    seconds = medians({"sweep": run, "NumPy by hand, nothing certified": hand.run, "copy of the bytes": copying(rows)})
    figures: Figures = {name: rows / each for name, each in seconds.items()}
    chosen = samples(made, SAMPLE)
    figures["Decimals by hand"] = len(chosen) / medians({"it": lambda: [by_decimals(one) for one in chosen]})["it"]
    figures["evaluate, exact, with prices and close-out"] = exact(made)
    others, skipped = sweep_peers.rates(chosen)
    figures |= others
    return {
        "rows": rows,
        "positions a second": {name: round(rate) for name, rate in figures.items()},
        "sweep over": {name: round(figures["sweep"] / rate, 3) for name, rate in figures.items() if name != "sweep"},
        "skipped": skipped,
        "share of rows decided exactly": share_exact(answer),
        "share of rows on which the uncertified loop agrees": agreed,
        "statuses": np.bincount(answer.columns.status, minlength=5).tolist(),
        "bytes read and written a position": [READ, WRITTEN],
        "bytes a position of the book": bytes_of(made),
        "certified over uncertified": round(
            seconds["sweep"] / seconds["NumPy by hand, nothing certified"],
            2,
        ),
    }


def exact(made: Scene) -> float:
    """Positions a second by exact evaluation of some accounts."""
    engine = made.engine.at(made.market)
    accounts = made.book.accounts(list(range(0, len(made.book.names), max(1, len(made.book.names) // 100)))[:100])
    positions = sum(len(account.positions) for account in accounts)
    return float(positions / medians({"it": lambda: engine.evaluate_all(accounts)})["it"])


def bytes_of(made: Scene) -> int:
    """What the book's arrays take for each position."""
    held = sum(
        group.rows.nbytes
        + group.accounts.nbytes
        + sum(each.nbytes for each in group.columns.values() if each is not None)
        for group in made.book.groups
    )
    return round(held / len(made.book))


def cross(rows: int) -> Figures:
    """A book of cross accounts, five positions each."""
    made = scene(rows, mode="cross")
    run = sweeping(made)
    seconds = medians({"sweep": run})["sweep"]
    return {
        "rows": rows,
        "positions a second": round(rows / seconds),
        "share of rows decided exactly": share_exact(run()),
    }


def growth(rows: int, large: bool) -> Figures:
    """How the rate changes with each size while the others stay: positions a second."""
    sizes = [10_000, 100_000, 1_000_000, *([10_000_000] if large else [])]
    return {
        "positions, isolated": {each: rate(each) for each in sizes},
        "instruments, isolated": {each: rate(rows, instruments=each) for each in (1, 10, 100, 300)},
        "tiers, isolated": {each: rate(rows, tiers=each) for each in (1, 5, 10, 20)},
        "positions in a cross pool, of 1,000 instruments": {
            each: rate(rows, instruments=1_000, mode="cross", pool=each) for each in (1, 5, 50, 1_000)
        },
    }


def rate(rows: int, **shape: Any) -> int:
    """Positions a second of a sweep of such a book."""
    return round(rows / float(medians({"it": sweeping(scene(rows, **shape))})["it"]))


def threads(rows: int) -> Figures | None:
    """One thread and two by the clock on the wall, where the engine takes threads."""
    if "threads" not in inspect.signature(MarketEngine.sweep).parameters:
        return None
    made = scene(rows)
    engine: Any = made.engine.at(made.market)
    into = engine.sweep(made.book)
    subjects = {f"{n}": lambda n=n: engine.sweep(made.book, into=into, threads=n) for n in (1, 2)}
    seconds = medians(subjects, time.perf_counter)
    return {"rows": rows, "two over one": round(seconds["1"] / seconds["2"], 2)}


def peak() -> float:
    """The most memory that this process has held, in GiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def swept_alone(rows: int) -> float:
    """The most memory that a book and its sweep need, the making of the book's columns included."""
    made = scene(rows)
    made.engine.sweep(made.book, made.market)
    return peak()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    rows = 10_000_000 if asked.large else asked.rows
    alone = swept_alone(rows)
    figures: Figures = {"isolated": isolated(rows), "peak memory, GiB": peak(), "peak memory alone, GiB": alone}
    figures |= {"cross": cross(rows), "threads": threads(rows), "growth": growth(asked.rows, asked.large)}
    if asked.write is not None:
        asked.write.write_text(page(figures))
    print(msgspec.json.format(json.dumps(figures), indent=1) if asked.json else page(figures))


if __name__ == "__main__":
    main()
