"""The margin mathematics of Drift protocol v2, step by step as the program does it in whole numbers.

Source: github.com/drift-labs/protocol-v2, folder `programs/drift/src` (`math/margin.rs`, `math/liquidation.rs`,
`state/perp_market.rs`, `state/spot_market.rs`, `state/user.rs`). The program's whole numbers are multiples of the units
below, and its divisions cut towards zero: here, on numbers that are not negative, `rounded(.., unit, "down")`. So a
result is the program's own to the last digit, not close to it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from rules_engine.plugin import Number, NumberSystem

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

WEIGHT: Final = Decimal("0.0001")
"""Unit of margin ratios and weights (`MARGIN_PRECISION`, `SPOT_WEIGHT_PRECISION`: 1e4)."""

RATE: Final = Decimal("0.000001")
"""Unit of imf factors, fees and shares (`SPOT_IMF_PRECISION`, `LIQUIDATION_FEE_PRECISION`: 1e6)."""

QUOTE: Final = Decimal("0.000001")
"""Unit of the quote currency and of prices (`QUOTE_PRECISION`, `PRICE_PRECISION`: 1e6)."""

BASE: Final = Decimal("0.000000001")
"""Unit of sizes (`BASE_PRECISION`, `AMM_RESERVE_PRECISION`: 1e9)."""

OPEN_ORDER: Final = Decimal("0.01")
"""What every open order requires (`OPEN_ORDER_MARGIN_REQUIREMENT`: a hundredth of the quote currency)."""

INITIAL_PNL_CAP: Final = Decimal(100)
"""The most unrealized profit that counts for initial margin (`MAX_POSITIVE_UPNL_FOR_INITIAL_MARGIN`)."""


def cut(num: NumberSystem, x: Number, unit: Decimal) -> Number:
    """A number that is not negative, cut to whole units as the program's division does."""
    return num.rounded(x, unit, "down")


def size_root(num: NumberSystem, size: Number) -> Number:
    """The whole square root of `10 * size + 1`, `size` in 1e-9, which counts in 1e-5: about the root of the size."""
    return num.square_root(cut(num, size, BASE) + Decimal("0.0000000001"), Decimal("0.00001"), "down")


def size_premium(num: NumberSystem, size: Number, imf_factor: Decimal, weight: Decimal) -> Number:
    """Four fifths of a ratio and a premium by size, which for small sizes is below the ratio itself.

    `calculate_size_premium_liability_weight`, not bounded: `weight - weight / 5 + root * imf_factor`. A factor of 0
    switches the adjustment off.
    """
    if not imf_factor:
        return num.constant(weight)
    start = weight - cut(num, weight * Decimal("0.2"), WEIGHT)
    return start + cut(num, size_root(num, size) * imf_factor, WEIGHT)


def liability_weight(num: NumberSystem, size: Number, imf_factor: Decimal, weight: Decimal) -> Number:
    """A margin ratio or the weight of a debt by size (`calculate_size_premium_liability_weight`, bounded)."""
    return num.maximum(weight, size_premium(num, size, imf_factor, weight))


def asset_weight(num: NumberSystem, size: Number, imf_factor: Decimal, weight: Number) -> Number:
    """The weight of a deposit, or of unrealized profit, by size (`calculate_size_discount_asset_weight`).

    `min(weight, 1.1 / (1 + root * imf_factor))`; a factor of 0 switches the adjustment off.
    """
    if not imf_factor:
        return num.constant(weight)
    slope = ONE + cut(num, size_root(num, size) * imf_factor, RATE)
    return num.minimum(weight, cut(num, num.quotient(Decimal("1.1"), slope), WEIGHT))


def scaled_weight(num: NumberSystem, weight: Decimal, start: Decimal, total: Number) -> Number:
    """A weight that falls once a total has passed where scaling starts: `weight * start / max(start, total)`.

    `get_scaled_initial_asset_weight` with the value of all deposits, and, with the net profit of all users and its
    largest imbalance, the first half of `get_unrealized_asset_weight`.
    """
    return cut(num, num.quotient(weight * start, num.maximum(start, cut(num, total, QUOTE))), WEIGHT)


def high_leverage_ratio(
    num: NumberSystem, size: Number, imf_factor: Decimal, ordinary: Decimal, lowest: Decimal
) -> Number:
    """The initial ratio of a high-leverage user, from `lowest` for small sizes to the ordinary one for large ones.

    `get_margin_ratio` and `calc_high_leverage_mode_initial_margin_ratio_from_size`. Below the ordinary ratio the size
    premium says how far on the way a position is; above, it holds itself. Where both are equal the program answers
    `lowest`: that is how it is written.
    """
    adjusted = size_premium(num, size, imf_factor, ordinary)
    fifth = cut(num, ordinary * Decimal("0.2"), WEIGHT)
    share = num.maximum(ZERO, ONE - num.rounded(num.quotient(ordinary - adjusted, fifth), RATE, "down"))
    way = num.maximum(ordinary - lowest, WEIGHT)
    between = lowest + cut(num, way * share, WEIGHT)
    return num.step(adjusted - ordinary, (-ONE, ZERO, WEIGHT), (between, num.constant(lowest), adjusted))


