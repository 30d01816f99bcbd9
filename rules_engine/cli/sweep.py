"""`rules-engine sweep`: what a policy says of a whole book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import (
    all_of,
    json_option,
    market_option,
    name_of,
    plugin_option,
    policies_option,
    policy_option,
    read,
    refuse_two_from_stdin,
    registry_with,
)

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.book_pools import RowNames
    from rules_engine.engine.engine import MarketEngine
    from rules_engine.engine.sweep import Sweep
    from rules_engine.engine.sweep_rows import Codes
    from rules_engine.report.sweep import Summary

EXAMPLES = """\b
Examples:
  rules-engine sweep --policy usdt-perpetuals@1.2.0 --book book.csv --collateral collateral.csv --market market.json
  rules-engine sweep --policy P.yaml --book book.csv.gz --market market.json --out rows.csv
  rules-engine sweep --policy P.yaml --book book.parquet --collateral c.parquet --market market.json --exact --json"""

NAMES: Final = ("account", "id", "instrument", "mode", "pool", "status")
FIGURES: Final = ("equity", "initial_margin", "maintenance_margin")
EXACT_FIGURES: Final = (*FIGURES, "liquidation_price")
Verb = TypeVar("Verb", bound=Callable[..., Any])
AT_ONCE: Final = 20_000
"""Accounts that are evaluated at a time: one pass over the book finds their rows."""


def table_option(name: str, metavar: str, text: str, *, required: bool = False) -> Callable[[Verb], Verb]:
    """An option for a table in a file."""
    return click.option(
        f"--{name}",
        required=required,
        metavar=metavar,
        type=click.Path(allow_dash=True),
        help=f"{text}, CSV or Parquet.",
    )


@click.command(epilog=EXAMPLES)
@policy_option
@table_option("book", "B", "The book, one row a position", required=True)
@table_option("collateral", "C", "What backs accounts and groups")
@table_option("orders", "O", "Resting orders")
@market_option
@click.option("--out", metavar="R", type=click.Path(), help="Write one row a position to R, CSV or Parquet.")
@click.option("--exact", is_flag=True, help="Evaluate every account: exact figures and liquidation prices.")
@policies_option
@plugin_option
@json_option
@click.pass_context
def sweep(
    context: click.Context,
    policy: str,
    book: str,
    collateral: str | None,
    orders: str | None,
    market: str,
    out: str | None,
    exact: bool,
    policies: str | None,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Decide every position of a book.

    Prints counts and notional at risk by status, mode and instrument, and how many positions were decided exactly. A
    row that cannot be read leaves its pool undetermined and stops no other. Exits with 0 whatever the statuses are,
    with 1 where rows are at fault, and with 2 where a table or document cannot be used.
    """
    from rules_engine.cli.book_files import read_book, row_file
    from rules_engine.engine.book_pools import row_names
    from rules_engine.engine.documents import decode_market
    from rules_engine.engine.engine import Engine, Quotes
    from rules_engine.numbers.exact import exactly
    from rules_engine.policy.load import load_policy
    from rules_engine.report.sweep import faults_of, summary_of
    from rules_engine.terms.evaluation import PolicyIdentity

    refuse_two_from_stdin(book, market, *(each for each in (collateral, orders) if each is not None))
    readers: list[Any] = [
        partial(load_policy, policy, policies=policies, registry=registry_with(plugins)),
        lambda: decode_market(read(market), file=name_of(market)),
    ]
    compiled, at = all_of(readers)
    table = read_book(book, collateral, orders, compiled.settlement_currency)
    engine, quotes = Engine(compiled), Quotes(compiled, at)
    answer = exact_answer(engine.at(at), table) if exact else swept_answer(engine.sweep(table, at))
    with exactly():
        if out is not None:
            with row_file(out, [*NAMES, *answer.figures], answer.texts) as rows:
                for names in row_names(compiled, table, quotes):
                    rows.write(answer.columns(names))
            output.message(f"wrote {out}")
        identity = PolicyIdentity(name=compiled.name, version=compiled.version, digest=compiled.digest)
        summary = summary_of(table, answer.statuses, quotes, identity, at.as_of, answer.exactly)
    _print(summary, as_json)
    faults = list(faults_of(table))
    for fault in faults[: output.PROBLEMS_PER_FILE]:
        output.message(f"ROW_INVALID {fault}")
    if len(faults) > output.PROBLEMS_PER_FILE:
        output.message(f"and {len(faults) - output.PROBLEMS_PER_FILE} rows at fault more")
    context.exit(FOUND if faults else 0)


def _print(summary: Summary, as_json: bool) -> None:
    from rules_engine.report.sweep import summary_document, summary_tables

    if as_json:
        output.document(summary_document(summary))
    else:
        output.tables(summary_tables(summary))


class Answer:
    """What a whole book was answered, in the order of a sweep's columns: doubles, or texts of exact numbers."""

    def __init__(self, statuses: Codes, figures: Mapping[str, Any], exactly: Mapping[str, int]) -> None:
        self.statuses, self.figures, self.exactly = statuses, figures, exactly

    def columns(self, names: RowNames) -> list[Sequence[Any]]:
        """Some rows, column by column; None is what is not known."""
        from rules_engine.engine.sweep_rows import STATUSES

        statuses = [STATUSES[code] for code in self.statuses[names.slots].tolist()]
        figures = [
            [None if x is None or x != x else x for x in column[names.slots].tolist()]
            for column in self.figures.values()
        ]
        return [names.accounts, names.ids, names.instruments, names.modes, names.pools, statuses, *figures]

    @property
    def texts(self) -> int:
        """How many of the columns are text; doubles follow."""
        return len(NAMES) + len([column for column in self.figures.values() if column.dtype == object])


def swept_answer(sweep: Sweep) -> Answer:
    """A sweep's own columns."""
    figures = {name: getattr(sweep.columns, name) for name in FIGURES}
    return Answer(sweep.columns.status, figures, sweep.exactly)


def exact_answer(engine: MarketEngine, book: Book) -> Answer:
    """Every account of a book evaluated, with the figures of the evaluation."""
    import numpy as np

    from rules_engine.engine.sweep_rows import STATUSES
    from rules_engine.numbers.text import plain

    statuses = np.full(len(book), STATUSES.index("undetermined"), np.uint8)
    figures = {name: np.full(len(book), None, object) for name in EXACT_FIGURES}
    for start in range(0, len(book.names), AT_ONCE):
        places = range(start, min(start + AT_ONCE, len(book.names)))
        slots = book.rows_of(places)
        for place, evaluation in zip(places, engine.evaluate_all(book.accounts(places)), strict=True):
            pools = {pool.pool: pool for pool in evaluation.pools}
            for slot, position in zip(slots[place], evaluation.positions, strict=True):
                pool = pools.get(position.pool or "")
                statuses[slot] = STATUSES.index("undetermined" if pool is None else pool.status)
                for name in EXACT_FIGURES:
                    found = getattr(pool if name == "equity" else position, name, None)
                    figures[name][slot] = None if found is None else plain(found)
    return Answer(statuses, figures, {"asked for with --exact": len(book)})
