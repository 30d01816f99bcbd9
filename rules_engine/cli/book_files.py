"""A book's tables in files, read whole or in parts of whole accounts: a part fits in memory where a book does not.

No pool reaches beyond its account, so parts give the answers of the whole; an account in two parts would have its pools
split, and is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import click
import msgspec

from rules_engine.cli import output
from rules_engine.cli.account_tables import AccountTables, SeenAccounts
from rules_engine.cli.table_files import places_of, table_parts
from rules_engine.engine.book import Book
from rules_engine.engine.book_build import assembled
from rules_engine.engine.book_cells import Cells
from rules_engine.engine.book_table import MOST_REFUSED, Tables, length_of
from rules_engine.errors import DocumentError, Problem

WHOLE: Final = sys.maxsize
"""More rows than any table has."""
HINT: Final = "sort the tables by account, so that its rows stand together in one file; or leave out --part-rows"


class Files(msgspec.Struct, frozen=True):
    """The files of one book, or of one part of it."""

    book: str
    collateral: str | None
    orders: str | None


def files_of(book: str, collateral: str | None, orders: str | None) -> list[Files]:
    """The files of a book; of a directory all that are in it, by name. Tables beside it are one file or directories.

    Raises a usage error where a directory holds no files, or others than that of the book, or is beside a file.
    """
    others = {name: given for name, given in (("collateral", collateral), ("orders", orders)) if given is not None}
    if not Path(book).is_dir():
        for name, given in others.items():
            if Path(given).is_dir():
                raise click.UsageError(f"--{name} {given} is a directory, so --book must be one")
        return [Files(book, collateral, orders)]
    names = _names_in(book)
    if not names:
        raise click.UsageError(f"there are no files in {book}")
    if len({Path(given).is_dir() for given in others.values()}) > 1:
        raise click.UsageError("--collateral and --orders must both be files, or both directories")
    for given in others.values():
        if Path(given).is_dir() and (odd := sorted({*names} ^ {*_names_in(given)})):
            raise click.UsageError(f"{book} and {given} must hold files of the same names; {odd[0]} is in one alone")

    def beside(given: str | None, name: str) -> str | None:
        return given if given is None or not Path(given).is_dir() else str(Path(given, name))

    return [Files(str(Path(book, name)), beside(collateral, name), beside(orders, name)) for name in names]


def _names_in(directory: str) -> list[str]:
    """The names in a directory, in order, without those that tools hide (`.part.crc`, `_SUCCESS`)."""
    return sorted(each.name for each in Path(directory).iterdir() if each.name[0] not in "._")


class BookParts:
    """A book of files, part by part; once all are read, also what belongs to none of them."""

    def __init__(self, files: Sequence[Files], part_rows: int | None, currency: str) -> None:
        self.files, self.part_rows, self.currency = files, part_rows or WHOLE, currency
        self.idle = 0
        """Accounts that hold no position, but collateral or orders."""
        self.faults: list[str] = []
        """What is wrong with rows of collateral and orders."""
        self._seen = SeenAccounts() if part_rows or len(files) > 1 else None

    def __iter__(self) -> Iterator[Book]:
        """The parts, in order. Raises OSError, and DocumentError where a file is no table or an account is split."""
        for beside, files in groupby(self.files, lambda each: (each.collateral, each.orders)):
            tables = AccountTables(*beside, self.currency)
            for each in files:
                for part in _cut(each.book, self.part_rows):
                    self._refuse_split(part)
                    yield assembled(part, *tables.of(part.accounts.names))
            self._close(tables, ", ".join(file for file in beside if file is not None))

    def _refuse_split(self, part: Tables) -> None:
        if self._seen is None:
            return
        names = part.accounts.names
        again = self._seen.add(names)
        problems = [
            part.places.problem(part.first_row(place), "ACCOUNT_SPLIT", _split(names[place]))
            for place in again[:MOST_REFUSED]
        ]
        _refuse(problems)

    def _close(self, tables: AccountTables, files: str) -> None:
        """Takes down what no part took of these tables."""
        idle = tables.idle()
        self.idle += len(idle)
        self.faults += tables.faults()
        again = [] if self._seen is None else self._seen.add(idle)[:MOST_REFUSED]
        _refuse([Problem(code="ACCOUNT_SPLIT", message=_split(idle[place]), document=files) for place in again])


def _split(account: str) -> str:
    return f"account {account!r} stands in an earlier part too: its pools would be split"


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise DocumentError([msgspec.structs.replace(problem, hint=HINT) for problem in problems])


def _cut(file: str, most: int) -> Iterator[Tables]:
    """A book's table in parts of so many rows, each of which goes on to the end of its last account."""
    tables, last = Tables(places := places_of(file)), None
    try:
        for columns, misshapen in table_parts(file, places):
            start, accounts = 0, columns.get("account", ())
            while (stop := _change(accounts, start + max(most - tables.rows, 0), last)) is not None:
                tables.add(*_between(columns, misshapen, start, stop))
                yield tables
                tables, start = Tables(tables.places.after(tables.rows)), stop
            tables.add(*_between(columns, misshapen, start, length_of(accounts)))
            last = accounts[-1] if length_of(accounts) else last
            output.progress(f"{places.file}: {tables.places.number(tables.rows):,} rows")
    finally:
        output.progress("")
    yield tables


def _change(accounts: Cells, start: int, last: object) -> int | None:
    """The first row from here on whose account is another than that of the row before it."""
    for row in range(start, length_of(accounts)):
        if accounts[row] != (accounts[row - 1] if row else last):
            return row
    return None


def _between(
    columns: Mapping[str, Cells], misshapen: Mapping[int, str], start: int, stop: int
) -> tuple[dict[str, Cells], dict[int, str]]:
    """Some rows of columns."""
    shape = {row - start: what for row, what in misshapen.items() if start <= row < stop}
    return {name: cells[start:stop] for name, cells in columns.items()}, shape
