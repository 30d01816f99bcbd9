"""Unrounded answers written as figures: rounded once, each in its stated direction."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from rules_engine.engine.buffering import AppliedBuffer
from rules_engine.engine.calls import PluginFault
from rules_engine.engine.close_outs import close_out, reported
from rules_engine.engine.closing import tier_of
from rules_engine.engine.decide import top_up
from rules_engine.engine.evaluate import Solution, Solved
from rules_engine.engine.pools import Holding
from rules_engine.engine.prices import Moving, Prices, TurningPrice, prices_of, rounded_price
from rules_engine.engine.quote import Quote
from rules_engine.engine.sums import Leg, Sums, Terms
from rules_engine.formulas import pool as formulas
from rules_engine.formulas.requirement import notional, tier_size
from rules_engine.numbers.exact import EXACT, ZERO, rounded
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import Direction, Number
from rules_engine.terms.account import Position
from rules_engine.terms.evaluation import (
    BufferFigure,
    Evaluation,
    PolicyIdentity,
    PoolFigures,
    PositionFigures,
)
from rules_engine.terms.exposure import Requirement
from rules_engine.terms.policy import Policy

RATIO_UNIT: Final = Decimal("1e-8")
RATE_UNIT: Final = Decimal("1e-18")


def written(policy: Policy, as_of: datetime, solved: Solution) -> Evaluation:
    """The evaluation of a solved account."""
    figures: dict[str, PositionFigures] = {}
    for one in solved.solved.values():
        prices = _prices(one, solved, policy)
        legs = {} if one.sums is None else {leg.exposure.id: leg for leg in (*one.sums.legs, *one.sums.opening)}
        for holding in one.pool.holdings:
            leg = legs.get(holding.position.id)
            figures[holding.position.id] = _position(policy, holding, one, leg, prices.get(holding.position.instrument))
    return Evaluation(
        policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
        as_of=as_of,
        account=solved.account.account,
        positions=tuple(figures.get(p.id) or _unplaced(p) for p in solved.account.positions),
        pools=tuple(_pool(policy, one, solved) for one in solved.solved.values()),
        evidence=solved.pools.doubts,
    )


def _unplaced(position: Position) -> PositionFigures:
    return PositionFigures(
        id=position.id,
        instrument=position.instrument,
        mode=position.mode,
        pool=None,
        notes=("POOL_UNKNOWN",),
    )


def moving_in(one: Solved, terms: Terms, instrument: str) -> Moving:
    """A decided pool in which the mark of one instrument moves alone."""
    assert one.sums is not None
    return Moving(one.pool, one.sums, one.equity, terms, instrument)


def _prices(one: Solved, solved: Solution, policy: Policy) -> dict[str, Prices | None]:
    """Both prices of every instrument in a pool; None where the mode cannot say what holds at another mark."""
    if one.sums is None or one.limit is None:
        return {}
    prices: dict[str, Prices | None] = {}
    for instrument in dict.fromkeys(leg.exposure.instrument for leg in one.sums.legs):
        try:
            prices[instrument] = prices_of(moving_in(one, solved.terms, instrument), policy)
        except (NotLinear, PluginFault):
            prices[instrument] = None
    return prices


def _position(policy: Policy, holding: Holding, one: Solved, leg: Leg | None, prices: Prices | None) -> PositionFigures:
    position, quote = holding.position, holding.quote
    blank = PositionFigures(
        id=position.id,
        instrument=position.instrument,
        mode=position.mode,
        pool=one.pool.name,
        version=quote.version,
    )
    if not holding.open:
        return _without_contracts(blank, leg, policy.quantum)
    if leg is None:
        return msgspec.structs.replace(blank, notes=("FIGURES_UNKNOWN",))
    tier = tier_of(leg)
    quantum = policy.quantum
    notes = _notes(leg, quote) if one.limit is not None else [*_notes(leg, quote), "DRAW_LIMIT_UNKNOWN"]
    return msgspec.structs.replace(
        blank,
        notional=rounded(notional(EXACT, leg.exposure), quantum, "up"),
        unrealized_pnl=rounded(leg.unrealized_pnl, quantum, "down"),
        tier=tier + 1,
        maintenance_rate=rounded(leg.exposure.schedule.lines[tier][0], RATE_UNIT, "up"),
        buffers=tuple(_buffer(applied) for applied in quote.buffers),
        initial_margin=rounded(leg.requirement.initial, quantum, "up"),
        maintenance_margin=rounded(leg.requirement.maintenance, quantum, "up"),
        **({} if one.limit is None else _printed_prices(prices, quote, policy, notes)),
        notes=tuple(notes),
        figures=reported(leg.requirement.figures),
    )


def _without_contracts(blank: PositionFigures, leg: Leg | None, quantum: Decimal) -> PositionFigures:
    """A position of no contracts, which requires nothing but what its mode asks for the orders on it."""
    requirement = Requirement(ZERO, ZERO) if leg is None else leg.requirement
    return msgspec.structs.replace(
        blank,
        notional=ZERO,
        unrealized_pnl=ZERO,
        initial_margin=rounded(requirement.initial, quantum, "up"),
        maintenance_margin=rounded(requirement.maintenance, quantum, "up"),
        notes=("LIQUIDATION_PRICE_NONE", "BANKRUPTCY_PRICE_NONE"),
        figures=reported(requirement.figures),
    )


def _notes(leg: Leg, quote: Quote) -> list[str]:
    exposure = leg.exposure
    schedule = exposure.schedule
    size = tier_size(EXACT, exposure, exposure.initial_value)
    notes = [doubt.code for doubt in quote.missing]
    if schedule.cap is not None and size >= schedule.cap:
        notes.append("BEYOND_LAST_TIER")
    if exposure.leverage is not None and above_leverage_cap(leg, size):
        notes.append("LEVERAGE_ABOVE_TIER")
    if quote.price_tick is None:
        notes.append("PRICE_TICK_MISSING")
    return list(dict.fromkeys(notes))


def above_leverage_cap(leg: Leg, size: Number) -> bool:
    """Whether the position's leverage is above what its tier allows for the whole position."""
    schedule = leg.exposure.schedule
    return bool(leg.exposure.leverage * EXACT.step(size, schedule.floors, schedule.leverage_rates) > 1)


