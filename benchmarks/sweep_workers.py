"""What a second processor gives: the sweep on two workers, and what two programs give that only share the machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from typing import Any, Final

from sweep_books import scene
from sweep_hand import Hand, copying
from sweep_subjects import FEW, ROUNDS, Run, medians, sweeping

BESIDE: Final = ("sweep", "NumPy by hand", "copy of the bytes")


def workers(rows: int) -> dict[str, Any]:
    """How many times faster two workers are than one, by the clock on the wall, and the machine's own limit."""
    gained = {}
    for mode in ("isolated", "cross"):
        made = scene(rows, mode=mode)
        for name, prices, rounds in ((mode, False, ROUNDS), (f"{mode}, with prices", True, FEW)):
            subjects = {str(count): sweeping(made, workers=count, prices=prices) for count in (1, 2)}
            seconds = medians(subjects, rounds, time.perf_counter)
            gained[name] = round(seconds["1"] / seconds["2"], 2)
    return {"rows": rows, "two workers over one": gained, "two programs over one": limits(rows)}


def limits(rows: int) -> dict[str, float]:
    """The most that two workers could gain: twice what one program takes alone over what it takes beside another.

    Each of two processes has a book and arrays of its own; they share nothing but the machine's caches and memory.
    """
    context = get_context("fork")
    together, answers = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_program, args=(rows, first, together, answers)) for first in (True, False)]
    for process in processes:
        process.start()
    found: dict[str, float] = answers.get()
    for process in processes:
        process.join()
    return found


def _program(rows: int, first: bool, together: Any, answers: Any) -> None:
    """One of the two; the first alone is timed, and works alone in every other round."""
    made = scene(rows)
    runs: Sequence[Run] = (sweeping(made), Hand(made).run, copying(rows))
    found = {}
    for name, run in zip(BESIDE, runs, strict=True):
        run()
        alone, beside = [], []
        for _ in range(ROUNDS):
            together.wait()
            if first:
                alone.append(_seconds(run))
            together.wait()
            beside.append(_seconds(run))
        if first:
            found[name] = round(2 * statistics.median(alone) / statistics.median(beside), 2)
    if first:
        answers.put(found)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
