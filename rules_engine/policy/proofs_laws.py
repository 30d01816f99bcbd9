"""The laws of margins, each proven at every size at once: the formulas run with the size as the unknown.

A fault is a stretch of sizes on which one figure has come to another. The arguments stand in the documentation, on the
page on proofs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import msgspec

from rules_engine.formulas.requirement import closing_fee, notional, table_maintenance
from rules_engine.formulas.tiers import adjusted, adjusted_rate
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact
from rules_engine.numbers.functions import Cut
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.policy.openings import just_opened, liquidation_line, opening_margin, places_of
from rules_engine.policy.proofs_states import Acting, Pair, pair_of
from rules_engine.terms.exposure import Adjustment, ClosingFee, Exposure, Schedule

_FROM_ZERO: Final = (ZERO, 1)


class Fault(msgspec.Struct, frozen=True):
    """Sizes from `low` to `high` (None: without end) at which `have`, a figure over sizes, has come to `need`.

    `side` is 1 for positions whose value falls with the equity of who holds them, -1 for the others, 0 where both are
    alike. `rates` are the initial rates at which leverage was chosen, None where it is the table's limit; `own` says
    that the position stands on collateral of its own.
    """

    low: Cut
    high: Cut | None
    have: Number
    need: Number
    inclusive: bool = True
    side: int = 0
    rates: tuple[Number, ...] | None = None
    own: bool = False

    def holds_at(self, size: Exact) -> bool:
        """Whether the fault shows at this size."""
        gap = value_at(self.have, size) - value_at(self.need, size)
        inside = self.low <= (size, 0) and (self.high is None or (size, 1) <= self.high)
        return bool(inside and (gap <= 0 if self.inclusive else gap < 0))


class Opening(msgspec.Struct, frozen=True):
    """A position as it is opened: its side (as of a `Fault`), whether its margin is its own, and its leverage.

    That is the largest allowed; or, `at_rate`, the lowest at which initial margin is still the same.
    """

    side: int
    own: bool = False
    at_rate: bool = False


class Room:
    """Initial margin exceeds maintenance and the closing fee, so that nothing is liquidated as it is opened."""

    def __init__(self, schedule: Schedule, fee: ClosingFee, *, ring_fenced: bool, shared: bool) -> None:
        self.schedule = schedule
        self.fee = fee
        self.openings = tuple(_openings(fee, ring_fenced=ring_fenced, shared=shared))

    def holds(self, acting: Sequence[Acting]) -> bool:
        """By adjusted rates alone in the two corners of what buffers do, or against the limits of leverage too.

        Not where maintenance would be cut at 1: then what lies between the corners may have less room than they.
        """
        highest = pair_of(acting, lambda one, _: one.greatest)[1]
        if acting and adjusted_rate(EXACT, self.schedule.lines[-1][0], highest) >= ONE:
            return False
        corners = (False, True) if acting else (False,)
        if all(self._has_room(pair_of(acting, partial(_corner, greatest)), by_leverage=False) for greatest in corners):
            return True
        worst = pair_of(acting, lambda one, requirement: one.least if requirement == "initial" else one.greatest)
        return self._has_room(worst, by_leverage=True)

    def fault(self, pair: Pair) -> Fault | None:
        """The first sizes at which a position opened at the limit is on or below its liquidation line."""
        return self._first_fault(adjusted(self.schedule, *pair), by_leverage=True)

    def _has_room(self, pair: Pair, *, by_leverage: bool) -> bool:
        """First by rates, which is enough but not necessary."""
        schedule, least_room = adjusted(self.schedule, *pair), _least_room(self.fee)
        rates = zip(schedule.initial_rates, schedule.lines, strict=True)
        if all(initial > maintenance + least_room for initial, (maintenance, _) in rates):
            return True
        return self._first_fault(schedule, by_leverage=by_leverage) is None

    def _first_fault(self, schedule: Schedule, *, by_leverage: bool) -> Fault | None:
        """Unless `by_leverage`, the limits of leverage that buffers do not touch are left out of the initial margin."""
        found = (_room_fault(schedule, self.fee, opening, by_leverage=by_leverage) for opening in self.openings)
        return next((fault for fault in found if fault is not None), None)


class Kept:
    """What a position keeps on its liquidation line pays for its closing, and is more than nothing."""

    def __init__(self, schedule: Schedule, fee: ClosingFee) -> None:
        self.schedule = schedule
        self.fee = fee
        self.least_rate = _paying_rate(fee)

    @property
    def is_of_no_use(self) -> bool:
        """Whether the table keeps nothing of any size: a mode of a stranger asks elsewhere, or spot is traded."""
        return bool(self.schedule.lines[-1][0] == 0)

    def holds(self, acting: Sequence[Acting]) -> bool:
        """Maintenance takes at least the lowest tier's rate of every size."""
        return not self._falls_short(pair_of(acting, lambda one, _: one.least)[1])

    def fault(self, pair: Pair) -> Fault | None:
        """Sizes at which what is kept is too little: the lowest tier has some if any has."""
        if not self._falls_short(pair[1]):
            return None
        num = PiecewiseNumbers(_FROM_ZERO, None)
        exposure = just_opened(num.unknown, ONE, adjusted(self.schedule, *pair), self.fee)
        have, need = self._at_line(num, exposure), notional(num, exposure) * self.fee.rate
        free = not self.fee.rate
        (low, high), *_ = _failing(num, have - need, None, inclusive=free)
        side = 1 if self.fee.valued_at == "bankruptcy" and self.fee.rate else 0
        return Fault(low, high, have, need, inclusive=free, side=side)

    def _at_line(self, num: NumberSystem, exposure: Exposure) -> Number:
        """The equity of a position that stands on its line, the one to which a fee at bankruptcy is kindest.

        That one has lost all that it had but this equity, so the fee is charged on notional less the equity.
        """
        fee_rate = self.fee.rate * places_of(self.fee)
        counted = notional(num, exposure) * fee_rate
        return num.quotient(table_maintenance(num, exposure) + counted, ONE + fee_rate)

    def _falls_short(self, adjustment: Adjustment) -> bool:
        rate = adjusted_rate(EXACT, self.schedule.lines[0][0], adjustment)
        return bool(rate < self.least_rate or (rate <= 0 and not self.fee.rate))


