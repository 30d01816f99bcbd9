"""Pools of a sweep that an account's or a group's collateral backs: rows summed by pool, and decided pool by pool."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from rules_engine.engine.book import Integers
from rules_engine.engine.sweep_pools import (
    FIGURES,
    PoolIndex,
    Reach,
    group_collateral,
    group_index,
    pool_index,
    shared_collateral,
    summed,
    whole,
)
from rules_engine.engine.sweep_rows import STATUSES, Figures, decided, figures_of
from rules_engine.engine.sweep_state import Placed, Work
from rules_engine.formulas.pool import draw_limit
from rules_engine.numbers.bounded import Bounded, BoundedNumbers, Mask, NotColumns, Scratch, bounded, rounding_error
from rules_engine.numbers.exact import ZERO
from rules_engine.terms.pool import Backing

COARSE: Final = 2.0**-13
"""Of a unit of money, about a ten-thousandth: few pools are that close to a line, so that sums may be off by it."""


class Shared:
    """Groups of rows that share pools, whose figures stand in the columns of the answer: how far off those may be."""

    def __init__(self, work: Work, placed: Sequence[Placed]) -> None:
        self.work = work
        self.placed = sorted(placed, key=lambda one: one.label.backing is Backing.GROUP)
        self.reach = {figure: Reach() for figure in FIGURES}
        self.coarse = max(float(work.policy.quantum), COARSE)
        self.fee = np.zeros(len(work.book)) if "trigger" in work.terms.closing_fee.counts_in else None

    def rows(self, placed: Placed) -> None:
        """The figures of a group's rows."""
        work, group, out = self.work, placed.group, self.work.out
        self._nothing(placed.rows)
        if placed.common.quote.doubts:
            return
        for span in group.spans:
            num = work.numbers(span.stop - span.start)
            rows = slice(placed.start + span.start, placed.start + span.stop)
            owners = group.accounts[span.start : span.stop]
            try:
                figures = figures_of(num, group, span, placed.common, None)
            except NotColumns as error:
                work.give_up(group, str(error))
                self._nothing(placed.rows)
                return
            if not self._is_near(figures):
                work.exact_accounts[owners] = True
                work.count("figures too large for doubles", len(owners))
                continue
            out.unrealized_pnl[rows] = self.reach["pnl"].seen(figures.pnl)
            out.initial_margin[rows] = self.reach["initial"].seen(figures.initial)
            out.maintenance_margin[rows] = self.reach["maintenance"].seen(figures.maintenance)
            if self.fee is not None:
                self.fee[rows] = self.reach["fee"].seen(figures.fee)
            if num.doubtful is not None:
                work.exact_accounts[owners[num.doubtful]] = True

    def _nothing(self, rows: slice) -> None:
        """Leaves rows out of every sum; what is written of their pools comes later."""
        out = self.work.out
        for column in (out.unrealized_pnl, out.initial_margin, out.maintenance_margin):
            column[rows] = 0.0

    def _is_near(self, figures: Figures) -> bool:
        """Whether a chunk's figures are known well enough to be summed: an error would put all pools in doubt."""
        known = (figures.pnl, figures.initial, figures.maintenance, bounded(figures.fee))
        return all(figure.error < self.coarse for figure in known)

    def accounts(self, parts: Sequence[int]) -> Integers:
        """The account of each row of some groups."""
        return np.concatenate([np.empty(0, np.int64), *(self.placed[i].group.accounts for i in parts)])

    def summed(self, num: BoundedNumbers, index: PoolIndex, parts: Sequence[int], figure: str) -> Bounded:
        """A figure of the rows of some groups, added up by pool."""
        out = self.work.out
        columns = {
            "pnl": out.unrealized_pnl,
            "initial": out.initial_margin,
            "maintenance": out.maintenance_margin,
            "fee": self.fee,
        }
        column = columns[figure]
        assert column is not None
        return summed(num, index, column[self.places(parts)], self.reach[figure])

    def accrued(self, num: BoundedNumbers, index: PoolIndex, parts: Sequence[int]) -> Bounded:
        """What accrued to the positions of each pool."""
        columns = [self.placed[i].group.columns["accrued"] for i in parts]
        if all(column is None for column in columns):
            return whole(num, np.zeros(index.size), 0.0)
        groups = [self.placed[i].group for i in parts]
        values = np.concatenate([np.zeros(g.size) if c is None else c for g, c in zip(groups, columns, strict=True)])
        largest = float(np.abs(values).max(initial=0.0))
        return summed(num, index, values, Reach(rounding_error(largest), largest))

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

    def in_two_modes(self, backing: Backing) -> Mask:
        """The accounts that hold rows under two modes which the same collateral may back: it cannot count for both."""
        held: dict[str, Mask] = {}
        for i in self.parts(backing):
            one = self.placed[i]
            mine = held.setdefault(one.common.allowed.name, np.zeros(len(self.work.book.names), bool))
            mine[one.group.accounts] = True
        counts = np.zeros(len(self.work.book.names), np.int64)
        for mine in held.values():
            counts += mine
        found: Mask = counts > 1
        return found

    def parts(self, backing: Backing) -> list[int]:
        """Which of the groups this backs."""
        return [i for i, one in enumerate(self.placed) if one.label.backing is backing]


