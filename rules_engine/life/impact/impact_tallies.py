"""What a change does to the rows of one group of a book: counts by status before and after, notional, margins by tier.

Counts are exact. Notional is of the doubles nearest to quantities, added exactly: off by no more than 2^-53 of itself.
Sums of margins are of doubles, so their last digits are not exact. A row so near the floor of a tier that a double
cannot tell may be counted on either side of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.impact_sums import exact_sum, fraction_of
from rules_engine.numbers.columns import Floats
from rules_engine.terms.policy import Table

KINDS: Final = len(STATUSES)
MOVES: Final = KINDS * KINDS
"""Status before and status after, as one number: `before * KINDS + after`."""
Tier: TypeAlias = tuple[str, int]
"""A table by its name and a tier of it, from 1; 0 where the size is not known, or no rule names a table."""
FIGURES: Final = ("initial_margin", "maintenance_margin")


class Margins(msgspec.Struct, frozen=True):
    """Sums of margins, of the rows whose figures are known under both policies; `unknown` counts the others."""

    positions: int = 0
    unknown: int = 0
    initial_before: float = 0.0
    initial_after: float = 0.0
    maintenance_before: float = 0.0
    maintenance_after: float = 0.0

    def __add__(self, other: Margins) -> Margins:
        return Margins(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by status before and after: how many, their notional at the mark, and their margins by tier.

    `positions` has `MOVES` counts, `notional` those of them that are not 0. `unpriced` are rows whose notional is not
    known. Those of a book's parts add up.
    """

    positions: tuple[int, ...] = (0,) * MOVES
    notional: Mapping[int, Fraction] = {}
    unpriced: int = 0
    tiers: Mapping[Tier, Margins] = {}

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            positions=tuple(map(sum, zip(self.positions, other.positions, strict=True))),
            notional=added(self.notional, other.notional),
            unpriced=self.unpriced + other.unpriced,
            tiers=added(self.tiers, other.tiers),
        )

    @property
    def margins(self) -> Margins:
        """Those of all tiers."""
        return sum(self.tiers.values(), Margins())


def added(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
    """What either has, in order, and the sum of what both have."""
    both = {key: one[key] + other[key] for key in one.keys() & other.keys()}
    return dict(sorted({**one, **other, **both}.items()))


def placed(book: Book) -> Iterator[tuple[Group, slice]]:
    """The groups with where their rows stand in a sweep's columns; rows at fault, in no group, follow them."""
    start = 0
    for group in (*book.groups, *book.contents.apart):
        yield group, slice(start, start + group.size)
        start += group.size


class Moves:
    """The rows of a book that are not healthy before and after: where they stand in the columns, and their moves."""

    def __init__(self, before: Columns, after: Columns) -> None:
        every = moves_of(before.status, after.status)
        self.places = np.flatnonzero(every)
        self.moves: Codes = every[self.places]

    def within(self, rows: slice) -> tuple[Integers, Codes]:
        """Those of a group, by their places in it."""
        start, stop = np.searchsorted(self.places, [rows.start, rows.stop]).tolist()
        return self.places[start:stop] - rows.start, self.moves[start:stop]


def moved(group: Group, before: Columns, after: Columns, rows: slice, made: Moves, quote: Quote) -> Moved:
    """What happens to the rows of a group; its notional, table and tiers are those of this quote."""
    places, moves = made.within(rows)
    counts = np.bincount(moves, minlength=MOVES)
    counts[0] = group.size - len(places)
    sizes = sizes_of(group)
    rule, value = quote.rule, quote.value
    notional: dict[int, Fraction] = {}
    if value is not None:
        worth = abs(fraction_of(value))
        for move in np.flatnonzero(counts[1:]).tolist():
            notional[move + 1] = worth * _sum(sizes[places[moves == move + 1]])
        if counts[0]:
            notional[0] = worth * _sum(sizes) - sum(notional.values(), Fraction())
    return Moved(
        positions=tuple(counts.tolist()),
        notional={move: amount for move, amount in sorted(notional.items()) if amount},
        unpriced=group.size if value is None else 0,
        tiers=_margins(before, after, rows, _tiers(None if rule is None else rule.table, value, sizes)),
    )


def moves_of(before: Codes, after: Codes) -> Codes:
    """Each row's status before and after, as one number."""
    moves: Codes = before * np.uint8(KINDS)
    moves += after
    return moves


def sizes_of(group: Group) -> Floats:
    """Contracts without sign; the rows of a group are in order of it."""
    quantity = group.columns["quantity"]
    assert quantity is not None
    sizes: Floats = np.abs(quantity)
    return sizes


def _sum(sizes: Floats) -> Fraction:
    return exact_sum(sizes[int(np.searchsorted(sizes, 0.0, "right")) :])


def _tiers(table: Table | None, value: Any, sizes: Floats) -> Iterator[tuple[Tier, int, int]]:
    """The tiers of a table that hold rows of these sizes, each with where its rows begin and end."""
    if table is None or (value is None and table.unit == "notional"):
        yield ("" if table is None else table.name, 0), 0, len(sizes)
        return
    unit = float(abs(fraction_of(value))) if table.unit == "notional" else 1.0
    floors = np.array([float(tier.floor) for tier in table.tiers[1:]]) / unit
    cuts = [0, *np.searchsorted(sizes, floors).tolist(), len(sizes)]
    for number, (start, stop) in enumerate(pairwise(cuts), 1):
        if start < stop:
            yield (table.name, number), start, stop


def _margins(
    before: Columns, after: Columns, rows: slice, tiers: Iterator[tuple[Tier, int, int]]
) -> dict[Tier, Margins]:
    """The margins of tiers whose rows follow each other, the first from the first row on."""
    spans = list(tiers)
    columns = [getattr(each, figure)[rows] for figure in FIGURES for each in (before, after)]
    starts = [start for _, start, _ in spans]
    sums = np.array([np.add.reduceat(column, starts) for column in columns])
    counts = [stop - start for _, start, stop in spans]
    unknown = [0] * len(spans)
    if np.isnan(sums).any():
        known = ~np.isnan(sum(columns[1:], columns[0]))
        sums = np.array([np.add.reduceat(np.where(known, column, 0.0), starts) for column in columns])
        unknown = np.add.reduceat(~known, starts, dtype=np.int64).tolist()
    told = zip(spans, counts, unknown, sums.T.tolist(), strict=True)
    return {tier: Margins(count, missing, *each) for (tier, _, _), count, missing, each in told}


def faulty(book: Book, before: Codes, after: Codes) -> Iterator[tuple[tuple[str, str], Moved]]:
    """The rows at fault, each by instrument and mode: nobody knows their size."""
    start = len(book) - len(book.contents.faulty)
    moves = moves_of(before[start:], after[start:]).tolist()
    for move, (_, position) in zip(moves, book.contents.faulty.values(), strict=True):
        counts = tuple(int(each == move) for each in range(MOVES))
        tiers = {("", 0): Margins(1, 1)}
        yield (position.instrument, position.mode), Moved(positions=counts, unpriced=1, tiers=tiers)


def owners_of(book: Book) -> Integers:
    """The account of each row, in the order of a sweep's columns."""

    def owners() -> Integers:
        at_fault = np.array([place for place, _ in book.contents.faulty.values()], np.int64)
        return np.concatenate([*(group.accounts for group, _ in placed(book)), at_fault])

    return book.kept(("owners",), owners)
