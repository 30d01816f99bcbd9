"""Traced numbers: the exact value, and how it was made in words that a person reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from rules_engine.numbers.exact import Exact, Ratio
from rules_engine.numbers.traced import Traced, TracedNumbers, readable
from tests.numbers.strategies import EXACTS, RATIOS, cases, fraction

THIRD = Ratio(Decimal(1), Decimal(3))


def given_two(x: str = "2", y: str = "3") -> tuple[TracedNumbers, Any, Any]:
    """A number system with two inputs, a and b."""
    num = TracedNumbers()
    return num, num.given("a", Decimal(x)), num.given("b", Decimal(y))


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (Decimal("0.50"), "0.5"),
        (7, "7"),
        (Ratio(Decimal(1), Decimal(4)), "0.25"),
        (THIRD, "0.333333333333…"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        (Decimal("1.23456789012345678901"), "1.23456789012…"),
    ],
)
def test_readable__is_whole_where_short_and_else_ends_in_an_ellipsis(x: Exact, expected: str) -> None:
    """Numbers of up to 20 digits are shown whole, longer and endless ones by 12 digits and an ellipsis."""
    assert readable(x) == expected


@cases(200)
@given(RATIOS, EXACTS)
def test_arithmetic__carries_the_exact_value(x: Ratio, y: Exact) -> None:
    """Sums, differences, products and quotients of traced numbers have the fractions' values, from either side."""
    a, fx, fy = Traced(x, "a"), fraction(x), fraction(y)
    assert [fraction(r.value) for r in (a + y, y + a)] == [fx + fy, fx + fy]
    assert [fraction(r.value) for r in (a - y, y - a, -a)] == [fx - fy, fy - fx, -fx]
    assert [fraction(r.value) for r in (a * y, y * a)] == [fx * fy, fx * fy]


def test_text__brackets_only_what_binds_less() -> None:
    """A sum inside a product, a difference taken away and what stands under a fraction get brackets; no others."""
    num, a, b = given_two()
    assert (a + b).text == "a 2 + b 3"
    assert ((a + b) * b).text == "(a 2 + b 3) * b 3"
    assert (a * b + b).text == "a 2 * b 3 + b 3"
    assert (a - (a + b)).text == "a 2 - (a 2 + b 3)"
    assert num.quotient(a + b, a * b).text == "(a 2 + b 3) / (a 2 * b 3)"
    assert (-(a + b)).text == "-(a 2 + b 3)"
    assert (1 - a).text == "1 - a 2"


def test_text__leaves_out_what_changes_nothing() -> None:
    """Adding and taking 0, and multiplying by 1, are not worth saying; a product with 0 is 0."""
    _, a, _ = given_two()
    assert [(a + 0).text, (0 + a).text, (a - 0).text, (a * 1).text, (1 * a).text] == ["a 2"] * 5
    assert (a * 0).text == "0"


def test_total__shows_twelve_terms_and_adds_up_the_rest() -> None:
    """Of fourteen terms that are not 0 the last two are added up; the bracket around them shows that it is a sum."""
    num = TracedNumbers()
    total = num.total([0, num.given("x", Decimal(0)), *[num.given("x", Decimal(n)) for n in range(1, 15)]])
    assert total.value == 105
    assert total.text == " + ".join(f"x {n}" for n in range(1, 13)) + " + 2 more: 27"
    assert (total * 2).text == f"({total.text}) * 2"
    assert "more" not in num.total([num.given("x", Decimal(n)) for n in range(1, 13)]).text


def test_total__of_one_term_is_that_term() -> None:
    """Nothing at all is 0, zeros are nothing, and a product stays one that needs no brackets."""
    num, a, b = given_two()
    assert num.total([]).text == num.total([a * 0, num.given("x", Decimal(0))]).text == "0"
    assert num.total([0, a * b]).inside(2) == "a 2 * b 3"


def test_choice__says_all_that_it_chose_from() -> None:
    """A choice names its candidates once; a bare constant that lost is left out, one that won is not."""
    num, a, b = given_two()
    assert num.maximum(a, b, Decimal(0)).text == "largest of (a 2; b 3)"
    assert num.minimum(a, b, Decimal(1)).text == "smallest of (a 2; b 3; 1)"
    assert num.maximum(a, Decimal(0)).text == "a 2"
    assert num.maximum(num.maximum(a, b), a).text == "largest of (a 2; b 3)"
    assert num.maximum(a, b - b).text == "a 2"
    assert num.maximum(a - b, b - b).text == "largest of (a 2 - b 3; b 3 - b 3)"


def test_named__keeps_one_step_for_each_figure() -> None:
    """A named figure is a step with name, value and origin, once; later it goes by its name. A note is added."""
    num, a, b = given_two()
    product = num.named("product", a * b)
    num.named("product", a * b)
    num.named("sum", product + a, "at the mark")
    assert num.steps == [("product", 6, "a 2 * b 3"), ("sum", 8, "product 6 + a 2  at the mark")]


def test_named__an_input_under_its_own_name_is_no_step() -> None:
    """Naming what already goes by that name and value says nothing new."""
    num, a, _ = given_two()
    assert num.named("a", a).text == "a 2"
    assert num.steps == []


def test_verbs__take_plain_numbers_as_they_are() -> None:
    """Constants and sizes of plain numbers become traced numbers of the same value."""
    num, a, _ = given_two("-2")
    assert num.constant(Decimal("0.5")).text == "0.5"
    assert (num.absolute(a).value, num.absolute(a).text) == (2, "|a -2|")


def test_tables__are_read_at_the_exact_value() -> None:
    """On the floor 10 the second line holds: 2 * 10 - 10 = 10."""
    num = TracedNumbers()
    size = num.given("notional", Decimal(10))
    floors, lines = (Decimal(0), num.given("floor", Decimal(10))), ((Decimal(1), Decimal(0)), (Decimal(2), Decimal(10)))
    assert num.step(size, floors, ("first", "second")) == "second"
    required = num.envelope(size, floors, lines)
    assert (required.value, required.text) == (10, "2 * notional 10 - 10")
