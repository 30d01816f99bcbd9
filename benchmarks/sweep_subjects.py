"""What the benchmark of the sweep runs and how it is timed: sweeps of a scene in several ways, each again and again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import cycle
from typing import Any, Final

import numpy as np
from sweep_books import Scene

from rules_engine.engine.documents import decode_market
from rules_engine.engine.quote import Quotes
from rules_engine.engine.sweep import Sweep, Sweeper
from rules_engine.engine.sweep_state import Work
from rules_engine.engine.what_if import even_moves, grid_of
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.exact import exactly

ROUNDS: Final = 9
FEW: Final = 3
"""Rounds of what takes seconds."""
TICKS: Final = ("1", "1.0007", "0.9991", "1.0019", "0.9983")
"""By what marks move from one sweep to the next, where they do."""
MOVES: Final = grid_of(even_moves(Decimal("-0.3"), Decimal("0.3"), 7), {})
"""A grid of seven moves of all prices, of which one is none."""

Run = Callable[[], Any]


def medians(
    subjects: Mapping[str, Run], rounds: int = ROUNDS, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Seconds of every subject, each in turn in every round, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for subject in subjects.values():
        subject()
    for _ in range(rounds):
        for name, subject in subjects.items():
            start = clock()
            subject()
            times[name].append(clock() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def median(subject: Run, rounds: int = ROUNDS) -> float:
    """Seconds of one subject."""
    return medians({"it": subject}, rounds)["it"]


def sweeping(made: Scene, **asked: Any) -> Callable[[], Sweep]:
    """A sweep in one market again and again, into the arrays of the first."""
    engine = made.engine.at(made.market)
    into = engine.sweep(made.book, **asked)
    return lambda: engine.sweep(made.book, into, **asked)


def sweeping_anew(made: Scene) -> Callable[[], Sweep]:
    """A sweep in a market that has just come as a document, every mark of it new."""
    markets = cycle([_moved(made.market, Decimal(tick)) for tick in TICKS])
    into = made.engine.sweep(made.book, made.market)
    return lambda: made.engine.at(next(markets)).sweep(made.book, into)


def _moved(market: dict[str, Any], tick: Decimal) -> dict[str, Any]:
    rows = {
        name: {**row, "mark_price": str(Decimal(row["mark_price"]) * tick)}
        for name, row in market["instruments"].items()
    }
    return {**market, "instruments": rows}


def uncertified(made: Scene) -> Callable[[], Sweep]:
    """The sweep's own driver and formulas on plain columns, which say nothing of how far off they are."""
    policy, market = made.engine.policy, decode_market(made.market)
    quotes, evaluate = Quotes(policy, market), made.engine.at(market).evaluate
    into = made.engine.sweep(made.book, market).columns

    def run() -> Sweep:
        with exactly(), np.errstate(all="ignore"):
            return Sweeper(Work(policy, made.book, market, into, numbers=ColumnNumbers), quotes, evaluate).run()

    return run


def scenarios(made: Scene) -> Run:
    """A what-if of the whole grid; as many sweeps as it has moves, for a market without a move needs no second one."""
    return lambda: list(made.engine.what_if(made.book, made.market, MOVES))
