"""Whether an order may be accepted: caps first, then free margin after it; and how large it could be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.evaluate import Solution, Solved, solve
from rules_engine.engine.figures import free_margin, written
from rules_engine.engine.orders import Placed, place_order, resting
from rules_engine.engine.pools import Unplaced
from rules_engine.engine.quote import Quotes
from rules_engine.engine.reserving import filled, taken
from rules_engine.errors import Doubt
from rules_engine.formulas.requirement import tier_size
from rules_engine.numbers.exact import EXACT, ONE, ZERO, count_of, rounded, sign_of
from rules_engine.numbers.functions import Cut, NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.exposure import Exposure
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import Backing

LARGEST_COUNT: Final = Decimal("1e60")
"""Where the search for the largest order gives up: more steps than any number of the grammar can hold."""


def check_order(policy: Policy, account: Account, market: Market, order: Order, quote_of: Quotes) -> OrderDecision:
    """Decides on one order, given the account without it."""
    before = solve(policy, account, market, quote_of)
    return _decided(policy, account, market, order, quote_of, before)


def _decided(
    policy: Policy, account: Account, market: Market, order: Order, quote_of: Quotes, before: Solution
) -> OrderDecision:
    """The decision, with the account solved without the order in `before`."""
    with_order = msgspec.structs.replace(account, orders=(*account.orders, order))
    after = solve(policy, with_order, market, quote_of)
    evaluation = written(policy, market.as_of, after)
    quote = quote_of(order.instrument)
    try:
        placed = place_order(policy, after.pools, with_order, order, quote, resting(with_order))
    except Unplaced as unplaced:
        return _decision(order, evaluation, [unplaced.doubt])
    check = Check(policy, before, after, placed)
    refusals = check.refusals()
    required, available = check.required, check.available
    larger = None
    if check.moves_when_larger:
        beyond = msgspec.structs.replace(order, quantity=check.beyond_reducing)
        larger = _decided(policy, account, market, beyond, quote_of, before)
    return msgspec.structs.replace(
        _decision(order, evaluation, refusals),
        pool=placed.reserve,
        required_margin=None if required is None else rounded(required, policy.quantum, "up"),
        available_margin=None if available is None else rounded(available, policy.quantum, "down"),
        largest_quantity=check.largest() if larger is None else larger.largest_quantity,
    )


def _decision(order: Order, evaluation: Evaluation, refusals: list[Doubt]) -> OrderDecision:
    return OrderDecision(
        order=order.id,
        accepted=not refusals,
        reasons=tuple(dict.fromkeys(doubt.code for doubt in refusals)),
        pool=None,
        required_margin=None,
        available_margin=None,
        largest_quantity=None,
        evaluation=evaluation,
        evidence=tuple(refusals),
    )


class Condition(NamedTuple):
    """Something that refuses an order: where `function` of its signed quantity is below zero (at it, if inclusive).

    `text` says so as a refusal, `measure` what the function gives.
    """

    code: str
    text: str
    measure: str
    function: Callable[[NumberSystem, Number], Number]
    inclusive: bool

    def function_at(self, quantity: Number) -> Number:
        """How far an order of this quantity is from being refused."""
        return self.function(EXACT, quantity)

    def refuses(self, quantity: Number) -> bool:
        value = self.function_at(quantity)
        return bool(value <= 0 if self.inclusive else value < 0)


class Check:
    """One order against one account: the unrounded figures behind the decision."""

    def __init__(self, policy: Policy, before: Solution, after: Solution, placed: Placed) -> None:
        self.placed = placed
        self.before = before
        self.after = after
        self.fee_rate = policy.opening_fee_rate
        self.step = placed.holding.quote.quantity_step or policy.quantum

    @property
    def available(self) -> Number | None:
        pool = self.before.solved.get(self.placed.reserve)
        return ZERO if pool is None else free_margin(pool, self.before)

    @property
    def required(self) -> Number | None:
        now = self.before.reservations.by_pool.get(self.placed.reserve)
        then = self.after.reservations.by_pool[self.placed.reserve]
        if self.placed.allowed.traits.reserves_orders:
            return self._moved_initial()
        if then.amount is None or (now is not None and now.amount is None):
            return None
        return then.amount if now is None else then.amount - now.amount

    def _moved_initial(self) -> Number | None:
        """What the order adds to initial margin where the mode looks at orders, which moves its positions' own."""
        now, then = self.before.solved.get(self.placed.reserve), self.pool
        if then.initial is None or (now is not None and now.initial is None):
            return None
        return then.initial if now is None else then.initial - now.initial

    @property
    def pool(self) -> Solved:
        """The pool in which the order reserves, with the order resting."""
        return self.after.solved[self.placed.reserve]

    @property
    def known(self) -> bool:
        """Whether free margin is known in the pool, and the pool of the position itself is decided."""
        own = self.after.solved.get(self.placed.pool, self.pool)
        if "undetermined" in (self.pool.status, own.status):
            return False
        return self.pool.equity is not None and self.pool.initial is not None

    def refusals(self) -> list[Doubt]:
        """Why the order may not be accepted; empty if it may."""
        order = self.placed.order
        if self.placed.reduces and not self._takes_off_a_hedge():
            return []
        if order.reduce_only:
            return [self._refusal("REDUCE_ONLY_INCREASES", "there is no position that it would reduce")]
        if not self.known:
            own = self.after.solved.get(self.placed.pool, self.pool)
            doubts = (*own.doubts, *self.pool.doubts, *self.after.reservations.by_pool[self.placed.reserve].doubts)
            refusal = self._refusal("POOL_UNDETERMINED", f"{self.pool.pool.name} cannot be decided")
            return [refusal, *dict.fromkeys(doubts)]
        return [self._refusal(one.code, one.text) for one in self.conditions() if one.refuses(order.quantity)]

    def _takes_off_a_hedge(self) -> bool:
        """Whether it makes its position smaller and the pool's requirement larger, as a mode of whole pools may say."""
        required = self.required if self.placed.allowed.pooled and self.known else None
        return required is not None and bool(required > 0)

    def _refusal(self, code: str, text: str) -> Doubt:
        order = self.placed.order
        return Doubt(code=code, message=f"{order.id}: {text}", position=order.position, instrument=order.instrument)

    def conditions(self) -> list[Condition]:
        """Everything that could refuse the order, as functions of its quantity."""
        name = self.pool.pool.name
        text = f"{name} would be left with negative free margin"
        free = f"free margin of {name} with the order in it, before what groups draw"
        found = [Condition("MARGIN_INSUFFICIENT", text, free, self._margin_left, False)]
        at_own = self._filled(self.placed.order.quantity)
        if at_own.leverage is not None:
            text = f"leverage {at_own.leverage} is above what the tier of the resulting position allows"
            room = f"1 less leverage {at_own.leverage} times what the tier of the resulting position asks of notional"
            found.insert(0, Condition("LEVERAGE_ABOVE_TIER", text, room, self._leverage_left, False))
        cap = at_own.schedule.cap
        if cap is not None:
            text = f"the position would reach the end of the last tier, {cap}"
            room = f"end of the last tier {cap} less the size of the resulting position"
            found.insert(0, Condition("POSITION_ABOVE_CAP", text, room, lambda num, q: cap - self._size(num, q), True))
        return found

    def _margin_left(self, num: NumberSystem, quantity: Number) -> Number:
        """Free margin after the order at some quantity, before anything is drawn by groups."""
        slot = self.after.reservations.slot_of[self.placed.order.id]
        at_own = taken(EXACT, slot, self.after.terms, self.fee_rate)
        at_quantity = taken(num, slot, self.after.terms, self.fee_rate, {self.placed.order.id: quantity})
        return self.pool.equity - self.pool.initial + at_own - at_quantity

    def _leverage_left(self, num: NumberSystem, quantity: Number) -> Number:
        schedule = self._filled(self.placed.order.quantity).schedule
        leverage = self._filled(self.placed.order.quantity).leverage
        return ONE - num.step(self._size(num, quantity), schedule.floors, schedule.leverage_rates) * leverage

    def _size(self, num: NumberSystem, quantity: Number) -> Number:
        exposure = self._filled(quantity)
        return tier_size(num, exposure, exposure.initial_value)

    def _filled(self, quantity: Number) -> Exposure:
        """The position with this order, and all others on its side, filled."""
        order = self.placed.order
        slot = self.after.reservations.slot_of[order.id]
        target = self.placed.holding
        same = [
            one
            for one in slot.placed
            if sign_of(one.order.quantity) == sign_of(order.quantity)
            and not one.order.reduce_only
            and one.acts_on(target)
        ]
        return filled(slot, target, same, self.after.terms, {order.id: quantity})

    @property
    def moves_when_larger(self) -> bool:
        """Whether it only reduces a position with its own pool, and a larger one would reserve in the shared pool."""
        own = self.placed.reserve == self.placed.pool and self.pool.pool.label.backing is Backing.POSITION
        return own and self.placed.reduces and not self.placed.order.reduce_only

    @property
    def beyond_reducing(self) -> Decimal:
        """The order's quantity, a step larger than what only reduces."""
        return sign_of(self.placed.order.quantity) * (self._reducible() + self.step)

    def largest(self) -> Decimal | None:
        """The largest quantity that would be accepted on the order's side; None where not known or without limit."""
        order = self.placed.order
        reducible = self._reducible()
        if order.reduce_only:
            return reducible
        if not self.known:
            return reducible or None
        try:
            return self._largest_solved(reducible)
        except (NotLinear, PluginFault):
            with contextlib.suppress(PluginFault):
                return self._largest_searched(reducible)
        return reducible or None

    def _reducible(self) -> Decimal:
        """How much the order may be and still only reduce, beside the others on its side."""
        order, held = self.placed.order, self.placed.holding.position.quantity
        if held * order.quantity >= 0:
            return ZERO
        slot = self.after.reservations.slot_of[order.id]
        others = [
            abs(one.order.quantity)
            for one in slot.placed
            if one.order.id != order.id and one.order.quantity * order.quantity > 0 and not one.order.reduce_only
        ]
        return abs(held) if order.reduce_only else max(abs(held) - sum(others), ZERO)

    def _largest_solved(self, reducible: Decimal) -> Decimal | None:
        """With the quantity as the unknown: the last multiple of the step before anything refuses."""
        start = (reducible, 1)
        num = PiecewiseNumbers(start, None)
        quantity = num.unknown * sign_of(self.placed.order.quantity)
        cuts: list[Cut] = []
        for condition in self.conditions():
            refused = num.where(condition.function(num, quantity), inclusive=condition.inclusive)
            cuts += [start] if refused.holds_first else [change.cut for change in refused.changes[:1]]
        if not cuts:
            return None
        point, side = min(cuts)
        steps = count_of(point, self.step, "down") if side == 1 else count_of(point, self.step, "up") - 1
        return max(steps * self.step, reducible)

    def _largest_searched(self, reducible: Decimal) -> Decimal | None:
        """By halving, for requirements that have no piecewise linear form in the quantity."""
        sign, conditions = sign_of(self.placed.order.quantity), self.conditions()

        def refused(steps: Decimal) -> bool:
            return any(condition.refuses(sign * steps * self.step) for condition in conditions)

        accepted = count_of(reducible, self.step, "down")
        beyond = accepted + 1
        while not refused(beyond):
            accepted, beyond = beyond, beyond * 2
            if beyond > LARGEST_COUNT:
                return None
        while beyond - accepted > 1:
            middle = (accepted + beyond) // 2
            accepted, beyond = (accepted, middle) if refused(middle) else (middle, beyond)
        return max(accepted * self.step, reducible)
