"""What if the market moved: counts and notional by scenario, against evaluation account by account and by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal as D
from functools import partial
from random import Random
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.engine.book import Book
from rules_engine.engine.book_rows import book_from_rows
from rules_engine.engine.documents import decode_market
from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.engine.what_if import Outcome, Scenario, even_moves, grid_of, shocked, what_if
from rules_engine.extension.registry import load_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.engine.books import ENGINE, MARKET, row

NOTHING = Scenario()


def outcomes(
    book: Book,
    scenarios: Iterable[Scenario],
    instruments: Sequence[str] = ("*",),
    assets: Sequence[str] = (),
    engine: Engine = ENGINE,
    market: str = MARKET,
) -> list[Outcome]:
    """The outcome of the market as it stands, and of each scenario."""
    return list(
        what_if(engine.policy, partial(engine.sweep, book), decode_market(market), scenarios, instruments, assets)
    )


def falls(*moves: str) -> list[Scenario]:
    """Scenarios of price moves alone."""
    return [Scenario(price_move=D(move)) for move in moves]


def ether(id: str = "p1", **cells: Any) -> dict[str, Any]:
    """A long position of one ETH, bought at the mark of 2,450."""
    return row(id=id, instrument="ETHUSDT", **{"entry_price": "2450", **cells})


def some_rows(number: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Positions of both sides in all modes, at entries and margins near the lines, and collateral of two assets."""
    random, rows, collateral = Random(4), [], []
    marks = {"BTCUSDT": 61000, "ETHUSDT": 2450, "SOLUSDT": 152.5}
    for account in range(number):
        for place in range(random.randrange(1, 5)):
            name = random.choice(list(marks))
            mode = random.choice(["isolated", "cross", "hybrid"])
            size = round(random.uniform(500, 80_000) / marks[name], 3)
            cells = {"quantity": str(random.choice([size, -size])), "entry_price": str(marks[name])}
            margin = {"margin": str(round(size * marks[name] * random.uniform(0.02, 0.4)))}
            group = {"BTCUSDT": "BTC", "ETHUSDT": "ETH", "SOLUSDT": "SOL"}[name]
            where = margin if mode == "isolated" else {"group": group} if mode == "hybrid" else {}
            rows.append(row(f"A{account}", f"p{place}", mode, instrument=name, **cells, **where))
        collateral.append({"account": f"A{account}", "asset": "USDT", "amount": str(random.randrange(20_000))})
        collateral.append({"account": f"A{account}", "asset": "BTC", "amount": str(random.random())[:6]})
    return rows, collateral


def moved_document(price: D, volatility: D, instruments: Sequence[str], assets: Sequence[str]) -> dict[str, Any]:
    """The market's document with the moves written into it."""
    document: dict[str, Any] = json.loads(MARKET)
    for name in instruments:
        data = document["instruments"][name]
        data["mark_price"] = str(D(data["mark_price"]) * (1 + price))
        data["index_price"] = str(D(data["index_price"]) * (1 + price))
        data["measures"]["realized_24h"] = str(D(data["measures"]["realized_24h"]) * (1 + volatility))
    for name in assets:
        document["prices"][name]["price"] = str(D(document["prices"][name]["price"]) * (1 + price))
    return document


@pytest.mark.parametrize(("instruments", "assets"), [(("BTCUSDT", "ETHUSDT", "SOLUSDT"), ()), (("BTCUSDT",), ("BTC",))])
def test_what_if__counts_what_evaluation_says_in_every_market(
    instruments: Sequence[str], assets: Sequence[str]
) -> None:
    """Account by account, in markets that were written as documents of their own; so is the notional."""
    book = book_from_rows(*some_rows(30), currency="USDT")
    scenarios = grid_of(even_moves(D("-0.2"), D("0.2"), 5), {"realized_24h": [D(0), D("0.5"), D("1.5")]})
    scenarios = [NOTHING, *scenarios]
    before: list[str] = []
    for scenario, outcome in zip(scenarios, outcomes(book, scenarios[1:], instruments, assets), strict=True):
        volatility = scenario.measure_moves.get("realized_24h", D(0))
        market = ENGINE.at(moved_document(scenario.price_move, volatility, instruments, assets))
        status: list[str] = []
        notional: list[D] = []
        for place in range(len(book.names)):
            evaluation = market.evaluate(book.account(place))
            pools = {pool.pool: pool.status for pool in evaluation.pools}
            status += [pools[position.pool or ""] for position in evaluation.positions]
            notional += [position.notional or D(0) for position in evaluation.positions]
        before = before or status
        fallen = [one in ("liquidate", "bankrupt") for one in status]
        newly = [one and then in ("healthy", "margin_call") for one, then in zip(fallen, before, strict=True)]
        assert outcome.statuses == {name: Counter(status)[name] for name in STATUSES}
        assert (outcome.liquidated, outcome.newly) == (sum(fallen), sum(newly))
        assert outcome.notional_liquidated == sum(money for money, one in zip(notional, fallen, strict=True) if one)
        assert outcome.newly_notional == sum(money for money, one in zip(notional, newly, strict=True) if one)


