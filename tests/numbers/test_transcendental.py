"""Exponential, logarithm and normal distribution: digits of published tables, and the laws between them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.numbers.exact import EXACT, Exact, Ratio
from tests.numbers.strategies import DECIMALS, EXACTS, RATIOS, cases, decimal, fraction

ACCURACY = Fraction(1, 10**30)
ARGUMENTS = st.one_of(st.integers(-14, 14), st.builds(decimal, st.integers(-140_000, 140_000), st.just(4)), RATIOS)


def off(found: Exact, published: str) -> Fraction:
    """How far a result is from the published digits."""
    return abs(fraction(found) - Fraction(published))


@pytest.mark.parametrize(
    ("x", "published"),
    [
        (Decimal(1), "2.71828182845904523536028747135266249775724709369995"),  # OEIS A001113
        (Decimal(-1), "0.36787944117144232159552377016146086744581113103176"),  # OEIS A068985
        (Decimal("0.5"), "1.64872127070012814684865078781416357165377610071014"),  # OEIS A019774
        (Ratio(Decimal(21), Decimal(42)), "1.64872127070012814684865078781416357165377610071014"),  # the same
        (0, "1"),
    ],
)
def test_exponential__has_the_published_digits(x: Exact, published: str) -> None:
    """e, its inverse and its roots, within 1e-30 of themselves."""
    assert off(EXACT.exponential(x), published) <= ACCURACY * Fraction(published)


@pytest.mark.parametrize(
    ("x", "published"),
    [
        (2, "0.69314718055994530941723212145817656807550013436025"),  # OEIS A002162
        (Decimal(3), "1.09861228866810969139524523692252570464749055782274"),  # OEIS A002391
        (Decimal(10), "2.30258509299404568401799145468436420760110148862877"),  # OEIS A002392
        (Ratio(Decimal(1), Decimal(3)), "-1.09861228866810969139524523692252570464749055782274"),  # minus ln 3
        (Decimal(1), "0"),
    ],
)
def test_logarithm__has_the_published_digits(x: Exact, published: str) -> None:
    """Of 2, 3, 10, a third and 1, within 1e-30."""
    assert off(EXACT.logarithm(x), published) <= ACCURACY


TAILS = {
    "0": "0.5",
    "1": "0.158655253931457051414767454367962077522087",  # OEIS A239382
    "2": "0.0227501319481792072002826371665334374717762",  # OEIS A239383
    "3": "0.0013498980316300945266518147675949773778293",  # OEIS A239384
    "4": "0.000031671241833119921253770756722151298443",  # OEIS A239385
    "5": "2.86651571879193911673752332874645353854423e-7",  # OEIS A239386
    "6": "9.86587645037698140700864132398042018669791e-10",  # OEIS A239387
}
"""The probability of exceeding the mean by so many standard deviations."""


@pytest.mark.parametrize("x", TAILS)
def test_normal__has_the_published_digits(x: str) -> None:
    """Both tails at whole deviations, within 1e-30."""
    assert off(EXACT.normal(-Decimal(x)), TAILS[x]) <= ACCURACY
    assert off(1 - EXACT.normal(Decimal(x)), TAILS[x]) <= ACCURACY


@pytest.mark.parametrize(
    ("x", "published"),
    [("7", "11.89285"), ("8", "15.20614"), ("9", "18.94746"), ("10", "23.11805")],
)
def test_normal__far_tail_is_that_of_the_table(x: str, published: str) -> None:
    """Abramowitz & Stegun, table 26.2, gives minus the decimal logarithm of the tail to five places."""
    tail, ten = EXACT.normal(-Decimal(x)), Decimal(10)
    found = EXACT.quotient(-EXACT.logarithm(tail), EXACT.logarithm(ten))
    assert EXACT.rounded(found, Decimal("0.00001"), "half_up") == Decimal(published)


@pytest.mark.parametrize("x", ["11.99", "12", "12.01", "1e30"])
def test_normal__beyond_twelve_deviations_nothing_is_left(x: str) -> None:
    """The tail at 11.9 is 5.9e-33 and becomes 1e-32; from 11.99 on, below 5e-33, it is 0, at any size."""
    assert EXACT.normal(Decimal("-11.9")) == Decimal("1e-32")
    assert (EXACT.normal(-Decimal(x)), EXACT.normal(Decimal(x))) == (0, 1)


@cases(200)
@given(ARGUMENTS)
def test_normal__of_x_and_of_minus_x_add_up_to_one(x: Exact) -> None:
    """Exactly, not only nearly: what two sides of a bet are worth adds up."""
    assert EXACT.normal(x) + EXACT.normal(-x) == 1


@cases(200)
@given(ARGUMENTS, ARGUMENTS)
def test_normal__never_falls(x: Exact, y: Exact) -> None:
    """A larger argument never has a smaller probability, and all are between 0 and 1."""
    low, high = EXACT.normal(EXACT.minimum(x, y)), EXACT.normal(EXACT.maximum(x, y))
    assert 0 <= low <= high <= 1


@cases(200)
@given(EXACTS.filter(lambda x: x > 0))
def test_exponential__undoes_the_logarithm(x: Exact) -> None:
    """e ** ln x is x, within both accuracies."""
    back = EXACT.exponential(EXACT.logarithm(x))
    assert abs(fraction(back) - fraction(x)) <= 3 * ACCURACY * fraction(x)


@cases(200)
@given(DECIMALS, RATIOS.filter(lambda x: abs(x) < 100))
def test_exponential__of_a_sum_is_the_product(x: Decimal, y: Ratio) -> None:
    """e ** (x + y) is e ** x times e ** y, within the accuracies of all three."""
    whole = fraction(EXACT.exponential(x + y))
    parts = fraction(EXACT.exponential(x)) * fraction(EXACT.exponential(y))
    assert abs(whole - parts) <= 4 * ACCURACY * whole


@pytest.mark.parametrize("x", [Decimal("10000.01"), Decimal("-10000.01"), Ratio(Decimal(30001), Decimal(3))])
def test_exponential__above_ten_thousand_is_refused(x: Exact) -> None:
    """In either direction, rather than to go on with thousands of digits; 10000 itself is taken."""
    assert EXACT.exponential(Decimal(10000)) * EXACT.exponential(Decimal(-10000)) < 2
    with pytest.raises(ValueError, match="exponential is taken of a number above 10000 in size"):
        EXACT.exponential(x)


@pytest.mark.parametrize("x", [Decimal(0), Decimal(-1), Ratio(Decimal(-1), Decimal(3))])
def test_logarithm__of_what_is_not_above_zero_is_refused(x: Exact) -> None:
    """Zero and negative numbers have none."""
    with pytest.raises(ValueError, match="logarithm is taken of a number that is not above zero"):
        EXACT.logarithm(x)
