"""What a change does to rows of a book: counts by status before and after, notional, margins by tier; these add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group
from rules_engine.engine.sweep_rows import STATUSES, Codes

KINDS: Final = len(STATUSES)
MOVES: Final = KINDS * KINDS
"""Status before and status after, as one number: `before * KINDS + after`."""
Tier: TypeAlias = tuple[str, int]
"""A table by its name and a tier of it, from 1; 0 where the size is not known, or no rule names a table."""
FIGURES: Final = ("initial_margin", "maintenance_margin")


class Margins(msgspec.Struct, frozen=True):
    """Sums of margins, of the rows whose figures are known under both policies; `unknown` counts the others."""

    positions: int = 0
    unknown: int = 0
    initial_before: float = 0.0
    initial_after: float = 0.0
    maintenance_before: float = 0.0
    maintenance_after: float = 0.0

    def __add__(self, other: Margins) -> Margins:
        return Margins(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by status before and after: how many, their notional at the mark, and their margins by tier.

    `positions` has `MOVES` counts, `notional` those of them that are not 0. `unpriced` are rows whose notional is not
    known. Those of a book's parts add up.
    """

    positions: tuple[int, ...] = (0,) * MOVES
    notional: Mapping[int, Fraction] = {}
    unpriced: int = 0
    tiers: Mapping[Tier, Margins] = {}

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            positions=tuple(map(sum, zip(self.positions, other.positions, strict=True))),
            notional=added(self.notional, other.notional),
            unpriced=self.unpriced + other.unpriced,
            tiers=added(self.tiers, other.tiers),
        )

    @property
    def margins(self) -> Margins:
        """Those of all tiers."""
        return sum(self.tiers.values(), Margins())


def added(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
    """What either has, in order, and the sum of what both have."""
    both = {key: one[key] + other[key] for key in one.keys() & other.keys()}
    return dict(sorted({**one, **other, **both}.items()))


def placed(book: Book) -> list[tuple[Group, slice]]:
    """The groups with where their rows stand in a sweep's columns; rows at fault, in no group, follow them."""

    def made() -> list[tuple[Group, slice]]:
        groups = (*book.groups, *book.contents.apart)
        stops = accumulate(group.size for group in groups)
        return [(group, slice(stop - group.size, stop)) for group, stop in zip(groups, stops, strict=True)]

    return book.kept(("placed",), made)


def moves_of(before: Codes, after: Codes) -> Codes:
    """Each row's status before and after, as one number."""
    moves: Codes = before * np.uint8(KINDS)
    moves += after
    return moves


def faulty(book: Book, before: Codes, after: Codes) -> Iterator[tuple[tuple[str, str], Moved]]:
    """The rows at fault, each by instrument and mode: nobody knows their size."""
    start = len(book) - len(book.contents.faulty)
    moves = moves_of(before[start:], after[start:]).tolist()
    for move, (_, position) in zip(moves, book.contents.faulty.values(), strict=True):
        counts = tuple(int(each == move) for each in range(MOVES))
        tiers = {("", 0): Margins(1, 1)}
        yield (position.instrument, position.mode), Moved(positions=counts, unpriced=1, tiers=tiers)
