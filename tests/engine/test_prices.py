"""Liquidation and bankruptcy prices: roots and jumps, payoffs, conventions and rounding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine
from tests.builders import account, engine_of, flat_engine, market, one_position, position
from tests.strange_modes import strange_engine

ROUNDINGS = ("conservative", "half_up", "none")


def prices(
    engine: Engine, *positions: dict[str, Any], mark: str = "100", **fields: Any
) -> tuple[Decimal | None, Decimal | None]:
    """Liquidation and bankruptcy price of the first position."""
    figures = engine.evaluate(account(*positions, **fields), market(mark)).positions[0]
    return figures.liquidation_price, figures.bankruptcy_price


def rounded_by(rounding: str, **more: str) -> Engine:
    """The flat engine with a rounding of prices."""
    return flat_engine(conventions=f"{{liquidation_price_rounding: {rounding}}}", **more)


@pytest.mark.parametrize(
    ("rounding", "long", "short"),
    # Long: 10 + (P - 100) = 0.01 P at P = 90 / 0.99 = 90.9090...
    # Short: 10 - (P - 100) = 0.01 P at P = 110 / 1.01 = 108.910891...
    [
        ("conservative", "91", "108.9"),
        ("half_up", "90.9", "108.9"),
        ("none", "90.90909090909090909090909091", "108.9108910891089108910891089"),
    ],
)
def test_rounding__conservative_is_away_from_liquidation(rounding: str, long: str, short: str) -> None:
    """Up where liquidation lies below, down where it lies above; half_up to the nearest; none to 28 digits."""
    engine = rounded_by(rounding)
    assert prices(engine, position("1", margin="10"))[0] == Decimal(long)
    assert prices(engine, position("-1", margin="10"))[0] == Decimal(short)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding__leaves_a_root_on_a_tick(rounding: str) -> None:
    """10.9 + (P - 100) = 0.01 P at exactly 90, which is a multiple of the tick."""
    assert prices(rounded_by(rounding), position("1", margin="10.9"))[0] == 90


@pytest.mark.parametrize(("rounding", "expected"), [("conservative", "90.2"), ("half_up", "90.2"), ("none", "90.15")])
def test_rounding__at_exactly_half_a_tick(rounding: str, expected: str) -> None:
    """A bankruptcy price of 100 - 9.85 = 90.15 lies half way between ticks."""
    assert prices(rounded_by(rounding), position("1", margin="9.85"))[1] == Decimal(expected)


def test_rounding__without_a_tick_goes_by_the_quantum_with_a_note() -> None:
    """90.909... up to 0.01 is 90.91."""
    engine = engine_of(tables="{flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 0.1}]}}",
                       instruments="{BTCUSDT: {payoff: linear, table: flat}}")  # fmt: skip
    figures = engine.evaluate(account(position("1", margin="10")), market()).positions[0]
    assert (figures.liquidation_price, figures.notes) == (Decimal("90.91"), ("PRICE_TICK_MISSING",))


@pytest.mark.parametrize(
    ("trigger", "expected"),
    # With margin 1 and notional 100 equity is exactly maintenance at the present mark of 100.
    [("at_or_below", "liquidate"), ("below", "margin_call")],
)
def test_liquidation_price__may_be_the_present_mark_itself(trigger: str, expected: str) -> None:
    """Equity on the line: the price at which the decision turns is the mark, whichever side it is on now."""
    engine = flat_engine(liquidation=f"{{trigger: {trigger}, margin_call: 1.25, restore_to: 1.5}}")
    evaluation = engine.evaluate(account(position("1", margin="1")), market())
    assert evaluation.pools[0].status == expected
    assert evaluation.positions[0].liquidation_price == 100


def test_liquidation_price__of_what_is_already_liquidated_lies_ahead() -> None:
    """Bought at 110 with a margin of 1 and marked at 100: 1 + (P - 110) = 0.01 P at 109 / 0.99 = 110.101..., up."""
    assert prices(flat_engine(), position("1", "110", margin="1"))[0] == Decimal("110.2")


@pytest.mark.parametrize(
    ("quantity", "margin", "liquidation", "bankruptcy"),
    # 10 contracts at 100 stand on the floor of the second tier: below 100 1 % holds, above it 2 % less 10.
    # Long, margin 50: 50 + 10 P - 1000 = 0.1 P, P = 950 / 9.9 = 95.9596; bankrupt at 95.
    # Short, margin 50: 50 - 10 P + 1000 = 0.2 P - 10, P = 1060 / 10.2 = 103.9216; bankrupt at 105.
    [("10", "50", "96", "95"), ("-10", "50", "103.9", "105")],
)
def test_liquidation_price__changes_tier_on_the_way(
    quantity: str, margin: str, liquidation: str, bankruptcy: str
) -> None:
    """The tier that holds at the price counts, not the one at the mark."""
    assert prices(engine_of(), position(quantity, margin=margin)) == (Decimal(liquidation), Decimal(bankruptcy))


def whole(quantity: str, margin: str) -> dict[str, Any]:
    """A position under the table `cliffs`: 1 % below 1000, 5 % of all from there on."""
    return position(quantity, margin=margin, instrument="CLIFFS")


def test_whole_table__liquidation_at_a_floor_where_the_requirement_jumps() -> None:
    """A short of 10 at 99, margin 30: at 99.9 it has 30 - 9 = 21 > 9.99; at 100 it has 20 and needs 50.

    It is liquidated at 100 itself, so the printed price, on a tick, is one at which liquidation already holds.
    """
    engine = engine_of(conventions="{liquidation_price_rounding: none}")
    evaluation = engine.evaluate(account(whole("-10", "30") | {"entry_price": "99"}), market("99"))
    assert evaluation.positions[0].liquidation_price == 100


def test_whole_table__a_long_above_the_cliff_finds_its_root_in_the_tier() -> None:
    """A long of 10 at 150 with 400: 400 + 10 P - 1500 = 0.5 P at 1100 / 9.5 = 115.789..., above the floor at 100."""
    assert prices(engine_of(), whole("10", "400") | {"entry_price": "150"}, mark="150")[0] == Decimal("115.8")


def test_whole_table__a_long_saved_by_the_cliff_is_decided_at_its_nearest_change() -> None:
    """A long of 10 at 101, margin 45: at 101 needs 50.5 and is liquidated; below 100 it keeps 35 and needs 10.

    So liquidation ends just below the floor at 100 (nearer than where it ends above, 965 / 9.5 = 101.578...: 0.578 away
    against 1) and the price is the nearer of the two.
    """
    assert prices(engine_of(), whole("10", "45") | {"entry_price": "101"}, mark="101")[0] == Decimal("101.6")
    assert prices(engine_of(), whole("10", "45") | {"entry_price": "101"}, mark="100.1")[0] == 100


def test_contracts_table__prices_go_by_the_rate_of_the_quantity() -> None:
    """20 contracts: (10 * 1 % + 10 * 5 %) / 20 = 3 %. 100 + 20 P - 2000 = 0.6 P at 1900 / 19.4 = 97.938..."""
    contract = position("20", margin="100", instrument="CONTRACTS")
    assert prices(engine_of(), contract) == (Decimal("98"), Decimal("95"))


def test_contract_cliffs__the_rate_does_not_move_with_the_mark() -> None:
    """10 contracts stand on the floor: 5 % at every mark. 100 + 10 P - 1000 = 0.5 P at 900 / 9.5 = 94.736..."""
    contract = position("10", margin="100", instrument="CONTRACT_CLIFFS")
    assert prices(engine_of(), contract) == (Decimal("94.8"), Decimal("90"))


@pytest.mark.parametrize(
    ("quantity", "margin", "liquidation", "bankruptcy"),
    # Contracts of 100 USD, bought at 100: each worth 1 coin, and x = 100 / P at another price.
    # Long 1, margin 0.25: 0.25 + (1 - x) = 0.01 x, x = 1.25 / 1.01, P = 80.8; bankrupt at x = 1.25, P = 80.
    # Short 1, margin 0.2: 0.2 - (1 - x) = 0.01 x, x = 0.8 / 0.99, P = 123.75, down; bankrupt at x = 0.8, P = 125.
    [("1", "0.25", "80.8", "80"), ("-1", "0.2", "123.7", "125")],
)
def test_inverse__prices(quantity: str, margin: str, liquidation: str, bankruptcy: str) -> None:
    """An inverse contract is linear in one over the price, and so are its prices' equations."""
    contract = position(quantity, margin=margin, instrument="INVERSE")
    assert prices(engine_of(), contract) == (Decimal(liquidation), Decimal(bankruptcy))


