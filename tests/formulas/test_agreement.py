"""One formula, several number systems: exact, traced and piecewise numbers give the same figures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.formulas.requirement import closing_fee, notional, tiered_requirement, unrealized_pnl
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.functions import Piecewise
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.numbers.traced import Traced, TracedNumbers
from rules_engine.terms.exposure import ClosingFee, Exposure
from tests.formulas.examples import FLOORS, RATES, exposure_of, fraction, schedule_of, slices

cases = settings(max_examples=150, deadline=None, derandomize=True, database=None)
UNKNOWN = PiecewiseNumbers(None, None)


def figures(num: NumberSystem, exposure: Exposure) -> list[Number]:
    """Every figure of a position."""
    requirement = tiered_requirement(num, exposure)
    return [
        notional(num, exposure),
        unrealized_pnl(num, exposure),
        closing_fee(num, exposure),
        requirement.initial,
        requirement.maintenance,
    ]


@st.composite
def exposures(draw: st.DrawFn, entry_known: bool) -> Exposure:
    """Positions of every payoff's sign, unit, form, fee and leverage; prices often on a floor of the table."""
    unit, form = draw(st.sampled_from(["notional", "quantity"])), draw(st.sampled_from(["marginal", "whole"]))
    floors = FLOORS if unit == "notional" else ("0", "10", "50")
    places = draw(st.sets(st.sampled_from(["initial", "maintenance", "trigger"])))
    fee = ClosingFee(
        rate=draw(st.sampled_from([Decimal(0), Decimal("0.0005")])),
        counts_in=frozenset(places),
        valued_at=draw(st.sampled_from(["mark", "bankruptcy"])),
    )
    sign = draw(st.sampled_from([1, -1]))
    value = sign * draw(st.sampled_from([Decimal(x) for x in ("1", "20", "100", "33.3", "0.07")]))
    entry = sign * draw(st.sampled_from([Decimal(x) for x in ("1", "20", "100", "90.01")]))
    quantity = draw(st.sampled_from([Decimal(x) for x in ("10", "50", "-10", "-50", "7.003", "-1000")]))
    leverage = draw(st.sampled_from([None, Decimal(5), Decimal(75)]))
    collateral = draw(st.sampled_from([None, Decimal(0), Decimal("17.5"), Decimal(100000)]))
    more: dict[str, Any] = {"maintenance_value": entry} if entry_known else {}
    return exposure_of(quantity, value, entry, schedule=schedule_of(unit, form, floors), closing_fee=fee,
                       leverage=leverage, collateral=collateral, **more)  # fmt: skip


@cases
@given(exposures(entry_known=False))
def test_traced__gives_the_exact_figures(exposure: Exposure) -> None:
    """Formulas replayed on traced numbers come to the exact values."""
    num = TracedNumbers()
    traced = msgspec.structs.replace(
        exposure,
        quantity=num.given("quantity", exposure.quantity),
        value=(value := num.given("value", exposure.value)),
        maintenance_value=value,
        initial_value=value,
    )
    found = [one.value if isinstance(one, Traced) else one for one in figures(num, traced)]
    assert found == figures(EXACT, exposure)


@cases
@given(exposures(entry_known=False), st.lists(st.sampled_from(["0", "1", "20", "100", "500", "3.3"]), min_size=1))
def test_piecewise__at_any_value_gives_the_exact_figures(exposure: Exposure, points: list[str]) -> None:
    """Formulas on an unknown value, read at a point, are the formulas at that point: floors and signs included."""
    x = UNKNOWN.unknown
    functions = figures(UNKNOWN, msgspec.structs.replace(exposure, value=x, maintenance_value=x, initial_value=x))
    for text in (*points, *(f"-{point}" for point in points)):
        point = Decimal(text)
        there = msgspec.structs.replace(exposure, value=point, maintenance_value=point, initial_value=point)
        found = [f.at(point) if isinstance(f, Piecewise) else f for f in functions]
        assert found == figures(EXACT, there)


@cases
@given(exposures(entry_known=True), st.sampled_from(["10", "-10", "50", "0", "12.25"]))
def test_piecewise__at_any_quantity_gives_the_exact_figures(exposure: Exposure, text: str) -> None:
    """The same with the quantity as the unknown, which is how close-outs and the largest order are found."""
    functions = figures(UNKNOWN, msgspec.structs.replace(exposure, quantity=UNKNOWN.unknown))
    expected = figures(EXACT, msgspec.structs.replace(exposure, quantity=Decimal(text)))
    assert [f.at(Decimal(text)) if isinstance(f, Piecewise) else f for f in functions] == expected


@pytest.mark.parametrize("quantity", ["3", "-3"])
@cases
@given(st.integers(1, 300000))
def test_maintenance__is_the_slices_of_fractions_in_every_system(quantity: str, cents: int) -> None:
    """A marginal table charges each rate on its slice; the sum is worked in fractions apart."""
    value = Decimal(cents).scaleb(-2)
    expected = slices(abs(Fraction(quantity)) * Fraction(cents, 100), FLOORS, RATES)
    exposure = exposure_of(quantity, value)
    x = UNKNOWN.unknown
    moving = msgspec.structs.replace(exposure, value=x, maintenance_value=x, initial_value=x)
    assert fraction(tiered_requirement(EXACT, exposure).maintenance) == expected
    assert fraction(tiered_requirement(UNKNOWN, moving).maintenance.at(value)) == expected
    assert fraction(tiered_requirement(TracedNumbers(), exposure).maintenance.value) == expected
