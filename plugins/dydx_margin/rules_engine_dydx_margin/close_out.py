"""How dYdX v4 liquidates: part of a position, as one block allows, until the account keeps its maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from rules_engine.plugin import EXACT, ClosablePool, Closing, Direction, Leg, Number, Parameters, ParameterSchema
from rules_engine_dydx_margin import formulas
from rules_engine_dydx_margin.modes import QUANTUM

STEPS: Final = 1_000
"""Steps after which the rest is closed at once, so that limits far too small for a position come to an end."""

_PER_CONTRACT: Final = {"unit": "currency/contract"}
_CURRENCY: Final = {"unit": "currency"}
_UINT32: Final = 4_294_967_295
_MILLION: Final = 1_000_000


class Partial:
    """Closes what one block may liquidate of each position in turn, by id, until the pool is restored.

    Each step says at which worst price its order may fill and at which price closing it leaves the account's loss
    shared out; the pool itself goes on as if it filled at the mark. The bounds of the parameters are those of
    `x/clob/types/liquidations_config.go`.
    """

    name = "dydx_partial"
    parameters: ParameterSchema = {
        "bankruptcy_adjustment_ppm": {"type": "integer", "min": _MILLION, "max": _UINT32, "default": Decimal(_MILLION)},
        "spread_to_maintenance_margin_ratio_ppm": {"type": "integer", "min": 1, "max": _UINT32, "required": True},
        "min_position_notional_liquidated": {"type": "number", "min": 0, "required": True, "meta": _CURRENCY},
        "max_position_portion_liquidated_ppm": {"type": "integer", "min": 1, "max": _MILLION, "required": True},
        "max_notional_liquidated": {"type": "number", "above": 0, "nullable": True, "default": None, "meta": _CURRENCY},
        "price_tick": {"type": "number", "above": 0, "default": Decimal("1e-12"), "meta": _PER_CONTRACT},
        "quantum": QUANTUM,
    }

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        """The steps, in turns over the positions; the chain picks the first of them at random."""
        steps: list[Closing] = []
        turns: list[str] = []
        while pool.legs and not pool.restored:
            if len(steps) == STEPS or not pool.maintenance > 0:
                return [*steps, *(_rest(leg) for leg in pool.legs)]
            turns = turns or [leg.position for leg in pool.legs]
            position = turns.pop(0)
            leg = next(leg for leg in pool.legs if leg.position == position)
            least, most = _limits(leg, parameters)
            quantity = _quantity(leg, most, parameters)
            after = pool.close(position, quantity)
            figures = {"least_notional": least, "most_notional": most, **_prices(pool, after, leg, parameters)}
            reason = "as much as one block may liquidate"
            steps.append(Closing(position=position, quantity=quantity, reason=reason, figures=figures))
            pool = after
        return steps


def _rest(leg: Leg) -> Closing:
    return Closing(position=leg.position, quantity=leg.size, reason="the limits of a block do not restore the pool")


def _limits(leg: Leg, parameters: Parameters) -> tuple[Decimal, Decimal]:
    """The least and the most notional that one block closes of a position."""
    notional = abs(_notional(leg, parameters))
    least, quantum = parameters["min_position_notional_liquidated"], parameters["quantum"]
    portion = parameters["max_position_portion_liquidated_ppm"]
    most = formulas.most_liquidated(EXACT, notional, least, portion, quantum)
    return formulas.least_liquidated(EXACT, notional, least), most


def _quantity(leg: Leg, most: Decimal, parameters: Parameters) -> Decimal:
    """How many contracts to close: all of them where the limits reach that far."""
    account = parameters["max_notional_liquidated"]
    limit = most if account is None else min(most, account)
    if abs(_notional(leg, parameters)) <= limit or leg.size <= leg.step:
        return leg.size
    return formulas.liquidated_quantity(EXACT, limit, leg.value, leg.step, leg.size)  # type: ignore[no-any-return]


def _prices(pool: ClosablePool, after: ClosablePool, leg: Leg, parameters: Parameters) -> dict[str, Decimal]:
    """The fillable and the bankruptcy price of a step, per contract, and what the latter brings in all."""
    tick, quantum = parameters["price_tick"], parameters["quantum"]
    direction: Direction = "up" if leg.quantity > 0 else "down"
    collateral, notional = _net_collateral(pool, parameters), _notional(leg, parameters)
    rating = formulas.bankruptcy_rating(EXACT, collateral, pool.maintenance, parameters["bankruptcy_adjustment_ppm"])
    spread = parameters["spread_to_maintenance_margin_ratio_ppm"]
    fillable = formulas.fillable_price(EXACT, notional, leg.quantity, leg.maintenance, rating, spread)
    left = next((one for one in after.legs if one.position == leg.position), None)
    quantity, kept, remaining = Decimal(0), Decimal(0), Decimal(0)
    if left is not None:
        quantity, kept, remaining = left.quantity, left.maintenance, _notional(left, parameters)
    quote = formulas.bankruptcy_quote(
        EXACT, remaining - notional, kept - leg.maintenance, collateral, pool.maintenance, quantum
    )
    bankruptcy = EXACT.quotient(quote, leg.quantity - quantity)
    return {
        "fillable_price": formulas.order_price(EXACT, fillable, tick, direction),
        "bankruptcy_price": EXACT.rounded(bankruptcy, tick, direction),
        "bankruptcy_quote": EXACT.rounded(quote, quantum, "up"),
    }


def _notional(leg: Leg, parameters: Parameters) -> Decimal:
    return formulas.net_notional(EXACT, leg.quantity, leg.value, parameters["quantum"])  # type: ignore[no-any-return]


def _net_collateral(pool: ClosablePool, parameters: Parameters) -> Number:
    """The pool's equity with each position's notional cut to quantums, as the chain sums it."""
    return pool.equity - EXACT.total(leg.quantity * leg.value - _notional(leg, parameters) for leg in pool.legs)