def perp_value(num: NumberSystem, size: Number, price: Number, quote_price: Number) -> Number:
    """What a size is worth at the oracle price, times the price of the quote currency, cut after each.

    `calculate_base_asset_value_with_oracle_price` and the step after it in `calculate_perp_position_value_and_pnl`.
    """
    return cut(num, cut(num, size * price, QUOTE) * quote_price, QUOTE)


def perp_requirement(num: NumberSystem, worst_case_value: Number, margin_ratio: Number) -> Number:
    """`floor(worst_case_value * margin_ratio)` (`calculate_perp_position_value_and_pnl`)."""
    return cut(num, worst_case_value * margin_ratio, QUOTE)


def weighted_pnl(num: NumberSystem, pnl: Number, weight: Number, quote_price: Number) -> Number:
    """Profit times its weight, loss in full, each times the price of the quote currency and cut towards zero."""
    gain = num.maximum(pnl, ZERO)
    loss = gain - pnl
    return cut(num, cut(num, gain * weight, QUOTE) * quote_price, QUOTE) - cut(num, loss * quote_price, QUOTE)


def buffered(num: NumberSystem, requirement: Number, liability: Number, buffer: Decimal) -> Number:
    """A requirement and the liquidation buffer on what is owed (`MarginCalculation::add_margin_requirement`)."""
    return requirement + cut(num, liability * buffer, QUOTE)


def freed_by_contract(
    num: NumberSystem,
    margin_ratio: Number,
    liquidator_fee: Decimal,
    insurance_fund_fee: Number,
    price: Number,
    quote_price: Number,
) -> Number:
    """By how much closing one unit of base shrinks a shortage: what it releases, less both fees.

    The divisor in `calculate_base_asset_amount_to_cover_margin_shortage`. The program does not multiply the insurance
    fund's part by the price of the quote currency. Not above 0: no amount covers anything.
    """
    at_quote = cut(num, price * quote_price, QUOTE)
    released = num.rounded(at_quote * (margin_ratio - liquidator_fee), QUOTE, "down")
    return released - cut(num, price * insurance_fund_fee, QUOTE)


def base_amount_to_cover(num: NumberSystem, shortage: Number, freed: Number) -> Number:
    """How much base to close for a shortage, where a unit frees more than 0, cut to 1e-9."""
    return cut(num, num.quotient(shortage, freed), BASE)


def freed_by_liability(
    num: NumberSystem,
    asset_weight: Decimal,
    asset_multiplier: Decimal,
    liability_weight: Decimal,
    liability_multiplier: Decimal,
    insurance_fund_fee: Decimal,
    price: Number,
) -> Number:
    """By how much paying back one token of a debt out of a deposit shrinks a shortage.

    The divisor in `calculate_liability_transfer_to_cover_margin_shortage`, whose weights have one digit more. Not above
    0: no amount covers anything.
    """
    given = cut(num, num.quotient(asset_weight * asset_multiplier, liability_multiplier), WEIGHT * Decimal("0.1"))
    return price * (liability_weight - given) - cut(num, price * insurance_fund_fee, QUOTE) * liability_weight


def liability_to_transfer(num: NumberSystem, shortage: Number, freed: Number, decimals: int) -> Number:
    """How many tokens of a debt to pay back for a shortage, where one frees more than 0; a unit of it at least."""
    unit = ONE.scaleb(-decimals)
    return num.maximum(unit, cut(num, num.quotient(shortage, freed), unit))


def insurance_fund_fee(
    num: NumberSystem,
    shortage: Number,
    base: Number,
    margin_ratio: Number,
    liquidator_fee: Decimal,
    price: Number,
    quote_price: Number,
    largest: Decimal,
) -> Number:
    """The insurance fund's fee rate: 95 % of what ratio and liquidator leave beyond the shortage, at most `largest`.

    `calculate_perp_if_fee`: `margin_ratio - liquidator_fee - shortage / (base * price)`, not below 0.
    """
    per_base = cut(num, num.quotient(shortage, base), QUOTE)
    needed = cut(num, num.quotient(per_base, cut(num, price * quote_price, QUOTE)), RATE)
    left = num.maximum(ZERO, margin_ratio - liquidator_fee - needed)
    return num.minimum(largest, cut(num, left * Decimal("0.95"), RATE))
