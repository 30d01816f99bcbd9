"""Where a function of one unknown is at most zero, and the nearest points at which that changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rules_engine.numbers.exact import Exact
from rules_engine.numbers.functions import Cut, Piece, Shape, Span, piece_at, root


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
        index = piece_at([change.cut for change in self.changes], x)
        below = self.changes[index - 1] if index else None
        return below, self.changes[index] if index < len(self.changes) else None

    def spans(self, low: Cut, high: Cut) -> Iterator[tuple[Cut, Cut, bool]]:
        """The stretches of the domain from low to high, each with whether the condition holds on it."""
        holds = self.holds_first
        for cut, holds_above in self.changes:
            yield low, cut, holds
            low, holds = cut, holds_above
        yield low, high, holds


class Domain(NamedTuple):
    """The values that the unknown may take, between two cuts; None where there is no end."""

    low: Cut | None
    high: Cut | None

    def spans(self, f: Shape) -> Iterator[Span]:
        """Each piece of a function with the cuts on either side of it."""
        return (self.span(f, index) for index in range(len(f.pieces)))

    def span(self, f: Shape, index: int) -> Span:
        """One piece of a function with the cuts on either side of it."""
        low = f.cuts[index - 1] if index else self.low
        return low, f.cuts[index] if index < len(f.cuts) else self.high, f.pieces[index]

    def where(self, f: Shape, *, inclusive: bool) -> Regions:
        """Where `f <= 0` holds (`f < 0` if not inclusive)."""
        changes: list[tuple[Cut | None, bool]] = []
        for low, high, piece in self.spans(f):
            for cut, holds in _truths(piece, low, high, inclusive):
                if not changes or changes[-1][1] != holds:
                    changes.append((cut, holds))
        return Regions(changes[0][1], [Change(cut, holds) for cut, holds in changes[1:] if cut is not None])

    def around(self, f: Shape, x: Exact, *, inclusive: bool) -> tuple[Change | None, Change | None]:
        """`where(f).around(x)`, looking no farther than it must where the function bends one way only."""
        if f.bend is None:
            return self.where(f, inclusive=inclusive).around(x)
        here = piece_at(f.cuts, x)
        slope, intercept = f.pieces[here]
        holds = _at_most_zero(slope * x + intercept, inclusive)
        below = above = None
        if not _leads_away(-slope, -f.pieces[0][0], f.bend, holds):
            below = self._turn_below(f, here, x, holds, inclusive)
        if not _leads_away(slope, f.pieces[len(f.pieces) - 1][0], f.bend, holds):
            above = self._turn_above(f, here, x, holds, inclusive)
        return below, above

    def _turn_below(self, f: Shape, here: int, x: Exact, holds: bool, inclusive: bool) -> Change | None:
        """The first change on the way down from x, where the condition `holds`."""
        for index in range(here, -1, -1):
            low, end, piece = self.span(f, index)
            for start, truth in reversed(_truths(piece, low, end, inclusive)):
                if truth != holds and (start is None or start <= (x, 0)) and end is not None:
                    return Change(end, holds)
                end = start
        return None

    def _turn_above(self, f: Shape, here: int, x: Exact, holds: bool, inclusive: bool) -> Change | None:
        """The first change on the way up from x, where the condition `holds`."""
        for index in range(here, len(f.pieces)):
            low, high, piece = self.span(f, index)
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
    cut = (root(slope, intercept), 0 if falling == inclusive else 1)
    if low is not None and cut <= low:
        return [(low, falling)]
    if high is not None and cut >= high:
        return [(low, not falling)]
    return [(low, not falling), (cut, falling)]
