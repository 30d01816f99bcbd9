"""What the program's unit tests assert, through policy, account and market documents and the whole engine.

Two kinds stay on the formulas alone: paying back a debt out of a deposit (`liab`), for close-outs of the engine close
positions only, and weights of debts below 1, which policies may not state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest
from drift_documents import CASES, account, engine_of, market, position, scaled, shared_pool

from rules_engine.terms.evaluation import Closing

Facts = Mapping[str, str]


def weight(facts: Facts) -> dict[str, Decimal]:
    """An account with a deposit or a debt of this size, and its weight as the pool reports it."""
    base, size = scaled(facts["base_weight_bps"], 4), scaled(facts["size_native_6dec"], 6)
    deposit = facts["kind"] == "asset"
    spot = {"initial_asset_weight" if deposit else "initial_liability_weight": str(base)}
    spot["imf_factor"] = str(scaled(facts["imf_factor_e6"], 6))
    held = account(SOL=str(size if deposit else -size), USDC="1000000")
    pool = shared_pool(engine_of(spot=spot).evaluate(held, market(SOL="1")))
    kind = "asset" if deposit else "liability"
    return {"weight_bps": pool.figures[f"SOL_{kind}_weight_initial"] * 10_000}


def scaling(facts: Facts) -> dict[str, Decimal]:
    """A deposit in a market in which so much is deposited."""
    spot = {
        "initial_asset_weight": str(scaled(facts["initial_asset_weight_bps"], 4)),
        "scale_initial_asset_weight_start": facts["scale_start_quote"],
    }
    price = {"price": facts["price"], "measures": {"total_deposits": facts["total_deposits"]}}
    pool = shared_pool(engine_of(spot=spot).evaluate(account(SOL="1"), market(SOL=price)))
    return {"weight_bps": pool.figures["SOL_asset_weight_initial"] * 10_000}


def profit(facts: Facts) -> dict[str, Decimal]:
    """A long of 1 that has gained so much."""
    perp = {
        "unrealized_pnl_imf_factor": str(scaled(facts["imf_factor_e6"], 6)),
        "unrealized_pnl_initial_asset_weight": str(scaled(facts["initial_asset_weight_bps"], 4)),
    }
    mark = scaled(facts["unrealized_pnl_e6"], 6) + 1
    evaluation = engine_of(perp=perp).evaluate(account(position("1", "1"), USDC="0"), market(str(mark)))
    return {"weight_bps": evaluation.positions[0].figures["unrealized_pnl_weight_initial"] * 10_000}


def requirement(facts: Facts) -> dict[str, Decimal]:
    """A short of this size, entered at the mark, as in the program's test."""
    perp = {
        "margin_ratio_initial": str(scaled(facts["margin_ratio_initial_bps"], 4)),
        "imf_factor": str(scaled(facts["imf_factor_e6"], 6)),
    }
    held = account(position(str(-scaled(facts["base_size_e9"], 9)), facts["price"]), USDC="100000")
    pool = shared_pool(engine_of(perp=perp).evaluate(held, market(facts["price"])))
    assert pool.initial_margin == pool.figures["margin_requirement_initial"]
    return {"margin_requirement_e6": pool.figures["margin_requirement_initial"] * 1_000_000}


def high_leverage(facts: Facts) -> dict[str, Decimal]:
    """A position of this size of a user in high-leverage mode."""
    perp = {"imf_factor": str(scaled(facts["imf_factor_e6"], 6))}
    for prefix, ratios in (("", facts["normal_bps"]), ("high_leverage_", facts["hlm_bps"])):
        for kind, bps in zip(("initial", "maintenance"), ratios.split("/"), strict=True):
            perp[f"{prefix}margin_ratio_{kind}"] = str(scaled(bps, 4))
    held = account(position(str(scaled(facts["size_e9"], 9)), "1"), USDC="1000000")
    evaluation = engine_of(perp=perp, mode={"high_leverage": "true"}).evaluate(held, market("1"))
    ratio = evaluation.positions[0].figures[f"margin_ratio_{facts['margin_type']}"]
    return {"margin_ratio_bps": ratio * 10_000}


def closing(facts: Facts, base: Decimal, fee: str, largest: str) -> Closing:
    """The first closing of a long of `base` whose account lacks the shortage."""
    ratio = scaled(facts["margin_ratio_bps"], 4)
    price, quote_price = scaled(facts["oracle_price_e6"], 6), scaled(facts.get("quote_price_e6", "1000000"), 6)
    close = {
        "margin_ratio_maintenance": ratio,
        "liquidator_fee": scaled(fee, 6),
        "if_liquidation_fee": scaled(largest, 6),
    }
    engine = engine_of(
        perp={"margin_ratio_maintenance": str(ratio)},
        plan={"quote_price": quote_price},
        close={name: str(value) for name, value in close.items()},
        payoff=f"payoff: quanto, contract_size: 1, conversion: {quote_price}",
        currency="USD",
    )
    lacking = base * price * quote_price * ratio - scaled(facts["margin_shortage_e6"], 6)
    held = account(position(str(base), str(price)), USDC=str(lacking))
    pool = shared_pool(engine.evaluate(held, market(str(price), USDC="1")))
    assert pool.status == "liquidate"
    return pool.close_out[0]


def covering(facts: Facts) -> dict[str, Decimal]:
    """A long of 100 whose account lacks the shortage, and its first closing."""
    step = closing(facts, Decimal(100), facts["liquidation_fee_e6"], facts["if_liquidation_fee_e6"])
    assert step.quantity == step.figures["base_amount"]
    return {"base_amount_e9": step.figures["base_amount"] * 1_000_000_000}


def insurance(facts: Facts) -> dict[str, Decimal]:
    """The long of the case, and the insurance fund's fee in its first closing."""
    step = closing(facts, scaled(facts["base_e9"], 9), facts["liquidator_fee_e6"], facts["max_if_fee_e6"])
    return {"fee_e6": step.figures["insurance_fund_fee"] * 1_000_000}


KINDS: dict[str, Callable[[Facts], dict[str, Decimal]]] = {
    "weight": weight,
    "scaled": scaling,
    "upnl": profit,
    "req": requirement,
    "hlm": high_leverage,
    "cover": covering,
    "iffee": insurance,
}


def carried(name: str) -> bool:
    """Whether documents can state the case."""
    facts = CASES[name]["inputs"]
    debt_below_one = facts.get("kind") == "liab" and scaled(facts["base_weight_bps"], 4) < 1
    return name.split("-")[1] in KINDS and not debt_below_one


@pytest.mark.parametrize("name", [name for name in CASES if carried(name)])
def test_case__end_to_end(name: str) -> None:
    """Each case that documents can state comes out to the last digit."""
    case = CASES[name]
    found = KINDS[name.split("-")[1]](case["inputs"])
    assert found == {figure: Decimal(value) for figure, value in case["expected"].items()}
