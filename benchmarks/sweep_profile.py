"""Where the time of a sweep goes: what the engine is at, asked at even steps of the processor's time."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from sweep_subjects import Run

SAMPLES: Final = 1_500
EVERY: Final = 0.001
"""Seconds between two samples, or as near to that as the system's clock comes."""
ROWS: Final = "formulas on rows"
DECISIONS: Final = "decisions on rows or pools"
POOLS: Final = "sums by pool, and what each row has of its pool"
BOUNDS: Final = "bounds on errors and where tiers begin, for each chunk"
REST: Final = "all else"
WORK: Final = {
    "columns.py:operation.<locals>.<lambda>": ROWS,
    "columns.py:Column.write": ROWS,
    "column_numbers.py:along": ROWS,
    "column_numbers.py:between": ROWS,
    "column_numbers.py:searched": ROWS,
    "column_numbers.py:ColumnNumbers.absolute.<locals>.<lambda>": ROWS,
    "bounded_columns.py:size_of.<locals>.<lambda>": ROWS,
    "bounded_columns.py:side_of.<locals>.<lambda>": ROWS,
    "sweep_rows.py:decided": DECISIONS,
    "sweep_rows.py:decided.<locals>.of": DECISIONS,
    "sweep_pools.py": POOLS,
    "sweep_settle.py": POOLS,
    "bounded.py": BOUNDS,
    "bounded_columns.py": BOUNDS,
    "bounded_tables.py": BOUNDS,
    "column_numbers.py": BOUNDS,
}
"""The kind of work by file and function, else by file. What NumPy does counts for the function that calls it."""


def shares(run: Run) -> dict[str, float]:
    """The share of each kind of work in the time that a subject takes."""
    found: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        found[_kind(frame)] += 1

    run()
    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        while found.total() < SAMPLES:
            run()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return {kind: round(found[kind] / found.total(), 3) for kind in (ROWS, DECISIONS, POOLS, BOUNDS, REST)}


def _kind(frame: FrameType | None) -> str:
    """The kind of work that the engine's innermost function does."""
    while frame is not None and "rules_engine" not in frame.f_code.co_filename:
        frame = frame.f_back
    if frame is None:
        return REST
    file = Path(frame.f_code.co_filename).name
    return WORK.get(f"{file}:{frame.f_code.co_qualname}") or WORK.get(file, REST)
