"""Exact numbers are `fractions.Fraction` in everything but speed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal, Inexact
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.numbers.exact import EXACT, Exact, Ratio, count_of, divide, exactly, root_of, rounded, sign_of
from tests.numbers.strategies import DECIMALS, EXACTS, POSITIVE, RATIOS, cases, fraction

THIRD = Ratio(Decimal(1), Decimal(3))


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
@cases(200)
@given(RATIOS, EXACTS)
def test_ratio__arithmetic_is_that_of_fractions(
    operation: Callable[[Any, Any], Any], ratio: Ratio, other: Exact
) -> None:
    """Sums, differences and products of a ratio and any exact number, on either side, are the fractions' own."""
    assert fraction(operation(ratio, other)) == operation(fraction(ratio), fraction(other))
    assert fraction(operation(other, ratio)) == operation(fraction(other), fraction(ratio))


@cases(100)
@given(RATIOS)
def test_ratio__negation_and_size_are_those_of_fractions(ratio: Ratio) -> None:
    """Minus a ratio and its absolute value are the fraction's."""
    assert fraction(-ratio) == -fraction(ratio)
    assert fraction(abs(ratio)) == abs(fraction(ratio))


@pytest.mark.parametrize("comparison", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@cases(200)
@given(RATIOS, EXACTS, st.booleans())
def test_ratio__comparisons_are_those_of_fractions(
    comparison: Callable[[Any, Any], bool], ratio: Ratio, other: Exact, alike: bool
) -> None:
    """A ratio compares with any exact number, on either side and with its own unreduced multiple, as fractions do."""
    if alike:
        other = Ratio(ratio.n * 7, ratio.d * 7)
    assert comparison(ratio, other) is comparison(fraction(ratio), fraction(other))
    assert comparison(other, ratio) is comparison(fraction(other), fraction(ratio))


def test_ratio__is_not_what_is_no_number() -> None:
    """A ratio equals no text, and arithmetic with one is refused rather than guessed."""
    assert THIRD != "0.333"
    with pytest.raises(TypeError):
        THIRD + "1"  # type: ignore[operator]
    with pytest.raises(TypeError):
        THIRD * "1"  # type: ignore[operator]


def test_ratio__cannot_be_hashed() -> None:
    """Equal ratios have different parts, so none can be a key."""
    with pytest.raises(TypeError):
        hash(THIRD)


def test_ratio__shows_its_parts() -> None:
    """A failing test prints numerator and denominator."""
    assert repr(THIRD) == "Ratio(1, 3)"


@cases(300)
@given(EXACTS, EXACTS.filter(lambda x: x != 0))
def test_divide__is_that_of_fractions(x: Exact, by: Exact) -> None:
    """Quotients of every mixture and sign are the fractions' own, with a denominator above zero."""
    quotient = divide(x, by)
    assert fraction(quotient) == fraction(x) / fraction(by)
    assert not isinstance(quotient, Ratio) or quotient.d > 0


def test_divide__is_a_decimal_where_the_quotient_ends() -> None:
    """1 / 8 ends as a decimal and 1 / 75 does not."""
    assert divide(Decimal(1), Decimal(8)) == Decimal("0.125")
    assert isinstance(divide(Decimal(1), Decimal(8)), Decimal)
    assert isinstance(divide(Decimal(1), Decimal(75)), Ratio)


@cases(200)
@given(EXACTS)
def test_sign_of__is_that_of_the_fraction(x: Exact) -> None:
    """-1, 0 or 1, as the fraction is below, at or above zero."""
    value = fraction(x)
    assert sign_of(x) == (-1 if value < 0 else 1 if value > 0 else 0)


def half_up(value: Fraction) -> int:
    """The nearest whole number, a half going away from zero."""
    return math.floor(value + Fraction(1, 2)) if value >= 0 else math.ceil(value - Fraction(1, 2))


@cases(300)
@given(EXACTS, POSITIVE)
def test_count_of__rounds_as_floor_and_ceiling_of_the_fraction(x: Exact, unit: Decimal) -> None:
    """Whole units are counted down by floor, up by ceiling, and half up to the nearest."""
    units = fraction(x) / Fraction(unit)
    assert count_of(x, unit, "down") == math.floor(units)
    assert count_of(x, unit, "up") == math.ceil(units)
    assert count_of(x, unit, "half_up") == half_up(units)


@cases(100)
@given(st.integers(-50, 50), POSITIVE, st.sampled_from(["up", "down", "half_up"]))
def test_rounded__leaves_a_multiple_as_it_is(count: int, unit: Decimal, direction: Any) -> None:
    """A number that is a multiple of the unit is not rounded in any direction."""
    assert rounded(count * unit, unit, direction) == count * unit


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ("0.05", "0.1"),
        ("-0.05", "-0.1"),
        ("0.049", "0"),
        ("-0.049", "0"),
        ("0.15", "0.2"),
        ("-0.15", "-0.2"),
        ("0.25", "0.3"),
    ],
)
def test_rounded__half_up_takes_a_half_away_from_zero(x: str, expected: str) -> None:
    """Exactly half a unit goes up in size on both sides of zero, and anything less does not."""
    assert rounded(Decimal(x), Decimal("0.1"), "half_up") == Decimal(expected)


def test_rounded__half_up_of_a_ratio_at_exactly_a_half() -> None:
    """1 / 6 is half of 1 / 3: of units of a third it makes one; nothing is decided by digits cut off."""
    sixth, below = Ratio(Decimal(1), Decimal(6)), Ratio(Decimal("0.9999999999999999999999999999"), Decimal(6))
    assert count_of(sixth * 3, Decimal(1), "half_up") == 1
    assert count_of(-sixth * 3, Decimal(1), "half_up") == -1
    assert count_of(below * 3, Decimal(1), "half_up") == 0


