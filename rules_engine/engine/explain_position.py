"""How a position's figures came about: its tier, the buffers, both margins and both prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rules_engine.engine.buffering import AppliedBuffer
from rules_engine.engine.calls import PluginFault, required
from rules_engine.engine.closing import tier_of
from rules_engine.engine.evaluate import Solution, Solved
from rules_engine.engine.explain_buffers import buffer_line
from rules_engine.engine.explain_lines import doubt_lines, named_parameters, step_line, where
from rules_engine.engine.explain_prices import price_lines
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Leg
from rules_engine.errors import Doubt
from rules_engine.formulas.requirement import counted_fee, notional, tier_size, unrealized_pnl
from rules_engine.formulas.tiers import adjusted_rate, combined, next_deduction, tier_lines
from rules_engine.numbers.exact import EXACT, ONE
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import Step, TracedNumbers, readable
from rules_engine.terms.evaluation import PositionFigures
from rules_engine.terms.explanation import Line, Part
from rules_engine.terms.exposure import Adjustment, Exposure, Schedule
from rules_engine.terms.market import Market
from rules_engine.terms.policy import AllowedMode, Buffer, Conventions, InstrumentRule, Policy, Tier

_ANSWERS: Final = ("initial_margin", "maintenance_margin")
"""What a mode answers; steps of these names before the last are figures on the way there."""

FLOORS_SHOWN: Final = 3
"""A deduction that comes from more floors than these is derived from the deduction of the tier below."""


def held_part(
    policy: Policy, market: Market, solution: Solution, one: Solved, leg: Leg, figures: PositionFigures
) -> Part:
    """The steps behind a position with figures."""
    quote = leg.holding.quote
    num = TracedNumbers()
    tier, initial_tier = tier_of(leg), _initial_tier(leg)
    traced = _traced_exposure(num, leg, quote, (tier, initial_tier), policy.conventions)
    notional(num, traced)
    unrealized_pnl(num, traced)
    faults = _replayed(num, one.pool.allowed, leg, traced)
    counted_fee(num, traced, "trigger")
    tiers = _rule(quote).table.tiers
    sources = {"maintenance_rate": where(tiers[tier].mark), "initial_rate": where(tiers[initial_tier].mark)}
    lines = [_tier_line(quote, tier)]
    lines += [buffer_line(policy, market, _rule(quote), quote.instrument, applied) for applied in quote.buffers]
    worth = notional(EXACT, leg.exposure)
    steps = [_told_apart(step, worth) for step in num.steps]
    last = {name: index for index, (name, _, _) in enumerate(steps) if name in _ANSWERS}
    lines += [
        step_line(step, figures if last.get(step[0], index) == index else None, sources.get(step[0], ""))
        for index, step in enumerate(steps)
    ]
    lines += [*doubt_lines(faults), *price_lines(policy, solution, one, leg, figures)]
    return Part(_title(figures), tuple(lines))


def _replayed(num: TracedNumbers, allowed: AllowedMode, leg: Leg, traced: Exposure) -> list[Doubt]:
    """Runs the mode's requirement once more, for its steps; the doubt where the mode cannot follow traced numbers.

    What a whole pool requires is replayed with the pool, and only the position's share of it stands here.
    """
    if allowed.pooled:
        share = leg.requirement
        for name, value in zip(_ANSWERS, (share.initial, share.maintenance), strict=True):
            num.named(name, num.given("share of what the pool requires", value))
        return []
    steps = list(num.steps)
    for parameters in (named_parameters(num, allowed.parameters), allowed.parameters):
        num.steps[:] = steps
        try:
            answer = required(num, msgspec.structs.replace(allowed, parameters=parameters), traced)
            num.named("initial_margin", answer.initial)
            num.named("maintenance_margin", answer.maintenance)
        except PluginFault as fault:
            doubts = [fault.doubt]
        else:
            return []
    return doubts


def unheld_part(solution: Solution, figures: PositionFigures) -> Part:
    """Why a position has no figures: it is closed, its pool is in doubt, or it has none."""
    if figures.pool is None:
        doubts = [doubt for doubt in solution.pools.doubts if doubt.position == figures.id]
        return Part(_title(figures), tuple(doubt_lines(doubts)))
    if figures.notional is not None:
        return Part(_title(figures), (Line("notional", "0", "no contracts are held, and nothing is required"),))
    doubts = list(solution.solved[figures.pool].doubts)
    about_it = [
        doubt
        for doubt in doubts
        if doubt.position == figures.id or (doubt.position is None and doubt.instrument == figures.instrument)
    ]
    return Part(_title(figures), tuple(doubt_lines(about_it or doubts)))


def _title(figures: PositionFigures) -> str:
    return f"{figures.id}  {figures.instrument}  {figures.mode}  in {figures.pool or 'no pool that is known'}"


def _told_apart(step: Step, at_mark: Number) -> Step:
    """The step; notional at entry has a name of its own."""
    name, value, how = step
    return Step(("notional at entry", value, how)) if name == "notional" and value != at_mark else step


def _initial_tier(leg: Leg) -> int:
    """The index of the tier whose initial rate holds, from 0."""
    exposure = leg.exposure
    size = tier_size(EXACT, exposure, exposure.initial_value)
    floors = exposure.schedule.floors
    return int(EXACT.step(size, floors, range(len(floors))))


def _traced_exposure(
    num: TracedNumbers, leg: Leg, quote: Quote, tiers: tuple[int, int], conventions: Conventions
) -> Exposure:
    """The position's exposure with every input named, and the rates of its tiers derived anew from the table's own."""
    exposure = leg.exposure
    value = _traced_value(num, "value", "mark_price", quote.mark_price, quote)
    entry_value = _traced_value(num, "entry_value", "entry_price", leg.holding.position.entry_price, quote)
    collateral = exposure.collateral
    return msgspec.structs.replace(
        exposure,
        quantity=num.given("quantity", exposure.quantity),
        value=value,
        entry_value=entry_value,
        maintenance_value=value if conventions.maintenance_priced_at == "mark" else entry_value,
        initial_value=value if conventions.initial_priced_at == "mark" else entry_value,
        leverage=None if exposure.leverage is None else num.given("leverage", exposure.leverage),
        collateral=None if collateral is None else num.given("collateral", collateral),
        schedule=_traced_schedule(num, leg, quote, *tiers),
    )


def _traced_value(num: TracedNumbers, name: str, price_name: str, price: Number, quote: Quote) -> Number:
    """Value of one contract; where that is the price itself, it keeps the price's name."""
    given = num.given(price_name, price)
    value = num.constant(quote.value_in(num, given))
    return given if value.text == given.text else num.named(name, value)


