"""How a decision on an order came about: what it requires, what is free, and which condition bounds its size."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from rules_engine.engine.evaluate import Solution, solve
from rules_engine.engine.explain import explain
from rules_engine.engine.explain_lines import NONE, UNKNOWN, doubt_lines, step_line, unless_zero
from rules_engine.engine.order_check import Check, check_order
from rules_engine.engine.orders import place_order, resting
from rules_engine.engine.pools import Unplaced
from rules_engine.engine.quote import Quotes
from rules_engine.numbers.exact import ZERO, sign_of
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import TracedNumbers, readable
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import OrderDecision
from rules_engine.terms.explanation import Explanation, Line, Part
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy


def explain_order(policy: Policy, account: Account, market: Market, order: Order, quote_of: Quotes) -> Explanation:
    """The steps behind the decision, and those behind every figure with the order resting."""
    decision = check_order(policy, account, market, order, quote_of)
    with_order = msgspec.structs.replace(account, orders=(*account.orders, order))
    before, after = solve(policy, account, market, quote_of), solve(policy, with_order, market, quote_of)
    explanation = explain(policy, market, after, decision.evaluation)
    title = f"{order.id}  {order.instrument}  {order.mode}  {'accepted' if decision.accepted else 'refused'}"
    try:
        placed = place_order(policy, after.pools, with_order, order, quote_of(order.instrument), resting(with_order))
    except Unplaced as unplaced:
        return msgspec.structs.replace(explanation, order=Part(title, tuple(doubt_lines([unplaced.doubt]))))
    check = Check(policy, before, after, placed)
    largest = decision.largest_quantity
    beyond = None
    if largest is not None and not order.reduce_only:
        larger = msgspec.structs.replace(order, quantity=sign_of(order.quantity) * (largest + check.step))
        beyond = check_order(policy, account, market, larger, quote_of)
    lines = [
        _verdict(check, decision),
        *_margins(check, before, decision),
        *_conditions(check, order),
        _largest(check, decision, beyond, order),
    ]
    return msgspec.structs.replace(explanation, order=Part(title, tuple(lines)))


def _verdict(check: Check, decision: OrderDecision) -> Line:
    if decision.accepted:
        only_reduces = "it only reduces, which is always accepted"
        return Line("accepted", "true", only_reduces if check.placed.reduces else "nothing refuses it")
    return Line("accepted", "false", "; ".join(f"{doubt.code} {doubt.message}" for doubt in decision.evidence))


def _margins(check: Check, before: Solution, decision: OrderDecision) -> list[Line]:
    """What the order adds to what orders reserve, and what is free without it."""
    pool, num, lines = check.placed.reserve, TracedNumbers(), []
    if check.required is None:
        lines.append(Line("required_margin", UNKNOWN, f"what orders reserve in {pool} is not known"))
    else:
        now = before.reservations.by_pool.get(pool)
        without = unless_zero(num, "without it", ZERO if now is None else now.amount)
        with_it = num.given(f"orders reserve in {pool} with it", check.after.reservations.by_pool[pool].amount)
        num.named("required_margin", with_it - without)
    if check.available is None:
        lines.append(Line("available_margin", UNKNOWN, f"what is free in {pool} is not known"))
    else:
        num.named("available_margin", num.given(f"free margin of {pool} without it", check.available))
    return [*(step_line(step, decision) for step in num.steps), *lines]


def _conditions(check: Check, order: Order) -> list[Line]:
    """How far the order is from being refused; nothing where none of the conditions was asked."""
    if check.placed.reduces or order.reduce_only or not check.known:
        return []
    return [
        Line(
            one.code,
            readable(one.function_at(order.quantity)),
            f"{one.measure}; refuses {'at or below' if one.inclusive else 'below'} 0",
        )
        for one in check.conditions()
    ]


def _largest(check: Check, decision: OrderDecision, beyond: OrderDecision | None, order: Order) -> Line:
    """The largest quantity and what refuses a step more."""
    largest = decision.largest_quantity
    if largest is None:
        value, how = (NONE, "no quantity is refused") if check.known else (UNKNOWN, "the pool is undetermined")
        return Line("largest_quantity", value, how)
    if beyond is None:
        return Line("largest_quantity", plain(largest), "reduce_only: no more than the position holds")
    more: Decimal = largest + check.step
    return Line(
        "largest_quantity", plain(largest), f"a step more, {plain(more)}, is refused: {' '.join(beyond.reasons)}"
    )
