"""The steps of a close-out, as the policy's plan answers them, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from rules_engine.engine.calls import Caller, PluginFault, is_exact
from rules_engine.engine.closing import closable
from rules_engine.engine.evaluate import Solved
from rules_engine.engine.prices import as_decimal
from rules_engine.errors import Doubt
from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Number
from rules_engine.terms.evaluation import Closing
from rules_engine.terms.policy import Policy


def reported(figures: Mapping[str, Number]) -> Mapping[str, Decimal]:
    """A component's own figures: exact, or their first 28 digits where they never end."""
    return figures and {name: as_decimal(figure) for name, figure in figures.items()}


def close_out(policy: Policy, one: Solved) -> tuple[Sequence[Closing], tuple[Doubt, ...]]:
    """The steps of the close-out; none, and the doubt, where its plan breaks down."""
    if one.sums is None or one.status not in ("liquidate", "bankrupt"):
        return (), ()
    start = closable(one.pool, one.sums, policy, one.limit)
    if one.status == "bankrupt":
        return tuple(Closing(position=leg.position, quantity=leg.size, reason="bankrupt") for leg in start.legs), ()
    rule = policy.liquidation.close_out
    call = Caller(rule.plan, rule.supplier)
    try:
        answer = call(rule.plan.closings, start, rule.parameters)
        sizes = {leg.position: leg.size for leg in start.legs}
        return tuple(_checked(call, closing, sizes) for closing in answer), ()
    except PluginFault as fault:
        return (), (fault.doubt,)
    except TypeError:
        return (), (call.fault(f"returned {type(answer).__name__}, wanted closings").doubt,)


def _checked(call: Caller, closing: object, sizes: dict[str, Decimal]) -> Closing:
    """A step that closes at most what is left of an open position. Raises `PluginFault`."""
    if not isinstance(closing, Closing):
        raise call.fault(f"returned a {type(closing).__name__}, wanted a Closing")
    left, quantity = sizes.get(closing.position, ZERO), closing.quantity
    if not (isinstance(quantity, Decimal) and 0 < quantity <= left):
        raise call.fault(f"closes {quantity!r} contracts of {closing.position!r}, of which {left} are open")
    sizes[closing.position] = left - quantity
    if not isinstance(closing.reason, str) or not all(map(is_exact, closing.figures.values())):
        raise call.fault(f"says of {closing.position!r} what is no text or no number: {closing!r}")
    return msgspec.structs.replace(closing, figures=reported(closing.figures))
