"""What a policy says of Vega's markets: parameters that hold for all, and others for single markets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from rules_engine.plugin import InstrumentView, Parameters, ParameterSchema
from rules_engine_vega_margin.formulas import ZERO, Market

DEFAULT_LINEAR_SLIPPAGE: Final = Decimal("0.1")
"""`market.linearSlippageFactor`, "with a default of `0.1`": 0019-MCAL, "Reference Level Explanation"."""


def _number(unit: str = "1", **rules: Any) -> dict[str, Any]:
    """The schema of a number in this unit."""
    return {"type": "number", "meta": {"unit": unit}, **rules}


_OF_A_MARKET: Final[dict[str, dict[str, Any]]] = {
    "risk_factor_long": _number(above=0),
    "risk_factor_short": _number(above=0),
    "linear_slippage": _number(min=0),
    "quadratic_slippage": _number("contract^-1", min=0),
    "initial_factor": _number(min=1),
    "perpetual": {"type": "boolean"},
}
"""What differs from market to market. Whether a market is perpetual says whether it has funding."""

_CROSS: Final = {"search_factor": _number(min=1), "release_factor": _number(min=1)}
_ISOLATED: Final = {"margin_factor": _number(above=0)}

_WITHOUT: Final[dict[str, Any]] = {
    "linear_slippage": DEFAULT_LINEAR_SLIPPAGE,
    "quadratic_slippage": ZERO,
    "perpetual": False,
}
"""What holds where neither the policy nor the market says anything; all else must be stated."""


def _schema(own: dict[str, dict[str, Any]]) -> ParameterSchema:
    """The schema of a mode: each number for all markets, and again, none of them required, under `markets`."""
    of_a_market = _OF_A_MARKET | own
    for_all = {
        name: {**rules, **({"default": _WITHOUT[name]} if name in _WITHOUT else {"required": True})}
        for name, rules in of_a_market.items()
    }
    return {
        **for_all,
        "asset_unit": _number("currency", above=0),
        "markets": {"type": "dict", "default": {}, "valuesrules": {"type": "dict", "schema": of_a_market}},
    }


CROSS_PARAMETERS: Final = _schema(_CROSS)
ISOLATED_PARAMETERS: Final = _schema(_ISOLATED)


def of_market(parameters: Parameters, instrument: str) -> Parameters:
    """The parameters that hold for one market: its own before those for all."""
    return {**parameters, **parameters["markets"].get(instrument, {})}


def market_of(view: InstrumentView, parameters: Parameters) -> Market:
    """A market's terms, by its parameters and by what the market document measures.

    Raises `MissingInput` where a perpetual market comes without `funding_per_unit`.
    """
    auction_price = view.measure_if_stated("auction_price")
    return Market(
        risk_factors=(parameters["risk_factor_long"], parameters["risk_factor_short"]),
        linear_slippage=parameters["linear_slippage"],
        quadratic_slippage=parameters["quadratic_slippage"],
        contract_size=view.contract_size,
        auction_value=None if auction_price is None else view.contract_size * auction_price,
        funding_per_unit=view.measure("funding_per_unit") if parameters["perpetual"] else None,
    )
