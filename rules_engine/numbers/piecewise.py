"""Exact functions of one unknown: piecewise linear, with jumps where tables jump.

Run a formula with the unknown in place of a mark, a quantity or a notional, and the answer is the whole function:
where it changes sign is the liquidation price, the smallest close-out, the largest order. Nothing is solved twice.

A `Cut` divides the line of reals just before a point (`side` 0: the point belongs to what follows) or just after it
(`side` 1: the point belongs to what comes before), so that who owns the point of a jump is never in doubt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from rules_engine.numbers.exact import EXACT, ONE, ZERO, Exact, divide
from rules_engine.numbers.system import Line, Number


class Cut(NamedTuple):
    """A division of the reals just before (side 0) or just after (side 1) a point; compares from left to right."""

    point: Exact
    side: int


Piece: TypeAlias = tuple[Exact, Exact]
"""A line `slope * x + intercept`, as `(slope, intercept)`."""


class NotLinear(ArithmeticError):
    """A formula multiplied or divided by the unknown twice; there is no piecewise linear answer."""


class Piecewise:
    """A function of one unknown: `pieces[i]` holds between `cuts[i - 1]` and `cuts[i]`."""

    __slots__ = ("cuts", "pieces")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, cuts: Sequence[Cut], pieces: Sequence[Piece]) -> None:
        self.cuts = cuts
        self.pieces = pieces

    def __add__(self, other: Number) -> Piecewise:
        if type(other) is Piecewise:
            return _merged(self, other, lambda f, g: (f[0] + g[0], f[1] + g[1]))  # type: ignore[operator]
        return Piecewise(self.cuts, [(slope, intercept + other) for slope, intercept in self.pieces])

    __radd__ = __add__

    def __neg__(self) -> Piecewise:
        return Piecewise(self.cuts, [(-slope, -intercept) for slope, intercept in self.pieces])

    def __sub__(self, other: Number) -> Piecewise:
        return self + -other

    def __rsub__(self, other: Number) -> Piecewise:
        return -self + other

    def __mul__(self, other: Number) -> Piecewise:
        if type(other) is Piecewise:
            return _merged(self, other, _product)
        return Piecewise(self.cuts, [(slope * other, intercept * other) for slope, intercept in self.pieces])

    __rmul__ = __mul__

    def at(self, x: Exact) -> Exact:
        """The value at a point."""
        slope, intercept = self.pieces[bisect_right(self.cuts, Cut(x, 0))]
        return slope * x + intercept  # type: ignore[operator]


def _product(f: Piece, g: Piece) -> Piece:
    if f[0] != 0 and g[0] != 0:
        raise NotLinear("the unknown is multiplied by itself")
    return f[0] * g[1] + g[0] * f[1], f[1] * g[1]  # type: ignore[operator]


def _merged(f: Piecewise, g: Piecewise, combine: Callable[[Piece, Piece], Piece]) -> Piecewise:
    """The function whose pieces combine those of f and g, over the cuts of both."""
    if not g.cuts:
        return Piecewise(f.cuts, [combine(piece, g.pieces[0]) for piece in f.pieces])
    if not f.cuts:
        return Piecewise(g.cuts, [combine(f.pieces[0], piece) for piece in g.pieces])
    cuts: list[Cut] = []
    pieces = [combine(f.pieces[0], g.pieces[0])]
    i = j = 0
    while i < len(f.cuts) or j < len(g.cuts):
        in_f = j == len(g.cuts) or (i < len(f.cuts) and f.cuts[i] <= g.cuts[j])
        in_g = i == len(f.cuts) or (j < len(g.cuts) and g.cuts[j] <= f.cuts[i])
        cuts.append(f.cuts[i] if in_f else g.cuts[j])
        i, j = i + in_f, j + in_g
        pieces.append(combine(f.pieces[i], g.pieces[j]))
    return Piecewise(cuts, pieces)


class PiecewiseNumbers:
    """The number system of functions of one unknown on a domain. What does not depend on it stays exact."""

    def __init__(self, low: Cut | None, high: Cut | None) -> None:
        self.low: Final = low
        self.high: Final = high

    @property
    def unknown(self) -> Piecewise:
        """The unknown itself."""
        return Piecewise((), [(ONE, ZERO)])

    def constant(self, value: Number) -> Number:
        return value

    def absolute(self, x: Number) -> Number:
        return self._largest(x, -x) if type(x) is Piecewise else EXACT.absolute(x)

    def minimum(self, *xs: Number) -> Number:
        return -self.maximum(*[-x for x in xs])

    def maximum(self, *xs: Number) -> Number:
        best = EXACT.maximum(*constants) if (constants := [x for x in xs if type(x) is not Piecewise]) else None
        for x in xs:
            if type(x) is Piecewise:
                best = x if best is None else self._largest(x, best)
        return best

    def total(self, xs: Iterable[Number]) -> Number:
        constants, functions = [], []
        for x in xs:
            (functions if type(x) is Piecewise else constants).append(x)
        return sum(functions, EXACT.total(constants))

    def quotient(self, x: Number, by: Number) -> Number:
        if type(by) is Piecewise:
            raise NotLinear("something is divided by the unknown")
        if type(x) is Piecewise:
            return Piecewise(x.cuts, [(divide(slope, by), divide(intercept, by)) for slope, intercept in x.pieces])
        return divide(x, by)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        if type(x) is not Piecewise:
            return EXACT.envelope(x, floors, lines)
        return self._composed(x, floors, lambda piece, t: (lines[t][0] * piece[0], lines[t][0] * piece[1] - lines[t][1]))

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        if type(x) is not Piecewise:
            return EXACT.step(x, floors, values)
        return self._composed(x, floors, lambda piece, t: (ZERO, values[t]))

    def named(self, name: str, x: Number, note: str = "") -> Number:
        return x

    def _spans(self, f: Piecewise) -> Iterator[tuple[Cut | None, Cut | None, Piece]]:
        """Each piece with the cuts on either side of it; None where the domain has no end."""
        edges = (self.low, *f.cuts, self.high)
        return zip(edges, edges[1:], f.pieces)

    def _composed(self, x: Piecewise, floors: Sequence[Number], at: Callable[[Piece, int], Piece]) -> Piecewise:
        """The function `at(piece, t)` of x, where t is the index of the highest floor not above x."""
        cuts: list[Cut] = []
        pieces: list[Piece] = []
        for low, high, piece in self._spans(x):
            if pieces:
                cuts.append(low)  # type: ignore[arg-type]
            tier, crossings = _crossings(piece, floors)
            for cut, after in crossings:
                if high is not None and cut >= high:
                    break
                if low is None or cut > low:
                    pieces.append(at(piece, tier))
                    cuts.append(cut)
                tier = after
            pieces.append(at(piece, tier))
        return Piecewise(cuts, pieces)

    def _largest(self, f: Number, g: Number) -> Number:
        """`max(f, g)`: g, and where f is larger what it has more."""
        more = f - g
        return self.step(more, (ZERO, ZERO), (ZERO, ONE)) * more + g

    def where(self, f: Number, *, inclusive: bool) -> Regions:
        """Where on the domain `f <= 0` holds (`f < 0` if not inclusive)."""
        if type(f) is not Piecewise:
            return Regions(_at_most_zero(f, inclusive), [])
        changes: list[tuple[Cut | None, bool]] = []
        for low, high, piece in self._spans(f):
            for cut, holds in _truths(piece, low, high, inclusive):
                if not changes or changes[-1][1] != holds:
                    changes.append((cut, holds))
        return Regions(changes[0][1], [Change(cut, holds) for cut, holds in changes[1:] if cut is not None])


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
        index = bisect_right([change.cut for change in self.changes], Cut(x, 0))
        below = self.changes[index - 1] if index else None
        return below, self.changes[index] if index < len(self.changes) else None

    def spans(self, low: Cut, high: Cut) -> Iterator[tuple[Cut, Cut, bool]]:
        """The stretches of the domain from low to high, each with whether the condition holds on it."""
        holds = self.holds_first
        for cut, holds_above in self.changes:
            yield low, cut, holds
            low, holds = cut, holds_above
        yield low, high, holds


def _crossings(piece: Piece, floors: Sequence[Number]) -> tuple[int, list[tuple[Cut, int]]]:
    """Where a line crosses the floors, from left to right: the tier at the far left, then each cut and the tier after it."""
    slope, intercept = piece
    tiers = range(1, len(floors))
    if slope == 0:
        return max(bisect_right(floors, intercept) - 1, 0), []
    if slope > 0:
        return 0, [(Cut(_root(slope, intercept - floors[t]), 0), t) for t in tiers]
    return len(floors) - 1, [(Cut(_root(slope, intercept - floors[t]), 1), t - 1) for t in reversed(tiers)]


def _root(slope: Exact, intercept: Exact) -> Exact:
    return divide(-intercept, slope)


def _at_most_zero(x: Exact, inclusive: bool) -> bool:
    return x <= 0 if inclusive else x < 0


def _truths(piece: Piece, low: Cut | None, high: Cut | None, inclusive: bool) -> list[tuple[Cut | None, bool]]:
    """On one piece: each cut from which the line is, or is no longer, at most zero (below zero if not inclusive)."""
    slope, intercept = piece
    if slope == 0:
        return [(low, _at_most_zero(intercept, inclusive))]
    falling = slope < 0
    cut = Cut(_root(slope, intercept), 0 if falling == inclusive else 1)
    if low is not None and cut <= low:
        return [(low, falling)]
    if high is not None and cut >= high:
        return [(low, not falling)]
    return [(low, not falling), (cut, falling)]
