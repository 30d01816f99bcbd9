"""The numbers of the chain's own tests, on the formulas: all of them, in quantums as the chain counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from rules_engine_dydx_margin import formulas
from rules_engine_dydx_margin.formulas import LiquidityTier
from venue import BASE_QUANTUMS, CASES

from rules_engine.numbers.exact import EXACT, Ratio, exactly

Answers = dict[str, Any]
ONE = Decimal(1)


@pytest.fixture(autouse=True)
def _exact_arithmetic() -> Iterator[None]:
    with exactly():
        yield


def _tier(inputs: Answers) -> LiquidityTier:
    return LiquidityTier(
        initial_margin_ppm=Decimal(inputs.get("initial_margin_ppm", "200000")),
        maintenance_fraction_ppm=Decimal(inputs.get("maintenance_fraction_ppm", "500000")),
        open_interest_lower_cap=Decimal(inputs.get("oi_lower_cap", "0")),
        open_interest_upper_cap=Decimal(inputs.get("oi_upper_cap", "0")),
    )


def _initial(inputs: Answers) -> Answers:
    interest = Decimal(inputs["open_interest_notional"])
    fraction = formulas.open_interest_fraction(EXACT, _tier(inputs), interest, ONE)
    notional = Decimal(inputs.get("notional_quote_quantums", "0"))
    return {"imf_ppm": fraction, "imr": formulas.initial_margin(EXACT, notional, fraction, ONE)}


def _margin(inputs: Answers) -> Answers:
    tier = _tier(inputs)
    # Dollars to quote quantums: 10 ** 6; coins to base quantums: 10 ** -resolution.
    value = Decimal(inputs["price"]).scaleb(int(inputs["exponent"]) + int(inputs["base_atomic_resolution"]) + 6)
    notional, interest = (
        formulas.net_notional(EXACT, Decimal(inputs[name]), value, ONE)
        for name in ("base_quantums", "open_interest_base_quantums")
    )
    fraction = formulas.open_interest_fraction(EXACT, tier, interest, ONE)
    return {
        "imr": formulas.initial_margin(EXACT, notional, fraction, ONE),
        "mmr": formulas.maintenance_margin(EXACT, notional, tier, ONE),
    }


class _Account:
    """A case's account in quantums, and the position in it that is closed."""

    def __init__(self, inputs: Answers) -> None:
        per_unit = inputs.get("base_quantums_per_unit", BASE_QUANTUMS)
        self.tier = _tier(inputs)
        self.held = {name: Decimal(quantums) for name, quantums in inputs["positions_base_quantums"].items()}
        self.values = {name: Decimal(inputs["prices"][name]) * 10**6 / Decimal(per_unit[name]) for name in self.held}
        self.net_collateral = Decimal(inputs["usdc"]) * 10**6 + sum(self.notional(name) for name in self.held)
        self.maintenance_in_all = sum(self.maintenance(name) for name in self.held)

    def notional(self, name: str, change: Decimal = Decimal(0)) -> Decimal:
        return Decimal(formulas.net_notional(EXACT, self.held[name] + change, self.values[name], ONE))

    def maintenance(self, name: str, change: Decimal = Decimal(0)) -> Decimal:
        return Decimal(formulas.maintenance_margin(EXACT, abs(self.notional(name, change)), self.tier, ONE))


def _bankruptcy(inputs: Answers) -> Answers:
    account, close, delta = _Account(inputs), inputs["close"], Decimal(inputs["delta_quantums"])
    notional = account.notional(close, delta) - account.notional(close)
    maintenance = account.maintenance(close, delta) - account.maintenance(close)
    quote = formulas.bankruptcy_quote(
        EXACT, notional, maintenance, account.net_collateral, account.maintenance_in_all, ONE
    )
    return {"bankruptcy_quote_quantums": quote}


def _fillable(inputs: Answers) -> Answers:
    account, close = _Account(inputs), inputs["close"]
    adjustment, spread = Decimal(inputs["bankruptcy_adjustment_ppm"]), Decimal(inputs["spread_to_mm_ratio_ppm"])
    rating = formulas.bankruptcy_rating(EXACT, account.net_collateral, account.maintenance_in_all, adjustment)
    position = account.notional(close), account.held[close], account.maintenance(close)
    return {"fillable_quote_per_base": formulas.fillable_price(EXACT, *position, rating, spread)}


def _partial(inputs: Answers) -> Answers:
    notional = Decimal(inputs["btc_base_quantums"]) * Decimal(inputs["price"]).scaleb(6 - 8)
    least, portion = (
        Decimal(inputs[name]) for name in ("min_position_notional_liquidated", "max_position_portion_liquidated_ppm")
    )
    return {
        "min": formulas.least_liquidated(EXACT, notional, least),
        "max": formulas.most_liquidated(EXACT, notional, least, portion, ONE),
    }


COMPUTED: dict[str, Callable[[Answers], Answers]] = {
    "imr": _initial,
    "oimf": _initial,
    "margin": _margin,
    "bankruptcy": _bankruptcy,
    "fillable": _fillable,
    "partial": _partial,
}


def _fraction(x: Any) -> Fraction:
    return Fraction(x.n) / Fraction(x.d) if isinstance(x, Ratio) else Fraction(x)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_formulas__of_the_chain(case: Answers) -> None:
    """Every expected number, exactly; those of bankrupt accounts, which no plan sees, only here."""
    answers = COMPUTED[case["id"].split("-")[1]](case["inputs"])
    for name, expected in case["expected"].items():
        assert _fraction(answers[name]) == Fraction(expected)
