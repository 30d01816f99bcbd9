"""The verbs that every number system offers to formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

Number: TypeAlias = Any
"""A number of whichever system is at work. Formulas may use `+ - *` and the verbs below on it, nothing else."""

Line: TypeAlias = tuple[Number, Number]
"""A line `rate * x - deduction`, as `(rate, deduction)`."""


class NumberSystem(Protocol):
    """What a formula may do with numbers beyond `+`, `-` and `*`."""

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

    def named(self, name: str, x: Number, note: str = "") -> Number:
        """The same number under a name, for explanations."""
