"""Sweeps of random books, figure by figure and price by price what evaluation says of every account."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rules_engine.book import STATUSES
from rules_engine.engine.workers import shared_array
from tests.builders import SECTIONS, account, market, position
from tests.engine.sweep_books import BUFFERED, MARKS, agreeing, book_with, fine_engine, random_accounts

FEE = "{margin_call: 1.25, closing_fee: {rate: 0.001, counts_in: [%s], valued_at: %s}}"
POLICIES: dict[str, dict[str, str]] = {
    "plain": {},
    "priced at entry": {"conventions": "{maintenance_priced_at: entry, initial_priced_at: entry}"},
    "margins frozen": {"conventions": "{liquidation_price: at_mark}"},
    "fee at the mark": {"liquidation": FEE % ("trigger", "mark")},
    "fee at bankruptcy": {"liquidation": FEE % ("maintenance, trigger", "bankruptcy")},
    "measures": BUFFERED,
    "measures and a fee": {**BUFFERED, "liquidation": FEE % ("trigger", "mark")},
}
MEASURED = {name: {**data, "measures": {"realized": "0.7"}} for name, data in MARKS["instruments"].items()}
MARKETS: dict[str, dict[str, Any]] = {
    "whole": {**MARKS, "instruments": MEASURED},
    "without measures": MARKS,
    "without a mark": {**MARKS, "instruments": {**MEASURED, "SOLUSDT": {}}},
}


@pytest.mark.parametrize("at", MARKETS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("jumps", [False, True])
def test_sweep__says_what_evaluation_says(policy: str, at: str, jumps: bool) -> None:
    """Statuses, money and prices of all modes together; most rows of smooth tables without exact numbers' help."""
    seed = 10 * sorted(POLICIES).index(policy) + sorted(MARKETS).index(at)
    engine = fine_engine(**POLICIES[policy])
    sweep = agreeing(engine, MARKETS[at], random_accounts(seed, 50, jumps=jumps), prices=True)
    assert jumps or sweep.rows_exact < len(sweep.book) / 2
    assert len({STATUSES[code] for code in sweep.columns.status}) > 1


@pytest.mark.parametrize("modes", [("isolated",), ("cross",), ("hybrid",), ("cross", "hybrid")])
@pytest.mark.parametrize("priced", [False, True])
def test_sweep__of_one_mode_says_what_evaluation_says(modes: tuple[str, ...], priced: bool) -> None:
    """With liquidation prices and without; then there is no column of them."""
    sweep = agreeing(fine_engine(), MARKS, random_accounts(3, 80, modes), prices=priced)
    assert (sweep.columns.liquidation_price is not None) is priced
    assert sweep.rows_exact < len(sweep.book) / 2


@pytest.mark.parametrize("mode", ["cross", "hybrid"])
@pytest.mark.parametrize("short", ["-3", "-10", "-25"])
def test_price__of_what_a_pool_holds_long_and_short(mode: str, short: str) -> None:
    """Both rows move with one mark, and so share a price, or have none; other pools' rows keep theirs."""
    held = [position("10", mode=mode), position(short, "104", mode=mode, id="p2")]
    other = position("5", mode=mode, id="p2", instrument="ETHUSDT")
    backing = [{"collateral": {"USDT": cash}, "group_margins": {"BTC": cash, "ETH": cash}} for cash in ("40", "400")]
    accounts = [account(*held, account=f"H{n}", **each) for n, each in enumerate(backing)]
    accounts += [account(held[0], other, account=f"A{n}", **each) for n, each in enumerate(backing)]
    sweep = agreeing(fine_engine(), MARKS, accounts, prices=True)
    prices = sweep.columns.liquidation_price
    assert prices is not None
    of_hedged, of_others = np.split(prices[sweep.book.slots], [4])
    assert np.array_equal(of_hedged[::2], of_hedged[1::2], equal_nan=True)
    assert not np.isnan(of_others[0])


