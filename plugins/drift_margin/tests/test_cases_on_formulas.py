"""What the program's unit tests assert, on the formulas alone, by kind of case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest
from drift_documents import CASES, scaled
from rules_engine_drift_margin import formulas

from rules_engine.numbers.exact import EXACT, exactly

Facts = Mapping[str, str]


def weight(facts: Facts) -> dict[str, Decimal]:
    """An asset or liability weight, as `get_asset_weight` and `get_liability_weight` give it."""
    size, base = scaled(facts["size_native_6dec"], 6), scaled(facts["base_weight_bps"], 4)
    by_size = formulas.asset_weight if facts["kind"] == "asset" else formulas.liability_weight
    return {"weight_bps": by_size(EXACT, size, scaled(facts["imf_factor_e6"], 6), base) * 10_000}


def scaling(facts: Facts) -> dict[str, Decimal]:
    """The initial asset weight under total deposits."""
    value = Decimal(facts["total_deposits"]) * Decimal(facts["price"])
    base, start = scaled(facts["initial_asset_weight_bps"], 4), Decimal(facts["scale_start_quote"])
    return {"weight_bps": formulas.scaled_weight(EXACT, base, start, value) * 10_000}


def profit(facts: Facts) -> dict[str, Decimal]:
    """The weight of unrealized profits."""
    gain, factor = scaled(facts["unrealized_pnl_e6"], 6), scaled(facts["imf_factor_e6"], 6)
    base = scaled(facts["initial_asset_weight_bps"], 4)
    return {"weight_bps": formulas.asset_weight(EXACT, gain, factor, base) * 10_000}


def requirement(facts: Facts) -> dict[str, Decimal]:
    """The margin requirement of a perpetual position."""
    size, factor = scaled(facts["base_size_e9"], 9), scaled(facts["imf_factor_e6"], 6)
    ratio = formulas.liability_weight(EXACT, size, factor, scaled(facts["margin_ratio_initial_bps"], 4))
    value = formulas.perp_value(EXACT, size, Decimal(facts["price"]), Decimal(1))
    return {"margin_requirement_e6": formulas.perp_requirement(EXACT, value, ratio) * 1_000_000}


def high_leverage(facts: Facts) -> dict[str, Decimal]:
    """The margin ratio in high-leverage mode."""
    size, factor = scaled(facts["size_e9"], 9), scaled(facts["imf_factor_e6"], 6)
    ordinary = [scaled(ratio, 4) for ratio in facts["normal_bps"].split("/")]
    high = [scaled(ratio, 4) for ratio in facts["hlm_bps"].split("/")]
    if facts["margin_type"] == "maintenance":
        return {"margin_ratio_bps": formulas.liability_weight(EXACT, size, factor, high[1]) * 10_000}
    return {"margin_ratio_bps": formulas.high_leverage_ratio(EXACT, size, factor, ordinary[0], high[0]) * 10_000}


def covering(facts: Facts) -> dict[str, Decimal]:
    """The base amount that covers a shortage."""
    freed = formulas.freed_by_contract(
        EXACT,
        scaled(facts["margin_ratio_bps"], 4),
        scaled(facts["liquidation_fee_e6"], 6),
        scaled(facts["if_liquidation_fee_e6"], 6),
        scaled(facts["oracle_price_e6"], 6),
        scaled(facts["quote_price_e6"], 6),
    )
    amount = formulas.base_amount_to_cover(EXACT, scaled(facts["margin_shortage_e6"], 6), freed)
    return {"base_amount_e9": amount * 1_000_000_000}


def transfer(facts: Facts) -> dict[str, Decimal]:
    """The liability transfer that covers a shortage."""
    freed = formulas.freed_by_liability(
        EXACT,
        scaled(facts["asset_weight_bps"], 4),
        scaled(facts["asset_multiplier_e6"], 6),
        scaled(facts["liability_weight_bps"], 4),
        scaled(facts["liability_multiplier_e6"], 6),
        scaled(facts["if_fee_e6"], 6),
        scaled(facts["liability_price_e6"], 6),
    )
    decimals = int(facts["liability_decimals"])
    amount = formulas.liability_to_transfer(EXACT, scaled(facts["margin_shortage_e6"], 6), freed, decimals)
    return {"liability_transfer": amount.scaleb(decimals)}


def insurance(facts: Facts) -> dict[str, Decimal]:
    """The fee of the insurance fund."""
    fee = formulas.insurance_fund_fee(
        EXACT,
        scaled(facts["margin_shortage_e6"], 6),
        scaled(facts["base_e9"], 9),
        scaled(facts["margin_ratio_bps"], 4),
        scaled(facts["liquidator_fee_e6"], 6),
        scaled(facts["oracle_price_e6"], 6),
        Decimal(1),
        scaled(facts["max_if_fee_e6"], 6),
    )
    return {"fee_e6": fee * 1_000_000}


KINDS: dict[str, Callable[[Facts], dict[str, Decimal]]] = {
    "weight": weight,
    "scaled": scaling,
    "upnl": profit,
    "req": requirement,
    "hlm": high_leverage,
    "cover": covering,
    "liab": transfer,
    "iffee": insurance,
}


@pytest.mark.parametrize("name", CASES)
def test_case__on_the_formulas(name: str) -> None:
    """Each case comes out to the last digit."""
    case = CASES[name]
    with exactly():
        found = KINDS[name.split("-")[1]](case["inputs"])
    assert found == {figure: Decimal(value) for figure, value in case["expected"].items()}