def _buffer(applied: AppliedBuffer) -> BufferFigure:
    adjustment = applied.severe
    return BufferFigure(
        name=applied.buffer.name,
        multiply=None if adjustment.multiply is None else rounded(adjustment.multiply, RATE_UNIT, "up"),
        add_rate=None if adjustment.add_rate is None else rounded(adjustment.add_rate, RATE_UNIT, "up"),
    )


def _printed_prices(prices: Prices | None, quote: Quote, policy: Policy, notes: list[str]) -> dict[str, Decimal | None]:
    """Both prices of a position, with notes on those that do not exist."""
    if prices is None:
        notes.append("PRICES_UNKNOWN")
        return {}
    if prices.liquidation is not None and prices.liquidation.searched:
        notes.append("LIQUIDATION_PRICE_SEARCHED")
    return {
        "liquidation_price": _price(prices.liquidation, "LIQUIDATION_PRICE_NONE", quote, policy, notes),
        "bankruptcy_price": _price(prices.bankruptcy, "BANKRUPTCY_PRICE_NONE", quote, policy, notes),
    }


def _price(
    turning: TurningPrice | None, missing: str, quote: Quote, policy: Policy, notes: list[str]
) -> Decimal | None:
    if turning is None:
        notes.append(missing)
        return None
    return rounded_price(turning, quote.price_tick or policy.quantum, policy.conventions)


