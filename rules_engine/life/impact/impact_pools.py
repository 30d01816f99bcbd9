"""How near pools are to liquidation, before and after: maintenance margin as a part of equity, counted in fixed bins.

Rows whose own margin backs them are pools themselves; others are added up by pool, as a sweep adds them up. A pool so
near the edge of a bin that a double cannot tell may be counted on either side of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep import Sweep
from rules_engine.engine.sweep_pools import PoolIndex, group_index, pool_index
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.impact_rows import Chunk
from rules_engine.life.impact.impact_tallies import placed
from rules_engine.numbers.columns import Floats
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels

QuoteOf: TypeAlias = Callable[[str, int | None], Quote]
"""Gives the quote of an instrument for a cohort of its positions."""
STEPS: Final = 20
"""Bins between 0 and 1, of 5 % each."""
ABOVE, WITHOUT, UNKNOWN = STEPS, STEPS + 1, STEPS + 2
RATIO_BINS: Final = (
    *(f"{100 * step // STEPS}% to {100 * (step + 1) // STEPS}%" for step in range(STEPS)),
    "100% and more",
    "no equity",
    "not known",
)
"""Bins of maintenance margin over equity; the first of each two is in its bin."""
EDGES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PRICE_BINS: Final = (
    "below 1%",
    *("1% to 2%", "2% to 5%", "5% to 10%", "10% to 20%", "20% to 50%", "50% to 100%"),
    "100% and more",
    "to be liquidated",
    "no price",
)
"""Bins of the move of its mark, as a part of it, at which a position's pool is liquidated."""
CHUNK: Final = 8_192
"""Figures that are worked on together: few enough for what is made of them to need no new memory."""
BITS: Final = 5
"""That the number of a bin takes."""
NOWHERE: Final = (1 << BITS) - 1
"""The number of no bin."""
LANES: Final = 4
"""Counters of each pair of bins: a processor waits for one that it has just written to."""
_LIQUIDATED: Final = np.isin(STATUSES, ("liquidate", "bankrupt"))


class Pooled(msgspec.Struct, frozen=True):
    """Rows that share pools: their places in the columns, and which pool each belongs to.

    `key` is what a book keeps the index under.
    """

    key: tuple[object, ...]
    places: Integers | slice
    index: PoolIndex


class Layout(msgspec.Struct, frozen=True):
    """Which rows of a book are pools of their own under a policy, by where their groups start, and which share one."""

    alone: frozenset[int]
    shared: Sequence[Pooled]


class Member(msgspec.Struct, frozen=True):
    """A group whose rows share pools, with their places in the columns and the key of these pools."""

    group: Group
    rows: slice
    key: str


def layout_of(policy: Policy, book: Book, quotes: QuoteOf) -> Layout:
    """The pools of a book. Rows of which no pool can be told are in none."""
    alone: set[int] = set()
    held: dict[tuple[Backing, bool], list[Member]] = {}
    for group, rows in placed(book):
        label = _label(policy, group, quotes)
        if label is None or label.key is None:
            continue
        if label.backing is Backing.POSITION:
            alone.add(rows.start)
        else:  # an account has rows that stand apart, or others, never both
            apart = rows.start >= book.starts[-1]
            held.setdefault((label.backing, apart), []).append(Member(group, rows, str(label.key)))
    shared = [(_accounts if backing is Backing.ACCOUNT else _groups)(book, each) for (backing, _), each in held.items()]
    return Layout(frozenset(alone), shared)


def _label(policy: Policy, group: Group, quotes: QuoteOf) -> PoolLabel | None:
    """What a mode says of the pools of a group's rows; None where it says nothing."""
    allowed = policy.modes.get(group.mode)
    if allowed is None:
        return None
    underlying = quotes(group.instrument, group.cohort).underlying
    labels = [
        PositionLabels(id=id, instrument=group.instrument, underlying=underlying, group=group.group) for id in "ab"
    ]
    try:
        one, other = (label_of(allowed, each) for each in labels)
    except PluginFault:
        return None
    return one if one.backing is Backing.POSITION or one == other else None


def _accounts(book: Book, members: Sequence[Member]) -> Pooled:
    """Pools of accounts. Which row belongs to which is what a sweep keeps of these very groups."""
    key = ("accounts", *(one.rows.start for one in members))
    index, _ = book.kept(key, lambda: (pool_index(_owners(members), len(book.names)), np.arange(len(book.names))))
    return Pooled(key, _places([one.rows for one in members]), index)


def _groups(book: Book, members: Sequence[Member]) -> Pooled:
    """Pools of groups: likewise, where all are of one mode."""
    one = len({member.group.mode for member in members}) == 1
    keys = [member.key if one else f"{member.group.mode}/{member.key}" for member in members]
    sizes = [member.group.size for member in members]
    key = ("groups", *((member.rows.start, key) for member, key in zip(members, keys, strict=True)))
    _, _, index = book.kept(key, lambda: group_index(_owners(members), keys, sizes))
    return Pooled(key, _places([one.rows for one in members]), index)


def _owners(members: Sequence[Member]) -> Integers:
    return np.concatenate([one.group.accounts for one in members])


def _places(spans: Sequence[slice]) -> Integers | slice:
    """Rows in the columns: a slice where they stand together."""
    if all(one.stop == other.start for one, other in pairwise(spans)):
        return slice(spans[0].start, spans[-1].stop)
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])


