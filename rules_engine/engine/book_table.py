"""Tables of a book's rows on their way into columns: read part by part, with what is wrong with each row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from rules_engine.engine.book import COLUMNS, Instants, Integers
from rules_engine.engine.book_cells import (
    NOTHING,
    UNREADABLE,
    Cells,
    Coded,
    Faults,
    Names,
    Numbers,
    instants,
    is_nothing,
    name_of,
    numbers,
    parts,
    read,
)
from rules_engine.engine.book_owners import Owners
from rules_engine.errors import DocumentError, Mark, Problem
from rules_engine.numbers.columns import Floats
from rules_engine.terms.account import Position

REQUIRED: Final = ("account", "id", "instrument", "mode", "quantity", "entry_price")
POSITION_COLUMNS: Final = (*REQUIRED, "margin", "leverage", "group", "opened_at", "accrued")
COLLATERAL_COLUMNS: Final = ("account", "group", "asset", "amount")
ORDER_COLUMNS: Final = (
    *("account", "id", "instrument", "mode", "position"),
    *("quantity", "price", "leverage", "reduce_only"),
)
MOST_REFUSED: Final = 100
"""Problems of one table that are told: the first ones cause the rest."""


class Places:
    """Where rows of a table stand: in a file at a line, in a file by number, or by number alone (counted from 0)."""

    def __init__(self, file: str = "", *, lines: bool = False) -> None:
        self.file, self.lines = file, lines
        self.first = 0
        self._first: list[int] = []
        self._shift: list[int] = []

    def note(self, row: int, line: int) -> None:
        """Takes down that a row stands in a line; rows that follow stand in the next ones."""
        if not self._shift or self._shift[-1] != line - row:
            self._first.append(row)
            self._shift.append(line - row)

    def after(self, rows: int) -> Places:
        """The same places for the rows behind so many: of a part of the table."""
        later = copy(self)
        later.first += rows
        return later

    def number(self, row: int) -> int:
        """The row's number in the whole table."""
        return self.first + row

    def mark(self, row: int) -> Mark | None:
        """The row's place in a text."""
        if not self.lines:
            return None
        number = self.number(row)
        return Mark(self.file, number + self._shift[bisect_right(self._first, number) - 1], 1)

    def of(self, row: int) -> str:
        """The row's place in words."""
        mark = self.mark(row)
        if mark is not None:
            return f"{mark.file}:{mark.line}"
        number = self.number(row)
        return f"{self.file}: row {number}" if self.file else f"row {number}"

    def problem(self, row: int, code: str, message: str) -> Problem:
        """A problem of a row."""
        mark = self.mark(row)
        if mark is not None:
            return Problem(code=code, message=message, mark=mark)
        return Problem(code=code, message=message, document=self.file, path=f"row {self.number(row)}")


class Positions(msgspec.Struct, kw_only=True):
    """The positions of a book by row, names as codes. A number that is not stated is NaN."""

    accounts: Integers
    instruments: Integers
    modes: Integers
    groups: Integers
    numbers: Mapping[str, Floats]
    exactly: dict[tuple[str, int], Decimal]
    opened: Instants | None
    ids: Any


class Tables:
    """Reads the tables of one book; the names of accounts are shared among them.

    Raises `DocumentError` where a column is not known or missing, or where rows name no account.
    """

    def __init__(self, places: Places | None = None) -> None:
        self.places = places or Places()
        self.accounts, self.instruments, self.modes, self.groups = Owners(), Names(), Names(), Names()
        self.faults = Faults()
        self.records: dict[int, Position] = {}
        """Rows at fault that were records before."""
        self.rows = 0
        self._parts: list[Positions] = []

    def add(self, columns: Mapping[str, Cells], misshapen: Mapping[int, str] = {}) -> None:
        """Takes rows in. `misshapen` rows, of which no cell but the account can be trusted, are at fault."""
        demand(columns, POSITION_COLUMNS, REQUIRED, self.places.file)
        faults, size = Faults(), length_of(columns["account"])
        if wrong := [name for name, cells in columns.items() if length_of(cells) != size]:
            raise ValueError(f"columns {', '.join(wrong)} have another length than the column of accounts")
        for row, what in misshapen.items():
            faults.add(row, what)
        accounts = owners(self.accounts, columns["account"], self.places, self.rows)
        instruments = self.instruments.codes("instrument", columns["instrument"], faults)
        modes = self.modes.codes("mode", columns["mode"], faults)
        groups = _optional(self.groups, "group", columns, size, faults)
        ids = _ids(columns["id"], size, self.places.number(self.rows), faults)
        read_numbers = {name: _numbers(name, columns, size, faults) for name in COLUMNS}
        opened = instants("opened_at", columns["opened_at"], faults) if "opened_at" in columns else None
        if untold := [*misshapen, *np.flatnonzero(groups == UNREADABLE).tolist()]:
            modes = modes.astype(np.int64)
            modes[untold] = NOTHING
        for name, codes in (("instrument", instruments), ("mode", modes)):
            _missing(name, codes == NOTHING, faults)
        for name in ("quantity", "entry_price"):
            _missing(name, np.isnan(read_numbers[name].doubles), faults)
        for row, what in faults.by_row.items():
            self.faults.add(self.rows + row, what)
        self._parts.append(
            Positions(
                accounts=accounts,
                instruments=instruments,
                modes=modes,
                groups=groups,
                numbers={name: column.doubles for name, column in read_numbers.items()},
                exactly={(n, self.rows + row): x for n, c in read_numbers.items() for row, x in c.exactly.items()},
                opened=opened,
                ids=ids,
            )
        )
        self.rows += size

    def first_row(self, account: int) -> int:
        """The first row of an account, by its place; asked for before `positions`."""
        return int(np.flatnonzero(_joined([part.accounts for part in self._parts]) == account)[0])

    def positions(self) -> Positions:
        """All rows that were taken in."""
        if len(self._parts) == 1:
            return self._parts.pop()
        made, self._parts = self._parts, []
        timed = any(part.opened is not None for part in made)
        never = np.datetime64("NaT", "us")
        return Positions(
            accounts=_joined([part.accounts for part in made]),
            instruments=_joined([part.instruments for part in made]),
            modes=_joined([part.modes for part in made]),
            groups=_joined([part.groups for part in made]),
            numbers={name: np.concatenate([np.empty(0), *(part.numbers[name] for part in made)]) for name in COLUMNS},
            exactly={key: x for part in made for key, x in part.exactly.items()},
            opened=np.concatenate(
                [np.full(len(part.accounts), never) if part.opened is None else part.opened for part in made]
            )
            if timed
            else None,
            ids=np.concatenate([stored([]), *(stored(part.ids) for part in made)]),
        )


