"""Cross and isolated subaccounts of dYdX v4: what a position requires by its market's liquidity tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from rules_engine.plugin import (
    COLLATERAL,
    MIRROR,
    SIZE,
    Backing,
    Exposure,
    MissingInput,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    closing_fee,
)
from rules_engine_dydx_margin import formulas
from rules_engine_dydx_margin.formulas import LiquidityTier

OPEN_INTEREST: Final = "open_interest_notional"
"""The measure that scaled tiers read: a market's open interest at its oracle price, in the settlement currency."""

ANY_MARKET: Final = "*"
"""Stands in a tier's `markets` for every market that no tier names."""

QUANTUM: Final = {"type": "number", "above": 0, "default": Decimal("0.000001"), "meta": {"unit": "currency"}}
"""One quote quantum of the chain: 1e-6 USDC (`lib/constants.go`, `QuoteCurrencyAtomicResolution`)."""


def _caps_in_order(field: str, tier: Mapping[str, Any], error: Callable[[str, str], None]) -> None:
    """The chain refuses a lower cap above the upper one, an upper one of 0 too (`LiquidityTier.Validate`)."""
    lower, upper = tier.get("open_interest_lower_cap"), tier.get("open_interest_upper_cap")
    if isinstance(lower, Decimal) and isinstance(upper, Decimal) and lower > upper:
        error(field, f"the lower cap {lower} is above the upper cap {upper}")


def _each_market_once(field: str, tiers: Mapping[str, Any], error: Callable[[str, str], None]) -> None:
    """A market has one liquidity tier."""
    listed = [tier["markets"] for tier in tiers.values() if isinstance(tier, Mapping) and "markets" in tier]
    names = [name for markets in listed if isinstance(markets, list) for name in markets]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        error(field, f"market {name} stands in two tiers")


_PPM: Final = {"type": "integer", "min": 0, "max": 1_000_000, "required": True}
_CAP: Final = {"type": "number", "min": 0, "default": Decimal(0), "meta": {"unit": "currency"}}
_TIER: Final = {
    "markets": {"type": "list", "minlength": 1, "required": True, "schema": {"type": "string"}},
    "initial_margin_ppm": _PPM,
    "maintenance_fraction_ppm": _PPM,
    "open_interest_lower_cap": _CAP,
    "open_interest_upper_cap": _CAP,
}
_PARAMETERS: Final[ParameterSchema] = {
    "tiers": {
        "type": "dict",
        "required": True,
        "minlength": 1,
        "valuesrules": {"type": "dict", "schema": _TIER, "check_with": _caps_in_order},
        "check_with": _each_market_once,
    },
    "quantum": QUANTUM,
}


def tier_of(instrument: str, parameters: Parameters) -> LiquidityTier:
    """The liquidity tier of a market: the one that names it, or the one of `*`. Raises `MissingInput`."""
    by_market = {market: tier for tier in parameters["tiers"].values() for market in tier["markets"]}
    found = by_market.get(instrument, by_market.get(ANY_MARKET))
    if found is None:
        raise MissingInput("REFERENCE_MISSING", f"no liquidity tier of the policy lists {instrument}")
    return LiquidityTier(**{name: value for name, value in found.items() if name != "markets"})


def _fraction(num: NumberSystem, exposure: Exposure, tier: LiquidityTier, quantum: Decimal) -> Number:
    """The initial margin fraction in ppm: by open interest, or the leverage's where that is more."""
    open_interest = exposure.market.measure(OPEN_INTEREST) if tier.scales else None
    scaled = formulas.open_interest_fraction(num, tier, open_interest, quantum)
    if exposure.leverage is None:
        return scaled
    return num.maximum(scaled, formulas.chosen_fraction(num, exposure.leverage))


class Cross:
    """All positions of the account share its collateral, as in a subaccount of cross markets.

    What it requires is a sum over positions (`lib/margin/risk.go`), each by its market's tier. The policy's own table
    plays no part in it.
    """

    name = "dydx_cross"
    parameters = _PARAMETERS
    keeps = frozenset({MIRROR, SIZE, COLLATERAL})
    measures: Mapping[str, str] = {OPEN_INTEREST: "currency"}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """By liquidity tier; a closing fee that the policy counts in either figure comes on top of it."""
        quantum = parameters["quantum"]
        tier = tier_of(exposure.instrument, parameters)
        fraction = _fraction(num, exposure, tier, quantum)
        opened, kept = (
            num.absolute(formulas.net_notional(num, exposure.quantity, value, quantum))
            for value in (exposure.initial_value, exposure.maintenance_value)
        )
        initial = formulas.initial_margin(num, opened, fraction, quantum)
        maintenance = formulas.maintenance_margin(num, kept, tier, quantum)
        fees = exposure.closing_fee.counts_in
        if "maintenance" in fees:
            maintenance = maintenance + closing_fee(num, exposure)
        if "initial" in fees:
            initial = initial + closing_fee(num, exposure)
        return Requirement(
            num.named("initial_margin", num.maximum(initial, maintenance)),
            num.named("maintenance_margin", maintenance),
            figures={"initial_margin_fraction_ppm": fraction},
        )


class Isolated(Cross):
    """Every position stands on its own margin, as in a subaccount that holds one isolated market."""

    name = "dydx_isolated"

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key=position.id, backing=Backing.POSITION)
