"""Groups of a book: the rows of one instrument and mode as columns, by size, cut into chunks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules_engine.numbers.bounded_columns import rounding_error
from rules_engine.numbers.columns import Floats

CHUNK: Final = 32_768
"""Rows that are worked on together: enough to hide what a call costs, few enough for their columns to stay in cache."""

COLUMNS: Final = ("quantity", "entry_price", "margin", "leverage", "accrued")
"""The columns of numbers, in the order of bounds."""

Integers: TypeAlias = NDArray[np.int64]
Instants: TypeAlias = NDArray[np.datetime64]


class Span(msgspec.Struct, frozen=True):
    """A chunk of a group, and of each of its columns between which bounds it lies, and how far off a number may be."""

    start: int
    stop: int
    bounds: Mapping[str, tuple[float, float, float]]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Positions of one instrument, mode and stated group, by size of quantity. `rows` are their numbers in the book.

    `columns` holds an array for each of `COLUMNS`, of the doubles nearest to the numbers; None where no row of it
    states one. `accounts` are places in the book's list of accounts. `cohort` says which version of a policy is for
    its rows, where that depends on when they were opened (`Book.by_cohort`).
    """

    instrument: str
    mode: str
    rows: Integers
    accounts: Integers
    columns: Mapping[str, Floats | None]
    spans: tuple[Span, ...]
    group: str | None = None
    cohort: int | None = 0

    @property
    def size(self) -> int:
        return len(self.rows)

    def part(self, chosen: NDArray[np.bool_], cohort: int | None) -> Group:
        """Some of its rows, in their order, as a group of one cohort."""
        columns = {name: None if column is None else column[chosen] for name, column in self.columns.items()}
        rows = self.rows[chosen]
        return msgspec.structs.replace(
            self,
            rows=rows,
            accounts=self.accounts[chosen],
            columns=columns,
            spans=_spans(columns, len(rows)),
            cohort=cohort,
        )


def group_of(
    instrument: str,
    mode: str,
    rows: Integers,
    accounts: Integers,
    columns: Mapping[str, Floats],
    group: str | None = None,
) -> Group:
    """A group of rows that are alike, put in order of size and cut into chunks. NaN is what is not stated."""
    order = np.argsort(np.abs(columns["quantity"]), kind="stable")
    stated = {name: None if np.isnan(column[0]) else column[order] for name, column in columns.items()}
    return Group(
        instrument=instrument,
        mode=mode,
        rows=rows[order],
        accounts=accounts[order],
        columns=stated,
        spans=_spans(stated, len(rows)),
        group=group,
    )


def _spans(columns: Mapping[str, Floats | None], rows: int) -> tuple[Span, ...]:
    return tuple(_span(columns, start, stop) for start, stop in pairwise(_cuts(rows)))


def _cuts(rows: int) -> list[int]:
    """Where to cut so many rows into chunks of equal size, as near to `CHUNK` as they divide."""
    chunks = max(1, round(rows / CHUNK))
    return [rows * chunk // chunks for chunk in range(chunks + 1)]


def _span(columns: Mapping[str, Floats | None], start: int, stop: int) -> Span:
    bounds = {}
    for name, column in columns.items():
        if column is not None:
            low, high = float(column[start:stop].min()), float(column[start:stop].max())
            bounds[name] = low, high, rounding_error(max(-low, high))
    return Span(start, stop, bounds)
