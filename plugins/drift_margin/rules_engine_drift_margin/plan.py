"""The close-out plan `drift_shortage`: how much base covers what the pool lacks, as `liquidate_perp` sizes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from rules_engine.plugin import EXACT, ClosablePool, Closing, Leg, MissingInput, Number, Parameters, ParameterSchema
from rules_engine_drift_margin import formulas
from rules_engine_drift_margin import parameters as schema
from rules_engine_drift_margin.formulas import QUOTE, ZERO, cut

_ROUNDS: Final = 10
"""How often each position may be closed a part of: rounding to a step leaves a sliver, which a second round takes."""


class Shortage:
    """Closes what covers the margin shortage, first where most maintenance is required; ties go by id.

    The shortage is `margin_requirement_plus_buffer - total_collateral`: maintenance and the buffer on all perp
    positions, less equity. Where the policy restores further than that (`restore_to`), the least that does so follows.
    Where a closing frees nothing, the position is closed, and everything where all closings free too little.
    """

    name = "drift_shortage"
    parameters: ParameterSchema = schema.PLAN

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        start = pool
        steps: list[Closing] = []
        for _ in range(_ROUNDS * len(start.legs)):
            if not pool.legs or shortage_of(pool, parameters) <= 0:
                break
            steps.append(_closing(pool, _largest(pool), parameters))
            pool = pool.close(steps[-1].position, steps[-1].quantity)
        if shortage_of(pool, parameters) > 0:
            return [_whole(leg, "nothing covers the shortage") for leg in start.legs]
        while pool.legs and not pool.restored:
            steps.append(_restoring(pool, _largest(pool)))
            pool = pool.close(steps[-1].position, steps[-1].quantity)
        return steps


def _largest(pool: ClosablePool) -> Leg:
    """The position that requires most; legs stand by id, so ties go by id."""
    return max(pool.legs, key=lambda leg: leg.maintenance)


def _whole(leg: Leg, reason: str, **figures: Decimal) -> Closing:
    return Closing(position=leg.position, quantity=leg.size, reason=reason, figures=figures)


def _restoring(pool: ClosablePool, leg: Leg) -> Closing:
    """What the policy's own line asks for beyond the shortage."""
    enough = pool.smallest(leg.position)
    return Closing(
        position=leg.position, quantity=leg.size if enough is None else enough, reason="restores the policy's line"
    )


class Terms(NamedTuple):
    """A leg in the program's terms: its market's parameters, oracle price, and the ratio with the buffer."""

    market: Mapping[str, Any]
    price: Number
    quote_price: Decimal
    margin_ratio: Number
    requirement: Number


def terms_of(leg: Leg, parameters: Parameters) -> Terms:
    """What `liquidate_perp` reads of a market. Raises `MissingInput` where the policy states nothing of it."""
    market = parameters["markets"].get(leg.instrument)
    if market is None:
        raise MissingInput("REFERENCE_MISSING", f"the plan's parameters state nothing of {leg.instrument}")
    quote_price = parameters["quote_price"]
    price = EXACT.quotient(leg.value, quote_price)
    ratio = formulas.liability_weight(EXACT, leg.size, market["imf_factor"], market["margin_ratio_maintenance"])
    value = formulas.perp_value(EXACT, leg.size, price, quote_price)
    requirement = formulas.perp_requirement(EXACT, value, ratio)
    return Terms(market, price, quote_price, ratio + parameters["liquidation_buffer"], requirement)


def shortage_of(pool: ClosablePool, parameters: Parameters) -> Decimal:
    """What total collateral lacks of the requirement with the buffer, in whole millionths, up; below 0: nothing."""
    buffers = [cut(EXACT, leg.notional * parameters["liquidation_buffer"], QUOTE) for leg in pool.legs]
    lacking: Decimal = EXACT.rounded(EXACT.total([pool.maintenance, *buffers]) - pool.equity, QUOTE, "up")
    return lacking


def _closing(pool: ClosablePool, leg: Leg, parameters: Parameters) -> Closing:
    """One closing: enough base for the shortage, up to a whole step, and never more than the position."""
    shortage, terms = shortage_of(pool, parameters), terms_of(leg, parameters)
    market, ratio, price, quote_price = terms.market, terms.margin_ratio, terms.price, terms.quote_price
    fee = market["liquidator_fee"]
    tracked = _share_of(pool, terms, shortage, parameters)
    insurance = formulas.insurance_fund_fee(
        EXACT, tracked, leg.size, ratio, fee, price, quote_price, market["if_liquidation_fee"]
    )
    freed = formulas.freed_by_contract(EXACT, ratio, fee, insurance, price, quote_price)
    figures = {"margin_shortage": shortage, "margin_ratio_with_buffer": ratio, "insurance_fund_fee": insurance}
    if freed <= 0:
        return _whole(leg, "frees nothing by parts", **figures)
    amount = formulas.base_amount_to_cover(EXACT, shortage, freed)
    quantity = min(leg.size, EXACT.rounded(amount, market["order_step_size"], "up"))
    value = formulas.perp_value(EXACT, quantity, price, quote_price)
    figures |= {
        "base_amount": amount,
        "liquidator_payment": cut(EXACT, value * fee, QUOTE),
        "insurance_fund_payment": cut(EXACT, value * insurance, QUOTE),
    }
    return Closing(position=leg.position, quantity=quantity, reason="covers the margin shortage", figures=figures)


def _share_of(pool: ClosablePool, terms: Terms, shortage: Decimal, parameters: Parameters) -> Number:
    """One market's part of the shortage, by margin requirement (`tracked_market_margin_shortage`)."""
    whole = EXACT.total([terms_of(leg, parameters).requirement for leg in pool.legs])
    return cut(EXACT, EXACT.quotient(shortage * terms.requirement, whole), QUOTE) if whole else ZERO
