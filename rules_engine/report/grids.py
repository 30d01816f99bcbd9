"""One look for all tables that people read. A table too wide for its terminal comes in parts, one below another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Column, Table

SOURCE: Final = "from"
"""The column that says where something stands: it is set apart, and the one in which a word may be broken."""
NARROWEST_SOURCE: Final = 14
"""Columns below which a place in a file cannot be read any more."""
GAP: Final = 3
"""What lies between two columns of a table."""


def grid(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns in `right` hold figures, which are never folded. Names are never broken either."""
    from rich import box
    from rich.table import Table

    class Fitted(Table):
        """A table that comes in parts where its words do not fit beside each other."""

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            whole, title = self.columns, self.title
            for number, part in enumerate(parts_of(whole, options.max_width)):
                for column, width in zip(part, widths_of(part, options.max_width), strict=True):
                    column.width = width
                self.columns, self.title = part, None if number else title
                if number:
                    yield ""
                yield from super().__rich_console__(console, options)
            self.columns, self.title = whole, title

    table = Fitted(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in right else "left"
        style = "cyan" if column == SOURCE else ""
        table.add_column(column, justify=justify, no_wrap=column in right, overflow="fold", style=style)
    return table


def parts_of(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in parts that fit the width; each begins with the first column, which names the row."""
    first, *others = columns
    parts = [[first]]
    for column in others:
        if len(parts[-1]) > 1 and _room([*parts[-1], column], width) < 0:
            parts.append([first])
        parts[-1].append(column)
    return parts


def widths_of(columns: Sequence[Column], width: int) -> list[int]:
    """How wide each column is: as wide as its words, and what is left goes to those that have more to say."""
    left = max(_room(columns, width), 0)
    widths = []
    for column in columns:
        more = min(left, max(map(_length, _cells(column))) - _least(column))
        widths.append(_least(column) + more)
        left -= more
    return widths


def _room(columns: Sequence[Column], width: int) -> int:
    """What is left of the width when no word is broken."""
    return width - GAP * (len(columns) - 1) - sum(map(_least, columns))


def _least(column: Column) -> int:
    """The width below which a column would break a word."""
    cells = _cells(column)
    if column.no_wrap:
        return max(map(_length, cells))
    longest = max((_length(word) for cell in cells for word in cell.split()), default=0)
    return min(longest, NARROWEST_SOURCE) if column.header == SOURCE else longest


def _cells(column: Column) -> list[str]:
    """What stands in a column, its name first."""
    return [str(cell) for cell in (column.header, *column.cells)]


def _length(text: Any) -> int:
    """Columns that a text takes: wide characters take two."""
    from rich.cells import cell_len

    return cell_len(text)
