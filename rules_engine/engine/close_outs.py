"""The steps of a close-out, as the policy's plan answers them, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from rules_engine.engine.calls import Caller, PluginFault, check_figures
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
    call = Caller(rule.plan, rule.supplier, budget=getattr(rule.plan, "budget", None))
    try:
        answer = call(_listed, rule.plan.closings, start, rule.parameters)
        if not isinstance(answer, tuple):
            raise call.fault(f"returned {type(answer).__name__}, wanted closings")
        sizes = {leg.position: leg.size for leg in start.legs}
        return tuple(_checked(call, closing, sizes) for closing in answer), ()
    except PluginFault as fault:
        return (), (fault.doubt,)


def _listed(closings: Callable[..., object], *arguments: object) -> object:
    """All steps at once, for a plan may yield them one by one."""
    answer = closings(*arguments)
    return tuple(answer) if isinstance(answer, Iterable) else answer


def _checked(call: Caller, closing: object, sizes: dict[str, Decimal]) -> Closing:
    """A step that closes at most what is left of an open position. Raises `PluginFault`."""
    if not isinstance(closing, Closing):
        raise call.fault(f"returned a {type(closing).__name__}, wanted a Closing")
    quantity = closing.quantity
    left = sizes.get(closing.position, ZERO) if isinstance(closing.position, str) else ZERO
    if not (isinstance(quantity, Decimal) and quantity.is_finite() and 0 < quantity <= left):
        raise call.fault(f"closes {quantity!r} contracts of {closing.position!r}, of which {left} are open")
    sizes[closing.position] = left - quantity
    if not isinstance(closing.reason, str):
        raise call.fault(f"closes {closing.position!r} for the reason {closing.reason!r}, wanted text")
    check_figures(call, closing.figures)
    return msgspec.structs.replace(closing, figures=reported(closing.figures))
