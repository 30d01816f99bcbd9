"""Pools of a sweep: rows summed by the pool that they share, and decided pool by pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from rules_engine.engine.assets import asset_price
from rules_engine.engine.book import Book, Integers
from rules_engine.formulas.collateral import collateral_value
from rules_engine.numbers.bounded import UNIT, bounded, rounding_error
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import Column, Floats, Mask
from rules_engine.numbers.system import Number
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy


class Reach(msgspec.Struct, frozen=True):
    """How far off figures may be at most, and how large they are."""

    error: float
    size: float


def widest(reaches: Iterable[Reach]) -> Reach:
    """The reach of all figures together."""
    every = list(reaches)
    return Reach(max((each.error for each in every), default=0.0), max((each.size for each in every), default=0.0))


class Totals(msgspec.Struct, frozen=True):
    """A figure by pool, and how far off each may be at most."""

    values: Floats
    error: float

    def part(self, num: ColumnNumbers, pools: slice | Integers) -> Column:
        """The figure of some pools as a column between its own least and largest number."""
        return whole(num, self.values[pools], self.error)


class PoolIndex(msgspec.Struct, frozen=True):
    """Which of `size` pools each row belongs to, the most rows that any has, and which have any."""

    pools: Integers
    size: int
    most: int
    held: Mask


def pool_index(pools: Integers, size: int) -> PoolIndex:
    """The index with the size of its largest pool."""
    counts = np.bincount(pools, minlength=size)
    return PoolIndex(pools, size, int(counts.max(initial=0)), counts > 0)


def group_index(accounts: Integers, keys: Sequence[str], sizes: Sequence[int]) -> tuple[Integers, list[str], PoolIndex]:
    """The account and the key of every group pool, and which of them each row belongs to."""
    names = sorted(set(keys))
    which = np.repeat([names.index(key) for key in keys], sizes)
    codes, inverse = np.unique(accounts * max(len(names), 1) + which, return_inverse=True)
    owners, numbers = np.divmod(codes, max(len(names), 1))
    return owners, [names[number] for number in numbers.tolist()], pool_index(inverse, len(codes))


def summed(index: PoolIndex, rows: Floats, reach: Reach) -> Totals:
    """Figures of rows added up by pool.

    n terms, each off by at most e and no larger than X, added one after another, are off by at most
    `n * e + n * n * u * X`: each of fewer than n additions rounds a partial sum that is no larger than n * X.
    """
    sums: Floats = np.bincount(index.pools, rows, index.size).astype(np.float64, copy=False)
    n = index.most
    error = (n * reach.error + n * n * UNIT * (reach.size + reach.error)) * (1 + 2.0**-40)
    return Totals(sums, error)


def whole(num: ColumnNumbers, values: Floats, error: float) -> Column:
    """A column of pools between its own least and largest number."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    return num.column(values, low, high, error)


class Held(msgspec.Struct, frozen=True):
    """What every account holds of an asset, and how that counts."""

    amounts: Totals
    price: Number
    haircut: Number
    cap: Number | None

    def part(self, num: ColumnNumbers, pools: slice | Integers) -> Column:
        """What it counts for in some accounts."""
        value: Column = collateral_value(num, self.amounts.part(num, pools), self.price, self.haircut, self.cap)
        return value


def shared_collateral(policy: Policy, book: Book, market: Market) -> tuple[list[Held], Mask]:
    """The assets of all accounts, and the accounts of which is not known what theirs count for."""
    every: list[Held] = []
    unknown = np.full(len(book.names), book.collateral is None)
    for asset, (accounts, amounts) in (book.collateral or {}).items():
        rule = policy.collateral.get(asset)
        if rule is None:
            unknown[accounts[amounts < 0]] = True
            continue
        price = asset_price(policy, asset, market, [])
        if price is None:
            unknown[accounts[amounts != 0]] = True
            continue
        every.append(Held(amounts_of(book, asset), bounded(price.price), rule.haircut, rule.cap))
    return every, unknown


def amounts_of(book: Book, asset: str) -> Totals:
    """What every account holds of an asset of the book."""

    def made() -> Totals:
        accounts, amounts = (book.collateral or {})[asset]
        largest = float(np.abs(amounts).max(initial=0.0))
        if len(accounts) < len(book.names):  # each account stands at most once, in order
            amounts, stated = np.zeros(len(book.names)), amounts
            amounts[accounts] = stated
        return Totals(amounts, rounding_error(largest))

    return book.kept(("amounts", asset), made)


def group_collateral(book: Book, keys: Sequence[str], accounts: Integers) -> Totals:
    """What stands behind each group pool, named by its key and account; nothing where the book has no entry."""
    found = np.zeros(len(accounts))
    names = np.array(keys, dtype=object)
    for key, (owners, amounts) in book.group_margins.items():
        mine = np.flatnonzero(names == key)
        if not len(mine) or not len(owners):
            continue
        places = np.minimum(np.searchsorted(owners, accounts[mine]), len(owners) - 1)
        found[mine] = np.where(owners[places] == accounts[mine], amounts[places], 0.0)
    return Totals(found, rounding_error(float(np.abs(found).max(initial=0.0))))
