"""How a liquidation and a bankruptcy price came about: the decision's own formulas replayed at that price."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from rules_engine.engine.calls import PluginFault, required
from rules_engine.engine.closing import tier_of
from rules_engine.engine.evaluate import Solution, Solved
from rules_engine.engine.explain_lines import NONE, UNKNOWN, unless_zero
from rules_engine.engine.figures import moving_in
from rules_engine.engine.prices import Moving, Prices, TurningPrice, prices_of
from rules_engine.engine.sums import Leg, at_mark, leg_of
from rules_engine.formulas.pool import margin_line
from rules_engine.formulas.requirement import unrealized_pnl
from rules_engine.numbers.exact import EXACT, ONE
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import Traced, TracedNumbers, readable
from rules_engine.terms.evaluation import PositionFigures
from rules_engine.terms.explanation import Line
from rules_engine.terms.policy import Policy

_ALONE: Final = "no other mark moving"


def price_lines(policy: Policy, solution: Solution, one: Solved, leg: Leg, figures: PositionFigures) -> list[Line]:
    """Both prices, each with the equation that holds there."""
    if one.limit is None:
        return [Line("prices", UNKNOWN, "what the pool may draw is not known")]
    moving = moving_in(one, solution.terms, leg.exposure.instrument)
    try:
        prices = prices_of(moving, policy)
    except (NotLinear, PluginFault) as error:
        return [Line("prices", NONE, f"the mode does not say what it requires at another mark: {error}")]
    quote = leg.holding.quote
    unrounded = policy.conventions.liquidation_price_rounding == "none"
    unit = "28 digits" if unrounded else plain(quote.price_tick or policy.quantum)
    there = _There(one, moving, leg)
    return [*_liquidation(prices, figures, unit, there), _bankruptcy(prices, figures, unit, there)]


class _There:
    """The pool as it is where the mark of one instrument has another value, and nothing else has."""

    def __init__(self, one: Solved, moving: Moving, leg: Leg) -> None:
        self.one, self.moving, self.leg = one, moving, leg
        self.conventions = moving.terms.conventions
        self.sums = moving.sums
        self.legs = [other for other in moving.moving if other.holding.open]

    def equity(self, turning: TurningPrice) -> Traced:
        """Equity, by what the positions of the instrument gain or lose on the way."""
        value = self.leg.holding.quote.value_at(turning.price)
        moved = [unrealized_pnl(EXACT, at_mark(leg.exposure, value, self.conventions)) for leg in self.legs]
        num = TracedNumbers()
        now = num.given("pnl now", EXACT.total([leg.unrealized_pnl for leg in self.legs]))
        there: Traced = num.given("equity", self.one.equity) + num.given("pnl there", EXACT.total(moved)) - now
        return there

    def required(self, turning: TurningPrice) -> Traced:
        """What must be kept: the instrument's own maintenance, the others', and the fee where it decides."""
        if turning.searched or self.moving.pool.allowed.pooled:
            return self._required_together(turning)
        frozen = self.conventions.liquidation_price == "at_mark"
        moved = list(self.legs) if frozen else [self._moved(leg, TracedNumbers(), turning) for leg in self.legs]
        num = TracedNumbers()
        own = [num.given(f"maintenance of {leg.exposure.id}", _plain(leg.requirement.maintenance)) for leg in moved]
        others = self.sums.maintenance - EXACT.total([leg.requirement.maintenance for leg in self.legs])
        fee = self.sums.fee - EXACT.total([leg.fee for leg in self.legs])
        fees = EXACT.total([fee, *[_plain(leg.fee) for leg in moved]])
        kept = num.total([*own, unless_zero(num, "maintenance of the others", others)])
        line: Traced = margin_line(kept, unless_zero(num, "closing fees", fees), ONE)
        return line

    def _required_together(self, turning: TurningPrice) -> Traced:
        """What the whole pool must keep, where its mode takes positions together or cannot be replayed there."""
        exposures = self.moving.exposures(self.leg.holding.quote.value_at(turning.price))
        equity = self.moving.equity(EXACT, exposures)
        kept = equity - self.moving.surplus(EXACT, exposures, equity)
        return TracedNumbers().given("kept in the whole pool", kept)

    def table(self, turning: TurningPrice) -> str:
        """The tier and the rate that hold there, where the mode goes by the table; whether they are frozen instead."""
        if self.conventions.liquidation_price == "at_mark":
            return "; what is required stays as it is at the mark"
        if turning.searched or self.moving.pool.allowed.pooled:
            return ""
        num = TracedNumbers()
        moved = self._moved(self.leg, num, turning)
        steps = {name: how for name, _, how in num.steps}
        if "table_maintenance" not in steps:
            return ""
        exact = self._moved(self.leg, EXACT, turning)
        return f"; tier {tier_of(exact) + 1} of {moved.exposure.id}: {steps['table_maintenance']}"

    def _moved(self, leg: Leg, num: NumberSystem, turning: TurningPrice) -> Leg:
        value = leg.holding.quote.value_at(turning.price)
        exposure = at_mark(leg.exposure, value, self.conventions)
        return leg_of(num, leg.holding, exposure, required(num, self.one.pool.allowed, exposure))


def _plain(x: Number) -> Number:
    return x.value if isinstance(x, Traced) else x


def _liquidation(prices: Prices, figures: PositionFigures, unit: str, there: _There) -> list[Line]:
    turning = prices.liquidation
    if turning is None:
        return [Line("liquidation_price", NONE, f"no positive mark, {_ALONE}, changes whether the pool is liquidated")]
    equity, required = there.equity(turning), there.required(turning)
    if turning.searched:
        what = "found by trying marks a tick apart, for the requirement is no line: there the decision changes"
    elif equity.value == required.value:
        what = "equity there = required there"
    else:
        what = "there what is required jumps past equity"
    return [
        _price("liquidation_price", turning, figures.liquidation_price, unit, f"{what}, {_ALONE}"),
        Line("equity there", readable(equity.value), equity.text),
        Line("required there", readable(required.value), required.text + there.table(turning)),
    ]


def _bankruptcy(prices: Prices, figures: PositionFigures, unit: str, there: _There) -> Line:
    turning = prices.bankruptcy
    if turning is None:
        return Line("bankruptcy_price", NONE, f"no positive mark, {_ALONE}, at which equity is 0")
    equity = there.equity(turning)
    what = f"there {equity.text} = {readable(equity.value)}, {_ALONE}"
    return _price("bankruptcy_price", turning, figures.bankruptcy_price, unit, what)


def _price(name: str, turning: TurningPrice, printed: Decimal | None, unit: str, what: str) -> Line:
    assert printed is not None
    direction = "down" if printed < turning.price else "up"
    rounding = "" if printed == turning.price else f" rounded {direction} to {unit}"
    return Line(name, plain(printed), f"{readable(turning.price)}{rounding}: {what}")
