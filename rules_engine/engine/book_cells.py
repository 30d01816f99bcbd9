"""Cells of a book's tables: whole columns of names, numbers and times, read at once where all are plain.

A cell that cannot be read is a fault of its row and of no other. Empty text, None and NaN say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from rules_engine.engine import values
from rules_engine.engine.book import Instants, Integers
from rules_engine.engine.values import Refusal
from rules_engine.numbers.columns import Floats

PART: Final = 65_536
"""Cells that are Python objects at a time: what a column is made of stays where it is."""
NOTHING: Final = -1
"""The code of a name that is not stated."""
UNREADABLE: Final = -2
"""The code of a name that cannot be read."""
MOST: Final = 1e30
LEAST: Final = 1e-30
WHOLE: Final = 2**53
"""Integers up to here are doubles."""

_PLAIN: Final = re.compile(r"(?:(?:-?[0-9]{1,15}(?:\.[0-9]{1,14})?)?\n)*").fullmatch
_SHORT: Final = 16
"""Characters of a plain number of at most 15 digits: the double nearest to it has it as its shortest decimal."""

Cells: TypeAlias = Any
"""A column: a list, a NumPy array, an Arrow array, or `Coded` names."""


class Coded(msgspec.Struct, frozen=True):
    """A column of names as integers: `codes` count from 0 in `names`; one that is negative says nothing."""

    codes: Any
    names: Sequence[object]


class Faults:
    """What is wrong with rows, by their number: the first fault of each."""

    def __init__(self) -> None:
        self.by_row: dict[int, str] = {}

    def add(self, row: int, what: str) -> None:
        """Takes down what is wrong with a row."""
        self.by_row.setdefault(row, what)


def said(name: str, refusal: Refusal) -> str:
    """A refusal of one cell in words."""
    return f"{name}: {refusal.message}" + (f" ({refusal.hint})" if refusal.hint else "")


def is_nothing(cell: object) -> bool:
    """Whether a cell says nothing."""
    return cell is None or cell == "" or (isinstance(cell, float | np.floating) and bool(cell != cell))


def parts(cells: Cells) -> Iterator[tuple[int, list[Any]]]:
    """A column as lists of Python objects, a part at a time, each with where it begins."""
    for start in range(0, len(cells), PART):
        part = cells[start : start + PART]
        for convert in ("to_pylist", "tolist"):
            if hasattr(part, convert):
                part = getattr(part, convert)()
                break
        yield start, list(part)


class Names(dict[Any, int]):
    """Names and their codes, in the order in which they are met; what is wrong with those that are none."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.refused: dict[Any, Refusal] = {}
        self._codes: dict[str, int] = {}

    def __missing__(self, cell: Any) -> int:
        code = self[cell] = self._code(cell)
        return code

    def _code(self, cell: Any) -> int:
        if is_nothing(cell):
            return NOTHING
        try:
            name = name_of(cell)
        except Refusal as refusal:
            self.refused[cell] = refusal
            return UNREADABLE
        code = self._codes.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def codes(self, column: str, cells: Cells, faults: Faults) -> Integers:
        """The code of every cell. Integers stand for the names that they spell."""
        if hasattr(cells, "dictionary_encode"):  # Arrow
            cells = _from_arrow(cells)
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu":
            distinct, codes = np.unique(cells, return_inverse=True)
            cells = Coded(codes, distinct.tolist())
        found = self._recoded(cells) if isinstance(cells, Coded) else self._coded(cells)
        for row in np.flatnonzero(found == UNREADABLE).tolist():
            cell = cells.names[cells.codes[row]] if isinstance(cells, Coded) else cells[row]
            refusal = self.refused.get(cell) if _hashable(cell) else None
            faults.add(row, said(column, refusal or values.wrong_type(cell, "text")))
        return found

    def _recoded(self, cells: Coded) -> Integers:
        known = np.array([*map(self.__getitem__, cells.names), NOTHING], np.int64)
        codes = np.asarray(cells.codes)
        if codes.dtype.kind not in "iu":
            raise TypeError(f"codes are integers, not {codes.dtype}")
        if len(codes) and codes.max() >= len(cells.names):
            raise IndexError(f"code {codes.max()} has no name: there are {len(cells.names)}")
        if len(known) > 1 and (known[:-1] == np.arange(len(known) - 1)).all() and (not len(codes) or codes.min() >= 0):
            return codes
        found: Integers = known[np.maximum(codes.astype(np.int64), -1)]
        return found

    def _coded(self, cells: Cells) -> Integers:
        codes = np.empty(len(cells), np.int64)
        for start, part in parts(cells):
            try:
                codes[start : start + len(part)] = list(map(self.__getitem__, part))
            except TypeError:  # a list, say, in place of a name
                codes[start : start + len(part)] = [self[each] if _hashable(each) else UNREADABLE for each in part]
        return codes