class Falling:
    """A position is liquidated as it loses: closing fee and the highest rate together stay below 1."""

    def __init__(self, schedule: Schedule, fee: ClosingFee) -> None:
        self.schedule = schedule
        self.fee_rate = fee.rate * places_of(fee) if fee.valued_at == "mark" else ZERO
        self.fee = fee

    def holds(self, acting: Sequence[Acting]) -> bool:
        """At what buffers do at most."""
        return not self._turns(pair_of(acting, lambda one, _: one.greatest)[1])

    def fault(self, pair: Pair) -> Fault | None:
        """The sizes of the highest tier."""
        if not self._turns(pair[1]):
            return None
        num = PiecewiseNumbers(_FROM_ZERO, None)
        exposure = just_opened(num.unknown, ONE, adjusted(self.schedule, *pair), self.fee)
        floor = self.schedule.floors[-1]
        low = (floor, 0) if floor else _FROM_ZERO
        line = table_maintenance(num, exposure) + closing_fee(num, exposure) * places_of(self.fee)
        return Fault(low, None, ZERO, line, side=1)

    def _turns(self, adjustment: Adjustment) -> bool:
        return bool(adjusted_rate(EXACT, self.schedule.lines[-1][0], adjustment) + self.fee_rate >= ONE)


def value_at(figure: Number, size: Exact) -> Exact:
    """A figure at a size, where it may not depend on it."""
    return figure.at(size) if hasattr(figure, "at") else figure  # type: ignore[no-any-return]


def _paying_rate(fee: ClosingFee) -> Exact:
    """What part of notional maintenance must be for the equity at the liquidation line to pay for closing at the mark.

    A fee that the line contains pays for itself; valued at bankruptcy it lacks what it would take on that equity.
    """
    places = places_of(fee)
    if places and fee.valued_at == "mark":
        return ZERO
    return max(fee.rate * (1 - places + places * fee.rate), ZERO)


def _openings(fee: ClosingFee, *, ring_fenced: bool, shared: bool) -> Iterator[Opening]:
    """The positions among which the one nearest its line is.

    A fee at the mark is the same for all, and more leverage is always nearer. Valued at bankruptcy it differs between
    sides; and in a pool it grows for one of them as leverage falls, while initial margin does not until the leverage
    asks for as much as the adjusted rate.
    """
    if fee.valued_at == "mark" or not fee.rate:
        yield Opening(0)
        return
    for side in (1, -1):
        if shared:
            yield Opening(side)
        if ring_fenced:
            yield Opening(side, own=True)
    if shared:
        yield Opening(-1, at_rate=True)


def _room_fault(schedule: Schedule, fee: ClosingFee, opening: Opening, *, by_leverage: bool) -> Fault | None:
    """The first sizes at which a schedule leaves no room to a position; None where it does at every size."""
    high = None if schedule.cap is None else (schedule.cap, 0)
    num = PiecewiseNumbers(_FROM_ZERO, high)
    rates = None
    if opening.at_rate:
        pairs = zip(schedule.leverage_rates, schedule.initial_rates, strict=True)
        rates = tuple([EXACT.maximum(*pair) for pair in pairs])
        schedule = msgspec.structs.replace(schedule, leverage_rates=rates)
    exposure = just_opened(num.unknown, ONE if opening.side >= 0 else -ONE, schedule, fee)
    have = opening_margin(num, exposure, by_leverage=by_leverage)
    if opening.own:
        exposure = msgspec.structs.replace(exposure, collateral=have)
    need = liquidation_line(num, exposure)
    for start, end in _failing(num, have - need, high, inclusive=True):
        return Fault(start, end, have, need, side=opening.side, rates=rates, own=opening.own)
    return None


def _failing(
    num: PiecewiseNumbers, gap: Number, high: Cut | None, *, inclusive: bool
) -> Iterator[tuple[Cut, Cut | None]]:
    """The stretches of sizes on which a gap is gone, lowest first."""
    holds, changes = num.where(gap, inclusive=inclusive)
    low: Cut = _FROM_ZERO
    for cut, holds_above in changes:
        if holds:
            yield low, cut
        low, holds = cut, holds_above
    if holds:
        yield low, high


def _least_room(fee: ClosingFee) -> Exact:
    """How far an initial rate must exceed a maintenance rate to be beyond doubt, fees considered.

    Where collateral is gone, notional is at most what it was at entry and that collateral, which is at most as much
    again and the fee on both.
    """
    counted, in_initial = max(places_of(fee), 1), len(fee.counts_in & {"initial"})
    if fee.valued_at == "bankruptcy":
        return fee.rate * (2 * counted + 2 * counted * in_initial * fee.rate - in_initial)
    return fee.rate * (counted - in_initial)


def _corner(greatest: bool, one: Acting, requirement: str) -> Adjustment:
    """One of the two states between which every other lies: room by adjusted rates in both is room in all.

    Per size, room is linear in what a buffer does, or the smaller of two such lines where a rate is cut at 1. It
    shrinks as a buffer of initial margin alone does less, and as one of maintenance alone does more; for a buffer of
    both it is smallest at one of its ends.
    """
    if "initial" not in one.on:
        return one.greatest
    return one.greatest if "maintenance" in one.on and greatest else one.least
