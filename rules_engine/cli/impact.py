"""`rules-engine impact`: what a change of policy does to a book before it takes effect."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.book_options import BookAsked, Faults, book_options, part_rows_option, workers_option
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import all_of, json_option, plugin_option, policies_option, registry_with
from rules_engine.cli.store_options import StoreAt
from rules_engine.cli.store_versions import Versions, from_store, source

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.life.impact.impact import Comparer
    from rules_engine.life.impact.impact_counts import Impact
    from rules_engine.terms.policy import Policy

EXAMPLES = """\b
Examples:
  rules-engine impact usdt-perpetuals@1.2.0 candidate.yaml --book book.csv --collateral c.csv --market market.json
  rules-engine impact A.yaml B.yaml --book book.parquet --market market.json --html impact.html --csv impact
  rules-engine impact A.yaml B.yaml --book parts --part-rows 1000000 --market market.json --workers 2 --json"""


@click.command(epilog=EXAMPLES)
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@book_options
@click.option("--prices", is_flag=True, help="Count distances to liquidation prices too; several times the work.")
@click.option(
    "--largest",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Accounts to name by each of two measures: notional newly liquidated, and change of maintenance.",
)
@click.option("--csv", "directory", metavar="DIR", type=click.Path(file_okay=False), help="Write tables to DIR/*.csv.")
@click.option("--html", "page", metavar="FILE", type=click.Path(), help="Write one page with plots that opens offline.")
@part_rows_option
@workers_option
@policies_option
@from_store
@plugin_option
@json_option
@click.pass_context
def impact(
    context: click.Context,
    before: str,
    after: str,
    book: BookAsked,
    prices: bool,
    largest: int,
    directory: str | None,
    page: str | None,
    workers: int,
    policies: str | None,
    store: StoreAt | None,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Say what changing from policy A to policy B does to a book.

    Every position is decided under both; A and B are named as for `diff`. Prints who is newly called, liquidated,
    bankrupt or freed, moves from status to status, how margins change by instrument, mode and tier, the accounts that
    it concerns most, and how far pools are from liquidation. Exits with 0 whatever the impact is, with 1 where rows are
    at fault, and with 2 where a policy, table or document cannot be used.
    """
    store = source(store, policies, [before, after])
    versions, now = Versions(registry_with(plugins), policies, store), datetime.now(UTC)
    one, other, at = all_of([*versions.readers([before, after], now), book.market])
    older = versions.elders(before, one, now)
    comparer = _comparer(one, other, older, at, workers=workers, prices=prices, most=largest)
    parts, faults = book.parts(other.settlement_currency), Faults()
    answer = reduce(add, _impacts(comparer, parts, faults))
    for fault in parts.faults:
        faults.add(fault)
    answer = answer.beside(accounts=parts.idle, faults=len(parts.faults))
    if directory is not None:
        _write_tables(answer, Path(directory))
    if page is not None:
        _write_page(answer, Path(page))
    _print(answer, as_json)
    faults.tell()
    context.exit(FOUND if faults.count else 0)


def _comparer(one: Policy, other: Policy, older: Sequence[Policy], market: Any, **options: Any) -> Comparer:
    """What compares two policies; `older` are versions that still govern positions opened before the first of them."""
    from rules_engine.engine.engine import Engine
    from rules_engine.life.impact.impact import Comparer

    if one.settlement_currency != other.settlement_currency:
        text = f"A is settled in {one.settlement_currency} and B in {other.settlement_currency}"
        raise click.UsageError(f"{text}; a book is in one currency")
    elders = [one, *older] if other.applies_to == "new_positions" else []
    return Comparer(Engine(one, elders=older), Engine(other, elders=elders), market, tell=output.progress, **options)


def _impacts(comparer: Comparer, parts: Iterable[Book], faults: Faults) -> Iterable[Impact]:
    """The impact on each part of a book, whose faults are taken down."""
    from rules_engine.report.sweep import row_faults

    for part in parts:
        yield comparer(part)
        output.progress("")
        for fault in row_faults(part):
            faults.add(fault)


def _write_tables(answer: Impact, directory: Path) -> None:
    from rules_engine.cli.row_files import row_file
    from rules_engine.report.impact import csv_tables

    directory.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows) in csv_tables(answer).items():
        file = str(directory / f"{name}.csv")
        with row_file(file, columns, len(columns)) as written:
            if listed := list(rows):
                written.write(list(zip(*listed, strict=True)))
        output.message(f"wrote {file}")


def _write_page(answer: Impact, page: Path) -> None:
    """Writes beside the target and renames, so that nobody opens half a page."""
    from rules_engine.report.impact_page import impact_page

    half = page.with_name(f".{page.name}.{os.getpid()}")
    try:
        half.write_text(impact_page(answer), encoding="utf-8")
        half.replace(page)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(page)) from error  # the name that was asked for
    finally:
        half.unlink(missing_ok=True)
    output.message(f"wrote {page}")


def _print(answer: Impact, as_json: bool) -> None:
    from rules_engine.report.impact import impact_document, impact_tables

    if as_json:
        output.document(impact_document(answer))
    else:
        output.tables(impact_tables(answer))