def decide_shared(work: Work, placed: Sequence[Placed]) -> None:
    """Sums rows by pool and decides every pool: those of accounts first, since groups may draw on them."""
    if not placed:
        return
    shared = Shared(work, placed)
    for one in shared.placed:
        shared.rows(one)
    for backing in (Backing.ACCOUNT, Backing.GROUP):
        work.exact_accounts |= shared.in_two_modes(backing)
    accounts = AccountPools(shared)
    accounts.decide()
    GroupPools(shared, accounts).decide()


class AccountPools:
    """The pool of every account, positions or not."""

    def __init__(self, shared: Shared) -> None:
        self.shared, work = shared, shared.work
        self.size = len(work.book.names)
        self.num = BoundedNumbers(Scratch(self.size))
        parts = shared.parts(Backing.ACCOUNT)
        self.places = shared.places(parts)
        key = ("accounts", *(shared.placed[i].start for i in parts))
        self.index = work.book.kept(key, lambda: pool_index(shared.accounts(parts), self.size))
        backing, self.unknown = shared_collateral(self.num, work.policy, work.book, work.market)
        self.unknown |= shared.unknown(parts, self.index)
        gained = shared.summed(self.num, self.index, parts, "pnl")
        self.equity = backing + shared.accrued(self.num, self.index, parts) + gained
        self.initial = shared.summed(self.num, self.index, parts, "initial")
        self.maintenance = shared.summed(self.num, self.index, parts, "maintenance")
        self.fee = ZERO if shared.fee is None else shared.summed(self.num, self.index, parts, "fee")

    def decide(self) -> None:
        """Writes the status and equity of every row's pool; accounts in doubt are left to exact numbers."""
        settle(self.shared, self, self.places, self.index, np.arange(self.size))


class GroupPools:
    """The pools of groups within accounts, with what each may draw on its account's pool."""

    def __init__(self, shared: Shared, accounts: AccountPools) -> None:
        self.shared, self.above, work = shared, accounts, shared.work
        parts = shared.parts(Backing.GROUP)
        self.places = shared.places(parts)
        keys = [str(shared.placed[i].label.key) for i in parts]
        self.accounts, self.keys, self.index = work.book.kept(
            ("groups", *((shared.placed[i].start, key) for i, key in zip(parts, keys, strict=True))),
            lambda: group_index(shared.accounts(parts), keys, [shared.placed[i].group.size for i in parts]),
        )
        self.size = self.index.size
        self.num = BoundedNumbers(Scratch(self.size))
        stated, error = group_collateral(work.book, self.keys, self.accounts)
        self.unknown = shared.unknown(parts, self.index) | (work.book.collateral is None)
        gained = shared.summed(self.num, self.index, parts, "pnl")
        self.equity = whole(self.num, stated, error) + shared.accrued(self.num, self.index, parts) + gained
        self.maintenance = shared.summed(self.num, self.index, parts, "maintenance")
        self.fee = ZERO if shared.fee is None else shared.summed(self.num, self.index, parts, "fee")
        self.caps = {shared.placed[i].label.draw_cap for i in parts} - {None}

    def decide(self) -> None:
        """As for accounts, with the limit in equity. Where what is free is not certain, exact numbers decide."""
        if not self.size:
            return
        if self.caps and self.caps != {0} and not self.unknown.all():
            self._draw()
        settle(self.shared, self, self.places, self.index, self.accounts)

    def _draw(self) -> None:
        above, work = self.above, self.shared.work
        work.exact_accounts[self.accounts[above.unknown[self.accounts]]] = True
        work.exact_accounts[list(work.book.orders)] = True
        if len(self.caps) > 1:
            work.exact_accounts[self.accounts] = True
            return
        groups = np.bincount(self.accounts, minlength=above.size)[self.accounts].astype(np.float64)
        free = above.equity - above.initial
        mine = whole(self.num, free.values[self.accounts], free.error)
        limit = draw_limit(self.num, mine, next(iter(self.caps)), whole(self.num, groups, 0.0))
        self.equity = self.equity + limit


def settle(
    shared: Shared, pools: AccountPools | GroupPools, places: slice | Integers, index: PoolIndex, owners: Integers
) -> None:
    """Decides pools and writes each row that of its own; the owners of those in doubt are left to exact numbers."""
    work = shared.work
    status = np.zeros(pools.size, np.uint8)
    doubtful = decided(pools.equity, pools.maintenance, pools.fee, work.policy.liquidation, status)
    status[pools.unknown] = STATUSES.index("undetermined")
    for mask in (doubtful, pools.num.doubtful):
        if mask is not None:
            work.exact_accounts[owners[mask & index.held & ~pools.unknown]] = True
    equity = np.where(pools.unknown, np.nan, pools.equity.values)
    _spread(status, index, work.out.status, places)
    _spread(equity, index, work.out.equity, places)
    if pools.unknown.any():
        unknown = pools.unknown[index.pools]
        for figures in (work.out.initial_margin, work.out.maintenance_margin):
            figures[places] = np.where(unknown, np.nan, figures[places])


def _spread(values: Any, index: PoolIndex, out: Any, places: slice | Integers) -> None:
    """Gives every row what its pool has."""
    if isinstance(places, slice):
        np.take(values, index.pools, out=out[places], mode="clip")  # every index is in range; this mode copies nothing
    else:
        out[places] = values[index.pools]
