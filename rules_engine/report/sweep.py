"""What a sweep says of a whole book: counts and notional at risk by status, mode and instrument. rich loads inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid
from rules_engine.report.tables import STATUS_STYLES
from rules_engine.terms.evaluation import PolicyIdentity, Status
from rules_engine.terms.rendering import instant

AT_RISK: Final = ("liquidate", "bankrupt")
"""The statuses whose rows' notional is at risk."""
SHOWN: Final = 20
"""Instruments that people are shown: those with the most notional at risk."""
CENT: Final = Decimal("0.01")


class Tally(msgspec.Struct, frozen=True):
    """Rows of one kind by status, as in `STATUSES`, and the notional at risk of each status, in money."""

    counts: tuple[int, ...]
    at_risk: tuple[float, ...]

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            tuple(one + another for one, another in zip(self.counts, other.counts, strict=True)),
            tuple(one + another for one, another in zip(self.at_risk, other.at_risk, strict=True)),
        )


NONE: Final = Tally((0,) * len(STATUSES), (0.0,) * len(STATUSES))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep in numbers. `exactly` says why rows were decided on exact numbers, and how many."""

    policy: PolicyIdentity
    as_of: datetime
    accounts: int
    modes: Mapping[str, Tally]
    instruments: Mapping[str, Tally]
    exactly: Mapping[str, int]
    faults: int

    @property
    def total(self) -> Tally:
        return sum(self.modes.values(), NONE)


def summary_of(
    book: Book,
    statuses: Codes,
    quote_of: Callable[[str], Quote],
    policy: PolicyIdentity,
    as_of: datetime,
    exactly: Mapping[str, int],
) -> Summary:
    """The summary of a book whose rows' statuses stand in the order of a sweep's columns; made `with exactly():`."""
    modes: dict[str, Tally] = {}
    instruments: dict[str, Tally] = {}
    start = 0
    for group in (*book.groups, *book.contents.apart):
        tally = _tally(statuses[start : start + group.size], group, quote_of(group.instrument))
        start += group.size
        modes[group.mode] = modes.get(group.mode, NONE) + tally
        instruments[group.instrument] = instruments.get(group.instrument, NONE) + tally
    for code, (_, position) in zip(statuses[start:].tolist(), book.contents.faulty.values(), strict=True):
        tally = Tally(tuple(int(code == each) for each in range(len(STATUSES))), NONE.at_risk)
        modes[position.mode] = modes.get(position.mode, NONE) + tally
        instruments[position.instrument] = instruments.get(position.instrument, NONE) + tally
    return Summary(
        policy=policy,
        as_of=as_of,
        accounts=len(book.names),
        modes=dict(sorted(modes.items())),
        instruments=dict(sorted(instruments.items())),
        exactly=exactly,
        faults=sum(1 for _ in faults_of(book)),
    )


def _tally(statuses: Codes, group: Group, quote: Quote) -> Tally:
    counts = np.bincount(statuses, minlength=len(STATUSES))
    quantity = group.columns["quantity"]
    assert quantity is not None
    at_risk = [0.0] * len(STATUSES)
    for status in AT_RISK:
        code = STATUSES.index(status)
        if counts[code] and quote.value is not None:
            sizes = np.abs(quantity[statuses == code])
            at_risk[code] = float(sizes.sum()) * abs(_double(quote.value))
    return Tally(tuple(counts.tolist()), tuple(at_risk))


def _double(value: Number) -> float:
    return float(value.n / value.d) if isinstance(value, Ratio) else float(value)


def faults_of(book: Book) -> Iterator[str]:
    """What is wrong with rows of a book's tables, each with its place."""
    contents = book.contents
    for _, position in contents.faulty.values():
        yield str(position.fault)
    for doubts in contents.collateral_doubts.values():
        yield from (doubt.message for doubt in doubts.values())
    for orders in contents.orders.values():
        yield from (order.fault for order in orders if order.fault is not None)


def summary_document(summary: Summary) -> dict[str, Any]:
    """The summary for programs."""
    policy = summary.policy
    return {
        "policy": policy.to_dict(),
        "as_of": instant(summary.as_of),
        "positions": sum(summary.total.counts),
        "accounts": summary.accounts,
        **_entry(summary.total),
        "modes": {name: _entry(tally) for name, tally in summary.modes.items()},
        "instruments": {name: _entry(tally) for name, tally in summary.instruments.items()},
        "decided_exactly": dict(summary.exactly),
        "rows_at_fault": summary.faults,
    }


def _entry(tally: Tally) -> dict[str, Any]:
    return {
        "statuses": dict(zip(STATUSES, tally.counts, strict=True)),
        "notional_at_risk": {status: _money(tally.at_risk[STATUSES.index(status)]) for status in AT_RISK},
    }


def _money(amount: float) -> str:
    return plain(Decimal(repr(amount)).quantize(CENT))


def summary_tables(summary: Summary) -> Iterator[Any]:
    """The summary for people: rich renderables."""
    from rich.text import Text

    policy, total = summary.policy, summary.total
    yield Text(
        f"{sum(total.counts)} positions of {summary.accounts} accounts at {instant(summary.as_of)}", style="bold"
    )
    yield Text(f"under {policy.name} {policy.version}")
    statuses = grid("statuses", "status", "positions", "notional at risk", right=("positions", "notional at risk"))
    for code, status in enumerate(get_args(Status)):
        risk = _money(total.at_risk[code]) if status in AT_RISK else "-"
        statuses.add_row(Text(status, style=STATUS_STYLES[status]), str(total.counts[code]), risk)
    yield statuses
    yield _by("modes", "mode", summary.modes.items())
    largest = sorted(summary.instruments.items(), key=lambda item: (-sum(item[1].at_risk), item[0]))
    left_out = len(largest) - SHOWN
    yield _by("instruments", "instrument", largest[:SHOWN])
    if left_out > 0:
        yield Text(f"and {left_out} instruments more, with less notional at risk; --json lists all")
    if summary.exactly:
        exactly = grid("decided exactly", "reason", "positions", right=("positions",))
        for reason, rows in summary.exactly.items():
            exactly.add_row(Text(reason), str(rows))
        yield exactly


def _by(title: str, noun: str, tallies: Iterable[tuple[str, Tally]]) -> Any:
    from rich.text import Text

    words = [status.replace("_", " ") for status in STATUSES]
    table = grid(title, noun, *words, "notional at risk", right=(*words, "notional at risk"))
    for name, tally in tallies:
        table.add_row(Text(name or "?"), *map(str, tally.counts), _money(sum(tally.at_risk)))
    return table