def _joined(columns: Sequence[Integers]) -> Integers:
    return np.concatenate([np.empty(0, np.int64), *columns])


def length_of(cells: Cells) -> int:
    """How many cells a column has."""
    return len(cells.codes if isinstance(cells, Coded) else cells)


def demand(columns: Iterable[str], known: Sequence[str], required: Sequence[str], file: str) -> None:
    """A `DocumentError` with every column that means nothing, and every one that is missing."""
    found = list(columns)
    problems = [
        *(
            Problem(
                code="KEY_UNKNOWN",
                message=f"{name!r} is not a column here",
                hint=f"known: {', '.join(known)}",
                document=file,
            )
            for name in found
            if name not in known
        ),
        *(
            Problem(code="KEY_MISSING", message=f"column `{name}` is missing", document=file)
            for name in required
            if name not in found
        ),
    ]
    if problems:
        raise DocumentError(problems)


def owners(names: Owners, cells: Cells, places: Places, start: int) -> Integers:
    """The accounts of rows. Raises `DocumentError` where rows name none."""
    faults = Faults()
    accounts = names.codes(cells, faults).astype(np.int64, copy=False)
    nameless = np.flatnonzero(accounts < 0)
    if not len(nameless):
        return accounts
    problems = [
        places.problem(start + row, "ACCOUNT_MISSING", faults.by_row.get(row, "the row names no account"))
        for row in nameless[:MOST_REFUSED].tolist()
    ]
    raise DocumentError(problems)


def _optional(names: Names, column: str, columns: Mapping[str, Cells], size: int, faults: Faults) -> Integers:
    return (
        names.codes(column, columns[column], faults) if column in columns else np.broadcast_to(np.int64(NOTHING), size)
    )


def _numbers(column: str, columns: Mapping[str, Cells], size: int, faults: Faults) -> Numbers:
    return numbers(column, columns[column], faults) if column in columns else Numbers(np.broadcast_to(np.nan, size), {})


def _missing(column: str, missing: Any, faults: Faults) -> None:
    for row in np.flatnonzero(missing).tolist():
        faults.add(row, f"{column} is missing")


def _ids(cells: Cells, size: int, start: int, faults: Faults) -> Any:
    """The ids as they are where all are names; else as a list in which those that are none are rows' numbers."""
    if isinstance(cells, range) or (isinstance(cells, np.ndarray) and cells.dtype.kind in "iu"):
        return cells
    nameless = dict(_nameless(cells))
    for row, what in nameless.items():
        faults.add(row, what)
    if not nameless and not hasattr(cells, "to_pylist"):
        return cells
    listed = [each for _, part in parts(cells) for each in part]
    return [f"row {start + row}" if row in nameless else name_of(cell) for row, cell in enumerate(listed)]


def _nameless(cells: Cells) -> Iterable[tuple[int, str]]:
    """Rows whose id is no name, with what is wrong."""
    for start, part in parts(cells):
        if all(type(cell) is str for cell in part) and all(part) and "".join(part).isalnum():
            continue
        for index, cell in enumerate(part):
            faults = Faults()
            if is_nothing(cell):
                yield start + index, "id is missing"
            elif read("id", start + index, cell, name_of, faults) is None:
                yield start + index, faults.by_row[start + index]


def stored(ids: Any) -> Any:
    """Ids as an array that holds short texts in place, where NumPy has such arrays."""
    if isinstance(ids, np.ndarray):
        return ids
    texts = [str(each) for each in ids]
    dtypes: Any = np.dtypes
    return np.array(texts, dtypes.StringDType() if hasattr(dtypes, "StringDType") else object)
