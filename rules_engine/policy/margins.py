"""Whether tables leave room between initial and maintenance margin, whatever their buffers do.

A position opened at the largest leverage allowed must stand above its own liquidation line and be able to pay for its
closing, whether or not the decision counts that fee: under every combination of adjustments that the buffers of an
instrument can reach, and under the most severe one (greatest `multiply` and greatest `add_rate` of each, by itself),
which stands in for a measure that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Final, TypeAlias

import msgspec

from rules_engine.formulas.requirement import (
    closing_fee,
    counted_fee,
    leverage_rate,
    notional,
    table_maintenance,
    tier_size,
)
from rules_engine.formulas.tiers import NEUTRAL, adjusted, adjusted_rate, combined, greatest, least
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, divide
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Regions
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, shown
from rules_engine.terms.exposure import Adjustment, ClosingFee, Exposure, Schedule
from rules_engine.terms.policy import Buffer, InstrumentRule, Table

Pair: TypeAlias = tuple[Adjustment, Adjustment]
"""What buffers together do to initial and to maintenance rates."""

MOST_TRIES: Final = 1_000
"""Combinations tried one by one in a whole policy; nearly all tables need none."""
TWO: Final = Decimal(2)


class Counterexample(msgspec.Struct, frozen=True):
    """A size at which a position opened at the limit is on or below its liquidation line, and both figures there."""

    size: Exact
    initial: Exact
    maintenance: Exact


class MarginJudge:
    """Judges each table once with each set of buffers that instruments put on it."""

    def __init__(self, findings: Findings, fee: ClosingFee) -> None:
        self.findings = findings
        self.fee = fee
        self._least_room = _least_room(fee)
        self._reported: set[str] = set()
        self._tries_left = MOST_TRIES

    def judge(self, rules: Iterable[InstrumentRule], unused: Iterable[Table]) -> None:
        """Finds every table that fails: at its tier, or at the buffers under which it does."""
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for rule in rules:
            key = (rule.table.name, tuple(sorted([buffer.name for buffer in rule.buffers])))
            if key not in seen:
                seen.add(key)
                self._judge_pair(rule.table, rule.buffers, ("instruments", rule.pattern, "buffers"))
        for table in unused:
            self._judge_pair(table, (), ())

    def _judge_pair(self, table: Table, buffers: Sequence[Buffer], place: Path) -> None:
        extremes = [one for one in map(self._extremes, buffers) if one is not None]
        if extremes and not self._rates_are_lawful(table, extremes, place):
            return
        if all(self._has_room(adjusted(table.schedule, *pair)) for pair in _corners(extremes)):
            return
        self._search(table, extremes, place)

    def _extremes(self, buffer: Buffer) -> _Extremes | None:
        """What a buffer can do; None, and the fault found once, where its kind breaks down."""
        try:
            return _Extremes(buffer)
        except (Exception, SystemExit) as error:
            if f"buffer {buffer.name}" not in self._reported:
                self._reported.add(f"buffer {buffer.name}")
                what = f"{buffer.kind.name} of {buffer.supplier} raised {type(error).__name__}: {error}"
                self.findings.error("PLUGIN_FAULT", ("buffers", buffer.name), what, "report it to the plugin's author")
            return None

    def _search(self, table: Table, extremes: Sequence[_Extremes], place: Path) -> None:
        """Finds a combination of adjustments under which a table leaves no room, if there is one."""
        for pair in _combinations(extremes):
            if self._tries_left == 0:
                message = f"whether table {table.name} leaves room takes more than {MOST_TRIES} combinations to tell"
                hint = "put fewer buffers or bands on one instrument"
                self.findings.error("BUFFER_COMBINATIONS", place, message, hint)
                return
            self._tries_left -= 1
            found = counterexample(adjusted(table.schedule, *pair), self.fee)
            if found is not None:
                bare = counterexample(table.schedule, self.fee)
                self._report(table, bare or found, None if bare else pair, place)
                return

    def _has_room(self, schedule: Schedule) -> bool:
        """Whether adjusted initial rates alone leave room; first by rates, which is enough but not necessary."""
        least_room = self._least_room
        rates = zip(schedule.initial_rates, schedule.lines, strict=True)
        if all(initial > maintenance + least_room for initial, (maintenance, _) in rates):
            return True
        return counterexample(schedule, self.fee, by_leverage=False) is None

    def _rates_are_lawful(self, table: Table, extremes: Sequence[_Extremes], place: Path) -> bool:
        """Adjusted maintenance rates stay below 1 and do not fall below 0."""
        acting = [one for one in extremes if "maintenance" in one.acts_on]
        rates = [rate for rate, _ in table.schedule.lines]
        highest = adjusted_rate(EXACT, rates[-1], combined(one.greatest for one in acting))
        lowest = adjusted_rate(EXACT, rates[0], combined(one.least for one in acting))
        if highest >= ONE:
            message = f"together they raise the maintenance rate {shown(rates[-1])} of table {table.name} to 1 or more"
            self.findings.error("RATE_NOT_BELOW_ONE", place, message)
        if lowest < ZERO:
            message = f"together they lower the maintenance rate {shown(rates[0])} of table {table.name} below 0"
            self.findings.error("RATE_BELOW_ZERO", place, message)
        return bool(highest < ONE and lowest >= ZERO)

    def _report(self, table: Table, found: Counterexample, pair: Pair | None, place: Path) -> None:
        """At the tier, once a table, where it fails without buffers (`pair` None) too; else at the buffers."""
        tier = EXACT.step(found.size, table.schedule.floors, range(len(table.tiers)))
        noun = "notional" if table.unit == "notional" else "contracts, each worth 1,"
        message = (
            f"in tier {tier + 1} of table {table.name} a position of {shown(found.size)} {noun} would be liquidated as "
            f"it is opened: initial margin {shown(found.initial)}, maintenance and fee {shown(found.maintenance)}"
        )
        if pair is not None:
            under = f"with initial rates {_shown_pair(pair[0])} and maintenance rates {_shown_pair(pair[1])} {message}"
            self.findings.error("INITIAL_NOT_ABOVE_MAINTENANCE", place, under, "lower the leverage or soften the bands")
        elif table.name not in self._reported:
            self._reported.add(table.name)
            path: Path = ("tables", table.name, "tiers", tier)
            self.findings.error("INITIAL_NOT_ABOVE_MAINTENANCE", path, message, "lower the largest leverage")


def counterexample(schedule: Schedule, fee: ClosingFee, *, by_leverage: bool = True) -> Counterexample | None:
    """A size at which a schedule leaves no room under this fee; None where it does at every size.

    Unless `by_leverage`, the limits of leverage that buffers do not touch are left out of the initial margin.
    """
    low, high = (ZERO, 1), None if schedule.cap is None else (schedule.cap, 0)
    num = PiecewiseNumbers(low, high)
    # A fee valued at bankruptcy differs between long and short; at the mark both sides are alike.
    for side in (ONE, -ONE) if fee.valued_at == "bankruptcy" else (ONE,):
        exposure = just_opened(num.unknown, side, schedule, fee)
        initial, maintenance = opening_margin(num, exposure, by_leverage), liquidation_line(num, exposure)
        size = _first_size(num.where(initial - maintenance, inclusive=True))
        if size is not None:
            return Counterexample(size, initial.at(size), maintenance.at(size))
    return None


def just_opened(quantity: Number, value: Number, schedule: Schedule, fee: ClosingFee) -> Exposure:
    """A position whose mark is its entry price; `value` is that of one contract and gives the side."""
    return Exposure(
        id="",
        instrument="",
        quantity=quantity,
        value=value,
        entry_value=value,
        maintenance_value=value,
        initial_value=value,
        schedule=schedule,
        closing_fee=fee,
        side=value,
    )


def opening_margin(num: NumberSystem, exposure: Exposure, by_leverage: bool) -> Number:
    """What a position opened at the largest leverage must put up, its maintenance left aside."""
    size = tier_size(num, exposure, exposure.initial_value)
    rate = num.step(size, exposure.schedule.floors, exposure.schedule.initial_rates)
    if by_leverage:
        rate = num.maximum(rate, leverage_rate(num, exposure, size))
    return notional(num, exposure) * rate + counted_fee(num, exposure, "initial")


def liquidation_line(num: NumberSystem, exposure: Exposure) -> Number:
    """The equity at which a position is liquidated, with the closing fee once at least: closing always pays it."""
    places = exposure.closing_fee.counts_in & {"maintenance", "trigger"}
    return table_maintenance(num, exposure) + closing_fee(num, exposure) * Decimal(max(len(places), 1))


def _first_size(failing: Regions) -> Exact | None:
    """A size in the lowest stretch that fails, rather a round one."""
    ends = [change.cut[0] for change in failing.changes]
    if failing.holds_first:
        return ONE if not ends or ends[0] > ONE else divide(ends[0], TWO)
    if not ends:
        return None
    # A stretch that fails holds its first point: a tier owns its floor, and room that shrinks to nothing is gone there.
    return ends[0]


def _least_room(fee: ClosingFee) -> Exact:
    """How far an initial rate must exceed a maintenance rate to be beyond doubt, fees considered.

    Where collateral is gone, notional is at most twice what it was at entry, for initial rates do not exceed 1.
    """
    counted = max(len(fee.counts_in & {"maintenance", "trigger"}), 1) - len(fee.counts_in & {"initial"})
    if fee.valued_at == "bankruptcy":
        return fee.rate * max(2 * counted, 0)
    return fee.rate * counted


class _Extremes:
    """What one buffer can do: every adjustment, and the least and the greatest, each figure by itself."""

    def __init__(self, buffer: Buffer) -> None:
        reached = buffer.kind.extremes(buffer.parameters)
        self.acts_on = buffer.requirements
        self.least = least(reached)
        self.greatest = greatest(reached)
        self.reachable = (*reached, self.greatest)


def _corners(extremes: Sequence[_Extremes]) -> list[Pair]:
    """The two states between which every other lies: room by adjusted rates in both is room in all.

    Per size, room is linear in what a buffer does, or the smaller of two such lines where a rate is cut at 1. It
    shrinks as a buffer of initial margin alone does less, and as one of maintenance alone does more; for a buffer of
    both it is smallest at one of its ends.
    """
    if not extremes:
        return [(NEUTRAL, NEUTRAL)]
    return [_pair((one, _corner(one, end)) for one in extremes) for end in ("least", "greatest")]


def _corner(one: _Extremes, end: str) -> Adjustment:
    if "initial" not in one.acts_on:
        return one.greatest
    return one.greatest if "maintenance" in one.acts_on and end == "greatest" else one.least


def _combinations(extremes: Sequence[_Extremes]) -> Iterator[Pair]:
    """What the buffers do together, for every way in which their adjustments can meet."""
    for chosen in product(*[one.reachable for one in extremes]):
        yield _pair(zip(extremes, chosen, strict=True))


def _pair(chosen: Iterable[tuple[_Extremes, Adjustment]]) -> Pair:
    acting = list(chosen)
    return (
        combined(adjustment for one, adjustment in acting if "initial" in one.acts_on),
        combined(adjustment for one, adjustment in acting if "maintenance" in one.acts_on),
    )


def _shown_pair(adjustment: Adjustment) -> str:
    return f"* {shown(adjustment.multiply)} + {shown(adjustment.add_rate)}"
