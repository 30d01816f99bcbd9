"""The margin formulas on columns with a proven error: every figure is within its error of the exact one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.formulas.buffers import curve_multiplier
from rules_engine.formulas.collateral import collateral_value
from rules_engine.formulas.payoff import Inverse, Linear, Quanto
from rules_engine.formulas.pool import draw_limit, drawn, free_margin, loss_to_mark, order_margin, surplus, withdrawable
from rules_engine.formulas.requirement import closing_fee, notional, tiered_requirement, unrealized_pnl
from rules_engine.formulas.tiers import adjusted_rate
from rules_engine.numbers.bounded import Bounded, BoundedNumbers, Scratch, bounded, rounding_error
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Adjustment, ClosingFee, Exposure
from tests.formulas.examples import exposure_of, schedule_of
from tests.numbers.strategies import cases, fraction

ROWS = 6
PRICES = tuple(Decimal(text) for text in ("1", "20", "100", "33.3", "0.07", "90.01", "61000.5"))
SIZES = tuple(Decimal(text) for text in ("10", "50", "7.003", "1000", "1e-7", "30.03003003003003003", "123456789.01"))
AMOUNTS = st.sampled_from([Decimal(text) for text in ("0", "17.5", "-3.1", "100000", "0.1", "-99999.99", "1e-320")])
TABLES = (
    schedule_of("notional", "marginal"),
    schedule_of("notional", "whole"),
    schedule_of("quantity", "marginal", ("0", "10", "50")),
    schedule_of("quantity", "whole", ("0", "10", "50")),
)
Formula = Callable[[NumberSystem, Sequence[Number]], Number]


def column(num: BoundedNumbers, numbers: Sequence[Decimal], order: int = 0) -> Bounded:
    """The doubles nearest to some numbers."""
    doubles = np.array([float(x) for x in numbers])
    return num.column(doubles, doubles.min(), doubles.max(), rounding_error(float(np.abs(doubles).max())), order)


def hold(num: BoundedNumbers, found: Number, exact: Sequence[Number]) -> None:
    """Every row that is not marked is within its error of the exact figure."""
    found = bounded(found)
    assert found.error < math.inf
    values = np.broadcast_to(found.values, len(exact)).tolist()
    marked = [False] * len(exact) if num.doubtful is None else num.doubtful.tolist()
    for value, figure, doubtful in zip(values, exact, marked, strict=True):
        assert found.low <= value <= found.high
        assert doubtful or abs(Fraction(value) - fraction(figure)) <= Fraction(found.error), (value, figure)


def figures(num: NumberSystem, exposure: Exposure) -> list[Number]:
    """Every figure of a position."""
    requirement = tiered_requirement(num, exposure)
    valued = [notional(num, exposure), unrealized_pnl(num, exposure), closing_fee(num, exposure)]
    return [*valued, requirement.initial, requirement.maintenance]


@st.composite
def rows(draw: st.DrawFn) -> tuple[dict[str, list[Decimal]], dict[str, Any]]:
    """Columns of positions on one side of one instrument, by quantity, and what is one for all of them."""

    def several(choices: Sequence[Decimal]) -> list[Decimal]:
        return draw(st.lists(st.sampled_from(choices), min_size=ROWS, max_size=ROWS))

    side, sign = draw(st.sampled_from([1, -1])), draw(st.sampled_from([1, -1]))
    table = draw(st.sampled_from(TABLES))
    fee = ClosingFee(
        rate=draw(st.sampled_from([Decimal(0), Decimal("0.0005")])),
        counts_in=draw(st.frozensets(st.sampled_from(["initial", "maintenance", "trigger"]))),
        valued_at=draw(st.sampled_from(["mark", "bankruptcy"])),
    )
    columns = {
        "quantity": sorted(side * size for size in several(SIZES)),
        "entry_value": [sign * price for price in several(PRICES)],
    }
    if draw(st.booleans()):
        columns["leverage"] = several([Decimal(5), Decimal(75), Decimal("3.3")])
    if draw(st.booleans()):
        columns["collateral"] = several([Decimal(0), Decimal("17.5"), Decimal(100000)])
    common = {"schedule": table, "closing_fee": fee, "side": side * sign}
    return columns, {**common, "value": sign * draw(st.sampled_from(PRICES))}


@cases(500)
@given(drawn_rows=rows(), ordered=st.booleans(), at_entry=st.booleans())
def test_position_figures__are_within_their_error(
    drawn_rows: tuple[dict[str, list[Decimal]], dict[str, Any]], ordered: bool, at_entry: bool
) -> None:
    """Notional, PnL, fee and both margins of either payoff sign, unit and form of table, and on floors of the table."""
    columns, common = drawn_rows
    num = BoundedNumbers(Scratch(ROWS))

    def made(value: Number, of: dict[str, Any]) -> Exposure:
        valued = of["entry_value"] if at_entry else value
        more = {**common, **of, "value": value, "maintenance_value": valued, "initial_value": valued}
        return msgspec.structs.replace(exposure_of("1", "1"), **more)

    held = {name: column(num, of, int(ordered and name == "quantity")) for name, of in columns.items()}
    found = figures(num, made(bounded(common["value"]), held))
    exact = [
        figures(EXACT, made(common["value"], dict(zip(columns, row, strict=True))))
        for row in zip(*columns.values(), strict=True)
    ]
    for index, figure in enumerate(found):
        hold(num, figure, [row[index] for row in exact])


POOLS: dict[str, Formula] = {
    "surplus": lambda num, x: surplus(x[0], num.absolute(x[1]), num.absolute(x[2]), Decimal("1.25")),
    "order_margin": lambda num, x: order_margin(num, x[0], x[1], x[2], [num.absolute(x[1])], [Decimal("0.3")]),
    "loss_to_mark": lambda num, x: loss_to_mark(num, x[0], x[1], x[2]),
    "free_margin": lambda num, x: free_margin(num, x[0], x[1], [x[2], Decimal("0.1")]),
    "draw_limit": lambda num, x: draw_limit(num, x[0] - x[1], Decimal("0.7"), 3),
    "drawn": lambda num, x: drawn(num, x[0], x[1], x[2]),
    "withdrawable": lambda num, x: withdrawable(num, x[0], x[1]),
    "collateral": lambda num, x: collateral_value(num, x[0], Decimal("3.7"), Decimal("0.05"), Decimal(900)),
    "adjusted_rate": lambda num, x: adjusted_rate(
        num, x[0], Adjustment(multiply=Decimal("1.1"), add_rate=Decimal("0.1"))
    ),
    "curve": lambda num, x: curve_multiplier(
        num, x[0], {"slope": Decimal("0.3"), "reference": Decimal("0.7"), "cap": Decimal(3)}
    ),
}
TRIPLES = st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=ROWS, max_size=ROWS)


@pytest.mark.parametrize("name", POOLS)
@cases(60)
@given(triples=TRIPLES)
def test_pool_formulas__are_within_their_error(name: str, triples: list[tuple[Decimal, ...]]) -> None:
    """What follows for pools, orders, collateral and rates, on columns that hold subnormal numbers too."""
    num = BoundedNumbers(Scratch(ROWS))
    found = POOLS[name](num, [column(num, numbers) for numbers in zip(*triples, strict=True)])
    hold(num, found, [POOLS[name](EXACT, triple) for triple in triples])


@pytest.mark.parametrize("payoff", [Linear(), Inverse(), Quanto()])
@cases(40)
@given(prices=st.lists(st.sampled_from(PRICES), min_size=ROWS, max_size=ROWS), size=st.sampled_from(SIZES))
def test_payoffs__are_within_their_error(
    payoff: Linear | Inverse | Quanto, prices: list[Decimal], size: Decimal
) -> None:
    """The value of a contract at a price of each row, and the price back from it."""
    num = BoundedNumbers(Scratch(ROWS))
    value = payoff.value(num, column(num, prices), size, Decimal("1.3"))
    hold(num, value, [payoff.value(EXACT, price, size, Decimal("1.3")) for price in prices])
    hold(num, payoff.price(num, value, size, Decimal("1.3")), prices)
