"""An engine that follows a store: what it answers by, before and after a swap, and while the store is refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine import Engine
from rules_engine.book import book_from_columns
from rules_engine.engine.what_if import Scenario
from rules_engine.errors import PolicyError
from rules_engine.life.store.changes import rollback, submit
from rules_engine.life.store.following import FollowingEngine, StoreWarning
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store
from tests.life.followers import HELD, ORDER, RATES, Clock, answered, begun, following, market
from tests.life.people import NAME, REGISTRY, at, by, founded, key, put_in_force, texts
from tests.life.tampering import LOG, Hands, Row, chained, signed, walked


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store in which 1.0.0 is in force from the beginning."""
    with begun(tmp_path) as made:
        yield made


def test_following__swaps_at_the_instant_and_after_it_has_read(store: Store, tmp_path: Path) -> None:
    """A version that is scheduled is there before its instant, and answers from then on; the past keeps its answers."""
    engine = following(store)
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1, effective=at(5))
    assert answered(engine, 6) == "1.0.0"
    assert engine.refresh()
    assert not engine.refresh()
    assert [answered(engine, hours) for hours in (4, 5, 6, 4)] == ["1.0.0", "1.1.0", "1.1.0", "1.0.0"]
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 7))
    assert engine.refresh()
    assert [answered(engine, hours) for hours in (5, 7, 8)] == ["1.1.0", "1.0.0", "1.0.0"]
    with pytest.raises(PolicyError, match="VERSION_NONE"):
        engine.evaluate(HELD, market(-1))


def test_following__keeps_the_last_good_version_and_says_so(store: Store, tmp_path: Path) -> None:
    """Somebody edits the log by hand, then the store is gone: both are told, and neither changes an answer."""
    told: list[Exception] = []
    engine, loud = following(store, tell=told.append), following(store)
    database = tmp_path / "store.db"
    whole = database.read_bytes()
    with sqlite3.connect(database) as connection:
        (table,) = connection.execute("select name from sqlite_master where sql like '%signature%'").fetchone()
        connection.execute(f"update {table} set signature = zeroblob(64) where sequence = 5")
    connection.close()
    assert not engine.refresh()
    assert "AUDIT_SIGNATURE" in str(told[0])
    assert answered(engine, 1) == "1.0.0"
    with pytest.warns(StoreWarning, match="the last good versions stay in force"):
        loud.refresh()
    store.close()
    database.write_bytes(whole)
    assert not engine.refresh()
    assert len(told) == 1


def test_following__of_a_store_that_nobody_vouches_for_does_not_begin(store: Store) -> None:
    """There is no last good version then."""
    with pytest.raises(StoreError, match="STORE_UNTRUSTED"):
        FollowingEngine(Store(store.tables.name), NAME, REGISTRY, clock=Clock())


@pytest.mark.parametrize("name", ["usdt-perpetual", f"{NAME}@1.0.0"])
def test_following__of_a_name_that_nobody_submitted_does_not_begin(store: Store, name: str) -> None:
    """It would answer nothing, and no alarm would say why: the store is read and found good."""
    with pytest.raises(StoreError, match=f"POLICY_UNKNOWN no version of {name} was ever submitted .*{NAME}"):
        FollowingEngine(store, name, REGISTRY, clock=Clock())


def test_following__is_the_engine_of_the_version_in_force(store: Store, tmp_path: Path) -> None:
    """Every method answers as an `Engine` under that version does: rates of 1 % and 1.2 % on either side of 5 hours."""
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1, effective=at(5))
    follower = following(store)
    columns = {name: [str(value)] * 2 for name, value in HELD["positions"][0].items()} | {"account": ["A", "B"]}
    book, moves = book_from_columns(columns), [Scenario(price_move=Decimal("-0.001"))]
    for hours, status, moved in ((4, "healthy", 0), (5, "liquidate", 2)):
        plain, here = Engine(follower.engine(at(hours)).policy), market(hours)
        assert follower.evaluate(HELD, here).pools[0].status == status
        assert follower.evaluate(HELD, here) == plain.evaluate(HELD, here)
        assert follower.check_order(HELD, here, ORDER) == plain.check_order(HELD, here, ORDER)
        assert follower.explain(HELD, here) == plain.explain(HELD, here)
        assert follower.explain_order(HELD, here, ORDER) == plain.explain_order(HELD, here, ORDER)
        swept = follower.sweep(book, here).columns.status.tolist()
        assert swept == plain.sweep(book, here).columns.status.tolist()
        outcomes = list(follower.what_if(book, here, moves))
        assert outcomes == list(plain.what_if(book, here, moves))
        assert outcomes[0].liquidated == moved
    assert follower.policy.version == "1.0.0"


def test_following__a_grid_that_began_ends_under_its_version(store: Store, tmp_path: Path) -> None:
    """A swap between two scenarios of `what_if`, and between two accounts of a batch, changes neither."""
    engine = following(store)
    columns = {name: [str(value)] for name, value in HELD["positions"][0].items()} | {"account": ["A"]}
    outcomes = engine.what_if(book_from_columns(columns), market(9), [Scenario(), Scenario()])
    batch = engine.at(market(9))
    assert next(outcomes).liquidated == 0
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1)
    assert engine.refresh()
    assert [outcome.liquidated for outcome in outcomes] == [0, 0]
    assert batch.evaluate(HELD).policy.version == "1.0.0"
    assert engine.evaluate(HELD, market(9)).policy.version == "1.1.0"


