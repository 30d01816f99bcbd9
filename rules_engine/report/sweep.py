"""What a sweep says of a whole book: counts and notional at risk by status, mode and instrument. rich loads inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, get_args

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.errors import Doubt
from rules_engine.numbers.columns import Floats
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid
from rules_engine.report.tables import STATUS_STYLES
from rules_engine.terms.account import Order
from rules_engine.terms.evaluation import PolicyIdentity, Status
from rules_engine.terms.rendering import instant

AT_RISK: Final = ("liquidate", "bankrupt")
"""The statuses whose rows' notional is at risk."""
SHOWN: Final = 20
"""Instruments that people are shown: those with the most notional at risk."""
DIGITS: Final = 53
"""Bits of a double's fraction (IEEE 754)."""
HALF: Final = 27
"""Bits that are summed apart: of 2^36 doubles, neither half overflows an integer of 64 bits."""


class Tally(msgspec.Struct, frozen=True):
    """Rows of one kind by status, as in `STATUSES`, and the notional at risk of each status, in money.

    Money is exact, so that the sums of a book's parts are that of the whole.
    """

    counts: tuple[int, ...]
    at_risk: tuple[Fraction, ...]

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            tuple(one + another for one, another in zip(self.counts, other.counts, strict=True)),
            tuple(one + another for one, another in zip(self.at_risk, other.at_risk, strict=True)),
        )


NONE: Final = Tally((0,) * len(STATUSES), (Fraction(),) * len(STATUSES))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep in numbers; those of a book's parts add up.

    `exactly` says why rows were decided on exact numbers, and how many for each reason; `rows_exact` how many in all,
    and `seconds_exact` how long that took. `faults` counts rows at fault.
    """

    policy: PolicyIdentity
    as_of: datetime
    accounts: int
    modes: Mapping[str, Tally]
    instruments: Mapping[str, Tally]
    exactly: Mapping[str, int]
    rows_exact: int
    seconds_exact: float
    faults: int

    @property
    def total(self) -> Tally:
        return sum(self.modes.values(), NONE)

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            policy=self.policy,
            as_of=self.as_of,
            accounts=self.accounts + other.accounts,
            modes=_added(self.modes, other.modes),
            instruments=_added(self.instruments, other.instruments),
            exactly=_added(self.exactly, other.exactly),
            rows_exact=self.rows_exact + other.rows_exact,
            seconds_exact=self.seconds_exact + other.seconds_exact,
            faults=self.faults + other.faults,
        )

    def beside(self, *, accounts: int, faults: int) -> Summary:
        """The same with accounts and faults that no part of the book has."""
        return msgspec.structs.replace(self, accounts=self.accounts + accounts, faults=self.faults + faults)


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What either has, in the order of names, and the sum of what both have."""
    both = {name: one[name] + other[name] for name in one.keys() & other.keys()}
    return dict(sorted({**one, **other, **both}.items()))


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What rows were decided on exact numbers: by reason, how many in all, and how long it took, in seconds."""

    exactly: Mapping[str, int]
    rows: int
    seconds: float


def summary_of(
    book: Book,
    statuses: Codes,
    quote_of: Callable[[str], Quote],
    policy: PolicyIdentity,
    as_of: datetime,
    cost: Cost,
) -> Summary:
    """The summary of a book whose rows' statuses stand in the order of a sweep's columns.

    Its faults are those of positions; whoever reads the other tables adds theirs. Made `with exactly():`.
    """
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
        exactly={why: rows for why, rows in sorted(cost.exactly.items()) if rows},
        rows_exact=cost.rows,
        seconds_exact=cost.seconds,
        faults=len(book.contents.faulty),
    )


def _tally(statuses: Codes, group: Group, quote: Quote) -> Tally:
    counts = np.bincount(statuses, minlength=len(STATUSES))
    quantity = group.columns["quantity"]
    assert quantity is not None
    at_risk = list(NONE.at_risk)
    for status in AT_RISK:
        code = STATUSES.index(status)
        if counts[code] and quote.value is not None:
            at_risk[code] = exact_sum(np.abs(quantity[statuses == code])) * abs(_fraction(quote.value))
    return Tally(tuple(counts.tolist()), tuple(at_risk))


def exact_sum(sizes: Floats) -> Fraction:
    """The exact sum of doubles, the same in whatever order they come and into whatever parts they are split."""
    parts, exponents = np.frexp(sizes)
    integers = np.ldexp(parts, DIGITS).astype(np.int64)
    found = Fraction()
    for exponent in np.unique(exponents).tolist():
        some = integers[exponents == exponent]
        high, low = int((some >> HALF).sum()), int((some & ((1 << HALF) - 1)).sum())
        found += ((high << HALF) + low) * Fraction(2) ** (exponent - DIGITS)
    return found


def _fraction(value: Number) -> Fraction:
    return Fraction(value.n) / Fraction(value.d) if isinstance(value, Ratio) else Fraction(value)


def faults_of(book: Book) -> Iterator[str]:
    """What is wrong with rows of a book's tables, each with its place."""
    yield from row_faults(book)
    yield from backing_faults(book.contents.collateral_doubts, book.contents.orders)


def row_faults(book: Book) -> Iterator[str]:
    """What is wrong with the positions of a book, each with its place, in the order of the rows."""
    for _, (_, position) in sorted(book.contents.faulty.items()):
        yield str(position.fault)


def backing_faults(
    doubts: Mapping[int, Mapping[str | None, Doubt]], orders: Mapping[int, Sequence[Order]]
) -> Iterator[str]:
    """What is wrong with rows of collateral and with orders, each with its place."""
    for each in doubts.values():
        yield from (doubt.message for doubt in each.values())
    for resting in orders.values():
        yield from (order.fault for order in resting if order.fault is not None)


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
        "decided_exactly": {
            "positions": summary.rows_exact,
            "seconds": round(summary.seconds_exact, 3),
            "reasons": dict(summary.exactly),
        },
        "rows_at_fault": summary.faults,
    }


def _entry(tally: Tally) -> dict[str, Any]:
    return {
        "statuses": dict(zip(STATUSES, tally.counts, strict=True)),
        "notional_at_risk": {status: _money(tally.at_risk[STATUSES.index(status)]) for status in AT_RISK},
    }


def _money(amount: Fraction) -> str:
    """An amount to the cent, half to even."""
    return plain(Decimal(f"{round(amount * 100)}e-2"))


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
        rows, seconds = summary.rows_exact, summary.seconds_exact
        yield Text(f"in all {rows} of {sum(total.counts)} positions, for {seconds:.1f} seconds")


def _by(title: str, noun: str, tallies: Iterable[tuple[str, Tally]]) -> Any:
    from rich.text import Text

    words = [status.replace("_", " ") for status in STATUSES]
    table = grid(title, noun, *words, "notional at risk", right=(*words, "notional at risk"))
    for name, tally in tallies:
        table.add_row(Text(name or "?"), *map(str, tally.counts), _money(sum(tally.at_risk, Fraction())))
    return table
