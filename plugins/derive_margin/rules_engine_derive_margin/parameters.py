"""What a policy states for the mode: the parameters of `PMRMLib_2`, under whole words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from rules_engine.plugin import ParameterSchema

UNCHANGED: Final = "unchanged"
UP: Final = "up"
DOWN: Final = "down"
LINEAR_SKEW: Final = "linear_skew"
ABSOLUTE_SKEW: Final = "absolute_skew"
SKEWS: Final = (LINEAR_SKEW, ABSOLUTE_SKEW)
"""Scenarios that turn the volatility smile at an unchanged spot price."""

_ANY: Final[Mapping[str, Any]] = {"type": "number", "required": True}
_PART: Final[Mapping[str, Any]] = {**_ANY, "min": 0, "max": 1}
_FACTOR: Final[Mapping[str, Any]] = {**_ANY, "min": 0}


def _section(**fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "dict", "required": True, "schema": fields}


PARAMETERS: Final[ParameterSchema] = {
    "scenarios": {
        "type": "list",
        "required": True,
        "minlength": 1,
        "schema": {
            "type": "dict",
            "schema": {
                "spot": _FACTOR,
                "volatility": {"type": "string", "allowed": [UNCHANGED, UP, DOWN, *SKEWS], "required": True},
                "dampening": _FACTOR,
            },
        },
    },
    "loss_factors": _section(initial=_FACTOR, maintenance=_FACTOR),
    "volatility_shock": _section(
        range_up=_FACTOR,
        range_down=_FACTOR,
        short_term_power=_ANY,
        long_term_power=_ANY,
        floor_days=_FACTOR,
        floor=_FACTOR,
    ),
    "skew_shock": _section(
        linear_cap=_ANY,
        linear_cap_slope=_ANY,
        absolute_cap=_ANY,
        absolute_cap_slope=_ANY,
        least_width=_FACTOR,
        width_scale=_FACTOR,
        volatility=_ANY,
        volatility_slope=_ANY,
    ),
    "static_discount": _section(
        long=_FACTOR,
        long_rate_multiply=_FACTOR,
        long_rate_add=_FACTOR,
        short=_FACTOR,
        short_rate_multiply=_FACTOR,
        short_rate_add=_FACTOR,
    ),
    "basis": _section(spot_up=_FACTOR, spot_down=_FACTOR, add=_FACTOR, multiply_years=_FACTOR),
    "contingency": _section(
        perpetual_initial=_FACTOR, perpetual_maintenance=_FACTOR, option_initial=_FACTOR, option_maintenance=_FACTOR
    ),
    "confidence": _section(threshold=_PART, multiply=_FACTOR),
    "peg_loss": _section(threshold=_FACTOR, multiply=_FACTOR),
    "collaterals": {
        "type": "dict",
        "default": {},
        "valuesrules": _section(
            initial_haircut=_FACTOR, maintenance_haircut=_PART, risk_cancelling={"type": "boolean", "default": False}
        ),
    },
    "settlement_window": {"type": "duration", "coerce": "duration", "default": "30m"},
}
"""The schema. The README says by section what `PMRMLib_2` calls each.

What `initial` names of contingencies and haircuts is charged on top of `maintenance`; `settlement_window` is the time
over which the settlement price is averaged.
"""

SECONDS_OF_DAY: Final = Decimal(86400)
REFERENCE_DAYS: Final = Decimal(30)
"""The time to expiry at which a volatility shock is just its range (`_addVolShocks`)."""
