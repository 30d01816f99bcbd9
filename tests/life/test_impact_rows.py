"""What an impact works out of rows: exact sums, and the largest accounts without adding up every row."""

from __future__ import annotations

import math
from fractions import Fraction as F
from random import Random

import numpy as np
import pytest

from rules_engine.engine.book import COLUMNS, Book, Contents, group_of
from rules_engine.life.impact.impact import Comparer
from rules_engine.life.impact.impact_sums import Adder, unit_of
from tests.engine.books import MARKET
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
