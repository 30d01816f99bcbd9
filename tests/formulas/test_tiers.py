"""Tables of rates become lines, and buffers adjust the rates before the lines are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.formulas.tiers import NEUTRAL, adjusted, adjusted_rate, combined, tier_lines
from rules_engine.numbers.exact import EXACT
from rules_engine.terms.exposure import Adjustment
from tests.formulas.examples import FLOORS, RATES, decimals, fraction, schedule_of, slices


def test_lines__are_binances_published_maintenance_amounts() -> None:
    """Binance's BTCUSDT brackets 0.4 % to 50k, 0.5 % to 250k, 1 % to 1M carry the amounts 0, 50 and 1300.

    Source: Binance, "Leverage and Margin of USDⓈ-M Futures", the first three brackets of BTCUSDT in 2021;
    50000 * 0.001 = 50, 50 + 250000 * 0.005 = 1300.
    """
    lines = tier_lines(decimals(("0", "50000", "250000")), decimals(("0.004", "0.005", "0.01")))
    assert [deduction for _, deduction in lines] == [0, 50, 1300]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=5),
    st.lists(st.integers(0, 300), min_size=6, max_size=6),
    st.integers(0, 4000),
)
def test_lines__charge_each_rate_on_its_own_slice(widths: list[int], rates: list[int], size: int) -> None:
    """The line that holds a size gives what the rates give slice by slice, at floors and between them."""
    floors = [str(sum(widths[:index])) for index in range(len(widths) + 1)]
    rising = [f"0.{rate:04d}" for rate in sorted(rates)][: len(floors)]
    lines = tier_lines(decimals(floors), decimals(rising))
    for point in (size, *map(int, floors)):
        required = EXACT.envelope(Decimal(point), decimals(floors), lines)
        assert fraction(required) == slices(Fraction(point), floors, rising)


def test_combined__nothing_leaves_rates_alone() -> None:
    """No buffer at all, or one that speaks of neither, multiplies by 1 and adds 0."""
    assert combined([]) == NEUTRAL
    assert combined([Adjustment()]) == NEUTRAL


def test_combined__does_not_depend_on_the_order() -> None:
    """1.25 * 2 = 2.5 and 0.01 + 0.002 = 0.012, whichever comes first."""
    buffers = [
        Adjustment(multiply=Decimal("1.25")),
        Adjustment(multiply=Decimal(2), add_rate=Decimal("0.002")),
        Adjustment(add_rate=Decimal("0.01")),
    ]
    for order in permutations(buffers):
        assert combined(order) == Adjustment(multiply=Decimal("2.5"), add_rate=Decimal("0.012"))


@pytest.mark.parametrize(("rate", "expected"), [("0.494", "0.998"), ("0.495", "1"), ("0.496", "1")])
def test_adjusted_rate__is_never_above_one(rate: str, expected: str) -> None:
    """2 * 0.495 + 0.01 is exactly 1, which is the limit."""
    adjustment = Adjustment(multiply=Decimal(2), add_rate=Decimal("0.01"))
    assert adjusted_rate(EXACT, Decimal(rate), adjustment) == Decimal(expected)


def test_adjusted__neutral_buffers_give_the_schedule_itself() -> None:
    """Where nothing is adjusted nothing is derived anew."""
    schedule = schedule_of()
    assert adjusted(schedule, NEUTRAL, NEUTRAL) is schedule


@pytest.mark.parametrize("kind", ["initial", "maintenance"])
def test_adjusted__each_requirement_by_itself(kind: str) -> None:
    """A buffer on one requirement leaves the other's rates; leverage limits never move; deductions are derived anew."""
    schedule, double = schedule_of(), Adjustment(multiply=Decimal(2), add_rate=Decimal(0))
    result = adjusted(schedule, *((double, NEUTRAL) if kind == "initial" else (NEUTRAL, double)))
    # Maintenance rates doubled: 0.02, 0.04, 0.1; deductions 1000 * 0.02 = 20 and 20 + 5000 * 0.06 = 320.
    doubled = ((Decimal("0.02"), 0), (Decimal("0.04"), 20), (Decimal("0.1"), 320))
    assert result.lines == (schedule.lines if kind == "initial" else doubled)
    twice = decimals(("0.04", "0.08", "0.2"))
    assert list(result.initial_rates) == list(twice if kind == "initial" else schedule.initial_rates)
    assert result.leverage_rates == schedule.leverage_rates


def expected_lines(rates: Sequence[str]) -> list[Fraction]:
    """What the rates require at each floor and at 9000, slice by slice."""
    return [slices(Fraction(size), FLOORS, rates) for size in (*FLOORS, "9000")]


def test_adjusted__stays_continuous_where_a_rate_is_cut_to_one() -> None:
    """Rates times 30 are 0.3, 0.6 and 1 (1.5 cut): the lines still charge each on its own slice."""
    thirty = Adjustment(multiply=Decimal(30), add_rate=Decimal(0))
    schedule = adjusted(schedule_of(), NEUTRAL, thirty)
    found = [EXACT.envelope(Decimal(size), schedule.floors, schedule.lines) for size in (*FLOORS, "9000")]
    assert found == expected_lines(("0.3", "0.6", "1"))
    assert expected_lines(RATES)[1:] == [10, 90, 290]  # 1000 * 0.01; + 4000 * 0.02; + 4000 * 0.05
