"""Exact functions of one unknown: piecewise linear, with jumps where tables jump.

Run a formula with the unknown in place of a mark, a quantity or a notional, and the answer is the whole function:
where it changes sign is the liquidation price, the smallest close-out, the largest order. Nothing is solved twice.

A `Cut` divides the line of reals just before a point (`side` 0: the point belongs to what follows) or just after it
(`side` 1: the point belongs to what comes before), so that who owns the point of a jump is never in doubt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, Final, NamedTuple, TypeAlias

from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, Ratio, divide, sign_of
from rules_engine.numbers.system import Line, Number

Cut: TypeAlias = tuple[Exact, int]
"""A division of the reals just before (side 0) or just after (side 1) a point, as `(point, side)`."""

Piece: TypeAlias = tuple[Exact, Exact]
"""A line `slope * x + intercept`, as `(slope, intercept)`."""


Span: TypeAlias = tuple[Cut | None, Cut | None, Piece]
"""A piece with the cuts on either side of it, None where the domain has no end."""

_AROUND_ZERO: Final = (ZERO, ZERO)
"""Floors that tell negative numbers (below the second) from others."""


class NotLinear(ArithmeticError):
    """A formula multiplied or divided by the unknown twice; there is no piecewise linear answer."""


class OnDemand(Sequence[Any]):
    """A sequence whose items are made when they are first looked at: a price needs the tiers near the mark, not all."""

    __slots__ = ("_items", "_make")

    def __init__(self, length: int, make: Callable[[int], Any]) -> None:
        self._items: list[Any] = [None] * length
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        item = self._items[index]
        if item is None:
            item = self._items[index] = self._make(index)
        return item


class Shape(NamedTuple):
    """A function's pieces: `pieces[i]` holds between `cuts[i - 1]` and `cuts[i]`.

    `bend` is 1 for a convex function, -1 for a concave one, 0 for a straight line, None where nothing is known.
    """

    cuts: Sequence[Cut]
    pieces: Sequence[Piece]
    bend: int | None


class Piecewise:
    """A function of one unknown. Its shape is worked out when it is first asked for: what no one asks costs nothing."""

    __slots__ = ("_make", "_shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, make: Callable[[], Shape]) -> None:
        self._make = make
        self._shape: Shape | None = None

    @property
    def shape(self) -> Shape:
        """Cuts and pieces. Raises `NotLinear` where the formula has no such shape."""
        if self._shape is None:
            self._shape = self._make()
        return self._shape

    def __add__(self, other: Number) -> Piecewise:
        if other is ZERO:
            return self
        if isinstance(other, Piecewise):
            return Piecewise(lambda: _merged(self.shape, other.shape, _sum, 1))
        return self._mapped(lambda slope, intercept: (slope, intercept + other), ONE)

    __radd__ = __add__

    def __neg__(self) -> Piecewise:
        return self._mapped(lambda slope, intercept: (-slope, -intercept), -ONE)

    def __sub__(self, other: Number) -> Piecewise:
        if isinstance(other, Piecewise):
            return Piecewise(lambda: _merged(self.shape, other.shape, _difference, -1))
        return self if other is ZERO else self.__add__(-other)

    def __rsub__(self, other: Number) -> Piecewise:
        return (-self).__add__(other)

    def __mul__(self, other: Number) -> Piecewise:
        if isinstance(other, Piecewise):
            return Piecewise(lambda: _merged(self.shape, other.shape, _product, None))
        return self._mapped(lambda slope, intercept: (slope * other, intercept * other), other)

    __rmul__ = __mul__

    def over(self, divisor: Exact) -> Piecewise:
        """The function divided by a number."""
        return self._mapped(lambda slope, intercept: (divide(slope, divisor), divide(intercept, divisor)), divisor)

    def at(self, x: Exact) -> Exact:
        """The value at a point."""
        slope, intercept = self.shape.pieces[_piece_at(self.shape.cuts, x)]
        return slope * x + intercept

    def _mapped(self, change: Callable[[Exact, Exact], Piece], factor: Exact) -> Piecewise:
        """Each piece changed, which scales the function by this factor."""

        def make() -> Shape:
            cuts, pieces, bend = self.shape
            bend = sign_of(factor) * bend if bend else bend
            return Shape(cuts, OnDemand(len(pieces), lambda index: change(*pieces[index])), bend)

        return Piecewise(make)


def _piece_at(cuts: Sequence[Cut], x: Exact) -> int:
    """The index of the piece that holds x: how many cuts lie at or below it."""
    low, high = 0, len(cuts)
    while low < high:
        middle = (low + high) // 2
        point, side = cuts[middle]
        if point < x if side else point <= x:
            low = middle + 1
        else:
            high = middle
    return low


def _sum(f: Piece, g: Piece) -> Piece:
    return f[0] + g[0], f[1] + g[1]


def _difference(f: Piece, g: Piece) -> Piece:
    return f[0] - g[0], f[1] - g[1]


def _product(f: Piece, g: Piece) -> Piece:
    if f[0] != 0 and g[0] != 0:
        raise NotLinear("the unknown is multiplied by itself")
    return f[0] * g[1] + g[0] * f[1], f[1] * g[1]


def _merged(f: Shape, g: Shape, combine: Callable[[Piece, Piece], Piece], sign: int | None) -> Shape:
    """The function whose pieces combine those of f and g, over the cuts of both: `f + sign * g`, or a product."""
    bend = _bend(f.bend, g.bend, sign)
    if not g.cuts:
        return Shape(f.cuts, OnDemand(len(f.pieces), lambda i: combine(f.pieces[i], g.pieces[0])), bend)
    if not f.cuts:
        return Shape(g.cuts, OnDemand(len(g.pieces), lambda i: combine(f.pieces[0], g.pieces[i])), bend)
    cuts: list[Cut] = []
    pieces = [combine(f.pieces[0], g.pieces[0])]
    i = j = 0
    while i < len(f.cuts) or j < len(g.cuts):
        in_f = j == len(g.cuts) or (i < len(f.cuts) and f.cuts[i] <= g.cuts[j])
        in_g = i == len(f.cuts) or (j < len(g.cuts) and g.cuts[j] <= f.cuts[i])
        cuts.append(f.cuts[i] if in_f else g.cuts[j])
        i, j = i + in_f, j + in_g
        pieces.append(combine(f.pieces[i], g.pieces[j]))
    return Shape(cuts, pieces, bend)


def _bend(f: int | None, g: int | None, sign: int | None) -> int | None:
    """The bend of `f + sign * g`; of a product (sign None) nothing is known."""
    if f is None or g is None or sign is None:
        return None
    if f and g and f != sign * g:
        return None
    return f or sign * g


class PiecewiseNumbers:
    """The number system of functions of one unknown on a domain. What does not depend on it stays exact."""

    def __init__(self, low: Cut | None, high: Cut | None) -> None:
        self.low: Final = low
        self.high: Final = high

    @property
    def unknown(self) -> Piecewise:
        """The unknown itself."""
        return Piecewise(lambda: Shape((), [(ONE, ZERO)], 0))

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
        functions = [x for x in xs if isinstance(x, Piecewise)]
        constants = [x for x in xs if not isinstance(x, Piecewise)]
        if not functions:
            return EXACT.maximum(*constants)
        others = [EXACT.maximum(*constants)] if constants else []
        return Piecewise(lambda: reduce(self._larger, [*functions[1:], *others], functions[0]).shape)

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

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x

    def _spans(self, f: Shape) -> Iterator[Span]:
        """Each piece with the cuts on either side of it; None where the domain has no end."""
        edges = (self.low, *f.cuts, self.high)
        return zip(edges[:-1], edges[1:], f.pieces, strict=True)

    def _composed(
        self, x: Shape, floors: Sequence[Number], at: Callable[[Piece, int], Piece], bend: int | None
    ) -> Shape:
        """The function `at(piece, t)` of x, where t is the index of the highest floor not above x."""
        if not x.cuts:
            crossed_cuts, crossed = _crossed(x.pieces[0], self.low, self.high, floors, at)
            return Shape(crossed_cuts, crossed, bend if crossed_cuts else 0)
        cuts: list[Cut] = []
        pieces: list[Piece] = []
        for low, high, piece in self._spans(x):
            inner_cuts, inner_pieces = _crossed(piece, low, high, floors, at)
            cuts += [*([low] if low is not None and pieces else []), *inner_cuts]
            pieces += inner_pieces
        return Shape(cuts, pieces, bend)

    def _larger(self, f: Piecewise, g: Number) -> Piecewise:
        """`max(f, g)`: g, and where f is larger what it has more."""
        more = f - g
        chosen: Piecewise = self.step(more, _AROUND_ZERO, (ZERO, ONE))
        larger: Piecewise = chosen * more + g
        return larger

    def where(self, f: Number, *, inclusive: bool) -> Regions:
        """Where on the domain `f <= 0` holds (`f < 0` if not inclusive)."""
        if not isinstance(f, Piecewise):
            return Regions(_at_most_zero(f, inclusive), [])
        changes: list[tuple[Cut | None, bool]] = []
        for low, high, piece in self._spans(f.shape):
            for cut, holds in _truths(piece, low, high, inclusive):
                if not changes or changes[-1][1] != holds:
                    changes.append((cut, holds))
        return Regions(changes[0][1], [Change(cut, holds) for cut, holds in changes[1:] if cut is not None])

    def around(self, f: Number, x: Exact, *, inclusive: bool) -> tuple[Change | None, Change | None]:
        """The nearest changes of `where(f)` at or below x, and above it."""
        shape = f.shape if isinstance(f, Piecewise) else Shape((), [(ZERO, f)], 0)
        bend = shape.bend
        if bend is None:
            return self.where(f, inclusive=inclusive).around(x)
        here = _piece_at(shape.cuts, x)
        slope, intercept = shape.pieces[here]
        holds = _at_most_zero(slope * x + intercept, inclusive)
        below = above = None
        if not _leads_away(-slope, -shape.pieces[0][0], bend, holds):
            below = self._turn_below(shape, here, x, holds, inclusive)
        if not _leads_away(slope, shape.pieces[len(shape.pieces) - 1][0], bend, holds):
            above = self._turn_above(shape, here, x, holds, inclusive)
        return below, above

    def _span(self, f: Shape, index: int) -> Span:
        low = f.cuts[index - 1] if index else self.low
        return low, f.cuts[index] if index < len(f.cuts) else self.high, f.pieces[index]

    def _turn_below(self, f: Shape, here: int, x: Exact, holds: bool, inclusive: bool) -> Change | None:
        """The first change on the way down from x, where the condition `holds`."""
        for index in range(here, -1, -1):
            low, end, piece = self._span(f, index)
            for start, truth in reversed(_truths(piece, low, end, inclusive)):
                if truth != holds and (start is None or start <= (x, 0)) and end is not None:
                    return Change(end, holds)
                end = start
        return None

    def _turn_above(self, f: Shape, here: int, x: Exact, holds: bool, inclusive: bool) -> Change | None:
        """The first change on the way up from x, where the condition `holds`."""
        for index in range(here, len(f.pieces)):
            low, high, piece = self._span(f, index)
            for start, truth in _truths(piece, low, high, inclusive):
                if truth != holds and start is not None and start > (x, 0):
                    return Change(start, truth)
        return None


def _leads_away(here: Exact, end: Exact, bend: int, holds: bool) -> bool:
    """Whether a function that bends one way can never change sign outward, by its outward slopes here and at the end.

    On the way out slopes rise if it is convex and fall if it is concave, so the one that counts is at one of the ends.
    """
    if holds:
        return (end if bend > 0 else here) <= 0
    return (end if bend < 0 else here) >= 0


class Change(NamedTuple):
    """A cut at which a condition changes, and whether it holds above."""

    cut: Cut
    holds_above: bool


class Regions(NamedTuple):
    """Where a condition holds: whether it does at the low end of the domain, and every change on the way up."""

    holds_first: bool
    changes: list[Change]

    def around(self, x: Exact) -> tuple[Change | None, Change | None]:
        """The nearest change at or below x and the nearest above."""
        index = _piece_at([change.cut for change in self.changes], x)
        below = self.changes[index - 1] if index else None
        return below, self.changes[index] if index < len(self.changes) else None

    def spans(self, low: Cut, high: Cut) -> Iterator[tuple[Cut, Cut, bool]]:
        """The stretches of the domain from low to high, each with whether the condition holds on it."""
        holds = self.holds_first
        for cut, holds_above in self.changes:
            yield low, cut, holds
            low, holds = cut, holds_above
        yield low, high, holds


def _crossed(
    piece: Piece, low: Cut | None, high: Cut | None, floors: Sequence[Number], at: Callable[[Piece, int], Piece]
) -> tuple[Sequence[Cut], Sequence[Piece]]:
    """A line between two cuts, cut where it crosses the floors; `at(piece, t)` is what it becomes in tier t."""
    slope, intercept = piece
    if slope == 0:
        return (), [at(piece, max(bisect_right(floors, intercept) - 1, 0))]
    last = len(floors) - 1
    rising = slope > 0

    def cut(index: int) -> Cut:
        """The index-th crossing from the left: into the tier above when rising, into the one below when falling."""
        floor = floors[index + 1 if rising else last - index]
        return _root(slope, intercept - floor), 0 if rising else 1

    first, end = 0, last
    while first < end and low is not None and cut(first) <= low:
        first += 1
    while first < end and high is not None and cut(end - 1) >= high:
        end -= 1

    def part(index: int) -> Piece:
        return at(piece, first + index if rising else last - first - index)

    return OnDemand(end - first, lambda index: cut(first + index)), OnDemand(end - first + 1, part)


def _root(slope: Exact, intercept: Exact) -> Exact:
    if isinstance(slope, Decimal) and isinstance(intercept, Decimal):
        return Ratio(-intercept, slope) if slope > 0 else Ratio(intercept, -slope)
    return divide(-intercept, slope)


def _at_most_zero(x: Exact, inclusive: bool) -> bool:
    return x <= 0 if inclusive else x < 0


def _truths(piece: Piece, low: Cut | None, high: Cut | None, inclusive: bool) -> list[tuple[Cut | None, bool]]:
    """On one piece: each cut from which the line is, or is no longer, at most zero (below zero if not inclusive)."""
    slope, intercept = piece
    if slope == 0:
        return [(low, _at_most_zero(intercept, inclusive))]
    falling = slope < 0
    end = high if falling else low
    if end is not None and slope * end[0] + intercept > 0:
        return [(low, False)]
    cut = (_root(slope, intercept), 0 if falling == inclusive else 1)
    if low is not None and cut <= low:
        return [(low, falling)]
    if high is not None and cut >= high:
        return [(low, not falling)]
    return [(low, not falling), (cut, falling)]