@cases(300)
@given(EXACTS.filter(lambda x: x >= 0), POSITIVE)
def test_root_of__is_the_nearest_multiple_in_its_direction(x: Exact, unit: Decimal) -> None:
    """Squares of the neighbours enclose x: the root is never computed, so that nothing is cut off."""
    value, step = fraction(x), Fraction(unit)
    down, up, nearest = (fraction(root_of(x, unit, direction)) for direction in ("down", "up", "half_up"))
    assert down**2 <= value < (down + step) ** 2
    assert up == (down if down**2 == value else down + step)
    assert nearest == (down if value < (down + step / 2) ** 2 else down + step)
    assert down % step == 0


@pytest.mark.parametrize(
    ("x", "down", "half_up", "up"),
    [
        ("0", "0", "0", "0"),
        ("4", "2", "2", "2"),
        ("4.0000000000000000000000000000000000001", "2", "2", "2.1"),
        ("4.2024999999999999999999999999999999999", "2", "2", "2.1"),
        ("4.2025", "2", "2.1", "2.1"),
        ("4.41", "2.1", "2.1", "2.1"),
    ],
)
def test_root_of__at_its_boundaries(x: str, down: str, half_up: str, up: str) -> None:
    """In units of 0.1 the squares of 2 and 2.1 belong to themselves, and 2.05 ** 2 = 4.2025 is half way: up."""
    unit = Decimal("0.1")
    assert EXACT.square_root(Decimal(x), unit, "down") == Decimal(down)
    assert EXACT.square_root(Decimal(x), unit, "half_up") == Decimal(half_up)
    assert EXACT.square_root(Decimal(x), unit, "up") == Decimal(up)


def test_root_of__has_the_published_digits() -> None:
    """The root of 2 to 40 places (OEIS A002193), and of a ninth, which is a third."""
    unit = Decimal("1e-40")
    assert root_of(Decimal(2), unit, "down") == Decimal("1.4142135623730950488016887242096980785696")
    assert root_of(THIRD * THIRD, unit, "down") == Decimal("0." + "3" * 40)


def test_root_of__below_zero_is_refused() -> None:
    """There is none, not even where it would round to 0."""
    for direction in ("up", "down", "half_up"):
        with pytest.raises(ValueError, match="square root is taken of a number below zero"):
            root_of(Decimal("-1e-9"), Decimal(1), direction)


def test_verbs__round_as_the_functions_do() -> None:
    """The verb rounds with the direction and the unit that it is given."""
    assert EXACT.rounded(THIRD, Decimal("0.01"), "up") == Decimal("0.34")
    assert EXACT.rounded(-THIRD, Decimal("0.01"), "up") == Decimal("-0.33")
    assert EXACT.rounded(-THIRD, Decimal("0.01"), "down") == Decimal("-0.34")


@cases(200)
@given(st.lists(EXACTS, max_size=8))
def test_total__is_the_sum_of_fractions(xs: list[Exact]) -> None:
    """A total of Decimals and ratios of like and unlike denominators is their sum; of nothing it is 0."""
    assert fraction(EXACT.total(xs)) == sum((fraction(x) for x in xs), Fraction(0))


def test_total__adds_like_denominators_without_multiplying_them() -> None:
    """Three thirds keep the denominator 3."""
    total = EXACT.total([THIRD, THIRD, THIRD])
    assert (total.n, total.d) == (3, 3)


@cases(200)
@given(EXACTS, EXACTS, EXACTS)
def test_verbs__choose_as_fractions_do(x: Exact, y: Exact, z: Exact) -> None:
    """The smallest, the largest and the size of exact numbers are those of their fractions."""
    values = [fraction(one) for one in (x, y, z)]
    assert fraction(EXACT.minimum(x, y, z)) == min(values)
    assert fraction(EXACT.maximum(x, y, z)) == max(values)
    assert fraction(EXACT.absolute(x)) == abs(values[0])


FLOORS = (Decimal(0), Decimal(1000), Decimal(5000))
LINES = ((Decimal("0.01"), Decimal(0)), (Decimal("0.02"), Decimal(10)), (Decimal("0.05"), Decimal(160)))


@pytest.mark.parametrize(("x", "tier"), [("-1", 1), ("0", 1), ("999.99", 1), ("1000", 2), ("4999.99", 2), ("5000", 3)])
def test_step__a_floor_belongs_to_the_tier_above_it(x: str, tier: int) -> None:
    """A tier holds floor <= x; what lies below the first floor is in the first tier."""
    assert EXACT.step(Decimal(x), FLOORS, (1, 2, 3)) == tier


@cases(100)
@given(st.one_of(DECIMALS, RATIOS).filter(lambda x: x >= 0), st.integers(1, 4))
def test_envelope__is_the_largest_of_its_lines(x: Exact, scale: int) -> None:
    """The line that the floors choose is the largest of all."""
    x = x * scale
    highest = max(fraction(rate) * fraction(x) - fraction(deduction) for rate, deduction in LINES)
    assert fraction(EXACT.envelope(x, FLOORS, LINES)) == highest


def test_names__change_nothing() -> None:
    """A constant and a named number are the number itself."""
    assert EXACT.constant(THIRD) is THIRD
    assert EXACT.named("notional", THIRD, "a note") is THIRD
    assert EXACT.quotient(Decimal(1), Decimal(4)) == Decimal("0.25")


def test_exactly__raises_instead_of_rounding() -> None:
    """A quotient without end is refused, while a sum over 40 orders of magnitude is kept whole."""
    with exactly():
        assert Decimal("1e20") + Decimal("1e-20") == Decimal("100000000000000000000.00000000000000000001")
        with pytest.raises(Inexact):
            Decimal(1) / Decimal(3)
