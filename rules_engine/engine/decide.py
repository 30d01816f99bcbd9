"""The decision: which status a pool has, by exact comparison of unrounded figures."""

from __future__ import annotations

from decimal import Decimal

from rules_engine.formulas.pool import surplus
from rules_engine.numbers.exact import ONE, ZERO, count_of
from rules_engine.numbers.system import Number
from rules_engine.terms.evaluation import Status
from rules_engine.terms.policy import Liquidation


def is_inclusive(liquidation: Liquidation) -> bool:
    """Whether equity that is exactly at a line has come to it, by the policy's trigger."""
    return liquidation.trigger == "at_or_below"


def falls_short(surplus: Number, liquidation: Liquidation) -> bool:
    """Whether equity has come to a line, as the policy's trigger reads it."""
    return bool(surplus <= 0 if is_inclusive(liquidation) else surplus < 0)


def status_of(equity: Number, maintenance: Number, fee: Number, has_positions: bool, rules: Liquidation) -> Status:
    """Bankrupt, liquidate, margin_call or healthy: the first that holds."""
    if equity < 0:
        return "bankrupt"
    if not has_positions:
        return "healthy"
    if falls_short(surplus(equity, maintenance, fee, ONE), rules):
        return "liquidate"
    if falls_short(surplus(equity, maintenance, fee, rules.margin_call), rules):
        return "margin_call"
    return "healthy"


def top_up(
    equity: Number, maintenance: Number, fee: Number, has_positions: bool, rules: Liquidation, quantum: Decimal
) -> Decimal:
    """The smallest amount that brings equity to the line at `restore_to`, past it where the line itself falls short."""
    lack = -surplus(equity, maintenance, fee, rules.restore_to)
    if not has_positions:
        return count_of(max(lack, ZERO), quantum, "up") * quantum
    if not falls_short(-lack, rules):
        return ZERO
    if rules.trigger == "at_or_below":
        return (count_of(lack, quantum, "down") + 1) * quantum
    return count_of(lack, quantum, "up") * quantum
