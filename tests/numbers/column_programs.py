"""Programs on columns: what is made, read, written and dropped in any order, beside the same worked out at once.

All numbers are small multiples of a sixteenth, of which doubles lose nothing: whatever a column says can be told apart
from what it should say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from rules_engine.formulas.tiers import tier_lines
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import BY_SIZE, FALLING, RISING, Column, Floats
from rules_engine.numbers.system import Number

ROWS = 6
FLOORS = tuple(map(Decimal, ("0", "2", "5")))
RATES = tuple(map(Decimal, ("0.25", "0.5", "1")))
LINES = tier_lines(FLOORS, RATES)
VALUES = tuple(map(Decimal, ("3", "-1", "4")))
Action = tuple[Any, ...]


def tiers(x: Floats) -> Any:
    """The tier of each row."""
    return np.searchsorted([float(floor) for floor in FLOORS[1:]], x, "right")


MADE: dict[str, Callable[[ColumnNumbers, Number, Number], Number]] = {
    "plus": lambda num, a, b: a + b,
    "less": lambda num, a, b: a - b,
    "times": lambda num, a, b: a * b,
    "plus one": lambda num, a, b: 1 + a,
    "of three": lambda num, a, b: Decimal(3) - a,
    "times minus half": lambda num, a, b: Decimal("-0.5") * a,
    "negative": lambda num, a, b: -a,
    "quarter": lambda num, a, b: num.quotient(a, Decimal(4)),
    "absolute": lambda num, a, b: num.absolute(a),
    "sign": lambda num, a, b: num.sign(a),
    "maximum": lambda num, a, b: num.maximum(a, b, Decimal(1)),
    "minimum": lambda num, a, b: num.minimum(a, b),
    "total": lambda num, a, b: num.total([a, b, a]),
    "envelope": lambda num, a, b: num.envelope(a, FLOORS, LINES),
    "step": lambda num, a, b: num.step(a, FLOORS, VALUES),
    "both": lambda num, a, b: num.named("x", a) * num.step(a, FLOORS, VALUES) + num.envelope(a, FLOORS, LINES),
}
"""What is made of two columns."""
TRUE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "plus": lambda a, b: a + b,
    "less": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "plus one": lambda a, b: 1 + a,
    "of three": lambda a, b: 3 - a,
    "times minus half": lambda a, b: -0.5 * a,
    "negative": lambda a, b: -a,
    "quarter": lambda a, b: a / 4,
    "absolute": lambda a, b: np.abs(a),
    "sign": lambda a, b: np.where(a < 0, -1.0, 1.0),
    "maximum": lambda a, b: np.maximum(np.maximum(a, b), 1),
    "minimum": lambda a, b: np.minimum(a, b),
    "total": lambda a, b: a + b + a,
    "envelope": lambda a, b: _line(a),
    "step": lambda a, b: np.array([3.0, -1.0, 4.0])[tiers(a)],
    "both": lambda a, b: a * np.array([3.0, -1.0, 4.0])[tiers(a)] + _line(a),
}


def _line(x: Floats) -> Floats:
    """Rates of 1/4, 1/2 and 1 on slices from 0, 2 and 5 on: deductions of 0, 0.5 and 3."""
    line: Floats = np.array([0.25, 0.5, 1.0])[tiers(x)] * x - np.array([0.0, 0.5, 3.0])[tiers(x)]
    return line


@st.composite
def inputs(draw: st.DrawFn) -> tuple[Floats, int]:
    """Whole numbers and halves (never zero, which has two signs), in an order that is told."""
    entries = st.integers(-14, 14).map(lambda units: (units or 1) / 2)
    rows = draw(st.lists(entries, min_size=ROWS, max_size=ROWS))
    order = draw(st.sampled_from([RISING, FALLING, BY_SIZE, BY_SIZE, 0]))
    if order:
        rows.sort(key=abs if order == BY_SIZE else None, reverse=order == FALLING)
    return np.array(rows), order


PLACES = st.integers(0, 5)
ACTIONS = st.one_of(
    st.tuples(st.just("make"), st.sampled_from(sorted(MADE)), PLACES, PLACES),
    st.tuples(st.just("make"), st.sampled_from(sorted(MADE)), PLACES, PLACES),
    st.tuples(st.sampled_from(["read", "write", "drop"]), PLACES),
)
PROGRAMS = st.lists(ACTIONS, max_size=14)


class Run:
    """A program at work: columns, what each should say, and arrays that were read from those or written."""

    def __init__(self, num: ColumnNumbers, given: Sequence[tuple[Floats, int]]) -> None:
        self.num = num
        self.columns: list[Column] = [
            num.column(rows.copy(), float(rows.min()), float(rows.max()), 0.0, order) for rows, order in given
        ]
        self.truths = [rows for rows, _ in given]
        self.seen: dict[int, Any] = {}

    def do(self, action: Action) -> None:
        """One action, on columns by their places, counted around."""
        kind, *parts = action
        if kind == "make":
            a, b = (place % len(self.columns) for place in parts[1:])
            self.columns.append(self.num.constant(MADE[parts[0]](self.num, self.columns[a], self.columns[b])))
            self.truths.append(TRUE[parts[0]](self.truths[a], self.truths[b]))
            return
        place = parts[0] % len(self.columns)
        if kind == "read":
            self.seen[id(self.columns[place])] = self.columns[place].values
        elif kind == "write":
            out = np.empty(ROWS)
            self.columns[place].write(out)
            self.seen[id(self.columns[place])] = out
        elif len(self.columns) > 1:
            self.seen.pop(id(self.columns.pop(place)), None)
            self.truths.pop(place)

    def check(self) -> None:
        """Whatever was read or written of the columns that are left still says what it should."""
        for column, truth in zip(self.columns, self.truths, strict=True):
            if id(column) in self.seen:
                assert np.broadcast_to(self.seen[id(column)], ROWS).tolist() == truth.tolist()
