"""What one position requires: floors, forms, units, leverage, fees and where each is valued."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.formulas.requirement import (
    bankruptcy_notional,
    closing_fee,
    counted_fee,
    leverage_margin,
    maintenance_margin,
    notional,
    table_maintenance,
    tier_size,
    tiered_requirement,
    unrealized_pnl,
)
from rules_engine.numbers.exact import EXACT, Ratio
from rules_engine.terms.exposure import ClosingFee, FeePlace
from tests.formulas.examples import decimals, exposure_of, fraction, schedule_of

CENT_FEE = Decimal("0.001")


@pytest.mark.parametrize(("quantity", "value"), [("2", "100"), ("-2", "100"), ("2", "-100"), ("-2", "-100")])
def test_notional__has_no_sign(quantity: str, value: str) -> None:
    """|quantity * value| is 200 for longs and shorts, of linear contracts and of inverse ones."""
    assert notional(EXACT, exposure_of(quantity, value)) == 200


@pytest.mark.parametrize(
    ("quantity", "value", "entry", "expected"),
    [
        ("2", "110", "100", "20"),
        ("-2", "110", "100", "-20"),
        ("2", "-0.9", "-1", "0.2"),
        ("-2", "-0.9", "-1", "-0.2"),
    ],
)
def test_unrealized_pnl__a_long_gains_as_the_value_rises(quantity: str, value: str, entry: str, expected: str) -> None:
    """quantity * (value - entry value), signs and all; an inverse contract's value is negative and rises to 0."""
    assert unrealized_pnl(EXACT, exposure_of(quantity, value, entry)) == Decimal(expected)


@pytest.mark.parametrize(
    ("notional_size", "expected"),
    # Slices at 1 %, 2 % and 5 %: 999.99 * 0.01; 1000 * 0.01; 10 + 4000 * 0.02 = 90; 90 + 1 * 0.05.
    [("999.99", "9.9999"), ("1000", "10"), ("1000.5", "10.01"), ("5000", "90"), ("5001", "90.05")],
)
def test_maintenance__marginal_tables_are_continuous_at_floors(notional_size: str, expected: str) -> None:
    """Each rate applies to its own slice, so that nothing jumps where a tier begins."""
    assert table_maintenance(EXACT, exposure_of("-1", notional_size)) == Decimal(expected)


@pytest.mark.parametrize(
    ("notional_size", "expected"),
    # One rate for all: 999.99 * 0.01; at the floor 1000 * 0.02; 4999 * 0.02; at the floor 5000 * 0.05.
    [("999.99", "9.9999"), ("1000", "20"), ("4999", "99.98"), ("5000", "250")],
)
def test_maintenance__whole_tables_jump_at_floors(notional_size: str, expected: str) -> None:
    """The rate of the tier that holds the notional applies to all of it, from the floor itself on."""
    exposure = exposure_of("1", notional_size, schedule=schedule_of(form="whole"))
    assert table_maintenance(EXACT, exposure) == Decimal(expected)


@pytest.mark.parametrize(
    ("quantity", "form", "expected"),
    # Floors of 0, 10 and 20 contracts of value 3. Marginal, in contracts: 10 * 0.01 = 0.1; 0.1 + 10 * 0.02 = 0.3;
    # 0.3 + 2 * 0.05 = 0.4; each times 3. Whole: 9 * 0.01, 10 * 0.02, 20 * 0.05 contracts; each times 3.
    [
        ("10", "marginal", "0.3"),
        ("-20", "marginal", "0.9"),
        ("22", "marginal", "1.2"),
        ("9", "whole", "0.27"),
        ("-10", "whole", "0.6"),
        ("20", "whole", "3"),
    ],
)
def test_maintenance__tables_in_contracts_go_by_quantity(quantity: str, form: str, expected: str) -> None:
    """Floors count contracts whatever they are worth; an inverse contract's negative value makes no difference."""
    schedule = schedule_of(unit="quantity", form=form, floors=("0", "10", "20"))  # type: ignore[arg-type]
    for value in ("3", "-3"):
        assert table_maintenance(EXACT, exposure_of(quantity, value, schedule=schedule)) == Decimal(expected)


def test_maintenance__valued_at_entry_stays_there() -> None:
    """Ten contracts entered at 100 keep 10 for a notional of 1000, though the mark has gone to 900."""
    exposure = exposure_of("10", "900", "100", maintenance_value=Decimal(100))
    assert table_maintenance(EXACT, exposure) == 10
    assert notional(EXACT, exposure) == 9000


def test_tier_size__is_notional_or_contracts() -> None:
    """|-3 * 50| = 150 of notional, or 3 contracts."""
    assert tier_size(EXACT, exposure_of("-3", "50"), Decimal(50)) == 150
    in_contracts = exposure_of("-3", "50", schedule=schedule_of(unit="quantity"))
    assert tier_size(EXACT, in_contracts, Decimal(50)) == 3


def test_leverage_margin__of_the_position_or_else_of_its_tier() -> None:
    """100 / 75 for a position that chose 75, and 1000 / 25 where the second tier's limit stands for it."""
    chosen, size = exposure_of("1", leverage=Decimal(75)), Decimal(100)
    assert leverage_margin(EXACT, chosen, size, size) == Ratio(Decimal(100), Decimal(75))
    assert leverage_margin(EXACT, exposure_of("1"), Decimal(1000), Decimal(1000)) == 40


