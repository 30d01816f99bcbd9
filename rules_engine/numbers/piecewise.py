"""The number system of exact functions of one unknown: piecewise linear, with jumps where tables jump.

Run a formula with the unknown in place of a mark, a quantity or a notional, and the answer is the whole function:
where it changes sign is the liquidation price, the smallest close-out, the largest order. Nothing is solved twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Final

from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, divide
from rules_engine.numbers.functions import Cut, NotLinear, Piece, Piecewise, Shape, crossed, straight
from rules_engine.numbers.regions import Change, Domain, Regions
from rules_engine.numbers.system import Direction, Line, Number

_AROUND_ZERO: Final = (ZERO, ZERO)
"""Floors that tell negative numbers (below the second) from others."""


class PiecewiseNumbers:
    """The number system of functions of one unknown on a domain. What does not depend on it stays exact."""

    def __init__(self, low: Cut | None, high: Cut | None) -> None:
        self._domain: Final = Domain(low, high)

    @property
    def unknown(self) -> Piecewise:
        """The unknown itself."""
        return straight((ONE, ZERO))

    def constant(self, value: Number) -> Number:
        return value

    def absolute(self, x: Number) -> Number:
        if not isinstance(x, Piecewise):
            return EXACT.absolute(x)

        def side(piece: Piece, t: int) -> Piece:
            return piece if t else (-piece[0], -piece[1])

        return Piecewise(lambda: self._composed(x.shape, _AROUND_ZERO, side, 1 if x.shape.bend == 0 else None))

    def minimum(self, *xs: Number) -> Number:
        return -self.maximum(*[-x for x in xs])

    def maximum(self, *xs: Number) -> Number:
        for x in xs:
            if isinstance(x, Piecewise):
                return Piecewise(lambda: self._largest(xs).shape)
        return EXACT.maximum(*xs)

    def total(self, xs: Iterable[Number]) -> Number:
        constants: list[Number] = []
        functions: list[Number] = []
        for x in xs:
            (functions if isinstance(x, Piecewise) else constants).append(x)
        return sum(functions, EXACT.total(constants))

    def quotient(self, x: Number, by: Number) -> Number:
        if isinstance(by, Piecewise):
            raise NotLinear("something is divided by the unknown")
        if isinstance(x, Piecewise):
            return x.over(by)
        return divide(x, by)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        if not isinstance(x, Piecewise):
            return EXACT.envelope(x, floors, lines)

        def line(piece: Piece, t: int) -> Piece:
            rate, deduction = lines[t]
            return rate * piece[0], rate * piece[1] - deduction

        return Piecewise(lambda: self._composed(x.shape, floors, line, 1 if x.shape.bend in (0, 1) else None))

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        if not isinstance(x, Piecewise):
            return EXACT.step(x, floors, values)
        return Piecewise(lambda: self._composed(x.shape, floors, lambda piece, t: (ZERO, values[t]), None))

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        return _bent(x, lambda value: EXACT.rounded(value, unit, direction))

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        return _bent(x, lambda value: EXACT.square_root(value, unit, direction))

    def exponential(self, x: Number) -> Number:
        return _bent(x, EXACT.exponential)

    def logarithm(self, x: Number) -> Number:
        return _bent(x, EXACT.logarithm)

    def normal(self, x: Number) -> Number:
        return _bent(x, EXACT.normal)

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x

    def _composed(
        self, x: Shape, floors: Sequence[Number], at: Callable[[Piece, int], Piece], bend: int | None
    ) -> Shape:
        """The function `at(piece, t)` of x, where t is the index of the highest floor not above x."""
        if not x.cuts:
            cuts, pieces = crossed(x.pieces[0], *self._domain, floors, at)
            return Shape(cuts, pieces, bend if cuts else 0)
        all_cuts: list[Cut] = []
        all_pieces: list[Piece] = []
        for low, high, piece in self._domain.spans(x):
            cuts, pieces = crossed(piece, low, high, floors, at)
            all_cuts += [*([low] if low is not None and all_pieces else []), *cuts]
            all_pieces += pieces
        return Shape(all_cuts, all_pieces, bend)

    def _largest(self, xs: Sequence[Number]) -> Piecewise:
        functions = [x for x in xs if isinstance(x, Piecewise)]
        constants = [x for x in xs if not isinstance(x, Piecewise)]
        others = [EXACT.maximum(*constants)] if constants else []
        return reduce(self._larger, [*functions[1:], *others], functions[0])

    def _larger(self, f: Piecewise, g: Number) -> Piecewise:
        """`max(f, g)`: g, and where f is larger what it has more."""
        more = f - g
        chosen: Piecewise = self.step(more, _AROUND_ZERO, (ZERO, ONE))
        larger: Piecewise = chosen * more + g
        return larger

    def where(self, f: Number, *, inclusive: bool) -> Regions:
        """Where on the domain `f <= 0` holds (`f < 0` if not inclusive)."""
        return self._domain.where(_shape(f), inclusive=inclusive)

    def around(self, f: Number, x: Exact, *, inclusive: bool) -> tuple[Change | None, Change | None]:
        """The nearest changes of `where(f)` at or below x, and above it."""
        return self._domain.around(_shape(f), x, inclusive=inclusive)


def _shape(f: Number) -> Shape:
    return f.shape if isinstance(f, Piecewise) else Shape((), [(ZERO, f)], 0)


def _bent(x: Number, verb: Callable[[Exact], Exact]) -> Number:
    return x.bent(verb) if isinstance(x, Piecewise) else verb(x)
