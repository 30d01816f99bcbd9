"""Derive's own test portfolios, as its test files spell them, and the mode's parameters in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent

VOLATILITY = {"Up": "up", "Down": "down", "None": "unchanged", "LINEAR": "linear_skew", "ABS": "absolute_skew"}

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "loss_factors": {
        "initial": ("Margin", "IM_LOSS_FACTOR"),
        "maintenance": ("Margin", "MM_LOSS_FACTOR"),
    },
    "volatility_shock": {
        "range_up": ("VolShock", "VOLRANGEUP"),
        "range_down": ("VolShock", "VOLRANGEDOWN"),
        "short_term_power": ("VolShock", "SHORTTERMPOWER"),
        "long_term_power": ("VolShock", "LONGTERMPOWER"),
        "floor_days": ("VolShock", "DTE_FLOOR"),
        "floor": ("VolShock", "MIN_VOL_EVAL_SHOCKED"),
    },
    "skew_shock": {
        "linear_cap": ("SkewShock", "LINEAR_SCALE_CAP"),
        "linear_cap_slope": ("SkewShock", "LINEAR_CBASE"),
        "absolute_cap": ("SkewShock", "ABS_SCALE_CAP"),
        "absolute_cap_slope": ("SkewShock", "ABS_CBASE"),
        "least_width": ("SkewShock", "MIN_K_STAR"),
        "width_scale": ("SkewShock", "MIN_WIDTH_SCALE"),
        "volatility": ("SkewShock", "VOL_PARAM_STATIC"),
        "volatility_slope": ("SkewShock", "VOL_PARAM_SCALE"),
    },
    "static_discount": {
        "long": ("Margin", "BASE_STATIC_DISCOUNT"),
        "long_rate_multiply": ("Margin", "LONG_RATE_MULTSCALE"),
        "long_rate_add": ("Margin", "LONG_RATE_ADDSCALE"),
        "short": ("Margin", "BASE_STATIC_DISCOUNT_NEG"),
        "short_rate_multiply": ("Margin", "SHORT_RATE_MULTSCALE"),
        "short_rate_add": ("Margin", "SHORT_RATE_ADDSCALE"),
    },
    "basis": {
        "spot_up": ("BasisContingency", "SCENARIO_SPOT_UP"),
        "spot_down": ("BasisContingency", "SCENARIO_SPOT_DOWN"),
        "add": ("BasisContingency", "BASIS_CONT_ADD_FACTOR"),
        "multiply_years": ("BasisContingency", "BASIS_CONT_MULT_FACTOR"),
    },
    "contingency": {
        "perpetual_initial": ("OtherContingency", "IM_PERP_PERCENT"),
        "perpetual_maintenance": ("OtherContingency", "MM_PERP_PERCENT"),
        "option_initial": ("OtherContingency", "IM_OPTION_PERCENT"),
        "option_maintenance": ("OtherContingency", "MM_OPTION_PERCENT"),
    },
    "confidence": {
        "threshold": ("OtherContingency", "CONF_THRESHOLD"),
        "multiply": ("OtherContingency", "CONF_MARGIN"),
    },
    "peg_loss": {
        "threshold": ("OtherContingency", "PEG_LOSS_THRESHOLD"),
        "multiply": ("OtherContingency", "PEG_LOSS_FACTOR"),
    },
}
"""Where each parameter stands in Derive's test files, as `TestPMRM_2_PortfolioCasesNEW.t.sol` reads them."""


class Feed(NamedTuple):
    """What the feeds say of an expiry: the time left in seconds, forward, rate, and how sure they are."""

    seconds: str
    forward: str
    forward_confidence: str
    rate: str
    rate_confidence: str
    volatility_confidence: str

    @property
    def confidence(self) -> str:
        """The lowest of the three."""
        return min(self.forward_confidence, self.rate_confidence, self.volatility_confidence, key=Decimal)


class Collateral(NamedTuple):
    """A collateral asset of a case."""

    asset: str
    amount: str
    price: str
    confidence: str
    risk_cancelling: bool
    initial_haircut: str
    maintenance_haircut: str


class Held(NamedTuple):
    """An option of a case."""

    seconds: str
    strike: str
    call: bool
    quantity: str
    volatility: str

    @property
    def name(self) -> str:
        """The name of its instrument."""
        return f"ETH-{self.seconds}-{self.strike}-{'C' if self.call else 'P'}"


@lru_cache(maxsize=1)
def file() -> Mapping[str, Any]:
    """The cases, with the parameters and scenarios that they share."""
    found: Mapping[str, Any] = json.loads((HERE / "cases" / "pmrm2.json").read_text(encoding="utf-8"))
    return found


def parameters(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The mode's parameters in a case."""
    values = {name: {**section, **inputs["params_overrides"].get(name, {})} for name, section in _shared().items()}
    scenarios = inputs["scenarios_override"] or file()["scenarios"]
    return {
        "scenarios": [
            {"spot": Decimal(spot), "volatility": VOLATILITY[volatility], "dampening": Decimal(dampening)}
            for spot, volatility, dampening in scenarios
        ],
        **{
            name: {field: Decimal(values[section][key]) for field, (section, key) in fields.items()}
            for name, fields in SECTIONS.items()
        },
        "collaterals": {
            one.asset: {
                "initial_haircut": Decimal(one.initial_haircut),
                "maintenance_haircut": Decimal(one.maintenance_haircut),
                "risk_cancelling": one.risk_cancelling,
            }
            for one in collaterals(inputs)
        },
    }


def _shared() -> Mapping[str, Mapping[str, str]]:
    shared: Mapping[str, Mapping[str, str]] = file()["parameters"]
    return shared


def collaterals(inputs: Mapping[str, Any]) -> list[Collateral]:
    """The collateral of a case."""
    return [Collateral(*row) for row in inputs["collaterals"]]


def options(inputs: Mapping[str, Any]) -> Iterator[tuple[Held, Feed]]:
    """The options of a case, each with the feeds of its expiry."""
    feeds = {row[0]: Feed(*row) for row in inputs["feeds"]}
    for row in inputs["options"]:
        yield Held(*row), feeds[row[0]]
