"""The kit's own number systems: what they refuse, and in which words; what they let through is exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from rules_engine.numbers.exact import EXACT, Ratio
from rules_engine.testing.dimensions import (
    CURRENCY,
    PURE,
    Dimensioned,
    DimensionedNumbers,
    Unit,
    UnlikeUnits,
    unit_of,
    value_of,
)
from rules_engine.testing.opaque import Forbidden, Opaque, OpaqueNumbers

NUM = DimensionedNumbers()
MONEY = Dimensioned(Decimal(100), CURRENCY)
LOTS = Dimensioned(Decimal(4), unit_of("contract"))
PRICE = Dimensioned(Decimal(25), unit_of("currency/contract"))
RATE = Dimensioned(Decimal("0.1"), PURE)
ANY = Dimensioned(Decimal(3), None)


@pytest.mark.parametrize(
    ("text", "currency", "contract"),
    [
        ("1", 0, 0),
        ("currency", 1, 0),
        ("currency/contract", 1, -1),
        ("contract^-1/2", 0, Fraction(-1, 2)),
        ("currency^2/contract^1/2", 2, Fraction(-1, 2)),
        ("1/contract", 0, -1),
        ("currency * contract^-1", 1, -1),
    ],
)
def test_unit__is_read(text: str, currency: Any, contract: Any) -> None:
    assert unit_of(text) == Unit(Fraction(currency), Fraction(contract))


@pytest.mark.parametrize("text", ["", "dollars", "currency contract", "/contract", "currency/", "currency^x"])
def test_unit__that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnlikeUnits, match="is no unit"):
        unit_of(text)


@pytest.mark.parametrize(
    ("made", "unit", "value"),
    [
        (LOTS * PRICE, CURRENCY, 100),
        (LOTS * PRICE + MONEY, CURRENCY, 200),
        (MONEY - 1, CURRENCY, 99),
        (1 - MONEY, CURRENCY, -99),
        (Decimal(2) * MONEY, CURRENCY, 200),
        (MONEY + ANY, CURRENCY, 103),
        (MONEY * ANY, None, 300),
        (NUM.quotient(MONEY, LOTS), unit_of("currency/contract"), 25),
        (NUM.quotient(1, LOTS), unit_of("contract^-1"), Decimal("0.25")),
        (NUM.maximum(MONEY, 0, LOTS * PRICE), CURRENCY, 100),
        (NUM.total([MONEY, 0, MONEY]), CURRENCY, 200),
        (NUM.square_root(LOTS, Decimal("0.1"), "up"), unit_of("contract^1/2"), 2),
        (NUM.rounded(MONEY, Decimal(30), "up"), CURRENCY, 120),
        (NUM.absolute(-MONEY), CURRENCY, 100),
        (NUM.step(MONEY, [Dimensioned(Decimal(0), CURRENCY), MONEY], [RATE, LOTS]), unit_of("contract"), 4),
        (NUM.envelope(MONEY, [Dimensioned(Decimal(0), CURRENCY)], [(RATE, MONEY)]), CURRENCY, -90),
    ],
)
def test_dimensioned__values_and_units_follow(made: Dimensioned, unit: Any, value: Any) -> None:
    """Plain numbers adopt what they are added to and are pure in products; what has any unit goes with every one."""
    assert (made.unit, made.value) == (unit, value)


@pytest.mark.parametrize(
    "adds",
    [
        lambda: MONEY + LOTS,
        lambda: MONEY - RATE,
        lambda: MONEY < LOTS,
        lambda: MONEY == LOTS,
        lambda: NUM.maximum(MONEY, LOTS),
        lambda: NUM.minimum(MONEY, 0, PRICE),
        lambda: NUM.total([MONEY, LOTS]),
        lambda: NUM.step(MONEY, [LOTS], [1]),
        lambda: NUM.envelope(MONEY, [Dimensioned(Decimal(0), CURRENCY)], [(RATE, LOTS)]),
        lambda: NUM.rounded(MONEY, LOTS, "up"),
        lambda: NUM.square_root(LOTS, LOTS, "up"),
        lambda: NUM.exponential(MONEY),
        lambda: NUM.logarithm(LOTS),
        lambda: NUM.normal(PRICE),
    ],
)
def test_dimensioned__unlike_units_are_refused(adds: Callable[[], object]) -> None:
    """In sums, in comparisons and where only pure numbers make sense."""
    with pytest.raises(UnlikeUnits):
        adds()


def test_dimensioned__of_pure_numbers_has_roots_and_exponentials() -> None:
    """As exact numbers have them."""
    assert NUM.exponential(RATE) == EXACT.exponential(Decimal("0.1"))
    assert value_of(NUM.normal(RATE)) == EXACT.normal(Decimal("0.1"))


FORBIDDEN: dict[str, Callable[[Any], object]] = {
    "bool": bool,
    "==": lambda x: x == 1,
    "!=": lambda x: x != 1,
    "<": lambda x: x < 1,
    "<=": lambda x: x <= 1,
    ">": lambda x: x > 1,
    ">=": lambda x: x >= 1,
    "hash": lambda x: {x},
    "float": float,
    "int": int,
    "round": round,
    "abs": abs,
    "/": lambda x: x / 2,
    "//": lambda x: x // 2,
    "%": lambda x: x % 2,
    "**": lambda x: x**2,
}


@pytest.mark.parametrize("verb", FORBIDDEN)
def test_opaque__names_what_formulas_may_not_do(verb: str) -> None:
    """It raises, and the ledger keeps it for whoever swallows that."""
    num = OpaqueNumbers()
    with pytest.raises(Forbidden):
        FORBIDDEN[verb](num.number())
    assert num.ledger[0].startswith(f"a number is used with {verb}")


@pytest.mark.parametrize("other", [1, Decimal(2), Ratio(Decimal(1), Decimal(3))])
def test_opaque__has_sums_and_products_with_exact_numbers(other: Any) -> None:
    """On either side."""
    x = OpaqueNumbers().number()
    assert all(isinstance(made, Opaque) for made in (x + other, other + x, x - other, other - x, x * other, other * x))


def test_opaque__refuses_smallest_of_python_and_units_that_are_not_exact() -> None:
    """`min` compares; a unit to round to is the same in every number system."""
    num = OpaqueNumbers()
    with pytest.raises(Forbidden):
        min(num.number(), num.number())  # type: ignore[call-overload]
    with pytest.raises(Forbidden):
        num.rounded(num.number(), num.constant(1), "up")
    with pytest.raises(TypeError):
        math.sqrt(num.number())  # type: ignore[arg-type]
