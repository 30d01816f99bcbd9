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

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_pools import group_index
from rules_engine.engine.sweep_rows import STATUSES, Codes
from rules_engine.engine.sweep_state import Columns
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
CHUNK: Final = 32_768
"""Rows that are worked on together, whose columns stay in cache."""
_LIQUIDATED: Final = np.isin(STATUSES, ("liquidate", "bankrupt"))


class Pooled(msgspec.Struct, frozen=True):
    """Rows that share pools: their places in the columns, the pool of each, and how many pools there are."""

    places: Integers | slice
    pools: Integers
    size: int


class Layout(msgspec.Struct, frozen=True):
    """Which rows of a book are pools of their own under a policy, and which share one."""

    alone: Sequence[slice]
    shared: Sequence[Pooled]


def layout_of(policy: Policy, book: Book, quotes: QuoteOf) -> Layout:
    """The pools of a book. Rows of which no pool can be told are in none."""
    alone: list[slice] = []
    held: dict[Backing, list[tuple[Group, slice, str]]] = {Backing.ACCOUNT: [], Backing.GROUP: []}
    for group, rows in placed(book):
        label = _label(policy, group, quotes)
        if label is None or label.key is None:
            continue
        if label.backing is Backing.POSITION:
            alone.append(rows)
        else:
            held[label.backing].append((group, rows, f"{group.mode}/{label.key}"))
    shared = [_accounts(book, held[Backing.ACCOUNT]), _groups(book, held[Backing.GROUP])]
    return Layout(alone, [each for each in shared if each is not None])


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


def _accounts(book: Book, held: Sequence[tuple[Group, slice, str]]) -> Pooled | None:
    if not held:
        return None
    pools = np.concatenate([group.accounts for group, _, _ in held])
    return Pooled(_places([rows for _, rows, _ in held]), pools, len(book.names))


def _groups(book: Book, held: Sequence[tuple[Group, slice, str]]) -> Pooled | None:
    if not held:
        return None
    accounts = np.concatenate([group.accounts for group, _, _ in held])
    keys, sizes = [key for _, _, key in held], [group.size for group, _, _ in held]
    owners, _, index = book.kept(
        ("pools of groups", *((rows.start, key) for _, rows, key in held)),
        lambda: group_index(accounts, keys, sizes),
    )
    return Pooled(_places([rows for _, rows, _ in held]), index.pools, len(owners))


def _places(spans: Sequence[slice]) -> Integers | slice:
    """Rows in the columns: a slice where they stand together."""
    if all(one.stop == other.start for one, other in pairwise(spans)):
        return slice(spans[0].start, spans[-1].stop)
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])


def ratios(layout: Layout, columns: Columns) -> Integers:
    """How many pools are in each bin of `RATIO_BINS`."""
    counts = np.zeros(len(RATIO_BINS), np.int64)
    for span in layout.alone:
        for start in range(span.start, span.stop, CHUNK):
            rows = slice(start, min(start + CHUNK, span.stop))
            counts += _binned(columns.maintenance_margin[rows], columns.equity[rows])
    for each in layout.shared:
        required = np.bincount(each.pools, columns.maintenance_margin[each.places], each.size).astype(np.float64)
        equity, held = np.zeros(each.size), np.zeros(each.size, bool)
        equity[each.pools], held[each.pools] = columns.equity[each.places], True
        for start in range(0, each.size, CHUNK):
            part = slice(start, start + CHUNK)
            mine = held[part]
            counts += _binned(required[part][mine], equity[part][mine])
    return counts


def _binned(required: Floats, equity: Floats) -> Integers:
    """Pools by bin."""
    with np.errstate(all="ignore"):
        part = required / equity
        part *= STEPS
        np.clip(part, 0.0, ABOVE, out=part)
        if not equity.min(initial=1.0) > 0.0:  # which is so where one is not known, too
            part[equity <= 0.0] = WITHOUT
        if np.isnan(part.sum()):
            part[np.isnan(part)] = UNKNOWN
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
