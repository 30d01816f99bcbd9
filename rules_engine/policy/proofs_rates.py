"""The laws of rates: from tier to tier of a table, and between 0 and 1 whatever buffers do to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from rules_engine.formulas.buffers import ExpiryBuffer, MeasureBuffer
from rules_engine.formulas.tiers import adjusted, adjusted_rate
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact
from rules_engine.numbers.functions import Cut
from rules_engine.numbers.text import plain
from rules_engine.policy.counterexamples import Counterexample, Disproof, counterexample, position_in_words
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, path_text, shown
from rules_engine.policy.proofs_laws import Fault
from rules_engine.policy.proofs_states import Acting, Box, Pair, Source, neutral_state, pair_of, sources_of
from rules_engine.terms.exposure import Adjustment, Schedule
from rules_engine.terms.policy import InstrumentRule, Table, Tier

TURNS: Final = {
    "notional": "moves no further from liquidation as it gains",
    "contracts": "keeps as much for a further contract as it is worth",
}
"""What a maintenance rate of 1 means to a position whose size is counted so."""


class Line(msgspec.Struct, frozen=True):
    """A figure that follows the size: `rate * size - deduction`."""

    rate: Exact
    deduction: Exact = ZERO

    def at(self, size: Exact) -> Exact:
        """The figure at a size."""
        return self.rate * size - self.deduction


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A tier that breaks a law: the key at which it does, what is wrong in words, and what to do.

    `fault` are sizes of the tier at which it shows, `said` what to say of a position of one of them.
    """

    code: str
    tier: int
    key: str
    message: str
    hint: str = ""
    said: str
    fault: Fault


def broken_tiers(table: Table) -> Iterator[Broken]:
    """Every law that a tier breaks by itself or against the one below it."""
    for index, tier in enumerate(table.tiers):
        yield from _beyond_one(table, index, tier)
        if index:
            yield from _falling(table, index, table.tiers[index - 1], tier)


def _beyond_one(table: Table, index: int, tier: Tier) -> Iterator[Broken]:
    low = _from(tier)
    if tier.maintenance_rate >= ONE:
        yield Broken(
            code="RATE_NOT_BELOW_ONE",
            tier=index,
            key="maintenance_rate",
            message="a maintenance rate must be below 1",
            said=TURNS["notional" if table.unit == "notional" else "contracts"],
            fault=Fault(low, None, ZERO, _kept(table, tier), side=1),
        )
    if tier.initial_rate > ONE:
        yield Broken(
            code="INITIAL_RATE_ABOVE_ONE",
            tier=index,
            key="",
            message="nobody must put up more than the notional: 1 is the limit",
            said="would need {need} to be opened, and is worth {have}",
            fault=Fault(low, None, Line(ONE), Line(tier.initial_rate), inclusive=False),
        )


def _falling(table: Table, index: int, below: Tier, tier: Tier) -> Iterator[Broken]:
    if tier.maintenance_rate < below.maintenance_rate:
        rates = f"{plain(below.maintenance_rate)} to {plain(tier.maintenance_rate)}"
        end = tier.floor * 2 if tier.up_to is None else tier.up_to
        yield Broken(
            code="TIER_RATE_FALLS",
            tier=index,
            key="maintenance_rate",
            message=f"the maintenance rate falls from {rates} at {plain(tier.floor)}",
            hint="larger positions never require less",
            said="keeps {have}, at the rate of the tier below {need}",
            fault=Fault(_from(tier), (end, 0), _kept(table, tier), _kept(table, below), inclusive=False),
        )
    if tier.initial_rate < below.initial_rate:
        yield Broken(
            code="TIER_LEVERAGE_RISES",
            tier=index,
            key="max_leverage" if tier.max_leverage is not None else "initial_rate",
            message=_rise(below, tier),
            hint="larger positions are never allowed more leverage",
            said="needs {have} to be opened, at the rate of the tier below {need}",
            fault=Fault(_from(tier), None, Line(tier.initial_rate), Line(below.initial_rate), inclusive=False),
        )


def _from(tier: Tier) -> Cut:
    return (tier.floor, 0) if tier.floor else (ZERO, 1)


