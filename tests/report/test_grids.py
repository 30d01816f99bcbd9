"""Tables fit their terminal without breaking a name or a figure; what does not fit comes in parts."""

from __future__ import annotations

import pytest
from rich.table import Table

from rules_engine.report.grids import grid
from tests.report.test_tables import printed

NAME = "A-17/isolated/position-with-a-name"
ROW = (NAME, "undetermined", "12345678.12345678", "SHARED_POOL_UNDETERMINED MARK_STALE")


def pools() -> Table:
    """A table of one row, with names, a figure and reasons."""
    table = grid("pools", "pool", "status", "equity", "reasons", right=("equity",))
    table.add_row(*ROW)
    return table


@pytest.mark.parametrize("width", [61, 80, 100, 200])
def test_grid__breaks_no_word_at_any_width(width: int) -> None:
    output = printed([pools()], width=width)
    assert max(map(len, output.splitlines())) <= width
    assert {word for cell in ROW for word in cell.split()} <= set(output.split())


def test_grid__that_fits_is_one_table() -> None:
    assert printed([pools()], width=200).count(NAME) == 1


def test_grid__that_does_not_fit_repeats_what_names_the_row_and_its_title_once() -> None:
    output = printed([pools()], width=80)
    assert output.count(NAME) == 2
    assert output.split().count("pools") == 1


def test_grid__text_takes_the_room_that_words_leave() -> None:
    table = grid("values", "key", "value")
    table.add_row("a", "one two three four")
    assert "one two\n" in printed([table], width=13).replace(" \n", "\n")
    assert "one two three four" in printed([table], width=30)


def test_grid__a_place_in_a_file_is_the_one_thing_that_may_be_broken() -> None:
    table = grid("values", "key", "value", "from")
    table.add_row("liquidation.margin_call", "1.25", "policies/usdt-perpetuals/1.2.0.yaml:53")
    output = printed([table], width=60)
    assert output.count("liquidation.margin_call") == 1
    assert "policies/usdt-perpetuals/1.2.0.yaml:53" not in output


def test_grid__is_the_same_however_often_it_is_printed() -> None:
    table = pools()
    assert printed([table], width=80) == printed([table], width=80)
    assert printed([table], width=200).count(NAME) == 1