def test_following__keeps_its_engine_where_nothing_of_its_line_is_new(store: Store, tmp_path: Path) -> None:
    """Steps about something else move the head, and nothing that was worked out is worked out again."""
    engine = following(store)
    before, head = engine.engine(at(1)), engine.reading.head
    submit(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), REGISTRY, by("sam", 1), effective=at(3))
    assert not engine.refresh()
    assert engine.reading.head != head
    assert engine.engine(at(1)) is before
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 2)
    assert engine.refresh()
    assert engine.engine(at(1)) is before


def _missing(hands: Hands) -> list[Row]:
    return []


def _stripped(hands: Hands) -> list[Row]:
    return chained([*hands.log[:-1], {**hands.log[-1], "signature": b""}])


def _foreign(hands: Hands) -> list[Row]:
    """The log of another house, whose signatures are all good."""
    other = founded(f"{hands.store.tables.name}.other")
    return [dict(zip(LOG, row, strict=True)) for row in other.tables.entries()]


def _revoked(hands: Hands) -> list[Row]:
    """One more approval, by a key that was revoked."""
    return signed(hands, key("mira"), len(hands.log), 7, lambda said: said)


def _replayed(hands: Hands) -> list[Row]:
    return chained([*hands.log, hands.log[-1]])


def _cut(hands: Hands) -> list[Row]:
    return hands.log[:-1]


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (_missing, "AUDIT_EMPTY"),
        (_stripped, "AUDIT_UNSIGNED"),
        (_foreign, "AUDIT_ANCHOR"),
        (_revoked, "AUDIT_REVOKED"),
        (_replayed, "AUDIT_REPLAYED"),
        (_cut, "AUDIT_CUT"),
    ],
)
def test_following__refuses_by_name_and_stays(edit: Callable[[Hands], list[Row]], code: str, tmp_path: Path) -> None:
    """Each is told at every reading, changes no answer, and is over when the log is what it was."""
    hands, told = walked(str(tmp_path / "store.db"), tmp_path), list[Exception]()
    engine = following(hands.store, tell=told.append)
    before = [engine.engine(at(hours)).policy.digest for hours in range(1, 10)]
    with hands.put(log=edit(hands)):
        assert not engine.refresh()
        assert not engine.refresh()
        assert [getattr(problem, "code", "") for problem in told] == [code, code]
        assert [engine.engine(at(hours)).policy.digest for hours in range(1, 10)] == before
    assert not engine.refresh()
    assert len(told) == 2


def test_following__tells_of_a_step_that_is_dated_before_the_last_reading(store: Store, tmp_path: Path) -> None:
    """At 8 the store was read; a rollback that comes later says 6, from which on the past has another answer.

    What takes effect after the last reading, if only before the next one, is as it should be.
    """
    clock, told = Clock(1), list[Exception]()
    engine = following(store, clock, tell=told.append)
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 5)
    clock.now = at(7)
    assert engine.refresh()
    clock.now = at(8)
    assert not engine.refresh()
    assert told == []
    assert answered(engine, 7) == "1.1.0"
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 6))
    clock.now = at(9)
    assert engine.refresh()
    assert [getattr(problem, "code", "") for problem in told] == ["STORE_BACKDATED"]
    assert "from 2026-12-01T14:00:00Z on; until 2026-12-01T16:00:00Z it had not" in str(told[0])
    assert [answered(engine, hours) for hours in (5, 6, 7)] == ["1.1.0", "1.0.0", "1.0.0"]
    engine.refresh()
    assert len(told) == 1


def test_following__age_grows_while_the_store_is_refused(store: Store, tmp_path: Path) -> None:
    """It is counted since the last good reading, even where the clock is set back meanwhile."""
    clock = Clock(2)
    engine = following(store, clock, tell=lambda _: None)
    time.sleep(0.02)
    database = tmp_path / "store.db"
    whole = database.read_bytes()
    database.unlink()
    clock.now = at(0)
    assert not engine.refresh()
    refused = engine.age
    assert refused >= timedelta(milliseconds=20)
    database.write_bytes(whole)
    assert not engine.refresh()
    assert engine.age < refused


def test_following__says_at_once_how_often_it_can(store: Store) -> None:
    """Not in a thread that ends unseen."""
    engine = following(store)
    with pytest.raises(TypeError, match=r"every is int; wanted a timedelta, as in timedelta\(seconds=10\)"):
        engine.follow(1)  # type: ignore[arg-type]
    for every in (timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="wanted more than no time"):
            engine.follow(every)


def test_following__goes_on_whatever_happens_to_a_reading(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that nobody thought of is told, and who fails to be told ends nothing."""
    failures = threading.Semaphore(0)

    def fail(problem: Exception) -> None:
        failures.release()
        raise RuntimeError("nobody listens")

    engine = following(store, tell=fail)
    engine.store.tables = None  # type: ignore[assignment]
    engine.follow(timedelta(milliseconds=1))
    with pytest.raises(RuntimeError, match="followed already"):
        engine.follow(timedelta(milliseconds=1))
    assert failures.acquire(timeout=10)
    assert failures.acquire(timeout=10)
    engine.stop()
    assert answered(engine, 1) == "1.0.0"
    assert "nobody listens" in capsys.readouterr().err