def _pool(policy: Policy, one: Solved, solved: Solution) -> PoolFigures:
    reservation = solved.reservations.by_pool[one.pool.name]
    notes = [*one.pool.notes, *(["ORDERS_DOUBTFUL"] if reservation.doubts else [])]
    evidence = tuple(dict.fromkeys((*one.doubts, *reservation.doubts)))
    blank = PoolFigures(
        pool=one.pool.name,
        mode=one.pool.allowed.name,
        status=one.status,
        reasons=tuple(dict.fromkeys(doubt.code for doubt in one.doubts)),
        notes=tuple(notes),
        evidence=evidence,
    )
    if one.sums is None:
        return blank
    closings, faults = close_out(policy, one)
    return msgspec.structs.replace(
        blank,
        **_amounts(policy, one, solved),
        close_out=closings,
        notes=(*notes, *(["CLOSE_OUT_UNKNOWN"] if faults else [])),
        evidence=(*evidence, *faults),
        figures=reported(one.sums.figures),
    )


def _amounts(policy: Policy, one: Solved, solved: Solution) -> dict[str, object]:
    """A pool's amounts: requirements rounded up, equity and what is free rounded down."""
    assert one.sums is not None
    quantum, rules = policy.quantum, policy.liquidation
    open_ = one.sums.charged

    def money(x: Number | None, direction: Direction) -> Decimal | None:
        return None if x is None else rounded(x, quantum, direction)

    equity, own_free = one.equity, _own_free_margin(one, solved)
    decided = one.status != "undetermined" and equity is not None
    amounts: dict[str, object] = {
        "equity": money(equity, "down"),
        "initial_margin": money(one.initial, "up"),
        "maintenance_margin": money(one.sums.maintenance, "up"),
        "margin_ratio": _margin_ratio(one.sums.maintenance, equity),
        "free_margin": money(free_margin(one, solved), "down"),
        "withdrawable": money(_withdrawable(one.sums, own_free), "down"),
        "top_up": top_up(equity, one.sums.maintenance, one.sums.fee, open_, rules, quantum) if decided else None,
    }
    if one.draws:
        amounts |= {
            "own_equity": money(one.sums.equity, "down"),
            "draw_limit": money(one.limit, "down"),
            "draw": money(_draw(one), "up"),
        }
    return amounts


def free_margin(one: Solved, solved: Solution) -> Number | None:
    """Equity less initial margin with orders; for the shared pool also less what groups draw. None if not known."""
    own = _own_free_margin(one, solved)
    return None if own is None or one.limit is None else own + one.limit


def _own_free_margin(one: Solved, solved: Solution) -> Number | None:
    """Free margin without what the pool may draw."""
    if one.sums is None or one.initial is None:
        return None
    draws = draws_on(one, solved)
    if None in draws.values():
        return None
    return formulas.free_margin(EXACT, one.sums.equity, one.initial, draws.values())


def draws_on(one: Solved, solved: Solution) -> dict[str, Number | None]:
    """What each group draws from this pool, by the group's pool; nothing but from the shared one."""
    drawing = solved.drawing if one.pool.name == solved.pools.shared else []
    return {group.pool.name: _draw(group) for group in drawing}


def _withdrawable(sums: Sums, own_free: Number | None) -> Number | None:
    return None if own_free is None else formulas.withdrawable(EXACT, own_free, sums.profits)


def _margin_ratio(maintenance: Number, equity: Number | None) -> Decimal | None:
    if equity is None or equity <= 0:
        return None
    return rounded(formulas.margin_ratio(EXACT, maintenance, equity), RATIO_UNIT, "up")


def _draw(group: Solved) -> Number | None:
    """What a group draws; all that it may where its orders leave its need unknown. None where that is not known."""
    if group.limit is None or group.limit == 0:
        return group.limit
    if group.sums is None:
        return None
    if group.initial is None:
        return group.limit
    return formulas.drawn(EXACT, group.limit, group.initial, group.sums.equity)
