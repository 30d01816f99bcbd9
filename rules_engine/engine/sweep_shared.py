"""Rows of a sweep whose pools an account's or a group's collateral backs: their figures, and sums of those by pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.book import Integers
from rules_engine.engine.sweep_pools import PoolIndex, Reach, Totals, summed, widest
from rules_engine.engine.sweep_rows import figures_of
from rules_engine.engine.sweep_state import Chunk, Placed, Work
from rules_engine.numbers.bounded import rounding_error
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import Column, Mask, NotColumns
from rules_engine.terms.pool import Backing

COARSE: Final = 2.0**-13
"""Of a unit of money, about a ten-thousandth: few pools are that close to a line, so that sums may be off by it."""


class Noted(msgspec.Struct, frozen=True):
    """What is to be known of a chunk whose figures stand in the answer: how far off each is, or why none is there.

    `accounts` are those that are left to exact numbers.
    """

    reaches: Sequence[Reach] = ()
    accounts: Integers | None = None
    why: str | None = None


class Shared:
    """Groups of rows that share pools, whose figures stand in the columns of the answer: how far off those may be."""

    def __init__(self, work: Work, placed: Sequence[Placed]) -> None:
        self.work = work
        self.placed = sorted(placed, key=lambda one: one.label.backing is Backing.GROUP)
        self.coarse = max(float(work.policy.quantum), COARSE)
        out = work.out
        self.columns = {"pnl": out.unrealized_pnl, "initial": out.initial_margin, "maintenance": out.maintenance_margin}
        fees = "trigger" in work.terms.closing_fee.counts_in
        if any(one.common.least is not None for one in self.placed):
            self.columns["least"] = work.array(len(work.book))
        for name in ("fee", "least_fee") if fees and "least" in self.columns else ("fee",) if fees else ():
            self.columns[name] = work.array(len(work.book))
        chunks = [chunk for one in self.placed for chunk in one.chunks()]
        noted = work.each(self._rows, chunks)
        for one in noted:
            if one.accounts is not None:
                work.exact_accounts[one.accounts] = True
                if one.why is not None:
                    work.count(one.why, len(one.accounts))
        each = zip(*(one.reaches for one in noted if one.reaches), strict=True)
        self.reach = dict.fromkeys(self.columns, Reach(0.0, 0.0))
        self.reach |= {figure: widest(reaches) for figure, reaches in zip(self.columns, each, strict=False)}

    def _rows(self, chunk: Chunk) -> Noted:
        """Writes the figures of a chunk; what cannot be summed is nothing there, and its accounts exact numbers'."""
        work, rows, common = self.work, chunk.rows, chunk.placed.common
        if common.quote.doubts:
            self._nothing(rows)
            return Noted()
        num = work.numbers_for(chunk)
        try:
            figures = self._figures(num, chunk)
            reaches = self._reaches(figures)
        except NotColumns as error:
            self._nothing(rows)
            return Noted(accounts=chunk.accounts, why=str(error))
        for name, column in self.columns.items():
            figures[name].write(column[rows])
        return Noted(reaches, None if num.doubtful is None else chunk.accounts[num.doubtful])

    def _nothing(self, rows: slice) -> None:
        """Leaves rows out of every sum; what is written of their pools comes later."""
        for column in self.columns.values():
            column[rows] = 0.0

    def _figures(self, num: ColumnNumbers, chunk: Chunk) -> dict[str, Column]:
        """What is added up of a chunk, by name. Raises `NotColumns`."""
        group, common = chunk.placed.group, chunk.placed.common
        one = figures_of(num, group, chunk.span, common, None)
        found = {"pnl": one.pnl, "initial": one.initial, "maintenance": one.maintenance, "fee": one.fee}
        if "least" in self.columns:
            least = one if common.least is None else figures_of(num, group, chunk.span, common.under_least(), None)
            found |= {"least": least.maintenance, "least_fee": least.fee}
        return {name: num.constant(found[name]) for name in self.columns}

    def _reaches(self, figures: Mapping[str, Column]) -> Sequence[Reach]:
        """How far off figures are. Raises `NotColumns` where that would put all the pools that they are in in doubt."""
        known = list(figures.values())
        if any(figure.error >= self.coarse for figure in known):
            raise NotColumns("figures too large for doubles")
        return [Reach(figure.error, max(figure.high, -figure.low)) for figure in known]

    def accounts(self, parts: Sequence[int]) -> Integers:
        """The account of each row of some groups."""
        return np.concatenate([np.empty(0, np.int64), *(self.placed[i].group.accounts for i in parts)])

    def sums(self, index: PoolIndex, parts: Sequence[int], names: Sequence[str]) -> dict[str, Totals]:
        """Figures of the rows of some groups, each added up by pool."""
        places, held = self.places(parts), [name for name in names if name in self.columns]

        def total(name: str) -> Totals:
            return summed(index, self.columns[name][places], self.reach[name])

        if self.work.crew is None:
            return {name: total(name) for name in held}
        sums = {name: self.work.array(index.size) for name in held}

        def add(name: str) -> float:
            found = total(name)
            np.copyto(sums[name], found.values)
            return found.error

        return {name: Totals(sums[name], error) for name, error in zip(held, self.work.each(add, held), strict=True)}

    def accrued(self, index: PoolIndex, parts: Sequence[int]) -> Totals | None:
        """What accrued to the positions of each pool; None where the book knows of nothing."""
        columns = [self.placed[i].group.columns["accrued"] for i in parts]
        if all(column is None for column in columns):
            return None
        groups = [self.placed[i].group for i in parts]
        values = np.concatenate([np.zeros(g.size) if c is None else c for g, c in zip(groups, columns, strict=True)])
        largest = float(np.abs(values).max(initial=0.0))
        return summed(index, values, Reach(rounding_error(largest), largest))

    def unknown(self, parts: Sequence[int], index: PoolIndex) -> Mask:
        """The pools that hold rows of which nothing is known: a mark is missing, say."""
        found, start = np.zeros(index.size, bool), 0
        for i in parts:
            stop = start + self.placed[i].group.size
            if self.placed[i].common.quote.doubts:
                found[index.pools[start:stop]] = True
            start = stop
        return found

    def places(self, parts: Sequence[int]) -> slice | Integers:
        """Where the rows of some groups stand in the answer: as one slice where they stand together."""
        spans = [self.placed[i].rows for i in parts]
        if all(one.stop == other.start for one, other in pairwise(spans)):
            return slice(spans[0].start, spans[-1].stop) if spans else slice(0, 0)
        return np.concatenate([np.arange(span.start, span.stop) for span in spans])

    def hedged(self, index: PoolIndex, parts: Sequence[int]) -> Mask:
        """The rows of pools that hold an instrument long and short: both of its rows move with its mark."""
        return self.work.book.kept(
            ("hedged", *(self.placed[i].start for i in parts)), lambda: self._hedged(index, parts)
        )

    def _hedged(self, index: PoolIndex, parts: Sequence[int]) -> Mask:
        groups = [self.placed[i].group for i in parts]
        names = sorted({group.instrument for group in groups})
        numbers = np.array([names.index(group.instrument) for group in groups], np.int64)
        codes = np.repeat(numbers, [group.size for group in groups])
        keys = index.pools * max(len(names), 1) + codes
        ordered = np.sort(keys)
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        return np.isin(keys, twice)

    def in_two_modes(self, backing: Backing) -> Integers:
        """The accounts that hold rows under two modes which the same collateral may back: it cannot count for both."""
        held: dict[str, Mask] = {}
        parts = [self.placed[i] for i in self.parts(backing)]
        if len({one.common.allowed.name for one in parts}) < 2:
            return np.empty(0, np.int64)
        for one in parts:
            mine = held.setdefault(one.common.allowed.name, np.zeros(len(self.work.book.names), bool))
            mine[one.group.accounts] = True
        return np.flatnonzero(sum(mine.astype(np.int64) for mine in held.values()) > 1)

    def parts(self, backing: Backing) -> list[int]:
        """Which of the groups this backs."""
        return [i for i, one in enumerate(self.placed) if one.label.backing is backing]