@pytest.mark.parametrize(
    ("leverage", "size", "expected"),
    [
        ("5", "500", "100"),  # 500 / 5
        ("50", "500", "10"),  # 500 / 50: the limit itself
        ("125", "500", "10"),  # above the limit of its tier: 500 * 1/50
        (None, "999", "19.98"),  # 999 / 50
        (None, "1000", "40"),  # the floor of the tier of 25: 1000 / 25, the whole position
        (None, "5000", "500"),  # the floor of the tier of 10
    ],
)
def test_initial__is_what_leverage_or_the_tier_asks_for(leverage: str | None, size: str, expected: str) -> None:
    """max(n / leverage, n * the tier's initial rate): a maximum leverage caps the whole position."""
    exposure = exposure_of("1", size, leverage=None if leverage is None else Decimal(leverage))
    assert tiered_requirement(EXACT, exposure).initial == Decimal(expected)


def test_initial__is_never_below_maintenance() -> None:
    """Under rates of 40 % maintenance (400) initial margin at 10 % of 1000 is 400 too."""
    schedule = schedule_of(floors=("0", "2000", "5000"))
    steep = exposure_of("10", schedule=type(schedule)(
        unit="notional", form="marginal", floors=schedule.floors, lines=((Decimal("0.4"), Decimal(0)),) * 3,
        initial_rates=decimals(("0.1",) * 3), leverage_rates=decimals(("0.1",) * 3),
    ))  # fmt: skip
    requirement = tiered_requirement(EXACT, steep)
    assert (requirement.initial, requirement.maintenance) == (400, 400)


def fee(places: tuple[FeePlace, ...], valued_at: str = "mark", rate: Decimal = CENT_FEE) -> ClosingFee:
    """A fee of 0.1 % counted in these places."""
    return ClosingFee(rate=rate, counts_in=frozenset(places), valued_at=valued_at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("places", "initial", "maintenance", "trigger"),
    # Notional 2000 at 10x: table 10 + 1000 * 0.02 = 30, initial 200, fee 2.
    [
        ((), "200", "30", "0"),
        (("initial",), "202", "30", "0"),
        (("maintenance",), "200", "32", "0"),
        (("trigger",), "200", "30", "2"),
        (("initial", "maintenance", "trigger"), "202", "32", "2"),
    ],
)
def test_closing_fee__counts_where_the_policy_says(
    places: tuple[FeePlace, ...], initial: str, maintenance: str, trigger: str
) -> None:
    """The fee is part of initial margin, of maintenance, or of the decision alone, as `counts_in` names them."""
    exposure = exposure_of("20", leverage=Decimal(10), closing_fee=fee(places))
    requirement = tiered_requirement(EXACT, exposure)
    assert requirement.initial == Decimal(initial)
    assert requirement.maintenance == maintenance_margin(EXACT, exposure) == Decimal(maintenance)
    assert counted_fee(EXACT, exposure, "trigger") == Decimal(trigger)


def test_initial__with_a_fee_in_maintenance_alone_is_not_below_it() -> None:
    """At 50x a notional of 500 asks for 10; maintenance 5 with a fee of 1.2 % (6) is 11, and so is initial."""
    exposure = exposure_of("5", closing_fee=fee(("maintenance",), rate=Decimal("0.012")))
    assert tiered_requirement(EXACT, exposure).initial == 11


def test_closing_fee__at_the_mark() -> None:
    """0.1 % of |-20 * 110|."""
    assert closing_fee(EXACT, exposure_of("-20", "110", closing_fee=fee(()))) == Decimal("2.2")


@pytest.mark.parametrize(
    ("quantity", "collateral", "expected"),
    # Entered at 100: a long of 10 backed by 50 is bankrupt at 95, 10 * 95; a short of 10 backed by 50 at 105.
    [("10", "50", "950"), ("-10", "50", "1050"), ("10", "1000", "0"), ("10", "1200", "0")],
)
def test_bankruptcy_notional__where_own_collateral_is_gone(quantity: str, collateral: str, expected: str) -> None:
    """Entry notional less collateral for a long, plus collateral for a short, never below zero."""
    exposure = exposure_of(quantity, collateral=Decimal(collateral))
    assert bankruptcy_notional(EXACT, exposure) == Decimal(expected)


@pytest.mark.parametrize(("quantity", "expected"), [("10", "900"), ("-10", "1100")])
def test_bankruptcy_notional__in_a_pool_goes_by_leverage(quantity: str, expected: str) -> None:
    """Without collateral of its own a position at 10x entered at 1000 counts as backed by 100."""
    assert bankruptcy_notional(EXACT, exposure_of(quantity, leverage=Decimal(10))) == Decimal(expected)


def test_closing_fee__valued_at_bankruptcy() -> None:
    """0.1 % of 950, wherever the mark is."""
    exposure = exposure_of("10", "500", collateral=Decimal(50), closing_fee=fee((), "bankruptcy"))
    assert closing_fee(EXACT, exposure) == Decimal("0.95")


def test_leverage_of_75__leaves_an_exact_fraction() -> None:
    """1000 / 75 has no finite decimal: initial margin is exactly 40/3."""
    exposure = exposure_of("10", leverage=Decimal(75), schedule=schedule_of(floors=("0", "2000", "5000")))
    asked = leverage_margin(EXACT, exposure, Decimal(1000), Decimal(1000))
    assert fraction(asked) == fraction(Ratio(Decimal(40), Decimal(3)))
