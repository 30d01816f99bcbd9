"""Pools of a sweep: rows summed by the pool that they share, and decided pool by pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.assets import asset_price
from rules_engine.engine.book import Book, Integers
from rules_engine.formulas.collateral import collateral_value
from rules_engine.numbers.bounded import (
    UNIT,
    Bounded,
    BoundedNumbers,
    Floats,
    Mask,
    Operand,
    Scratch,
    bounded,
    rounding_error,
)
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

FIGURES: Final = ("pnl", "initial", "maintenance", "fee")
"""What is added up by pool."""


class Reach:
    """How far off a figure of rows may be, and how large it is, in all chunks together."""

    def __init__(self, error: float = 0.0, size: float = 0.0) -> None:
        self.error, self.size = error, size

    def seen(self, figure: Operand) -> Floats | float:
        """A chunk's figures, of which error and size are noted."""
        figure = bounded(figure)
        self.error = max(self.error, figure.error)
        self.size = max(self.size, figure.high, -figure.low)
        return figure.values  # type: ignore[no-any-return]


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


def summed(num: BoundedNumbers, index: PoolIndex, rows: Floats, reach: Reach) -> Bounded:
    """Figures of rows added up by pool.

    n terms, each off by at most e and no larger than X, added one after another, are off by at most
    `n * e + n * n * u * X`: each of fewer than n additions rounds a partial sum that is no larger than n * X.
    """
    sums: Floats = np.bincount(index.pools, rows, index.size).astype(np.float64, copy=False)
    n = index.most
    error = (n * reach.error + n * n * UNIT * (reach.size + reach.error)) * (1 + 2.0**-40)
    return whole(num, sums, error)


def whole(num: BoundedNumbers, values: Floats, error: float) -> Bounded:
    """A column of pools between its own least and largest number."""
    if not len(values):
        return num.column(values, 0.0, 0.0, 0.0)
    return num.column(values, float(values.min()), float(values.max()), error)


def shared_collateral(num: BoundedNumbers, policy: Policy, book: Book, market: Market) -> tuple[Bounded, Mask]:
    """What every account's assets count for, and the accounts of which that is not known."""
    total, unknown = np.zeros(len(book.names)), np.zeros(len(book.names), bool)
    if book.collateral is None:
        unknown[:] = True
        return whole(num, total, 0.0), unknown
    error, size = 0.0, 0.0
    for asset, (accounts, amounts) in book.collateral.items():
        rule = policy.collateral.get(asset)
        if rule is None:
            unknown[accounts[amounts < 0]] = True
            continue
        price = asset_price(policy, asset, market, [])
        if price is None:
            unknown[accounts[amounts != 0]] = True
            continue
        each = BoundedNumbers(Scratch(len(amounts)))
        column = whole(each, amounts, rounding_error(float(np.abs(amounts).max(initial=0.0))))
        value = collateral_value(each, column, bounded(price.price), rule.haircut, rule.cap)
        total[accounts] += value.values
        size += max(value.high, -value.low)
        error += value.error + UNIT * (size + error)
    return whole(num, total, error * (1 + 2.0**-40)), unknown


def group_collateral(book: Book, keys: Sequence[str], accounts: Integers) -> tuple[Floats, float]:
    """What stands behind each group pool, named by its key and account; nothing where the book has no entry."""
    found = np.zeros(len(accounts))
    names = np.array(keys, dtype=object)
    for key, (owners, amounts) in book.group_margins.items():
        mine = np.flatnonzero(names == key)
        if not len(mine) or not len(owners):
            continue
        places = np.minimum(np.searchsorted(owners, accounts[mine]), len(owners) - 1)
        found[mine] = np.where(owners[places] == accounts[mine], amounts[places], 0.0)
    return found, rounding_error(float(np.abs(found).max(initial=0.0)))
