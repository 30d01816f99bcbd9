"""What a policy states for the mode `drift_cross` and the plan `drift_shortage`, by the program's own field names."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from rules_engine.plugin import ParameterSchema
from rules_engine_drift_margin.formulas import BASE, RATE, WEIGHT

Check = Callable[[str, Any, Callable[[str, str], None]], None]


def _multiple_of(unit: Decimal) -> Check:
    """The check that a number has no more digits than the program stores."""

    def check(field: str, value: Any, error: Callable[[str, str], None]) -> None:
        if isinstance(value, Decimal) and value % unit:
            error(field, f"must be a multiple of {unit:f}")

    return check


def _number(unit: Decimal, **rules: Any) -> dict[str, Any]:
    return {"type": "number", "check_with": _multiple_of(unit), **rules}


_SMALLEST: Final = 5 * WEIGHT
"""The program divides by a fifth of a ratio, cut to its unit; a smaller ratio would make that 0."""

_RATIO: Final = _number(WEIGHT, min=_SMALLEST, max=1, required=True)
_HIGH_LEVERAGE: Final = _number(WEIGHT, above=0, max=1)
_IMF: Final = _number(RATE, min=0, default=Decimal(0), meta={"unit": "contract^-1/2"})
_PNL_IMF: Final = _number(RATE, min=0, default=Decimal(0), meta={"unit": "currency^-1/2"})
_ASSET: Final = _number(WEIGHT, min=0, max=1, required=True)
_LIABILITY: Final = _number(WEIGHT, min=1, required=True)
_AMOUNT: Final = {"type": "number", "above": 0, "meta": {"unit": "currency"}}
_FEE: Final = _number(RATE, min=0, below=1, default=Decimal(0))
_BUFFER: Final = _number(WEIGHT, min=0, max=1, required=True)

_MARKET: Final = {
    "margin_ratio_initial": _RATIO,
    "margin_ratio_maintenance": _RATIO,
    "high_leverage_margin_ratio_initial": {**_HIGH_LEVERAGE, "dependencies": "high_leverage_margin_ratio_maintenance"},
    "high_leverage_margin_ratio_maintenance": {**_HIGH_LEVERAGE, "dependencies": "high_leverage_margin_ratio_initial"},
    "imf_factor": _IMF,
    "unrealized_pnl_initial_asset_weight": _ASSET,
    "unrealized_pnl_maintenance_asset_weight": _ASSET,
    "unrealized_pnl_imf_factor": _PNL_IMF,
    "unrealized_pnl_max_imbalance": _AMOUNT,
}

_SPOT_MARKET: Final = {
    "initial_asset_weight": _ASSET,
    "maintenance_asset_weight": _ASSET,
    "initial_liability_weight": _LIABILITY,
    "maintenance_liability_weight": _LIABILITY,
    "imf_factor": {**_IMF, "meta": {"unit": "1"}},
    "scale_initial_asset_weight_start": _AMOUNT,
}

_CLOSED_MARKET: Final = {
    "margin_ratio_maintenance": _RATIO,
    "imf_factor": _IMF,
    "liquidator_fee": _FEE,
    "if_liquidation_fee": _FEE,
    "order_step_size": _number(BASE, above=0, default=BASE, meta={"unit": "contract"}),
}


def _named(schema: dict[str, Any]) -> dict[str, Any]:
    """A mapping from names, of markets or assets, to mappings of this shape."""
    return {
        "type": "dict",
        "default": {},
        "keysrules": {"type": "string"},
        "valuesrules": {"type": "dict", "schema": schema},
    }


MODE: Final[ParameterSchema] = {
    "markets": _named(_MARKET),
    "assets": _named(_SPOT_MARKET),
    "quote_asset": {"type": "string", "default": "USDC"},
    "liquidation_buffer": _BUFFER,
    "high_leverage": {"type": "boolean", "default": False},
}

PLAN: Final[ParameterSchema] = {
    "markets": _named(_CLOSED_MARKET),
    "liquidation_buffer": _BUFFER,
    "quote_price": {"type": "number", "above": 0, "default": Decimal(1)},
}