def test_inverse__a_short_at_one_times_can_never_be_liquidated() -> None:
    """A short of one coin's worth backed by one coin has x > 0.01 x at every price: notes say that there is none."""
    evaluation = engine_of().evaluate(account(position("-1", margin="1", instrument="INVERSE")), market())
    figures = evaluation.positions[0]
    assert (figures.liquidation_price, figures.bankruptcy_price) == (None, None)
    assert figures.notes == ("LIQUIDATION_PRICE_NONE", "BANKRUPTCY_PRICE_NONE")


def test_linear__a_long_at_one_times_has_no_price_above_zero() -> None:
    """A long fully paid keeps P > 0.01 P at every positive price."""
    assert prices(flat_engine(), position("1", margin="100")) == (None, None)


def test_quanto__prices_go_by_its_conversion() -> None:
    """Size 2 at 0.5: worth the price itself, as a linear contract of size 1: 90.909... up."""
    assert prices(engine_of(), position("1", margin="10", instrument="QUANTO")) == (Decimal("91"), Decimal("90"))


def test_at_mark__maintenance_stays_as_it_is_now() -> None:
    """Bitget's convention: 10 + (P - 100) = 1 at P = 91 exactly, instead of 90.909..."""
    frozen = flat_engine(conventions="{liquidation_price: at_mark, liquidation_price_rounding: none}")
    assert prices(frozen, position("1", margin="10")) == (91, 90)