def _traced_schedule(num: TracedNumbers, leg: Leg, quote: Quote, tier: int, initial_tier: int) -> Schedule:
    """The schedule with the rates of the position's tiers replayed from the table's own rates and the buffers."""
    schedule, stated = leg.exposure.schedule, _rule(quote).table.schedule
    lines = list(schedule.lines)
    maintenance_rate = _rate(num, "maintenance", stated.lines[tier][0], quote.buffers)
    lines[tier] = maintenance_rate, _deduction(num, schedule, tier)
    initial_rates, leverage_rates = list(schedule.initial_rates), list(schedule.leverage_rates)
    initial_rates[initial_tier] = _rate(num, "initial", stated.initial_rates[initial_tier], quote.buffers)
    leverage_rates[initial_tier] = _largest_leverage(num, _rule(quote).table.tiers[initial_tier])
    return msgspec.structs.replace(
        schedule, lines=tuple(lines), initial_rates=tuple(initial_rates), leverage_rates=tuple(leverage_rates)
    )


def _largest_leverage(num: TracedNumbers, tier: Tier) -> Number:
    """The reciprocal of the largest leverage, by the key that states it."""
    if tier.max_leverage is None:
        return num.given("table_rate", tier.initial_rate)
    return num.quotient(num.constant(ONE), num.given("max_leverage", tier.max_leverage))


def _rate(num: TracedNumbers, kind: str, table_rate: Number, buffers: Sequence[AppliedBuffer]) -> Number:
    """A rate of the table under the buffers that act on this requirement."""
    acting = [applied for applied in buffers if kind in applied.buffer.requirements]
    adjustment = combined(_named_adjustment(num, applied.buffer, applied.severe) for applied in acting)
    return num.named(f"{kind}_rate", adjusted_rate(num, num.given("table_rate", table_rate), adjustment))


def _named_adjustment(num: TracedNumbers, buffer: Buffer, severe: Adjustment) -> Adjustment:
    """A buffer's adjustment under the buffer's name; one that changes nothing stays out of sight."""
    multiply, add_rate = severe.multiply, severe.add_rate
    return Adjustment(
        multiply=None if multiply is None or multiply == 1 else num.given(buffer.name, multiply),
        add_rate=None if add_rate is None or add_rate == 0 else num.given(buffer.name, add_rate),
    )


def _deduction(num: TracedNumbers, schedule: Schedule, tier: int) -> Number:
    """A tier's deduction, derived from the floors and the rates that hold now; 0 where none is taken off."""
    if schedule.form == "whole" or schedule.lines[tier][1] == 0:
        return num.constant(schedule.lines[tier][1])
    floors = [num.constant(floor) for floor in schedule.floors[: tier + 1]]
    rates = [num.constant(rate) for rate, _ in schedule.lines[: tier + 1]]
    if tier <= FLOORS_SHOWN:
        return num.named("deduction", tier_lines(floors, rates)[tier][1])
    below = num.given(f"deduction of tier {tier}", schedule.lines[tier - 1][1])
    return num.named("deduction", next_deduction(below, floors[tier], rates[tier], rates[tier - 1]))


def _rule(quote: Quote) -> InstrumentRule:
    assert quote.rule is not None
    return quote.rule


def _tier_line(quote: Quote, tier: int) -> Line:
    table = _rule(quote).table
    stated = table.tiers[tier]
    end = "unlimited" if stated.up_to is None else plain(stated.up_to)
    unit = "contracts" if table.unit == "quantity" else "notional"
    how = f"{table.name}: {unit} from {readable(stated.floor)} to {end}"
    return Line("tier", str(tier + 1), how, where(stated.mark))
