"""How each figure came about: the formulas of the decision replayed on traced numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from rules_engine.engine.closing import tier_of
from rules_engine.engine.evaluate import Solution, Solved
from rules_engine.engine.pools import shared_collateral
from rules_engine.engine.prices import prices_of
from rules_engine.engine.quote import AppliedBuffer, Quote
from rules_engine.engine.sums import Leg, at_mark
from rules_engine.errors import Mark
from rules_engine.formulas.pool import draw_limit, surplus
from rules_engine.formulas.requirement import notional, tier_size, unrealized_pnl
from rules_engine.formulas.tiers import adjusted_rate, combined
from rules_engine.numbers.exact import EXACT, ONE, ZERO
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import Step, TracedNumbers, readable
from rules_engine.terms.evaluation import Evaluation, PoolFigures, PositionFigures
from rules_engine.terms.explanation import Explanation, Line, Part
from rules_engine.terms.exposure import Adjustment, Exposure, Schedule
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Conventions, InstrumentRule, Policy
from rules_engine.terms.pool import Backing

Requirements: TypeAlias = Literal["initial", "maintenance"]


def explain(policy: Policy, market: Market, solution: Solution, evaluation: Evaluation) -> Explanation:
    """The steps behind every position and pool of a solved account."""
    positions, pools = [], []
    figures = {position.id: position for position in evaluation.positions}
    for one, pool_figures in zip(solution.solved.values(), evaluation.pools, strict=True):
        for leg in one.sums.legs if one.sums is not None else ():
            positions.append(_position(policy, solution, one, leg, figures[leg.exposure.id]))
        pools.append(_pool(policy, market, solution, one, pool_figures))
    identity = evaluation.policy
    title = f"{evaluation.account} under {identity.name} {identity.version} ({identity.digest[:19]}…)"
    return Explanation(title, tuple(positions), tuple(pools))


def _where(mark: Mark | None) -> str:
    return "" if mark is None else f"{mark.file}:{mark.line}"


def _position(policy: Policy, solution: Solution, one: Solved, leg: Leg, figures: PositionFigures) -> Part:
    quote = leg.holding.quote
    num = TracedNumbers()
    tier = tier_of(leg)
    traced = _traced_exposure(num, leg, quote, tier, policy.conventions)
    notional(num, traced)
    unrealized_pnl(num, traced)
    one.pool.allowed.mode.requirement(num, traced, one.pool.allowed.parameters)
    tier_source = _where(_rule(quote).table.tiers[tier].mark)
    sources = {"maintenance_rate": tier_source, "initial_rate": tier_source}
    lines = [_tier_line(leg, quote, tier), *map(_buffer_line, quote.buffers)]
    at_mark = notional(EXACT, leg.exposure)
    lines += [_step_line(step, figures, sources, at_mark) for step in num.steps]
    lines += _price_lines(policy, solution, one, leg, figures)
    title = f"{figures.id}  {figures.instrument}  {figures.mode}  in {figures.pool}"
    return Part(title, tuple(lines))


def _traced_exposure(num: TracedNumbers, leg: Leg, quote: Quote, tier: int, conventions: Conventions) -> Exposure:
    """The position's exposure with every input named, and the rates of its tier derived anew from the table's own."""
    exposure, position, payoff = leg.exposure, leg.holding.position, _rule(quote).payoff
    mark, entry = num.given("mark_price", quote.mark_price), num.given("entry_price", position.entry_price)
    value = num.named("value", payoff.value(num, mark, quote.contract_size, quote.conversion))
    entry_value = num.named("entry_value", payoff.value(num, entry, quote.contract_size, quote.conversion))
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
        schedule=_traced_schedule(num, leg, quote, tier),
    )


def _traced_schedule(num: TracedNumbers, leg: Leg, quote: Quote, tier: int) -> Schedule:
    """The schedule with the rates of the position's tiers replayed from the table's own rates and the buffers."""
    exposure, plain_schedule = leg.exposure, _rule(quote).table.schedule
    schedule = exposure.schedule
    size = tier_size(EXACT, exposure, exposure.initial_value)
    initial_tier = EXACT.step(size, schedule.floors, range(len(schedule.floors)))

    def rate(name: str, kind: Requirements, table_rate: Number) -> Number:
        acting = [applied for applied in quote.buffers if kind in applied.buffer.requirements]
        adjustment = combined(_named_adjustment(num, applied) for applied in acting)
        return num.named(name, adjusted_rate(num, num.given("table_rate", table_rate), adjustment))

    lines = list(schedule.lines)
    maintenance_rate = rate("maintenance_rate", "maintenance", plain_schedule.lines[tier][0])
    lines[tier] = maintenance_rate, num.given("deduction", schedule.lines[tier][1])
    initial_rates, leverage_rates = list(schedule.initial_rates), list(schedule.leverage_rates)
    initial_rates[initial_tier] = rate("initial_rate", "initial", plain_schedule.initial_rates[initial_tier])
    leverage_rates[initial_tier] = num.given("1 / max_leverage", schedule.leverage_rates[initial_tier])
    return msgspec.structs.replace(
        schedule, lines=tuple(lines), initial_rates=tuple(initial_rates), leverage_rates=tuple(leverage_rates)
    )


def _named_adjustment(num: TracedNumbers, applied: AppliedBuffer) -> Adjustment:
    """A buffer's adjustment under the buffer's name; one that changes nothing stays out of sight."""
    multiply, add_rate = applied.severe.multiply, applied.severe.add_rate
    return Adjustment(
        multiply=None if multiply is None or multiply == 1 else num.given(applied.buffer.name, multiply),
        add_rate=None if add_rate is None or add_rate == 0 else num.given(applied.buffer.name, add_rate),
    )


def _rule(quote: Quote) -> InstrumentRule:
    assert quote.rule is not None
    return quote.rule


def _tier_line(leg: Leg, quote: Quote, tier: int) -> Line:
    table = _rule(quote).table
    stated = table.tiers[tier]
    end = "unlimited" if stated.up_to is None else plain(stated.up_to)
    unit = "contracts" if table.unit == "quantity" else "notional"
    return Line("tier", str(tier + 1), f"{table.name}: {unit} from {plain(stated.floor)} to {end}", _where(stated.mark))


def _buffer_line(applied: AppliedBuffer) -> Line:
    adjustment, buffer = applied.severe, applied.buffer
    effects = [] if adjustment.multiply is None else [f"multiply {readable(adjustment.multiply)}"]
    effects += [] if adjustment.add_rate is None else [f"add_rate {readable(adjustment.add_rate)}"]
    reads = buffer.parameters.get("measure", "time to expiry")
    known = "most severe band: not known" if applied.severe is not applied.least else "read off the market"
    return Line(buffer.name, ", ".join(effects), f"{reads}, {known}", _where(buffer.mark))


def _step_line(step: Step, figures: PositionFigures, sources: Mapping[str, str], at_mark: Number) -> Line:
    """A step; where the printed figure differs from the exact one, what it was rounded from."""
    name, value, how = step
    if name == "notional" and value != at_mark:
        return Line("notional at entry", readable(value), how)
    printed = getattr(figures, name, None)
    if isinstance(printed, Decimal) and printed != value:
        return Line(name, plain(printed), f"{how} = {readable(value)}, rounded", sources.get(name, ""))
    return Line(name, readable(value), how, sources.get(name, ""))


def _price_lines(policy: Policy, solution: Solution, one: Solved, leg: Leg, figures: PositionFigures) -> list[Line]:
    assert one.sums is not None
    if one.limit is None:
        return [Line("prices", "?", "what the pool may draw is not known")]
    legs = [other for other in one.sums.legs if other.exposure.instrument == leg.exposure.instrument]
    net = surplus(one.equity, one.sums.maintenance, one.sums.fee, ONE)
    try:
        prices = prices_of(one.pool, legs, net, one.equity, solution.terms, policy)
    except NotLinear:
        return [Line("prices", "-", "the mode's requirement is not linear in the mark")]
    quote = leg.holding.quote
    unrounded = policy.conventions.liquidation_price_rounding == "none"
    unit = "28 digits" if unrounded else plain(quote.price_tick or policy.quantum)
    liquidation, bankruptcy = prices.liquidation, prices.bankruptcy
    lines = []
    for name, turning, what in (
        ("liquidation_price", liquidation, f"equity comes to maintenance{' and closing fee' if one.sums.fee else ''}"),
        ("bankruptcy_price", bankruptcy, "equity comes to zero"),
    ):
        if turning is None:
            lines.append(Line(name, "-", f"no positive mark at which {what}"))
            continue
        printed = getattr(figures, name)
        rounding = (
            "" if printed == turning.price else f", rounded {'down' if printed < turning.price else 'up'} to {unit}"
        )
        check = _check(one, legs, solution, quote.value_at(turning.price)) if turning is liquidation else ""
        lines.append(Line(name, plain(printed), f"{what} at {readable(turning.price)}{check}{rounding}"))
    return lines


def _check(one: Solved, legs: list[Leg], solution: Solution, value: Number) -> str:
    """Equity and what is required at the unrounded liquidation price: the same formulas, seen to meet there."""
    assert one.sums is not None
    moved = [unrealized_pnl(EXACT, at_mark(leg.exposure, value, solution.terms.conventions)) for leg in legs]
    pnl = EXACT.total(moved) - EXACT.total([leg.unrealized_pnl for leg in legs])
    return f" (equity {readable(one.equity + pnl)} there)"


def _pool(policy: Policy, market: Market, solution: Solution, one: Solved, figures: PoolFigures) -> Part:
    if one.sums is None:
        return Part(figures.pool, tuple(Line(doubt.code, "?", doubt.message) for doubt in figures.evidence))
    num = TracedNumbers()
    equity = _equity(num, policy, market, solution, one)
    legs = one.sums.legs
    maintenance = num.total([num.given(leg.exposure.id, leg.requirement.maintenance) for leg in legs])
    initial = [num.given(leg.exposure.id, leg.requirement.initial) for leg in legs]
    ordered = num.given("orders", one.ordered) if one.ordered else num.constant(0)
    num.named("own_equity" if one.limit is None else "equity", equity)
    num.named(
        "initial_margin of positions" if one.ordered is None else "initial_margin", num.total([*initial, ordered])
    )
    num.named("maintenance_margin", maintenance)
    lines = [_pool_line(step, figures) for step in num.steps]
    return Part(f"{figures.pool}  {figures.status}", (*lines, *_status_lines(policy, one, figures)))


def _pool_line(step: Step, figures: PoolFigures) -> Line:
    name, value, how = step
    printed = getattr(figures, name, None)
    if isinstance(printed, Decimal) and printed != value:
        return Line(name, plain(printed), f"{how} = {readable(value)}, rounded")
    return Line(name, readable(value), how)


def _equity(num: TracedNumbers, policy: Policy, market: Market, solution: Solution, one: Solved) -> Number:
    pool = one.pool
    assert one.sums is not None
    if pool.label.backing is Backing.ACCOUNT:
        backing, _, _ = shared_collateral(num, policy, solution.account, market)
    else:
        backing = num.given("margin", pool.collateral)
    accrued = [num.given("accrued", h.position.accrued) for h in pool.holdings if h.position.accrued]
    gains = [num.given(f"pnl of {leg.exposure.id}", leg.unrealized_pnl) for leg in one.sums.legs]
    limit = [num.named("draw_limit", _limit(num, solution, one))] if one.limit else []
    return num.total([backing, *accrued, *gains, *limit])


def _limit(num: TracedNumbers, solution: Solution, one: Solved) -> Number:
    shared = solution.solved[solution.pools.shared]
    free = num.given("free margin of the shared pool", shared.equity - shared.initial)
    return draw_limit(num, free, one.pool.label.draw_cap, len(solution.drawing))


def _status_lines(policy: Policy, one: Solved, figures: PoolFigures) -> list[Line]:
    """The lines that the status was decided by."""
    assert one.sums is not None
    rules, sums = policy.liquidation, one.sums
    fee = "" if sums.fee == 0 else f" + closing fee {readable(sums.fee)}"
    liquidate = surplus(ZERO, sums.maintenance, sums.fee, ONE) * -1
    call = surplus(ZERO, sums.maintenance, sums.fee, rules.margin_call) * -1
    words = "at or below" if rules.trigger == "at_or_below" else "below"
    how = f"liquidate {words} {readable(liquidate)}{fee and ' (with' + fee[2:] + ')'}, call {words} {readable(call)}"
    return [Line("status", figures.status, how)]