def test_at_entry__maintenance_does_not_move_with_the_mark() -> None:
    """Valued at an entry of 90 maintenance is 0.9: 10 + (P - 90) = 0.9 at P = 80.9 exactly, whatever the mark."""
    at_entry = flat_engine(conventions="{maintenance_priced_at: entry, liquidation_price_rounding: none}")
    assert prices(at_entry, position("1", "90", margin="10")) == (Decimal("80.9"), 80)


def test_trigger_fee__moves_the_liquidation_price_and_not_the_bankruptcy_price() -> None:
    """With a fee of 1 %: 10 + (P - 100) = 0.02 P at 90 / 0.98 = 91.836..., bankrupt at 90."""
    fees = "{trigger: at_or_below, closing_fee: {rate: 0.01, counts_in: [trigger]}, restore_to: 1.5}"
    assert prices(flat_engine(liquidation=fees), position("1", margin="10")) == (Decimal("91.9"), Decimal("90"))


def test_accrued__is_equity_in_prices_too() -> None:
    """A margin of 10 with 1 of fees owed is worth 9: bankrupt at 91."""
    assert prices(flat_engine(), position("1", margin="10", accrued="-1"))[1] == 91


def test_pool__long_and_short_of_one_instrument_move_together() -> None:
    """3 long and 1 short at 100 backed by 100: 100 + 2 (P - 100) = 0.04 P at 100 / 1.96 = 51.02..., for both."""
    both = [position("3", id="long", mode="cross"), position("-1", id="short", mode="cross")]
    evaluation = flat_engine().evaluate(account(*both, collateral={"USDT": "100"}), market())
    assert [one.liquidation_price for one in evaluation.positions] == [Decimal("51.1"), Decimal("51.1")]
    assert [one.bankruptcy_price for one in evaluation.positions] == [50, 50]


def test_pool__a_full_hedge_is_liquidated_by_its_requirement_alone() -> None:
    """1 long and 1 short backed by 4: equity stays 4 and 0.02 P reaches it at 200; it is never bankrupt."""
    both = [position("1", id="long", mode="cross"), position("-1", id="short", mode="cross")]
    assert prices(flat_engine(), *both, collateral={"USDT": "4"}) == (200, None)


def test_pool__only_the_instruments_own_mark_moves() -> None:
    """ETHUSDT stays at 100 and requires 1: 50 + (P - 100) - 1 = 0.01 P at 51 / 0.99 = 51.51... for BTCUSDT."""
    others = [position("1", mode="cross"), position("1", id="p2", mode="cross", instrument="ETHUSDT")]
    assert prices(flat_engine(), *others, collateral={"USDT": "50"}) == (Decimal("51.6"), 50)


def test_prices__of_a_doubtful_pool_are_not_known() -> None:
    """Without a mark there is neither price, and the note says that figures are unknown."""
    evaluation = flat_engine().evaluate(account(position("1", margin="10")), market(BTCUSDT={}))
    figures = one_position(evaluation)
    assert (figures.liquidation_price, figures.bankruptcy_price, figures.notes) == (None, None, ("FIGURES_UNKNOWN",))


def test_prices__of_a_requirement_without_lines_are_searched() -> None:
    """A mode that requires a ten-thousandth of the square of notional: p ** 2 / 10,000 = p, so 10,000; equity is p."""
    document = account(position("1", mode="square"), collateral={"USDT": "100"})
    evaluation = strange_engine("square").evaluate(document, market())
    figures = one_position(evaluation)
    assert (figures.maintenance_margin, evaluation.pools[0].status) == (1, "healthy")
    assert (figures.liquidation_price, figures.bankruptcy_price) == (Decimal("9999.9"), None)
    assert figures.notes == ("LIQUIDATION_PRICE_SEARCHED", "BANKRUPTCY_PRICE_NONE")


@pytest.mark.parametrize(
    ("instrument", "quantity", "leverage", "expected"),
    [
        ("CAPPED", "9", None, ()),
        ("CAPPED", "10", None, ("BEYOND_LAST_TIER",)),  # exactly the end of the last tier
        ("BTCUSDT", "9.999", "50", ()),
        ("BTCUSDT", "10", "50", ("LEVERAGE_ABOVE_TIER",)),  # exactly the floor of the tier of 25x
        ("BTCUSDT", "10", "25", ()),
    ],
)
def test_notes__on_positions_beyond_what_an_order_could_open(
    instrument: str, quantity: str, leverage: str | None, expected: tuple[str, ...]
) -> None:
    """A price may carry a position to the end of its table or above its tier's leverage: it is told, not refused."""
    held = position(quantity, margin="500", instrument=instrument, leverage=leverage)
    assert one_position(engine_of().evaluate(account(held), market())).notes == expected


def test_beyond_the_last_tier__its_line_goes_on() -> None:
    """A notional of 2000 under a table that ends at 1000 keeps 1 % of all of it."""
    held = position("20", margin="500", instrument="CAPPED")
    assert one_position(engine_of().evaluate(account(held), market())).maintenance_margin == 20
