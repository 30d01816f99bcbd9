"""What the sweep is measured against: the same formulas by hand, in NumPy and in Decimals, and the copy of its bytes.

The loops know their tables and their mode; they read, check and certify nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sweep_books import Scene

from rules_engine.engine.book import Group
from rules_engine.engine.sweep_rows import STATUSES

READ: Final = 4 * 8
"""Bytes read of an isolated position: quantity, entry price, margin, leverage."""
WRITTEN: Final = 4 * 8 + 1
"""Bytes written of one: unrealized PnL, equity, initial and maintenance margin, status."""


@dataclass(frozen=True)
class Sample:
    """A position of a scene in exact numbers, with its table."""

    instrument: str
    quantity: Decimal
    entry: Decimal
    margin: Decimal
    leverage: Decimal
    mark: Decimal
    tiers: Sequence[Any]


def samples(scene: Scene, count: int) -> list[Sample]:
    """Positions spread over an isolated book."""
    found = []
    per_group = max(1, count // len(scene.book.groups))
    for group in scene.book.groups:
        tiers = scene.engine.policy.instruments[group.instrument].table.tiers
        mark = Decimal(scene.market["instruments"][group.instrument]["mark_price"])
        for index in np.linspace(0, group.size - 1, min(per_group, group.size)).astype(int).tolist():
            one = scene.book.position(group, index)
            assert one.margin is not None and one.leverage is not None
            found.append(Sample(one.instrument, one.quantity, one.entry_price, one.margin, one.leverage, mark, tiers))
    return found[:count]


def by_decimals(sample: Sample) -> tuple[Decimal, Decimal, Decimal, str]:
    """Equity, initial and maintenance margin and status of one position in plain Decimals."""
    notional = abs(sample.quantity) * sample.mark
    maintenance = max([tier.maintenance_rate * notional - tier.deduction for tier in sample.tiers])
    for tier in sample.tiers:
        if notional < tier.floor:
            break
        rate = tier.initial_rate
    initial = max(notional / sample.leverage, notional * rate, maintenance)
    equity = sample.margin + sample.quantity * (sample.mark - sample.entry)
    if equity < 0:
        return equity, initial, maintenance, "bankrupt"
    if equity <= maintenance:
        return equity, initial, maintenance, "liquidate"
    status = "margin_call" if equity <= Decimal("1.25") * maintenance else "healthy"
    return equity, initial, maintenance, status


class Hand:
    """An isolated book decided by a loop in NumPy over the chunks that the sweep takes, in arrays of its own."""

    def __init__(self, scene: Scene) -> None:
        self.size = len(scene.book)
        self.groups = [(group, *_table(scene, group)) for group in scene.book.groups]
        self.pnl, self.equity, self.initial, self.maintenance = (np.zeros(self.size) for _ in range(4))
        self.status = np.zeros(self.size, np.uint8)
        longest = max(span.stop - span.start for group in scene.book.groups for span in group.spans)
        self.scratch = [np.empty(longest) for _ in range(2)]

    def run(self) -> None:
        """Decides every row."""
        start = 0
        for group, mark, tiers in self.groups:
            for span in group.spans:
                self._chunk(group, slice(span.start, span.stop), start, mark, tiers)
            start += group.size

    def _chunk(self, group: Group, rows: slice, start: int, mark: float, tiers: Any) -> None:
        quantity, entry, margin, leverage = (
            group.columns[name][rows]  # type: ignore[index]
            for name in ("quantity", "entry_price", "margin", "leverage")
        )
        size = rows.stop - rows.start
        out = slice(start + rows.start, start + rows.stop)
        pnl, equity = self.pnl[out], self.equity[out]
        initial, maintenance = self.initial[out], self.maintenance[out]
        notional, line = self.scratch[0][:size], self.scratch[1][:size]
        np.abs(quantity, out=notional)
        np.multiply(notional, mark, out=notional)
        np.subtract(mark, entry, out=pnl)
        np.multiply(pnl, quantity, out=pnl)
        np.add(pnl, margin, out=equity)
        np.divide(notional, leverage, out=initial)
        self._tiers(notional, line, maintenance, tiers)
        np.maximum(initial, line, out=initial)
        np.maximum(initial, maintenance, out=initial)
        status = self.status[out]
        np.less(equity, 0.0, out=status.view(bool))
        np.add(status, np.less_equal(equity, maintenance).view(np.uint8), out=status)
        np.multiply(maintenance, 1.25, out=line)
        np.add(status, np.less_equal(equity, line).view(np.uint8), out=status)

    def _tiers(self, notional: Any, line: Any, maintenance: Any, tiers: Any) -> None:
        """Maintenance, and what the initial rate asks for, tier by tier: rows stand in the order of their size."""
        floors, rates, deductions, initial_rates = tiers
        cuts = [*np.searchsorted(notional, floors).tolist(), len(notional)]
        for tier, rows in enumerate(slice(*ends) for ends in pairwise(cuts)):
            if rows.start == rows.stop:
                continue
            np.multiply(notional[rows], rates[tier], out=maintenance[rows])
            np.subtract(maintenance[rows], deductions[tier], out=maintenance[rows])
            np.multiply(notional[rows], initial_rates[tier], out=line[rows])

    def agrees(self, status: Any) -> float:
        """The share of rows on which a sweep's statuses are the same."""
        return float(np.mean(self.status == status))


def _table(scene: Scene, group: Group) -> tuple[float, Any]:
    tiers = scene.engine.policy.instruments[group.instrument].table.tiers
    columns = [
        np.array([float(getattr(tier, name)) for tier in tiers])
        for name in ("floor", "maintenance_rate", "deduction", "initial_rate")
    ]
    return float(scene.market["instruments"][group.instrument]["mark_price"]), columns


def copying(rows: int) -> Callable[[], None]:
    """A copy that reads and writes together as many bytes as a sweep of so many isolated positions does."""
    source, target = (np.ones(rows * (READ + WRITTEN) // 16) for _ in range(2))
    return lambda: np.copyto(target, source)


assert STATUSES[:4] == ("healthy", "margin_call", "liquidate", "bankrupt")
