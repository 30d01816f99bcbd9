"""Pools of a sweep that many rows share, decided pool by pool, a part of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from rules_engine.engine.book import CHUNK, Integers
from rules_engine.engine.sweep_pools import (
    Held,
    PoolIndex,
    Totals,
    group_collateral,
    group_index,
    pool_index,
    shared_collateral,
    whole,
)
from rules_engine.engine.sweep_prices import liquidation_prices
from rules_engine.engine.sweep_rows import UNDETERMINED, decided, decided_too
from rules_engine.engine.sweep_shared import Shared
from rules_engine.engine.sweep_state import UNPRICED, Chunk, Placed, PoolFigures, Work
from rules_engine.formulas.pool import draw_limit, surplus
from rules_engine.numbers.bounded import BoundedNumbers
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import Column, Floats, Mask, Scratch
from rules_engine.numbers.exact import ONE, ZERO
from rules_engine.numbers.system import Number
from rules_engine.terms.pool import Backing

PART: Final = 1 << 20
"""Rows that are given their pools' figures at a time."""


def decide_shared(work: Work, placed: Sequence[Placed]) -> None:
    """Sums rows by pool and decides every pool: those of accounts first, since groups may draw on them."""
    if not placed:
        return
    shared = Shared(work, placed)
    for backing in (Backing.ACCOUNT, Backing.GROUP):
        work.exact_accounts[shared.in_two_modes(backing)] = True
    groups = GroupPools(shared)
    accounts = AccountPools(shared)
    accounts.decide()
    if groups.size:
        if groups.may_draw():
            groups.draw_on(accounts)
        groups.decide()


class Pools:
    """Pools of one kind: their sums, what backs them, and which row belongs to which.

    `owners` are their accounts; `unknown` the pools of which nothing is known.
    """

    def __init__(
        self,
        shared: Shared,
        key: tuple[object, ...],
        parts: Sequence[int],
        index: PoolIndex,
        owners: Integers,
        backing: Sequence[Totals | Held],
        unknown: Mask,
    ) -> None:
        self.work, self.index, self.owners, self.size = shared.work, index, owners, index.size
        self.shared, self.key, self.parts, self.places = shared, key, parts, shared.places(parts)
        self.sums = shared.sums(index, parts, ["pnl", "maintenance", "fee", "least", "least_fee"])
        terms = [*backing, shared.accrued(index, parts), self.sums["pnl"]]
        self.terms = [each for each in terms if each is not None]
        self.unknown = unknown
        self.unknown |= shared.unknown(parts, index)
        self.equity, self.equity_error = self.work.array(self.size), 0.0
        self.status = self.work.array(self.size, np.uint8)
        prices = self.work.out.liquidation_price is not None
        self.standing: Floats | None = self.work.array(self.size) if prices else None

    def decide(self) -> None:
        """Writes the status and equity of every row's pool; the owners of those in doubt are left to exact numbers."""
        work, off = self.work, 0.0
        slices = [slice(start, min(start + CHUNK, self.size)) for start in range(0, self.size, CHUNK)]
        parts = work.each(self._part, slices)
        for pools, (error, standing_error, doubtful) in zip(slices, parts, strict=True):
            self.equity_error, off = max(self.equity_error, error), max(off, standing_error)
            for mask in doubtful:
                near = mask & self.index.held[pools] & ~self.unknown[pools]
                work.exact_accounts[self.owners[pools][near]] = True
        if self.standing is not None:
            self._price(self.standing, off)
        status, equity = self.status, self.equity
        if self.unknown.any():
            status, equity = np.where(self.unknown, UNDETERMINED, status), np.where(self.unknown, np.nan, equity)
            unknown = self.unknown[self.index.pools]
            for figures in (work.out.initial_margin, work.out.maintenance_margin, work.out.unrealized_pnl):
                figures[self.places] = np.where(unknown, np.nan, figures[self.places])
        self._spread(status, work.out.status)
        self._spread(equity, work.out.equity)
        if isinstance(self.places, slice):
            work.pools[self.key] = PoolFigures(self.places, self.index.pools, self.sums["maintenance"].values, equity)

    def _part(self, pools: slice) -> tuple[float, float, list[Mask]]:
        """Decides some pools; how far off their equity and their surplus are, and which are in doubt."""
        num = BoundedNumbers(Scratch(pools.stop - pools.start))
        equity = self.equity_of(num, pools)
        equity.write(self.equity[pools])
        maintenance, fee = self._required(num, pools, "maintenance", "fee")
        near = [decided(num, equity, maintenance, fee, self.work.policy.liquidation, self.status[pools])]
        if "least" in self.sums:
            least = self._required(num, pools, "least", "least_fee")
            near.append(decided_too(num, equity, *least, self.work.policy.liquidation, self.status[pools]))
        standing = surplus(equity, maintenance, fee, ONE)
        if self.standing is not None:
            standing.write(self.standing[pools])
        return equity.error, standing.error, [mask for mask in (*near, num.doubtful) if mask is not None]

    def _required(self, num: ColumnNumbers, pools: slice, maintenance: str, fee: str) -> tuple[Column, Number]:
        """What pools must keep, and the fee that decides."""
        return self.sums[maintenance].part(num, pools), self.sums[fee].part(num, pools) if fee in self.sums else ZERO

    def _price(self, standing: Floats, off: float) -> None:
        """Writes each row's liquidation price; accounts of those that are not certain are left to exact numbers."""
        work, out = self.work, self.work.out.liquidation_price
        assert out is not None
        standing = np.where(self.unknown, np.nan, standing)
        hedged = self.shared.hedged(self.index, self.parts)
        placed = [self.shared.placed[i] for i in self.parts]
        starts = np.cumsum([0, *(one.group.size for one in placed)]).tolist()
        chunks = [(chunk, start) for one, start in zip(placed, starts, strict=False) for chunk in one.chunks()]

        def price(item: tuple[Chunk, int]) -> Integers:
            chunk, start = item
            if chunk.placed.common.quote.doubts:
                out[chunk.rows] = np.nan
                return np.empty(0, np.int64)
            group, span = chunk.placed.group, chunk.span
            rows = slice(start + span.start, start + span.stop)
            prices, doubtful = liquidation_prices(
                group,
                span,
                chunk.placed.common,
                ringfenced=False,
                standing=standing[self.index.pools[rows]],
                standing_error=off,
            )
            out[chunk.rows] = prices
            return np.flatnonzero(doubtful | (hedged[rows] & ~np.isnan(prices))) + start + span.start

        for rows in work.each(price, chunks):
            if len(rows):
                work.count(UNPRICED, len(rows))
                work.exact_accounts[self.owners[self.index.pools[rows]]] = True

    def _spread(self, values: Any, out: Any) -> None:
        """Gives every row what its pool has."""
        if not isinstance(self.places, slice):
            out[self.places] = values[self.index.pools]
            return
        rows, pools = out[self.places], self.index.pools
        parts = [slice(start, start + PART) for start in range(0, len(pools), PART)]
        if self.work.crew is not None:  # memory of its own comes in large pages, of which a processor remembers more
            values = values.copy()
        # every index is in range, and this mode copies nothing
        self.work.each(lambda part: np.take(values, pools[part], out=rows[part], mode="clip") is None, parts)

    def equity_of(self, num: ColumnNumbers, pools: slice) -> Column:
        """What backs some pools, with what accrued and what their positions have gained."""
        first, *others = (each.part(num, pools) for each in self.terms)
        return sum(others, first)


