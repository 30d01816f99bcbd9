"""The numbers of the chain's own tests, from policy, account and market documents through the engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from venue import CASES, engine_of, evaluated, position, size, worth

from rules_engine.terms.evaluation import Closing, PositionFigures

CAPS = {"oi_lower_cap": "open_interest_lower_cap", "oi_upper_cap": "open_interest_upper_cap"}
FRACTIONS = ("initial_margin_ppm", "maintenance_fraction_ppm")


def _of(*kinds: str, bankrupt: bool = False) -> list[Any]:
    """The cases of these kinds; those of bankrupt accounts, which no plan sees, stand with the formulas."""
    chosen = [case for case in CASES if case["id"].split("-")[1] in kinds]
    solvent = [one for one in chosen if "usdc" not in one["inputs"] or (worth(one["inputs"]) < 0) == bankrupt]
    return [pytest.param(one["inputs"], one["expected"], id=one["id"]) for one in solvent]


def _quanta(text: str) -> Decimal:
    return Decimal(f"{text}e-6")


def _held(inputs: dict[str, Any], quantity: Decimal, price: Decimal, open_interest: Decimal) -> PositionFigures:
    """The figures of one position under the tier of a case."""
    caps = {ours: str(_quanta(inputs[theirs])) for theirs, ours in CAPS.items()}
    engine = engine_of({**{name: inputs[name] for name in FRACTIONS if name in inputs}, **caps})
    held = position("BTC", quantity, price)
    return evaluated(engine, [held], net_collateral="1e29", open_interest=open_interest).positions[0]


@pytest.mark.parametrize(("inputs", "expected"), _of("imr", "oimf"))
def test_initial_margin__of_the_chain(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    """A position of one coin that is worth the notional requires what the chain's test expects of it."""
    notional = _quanta(inputs.get("notional_quote_quantums", "1000000"))
    figures = _held(inputs, Decimal(1), notional, _quanta(inputs["open_interest_notional"]))
    if "imr" in expected:
        assert figures.initial_margin == _quanta(expected["imr"])
    if "imf_ppm" in expected:
        assert figures.figures["initial_margin_fraction_ppm"] == Decimal(expected["imf_ppm"])


@pytest.mark.parametrize(("inputs", "expected"), _of("margin"))
def test_margin_requirements__of_the_chain(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    """Quantums, exponents and resolutions of the chain, as coins and dollars, up to its largest price and size."""
    price = Decimal(inputs["price"]).scaleb(int(inputs["exponent"]))
    resolution = int(inputs["base_atomic_resolution"])
    quantity, interest = (
        Decimal(inputs[name]).scaleb(resolution) for name in ("base_quantums", "open_interest_base_quantums")
    )
    figures = _held(inputs, quantity, price, interest * price)
    assert figures.initial_margin == _quanta(expected["imr"])
    assert figures.maintenance_margin == _quanta(expected["mmr"])


def _liquidated(inputs: dict[str, Any], plan: dict[str, str], tier: dict[str, str] | None = None) -> Closing:
    """The first step of the close-out of a case's account: its market to close comes first."""
    held = [
        position(market, size(inputs, market), inputs["prices"][market], id=f"{market != inputs['close']:d}-{market}")
        for market in inputs["positions_base_quantums"]
    ]
    evaluation = evaluated(engine_of(tier, plan), held, net_collateral=worth(inputs))
    assert evaluation.pools[0].status == "liquidate"
    return evaluation.pools[0].close_out[0]


@pytest.mark.parametrize(("inputs", "expected"), _of("bankruptcy"))
def test_bankruptcy_price__of_the_chain(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    """A step that closes what the chain's test closes must bring what it expects."""
    delta, held = Decimal(inputs["delta_quantums"]), Decimal(inputs["positions_base_quantums"][inputs["close"]])
    portion = {"max_position_portion_liquidated_ppm": f"{-delta / held * 1_000_000:f}"}
    step = _liquidated(inputs, portion, {name: inputs[name] for name in FRACTIONS})
    assert step.quantity == size(inputs, inputs["close"]).copy_abs() * (-delta / held)
    assert step.figures["bankruptcy_quote"] == _quanta(expected["bankruptcy_quote_quantums"])


@pytest.mark.parametrize(("inputs", "expected"), _of("fillable"))
def test_fillable_price__of_the_chain(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    """Quote quantums a base quantum, as dollars a coin."""
    plan = {
        "bankruptcy_adjustment_ppm": inputs["bankruptcy_adjustment_ppm"],
        "spread_to_maintenance_margin_ratio_ppm": inputs["spread_to_mm_ratio_ppm"],
    }
    per_coin = size({"positions_base_quantums": {inputs["close"]: "1"}}, inputs["close"])
    step = _liquidated(inputs, plan)
    assert step.figures["fillable_price"] == _quanta(expected["fillable_quote_per_base"]) / per_coin


@pytest.mark.parametrize(("inputs", "expected"), _of("partial"))
def test_partial_liquidation__of_the_chain(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    """The step states the least and the most notional that one block closes, and closes the most."""
    plan = {
        "min_position_notional_liquidated": str(_quanta(inputs["min_position_notional_liquidated"])),
        "max_position_portion_liquidated_ppm": inputs["max_position_portion_liquidated_ppm"],
    }
    held = position("BTC", Decimal(inputs["btc_base_quantums"]).scaleb(-8), inputs["price"])
    step = evaluated(engine_of(plan=plan), [held], net_collateral="1").pools[0].close_out[0]
    assert step.figures["least_notional"] == _quanta(expected["min"])
    assert step.figures["most_notional"] == _quanta(expected["max"])
    assert step.quantity * Decimal(inputs["price"]) == _quanta(expected["max"])
