"""Beside an engine that follows a store: threads, observers, a shadow, a log, and clocks that are stepped."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta, timezone
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from benchmarks.swaps import run as run_swaps
from rules_engine import Engine
from rules_engine.engine.documents import decode_market
from rules_engine.errors import DocumentError, PolicyError
from rules_engine.life.decisions.decision_replay import replay
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.decisions.shadow import ShadowedEngine
from rules_engine.life.store.changes import rollback, submit
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store
from rules_engine.terms.evaluation import Evaluation
from tests.life.decisions import log_at, records_of
from tests.life.followers import HELD, ORDER, RATES, Clock, answered, begun, following, market, market_at
from tests.life.people import NAME, REGISTRY, at, by, put_in_force, texts


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store in which 1.0.0 is in force from the beginning."""
    with begun(tmp_path) as made:
        yield made


def test_following__no_answer_mixes_versions(store: Store, tmp_path: Path) -> None:
    """Four threads evaluate while versions are swapped: each batch is of one version, margin and digest together."""
    engine = following(store)
    done, wrong, seen = threading.Event(), [], set()

    def work() -> None:
        while not done.is_set():
            batch = engine.evaluate_all([HELD] * 3, market(1000))
            answers = {(each.policy.version, each.positions[0].maintenance_margin) for each in batch}
            seen.update(answers)
            if len(answers) > 1 or any(margin != 1000 * Decimal(RATES[version]) for version, margin in answers):
                wrong.append(answers)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    engine.follow(timedelta(milliseconds=1))
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1)
    put_in_force(store, texts(tmp_path, "1.2.0", RATES["1.2.0"]), 2)
    rollback(store, f"{NAME}@1.2.0", REGISTRY, by("otto", 3))
    engine.refresh()
    done.set()
    engine.stop()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) > 1


class Watching:
    """Counts what it is told of."""

    name = "watching"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
        """Notes the versions that answered."""
        self.seen += [each.policy.version for each in evaluations]


def test_following__tells_observers(store: Store, tmp_path: Path) -> None:
    """Under whichever version."""
    watching = Watching()
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 5)
    engine = following(store, observers=[watching])
    engine.evaluate(HELD, market(4))
    engine.evaluate_all([HELD, HELD], market(6))
    assert watching.seen == ["1.0.0", "1.1.0", "1.1.0"]


def test_shadow__of_a_submitted_version_beside_the_one_in_force(store: Store, tmp_path: Path) -> None:
    """2 more of maintenance and a liquidation are counted; every answer is that of the version in force, and logged."""
    submit(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), REGISTRY, by("sam", 1))
    engine = following(store)
    with log_at(tmp_path / "log") as log:
        shadow = ShadowedEngine(engine, engine.candidate(f"{NAME}@1.1.0"), waiting=0)
        assert LoggedEngine(shadow, log).evaluate(HELD, market(2)) == engine.evaluate(HELD, market(2))
    found = shadow.differences
    assert (found.compared, found.differing, found.failed) == (1, 1, 0)
    assert found.kinds["status healthy -> liquidate"] == 1
    maintenance = next(each for each in found.examples if each.kind == "position maintenance_margin up")
    assert (maintenance.before, maintenance.after) == ("10", "12")
    (record,) = records_of(tmp_path, "evaluate")
    assert record["policy"]["version"] == "1.0.0"
    with pytest.raises(StoreError, match="STORE_NOT_SUBMITTED"):
        engine.candidate(f"{NAME}@7.0.0")


def test_log__of_a_following_engine_names_what_answered_and_replays(store: Store, tmp_path: Path) -> None:
    """Each record has the digest of the version of its instant, before and after a swap, and replays by it."""
    engine = following(store)
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(engine, log)
        logged.evaluate(HELD, market(2))
        put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1)
        engine.refresh()
        logged.evaluate(HELD, market(2))
        logged.check_order(HELD, market(0), ORDER)
    records = records_of(tmp_path, "evaluate", "order")
    assert [record["policy"]["version"] for record in records] == ["1.0.0", "1.1.0", "1.0.0"]
    by_digest = {each.digest: Engine(each) for each in engine.reading.line.versions}
    found = replay(tmp_path / "log", lambda identity: by_digest.get(identity.digest))
    assert (found.equal, found.clean) == (3, True)


def test_instants__have_one_version_each_however_the_clock_is_stepped(store: Store, tmp_path: Path) -> None:
    """Back and forth an hour around the instant, re-reading all the time: the market's instant alone decides."""
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 1, effective=at(5))
    clock, told = Clock(5), list[Exception]()
    engine = following(store, clock, tell=told.append)
    hour, least = timedelta(hours=1), timedelta.resolution
    steps = (-hour, hour, -least, least, timedelta(), timedelta(minutes=-59), timedelta(seconds=1))
    for set_to in steps:
        clock.now = at(5) + set_to
        engine.refresh()
        assert engine.policy.version == ("1.1.0" if set_to >= timedelta() else "1.0.0")
        for step in steps:
            instant = (at(5) + step).astimezone(timezone(timedelta(hours=5, minutes=30)))
            wanted = "1.1.0" if step >= timedelta() else "1.0.0"
            assert engine.evaluate(HELD, market_at(instant)).policy.version == wanted
            assert store.load(NAME, REGISTRY, now=instant).version == wanted
            assert engine.reading.line.in_force(instant).version == wanted
    assert told == []


def test_instants__without_a_zone_are_refused_by_name(store: Store) -> None:
    """In a document, a record, a question to the line or to the store, and by the clock."""
    engine = following(store)
    naive = at(5).replace(tzinfo=None)
    with pytest.raises(DocumentError, match="TIME_WITHOUT_ZONE"):
        engine.evaluate(HELD, market_at(naive))
    record = msgspec.structs.replace(decode_market(market(5)), as_of=naive)
    for ask in (engine.at, lambda _: engine.engine(naive), lambda _: engine.reading.line.in_force(naive)):
        with pytest.raises(PolicyError, match="TIME_NAIVE"):
            ask(record)
    with pytest.raises(StoreError, match="TIME_NAIVE"):
        store.load(NAME, REGISTRY, now=naive)
    with pytest.raises(StoreError, match="TIME_NAIVE"):
        following(store, lambda: naive)


def test_instants__a_signer_whose_clock_is_an_hour_behind_is_refused(store: Store, tmp_path: Path) -> None:
    """And one whose clock is an hour ahead dates his step there: before that hour nothing has changed."""
    put_in_force(store, texts(tmp_path, "1.1.0", RATES["1.1.0"]), 5)
    with pytest.raises(StoreError, match="STORE_CLOCK"):
        rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 4))
    rollback(store, f"{NAME}@1.1.0", REGISTRY, by("otto", 6))
    engine = following(store, Clock(5))
    assert [answered(engine, hours) for hours in (4, 5, 6)] == ["1.0.0", "1.1.0", "1.0.0"]


def test_swaps__under_four_threads(tmp_path: Path) -> None:
    """A small run of the benchmark: no answer mixes versions, and nobody waits longer than a batch."""
    found = run_swaps(tmp_path, evaluations=4_000, swaps=40, turn_every=10)
    assert found["wrong"] == []
    assert (found["swaps"], found["turns of the store"]) == (40, 4)
    assert found["changes of version seen by threads"] > 0
