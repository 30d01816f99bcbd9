"""`rules-engine sweep`: what a policy says of a whole book."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import reduce
from operator import add
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from rules_engine.cli import output
from rules_engine.cli.book_options import BookAsked, Faults, book_options, part_rows_option, workers_option
from rules_engine.cli.commands import FOUND
from rules_engine.cli.decisions import LogAsked, log_options
from rules_engine.cli.inputs import all_of, json_option, plugin_option
from rules_engine.cli.versions import PolicyAsked, policy_options

if TYPE_CHECKING:
    from rules_engine.cli.row_files import Rows
    from rules_engine.engine.book import Book
    from rules_engine.engine.book_pools import RowNames
    from rules_engine.engine.engine import Engine
    from rules_engine.engine.sweep import Sweep
    from rules_engine.engine.sweep_rows import Codes
    from rules_engine.life.answering import Answering, AnsweringInMarket
    from rules_engine.report.sweep import Cost, Summary
    from rules_engine.terms.market import Market

EXAMPLES = """\b
Examples:
  rules-engine sweep --policy usdt-perpetuals@1.2.0 --book book.csv --collateral collateral.csv --market market.json
  rules-engine sweep --policy usdt-perpetuals --store risk.db --book book.csv --market market.json
  rules-engine sweep --policy P.yaml --book book.csv.gz --market market.json --out rows.csv
  rules-engine sweep --policy P.yaml --book book.parquet --collateral c.parquet --market market.json --exact --json
  rules-engine sweep --policy P.yaml --book book.csv --market market.json --log sweeps.jsonl
  rules-engine sweep --policy P.yaml --book by-account.csv --part-rows 1000000 --market market.json --workers 2"""

NAMES: Final = ("account", "id", "instrument", "mode", "pool", "status")
FIGURES: Final = ("equity", "initial_margin", "maintenance_margin", "liquidation_price")
AT_ONCE: Final = 20_000
"""Accounts that are evaluated at a time: one pass over the book finds their rows."""


@click.command(epilog=EXAMPLES)
@policy_options
@book_options
@click.option("--out", metavar="R", type=click.Path(), help="Write one row a position to R, CSV or Parquet.")
@click.option("--exact", is_flag=True, help="Evaluate every account: exact figures, prices rounded to the tick.")
@part_rows_option
@workers_option
@plugin_option
@log_options
@json_option
@click.pass_context
def sweep(
    context: click.Context,
    policy: PolicyAsked,
    book: BookAsked,
    out: str | None,
    exact: bool,
    workers: int,
    log: LogAsked,
    as_json: bool,
) -> None:
    """Decide every position of a book.

    Prints counts and notional at risk by status, mode and instrument, and how many positions were decided exactly. A
    row that cannot be read leaves its pool undetermined and stops no other. Exits with 0 whatever the statuses are,
    with 1 where rows are at fault, and with 2 where a table or document cannot be used.
    """
    engine_at, at = all_of([policy.read, book.market])
    engine = engine_at(at)
    parts, faults = book.parts(engine.policy.settlement_currency), Faults()
    with _logged(engine, log) as answers, _rows(out, texts=exact) as rows:
        summary = reduce(add, map(_swept(answers, at, rows, faults, exact=exact, workers=workers), parts))
    if out is not None:
        output.message(f"wrote {out}")
    for fault in parts.faults:
        faults.add(fault)
    _print(summary.beside(accounts=parts.idle, faults=len(parts.faults)), as_json)
    faults.tell()
    context.exit(FOUND if faults.count else 0)


@contextmanager
def _logged(engine: Engine, log: LogAsked) -> Iterator[Answering]:
    """The engine, or one whose answers are written into a log first; then it is told how many were."""
    from rules_engine.life.decisions.logged import LoggedEngine

    if log.log is None:
        yield engine
        return
    with log.opened() as opened:
        yield LoggedEngine(engine, opened)
    output.message(f"{output.counted(opened.logged, 'decision')} in {log.shown}")


def _rows(out: str | None, *, texts: bool) -> AbstractContextManager[Rows | None]:
    """Where rows go: a file, or nowhere. `texts` says that figures are texts too."""
    from rules_engine.cli.row_files import row_file

    return nullcontext() if out is None else row_file(out, [*NAMES, *FIGURES], len(NAMES) + texts * len(FIGURES))


def _swept(
    engine: Answering, at: Market, rows: Rows | None, faults: Faults, *, exact: bool, workers: int
) -> Callable[[Book], Summary]:
    """What decides a part of a book, writes its rows, takes its faults down, and keeps no more of it than a summary."""
    from rules_engine.engine.book_pools import row_names
    from rules_engine.engine.quote import Quotes
    from rules_engine.numbers.exact import exactly
    from rules_engine.report.sweep import row_faults, summary_of
    from rules_engine.terms.evaluation import PolicyIdentity

    policy, here = engine.policy, engine.at(at)
    quotes = Quotes(policy, at)
    identity = PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest)

    def decide(book: Book) -> Summary:
        answer = (
            exact_answer(here, book)
            if exact
            else swept_answer(here.sweep(book, prices=rows is not None, workers=workers))
        )
        for fault in row_faults(book):
            faults.add(fault)
        with exactly():
            if rows is not None:
                for names in row_names(policy, answer.book, quotes):
                    rows.write(answer.columns(names))
            return summary_of(answer.book, answer.statuses, quotes, identity, at.as_of, answer.cost)

    return decide


def _print(summary: Summary, as_json: bool) -> None:
    from rules_engine.report.sweep import summary_document, summary_tables

    if as_json:
        output.document(summary_document(summary))
    else:
        output.tables(summary_tables(summary))


class Answer:
    """What a whole book was answered, in the order of a sweep's columns: doubles, or texts of exact numbers."""

    def __init__(self, book: Book, statuses: Codes, figures: Mapping[str, Any], cost: Cost) -> None:
        self.book, self.statuses, self.figures, self.cost = book, statuses, figures, cost

    def columns(self, names: RowNames) -> list[Sequence[Any]]:
        """Some rows, column by column; None is what is not known."""
        from rules_engine.engine.sweep_rows import STATUSES

        statuses = [STATUSES[code] for code in self.statuses[names.slots].tolist()]
        figures = [
            [None if x is None or x != x else x for x in column[names.slots].tolist()]
            for column in self.figures.values()
        ]
        return [names.accounts, names.ids, names.instruments, names.modes, names.pools, statuses, *figures]


