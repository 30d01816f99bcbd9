"""The verbs that every number system offers to formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

Number: TypeAlias = Any
"""A number of whichever system is at work. Formulas may use `+ - *` and the verbs below on it, nothing else."""

Direction: TypeAlias = Literal["up", "down", "half_up"]
"""How to round: towards plus infinity, towards minus infinity, or to the nearest, a half away from zero."""

Line: TypeAlias = tuple[Number, Number]
"""A line `rate * x - deduction`, as `(rate, deduction)`."""


class NumberSystem(Protocol):
    """What a formula may do with numbers beyond `+`, `-` and `*`.

    `rounded`, `square_root`, `exponential`, `logarithm` and `normal` take any exact number, but no function of an
    unknown unless it is level: that raises `NotLinear`, and the engine searches on exact numbers instead.
    """

    def constant(self, value: Number) -> Number:
        """An exact number known beforehand, as a number of this system."""

    def absolute(self, x: Number) -> Number:
        """`|x|`."""

    def minimum(self, *xs: Number) -> Number:
        """The smallest of its arguments."""

    def maximum(self, *xs: Number) -> Number:
        """The largest of its arguments."""

    def total(self, xs: Iterable[Number]) -> Number:
        """The sum; 0 of nothing."""

    def quotient(self, x: Number, by: Number) -> Number:
        """`x / by`, where `by` is an input (a price, a leverage, a reference) and not zero."""

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """`max(rate * x - deduction)` over the lines: a convex, piecewise linear function of x >= 0.

        Rates never fall, and line t is the largest from `floors[t]` to `floors[t + 1]`, where it meets the next.
        """

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        """The value that belongs to the highest floor not above x; the first value below the first floor."""

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        """x as a multiple of `unit` (exact, above 0), rounded in the stated direction: for formulas that round."""

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        """The root of x as a multiple of `unit` (exact, above 0), rounded once, exactly. `ValueError` where x < 0."""

    def exponential(self, x: Number) -> Number:
        """`e ** x`, to within 1e-30 of itself. `ValueError` where x is above 10000 in size."""

    def logarithm(self, x: Number) -> Number:
        """The natural logarithm of x, to within 1e-30. `ValueError` where x <= 0."""

    def normal(self, x: Number) -> Number:
        """The standard normal distribution function at x, to within 1e-30."""

    def named(self, name: str, x: Number, note: str = "") -> Number:
        """The same number under a name, for explanations."""
