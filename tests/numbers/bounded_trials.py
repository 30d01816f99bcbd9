"""Strategies for columns, and trials that follow a formula in columns and in fractions at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from rules_engine.formulas.tiers import tier_lines
from rules_engine.numbers.bounded import Bounded, BoundedNumbers, Scratch, bounded, rounding_error
from rules_engine.numbers.columns import BY_SIZE, FALLING, RISING
from rules_engine.numbers.exact import Exact, Ratio
from rules_engine.numbers.system import Line, Number
from tests.numbers.strategies import EXACTS, fraction

ROWS = 7
LARGEST = 1.7976931348623157e308
INFINITE = float("inf")
Recipe = tuple[Any, ...]


class Table(msgspec.Struct, frozen=True):
    """Floors with the lines of an envelope and the values of a step, whose differences no error can hide."""

    floors: tuple[Exact, ...]
    lines: tuple[Line, ...]
    values: tuple[Exact, ...]


def table(floors: Sequence[Exact], rates: Sequence[Exact]) -> Table:
    """A table with lines that meet at its floors."""
    return Table(tuple(floors), tier_lines(floors, rates), tuple(Decimal(7 - 3 * tier) for tier in range(len(floors))))


RATES = (Decimal("0.004"), Decimal("0.01"), Ratio(Decimal(1), Decimal(3)))
FLOORS: tuple[tuple[Exact, ...], ...] = (
    (Decimal(0), Decimal(10), Decimal(25)),
    (Decimal(0), Decimal("0.1"), Decimal("0.3")),
    (Decimal(0), Ratio(Decimal(1), Decimal(3)), Ratio(Decimal(2), Decimal(3))),
    (Decimal(0), Decimal("1e-320"), Decimal("3e-310")),
    (Decimal(0), Decimal("1e300"), Decimal("1e308")),
    (Decimal(-5), Decimal(5), Decimal("5.0000000000000000001")),
    (Decimal(0), Decimal("1e308"), Decimal("1e400")),
)
STEEP = ((Decimal(-2), Decimal("0.5"), Decimal(3)), (Decimal(-3), Decimal(-2), Decimal("-0.1")))
NEAR = [float(fraction(floor)) for floors in FLOORS for floor in floors if abs(fraction(floor)) < Fraction(LARGEST)]
ODD = [0.0, -0.0, 5e-324, 2.0**-1022, 1e-310, 1e-300, 0.1, 1 / 3, 1.0, 1 + 2.0**-52, 2.0**53 + 2, 1e16, 1e300, LARGEST]


class Column(msgspec.Struct, frozen=True):
    """Doubles, the true numbers that they stand for, and how far apart those may be."""

    doubles: tuple[float, ...]
    truths: tuple[Fraction, ...]
    error: float
    order: int


def beside(x: float) -> st.SearchStrategy[float]:
    """A double, or one that is at most two steps away."""
    steps = [x, math.nextafter(x, INFINITE), math.nextafter(x, -INFINITE), x * (1 + 2.0**-51), -x]
    return st.sampled_from([one for one in steps if math.isfinite(one)])


@st.composite
def columns(draw: st.DrawFn) -> Column:
    """Doubles of one scale, or at floors, or at the ends of what doubles can say; some as far off as they may be.

    Those by size may have either sign.
    """
    scale = draw(st.sampled_from([0, 0, 0, 40, -40, 500, -500, -1060]))
    ordinary = st.integers(-(2**53), 2**53).map(lambda units: math.ldexp(units, scale - 48))
    odd = st.sampled_from([*ODD, *NEAR]).flatmap(beside)
    positive = st.integers(2**50, 2**53).map(lambda units: math.ldexp(units, scale - 48))
    entries = draw(
        st.sampled_from(
            [ordinary, positive, positive, odd, st.sampled_from(NEAR[:7]).flatmap(beside), st.floats(0, 60)]
        )
    )
    doubles = draw(st.lists(entries, min_size=ROWS, max_size=ROWS))
    order = draw(st.sampled_from([RISING, FALLING, BY_SIZE, BY_SIZE, 0]))
    if order == BY_SIZE:
        signs = draw(st.lists(st.sampled_from([1, -1]), min_size=ROWS, max_size=ROWS))
        doubles = sorted((x * sign for x, sign in zip(doubles, signs, strict=True)), key=abs)
    elif order:
        doubles.sort(reverse=order == FALLING)
    size = max(map(abs, doubles))
    error = draw(st.sampled_from([0.0, rounding_error(size), 2.0**-30 * size, 2.0**-1074, 1.0]))
    shares = st.sampled_from([Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 3)])
    truths = [Fraction(double) + draw(shares) * Fraction(error) for double in doubles]
    return Column(tuple(doubles), tuple(truths), error, order)


CONSTANTS = st.one_of(
    EXACTS,
    st.sampled_from([Decimal(text) for text in ("0.1", "1e-320", "1e-400", "1e300", "-3e307", "1e400", "1e-30")]),
    st.sampled_from([Ratio(Decimal(1), Decimal(3)), Ratio(Decimal("1e400"), Decimal("3e399")), 10**400, 2**53 + 1]),
)
TABLES = st.builds(table, st.sampled_from(FLOORS), st.sampled_from([RATES, RATES, *STEEP]))


def recipes() -> st.SearchStrategy[Recipe]:
    """Descriptions of functions of two columns, over all verbs."""
    leaves = st.one_of(st.just(("column", 0)), st.just(("column", 1)), st.tuples(st.just("constant"), CONSTANTS))

    def grown(inner: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
        several = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            *(st.tuples(st.just(kind), inner, inner) for kind in ("plus", "less", "times", "over")),
            *(st.tuples(st.just(kind), several) for kind in ("total", "maximum", "minimum")),
            *(st.tuples(st.just(kind), inner) for kind in ("absolute", "negative")),
            st.tuples(st.just("scaled"), inner, CONSTANTS),
            *(st.tuples(st.just(kind), inner, TABLES) for kind in ("envelope", "step")),
        )

    return st.recursive(leaves, grown, max_leaves=7)


def tier(x: Fraction, floors: Sequence[Exact]) -> int:
    """The highest tier whose floor is not above x; the first below all floors."""
    return max(sum(fraction(floor) <= x for floor in floors) - 1, 0)


def line_at(x: Fraction, line: Line) -> Fraction:
    """What a line says."""
    rate, deduction = line
    return fraction(rate) * x - fraction(deduction)


TRUE: dict[str, Callable[..., Fraction]] = {
    "plus": lambda a, b: a + b,
    "less": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "over": lambda a, b: a / b,
    "total": lambda *xs: sum(xs, Fraction(0)),
    "maximum": lambda *xs: max(xs),
    "minimum": lambda *xs: min(xs),
    "absolute": abs,
    "negative": lambda a: -a,
    "scaled": lambda a, c: a * c,
}
MADE: dict[str, Callable[..., Number]] = {
    "plus": lambda num, a, b: a + b,
    "less": lambda num, a, b: a - b,
    "times": lambda num, a, b: a * b,
    "over": lambda num, a, b: num.quotient(a, b),
    "total": lambda num, *xs: num.total(xs),
    "maximum": lambda num, *xs: num.maximum(*xs),
    "minimum": lambda num, *xs: num.minimum(*xs),
    "absolute": lambda num, a: num.absolute(a),
    "negative": lambda num, a: -a,
    "scaled": lambda num, a, c: c * a,
}


class Trial:
    """A recipe followed in columns and in fractions at once; what is claimed is checked at every step."""

    def __init__(self, *given: Column) -> None:
        self.num = BoundedNumbers(Scratch(ROWS))
        self.columns = given
        self.inputs = [taken(self.num, column) for column in given]

    def follow(self, recipe: Recipe) -> tuple[Bounded, list[Fraction] | None]:
        """The column that a recipe makes, and the true numbers; None for those where they do not exist."""
        found, truths = self.followed(recipe)
        if truths is None:
            assert found.error == INFINITE, recipe
        else:
            self.check(found, truths, recipe)
        return found, truths

    def check(self, found: Bounded, truths: Sequence[Fraction], recipe: object) -> None:
        """Every row that is not marked lies where it is said to lie, no farther from the true number than said."""
        if found.error == INFINITE:
            return
        values = np.broadcast_to(found.values, ROWS).tolist()
        marked = [False] * ROWS if self.num.doubtful is None else self.num.doubtful.tolist()
        for value, truth, doubtful in zip(values, truths, marked, strict=True):
            assert found.low <= value <= found.high, recipe
            assert doubtful or abs(Fraction(value) - truth) <= Fraction(found.error), recipe
        ordered = [abs(value) for value in values] if found.order == BY_SIZE else values
        if found.order:
            assert all(b <= a if found.order == FALLING else a <= b for a, b in pairwise(ordered)), recipe

    def followed(self, recipe: Recipe) -> tuple[Bounded, list[Fraction] | None]:
        kind, *parts = recipe
        if kind == "column":
            return self.inputs[parts[0]], list(self.columns[parts[0]].truths)
        if kind == "constant":
            return self.num.constant(parts[0]), [fraction(parts[0])] * ROWS
        if kind in ("envelope", "step"):
            return self.in_table(kind, self.follow(parts[0]), parts[1])
        if kind == "scaled":
            found, truths = self.follow(parts[0])
            made = MADE[kind](self.num, found, parts[1])
            return made, None if truths is None else [x * fraction(parts[1]) for x in truths]
        operands = parts[0] if isinstance(parts[0], list) else parts
        followed = [self.follow(operand) for operand in operands]
        made = MADE[kind](self.num, *[found for found, _ in followed])
        rows = [truths for _, truths in followed if truths is not None]
        if len(rows) < len(followed) or (kind == "over" and 0 in rows[1]):
            return bounded(made), None
        return bounded(made), [TRUE[kind](*xs) for xs in zip(*rows, strict=True)]

    def in_table(
        self, kind: str, followed: tuple[Bounded, list[Fraction] | None], by: Table
    ) -> tuple[Bounded, list[Fraction] | None]:
        found, truths = followed
        if kind == "envelope":
            made = self.num.envelope(found, by.floors, by.lines)
            return made, None if truths is None else [max(line_at(x, line) for line in by.lines) for x in truths]
        made = self.num.step(found, by.floors, by.values)
        return made, None if truths is None else [fraction(by.values[tier(x, by.floors)]) for x in truths]


def taken(num: BoundedNumbers, column: Column) -> Bounded:
    """A column as an input of the number system."""
    doubles = np.array(column.doubles)
    return num.column(doubles, min(column.doubles), max(column.doubles), column.error, column.order)