def _kept(table: Table, tier: Tier) -> Line:
    """What a tier keeps of sizes."""
    return Line(tier.maintenance_rate, tier.deduction if table.form == "marginal" else ZERO)


def _rise(below: Tier, tier: Tier) -> str:
    """How much more leverage a tier allows than the one below it, in the words that both use, if both use one."""
    if below.max_leverage is not None and tier.max_leverage is not None:
        return f"the largest leverage rises from {plain(below.max_leverage)} to {plain(tier.max_leverage)}"
    return f"the initial rate falls from {shown(below.initial_rate)} to {shown(tier.initial_rate)}"


def lawful_tables(findings: Findings, tables: Mapping[str, Table], rules: Sequence[InstrumentRule]) -> dict[str, Table]:
    """The tables whose tiers keep the laws; what breaks one is found, with a position that shows it."""
    users = {rule.table.name: rule for rule in reversed(rules)}
    lawful = {}
    for name, table in tables.items():
        broken = list(broken_tiers(table))
        for each in broken:
            rule = users.get(name)
            found = counterexample(table, rule, each.fault, *_calm(rule))
            findings.problems.append(_disproof(findings, each, found))
        if not broken:
            lawful[name] = table
    return lawful


def _calm(rule: InstrumentRule | None) -> tuple[tuple[Source, ...], Box]:
    """What the buffers of an instrument read where none of them changes a rate; nothing where one always does."""
    known = [] if rule is None else [one for one in rule.buffers if isinstance(one.kind, MeasureBuffer | ExpiryBuffer)]
    sources = () if rule is None else sources_of(rule, known)
    state = neutral_state(sources)
    return ((), ()) if state is None else (sources, state)


def _disproof(findings: Findings, broken: Broken, found: Counterexample) -> Disproof:
    said = broken.said.format(have=shown(found.have), need=shown(found.need))
    path = place_of(found.table, broken)
    return Disproof(
        code=broken.code,
        message=f"{broken.message}: {position_in_words(found, broken.fault)} {said}",
        hint=broken.hint,
        mark=findings.document.mark(path),
        path=path_text(path),
        counterexample=found,
    )


def place_of(table: str, broken: Broken) -> Path:
    """Where a broken tier is told."""
    path: Path = ("tables", table, "tiers", broken.tier)
    return (*path, broken.key) if broken.key else path


class BelowOne:
    """Maintenance rates stay below 1 under whatever buffers do: else a gain would ask for as much as it brings."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def holds(self, acting: Sequence[Acting]) -> bool:
        """At what buffers do at most."""
        return self._rate(-1, pair_of(acting, lambda one, _: one.greatest)[1]) < ONE

    def fault(self, pair: Pair) -> Fault | None:
        """The sizes of the lowest tier whose rate is 1."""
        for index, floor in enumerate(self.schedule.floors):
            if self._rate(index, pair[1]) >= ONE:
                rate, deduction = adjusted(self.schedule, *pair).lines[index]
                kept = Line(rate, deduction if self.schedule.form == "marginal" else ZERO)
                return Fault((floor, 0) if floor else (ZERO, 1), None, ZERO, kept, side=1)
        return None

    def _rate(self, index: int, adjustment: Adjustment) -> Exact:
        return adjusted_rate(EXACT, self.schedule.lines[index][0], adjustment)  # type: ignore[no-any-return]


class NotNegative:
    """Maintenance rates stay at 0 or above it: nothing may be kept with less than nothing."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def holds(self, acting: Sequence[Acting]) -> bool:
        """At what buffers do at least."""
        return self._lowest(pair_of(acting, lambda one, _: one.least)[1]) >= ZERO

    def fault(self, pair: Pair) -> Fault | None:
        """The sizes of the lowest tier."""
        rate = self._lowest(pair[1])
        if rate >= ZERO:
            return None
        ends = [*self.schedule.floors[1:], self.schedule.cap]
        return Fault((ZERO, 1), None if ends[0] is None else (ends[0], 0), Line(rate), ZERO, inclusive=False)

    def _lowest(self, adjustment: Adjustment) -> Exact:
        return adjusted_rate(EXACT, self.schedule.lines[0][0], adjustment)  # type: ignore[no-any-return]
