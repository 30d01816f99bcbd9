"""The answer: a book under two policies in counts, notional, margins and distributions; answers of parts add up.

Statuses are exact, as every sweep's are, and so are counts. Notional is off by no more than 2^-53 of itself, a share by
twice that, and both are the same into whatever parts a book is split. Sums of margins are of doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Final

import msgspec

from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.life.impact.impact_accounts import NEWLY, AccountImpact, largest_of
from rules_engine.life.impact.impact_tallies import KINDS, Moved, added
from rules_engine.terms.evaluation import PolicyIdentity

FINE: Final = ("healthy", "margin_call")
FALLEN: Final = ("liquidate", "bankrupt")


class Counted(msgspec.Struct, frozen=True):
    """So many positions, and their notional at the mark."""

    positions: int
    notional: Fraction


class Share(msgspec.Struct, frozen=True):
    """A part of a book's notional: fractions, so that nothing is rounded when it is held against a limit."""

    numerator: Fraction
    denominator: Fraction

    @property
    def value(self) -> Fraction:
        """The quotient; 0 of a book without notional."""
        return self.numerator / self.denominator if self.denominator else Fraction()


class Distribution(msgspec.Struct, frozen=True):
    """Counts in the bins of a histogram, before and after."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    def __add__(self, other: Distribution) -> Distribution:
        return Distribution(_sums(self.before, other.before), _sums(self.after, other.after))


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """A book under two policies; impacts of a book's parts add up.

    `groups` are its rows by instrument and mode. `accounts_moved` has a count for every move of the worst status of an
    account. `ratios` are maintenance over equity by pool, in `RATIO_BINS`; `distances` the move to liquidation by
    position, in `PRICE_BINS`, None where prices were not asked for. `largest` are the `most` largest accounts by each
    measure. `exactly` counts rows that each sweep decided on exact numbers; `faults` rows at fault.
    """

    before: PolicyIdentity
    after: PolicyIdentity
    currency: str
    as_of: datetime
    positions: int
    accounts: int
    groups: Mapping[tuple[str, str], Moved]
    accounts_moved: tuple[int, ...]
    ratios: Distribution
    distances: Distribution | None
    largest: tuple[AccountImpact, ...]
    most: int
    exactly: tuple[int, int]
    faults: int

    def __add__(self, other: Impact) -> Impact:
        with_prices = self.distances is not None and other.distances is not None
        return msgspec.structs.replace(
            self,
            positions=self.positions + other.positions,
            accounts=self.accounts + other.accounts,
            groups=added(self.groups, other.groups),
            accounts_moved=_sums(self.accounts_moved, other.accounts_moved),
            ratios=self.ratios + other.ratios,
            distances=self.distances + other.distances if with_prices else None,  # type: ignore[operator]
            largest=largest_of((*self.largest, *other.largest), self.most),
            exactly=_sums(self.exactly, other.exactly),
            faults=self.faults + other.faults,
        )

    def beside(self, accounts: int, faults: int) -> Impact:
        """The same with accounts that hold no position, and with faults that no part of the book has."""
        return msgspec.structs.replace(self, accounts=self.accounts + accounts, faults=self.faults + faults)

    @property
    def moved(self) -> Moved:
        """All rows."""
        return sum(self.groups.values(), Moved())

    def by_instrument(self) -> dict[str, Moved]:
        """Rows by instrument."""
        return _by(((key[0], each) for key, each in self.groups.items()))

    def by_mode(self) -> dict[str, Moved]:
        """Rows by mode."""
        return _by(((key[1], each) for key, each in self.groups.items()))

    @property
    def newly_called(self) -> Counted:
        """Positions whose pool is called and was healthy."""
        return counted(self.moved, [move("healthy", "margin_call")])

    @property
    def newly_liquidated(self) -> Counted:
        """Positions whose pool is to be liquidated, or bankrupt, and was healthy or called."""
        return counted(self.moved, NEWLY)

    @property
    def newly_bankrupt(self) -> Counted:
        """Positions whose pool is bankrupt and was healthy, called or to be liquidated."""
        return counted(self.moved, [move(each, "bankrupt") for each in (*FINE, "liquidate")])

    @property
    def newly_undetermined(self) -> Counted:
        """Positions whose pool cannot be decided any more: they may hide what is newly to be liquidated."""
        return counted(self.moved, [move(each, "undetermined") for each in (*FINE, *FALLEN)])

    @property
    def freed(self) -> Counted:
        """Positions whose pool was to be liquidated, or bankrupt, and is healthy or called."""
        return counted(self.moved, [move(one, other) for one in FALLEN for other in FINE])

    @property
    def undecided(self) -> Counted:
        """Positions whose pool cannot be decided under either policy: nobody knows what the change does to them."""
        return counted(self.moved, [move("undetermined", "undetermined")])

    @property
    def newly_liquidatable_share(self) -> Share:
        """The part of the book's notional that is newly to be liquidated, bankrupt or not."""
        return self._share(self.newly_liquidated)

    @property
    def newly_undetermined_share(self) -> Share:
        """The part of the book's notional that cannot be decided any more."""
        return self._share(self.newly_undetermined)

    def _share(self, of: Counted) -> Share:
        return Share(of.notional, sum(self.moved.notional.values(), Fraction()))


def _sums(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(one, other, strict=True)))


def _by(moves: Iterable[tuple[str, Moved]]) -> dict[str, Moved]:
    found: dict[str, Moved] = {}
    for name, each in moves:
        found[name] = found.get(name, Moved()) + each
    return dict(sorted(found.items()))


def move(before: str, after: str) -> int:
    """The number of a move from one status to another."""
    return STATUSES.index(before) * KINDS + STATUSES.index(after)


def counted(rows: Moved, moves: Iterable[int]) -> Counted:
    """The rows that made one of these moves."""
    moves = list(moves)
    notional = sum((rows.notional.get(each, Fraction()) for each in moves), Fraction())
    return Counted(sum(rows.positions[each] for each in moves), notional)
