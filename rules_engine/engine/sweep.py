"""The sweep: every row of a book decided on columns, and what is in doubt decided exactly.

Rows whose collateral is their own are decided where they stand. Others are summed by the pool that they share. What the
columns cannot decide is decided by the very code of `evaluate`, account by account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers
from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep_rows import STATUSES, GroupTerms, column, decided, figures_of, in_columns
from rules_engine.engine.sweep_shared import decide_shared
from rules_engine.engine.sweep_state import UNDETERMINED, Columns, Placed, Work
from rules_engine.numbers.bounded import NotColumns
from rules_engine.terms.account import Account
from rules_engine.terms.evaluation import Evaluation, PolicyIdentity
from rules_engine.terms.exposure import Schedule
from rules_engine.terms.policy import AllowedMode
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels

PART: Final = 10_000
"""Accounts that are made records of at a time."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of every row of a book at one instant.

    `exactly` counts the rows that were decided exactly, by the reason for it; those of an account that was decided
    whole count there, and once more where their group was given up.
    """

    policy: PolicyIdentity
    as_of: datetime
    book: Book
    columns: Columns
    exactly: dict[str, int]


class Sweeper:
    """Decides a book: groups on columns, and by exact evaluation what those leave."""

    def __init__(self, work: Work, quote_of: Callable[[str], Quote], evaluate: Callable[[Account], Evaluation]) -> None:
        self.work, self.quote_of, self.evaluate = work, quote_of, evaluate
        self._schedules: dict[int, Schedule] = {}

    def run(self) -> Sweep:
        """Decides every row."""
        work = self.work
        work.out.blank(slice(work.book.starts[-1], None))
        placed = list(self._placed())
        alone = [one for one in placed if one.label.backing is Backing.POSITION]
        doubtful = [rows for one in alone for rows in ringfenced(work, one)]
        decide_shared(work, [one for one in placed if one.label.backing is not Backing.POSITION])
        self._decide_rows(np.unique(np.concatenate([np.empty(0, np.int64), *doubtful])))
        self._decide_accounts()
        policy = work.policy
        return Sweep(
            policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
            as_of=work.market.as_of,
            book=work.book,
            columns=work.out,
            exactly=work.exactly,
        )

    def _placed(self) -> Iterator[Placed]:
        """The groups that columns can decide; accounts of the others are decided exactly."""
        for group, start in zip(self.work.book.groups, self.work.book.starts, strict=False):
            quote, allowed = self.quote_of(group.instrument), self.work.policy.modes.get(group.mode)
            if allowed is None or allowed.pooled or allowed.traits.tolerance or quote.missing:
                self.work.give_up(
                    group, "whole pools" if allowed is not None and allowed.pooled else "measures or modes"
                )
                continue
            label = _label(allowed, group, quote)
            if label.key is None or (allowed.traits.reserves_orders and self.work.book.orders):
                self.work.give_up(group, "orders" if label.key is not None else "pools that cannot be told")
                continue
            yield Placed(group, start, self._common(group, quote, allowed), label)

    def _common(self, group: Group, quote: Quote, allowed: AllowedMode) -> GroupTerms:
        schedule = None if quote.severe is None else self._in_columns(quote.severe)
        return GroupTerms(quote=quote, allowed=allowed, schedule=schedule, terms=self.work.terms)

    def _in_columns(self, schedule: Schedule) -> Schedule:
        """A schedule in bounded numbers, made once for all instruments that have it."""
        if id(schedule) not in self._schedules:
            self._schedules[id(schedule)] = in_columns(schedule)
        return self._schedules[id(schedule)]

    def _decide_rows(self, places: Integers) -> None:
        """Decides rows with pools of their own, each as an account that holds nothing else."""
        starts = np.array(self.work.book.starts)
        for place in places.tolist():
            index = int(np.searchsorted(starts, place, "right")) - 1
            group = self.work.book.groups[index]
            position = self.work.book.position(group, place - int(starts[index]))
            self._write([place], self.evaluate(Account(account="", positions=(position,))))
        if len(places) > self.work.alone:
            self.work.count("too close to a line", len(places) - self.work.alone)

    def _decide_accounts(self) -> None:
        """Decides whole accounts."""
        wanted = np.flatnonzero(self.work.exact_accounts).tolist()
        if not wanted:
            return
        rows_of = self.work.book.rows_of(wanted)
        self.work.count("accounts decided whole", sum(map(len, rows_of.values())))
        for start in range(0, len(wanted), PART):
            part = wanted[start : start + PART]
            for place, account in zip(part, self.work.book.accounts(part), strict=True):
                self._write(rows_of[place], self.evaluate(account))

    def _write(self, places: Sequence[int], evaluation: Evaluation) -> None:
        """Takes an exact evaluation's figures down, its positions in the order of these places."""
        pools = {pool.pool: pool for pool in evaluation.pools}
        for place, position in zip(places, evaluation.positions, strict=True):
            pool = pools.get(position.pool or "")
            self.work.out.status[place] = UNDETERMINED if pool is None else STATUSES.index(pool.status)
            self.work.out.equity[place] = _double(None if pool is None else pool.equity)
            self.work.out.initial_margin[place] = _double(position.initial_margin)
            self.work.out.maintenance_margin[place] = _double(position.maintenance_margin)
            self.work.out.unrealized_pnl[place] = _double(position.unrealized_pnl)


def _label(allowed: AllowedMode, group: Group, quote: Quote) -> PoolLabel:
    """Where a mode puts the rows of a group: a pool each, or one that follows from the instrument; else no key."""
    told = PositionLabels(id="a", instrument=group.instrument, underlying=quote.underlying, group=group.group)
    labels = [told, msgspec.structs.replace(told, id="b")]
    try:
        one, other = (label_of(allowed, each) for each in labels)
    except PluginFault:
        return PoolLabel(key=None, backing=Backing.ACCOUNT)
    if one.backing is Backing.GROUP and group.group not in (None, one.key):
        return PoolLabel(key=None, backing=Backing.ACCOUNT)
    if one.backing is Backing.POSITION or one == other:
        return one
    return PoolLabel(key=None, backing=Backing.ACCOUNT)


def _double(figure: object) -> float:
    return float("nan") if figure is None else float(figure)  # type: ignore[arg-type]


def ringfenced(work: Work, placed: Placed) -> Iterator[Integers]:
    """Writes the rows of pools of their own; gives the places of those in doubt."""
    group, out = placed.group, work.out
    if placed.common.quote.doubts or group.columns["margin"] is None:
        out.blank(placed.rows)
        return
    try:
        for span in group.spans:
            num = work.numbers(span.stop - span.start)
            margin = column(num, group, span, "margin")
            assert margin is not None
            accrued = column(num, group, span, "accrued")
            backing = margin if accrued is None else margin + accrued
            figures = figures_of(num, group, span, placed.common, backing)
            equity = backing + figures.pnl
            rows = slice(placed.start + span.start, placed.start + span.stop)
            near = decided(equity, figures.maintenance, figures.fee, work.policy.liquidation, out.status[rows])
            out.equity[rows] = equity.values
            out.initial_margin[rows] = figures.initial.values
            out.maintenance_margin[rows] = figures.maintenance.values
            out.unrealized_pnl[rows] = figures.pnl.values
            for mask in (near, num.doubtful):
                if mask is not None:
                    yield np.flatnonzero(mask) + rows.start
    except NotColumns as error:
        work.count(str(error), group.size)
        work.alone += group.size
        yield np.arange(placed.rows.start, placed.rows.stop)
