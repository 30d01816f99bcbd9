"""A sweep at work: what it writes to, what it leaves to exact numbers, and the workers that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from rules_engine.engine.book import Book, Group, Integers, Span
from rules_engine.engine.sums import terms_of
from rules_engine.engine.sweep_rows import UNDETERMINED, Codes, GroupTerms
from rules_engine.engine.workers import Crew, is_shared, shared_array
from rules_engine.numbers.bounded import BoundedNumbers
from rules_engine.numbers.column_numbers import ColumnNumbers
from rules_engine.numbers.columns import Floats, Scratch
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import PoolLabel

NEAR: Final = "too close to a line"
UNPRICED: Final = "liquidation price not certain"
"""Why rows are decided on exact numbers."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Columns(msgspec.Struct, frozen=True):
    """The answer by row, in the book's own order: status and equity of the row's pool, figures of its position.

    Money is in the settlement currency; NaN stands for what is not known, and for a price that does not exist. Prices
    are None where they were not asked for.
    """

    status: Codes
    equity: Floats
    initial_margin: Floats
    maintenance_margin: Floats
    unrealized_pnl: Floats
    liquidation_price: Floats | None = None

    def figures(self) -> Sequence[Floats]:
        """All but the status."""
        every = self.equity, self.initial_margin, self.maintenance_margin, self.unrealized_pnl, self.liquidation_price
        return [each for each in every if each is not None]

    def arrays(self) -> Sequence[Any]:
        """All of them."""
        return self.status, *self.figures()

    def blank(self, rows: slice | Integers) -> None:
        """Leaves rows undetermined."""
        self.status[rows] = UNDETERMINED
        for figure in self.figures():
            figure[rows] = np.nan

    def fits(self, rows: int, prices: bool, workers: int) -> bool:
        """Whether an answer of so many rows can be written here, by so many workers."""
        alike = len(self.status) == rows and (self.liquidation_price is not None) is prices
        return alike and (workers == 1 or all(map(is_shared, self.arrays())))


def columns_for(rows: int, prices: bool, workers: int) -> Columns:
    """Columns for so many rows that so many workers may write to, with whatever is in them."""
    array = np.empty if workers == 1 else shared_array
    return Columns(array(rows, np.uint8), *(array(rows, np.float64) for _ in range(4 + prices)))


class PoolFigures(msgspec.Struct, frozen=True):
    """What pools that rows share must keep and what backs them, by pool; equity is NaN where that is not known.

    `places` are where the rows stand in the answer, and `pools` are the pool of each.
    """

    places: slice
    pools: Integers
    maintenance: Floats
    equity: Floats

    def correct(self, rows: Integers, answer: Columns) -> None:
        """Takes from the answer what rows say: all rows of some pools, and others, which are passed over."""
        rows = rows[(rows >= self.places.start) & (rows < self.places.stop)]
        pools = self.pools[rows - self.places.start]
        self.maintenance[pools] = 0.0
        np.add.at(self.maintenance, pools, answer.maintenance_margin[rows])
        self.equity[pools] = answer.equity[rows]


class Placed(msgspec.Struct, frozen=True):
    """A group with its place in the columns, what is one for all of its rows, and the label of its pools."""

    group: Group
    start: int
    common: GroupTerms
    label: PoolLabel

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.group.size)

    def chunks(self) -> list[Chunk]:
        """The chunks that are worked on."""
        return [Chunk(self, span) for span in self.group.spans]


class Chunk(msgspec.Struct, frozen=True):
    """Rows of a group that are worked on together."""

    placed: Placed
    span: Span

    @property
    def size(self) -> int:
        return self.span.stop - self.span.start

    @property
    def rows(self) -> slice:
        """Their places in the columns."""
        return slice(self.placed.start + self.span.start, self.placed.start + self.span.stop)

    @property
    def accounts(self) -> Integers:
        """The account of each."""
        return self.placed.group.accounts[self.span.start : self.span.stop]


class Work:
    """One sweep at work.

    `exact_accounts` marks those that are left to exact numbers, `exactly` counts rows by why. `numbers` is the number
    system of its columns: what is not bounded is not certified, and only measured against. `pools` are the figures of
    pools that rows share which stand together, by what the book keeps their index under.
    """

    def __init__(
        self,
        policy: Policy,
        book: Book,
        market: Market,
        out: Columns,
        crew: Crew | None = None,
        numbers: type[ColumnNumbers] = BoundedNumbers,
    ) -> None:
        self.policy, self.book, self.market = policy, book, market
        self.out, self.crew, self.numbers = out, crew, numbers
        self.terms = terms_of(policy, None)
        self.exact_accounts = np.zeros(len(book.names), bool)
        self.exact_accounts[list(book.records)] = True
        self.exactly: dict[str, int] = {}
        self.pools: dict[tuple[object, ...], PoolFigures] = {}
        longest = max((span.stop - span.start for group in book.groups for span in group.spans), default=0)
        self._scratch = Scratch(0, longest)

    def array(self, size: int, kind: type[np.generic] = np.float64) -> Any:
        """An array that every worker may write to, with whatever is in it."""
        return np.empty(size, kind) if self.crew is None else self.crew.arena.array(size, kind)

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """What a function gives for every item, in their order, by all workers: see `Crew.each`."""
        return [function(item) for item in items] if self.crew is None else self.crew.each(function, items)

    def numbers_for(self, chunk: Chunk) -> ColumnNumbers:
        """The number system for a chunk; each has the same scratch, so what is wanted of one is written first."""
        self._scratch.length = chunk.size
        return self.numbers(self._scratch)

    def count(self, why: str, rows: int) -> None:
        """Takes down that so many rows are decided exactly."""
        self.exactly[why] = self.exactly.get(why, 0) + rows

    def give_up(self, group: Group, why: str) -> None:
        """Leaves the accounts of a group to exact numbers."""
        self.exact_accounts[group.accounts] = True
        self.count(why, group.size)