def swept_answer(sweep: Sweep) -> Answer:
    """A sweep's own columns."""
    from rules_engine.report.sweep import Cost

    figures = {name: getattr(sweep.columns, name) for name in FIGURES}  # prices are None where no rows are written
    cost = Cost(exactly=sweep.exactly, rows=sweep.rows_exact, seconds=sweep.seconds_exact)
    return Answer(sweep.book, sweep.columns.status, figures, cost)


def exact_answer(engine: AnsweringInMarket, book: Book) -> Answer:
    """Every account of a book evaluated, with the figures of the evaluation."""
    import numpy as np

    from rules_engine.engine.sweep_rows import STATUSES
    from rules_engine.numbers.text import plain
    from rules_engine.report.sweep import Cost

    began = perf_counter()
    statuses = np.full(len(book), STATUSES.index("undetermined"), np.uint8)
    figures = {name: np.full(len(book), None, object) for name in FIGURES}
    for start in range(0, len(book.names), AT_ONCE):
        places = range(start, min(start + AT_ONCE, len(book.names)))
        standing = book.standing(places)
        evaluations = engine.evaluate_all(account for account, _ in standing)
        for (_, slots), evaluation in zip(standing, evaluations, strict=True):
            pools = {pool.pool: pool for pool in evaluation.pools}
            for slot, position in zip(slots, evaluation.positions, strict=True):
                pool = pools.get(position.pool or "")
                statuses[slot] = STATUSES.index("undetermined" if pool is None else pool.status)
                for name in FIGURES:
                    found = getattr(pool if name == "equity" else position, name, None)
                    figures[name][slot] = None if found is None else plain(found)
    cost = Cost(exactly={"asked for with --exact": len(book)}, rows=len(book), seconds=perf_counter() - began)
    return Answer(book, statuses, figures, cost)
