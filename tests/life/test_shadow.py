"""Shadow: the candidate's differences are counted, and no answer is affected by it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given

from rules_engine import Engine
from rules_engine.book import book_from_columns
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.decisions.shadow import ShadowedEngine
from tests.builders import engine_of, flat_engine, position
from tests.life.decisions import ACCOUNT, MARKET, ORDER, log_at, records_of
from tests.properties.accounts import documents_with_order
from tests.properties.documents import Documents, policies
from tests.properties.laws import examples
from tests.properties.product import engine_of as engine_under

STRICTER = {"tables": "{flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.02, initial_rate: 0.1}]}}"}
"""Maintenance is 2 % of notional instead of 1 %."""
LONG = {"account": "A", "positions": [position("10", margin="30")]}
"""10 bought at 100: at a mark of 98, 980 of notional and 10 of equity; 9.8 of maintenance at 1 %, 19.6 at 2 %."""


class Raising(Engine):
    """An engine in no market."""

    def at(self, market: object) -> NoReturn:
        raise RuntimeError("no quotes")


def shadowed(candidate: Engine, **options: Any) -> ShadowedEngine:
    """The flat policy in force, asked in the caller's thread."""
    return ShadowedEngine(flat_engine(), candidate, **{"waiting": 0, **options})


def test_differences__are_counted_by_kind() -> None:
    """A rate twice as high: maintenance up, and a pool in call is liquidated."""
    shadow = shadowed(flat_engine(**STRICTER))
    assert shadow.evaluate(LONG, MARKET) == flat_engine().evaluate(LONG, MARKET)
    found = shadow.differences
    assert (found.compared, found.differing, found.failed) == (1, 1, 0)
    assert found.kinds["status margin_call -> liquidate"] == 1
    assert found.kinds["position maintenance_margin up"] == 1
    assert "position initial_margin up" not in found.kinds
    examples = {example.kind: example for example in found.examples}
    maintenance = examples["position maintenance_margin up"]
    assert (maintenance.account, maintenance.about) == ("A", "p1")
    assert (maintenance.before, maintenance.after) == ("9.8", "19.6")


def test_differences__of_the_same_policy_are_none() -> None:
    """Compared, and equal."""
    shadow = shadowed(flat_engine())
    shadow.evaluate(LONG, MARKET)
    shadow.check_order(LONG, MARKET, ORDER | {"position": "p1"})
    assert shadow.differences.to_dict() == {
        "compared": 2,
        "differing": 0,
        "skipped": 0,
        "dropped": 0,
        "failed": 0,
        "kinds": {},
        "failures": {},
        "examples": [],
    }


def test_differences__of_orders() -> None:
    """With initial margin of all of the notional, 98 for one contract more than a free 70 can pay."""
    dearer = flat_engine(tables="{flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, initial_rate: 1}]}}")
    shadow = shadowed(dearer)
    account = {"account": "A", "collateral": {"USDT": "70"}}
    order = {"id": "o", "instrument": "BTCUSDT", "mode": "isolated", "quantity": "1", "leverage": "10"}
    assert shadow.check_order(account, MARKET, order).accepted
    assert shadow.differences.kinds["order accepted -> refused"] == 1
    assert shadow.differences.kinds["order required_margin up"] == 1


def test_differences__of_sweeps_are_rows() -> None:
    """Of two rows one is liquidated by the candidate alone."""
    columns = {name: [value] * 2 for name, value in position("10").items()}
    columns |= {"account": ["A", "B"], "margin": ["30", "300"]}
    shadow = shadowed(flat_engine(**STRICTER))
    book = book_from_columns(columns)
    sweep = shadow.sweep(book, MARKET)
    assert sweep.columns.status.tolist() == flat_engine().sweep(book, MARKET).columns.status.tolist()
    assert shadow.differences.kinds == {"row margin_call -> liquidate": 1}


def test_examples__are_at_most_so_many_of_each_kind() -> None:
    """Counts go on."""
    shadow = shadowed(flat_engine(**STRICTER), examples=2)
    shadow.at(MARKET).evaluate_all([LONG] * 5)
    kind = "status margin_call -> liquidate"
    assert shadow.differences.kinds[kind] == 5
    assert [example.kind for example in shadow.differences.examples].count(kind) == 2


@examples(25)
@given(documents_with_order(doubts=True), policies())
def test_answers__are_those_in_force_whatever_the_candidate(drawn: tuple[Documents, Any], other: Any) -> None:
    """Under random policies beside each other, in either thread, and with a candidate that always fails."""
    documents, order = drawn
    engine = engine_under(documents.policy)
    for candidate in (engine_under(other), Raising(engine.policy)):
        with ShadowedEngine(engine, candidate) as shadow:
            account, market = documents.account, documents.market
            assert shadow.evaluate(account, market) == engine.evaluate(account, market)
            assert shadow.check_order(account, market, order) == engine.check_order(account, market, order)
            shadow.wait()
            found = shadow.differences
            assert found.compared + found.failed == 2