def name_of(cell: object) -> str:
    """A name; an integer is the name that it spells. Raises `Refusal`."""
    if isinstance(cell, int | np.integer) and not isinstance(cell, bool):
        return str(int(cell))
    return values.text(cell)


def _hashable(cell: object) -> bool:
    return getattr(cell, "__hash__", None) is not None


def _from_arrow(cells: Cells) -> Coded:
    encoded = cells.dictionary_encode()
    if hasattr(encoded, "num_chunks"):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return Coded(encoded.indices.fill_null(NOTHING).to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist())


class Numbers(msgspec.Struct):
    """A column of numbers: the doubles nearest to them, NaN for none, and those that doubles do not tell."""

    doubles: Floats
    exactly: dict[int, Decimal]


def numbers(column: str, cells: Cells, faults: Faults) -> Numbers:
    """The numbers of a column. A float64 means its shortest decimal."""
    if hasattr(cells, "type") and str(cells.type) == "double":  # Arrow
        cells = cells.to_numpy() if hasattr(cells, "num_chunks") else cells.to_numpy(zero_copy_only=False)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
        return Numbers(_doubles(column, cells, faults), {})
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu" and not _any_large(cells):
        return Numbers(cells.astype(np.float64), {})
    found = Numbers(np.empty(len(cells)), {})
    for start, part in parts(cells):
        found.doubles[start : start + len(part)] = _plain(part) or [
            _number(column, start + index, cell, found.exactly, faults) for index, cell in enumerate(part)
        ]
    return found


def _any_large(cells: Any) -> bool:
    return bool(len(cells)) and bool(cells.max() > WHOLE or cells.min() < -WHOLE)


def _doubles(column: str, cells: Any, faults: Faults) -> Floats:
    """An array of floats as doubles; what is no number within the limits is a fault."""
    if cells.dtype != np.float64:  # the shortest decimal of a narrower float is another than that of its double
        cells = cells.astype(str).astype(np.float64)
    if not len(cells):
        return np.empty(0)
    large = ~(np.nanmax(np.abs(cells), initial=0.0) <= MOST)
    sizes = np.abs(cells, where=cells != 0, out=np.ones(len(cells)))
    if large or np.nanmin(sizes, initial=1.0) < LEAST:
        for row in np.flatnonzero((sizes > MOST) | (sizes < LEAST)).tolist():
            faults.add(row, f"{column}: {float(cells[row])!r} is too large or too small for a number")
        cells = np.where((sizes > MOST) | (sizes < LEAST), np.nan, cells)
    found: Floats = cells + 0.0 if (np.signbit(cells) & (cells == 0)).any() else cells  # there is no -0.0
    return found


def _plain(part: list[Any]) -> list[float] | None:
    """A part whose cells are all short plain texts, or say nothing."""
    try:
        text = "\n".join(part) + "\n"
    except TypeError:
        return None
    if max(map(len, part)) > _SHORT or text.count("\n") > len(part) or not _PLAIN(text):
        return None
    return [float(cell) + 0.0 if cell else float("nan") for cell in part]


def _number(column: str, row: int, cell: Any, exactly: dict[int, Decimal], faults: Faults) -> float:
    if is_nothing(cell):
        return float("nan")
    try:
        x = exact(cell)
    except Refusal as refusal:
        faults.add(row, said(column, refusal))
        return float("nan")
    value = float(x)
    if Decimal(repr(value)) != x:
        exactly[row] = x
    return value


def exact(cell: object) -> Decimal:
    """The number of one cell, of a float its shortest decimal. Raises `Refusal`."""
    if isinstance(cell, float | np.floating):
        return values.number(Decimal(str(cell)))
    return values.number(int(cell) if isinstance(cell, np.integer) else cell)


def instants(column: str, cells: Cells, faults: Faults) -> Instants | None:
    """The times of a column; None where none is stated. An array of NumPy's times is taken to be in UTC."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        return None if np.isnat(cells).all() else cells.astype("datetime64[us]")
    found = np.full(len(cells), "NaT", "datetime64[us]")
    for start, part in parts(cells):
        for index, cell in enumerate(part):
            if is_nothing(cell):
                continue
            time = read(column, start + index, cell, values.time, faults)
            if isinstance(time, datetime):
                found[start + index] = np.datetime64(time.replace(tzinfo=None), "us")
    return None if np.isnat(found).all() else found


def read(column: str, row: int, cell: object, reader: Callable[[object], Any], faults: Faults) -> Any:
    """What a reader makes of one cell; None, and a fault of its row, where it refuses."""
    try:
        return reader(cell)
    except Refusal as refusal:
        faults.add(row, said(column, refusal))
        return None
