"""Accounts before and after: the worst status of their pools, and those that a change concerns most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Integers
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.impact_sums import fraction_of
from rules_engine.life.impact.impact_tallies import FIGURES, KINDS, MOVES, Moves, moves_of, owners_of, placed, sizes_of
from rules_engine.numbers.columns import Floats, Mask

WORST_LAST: Final = ("healthy", "margin_call", "undetermined", "liquidate", "bankrupt")
"""Statuses of pools in the order in which an account has them: what is certain to be liquidated counts first."""
NEWLY: Final = tuple(
    STATUSES.index(before) * KINDS + STATUSES.index(after)
    for before in ("healthy", "margin_call")
    for after in ("liquidate", "bankrupt")
)
"""The moves of what is newly to be liquidated, bankrupt or not."""
_IS_NEWLY: Final = np.isin(np.arange(MOVES), NEWLY)


class AccountImpact(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to one account, in sums of doubles over its positions whose margins are known under both.

    The statuses are the worst of its pools. `newly_liquidated` is the notional of positions newly to be liquidated.
    """

    account: str
    positions: int
    before: str
    after: str
    initial_before: float
    initial_after: float
    maintenance_before: float
    maintenance_after: float
    newly_liquidated: float

    @property
    def change(self) -> float:
        """Of maintenance margin."""
        return self.maintenance_after - self.maintenance_before


class Accounts:
    """The accounts of a book under two sweeps of it."""

    def __init__(self, book: Book, before: Columns, after: Columns, made: Moves, quotes: Sequence[Quote]) -> None:
        self.book, self.before, self.after, self.made, self.quotes = book, before, after, made, quotes
        self.worst = [self._worst(each.status) for each in (before, after)]

    def moves(self) -> tuple[int, ...]:
        """How many accounts that hold positions went from each status to each, as one number."""
        moves = moves_of(*self.worst)[self.book.kept(("holders",), self._held)]
        return tuple(np.bincount(moves, minlength=MOVES).tolist())

    def _held(self) -> Mask:
        """Which accounts hold positions."""
        held = np.zeros(len(self.book.names), bool)
        held[owners_of(self.book)] = True
        return held

    def _worst(self, status: Codes) -> Codes:
        """The worst status of each account's positions."""
        owners, worst = owners_of(self.book), np.zeros(len(self.book.names), np.uint8)
        for name in WORST_LAST[1:]:
            code = STATUSES.index(name)
            worst[owners[np.flatnonzero(status == code)]] = code
        return worst

    def largest(self, most: int) -> tuple[AccountImpact, ...]:
        """Those with the most notional newly to be liquidated, and with the largest changes of maintenance."""
        newly, change = self._newly(), np.abs(self._change())
        chosen = np.union1d(_first(newly, most), _first(change, most))
        return self._impacts(chosen, newly)

    def _newly(self) -> Floats:
        """By account, the notional of positions newly to be liquidated."""
        found = np.zeros(len(self.book.names))
        for (group, rows), quote in zip(placed(self.book), self.quotes, strict=True):
            places, moves = self.made.within(rows)
            mine = places[_IS_NEWLY[moves]]
            if len(mine) and quote.value is not None:
                np.add.at(found, group.accounts[mine], sizes_of(group)[mine] * float(abs(fraction_of(quote.value))))
        return found

    def _change(self) -> Floats:
        """By account, the change of maintenance margin, where both are known."""
        found = np.zeros(len(self.book.names))
        for group, rows in placed(self.book):
            was, now = self.before.maintenance_margin[rows], self.after.maintenance_margin[rows]
            if not np.array_equal(was, now):
                change = now - was
                if np.isnan(change.sum()):
                    np.nan_to_num(change, copy=False)
                np.add.at(found, group.accounts, change)
        return found

    def _impacts(self, chosen: Integers, newly: Floats) -> tuple[AccountImpact, ...]:
        owners = owners_of(self.book)
        wanted = np.zeros(len(self.book.names), bool)
        wanted[chosen] = True
        rows = np.flatnonzero(wanted[owners])
        which = np.searchsorted(chosen, owners[rows])

        columns = [getattr(each, name)[rows] for name in FIGURES for each in (self.before, self.after)]
        known = ~np.isnan(sum(columns[1:], columns[0]))
        sums = [np.bincount(which[known], column[known], len(chosen)).tolist() for column in columns]
        counts = np.bincount(which, minlength=len(chosen)).tolist()
        return tuple(
            AccountImpact(
                account=str(self.book.names[place]),
                positions=counts[at],
                before=STATUSES[self.worst[0][place]],
                after=STATUSES[self.worst[1][place]],
                initial_before=sums[0][at],
                initial_after=sums[1][at],
                maintenance_before=sums[2][at],
                maintenance_after=sums[3][at],
                newly_liquidated=float(newly[place]),
            )
            for at, place in enumerate(chosen.tolist())
        )


def _first(figures: Floats, most: int) -> Integers:
    """The places of the largest figures above 0."""
    places = np.flatnonzero(figures > 0)
    if len(places) <= most:
        return places
    return places[np.argpartition(figures[places], len(places) - most - 1)[len(places) - most :]]


def largest_of(accounts: Sequence[AccountImpact], most: int) -> tuple[AccountImpact, ...]:
    """Of accounts of several parts, those that are largest of all, as `Accounts.largest` chooses them."""

    by_notional = sorted((one for one in accounts if one.newly_liquidated > 0), key=lambda one: -one.newly_liquidated)
    by_change = sorted((one for one in accounts if one.change), key=lambda one: -abs(one.change))
    kept = {one.account: one for one in (*by_notional[:most], *by_change[:most])}
    return tuple(sorted(kept.values(), key=lambda one: (-one.newly_liquidated, -abs(one.change), one.account)))
