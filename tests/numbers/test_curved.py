"""Rounding, roots, exponential, logarithm and normal where numbers are traced or functions of an unknown."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from rules_engine.numbers.exact import EXACT, ZERO
from rules_engine.numbers.functions import NotLinear, Piecewise
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.numbers.traced import TracedNumbers

CENT = Decimal("0.01")
CURVED: dict[str, Callable[[NumberSystem, Number], Number]] = {
    "rounded": lambda num, x: num.rounded(x, CENT, "up"),
    "square_root": lambda num, x: num.square_root(x, CENT, "half_up"),
    "exponential": lambda num, x: num.exponential(x),
    "logarithm": lambda num, x: num.logarithm(x),
    "normal": lambda num, x: num.normal(x),
}
EVERYWHERE = PiecewiseNumbers(None, None)
curved = pytest.mark.parametrize("verb", CURVED.values(), ids=CURVED)


@curved
def test_traced__has_the_exact_value(verb: Callable[[NumberSystem, Number], Number]) -> None:
    """Traced numbers and plain ones under a verb come to the exact system's value."""
    num = TracedNumbers()
    assert verb(num, num.given("a", Decimal("2.005"))).value == verb(EXACT, Decimal("2.005"))
    assert verb(num, Decimal("2.005")).value == verb(EXACT, Decimal("2.005"))


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("rounded", "(a 2 + b 3) rounded up to 0.01"),
        ("square_root", "root of (a 2 + b 3) rounded half up to 0.01"),
        ("exponential", "exp(a 2 + b 3)"),
        ("logarithm", "ln(a 2 + b 3)"),
        ("normal", "N(a 2 + b 3)"),
    ],
)
def test_traced__says_what_was_done(verb: str, text: str) -> None:
    """The verb in words, around what it was applied to."""
    num = TracedNumbers()
    assert CURVED[verb](num, num.given("a", Decimal(2)) + num.given("b", Decimal(3))).text == text


def test_traced__what_is_rounded_stands_in_brackets_inside_of_more() -> None:
    """Otherwise `rounded up to 0.01 + b 3` could be read as rounded to the sum; a name needs no brackets."""
    num = TracedNumbers()
    a, b = num.given("a", Decimal(2)), num.given("b", Decimal(3))
    rounded = num.rounded(a, CENT, "down")
    assert rounded.text == "a 2 rounded down to 0.01"
    assert (rounded + b).text == num.total([rounded, b]).text == "(a 2 rounded down to 0.01) + b 3"
    assert (b + rounded).text == "b 3 + (a 2 rounded down to 0.01)"
    assert (rounded - b).text == "(a 2 rounded down to 0.01) - b 3"
    assert (rounded * b).text == "(a 2 rounded down to 0.01) * b 3"
    assert (num.exponential(a) * b).text == "exp(a 2) * b 3"
    assert num.maximum(rounded, b).text == "largest of (a 2 rounded down to 0.01; b 3)"


@curved
def test_piecewise__of_what_does_not_depend_on_the_unknown_is_exact(
    verb: Callable[[NumberSystem, Number], Number],
) -> None:
    """A number stays one, and a function that is level is level under the verb."""
    x, expected = Decimal("2.005"), verb(EXACT, Decimal("2.005"))
    level = verb(EVERYWHERE, ZERO * EVERYWHERE.unknown + x)
    assert verb(EVERYWHERE, x) == expected
    assert level.at(Decimal(7)) == expected
    assert level.shape.bend == 0


@curved
def test_piecewise__of_a_step_is_a_step(verb: Callable[[NumberSystem, Number], Number]) -> None:
    """What is level between its jumps is level under the verb, on both sides of the jump."""
    step = EVERYWHERE.step(EVERYWHERE.unknown, (ZERO, Decimal(10)), (Decimal(2), Decimal(3)))
    found = verb(EVERYWHERE, step)
    assert found.at(Decimal("9.99")) == verb(EXACT, Decimal(2))
    assert found.at(Decimal(10)) == verb(EXACT, Decimal(3))
    assert found.shape.bend is None


@curved
def test_piecewise__of_the_unknown_is_not_linear(verb: Callable[[NumberSystem, Number], Number]) -> None:
    """Refused when it is asked for; a figure that no one asks about spoils nothing."""
    function = verb(EVERYWHERE, EVERYWHERE.unknown)
    assert isinstance(function, Piecewise)
    with pytest.raises(NotLinear, match="the unknown is rounded, or under a root"):
        function.at(Decimal(1))


@pytest.mark.parametrize("verb", ["square_root", "logarithm"])
def test_piecewise__where_a_verb_has_no_value_the_function_has_no_shape(verb: str) -> None:
    """The root or the logarithm of a step to -1 is known below the step alone."""
    step = EVERYWHERE.step(EVERYWHERE.unknown, (ZERO, Decimal(10)), (Decimal(2), Decimal(-1)))
    found = CURVED[verb](EVERYWHERE, step)
    assert found.at(Decimal(9)) == CURVED[verb](EXACT, Decimal(2))
    with pytest.raises(NotLinear, match="is taken of a number"):
        found.at(Decimal(10))
