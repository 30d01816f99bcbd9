"""Accounts before and after: the worst status of their pools, and those that a change concerns most."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from heapq import heappush, heappushpop
from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Integers
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.impact_rows import Chunk
from rules_engine.life.impact.impact_tallies import FIGURES, KINDS, MOVES, moves_of, placed
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
SMALL: Final = 8
"""How many times smaller than a large change is all that is left out of an account's sum."""
SPARSE: Final = 2
"""Of so many rows to the end of a chunk more than one must be chosen, for all of them to be taken."""
ROUNDING: Final = 1e-9
"""More than what sums of doubles are off by."""


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
    """The accounts of a book under two sweeps of it, whose chunks are added one after another.

    The largest `most` of them are found without adding up every row: see `_candidates`.
    """

    def __init__(self, book: Book, before: Columns, after: Columns, most: int) -> None:
        self.book, self.before, self.after, self.most = book, before, after, most
        self.held, self.rows = book.kept(("holders",), self._holders)
        self.changes = np.zeros(len(book.names))
        self._newly: list[tuple[Integers, Floats]] = []
        self.least = 0.0
        self._largest: list[float] = []
        start = len(book) - len(book.contents.faulty)
        self._owners = [np.array([place for place, _ in book.contents.faulty.values()], np.int64)]
        self._moves = [moves_of(before.status[start:], after.status[start:])]

    def _holders(self) -> tuple[int, int]:
        """How many accounts hold positions, and the most that any of them holds."""
        counts = np.zeros(len(self.book.names), np.uint32)
        for group, _ in placed(self.book):
            np.add.at(counts, group.accounts, np.uint32(1))
        for place, _ in self.book.contents.faulty.values():
            counts[place] += np.uint32(1)
        return int(np.count_nonzero(counts)), int(counts.max(initial=0))

    def add(self, chunk: Chunk, worth: Fraction | None) -> None:
        """Takes the rows of a chunk, whose contracts are worth so much."""
        if len(chunk.places):
            owners = chunk.accounts[chunk.places]
            self._owners.append(owners)
            self._moves.append(chunk.moves)
            mine = _IS_NEWLY[chunk.moves].nonzero()[0]
            if len(mine) and worth is not None:
                self._newly.append((owners[mine], chunk.sizes[chunk.places[mine]] * float(worth)))
        if len(chunk.change) and self.most:
            self._add_changes(chunk.accounts[chunk.alike :], chunk.change)

    def _add_changes(self, accounts: Integers, change: Floats) -> None:
        """Adds up the changes that are not small."""
        least, most = float(change.min()), float(change.max())
        if not least <= most:
            change = np.nan_to_num(change)
            least, most = float(change.min()), float(change.max())
        largest = max(most, -least)
        if largest > self.least:
            chosen = change > self.least
            if least < -self.least:
                chosen |= change < -self.least
            first = int(chosen.argmax())
            if np.count_nonzero(chosen) * SPARSE > len(chosen) - first:  # as a rule: larger ones change more
                np.add.at(self.changes, accounts[first:], change[first:])
            else:
                rows = chosen.nonzero()[0]
                np.add.at(self.changes, accounts[rows], change[rows])
        full = len(self._largest) == self.most
        (heappushpop if full else heappush)(self._largest, largest)
        self.least = max(self.least, self._largest[0] / (SMALL * self.rows * (1 if full else SMALL)))

    def moves(self) -> tuple[int, ...]:
        """How many accounts that hold positions went from each status to each, as one number."""
        owners, moves = np.concatenate(self._owners), np.concatenate(self._moves)
        self.worst = [self._worst(owners, each) for each in np.divmod(moves, np.uint8(KINDS))]
        touched = (self.worst[0] | self.worst[1]).astype(bool).nonzero()[0]
        counts = np.bincount(moves_of(*(each[touched] for each in self.worst)), minlength=MOVES)
        counts[0] += self.held - len(touched)
        return tuple(counts.tolist())

    def _worst(self, owners: Integers, status: Codes) -> Codes:
        """The worst status of each account's positions; those that are in no list are healthy."""
        worst = np.zeros(len(self.book.names), np.uint8)
        for name in WORST_LAST[1:]:
            code = STATUSES.index(name)
            worst[owners[status == code]] = code
        return worst

    def largest(self) -> tuple[AccountImpact, ...]:
        """Those with the most notional newly to be liquidated, and with the largest changes of maintenance."""
        if not self.most:
            return ()
        owners, newly = self._newly_of()
        wanted = np.zeros(len(self.book.names), bool)
        wanted[owners[_first(newly, self.most)]] = True
        wanted[self._candidates()] = True
        every, rows, which = self._rows_of(wanted)
        change = np.nan_to_num(self.after.maintenance_margin[rows] - self.before.maintenance_margin[rows])
        changes = np.abs(np.bincount(which, change, len(every)))
        amounts = np.zeros(len(every))
        held = wanted[owners]
        amounts[np.searchsorted(every, owners[held])] = newly[held]
        chosen = np.zeros(len(every), bool)
        chosen[_first(amounts, self.most)] = True
        chosen[_first(changes, self.most)] = True
        mine = chosen[which]
        places = np.cumsum(chosen) - 1
        return self._impacts(every[chosen], amounts[chosen], rows[mine], places[which[mine]])

    def _newly_of(self) -> tuple[Integers, Floats]:
        """The accounts that have notional newly to be liquidated, in order, and how much."""
        if not self._newly:
            return np.empty(0, np.int64), np.empty(0)
        every, amounts = (np.concatenate(each) for each in zip(*self._newly, strict=True))
        owners, which = np.unique(every, return_inverse=True)
        return owners, np.bincount(which, amounts).astype(np.float64, copy=False)

    def _candidates(self) -> Integers:
        """The accounts that may be among those of the largest changes.

        Each of at most `rows` rows that are left out of a sum is no larger than `least`. So the sum is off by no more
        than `slack`: of an account that is smaller by twice that than enough others, nothing need be known.
        """
        slack = 2 * self.least * self.rows * (1 + ROUNDING)
        largest = max(self.changes.max(initial=0.0), -self.changes.min(initial=0.0))
        for floor in (float(largest) / 2, slack / 2):  # few are in the upper half, as a rule
            places = _beyond(self.changes, floor)
            if len(places) >= self.most:
                sizes = np.abs(self.changes[places])
                limit = _nth(sizes, self.most) * (1 - ROUNDING) - slack
                if limit > floor:
                    return places[sizes >= limit]
        return np.arange(len(self.changes)) if slack else places

    def _rows_of(self, wanted: Mask) -> tuple[Integers, Integers, Integers]:
        """Some accounts, their rows by their places in the columns, and which of these accounts each is of."""
        rows, owners = [], []
        for group, here in placed(self.book):
            mine = wanted[group.accounts].nonzero()[0]
            rows.append(mine + here.start)
            owners.append(group.accounts[mine])
        at_fault = self._owners[0]
        mine = wanted[at_fault].nonzero()[0]
        rows.append(mine + len(self.book) - len(at_fault))
        owners.append(at_fault[mine])
        chosen = wanted.nonzero()[0]
        return chosen, np.concatenate(rows), np.searchsorted(chosen, np.concatenate(owners))

    def _impacts(self, chosen: Integers, newly: Floats, rows: Integers, which: Integers) -> tuple[AccountImpact, ...]:
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
                newly_liquidated=float(newly[at]),
            )
            for at, place in enumerate(chosen.tolist())
        )


