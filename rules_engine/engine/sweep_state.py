"""A sweep at work: what it writes to, and what it leaves to exact numbers."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.sums import terms_of
from rules_engine.engine.sweep_rows import STATUSES, Codes, GroupTerms
from rules_engine.numbers.bounded import BoundedNumbers, Floats, Scratch
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import PoolLabel

UNDETERMINED: Final = STATUSES.index("undetermined")


class Columns(msgspec.Struct, frozen=True):
    """The answer by row, in the book's own order: status and equity of the row's pool, figures of its position.

    Money is in the settlement currency; NaN stands for what is not known.
    """

    status: Codes
    equity: Floats
    initial_margin: Floats
    maintenance_margin: Floats
    unrealized_pnl: Floats

    def blank(self, rows: slice | Integers) -> None:
        """Leaves rows undetermined."""
        self.status[rows] = UNDETERMINED
        for figure in (self.equity, self.initial_margin, self.maintenance_margin, self.unrealized_pnl):
            figure[rows] = np.nan


def empty_columns(rows: int) -> Columns:
    """Columns of this many rows, with whatever is in them."""
    return Columns(np.empty(rows, np.uint8), np.empty(rows), np.empty(rows), np.empty(rows), np.empty(rows))


class Placed(msgspec.Struct, frozen=True):
    """A group with its place in the columns, what is one for all of its rows, and the label of its pools."""

    group: Group
    start: int
    common: GroupTerms
    label: PoolLabel

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.group.size)


class Work:
    """One sweep at work.

    `exact_accounts` marks those that are left to exact numbers, `exactly` counts rows by why, `alone` those of them
    that are pools of their own.
    """

    def __init__(self, policy: Policy, book: Book, market: Market, into: Columns | None = None) -> None:
        self.policy, self.book, self.market = policy, book, market
        self.terms = terms_of(policy, None)
        self.out = empty_columns(len(book)) if into is None or len(into.status) != len(book) else into
        self.exact_accounts = np.zeros(len(book.names), bool)
        self.exact_accounts[list(book.records)] = True
        self.exactly: dict[str, int] = {}
        self.alone = 0
        self._scratch = Scratch(
            0, max((span.stop - span.start for group in book.groups for span in group.spans), default=0)
        )

    def numbers(self, length: int) -> BoundedNumbers:
        """The number system for a chunk of this length."""
        self._scratch.length = length
        return BoundedNumbers(self._scratch)

    def count(self, why: str, rows: int) -> None:
        """Takes down that so many rows are decided exactly."""
        self.exactly[why] = self.exactly.get(why, 0) + rows

    def give_up(self, group: Group, why: str) -> None:
        """Leaves the accounts of a group to exact numbers."""
        self.exact_accounts[group.accounts] = True
        self.count(why, group.size)