def test_what_if__a_long_is_liquidated_exactly_on_its_line() -> None:
    """At a fall of a tenth equity is 253.82 - 245 and maintenance 0.004 * 2205: both 8.82, and it triggers there."""
    book = book_from_rows([ether(margin="253.82")])
    found = outcomes(book, falls("-0.099999", "-0.1", "-0.11"))
    names = [max(one.statuses, key=lambda status: one.statuses[status]) for one in found]
    assert names == ["healthy", "margin_call", "liquidate", "bankrupt"]
    assert [one.notional_liquidated for one in found] == [0, 0, D("2205"), D("2180.5")]
    assert [one.notional for one in found[2:]] == [
        {"liquidate": D("2205"), "bankrupt": 0},
        {"liquidate": 0, "bankrupt": D("2180.5")},
    ]
    assert [one.newly for one in found] == [0, 0, 1, 1]
    assert [one.exactly for one in found[1:3]] == [{}, {"too close to a line": 1}]


def test_what_if__a_measure_alone_liquidates() -> None:
    """Volatility of 0.825, no more 0.75, is in the band from 0.8: rates of 1.25 times 0.004 ask for 12.25, not 9.8."""
    book = book_from_rows([ether(margin="12")])
    scenarios = [Scenario(measure_moves={"realized_24h": D(move)}) for move in ("0.05", "0.1", "-1")]
    found = outcomes(book, scenarios)
    assert [one.liquidated for one in found] == [0, 0, 1, 0]
    assert found[2].statuses["liquidate"] == 1


def test_what_if__collateral_moves_only_where_that_is_asked() -> None:
    """0.047 BTC count 2723.87. The position loses 2,440 by 4 % and requires 242.8; the BTC lose 108.95."""
    rows = [row(mode="cross", entry_price="61000")]
    book = book_from_rows(rows, [{"account": "A", "asset": "BTC", "amount": "0.047"}], currency="USDT")
    assert [outcomes(book, falls("-0.04"), assets=assets)[1].liquidated for assets in ((), ("B*",))] == [0, 1]


def test_what_if__moves_only_what_is_chosen() -> None:
    """Of two longs that a fall of 20 % would end, the one whose instrument moves."""
    book = book_from_rows([ether(margin="253.82"), row(id="p2", entry_price="61000")])
    found = [outcomes(book, falls("-0.2"), chosen)[1].liquidated for chosen in (("*",), ("E*",), ("E*", "BTC????"))]
    assert found == [2, 1, 2]


def test_what_if__no_move_is_the_sweep_and_order_does_not_matter() -> None:
    """What was swept before leaves nothing behind in arrays that are used again."""
    book = book_from_rows(*some_rows(20), currency="USDT")
    scenarios = falls("-0.3", "0", "0.3", "-0.1")
    now, *found = outcomes(book, scenarios)
    codes = ENGINE.sweep(book, MARKET).columns.status.tolist()
    assert now.statuses == {name: codes.count(number) for number, name in enumerate(STATUSES)}
    assert (found[1].statuses, found[1].notional, found[1].newly) == (now.statuses, now.notional, 0)
    assert outcomes(book, scenarios[::-1])[1:] == found[::-1]
    assert [one.scenario for one in (now, *found)] == [NOTHING, *scenarios]


def test_what_if__longs_stay_liquidated_as_the_price_falls_on() -> None:
    """Equity falls by more than maintenance does."""
    rows, collateral = some_rows(40)
    longs = [one | {"quantity": one["quantity"].lstrip("-")} for one in rows]
    book = book_from_rows(longs, collateral, currency="USDT")
    counts = [one.liquidated for one in outcomes(book, [Scenario(price_move=-D(n) / 100) for n in range(0, 60, 4)])]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_what_if__outcomes_of_parts_add_up() -> None:
    """No pool reaches beyond its account."""
    rows, collateral = some_rows(12)
    parts = [[one for one in rows if (one["account"] < "A3") is first] for first in (True, False)]
    scenarios = falls("-0.25", "0.25")
    whole = outcomes(book_from_rows(rows, collateral, currency="USDT"), scenarios)
    one, other = (outcomes(book_from_rows(part, collateral, currency="USDT"), scenarios) for part in parts)
    for together, first, second in zip(whole, one, other, strict=True):
        added = first + second
        assert (added.statuses, added.newly) == (together.statuses, together.newly)
        assert (added.notional, added.newly_notional) == (together.notional, together.newly_notional)