def test_price__of_isolated_rows_on_both_sides_is_each_one_s_own() -> None:
    """They share nothing: 80 + 8 (v - 100) = 0.08 v, so v is 720 / 7.92, and 80 - 8 (v - 100) = 0.08 v."""
    held = [position("8", margin="80"), position("-8", margin="80", id="p2")]
    sweep = agreeing(fine_engine(), market(), [account(*held)], prices=True)
    assert sweep.columns.liquidation_price is not None
    found = sweep.columns.liquidation_price[sweep.book.slots]
    assert found == pytest.approx([720 / 7.92, 880 / 8.08], rel=1e-9)
    assert sweep.exactly == {}


@pytest.mark.parametrize("at", ["whole", "without a mark"])
@pytest.mark.parametrize("modes", [("cross",), ("hybrid",), ("isolated", "cross", "hybrid")])
def test_sweep__keeps_the_figures_of_pools_that_rows_share(modes: tuple[str, ...], at: str) -> None:
    """They are what the rows add up to, some of them decided exactly; equity is that of each row."""
    sweep = fine_engine().sweep(book_with(random_accounts(11, 80, modes, jumps=True)), MARKETS[at])
    assert sweep.exactly["accounts decided whole"] > 0
    assert {name for name, *_ in sweep.pools} == {"accounts", "groups"} - ({"groups"} if modes == ("cross",) else set())
    for figures in sweep.pools.values():
        mine, equity = figures.pools, figures.equity[figures.pools]
        assert np.array_equal(equity, sweep.columns.equity[figures.places], equal_nan=True)
        sums = np.bincount(mine, sweep.columns.maintenance_margin[figures.places], len(figures.equity))
        known = ~np.isnan(equity)
        assert figures.maintenance[mine][known] == pytest.approx(sums[mine][known], rel=1e-12)


UNKNOWN: dict[str, dict[str, Any]] = {
    "price of an asset": account(position("1", mode="cross"), position("1", mode="hybrid", id="p2"), account="odd"),
    "mark": account(
        position("1", mode="cross", instrument="CAPPED"), position("1", mode="hybrid", id="p2"), account="odd"
    ),
}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_sweep__of_which_one_account_is_not_known_leaves_the_others_to_columns(unknown: str) -> None:
    """Groups draw on their own account's pool: what is not known of one is no matter for all others."""
    accounts = random_accounts(5, 60, ("cross", "hybrid"))
    for one in accounts:
        one["collateral"].pop("ETH", None)
    marks = {**MARKS, "instruments": {**MARKS["instruments"], "CAPPED": {}}}
    before = fine_engine().sweep(book_with(accounts), marks).rows_exact
    odd = {**UNKNOWN[unknown], "collateral": {"ETH": "1"} if unknown == "price of an asset" else {"USDT": "1"}}
    assert agreeing(fine_engine(), marks, [*accounts, odd]).rows_exact <= before + 2


@pytest.mark.parametrize("changed", [None, "size", "prices", "workers"])
def test_columns__fit_where_an_answer_of_that_size_and_kind_can_be_written(changed: str | None) -> None:
    """Several workers can write to shared arrays alone; one can write to any."""
    book = book_with(random_accounts(1, 5))
    columns = fine_engine().sweep(book, MARKS, prices=True).columns
    rows = len(book) + (changed == "size")
    assert columns.fits(rows, changed != "prices", 2 if changed == "workers" else 1) is (changed is None)
    shared = type(columns)(*(shared_array(len(each), each.dtype.type) for each in columns.arrays()))
    assert shared.fits(rows, changed != "prices", 2) is (changed in (None, "workers"))
    assert shared.fits(rows, changed != "prices", 1) is (changed in (None, "workers"))


def test_sections__ask_for_measures() -> None:
    """The tests above would say little if these were the example's own."""
    assert BUFFERED["instruments"].count("buffers: [swings]") == 3 < SECTIONS["instruments"].count("payoff")