def _beyond(figures: Floats, floor: float) -> Integers:
    """The places of figures farther from 0 than that."""
    return ((figures > floor) | (figures < -floor)).nonzero()[0]


def _nth(sizes: Floats, number: int) -> float:
    """The largest but so many of figures above 0."""
    floor = float(sizes.max()) / 2
    while np.count_nonzero(sizes >= floor) < number:
        floor /= 2
    return float(np.sort(sizes[sizes >= floor])[-number])


def _first(figures: Floats, most: int) -> Integers:
    """The places of the largest figures above 0; of equal ones, those that come first."""
    places = np.flatnonzero(figures > 0)
    if len(places) <= most:
        return places
    sizes = figures[places]
    limit = _nth(sizes, most)
    above = places[sizes > limit]
    return np.concatenate([above, places[sizes == limit][: most - len(above)]])


def largest_of(accounts: Sequence[AccountImpact], most: int) -> tuple[AccountImpact, ...]:
    """Of accounts of several parts, those that are largest of all, as `Accounts.largest` chooses them."""

    by_notional = sorted((one for one in accounts if one.newly_liquidated > 0), key=lambda one: -one.newly_liquidated)
    by_change = sorted((one for one in accounts if one.change), key=lambda one: -abs(one.change))
    kept = {one.account: one for one in (*by_notional[:most], *by_change[:most])}
    return tuple(sorted(kept.values(), key=lambda one: (-one.newly_liquidated, -abs(one.change), one.account)))
