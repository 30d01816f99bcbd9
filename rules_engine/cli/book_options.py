"""What commands on books share: the tables that they read, how they work on them, and what is wrong with rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import market_option, name_of, read, refuse_two_from_stdin

if TYPE_CHECKING:
    from rules_engine.cli.book_files import BookParts, Files
    from rules_engine.terms.market import Market

Verb = TypeVar("Verb", bound=Callable[..., Any])


class BookAsked:
    """A book in files, and the market in which it is valued. A usage error where the files are not of one book."""

    def __init__(
        self, book: str, collateral: str | None, orders: str | None, market: str, part_rows: int | None
    ) -> None:
        from rules_engine.cli.book_files import files_of

        refuse_two_from_stdin(book, market, *(each for each in (collateral, orders) if each is not None))
        self.files: Sequence[Files] = files_of(book, collateral, orders)
        self._market, self._part_rows = market, part_rows

    def market(self) -> Market:
        """Reads the market."""
        from rules_engine.engine.documents import decode_market

        return decode_market(read(self._market), file=name_of(self._market))

    def parts(self, currency: str) -> BookParts:
        """The parts of the book, whose money is in this currency."""
        from rules_engine.cli.book_files import BookParts

        return BookParts(self.files, self._part_rows, currency)


def table_option(name: str, metavar: str, text: str, *, required: bool = False) -> Callable[[Verb], Verb]:
    """An option for a table in a file."""
    return click.option(
        f"--{name}",
        required=required,
        metavar=metavar,
        type=click.Path(allow_dash=True),
        help=f"{text}, CSV or Parquet.",
    )


part_rows_option = click.option(
    "--part-rows",
    metavar="N",
    type=click.IntRange(min=1),
    help="Hold about N rows at a time, whole accounts; the book's rows stand account by account.",
)
workers_option = click.option(
    "--workers", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to work on."
)


def book_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command on a book in a market, which it gets as `book`, with the one of `part_rows_option`."""

    @wraps(command)
    def combined(
        *values: Any,
        book: str,
        collateral: str | None,
        orders: str | None,
        market: str,
        part_rows: int | None,
        **others: Any,
    ) -> Any:
        return command(*values, book=BookAsked(book, collateral, orders, market, part_rows), **others)

    options = (
        table_option("book", "B", "The book, one row a position: a file, or a directory of its parts", required=True),
        table_option("collateral", "C", "What backs accounts and groups: a file, or a directory as B is"),
        table_option("orders", "O", "Resting orders: likewise"),
        market_option,
    )
    for option in reversed(options):
        combined = option(combined)
    return combined


class Faults:
    """What is wrong with rows: as much as people are told, and a count."""

    def __init__(self) -> None:
        self.count = 0
        self._told: list[str] = []

    def add(self, fault: str) -> None:
        """Takes one down."""
        self.count += 1
        if self.count <= output.PROBLEMS_PER_FILE:
            self._told.append(fault)

    def tell(self) -> None:
        """Tells the first of them, and how many more there are."""
        for fault in self._told:
            output.message(f"ROW_INVALID {fault}")
        if self.count > len(self._told):
            output.message(f"and {self.count - len(self._told)} rows at fault more")