class AccountPools(Pools):
    """The pool of every account, positions or not."""

    def __init__(self, shared: Shared) -> None:
        book, parts = shared.work.book, shared.parts(Backing.ACCOUNT)
        size = len(book.names)
        key = ("accounts", *(shared.placed[i].start for i in parts))
        index, owners = book.kept(key, lambda: (pool_index(shared.accounts(parts), size), np.arange(size)))
        backing, unknown = shared_collateral(shared.work.policy, book, shared.work.market)
        super().__init__(shared, key, parts, index, owners, backing, unknown)

    def free(self) -> Totals:
        """Equity less initial margin."""
        initial = self.shared.sums(self.index, self.parts, ["initial"])["initial"]
        num = BoundedNumbers(Scratch(self.size))
        known = Totals(np.where(self.unknown, 0.0, initial.values), initial.error)
        free = whole(num, self.equity, self.equity_error) - known.part(num, slice(None))
        return Totals(np.array(free.values), free.error)


class GroupPools(Pools):
    """The pools of groups within accounts, with what each may draw on its account's pool."""

    def __init__(self, shared: Shared) -> None:
        book, parts = shared.work.book, shared.parts(Backing.GROUP)
        keys = [str(shared.placed[i].label.key) for i in parts]
        key = ("groups", *((shared.placed[i].start, key) for i, key in zip(parts, keys, strict=True)))
        owners, names, index = book.kept(
            key, lambda: group_index(shared.accounts(parts), keys, [shared.placed[i].group.size for i in parts])
        )
        unknown = np.full(index.size, book.collateral is None)
        super().__init__(shared, key, parts, index, owners, [group_collateral(book, names, owners)], unknown)
        self.caps = {shared.placed[i].label.draw_cap for i in parts}
        self.free: Totals | None = None
        self.groups: Floats = np.empty(0)

    def may_draw(self) -> bool:
        """Whether any group may draw."""
        return any(self.caps) and not self.unknown.all()

    def draw_on(self, accounts: AccountPools) -> None:
        """Lets them draw on what accounts have free. Where that is not certain, exact numbers decide."""
        work = self.work
        uncertain = accounts.unknown | (accounts.status == UNDETERMINED)
        uncertain[list(work.book.orders)] = True
        work.exact_accounts[self.owners[uncertain[self.owners]]] = True
        if len(self.caps) > 1:
            work.exact_accounts[self.owners] = True
            return
        self.free = accounts.free()
        self.groups = np.bincount(self.owners, minlength=accounts.size).astype(np.float64)

    def equity_of(self, num: ColumnNumbers, pools: slice) -> Column:
        """As for all pools, with the limit of the draw."""
        equity = super().equity_of(num, pools)
        if self.free is None:
            return equity
        owners = self.owners[pools]
        mine, groups = self.free.part(num, owners), whole(num, self.groups[owners], 0.0)
        limit: Column = draw_limit(num, mine, next(iter(self.caps)), groups)
        return equity + limit
