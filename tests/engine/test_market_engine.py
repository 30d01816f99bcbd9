"""An engine in one market: the same answers, for many accounts, from many threads, told to observers once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rules_engine import DocumentError, Engine, Evaluation
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.engine import ObserverWarning
from tests.builders import account, engine_of, market, order, position

HEDGE = position("-2", mode="cross", id="p2", instrument="ETHUSDT")
ACCOUNTS = [
    account(position(f"{one}", "99", margin="40"), HEDGE, account=f"A{one}", collateral={"USDT": f"{one}0"})
    for one in range(1, 25)
]
MARKET = market("100", ETHUSDT="101", SOLUSDT={})


class Listener:
    """An observer that keeps what it is told."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[Sequence[Evaluation]] = []

    def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
        """Keeps the batch."""
        self.told.append(evaluations)


class Deaf:
    """An observer that fails."""

    name = "deaf"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
        """Fails."""
        raise self.error


def test_at__evaluates_as_the_engine_does() -> None:
    """Each account of a batch, in order, is what a single evaluation says of it."""
    engine = engine_of()
    alone = [engine.evaluate(one, MARKET) for one in ACCOUNTS]
    here = engine.at(MARKET)
    assert here.evaluate_all(ACCOUNTS) == alone
    assert [here.evaluate(one) for one in reversed(ACCOUNTS)] == alone[::-1]
    assert [one.account for one in alone] == [one["account"] for one in ACCOUNTS]


def test_at__takes_documents_and_records() -> None:
    """JSON text, dicts and records are the same; any iterable is a batch; nothing is an empty one."""
    engine = engine_of()
    expected = engine.evaluate(ACCOUNTS[0], MARKET)
    here = engine.at(decode_market(MARKET))
    assert here.evaluate(decode_account(ACCOUNTS[0])) == expected
    assert here.evaluate_all(one for one in ACCOUNTS[:1]) == [expected]
    assert here.evaluate_all([]) == []


def test_at__refuses_what_is_not_well_formed() -> None:
    """The market when the engine is put there, an account when it is its turn."""
    with pytest.raises(DocumentError):
        engine_of().at({"as_of": "yesterday"})
    with pytest.raises(DocumentError):
        engine_of().at(MARKET).evaluate_all([ACCOUNTS[0], {"account": 7}])


def test_at__checks_orders_as_the_engine_does() -> None:
    """The same decision, and the same refusal of an order that is there already."""
    engine = engine_of()
    proposed = order("0.1", instrument="ETHUSDT")
    assert engine.at(MARKET).check_order(ACCOUNTS[3], proposed) == engine.check_order(ACCOUNTS[3], MARKET, proposed)
    with pytest.raises(DocumentError) as refusal:
        engine.at(MARKET).check_order({**ACCOUNTS[3], "orders": [proposed]}, proposed)
    assert [problem.code for problem in refusal.value.problems] == ["ID_DUPLICATE"]


def test_observers__are_told_once_a_batch() -> None:
    """Of all evaluations, in their order; a single one is a batch of one; decisions on orders are none."""
    listener = Listener()
    engine = Engine(engine_of().policy, [listener])
    here = engine.at(MARKET)
    batch = here.evaluate_all(ACCOUNTS[:3])
    single = here.evaluate(ACCOUNTS[3])
    direct = engine.evaluate(ACCOUNTS[4], MARKET)
    here.check_order(ACCOUNTS[3], order("0.1"))
    assert listener.told == [tuple(batch), (single,), (direct,)]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_observer__that_fails_changes_nothing_and_is_reported(error: BaseException) -> None:
    """The answer stands, and the next observer hears of it."""
    listener = Listener()
    engine = Engine(engine_of().policy, [Deaf(error), listener])
    with pytest.warns(ObserverWarning) as told:
        answer = engine.at(MARKET).evaluate_all(ACCOUNTS[:2])
    text = f"observer deaf of tests.engine.test_market_engine raised {type(error).__name__}: {error}"
    assert [str(one.message) for one in told] == [text]
    assert listener.told == [tuple(answer)]
    assert answer == engine_of().at(MARKET).evaluate_all(ACCOUNTS[:2])


def test_observer__cannot_change_an_answer() -> None:
    """What it is shown is frozen."""

    class Meddler(Listener):
        def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
            evaluations[0].pools[0].status = "healthy"  # type: ignore[misc]

    with pytest.warns(ObserverWarning, match="immutable type"):
        Engine(engine_of().policy, [Meddler()]).evaluate(ACCOUNTS[0], MARKET)


def test_at__is_safe_to_share_between_threads() -> None:
    """Four threads at once, each over all accounts, from an engine that has worked nothing out yet."""
    expected = engine_of().at(MARKET).evaluate_all(ACCOUNTS)
    here = engine_of().at(MARKET)

    def turn(shift: int) -> list[Any]:
        rows = ACCOUNTS[shift:] + ACCOUNTS[:shift]
        return [here.evaluate(one) for one in rows]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(turn, range(4)))
    for shift, found in enumerate(answers):
        assert found == expected[shift:] + expected[:shift]
