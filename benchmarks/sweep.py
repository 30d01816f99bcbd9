"""What a sweep costs: a book decided on columns, beside the exact path, plain loops, other programs and a bare copy.

Run `python benchmarks/sweep.py [--json] [--rows N] [--large] [--write FILE.md]`. Times are the processor's, of one
thread, so that a machine that does other work beside this disturbs them less; each subject is measured in turn in
every round, and figures are medians of the rounds. `--large` takes books of 10^7 positions. `--write` puts the page of
results there, with the figures (.json) and the plot (.svg) beside it; `--read FILE.json` makes that of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
import sweep_peers
from sweep_books import Scene, scene
from sweep_hand import READ, WRITTEN, Hand, by_decimals, copying, samples
from sweep_page import page
from sweep_plot import plot
from sweep_profile import shares
from sweep_subjects import (
    FEW,
    MOVES,
    Run,
    median,
    medians,
    scenarios,
    sweeping,
    sweeping_anew,
    uncertified,
)
from sweep_workers import workers

SAMPLE = 3_000
LARGE = 10_000_000
SWEEP = "sweep"
PLAIN = "columns: the same formulas, nothing certified"
HAND = "NumPy by hand, nothing certified"
EVALUATE = "exact path: evaluate, with prices and close-out"

Figures = dict[str, Any]


def isolated(rows: int) -> Figures:
    """An isolated linear book, 300 instruments, 10 tiers: the sweep beside everything else."""
    made = scene(rows)
    run, plain, hand = sweeping(made), uncertified(made), Hand(made)
    hand.run()
    answer = run()
    agreed = {HAND: hand.agrees(answer.columns.status), PLAIN: alike(answer, plain())}
    quick = {
        SWEEP: run,
        "sweep in a new market": sweeping_anew(made),
        PLAIN: plain,
        HAND: hand.run,
        "numpy.copyto of the same bytes": copying(rows),
    }
    seconds = medians(quick)
    seconds |= medians({"sweep with liquidation prices": sweeping(made, prices=True)}, FEW)
    seconds |= {"what-if, each move": median(scenarios(made), FEW) / len(MOVES)}
    rates = {name: rows / each for name, each in seconds.items()}
    chosen = samples(made, SAMPLE)
    rates["Decimals by hand"] = len(chosen) / median(lambda: [by_decimals(one) for one in chosen])
    rates[EVALUATE] = exact(made)
    others, skipped = sweep_peers.rates(chosen)
    rates |= others
    return {
        "rows": rows,
        "positions a second": {name: round(rate) for name, rate in rates.items()},
        "sweep over": {name: round(rates[SWEEP] / rate, 3) for name, rate in rates.items() if name != SWEEP},
        "skipped": skipped,
        "share of rows decided exactly": answer.rows_exact / rows,
        "share of prices decided exactly": sweeping(made, prices=True)().rows_exact / rows,
        "share of rows decided alike": agreed,
        "statuses": np.bincount(answer.columns.status, minlength=5).tolist(),
        "bytes read and written a position": [READ, WRITTEN],
        "bytes a position of the book": bytes_of(made),
        "certified over columns": round(seconds[SWEEP] / seconds[PLAIN], 3),
        "where the time goes": shares(run),
    }


def alike(one: Any, other: Any) -> float:
    """The share of rows to which two sweeps give the same status."""
    return float(np.mean(one.columns.status == other.columns.status))


def exact(made: Scene) -> float:
    """Positions a second by exact evaluation of some accounts."""
    engine = made.engine.at(made.market)
    accounts = made.book.accounts(list(range(0, len(made.book.names), max(1, len(made.book.names) // 100)))[:100])
    positions = sum(len(account.positions) for account in accounts)
    return positions / median(lambda: engine.evaluate_all(accounts))


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
    subjects: dict[str, Run] = {SWEEP: run, "sweep in a new market": sweeping_anew(made)}
    slow = {"sweep with liquidation prices": sweeping(made, prices=True)}
    seconds = medians(subjects) | medians(slow, FEW)
    return {
        "rows": rows,
        "positions a second": {name: round(rows / each) for name, each in seconds.items()},
        "share of rows decided exactly": run().rows_exact / rows,
        "where the time goes": shares(run),
    }


def growth(rows: int) -> Figures:
    """How the rate changes with each size while the others stay: positions a second."""
    sizes = [size for size in (10_000, 100_000, 1_000_000, LARGE) if size <= rows]
    return {
        "positions": {size: rate(size) for size in sizes},
        "instruments": {count: rate(rows, instruments=count) for count in (1, 10, 100, 300)},
        "tiers": {count: rate(rows, tiers=count) for count in (1, 5, 10, 20)},
        "positions in a cross pool": {
            count: rate(rows, instruments=1_000, mode="cross", pool=count) for count in (1, 5, 50, 1_000)
        },
    }


def rate(rows: int, **shape: Any) -> int:
    """Positions a second of a sweep of such a book."""
    return round(rows / median(sweeping(scene(rows, **shape))))


def machine() -> dict[str, str]:
    """What this ran on."""
    listed = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip() for line in listed.read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }


def peaks(rows: int) -> dict[str, float]:
    """The most memory that a process which does nothing else holds, in GiB, by mode; its drawing of the book included.

    To be asked while this process is small: Linux counts what it holds for those that it starts.
    """
    found = {}
    for mode in ("isolated", "cross"):
        with get_context("spawn").Pool(1) as pool:
            found[mode] = pool.apply(_peak, (rows, mode))
    return found


def _peak(rows: int, mode: str) -> float:
    made = scene(rows, mode=mode)
    made.engine.sweep(made.book, made.market)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def measured(rows: int) -> Figures:
    """All figures of one run. Memory comes first."""
    held = peaks(rows)
    return {
        "machine": machine(),
        "peak memory, GiB": held,
        "workers": workers(rows),
        "isolated": isolated(rows),
        "cross": cross(rows),
        "growth": growth(rows),
    }


def main() -> None:
    """Measures, or reads what was measured, and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE.md")
    parser.add_argument("--read", type=Path, metavar="FILE.json")
    asked = parser.parse_args()
    rows = LARGE if asked.large else asked.rows
    figures = json.loads(asked.read.read_text() if asked.read else json.dumps(measured(rows)))
    text = json.dumps(figures, indent=1)
    if asked.write is None:
        print(text if asked.json else page(figures))
        return
    picture, checked = asked.write.with_suffix(".svg"), asked.write.with_name("exactness.json")
    plotted = plot(figures["growth"], picture)
    exactness = json.loads(checked.read_text()) if checked.exists() else None
    asked.write.with_suffix(".json").write_text(text + "\n")
    asked.write.write_text(page(figures, picture.name if plotted else None, exactness))


if __name__ == "__main__":
    main()
