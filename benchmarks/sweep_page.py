"""The page of results of `benchmarks/sweep.py`, in Markdown."""

from __future__ import annotations

import math
from typing import Any, Final

ABOUT: Final = """\
# What a sweep costs

Written by `python benchmarks/sweep.py --large --write docs/benchmarks.md`: one run, one thread, on one machine, all
subjects on the same book, each in turn in every round; figures are medians of nine rounds of processor time (the peers:
five rounds by the clock). The machine did other work meanwhile, which slows memory for everybody: read the ratios, not
the rates.

- **Sweep** decides every row with proof, doubt resolved, and writes unrealized PnL, equity, both margins and status.
- **NumPy by hand** is a loop with the same formulas over chunks of 16 K rows that certifies nothing and knows its mode,
  its payoff and its tables. **Copy** is `numpy.copyto` that reads and writes together as many bytes as the sweep must.
- **nautilus_trader** answers both margins at one flat rate, without tiers and without a decision. **zen-engine** has
  the tiers as a decision table, **rule-engine** a rule per tier, **cel-python** one expression per instrument. What
  each answers is compared with the plain formula before it is timed.
"""

EXACTNESS: Final = """\
## Wrong decisions: none

`python benchmarks/exactness.py` at its full size, under eighty policies: 1,000,000 random rows and 1,000,001 rows on a
line (liquidation, margin call, bankruptcy) or beside it by at most one part in 10^12, isolated, cross and hybrid;
linear, inverse and quanto; marginal and whole tables in notional and in contracts; buffers at work; closing fees in
every place.
Against the oracle in fractions not one of the 2,000,001 decisions was wrong. Taking away the doubt at lines makes
three in ten of the aimed rows wrong, taking away the doubt at floors two in a thousand: the run does see such faults.
"""


def page(figures: dict[str, Any]) -> str:
    """What one run has measured."""
    isolated, cross = figures["isolated"], figures["cross"]
    rates, over = isolated["positions a second"], isolated["sweep over"]
    lines = [
        ABOUT,
        f"## An isolated linear book: {isolated['rows']:,} positions, 300 instruments, 10 tiers",
        "",
        "| | positions a second | the sweep's rate over it | powers of ten |",
        "|---|---:|---:|---|",
        *(f"| {name} | {rate:,} | {_ratio(over.get(name))} | {_bar(rate)} |" for name, rate in rates.items()),
        *(f"| {name} | skipped, {why} | | |" for name, why in isolated["skipped"].items()),
        "",
        f"- Share of rows decided exactly: {isolated['share of rows decided exactly']:.1e}.",
        f"- The certified sweep takes {isolated['certified over uncertified']} times as long as the uncertified loop,"
        f" which decides {isolated['share of rows on which the uncertified loop agrees']:.6%} of the rows alike.",
        "- Bytes read and written a position: {} and {};".format(*isolated["bytes read and written a position"])
        + f" bytes a position that the book's arrays hold: {isolated['bytes a position of the book']}.",
        f"- Peak memory of the process with the book, two answers, the copy's arrays and the peers:"
        f" {figures['peak memory, GiB']} GiB; with a book and its sweep alone:"
        f" {figures['peak memory alone, GiB']} GiB.",
        f"- Two threads: {_threads(figures['threads'])}.",
        "",
        f"## A cross book: {cross['rows']:,} positions, five in each account",
        "",
        f"{cross['positions a second']:,} positions a second,"
        f" {cross['share of rows decided exactly']:.1e} of the rows decided exactly.",
        "",
        "## How the rate changes with one size while the others stay",
        "",
        "| | | positions a second | powers of ten |",
        "|---|---:|---:|---|",
    ]
    for name, rows in figures["growth"].items():
        lines += [f"| {name} | {int(size):,} | {rate:,} | {_bar(rate)} |" for size, rate in rows.items()]
    return "\n".join([*lines, "", EXACTNESS])


def _bar(rate: float) -> str:
    """Three marks for each power of ten."""
    return "█" * round(3 * math.log10(max(rate, 1)))


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.2f}"


def _threads(threads: dict[str, Any] | None) -> str:
    return "the engine takes none yet" if threads is None else f"{threads['two over one']} times one"