@pytest.mark.parametrize("waiting", [0, 10])
def test_candidate__that_raises_is_counted(waiting: int) -> None:
    """What it raised is told, and answers go on."""
    with shadowed(Raising(flat_engine().policy), waiting=waiting) as shadow:
        for _ in range(3):
            assert shadow.evaluate(LONG, MARKET) == flat_engine().evaluate(LONG, MARKET)
        shadow.wait()
        assert (shadow.differences.compared, shadow.differences.failed) == (0, 3)
        assert shadow.differences.failures == {"RuntimeError: no quotes": 3}


def test_candidate__that_is_slow_delays_no_answer() -> None:
    """While it stands still 5 answers wait for it and the others are counted as dropped."""
    going, begun = threading.Event(), threading.Event()

    class Slow(Engine):
        """Answers when it is let."""

        def at(self, market: Any) -> Any:
            begun.set()
            assert going.wait(10)
            return super().at(market)

    with shadowed(Slow(flat_engine().policy), waiting=5) as shadow:
        market = shadow.at(MARKET)
        market.evaluate(LONG)
        assert begun.wait(10)
        start = time.perf_counter()
        for _ in range(20):
            market.evaluate(LONG)
        assert time.perf_counter() - start < 5
        assert shadow.differences.dropped == 15
        going.set()
        shadow.wait()
        assert (shadow.differences.compared, shadow.differences.dropped) == (6, 15)


def test_sampling__compares_one_answer_in_so_many() -> None:
    """Of 10 answers, with `every` 4, the first, fifth and ninth."""
    shadow = shadowed(flat_engine(), every=4)
    shadow.at(MARKET).evaluate_all([LONG] * 10)
    assert (shadow.differences.compared, shadow.differences.skipped) == (3, 7)


def test_shadow__when_closed_answers_still() -> None:
    """Nothing is compared any more."""
    shadow = shadowed(flat_engine(), waiting=10)
    shadow.close()
    shadow.close()
    assert shadow.evaluate(LONG, MARKET) == flat_engine().evaluate(LONG, MARKET)
    assert (shadow.differences.compared, shadow.differences.skipped) == (0, 1)


def test_shadow__threads_share_it() -> None:
    """Every answer is counted once, as compared or as dropped."""
    with shadowed(flat_engine(**STRICTER), waiting=10) as shadow:
        market = shadow.at(MARKET)

        def decide() -> None:
            for _ in range(50):
                market.evaluate(LONG)

        threads = [threading.Thread(target=decide) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shadow.wait()
        found = shadow.differences
        assert found.compared + found.dropped == 200
        assert found.kinds["status margin_call -> liquidate"] == found.compared


def test_shadow__stands_behind_a_log(tmp_path: Path) -> None:
    """Only what is answered is logged, under the ids that are given: the candidate is no decision."""
    columns = {name: [value] for name, value in position("10", margin="30").items()} | {"account": ["A"]}
    with log_at(tmp_path / "log") as log, shadowed(engine_of()) as shadow:
        logged = LoggedEngine(shadow, log)
        assert logged.evaluate(ACCOUNT, MARKET, decision="d1") == flat_engine().evaluate(ACCOUNT, MARKET)
        logged.at(MARKET).evaluate_all([LONG], ["d2"])
        logged.check_order(ACCOUNT, MARKET, ORDER, decision="d3")
        logged.sweep(book_from_columns(columns), MARKET, decision="d4")
        assert logged.policy is flat_engine().policy
        assert shadow.differences.compared == 4
        assert shadow.differences.differing > 0
    records = records_of(tmp_path, "evaluate", "order", "sweep")
    assert [record["decision"] for record in records] == ["d1", "d2", "d3", "d4"]
    assert {record["policy"]["digest"] for record in records} == {flat_engine().policy.digest}


def test_shadow__before_a_log_is_refused(tmp_path: Path) -> None:
    """It could not say which decision is which; and a candidate that logs would log what nobody was answered."""
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(flat_engine(), log)
        for engine, candidate in ((logged, engine_of()), (engine_of(), logged)):
            with pytest.raises(ValueError, match="a log stands before a shadow: LoggedEngine"):
                ShadowedEngine(engine, candidate)


@pytest.mark.parametrize("options", [{"every": 0}, {"waiting": -1}])
def test_shadow__refuses_numbers_that_mean_nothing(options: dict[str, int]) -> None:
    """A programmer's mistake."""
    with pytest.raises(ValueError, match="wanted 1 or more"):
        shadowed(flat_engine(), **options)
