"""The sweep: every row of a book decided on columns, and what is in doubt decided exactly.

Rows whose collateral is their own are decided where they stand. Others are summed by the pool that they share. What the
columns cannot decide is decided by the very code of `evaluate`, account by account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, TypeAlias

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Integers
from rules_engine.engine.book_labels import label_of_rows
from rules_engine.engine.quote import Quotes
from rules_engine.engine.sweep_prices import liquidation_prices
from rules_engine.engine.sweep_rows import STATUSES, UNDETERMINED, GroupTerms, column, decided, decided_too, figures_of
from rules_engine.engine.sweep_settle import decide_shared
from rules_engine.engine.sweep_state import NEAR, UNPRICED, Chunk, Columns, Placed, PoolFigures, Work, columns_for
from rules_engine.engine.workers import FORKS, Crew, CrewLost
from rules_engine.formulas.pool import surplus
from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import ONE
from rules_engine.terms.account import Account
from rules_engine.terms.evaluation import Evaluation, PolicyIdentity
from rules_engine.terms.exposure import Schedule
from rules_engine.terms.market import Market
from rules_engine.terms.policy import AllowedMode, Policy
from rules_engine.terms.pool import Backing, PoolLabel

FEWEST: Final = 200_000
"""Rows that are worth a fork."""
PART: Final = 10_000
"""Accounts that are made records of at a time."""

Known: TypeAlias = tuple[Policy, tuple[Policy, ...], Book, Columns]
"""What workers have from the beginning: the versions of the policy, the book, and where the answer goes."""

Doubtful: TypeAlias = list[tuple[str, Integers]]
"""Places of rows that are left to exact numbers, and why."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of every row of a book at one instant.

    `exactly` counts the rows that were decided exactly, by the reason for it; those of an account that was decided
    whole count there, and once more where their group was given up. `rows_exact` are those rows, each counted once,
    and `seconds_exact` is what deciding them took. `pools` are the figures of pools that rows share
    which stand together, by what the book keeps their index under; like the columns, they hold until another sweep goes
    into this one.
    """

    policy: PolicyIdentity
    as_of: datetime
    book: Book
    columns: Columns
    pools: Mapping[tuple[object, ...], PoolFigures]
    exactly: dict[str, int]
    rows_exact: int
    seconds_exact: float
    crew: Crew | None = None


def sweep(
    policy: Policy,
    book: Book,
    market: Market,
    quotes: Quotes,
    evaluate: Callable[[Account], Evaluation],
    into: Sweep | None,
    prices: bool,
    workers: int,
) -> Sweep:
    """Decides every row of a book, in the arrays of an earlier sweep and by its workers, where they serve."""
    book = book.by_cohort(quotes.cutoffs)
    workers = workers if FORKS and len(book) >= FEWEST else 1
    fits = into is not None and into.columns.fits(len(book), prices, workers)
    out = into.columns if into is not None and fits else columns_for(len(book), prices, workers)
    if workers > 1:
        known = policy, quotes.elders, book, out
        crew = crew_for(None if into is None else into.crew, known, quotes, market, workers)
        try:
            crew.begin(market)
            return Sweeper(Work(policy, book, market, out, crew), quotes, evaluate).run()
        except BaseException as error:
            crew.end()
            if not isinstance(error, CrewLost):
                raise
    return Sweeper(Work(policy, book, market, out), quotes, evaluate).run()


def crew_for(crew: Crew | None, known: Known, quotes: Quotes, market: Market, workers: int) -> Crew:
    """The workers of an earlier sweep if they know these versions, book and arrays, otherwise new ones."""
    if crew is not None and crew.serves(known, workers):
        return crew
    policy, _, book, out = known

    def follow(crew: Crew, wanted: Market) -> None:  # pragma: no cover - in a fork, whose coverage nobody sees
        nonlocal market, quotes
        if wanted is not market:
            market, quotes = wanted, quotes.at(wanted)
        Sweeper(Work(policy, book, market, out, crew), quotes, _elsewhere).on_columns()

    return Crew(workers, follow, known, market)


class Sweeper:
    """Decides a book: groups on columns, and by exact evaluation what those leave."""

    def __init__(self, work: Work, quotes: Quotes, evaluate: Callable[[Account], Evaluation]) -> None:
        self.work, self.quotes, self.evaluate = work, quotes, evaluate
        self._exact = np.zeros(len(work.book), bool)

    def on_columns(self) -> Doubtful:
        """Decides what columns can decide; of rows with pools of their own, gives those in doubt."""
        work = self.work
        work.out.blank(slice(work.book.starts[-1], None))
        placed = list(self._placed())
        alone = [one for one in placed if one.label.backing is Backing.POSITION]
        chunks = [chunk for one in alone for chunk in one.chunks()]
        doubtful = work.each(self._ringfenced, chunks)
        decide_shared(work, [one for one in placed if one.label.backing is not Backing.POSITION])
        return [one for each in doubtful for one in each]

    def run(self) -> Sweep:
        """Decides every row."""
        work, doubtful = self.work, self.on_columns()
        start = perf_counter()
        self._decide_rows(doubtful)
        self._decide_accounts()
        policy = work.policy
        return Sweep(
            policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
            as_of=work.market.as_of,
            book=work.book,
            columns=work.out,
            pools=work.pools,
            exactly=work.exactly,
            rows_exact=int(np.count_nonzero(self._exact)),
            seconds_exact=perf_counter() - start,
            crew=work.crew,
        )

    def _placed(self) -> Iterator[Placed]:
        """The groups that columns can decide; accounts of the others are decided exactly."""
        for group, start in zip(self.work.book.groups, self.work.book.starts, strict=False):
            quote, allowed = (
                self.quotes.of_cohort(group.instrument, group.cohort),
                self.work.policy.modes.get(group.mode),
            )
            label = None if allowed is None else label_of_rows(allowed, group, quote)
            if (why := _kept_off(allowed, label)) is not None:
                self.work.give_up(group, why)
                continue
            assert allowed is not None
            assert label is not None
            severe, least = (None if one is None else self._in_columns(one) for one in (quote.severe, quote.least))
            common = GroupTerms(quote=quote, allowed=allowed, schedule=severe, least=least, terms=self.work.terms)
            yield Placed(group, start, common, label)

    def _in_columns(self, schedule: Schedule) -> Schedule:
        return self.quotes.schedules.in_columns(schedule)

    def _ringfenced(self, chunk: Chunk) -> Doubtful:
        """Writes rows of pools of their own; gives the places of those in doubt."""
        work, group, span, out = self.work, chunk.placed.group, chunk.span, self.work.out
        common, rows = chunk.placed.common, chunk.rows
        if common.quote.doubts or group.columns["margin"] is None:
            out.blank(rows)
            return []
        num = work.numbers_for(chunk)
        margin, accrued = column(num, group, span, "margin"), column(num, group, span, "accrued")
        assert margin is not None
        backing = margin if accrued is None else margin + accrued
        try:
            figures = figures_of(num, group, span, common, backing)
            least = None if common.least is None else figures_of(num, group, span, common.under_least(), backing)
        except NotColumns as error:
            return [(str(error), np.arange(rows.start, rows.stop))]
        figures.pnl.write(out.unrealized_pnl[rows])
        equity = backing + figures.pnl
        equity.write(out.equity[rows])
        figures.maintenance.write(out.maintenance_margin[rows])
        figures.initial.write(out.initial_margin[rows])
        near = [decided(num, equity, figures.maintenance, figures.fee, work.policy.liquidation, out.status[rows])]
        if least is not None:
            near.append(
                decided_too(num, equity, least.maintenance, least.fee, work.policy.liquidation, out.status[rows])
            )
        doubts = [(NEAR, mask) for mask in (*near, num.doubtful) if mask is not None]
        if out.liquidation_price is not None:
            standing = surplus(equity, figures.maintenance, figures.fee, ONE)
            prices, doubtful = liquidation_prices(
                group, span, common, ringfenced=True, standing=standing.values, standing_error=standing.error
            )
            out.liquidation_price[rows] = prices
            doubts.append((UNPRICED, doubtful))
        return [(why, np.flatnonzero(mask) + rows.start) for why, mask in doubts if mask.any()]

    def _decide_rows(self, found: Doubtful) -> None:
        """Decides rows with pools of their own, each as an account that holds nothing else."""
        for why, places in found:
            self.work.count(why, len(places))
        starts = np.array(self.work.book.starts)
        for place in np.unique(np.concatenate([np.empty(0, np.int64), *(places for _, places in found)])).tolist():
            index = int(np.searchsorted(starts, place, "right")) - 1
            group = self.work.book.groups[index]
            position = self.work.book.position(group, place - int(starts[index]))
            self._write([place], self.evaluate(Account(account="", positions=(position,))))

    def _decide_accounts(self) -> None:
        """Decides whole accounts."""
        wanted = np.flatnonzero(self.work.exact_accounts).tolist()
        if not wanted:
            return
        for start in range(0, len(wanted), PART):
            rows: list[int] = []
            for account, places in self.work.book.standing(wanted[start : start + PART]):
                self._write(places, self.evaluate(account))
                rows += places
            self.work.count("accounts decided whole", len(rows))
            for figures in self.work.pools.values():
                figures.correct(np.array(rows, np.int64), self.work.out)

    def _write(self, places: Sequence[int], evaluation: Evaluation) -> None:
        """Takes an exact evaluation's figures down, its positions in the order of these places."""
        self._exact[places] = True
        pools = {pool.pool: pool for pool in evaluation.pools}
        for place, position in zip(places, evaluation.positions, strict=True):
            pool = pools.get(position.pool or "")
            self.work.out.status[place] = UNDETERMINED if pool is None else STATUSES.index(pool.status)
            self.work.out.equity[place] = _double(None if pool is None else pool.equity)
            self.work.out.initial_margin[place] = _double(position.initial_margin)
            self.work.out.maintenance_margin[place] = _double(position.maintenance_margin)
            self.work.out.unrealized_pnl[place] = _double(position.unrealized_pnl)
            if self.work.out.liquidation_price is not None:
                self.work.out.liquidation_price[place] = _double(position.liquidation_price)


def _elsewhere(account: Account) -> Evaluation:  # pragma: no cover - in a fork
    raise AssertionError("one process alone decides exactly")


def _kept_off(allowed: AllowedMode | None, label: PoolLabel | None) -> str | None:
    """Why rows of a mode are no matter for columns, where they are not."""
    if allowed is None:
        return "mode that the policy does not have"
    if allowed.pooled:
        return "mode of whole pools"
    if allowed.traits.tolerance:
        return "mode with a tolerance"
    if label is None:
        return "pool that cannot be told"
    if label.backing is Backing.POSITION and label.draw_cap:
        return "pool of one position that draws"
    return "mode that reserves for orders" if allowed.traits.reserves_orders else None


def _double(figure: object) -> float:
    return float("nan") if figure is None else float(figure)  # type: ignore[arg-type]
