"""Payoffs: a price becomes a contract's value, and the value finds its way back to the price."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from rules_engine.formulas.payoff import Inverse, Linear, Quanto
from rules_engine.numbers.exact import EXACT, Ratio
from rules_engine.terms.components import Payoff

# (payoff, price, contract size, conversion, value): 2 * 50; -100 / 50; -100 / 75 = -4/3; 0.001 * 2 * 50.
VALUES = [
    (Linear(), "50", "2", "1", Decimal(100)),
    (Inverse(), "50", "100", "1", Decimal(-2)),
    (Inverse(), "75", "100", "1", Ratio(Decimal(-4), Decimal(3))),
    (Quanto(), "50", "2", "0.001", Decimal("0.1")),
]


@pytest.mark.parametrize(("payoff", "price", "size", "conversion", "value"), VALUES)
def test_payoff__value_and_price_are_each_others_inverse(
    payoff: Payoff, price: str, size: str, conversion: str, value: Decimal
) -> None:
    """The value is the definition's, and the price at that value is the price it came from."""
    contract = Decimal(size), Decimal(conversion)
    assert payoff.value(EXACT, Decimal(price), *contract) == value
    assert payoff.price(EXACT, value, *contract) == Decimal(price)


@pytest.mark.parametrize("payoff", [Linear(), Inverse(), Quanto()])
def test_payoff__value_rises_with_the_price_within_its_range(payoff: Payoff) -> None:
    """From a price near 0 to a huge one the value rises, and never leaves the range that the payoff states."""
    values = [payoff.value(EXACT, Decimal(price), Decimal(3), Decimal(2)) for price in ("1e-30", "1", "7", "1e30")]
    assert all(a < b for a, b in itertools.pairwise(values))
    low, high = payoff.value_range
    assert all((low is None or value > low) and (high is None or value < high) for value in values)


@pytest.mark.parametrize(
    ("payoff", "name", "required"),
    [
        (Linear(), "linear", ()),
        (Inverse(), "inverse", ("contract_size",)),
        (Quanto(), "quanto", ("contract_size", "conversion")),
    ],
)
def test_payoff__states_what_reference_data_it_cannot_do_without(
    payoff: Payoff, name: str, required: tuple[str, ...]
) -> None:
    """A linear contract is of size 1 unless stated; an inverse one states its size, a quanto also its conversion."""
    assert (payoff.name, tuple(payoff.required)) == (name, required)
