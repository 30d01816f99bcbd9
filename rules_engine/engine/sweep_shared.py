"""Pools of a sweep that an account's or a group's collateral backs: rows summed by pool, and decided pool by pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rules_engine.engine.book import Integers
from rules_engine.engine.sweep_pools import (
    PoolIndex,
    RowSums,
    group_collateral,
    pool_index,
    shared_collateral,
    summed,
    whole,
)
from rules_engine.engine.sweep_rows import STATUSES, column, decided, figures_of
from rules_engine.engine.sweep_state import Placed, Work
from rules_engine.formulas.pool import draw_limit
from rules_engine.numbers.bounded import BoundedNumbers, Mask, NotColumns, Scratch
from rules_engine.numbers.exact import ZERO
from rules_engine.terms.pool import Backing


class Shared:
    """Groups of rows that share pools, with the figures of each row in columns of their own."""

    def __init__(self, work: Work, placed: Sequence[Placed]) -> None:
        self.work = work
        self.placed = sorted(placed, key=lambda one: one.label.backing is Backing.GROUP)
        size = sum(one.group.size for one in self.placed)
        self.pnl, self.initial, self.maintenance, self.fee = (RowSums(size) for _ in range(4))
        self.accounts = np.concatenate([np.empty(0, np.int64), *(one.group.accounts for one in self.placed)])
        self.starts = np.cumsum([0, *(one.group.size for one in self.placed)]).tolist()

    def rows(self, placed: Placed, start: int) -> None:
        """The figures of a group's rows, into columns of their own and those of the answer."""
        work, group, out = self.work, placed.group, self.work.out
        if placed.common.quote.doubts:
            return
        for span in group.spans:
            num = work.numbers(span.stop - span.start)
            try:
                figures = figures_of(num, group, span, placed.common, None)
            except NotColumns as error:
                work.give_up(group, str(error))
                return
            accrued = column(num, group, span, "accrued")
            rows = slice(start + span.start, start + span.stop)
            self.pnl.write(rows, figures.pnl if accrued is None else figures.pnl + accrued)
            self.initial.write(rows, figures.initial)
            self.maintenance.write(rows, figures.maintenance)
            if figures.fee is not ZERO:
                self.fee.write(rows, figures.fee)
            answer = slice(placed.start + span.start, placed.start + span.stop)
            out.initial_margin[answer] = figures.initial.values
            out.maintenance_margin[answer] = figures.maintenance.values
            if num.doubtful is not None:
                work.exact_accounts[group.accounts[span.start : span.stop][num.doubtful]] = True

    def unknown(self, parts: Sequence[int]) -> Mask:
        """The accounts that hold rows of which nothing is known: a mark is missing, say."""
        found = np.zeros(len(self.work.book.names), bool)
        for i in parts:
            if self.placed[i].common.quote.doubts:
                found[self.placed[i].group.accounts] = True
        return found

    def places(self, parts: Sequence[int]) -> Integers:
        """Where the rows of some groups stand in the answer."""
        ranges = [np.arange(self.placed[i].rows.start, self.placed[i].rows.stop) for i in parts]
        return np.concatenate([np.empty(0, np.int64), *ranges])

    def parts(self, backing: Backing) -> list[int]:
        """Which of the groups this backs."""
        return [i for i, one in enumerate(self.placed) if one.label.backing is backing]

    def chosen(self, parts: Sequence[int]) -> slice:
        """The rows of some groups, which stand together."""
        return slice(self.starts[parts[0]], self.starts[parts[-1] + 1]) if parts else slice(0, 0)


def decide_shared(work: Work, placed: Sequence[Placed]) -> None:
    """Sums rows by pool and decides every pool: those of accounts first, since groups may draw on them."""
    if not placed:
        return
    shared = Shared(work, placed)
    for one, start in zip(shared.placed, shared.starts, strict=False):
        shared.rows(one, start)
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
        rows = shared.chosen(parts)
        self.places = shared.places(parts)
        self.index = pool_index(shared.accounts[rows], self.size)
        backing, self.unknown = shared_collateral(self.num, work.policy, work.book, work.market)
        self.unknown |= shared.unknown(parts)
        self.equity = backing + summed(self.num, self.index, shared.pnl.of(rows))
        self.initial = summed(self.num, self.index, shared.initial.of(rows))
        self.maintenance = summed(self.num, self.index, shared.maintenance.of(rows))
        self.fee = summed(self.num, self.index, shared.fee.of(rows)) if shared.fee.size else ZERO

    def decide(self) -> None:
        """Writes the status and equity of every row's pool; accounts in doubt are left to exact numbers."""
        settle(self.shared, self, self.places, self.index, np.arange(self.size))


class GroupPools:
    """The pools of groups within accounts, with what each may draw on its account's pool."""

    def __init__(self, shared: Shared, accounts: AccountPools) -> None:
        self.shared, self.above, work = shared, accounts, shared.work
        parts = shared.parts(Backing.GROUP)
        rows = shared.chosen(parts)
        keys = sorted({str(shared.placed[i].label.key) for i in parts})
        number = {key: index for index, key in enumerate(keys)}
        which = np.concatenate(
            [np.empty(0, np.int64)]
            + [np.full(shared.placed[i].group.size, number[str(shared.placed[i].label.key)]) for i in parts]
        )
        codes, inverse = np.unique(shared.accounts[rows] * len(keys) + which, return_inverse=True)
        self.accounts = codes // max(len(keys), 1)
        self.size = len(codes)
        self.num = BoundedNumbers(Scratch(self.size))
        self.places = shared.places(parts)
        self.index = pool_index(inverse, self.size)
        stated, error = group_collateral(work.book, [keys[code % len(keys)] for code in codes.tolist()], self.accounts)
        self.unknown = shared.unknown(parts)[self.accounts]
        self.equity = whole(self.num, stated, error) + summed(self.num, self.index, shared.pnl.of(rows))
        self.maintenance = summed(self.num, self.index, shared.maintenance.of(rows))
        self.fee = summed(self.num, self.index, shared.fee.of(rows)) if shared.fee.size else ZERO
        caps = {shared.placed[i].label.draw_cap for i in parts}
        self.caps = caps - {None}

    def decide(self) -> None:
        """As for accounts, with the limit in equity. Where what is free is not certain, exact numbers decide."""
        if not self.size:
            return
        if self.caps and self.caps != {0}:
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
    shared: Shared, pools: AccountPools | GroupPools, places: Integers, index: PoolIndex, owners: Integers
) -> None:
    """Decides pools and writes each row that of its own; the owners of those in doubt are left to exact numbers."""
    work = shared.work
    status = np.zeros(pools.size, np.uint8)
    doubtful = decided(pools.equity, pools.maintenance, pools.fee, work.policy.liquidation, status)
    status[pools.unknown] = STATUSES.index("undetermined")
    held = np.zeros(pools.size, bool)
    held[index.pools] = True
    for mask in (doubtful, pools.num.doubtful):
        if mask is not None:
            work.exact_accounts[owners[mask & held & ~pools.unknown]] = True
    equity = np.broadcast_to(pools.equity.values, pools.size).copy()
    equity[pools.unknown] = np.nan
    work.out.status[places] = status[index.pools]
    work.out.equity[places] = equity[index.pools]
    unknown = pools.unknown[index.pools]
    for figures in (work.out.initial_margin, work.out.maintenance_margin):
        figures[places[unknown]] = np.nan
