"""Lossy logs: answers never wait, and every drop is counted."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from rules_engine.life.decisions import decision_files
from rules_engine.life.decisions.decision_places import read_log
from rules_engine.life.decisions.logged import LoggedEngine
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, log_at, records_of


def test_lossy__writes_all_where_there_is_room(tmp_path: Path) -> None:
    """Without a drop there is no record of drops."""
    with log_at(tmp_path / "log", mode="lossy") as log:
        LoggedEngine(engine_of(), log).at(MARKET).evaluate_all([ACCOUNT] * 50)
        log.flush()
        assert (log.logged, log.dropped) == (50, 0)
    assert len(records_of(tmp_path, "evaluate")) == 50
    assert records_of(tmp_path, "dropped") == []


def test_lossy__counts_every_drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk stands still only 5 can wait; what the log says it dropped is what is missing from it."""
    going, append = threading.Event(), decision_files.LogFiles.append
    begun = threading.Event()

    def slow(self: object, *arguments: object, **options: object) -> None:
        begun.set()
        assert going.wait(10)
        append(self, *arguments, **options)  # type: ignore[arg-type]

    with log_at(tmp_path / "log", mode="lossy", waiting=5) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        monkeypatch.setattr(decision_files.LogFiles, "append", slow)
        market.evaluate(ACCOUNT)
        assert begun.wait(10)
        for _ in range(20):
            market.evaluate(ACCOUNT)
        assert log.dropped == 15
        going.set()
        log.flush()
        assert (log.logged, log.dropped) == (6, 15)
        market.evaluate(ACCOUNT)
    assert len(records_of(tmp_path, "evaluate")) == 7
    assert sum(record["count"] for record in records_of(tmp_path, "dropped")) == 15
    assert not any(line.problems for line in read_log(tmp_path / "log"))


def test_lossy__threads_lose_nothing_uncounted(tmp_path: Path) -> None:
    """Four threads against a queue of 3: acknowledged = logged + dropped, and the log says the same."""
    with log_at(tmp_path / "log", mode="lossy", waiting=3) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)

        def decide() -> None:
            for _ in range(50):
                market.evaluate(ACCOUNT)

        threads = [threading.Thread(target=decide) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.close()
        assert log.logged + log.dropped == 200
        assert len(records_of(tmp_path, "evaluate")) == log.logged
        assert sum(record["count"] for record in records_of(tmp_path, "dropped")) == log.dropped


def test_lossy__a_full_disk_stops_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written counts as dropped, and the log says so when there is room again."""
    engine = engine_of()
    with log_at(tmp_path / "log", mode="lossy") as log:
        market = LoggedEngine(engine, log).at(MARKET)

        def full(descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(decision_files.os, "write", full)
        assert market.evaluate(ACCOUNT) == engine.evaluate(ACCOUNT, MARKET)
        log.flush()
        assert (log.logged, log.dropped) == (0, 1)
        monkeypatch.undo()
        market.evaluate(ACCOUNT)
        log.flush()
        assert (log.logged, log.dropped) == (1, 1)
    assert [record["count"] for record in records_of(tmp_path, "dropped")] == [1]


def test_lossy__tells_its_last_drops_when_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full until then: no decision comes any more, and the count is written all the same."""
    with log_at(tmp_path / "log", mode="lossy") as log:

        def full(descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(decision_files.os, "write", full)
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
        log.flush()
        monkeypatch.undo()
    assert [record["count"] for record in records_of(tmp_path, "dropped")] == [1]


def test_lossy__what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    """A closed log takes nothing, and answers go on."""
    log = log_at(tmp_path / "log", mode="lossy")
    log.close()
    log.close()
    LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    assert (log.logged, log.dropped) == (0, 1)
