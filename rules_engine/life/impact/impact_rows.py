"""The rows of a book under two sweeps, a chunk at a time: what happens to those of each group.

Counts are exact. Notional is of the doubles nearest to quantities, added exactly: off by no more than 2^-53 of itself.
Sums of margins are of doubles, so their last digits are not exact. A row so near the floor of a tier that a double
cannot tell may be counted on either side of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import Codes
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.impact_sums import Adder, fraction_of, unit_of
from rules_engine.life.impact.impact_tallies import FIGURES, MOVES, Margins, Moved, Tier, moves_of, placed
from rules_engine.numbers.columns import Floats
from rules_engine.terms.policy import Table


class Chunk(msgspec.Struct, frozen=True):
    """Some rows of a group, which stand in order of size; `rows` are their places in the columns.

    `places` are those of them that are not healthy both before and after, and `moves` what happens to these. `margins`
    are initial and then maintenance margins, each before and after. Maintenance is the same before and after in the
    first `alike` rows; `change` is that of the others, NaN where it is not known. `sizes` and `change` hold until the
    next chunk comes.
    """

    group: Group
    rows: slice
    accounts: Integers
    sizes: Floats
    places: Integers
    moves: Codes
    margins: Sequence[Floats]
    alike: int
    change: Floats


def longest(book: Book) -> int:
    """The rows of the largest chunk of a book."""
    return max((span.stop - span.start for group, _ in placed(book) for span in group.spans), default=0)


def chunks(group: Group, rows: slice, before: Columns, after: Columns, room: Sequence[Floats]) -> Iterator[Chunk]:
    """The rows of a group that stand here in the columns; `room` is where sizes and changes are worked out."""
    quantity = group.columns["quantity"]
    assert quantity is not None
    for span in group.spans:
        here = slice(rows.start + span.start, rows.start + span.stop)
        sizes, change = (each[: span.stop - span.start] for each in room)
        np.abs(quantity[span.start : span.stop], out=sizes)
        statuses = before.status[here], after.status[here]
        places = np.logical_or(*statuses).nonzero()[0]
        margins = [getattr(each, figure)[here] for figure in FIGURES for each in (before, after)]
        alike = _alike(margins[2], margins[3])
        yield Chunk(
            group=group,
            rows=here,
            accounts=group.accounts[span.start : span.stop],
            sizes=sizes,
            places=places,
            moves=moves_of(*(each[places] for each in statuses)),
            margins=margins,
            alike=alike,
            change=np.subtract(margins[3][alike:], margins[2][alike:], out=change[alike:]),
        )


def _alike(one: Floats, other: Floats) -> int:
    """How many rows from the first on have the same figure in both."""
    differs = one != other
    first = int(differs.argmax())
    return first if differs[first] else len(differs)


class Tally:
    """What happens to the rows of a group, chunk by chunk; its notional, table and tiers are those of this quote."""

    def __init__(self, group: Group, quote: Quote, adder: Adder, known: dict[int, int]) -> None:
        self.group, self.adder, self.known = group, adder, known
        self.worth = None if quote.value is None else abs(fraction_of(quote.value))
        self.tiers, self.floors = _tiers(None if quote.rule is None else quote.rule.table, self.worth)
        self.cuts = np.zeros(len(self.tiers) + 1, np.int64)
        self.counts = np.zeros(MOVES, np.int64)
        self.sums, self.rows = np.zeros((4, len(self.tiers))), np.zeros((2, len(self.tiers)), np.int64)
        self.unit, self.total = 0, 0
        self.moved: dict[int, int] = {}

    def add(self, chunk: Chunk) -> None:
        """Takes the next chunk, of sizes no smaller than those before."""
        self.counts += np.bincount(chunk.moves, minlength=MOVES)
        self._add_margins(chunk)
        if self.worth is not None and chunk.sizes[-1] > 0.0:
            if not self.total:
                self.unit = unit_of(chunk.sizes)
            self.total += self._total(chunk)
            for move, units in self.adder.totals(chunk.sizes[chunk.places], chunk.moves, self.unit).items():
                self.moved[move] = self.moved.get(move, 0) + units

    def _total(self, chunk: Chunk) -> int:
        """The sum of all sizes of a chunk, which no policy changes: a book keeps it."""
        found = self.known.get(chunk.rows.start)
        if found is None:
            found = self.known[chunk.rows.start] = self.adder.total(chunk.sizes, self.unit)
        return found

    def _add_margins(self, chunk: Chunk) -> None:
        """Adds margins up by tier: the rows of each follow each other."""
        self.cuts[1:-1] = chunk.sizes.searchsorted(self.floors)
        self.cuts[-1] = len(chunk.sizes)
        sizes = self.cuts[1:] - self.cuts[:-1]
        tiers = sizes.nonzero()[0]
        starts = self.cuts[tiers]
        sums = np.array([np.add.reduceat(column, starts) for column in chunk.margins])
        if np.isnan(sums).any():
            known = ~np.isnan(sum(chunk.margins[1:], chunk.margins[0]))
            sums = np.array([np.add.reduceat(np.where(known, column, 0.0), starts) for column in chunk.margins])
            self.rows[1, tiers] += np.add.reduceat(~known, starts, dtype=np.int64)
        self.sums[:, tiers] += sums
        self.rows[0] += sizes

    def answer(self) -> Moved:
        """What happened to all of them."""
        self.counts[0] = self.group.size - int(self.counts[1:].sum())
        self.moved[0] = self.total - sum(self.moved.values())
        told = zip(self.tiers, *self.rows.tolist(), self.sums.T.tolist(), strict=True)
        return Moved(
            positions=tuple(self.counts.tolist()),
            notional={move: self._notional(units) for move, units in sorted(self.moved.items()) if units},
            unpriced=self.group.size if self.worth is None else 0,
            tiers={tier: Margins(rows, unknown, *sums) for tier, rows, unknown, sums in told if rows},
        )

    def _notional(self, units: int) -> Fraction:
        assert self.worth is not None
        shift = max(-self.unit, 0)
        return Fraction(self.worth.numerator * (units << (self.unit + shift)), self.worth.denominator << shift)


def _tiers(table: Table | None, worth: Fraction | None) -> tuple[list[Tier], Floats]:
    """The tiers of a table, and the sizes at which those after the first begin."""
    if table is None or (worth is None and table.unit == "notional"):
        return [("" if table is None else table.name, 0)], np.empty(0)
    unit = 1.0 if worth is None or table.unit != "notional" else float(worth)
    floors = np.array([float(tier.floor) for tier in table.tiers[1:]]) / unit
    return [(table.name, number) for number in range(1, len(table.tiers) + 1)], floors
