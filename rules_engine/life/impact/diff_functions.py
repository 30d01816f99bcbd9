"""Functions of a size or a reading that consist of straight pieces, and where one of them lies above another.

A tier table is such a function of size, a buffer's adjustment one of its reading. Everything is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from rules_engine.numbers.exact import Exact, Ratio

NOUGHT: Final = Fraction(0)


class Piece(msgspec.Struct, frozen=True):
    """`slope * x + intercept` from `start` on, until the next piece begins."""

    start: Fraction
    slope: Fraction
    intercept: Fraction


Function: TypeAlias = Sequence[Piece]
"""Pieces in order, the first from 0."""


class RateChange(msgspec.Struct, frozen=True):
    """A rate before and after, and the sizes or readings between which it is; `stop` None is without end."""

    before: Fraction
    after: Fraction
    start: Fraction = NOUGHT
    stop: Fraction | None = None

    @property
    def relative(self) -> Fraction | None:
        """The change as a part of the rate before; None where that was 0, for then it is beyond every measure."""
        return (self.after - self.before) / self.before if self.before else None


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Where one function lies above (`sign` 1) or below (-1) another all along; `stop` None is without end.

    `absolute` is the largest difference, None where it grows without end, and then by `growth` for each further unit;
    `relative` the largest as a part of what was, None where that is 0. `slope` is the largest change of a slope and
    `value` of the function itself, by their parts.
    """

    sign: int
    start: Fraction
    stop: Fraction | None
    absolute: Fraction | None
    growth: Fraction | None
    relative: Fraction | None
    slope: RateChange | None
    value: RateChange | None


def fraction(x: Exact) -> Fraction:
    """An exact number as a fraction."""
    return Fraction(x.n) / Fraction(x.d) if isinstance(x, Ratio) else Fraction(x)


def level(value: Fraction) -> Function:
    """The function that has one value everywhere."""
    return (Piece(NOUGHT, NOUGHT, value),)


def stretches(before: Function, after: Function) -> list[Stretch]:
    """Where `after` differs from `before`, in order; as long as possible each, and none where they are the same."""
    found: list[Stretch] = []
    for start, stop, one, other in _cut(before, after):
        part = _stretch(start, stop, one, other)
        if part is None:
            continue
        if found and found[-1].stop == start and found[-1].sign == part.sign:
            part = _joined(found.pop(), part)
        found.append(part)
    return found


def largest(changes: Iterable[RateChange | None]) -> RateChange | None:
    """The change that is largest as a part of what was; one from nothing is larger than all others."""
    known = [change for change in changes if change is not None]
    return max(known, key=_rank, default=None)


def _rank(change: RateChange) -> tuple[bool, Fraction]:
    relative = change.relative
    return (True, abs(change.after)) if relative is None else (False, abs(relative))


def _cut(before: Function, after: Function) -> Iterator[tuple[Fraction, Fraction | None, Piece, Piece]]:
    """The parts in which both are straight and neither crosses the other."""
    starts = sorted({piece.start for piece in (*before, *after)})
    for start, stop in pairwise([*starts, None]):
        assert start is not None
        one, other = (max((p for p in each if p.start <= start), key=lambda p: p.start) for each in (before, after))
        slope, intercept = other.slope - one.slope, other.intercept - one.intercept
        crossing = -intercept / slope if slope else start
        if start < crossing and (stop is None or crossing < stop):
            yield start, crossing, one, other
            start = crossing
        yield start, stop, one, other


def _stretch(start: Fraction, stop: Fraction | None, one: Piece, other: Piece) -> Stretch | None:
    """One part as a stretch; None where the functions are the same there."""
    slope, intercept = other.slope - one.slope, other.intercept - one.intercept
    if not slope and not intercept:
        return None
    ends = [start * slope + intercept, slope if stop is None and slope else (stop or start) * slope + intercept]
    parts = [_relative(x, one, slope, intercept) for x in (start, stop)]
    known = [part for part in parts if part is not None]
    at = start if stop is None or parts[0] is None or parts[0] == max(known, key=abs) else stop
    return Stretch(
        sign=1 if max(ends, key=abs) > 0 else -1,
        start=start,
        stop=stop,
        absolute=None if stop is None and slope else max(ends, key=abs),
        growth=slope if stop is None and slope else None,
        relative=max(known, key=abs) if len(known) == len(parts) else None,
        slope=RateChange(one.slope, other.slope, start, stop) if slope else None,
        value=RateChange(at * one.slope + one.intercept, at * other.slope + other.intercept, start, stop),
    )


def _relative(x: Fraction | None, one: Piece, slope: Fraction, intercept: Fraction) -> Fraction | None:
    """The difference at a point as a part of what was, or what it tends to there; x None is infinity."""
    if x is None:
        if one.slope or slope:
            return slope / one.slope if one.slope else None
        x = NOUGHT
    was, difference = one.slope * x + one.intercept, slope * x + intercept
    if was:
        return difference / was
    return slope / one.slope if one.slope and not difference else None


def _joined(one: Stretch, other: Stretch) -> Stretch:
    absolute = [each.absolute for each in (one, other) if each.absolute is not None]
    relative = [each.relative for each in (one, other) if each.relative is not None]
    return Stretch(
        sign=one.sign,
        start=one.start,
        stop=other.stop,
        absolute=max(absolute, key=abs) if len(absolute) > 1 else None,
        growth=other.growth,
        relative=max(relative, key=abs) if len(relative) > 1 else None,
        slope=largest((one.slope, other.slope)),
        value=largest((one.value, other.value)),
    )
