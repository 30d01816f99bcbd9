"""Functions of one unknown, made of straight pieces: their shapes, and arithmetic on them.

A `Cut` divides the line of reals just before a point (`side` 0: the point belongs to what follows) or just after it
(`side` 1: the point belongs to what comes before), so that who owns the point of a jump is never in doubt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from rules_engine.numbers.exact import ONE, ZERO, Exact, Ratio, divide, sign_of
from rules_engine.numbers.system import Number

Cut: TypeAlias = tuple[Exact, int]
"""A division of the reals just before (side 0) or just after (side 1) a point, as `(point, side)`."""

Piece: TypeAlias = tuple[Exact, Exact]
"""A line `slope * x + intercept`, as `(slope, intercept)`."""

Span: TypeAlias = tuple[Cut | None, Cut | None, Piece]
"""A piece with the cuts on either side of it, None where the domain has no end."""


class NotLinear(ArithmeticError):
    """A formula multiplied the unknown by itself, divided by it or bent it; there is no piecewise linear answer."""


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

    def __init__(self, make: Callable[[], Shape], shape: Shape | None = None) -> None:
        self._make = make
        self._shape = shape

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
        if other is ONE:
            return self
        if isinstance(other, Piecewise):
            return Piecewise(lambda: _merged(self.shape, other.shape, _product, None))
        return self._mapped(lambda slope, intercept: (slope * other, intercept * other), other)

    __rmul__ = __mul__

    def over(self, divisor: Exact) -> Piecewise:
        """The function divided by a number."""
        return self._mapped(lambda slope, intercept: (divide(slope, divisor), divide(intercept, divisor)), divisor)

    def at(self, x: Exact) -> Exact:
        """The value at a point."""
        slope, intercept = self.shape.pieces[piece_at(self.shape.cuts, x)]
        return slope * x + intercept

    def bent(self, verb: Callable[[Exact], Exact]) -> Piecewise:
        """The function under a verb that is not linear: where it is level that is known, elsewhere `NotLinear`."""

        def level(piece: Piece) -> Piece:
            if piece[0] != 0:
                raise NotLinear("the unknown is rounded, or under a root, an exponential, a logarithm or the like")
            try:
                return ZERO, verb(piece[1])
            except ValueError as error:
                raise NotLinear(str(error)) from error

        def make() -> Shape:
            cuts, pieces, _ = self.shape
            return Shape(cuts, OnDemand(len(pieces), lambda index: level(pieces[index])), None if cuts else 0)

        return Piecewise(make)

    def _mapped(self, change: Callable[[Exact, Exact], Piece], factor: Exact) -> Piecewise:
        """Each piece changed, which scales the function by this factor."""
        if self._shape is not None and not self._shape.cuts:
            return straight(change(*self._shape.pieces[0]))

        def make() -> Shape:
            cuts, pieces, bend = self.shape
            bend = sign_of(factor) * bend if bend else bend
            return Shape(cuts, OnDemand(len(pieces), lambda index: change(*pieces[index])), bend)

        return Piecewise(make)


def straight(piece: Piece) -> Piecewise:
    """A straight line over the whole domain."""
    shape = Shape((), (piece,), 0)
    return Piecewise(lambda: shape, shape)


def piece_at(cuts: Sequence[Cut], x: Exact) -> int:
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


def crossed(
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
        return root(slope, intercept - floor), 0 if rising else 1

    first, end = 0, last
    while first < end and low is not None and cut(first) <= low:
        first += 1
    while first < end and high is not None and cut(end - 1) >= high:
        end -= 1

    def part(index: int) -> Piece:
        return at(piece, first + index if rising else last - first - index)

    if first == end:
        return (), (part(0),)
    return OnDemand(end - first, lambda index: cut(first + index)), OnDemand(end - first + 1, part)


def root(slope: Exact, intercept: Exact) -> Exact:
    """Where a line that is not level is zero."""
    if isinstance(slope, Decimal) and isinstance(intercept, Decimal):
        return Ratio(-intercept, slope) if slope > 0 else Ratio(intercept, -slope)
    return divide(-intercept, slope)
