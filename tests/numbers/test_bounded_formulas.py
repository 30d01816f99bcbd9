"""The margin formulas on columns: every figure is within its proven error of the exact one, and so is the plain one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
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
from rules_engine.numbers.bounded import BoundedNumbers, Scratch, bounded, rounding_error
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import BY_SIZE, Column
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


def column(num: ColumnNumbers, numbers: Sequence[Decimal], order: int = 0) -> Column:
    """The doubles nearest to some numbers."""
    doubles = np.array([float(x) for x in numbers])
    return num.column(doubles, doubles.min(), doubles.max(), rounding_error(float(np.abs(doubles).max())), order)


def hold(formula: Callable[[ColumnNumbers], Number], exact: Sequence[Number]) -> None:
    """Every row that is not marked is within its error of the exact figure; on plain columns too."""
    num, plain = BoundedNumbers(Scratch(ROWS)), ColumnNumbers(Scratch(ROWS))
    found, also = bounded(formula(num)), plain.constant(formula(plain))
    assert found.error < math.inf
    values, plain_values = (np.broadcast_to(each.values, len(exact)).tolist() for each in (found, also))
    marked = [False] * len(exact) if num.doubtful is None else num.doubtful.tolist()
    for value, other, figure, doubtful in zip(values, plain_values, exact, marked, strict=True):
        assert found.low <= value <= found.high
        for one in (value, other):
            assert doubtful or abs(Fraction(one) - fraction(figure)) <= Fraction(found.error), (one, figure)


def figures(num: NumberSystem, exposure: Exposure) -> list[Number]:
    """Every figure of a position."""
    requirement = tiered_requirement(num, exposure)
    valued = [notional(num, exposure), unrealized_pnl(num, exposure), closing_fee(num, exposure)]
    return [*valued, requirement.initial, requirement.maintenance]


@st.composite
def rows(draw: st.DrawFn) -> tuple[dict[str, list[Decimal]], dict[str, Any]]:
    """Columns of positions of one instrument by size, on one side or on both, and what is one for all of them."""

    def several(choices: Sequence[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(choices), min_size=ROWS, max_size=ROWS))

    sides, sign = draw(st.sampled_from([(1,), (-1,), (1, -1)])), draw(st.sampled_from([1, -1]))
    table = draw(st.sampled_from(TABLES))
    fee = ClosingFee(
        rate=draw(st.sampled_from([Decimal(0), Decimal("0.0005")])),
        counts_in=draw(st.frozensets(st.sampled_from(["initial", "maintenance", "trigger"]))),
        valued_at=draw(st.sampled_from(["mark", "bankruptcy"])),
    )
    columns = {
        "quantity": [side * size for side, size in zip(several(sides), sorted(several(SIZES)), strict=True)],
        "entry_value": [sign * price for price in several(PRICES)],
    }
    if draw(st.booleans()):
        columns["leverage"] = several([Decimal(5), Decimal(75), Decimal("3.3")])
    if draw(st.booleans()):
        columns["collateral"] = several([Decimal(0), Decimal("17.5"), Decimal(100000)])
    return columns, {"schedule": table, "closing_fee": fee, "value": sign * draw(st.sampled_from(PRICES))}


@cases(400)
@given(drawn_rows=rows(), order=st.sampled_from([BY_SIZE, BY_SIZE, 0]), at_entry=st.booleans())
def test_position_figures__are_within_their_error(
    drawn_rows: tuple[dict[str, list[Decimal]], dict[str, Any]], order: int, at_entry: bool
) -> None:
    """Notional, PnL, fee and both margins of either payoff sign, unit and form of table, and on floors of the table."""
    columns, common = drawn_rows
    long = 1 if common["value"] > 0 else -1

    def made(value: Number, of: dict[str, Any]) -> Exposure:
        valued = of["entry_value"] if at_entry else value
        more = {**common, **of, "value": value, "maintenance_value": valued, "initial_value": valued}
        return msgspec.structs.replace(exposure_of("1", "1"), **more)

    def on_columns(index: int, num: ColumnNumbers) -> Number:
        held = {name: column(num, of, order if name == "quantity" else 0) for name, of in columns.items()}
        side = num.sign(held["quantity"]) * long
        return figures(num, made(num.constant(common["value"]), {**held, "side": side}))[index]

    exact = [
        figures(EXACT, made(common["value"], {**row, "side": long if row["quantity"] > 0 else -long}))
        for row in (dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True))
    ]
    for index in range(len(exact[0])):
        hold(partial(on_columns, index), [row[index] for row in exact])


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
    hold(
        lambda num: POOLS[name](num, [column(num, numbers) for numbers in zip(*triples, strict=True)]),
        [POOLS[name](EXACT, triple) for triple in triples],
    )


@pytest.mark.parametrize("payoff", [Linear(), Inverse(), Quanto()])
@cases(40)
@given(prices=st.lists(st.sampled_from(PRICES), min_size=ROWS, max_size=ROWS), size=st.sampled_from(SIZES))
def test_payoffs__are_within_their_error(
    payoff: Linear | Inverse | Quanto, prices: list[Decimal], size: Decimal
) -> None:
    """The value of a contract at a price of each row, and the price back from it."""

    def value(num: NumberSystem, price: Number) -> Number:
        return payoff.value(num, price, size, Decimal("1.3"))

    hold(lambda num: value(num, column(num, prices)), [value(EXACT, price) for price in prices])
    hold(lambda num: payoff.price(num, value(num, column(num, prices)), size, Decimal("1.3")), prices)
