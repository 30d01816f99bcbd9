"""What an impact works out of rows: exact sums, bins, and the largest accounts without adding up every row."""

from __future__ import annotations

import math
from fractions import Fraction as F
from random import Random

import msgspec
import numpy as np
import pytest

from rules_engine.engine.book import COLUMNS, Book, Contents, group_of
from rules_engine.engine.book_rows import book_from_rows
from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.life.impact.impact import Comparer
from rules_engine.life.impact.impact_pools import RATIO_BINS, Layout, Ratios
from rules_engine.life.impact.impact_rows import chunks, longest
from rules_engine.life.impact.impact_sums import Adder, unit_of
from rules_engine.life.impact.impact_tallies import placed
from tests.engine.books import MARKET, row
from tests.life.impacts import AFTER, BEFORE


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 20_000])
@pytest.mark.parametrize("powers", [3, 30, 400])
def test_adder__sums_as_fractions_do(size: int, powers: int) -> None:
    """Doubles over so many powers of two below and above 1, in order, some of them 0: in all and by kind."""
    random = Random(size)
    sizes = sorted(
        [0.0] * (size // 10) + [random.random() * 2.0 ** random.randint(-powers, powers) for _ in range(size)]
    )
    kinds = [random.choice([0, 3, 24]) for _ in sizes]
    given, unit = np.array(sizes), unit_of(np.array(sizes))
    adder = Adder(len(sizes))
    assert adder.total(given, unit) * F(2) ** unit == sum(map(F, sizes), F())
    found = adder.totals(given, np.array(kinds, np.uint8), unit)
    for kind in (0, 3, 24):
        mine = [F(one) for one, other in zip(sizes, kinds, strict=True) if other == kind]
        assert found.get(kind, 0) * F(2) ** unit == sum(mine, F())


def test_impact__names_the_largest_accounts_of_many_without_adding_up_every_row() -> None:
    """Two hundred chunks of rows, of which small changes are left out: those named have the largest sums of all."""
    random = np.random.default_rng(3)
    rows, instruments, accounts = 40_000, 200, 9_000
    held, owner = np.arange(rows) % instruments, random.integers(0, accounts, rows)
    quantity = np.round(np.exp(random.normal(0, 2, rows)), 3) + 0.001
    groups = []
    for number in range(instruments):
        mine = np.flatnonzero(held == number)
        stated = {
            "quantity": quantity[mine],
            "entry_price": np.full(len(mine), 61000.0),
            "margin": quantity[mine] * 9e4,
        }
        columns = {name: stated.get(name, np.full(len(mine), np.nan)) for name in COLUMNS}
        groups.append(group_of("BTCUSDT", "isolated", mine, owner[mine], columns))
    book = Book(Contents(names=range(accounts), ids=range(rows), groups=tuple(groups)))
    sweeps = [engine.sweep(book, MARKET).columns for engine in (BEFORE, AFTER)]
    changed = sweeps[1].maintenance_margin - sweeps[0].maintenance_margin
    sums = np.bincount(np.concatenate([group.accounts for group in groups]), changed, accounts)
    found = Comparer(BEFORE, AFTER, MARKET, most=5)(book).largest
    assert {one.account for one in found} == {str(place) for place in np.argsort(-sums)[:5]}
    for one in found:
        assert math.isclose(one.change, sums[int(one.account)], rel_tol=1e-9)
        assert one.positions == np.count_nonzero(owner == int(one.account))


def bin_of(required: float, equity: float) -> int:
    """The number of the bin of a pool, by the exact quotient of these doubles."""
    if math.isnan(required) or math.isnan(equity):
        return RATIO_BINS.index("not known")
    return min(int(F(required) / F(equity) * 20), 20) if equity > 0 else RATIO_BINS.index("no equity")


@pytest.mark.parametrize("changed", ["nothing", "maintenance of the larger", "maintenance", "equity"])
@pytest.mark.parametrize("rows", [400, 401])
def test_ratios__count_rows_in_their_bins_whatever_is_the_same_before_and_after(changed: str, rows: int) -> None:
    """Rows of one contract and more, some of them below a line: bins by the exact quotients of their doubles."""
    random = Random(rows)
    sizes = [1 + number / 100 for number in range(rows)]
    margins = [size * 61000 * random.uniform(0.001, 0.1) for size in sizes]
    held = [
        row(f"A{number}", entry_price="61000", quantity=f"{size:.2f}", margin=f"{margin:.2f}")
        for number, (size, margin) in enumerate(zip(sizes, margins, strict=True))
    ]
    book = book_from_rows(held, currency="USDT")
    before = BEFORE.sweep(book, MARKET)
    columns = before.columns
    figures = {"maintenance_margin": columns.maintenance_margin.copy(), "equity": columns.equity.copy()}
    if changed == "equity":
        figures["equity"] *= 2
    elif changed != "nothing":
        figures["maintenance_margin"][rows // 2 + 1 if changed.endswith("larger") else 0 :] *= 0.5
    after = msgspec.structs.replace(before, columns=msgspec.structs.replace(columns, **figures))
    room = [np.empty(longest(book)) for _ in range(3)]
    ratios = Ratios([Layout(frozenset({0}), [])] * 2, (before, after), room.pop())
    with np.errstate(all="ignore"):
        for group, span in placed(book):
            for chunk in chunks(group, span, before.columns, after.columns, room):
                ratios.add(chunk, span.start)
        answer = ratios.answer()
    assert rows / 2 < np.count_nonzero(columns.status == STATUSES.index("healthy")) < rows
    for sweep, found in zip((before, after), answer, strict=True):
        pairs = zip(sweep.columns.maintenance_margin.tolist(), sweep.columns.equity.tolist(), strict=True)
        bins = [bin_of(required, equity) for required, equity in pairs]
        assert found == tuple(bins.count(number) for number in range(len(RATIO_BINS)))