class Ratios:
    """How many pools are in each bin of `RATIO_BINS`, before and after.

    Chunks are added one after another. `room` is where the quotients of one are worked out.
    """

    def __init__(self, layouts: Sequence[Layout], sweeps: Sequence[Sweep], room: Floats) -> None:
        self.layouts, self.sweeps, self.room = layouts, sweeps, room
        self._codes = np.empty((2, len(room)), np.int32)
        self._lanes = (np.arange(len(room), dtype=np.int32) % LANES) << 2 * BITS
        self.alike, self.pairs = np.zeros((2, LANES, 1 << BITS, 1 << BITS), np.int64)
        self.rest: list[list[Integers]] = [[np.empty(0, np.int64)] for _ in sweeps]

    def add(self, chunk: Chunk, start: int) -> None:
        """Takes the rows of a chunk, of the group that starts here, as far as each is a pool of its own.

        What is healthy has equity, and more than it must keep. All others are looked at in the end. Rows that are in
        the same bin before and after are counted once, two at a time.
        """
        alone = [start in layout.alone for layout in self.layouts]
        if not any(alone):
            return
        equity = [each.columns.equity[chunk.rows] for each in self.sweeps]
        alike = chunk.alike & -2 if all(alone) else 0
        if not (equity[0][:alike] == equity[1][:alike]).all():
            alike = 0
        for at, first in ((0, alike), (1, 0)):
            codes = self._codes[at, first : len(chunk.sizes)]
            if alone[at]:
                part = np.divide(chunk.margins[2 + at][first:], equity[at][first:], out=self.room[: len(codes)])
                part *= STEPS
                np.copyto(codes, part, casting="unsafe")
                self.rest[at].append(chunk.places + chunk.rows.start)
            else:
                codes[:] = NOWHERE
        before, after = self._codes[:, : len(chunk.sizes)]
        before[chunk.places] = after[chunk.places] = NOWHERE
        self._count(after[: alike // 2], after[alike // 2 : alike], self.alike)
        self._count(before[alike:], after[alike:], self.pairs)

    def _count(self, ones: NDArray[np.int32], others: NDArray[np.int32], counts: Integers) -> None:
        """Counts pairs of bins."""
        pairs = ones << BITS
        pairs |= others
        pairs += self._lanes[: len(pairs)]
        counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)

    def answer(self) -> list[tuple[int, ...]]:
        """The counts before and after, with those of pools that several rows share."""
        counts = []
        for at, (layout, sweep) in enumerate(zip(self.layouts, self.sweeps, strict=True)):
            found = (self.pairs.sum((0, 2 - at)) + self.alike.sum((0, 1)) + self.alike.sum((0, 2)))[: len(RATIO_BINS)]
            rows, columns = np.concatenate(self.rest[at]), sweep.columns
            found += _binned(columns.maintenance_margin[rows], columns.equity[rows])
            for each in layout.shared:
                figures = _figures(sweep, each)
                for start in range(0, each.index.size, CHUNK):
                    part = slice(start, start + CHUNK)
                    held = each.index.held[part]
                    mine = slice(None) if held.all() else held
                    found += _binned(*(figure[part][mine] for figure in figures))
            counts.append(tuple(found.tolist()))
        return counts


def _figures(sweep: Sweep, each: Pooled) -> tuple[Floats, Floats]:
    """Maintenance and equity by pool, as the sweep added them up; from the rows, where it did not for all of these."""
    if (known := sweep.pools.get(each.key)) is not None:
        return known.maintenance, known.equity
    pools, columns, equity = each.index.pools, sweep.columns, np.empty(each.index.size)
    equity[pools] = columns.equity[each.places]
    required = np.bincount(pools, columns.maintenance_margin[each.places], each.index.size)
    return required.astype(np.float64, copy=False), equity


def _binned(required: Floats, equity: Floats) -> Integers:
    """Any pools by bin."""
    part = required / equity
    part *= STEPS
    np.clip(part, 0.0, ABOVE, out=part)
    part[equity <= 0.0] = WITHOUT
    part[np.isnan(required) | np.isnan(equity)] = UNKNOWN
    return np.bincount(part.astype(np.uint8), minlength=len(RATIO_BINS))


def distances(book: Book, columns: Columns, quotes: Sequence[Quote]) -> Integers:
    """How many positions are in each bin of `PRICE_BINS`; of a sweep with prices."""
    counts = np.zeros(len(PRICE_BINS), np.int64)
    assert columns.liquidation_price is not None
    for (_, rows), quote in zip(placed(book), quotes, strict=True):
        mark = quote.mark_price
        for start in range(rows.start, rows.stop, CHUNK):
            part = slice(start, min(start + CHUNK, rows.stop))
            prices = columns.liquidation_price[part]
            if mark is None:
                counts[-1] += len(prices)
            else:
                counts += _priced(np.abs(prices / float(mark) - 1.0), columns.status[part])
    counts[-1] += len(book.contents.faulty)
    return counts


def _priced(moves: Floats, status: Codes) -> Integers:
    bins = np.searchsorted(EDGES, moves, "right")
    bins[np.isnan(moves)] = len(PRICE_BINS) - 1
    bins[_LIQUIDATED[status]] = len(PRICE_BINS) - 2
    return np.bincount(bins, minlength=len(PRICE_BINS))