def test_what_if__counts_rows_at_fault_as_undetermined() -> None:
    found = outcomes(book_from_rows([ether(), ether("p2", quantity="two")]), falls("-0.5"))
    assert [one.statuses["undetermined"] for one in found] == [1, 1]


def test_what_if__notional_of_an_inverse_contract_is_a_quotient() -> None:
    """30 contracts of 100 USD at 50,000 that fall to 45,000 are worth 1/15 BTC, which the quantum rounds."""
    text = """\
schema: rules-engine/policy/1
policy: coins
version: 1.0.0
settlement: {currency: BTC, quantum: 0.00000001}
tables: {flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 20}]}}
modes: {isolated: {}}
instruments: {XBTUSD: {payoff: inverse, contract_size: 100, table: flat}}
liquidation: {margin_call: 1.25}
"""
    policy, _ = check_policy(text.encode(), "coins.yaml", load_registry(), policy_finder(None))
    assert policy is not None
    market = {"as_of": "2026-12-02T00:00:00Z", "instruments": {"XBTUSD": {"mark_price": "50000"}}}
    book = book_from_rows([row(instrument="XBTUSD", quantity="30", entry_price="50000", margin="0.003")])
    now, moved = outcomes(book, falls("-0.1"), engine=Engine(policy), market=json.dumps(market))
    assert (now.liquidated, moved.liquidated, moved.notional_liquidated) == (0, 1, D("0.06666667"))


def test_shocked__multiplies_exactly_and_leaves_the_rest() -> None:
    """Marks, index prices, confidence and measures of what is chosen; terms, times and everything else stay."""
    market = decode_market(
        {
            "as_of": "2026-12-02T00:00:00Z",
            "instruments": {
                "A": {"mark_price": "0.1", "index_price": "3", "confidence": "0.01", "measures": {"v": "7", "w": "2"},
                      "terms": {"strike": "5"}},
                "B": {"mark_price": "2"},
            },
            "prices": {"X": {"price": "4", "measures": {"v": "1"}}, "Y": {"price": "1"}},
        }
    )  # fmt: skip
    moved = shocked(market, Scenario(price_move=D("-0.333333"), measure_moves={"v": D(1)}), ["A"], ["X"])
    a, x = moved.instruments["A"], moved.prices["X"]
    assert (a.mark_price, a.index_price, a.confidence) == (D("0.0666667"), D("2.000001"), D("0.00666667"))
    assert ({name: one.value for name, one in a.measures.items()}, a.terms) == ({"v": 14, "w": 2}, {"strike": 5})
    assert (x.price, x.measures["v"].value) == (D("2.666668"), 2)
    assert (moved.instruments["B"], moved.prices["Y"]) == (market.instruments["B"], market.prices["Y"])
    assert shocked(market, NOTHING) == market


def test_even_moves__end_where_they_were_told_to() -> None:
    """Thirds are rounded to a ten-thousandth of a percent, ends never; what coincides is one move."""
    assert even_moves(D("-0.3"), D("0.3"), 7) == tuple(D(n) / 10 for n in range(-3, 4))
    assert even_moves(D(0), D(1), 4) == (0, D("0.333333"), D("0.666667"), 1)
    assert even_moves(D("0.12345678"), D("-0.5"), 2) == (D("0.12345678"), D("-0.5"))
    assert even_moves(D(0), D(0), 3) == (0,)


def test_grid_of__has_every_move_with_every_other() -> None:
    found = grid_of([D(0), D(1)], {"v": [D(2), D(3)]})
    assert [(one.price_move, one.measure_moves["v"]) for one in found] == [(0, 2), (0, 3), (1, 2), (1, 3)]


@pytest.mark.parametrize("wrong", [{"price_move": D(-1)}, {"measure_moves": {"v": D("-1.1")}}])
def test_scenario__leaves_a_price_and_no_measure_below_zero(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="-1"):
        Scenario(**wrong)
