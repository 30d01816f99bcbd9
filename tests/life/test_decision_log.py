"""The decision log: what stands in it, and that it holds every answer that was given."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import threading
import time
from pathlib import Path

import pytest

from rules_engine import DocumentError
from rules_engine.life.decisions import decision_files
from rules_engine.life.decisions.decision_lines import DecisionLogError, read_log
from rules_engine.life.decisions.decision_log import DecisionLog, TornLogWarning
from rules_engine.life.decisions.decision_records import new_decision
from rules_engine.life.decisions.logged import LoggedEngine
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, NOW, ORDER, lines_of, log_at, records_of


def test_log__answers_are_those_of_the_engine(tmp_path: Path) -> None:
    """With a log between, evaluations, batches and orders are answered as without."""
    engine = engine_of()
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(engine, log)
        assert logged.evaluate(ACCOUNT, MARKET) == engine.evaluate(ACCOUNT, MARKET)
        assert logged.at(MARKET).evaluate_all([ACCOUNT] * 2) == [engine.evaluate(ACCOUNT, MARKET)] * 2
        assert logged.check_order(ACCOUNT, MARKET, ORDER) == engine.check_order(ACCOUNT, MARKET, ORDER)
        assert logged.policy is engine.policy
        assert (log.logged, log.dropped) == (4, 0)


def test_record__says_what_was_decided(tmp_path: Path) -> None:
    """Id, policy, inputs, status of each pool and reasons of those that have any."""
    engine = engine_of()
    late = {**MARKET, "instruments": {**MARKET["instruments"], "BTCUSDT": {}}}  # type: ignore[dict-item]
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine, log).evaluate(ACCOUNT, late, decision="request-7")
    (record,) = records_of(tmp_path, "evaluate")
    assert record["decision"] == "request-7"
    assert record["time"] == "2026-12-02T08:00:00.250000Z"
    assert record["policy"]["digest"] == engine.policy.digest
    assert record["as_of"] == MARKET["as_of"]
    assert record["account"] == "Alice & Sons"
    assert record["status"] == {"Alice & Sons/isolated/alices-long": "undetermined", "Alice & Sons/cross": "healthy"}
    assert record["reasons"] == {"Alice & Sons/isolated/alices-long": ["MARK_MISSING"]}
    assert record["inputs"]["account"]["positions"][1]["quantity"] == "-4"


def test_record__of_an_order_says_whether_it_was_accepted(tmp_path: Path) -> None:
    """12 contracts at 98 and leverage 10 ask 117.6, where 10 at leverage 20 asked 49: 68.6 more."""
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).check_order(ACCOUNT, MARKET, ORDER)
        LoggedEngine(engine_of(), log).check_order(ACCOUNT, MARKET, ORDER | {"quantity": "2000"})
    accepted, refused = records_of(tmp_path, "order")
    assert (accepted["order"], accepted["accepted"], accepted["refusals"]) == ("alices-next", True, [])
    assert accepted["answer"]["required_margin"] == "68.6"
    assert refused["accepted"] is False
    assert "MARGIN_INSUFFICIENT" in refused["refusals"]


def test_record__hashes_can_be_had_with_any_sha256(tmp_path: Path) -> None:
    """The hash of the inputs is that of their canonical JSON, written here by hand."""
    account = {"account": "A", "collateral": {"USDT": "10.50"}}
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).evaluate(account, {"as_of": MARKET["as_of"]})
    (record,) = records_of(tmp_path, "evaluate")
    market = "sha256:" + hashlib.sha256(b'{"as_of":"2026-12-02T00:00:00Z"}').hexdigest()
    text = f'{{"account":{{"account":"A","collateral":{{"USDT":"10.5"}}}},"market":"{market}"}}'
    assert record["market_hash"] == market
    assert record["input_hash"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_record__the_spelling_of_inputs_does_not_matter(tmp_path: Path) -> None:
    """Equal inputs have equal hashes: `10.50` and `10.5`, JSON text and dict, in whatever order keys stand."""
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(engine_of(), log)
        logged.evaluate({"account": "A", "collateral": {"USDT": "10.50"}, "positions": []}, MARKET)
        logged.evaluate('{"collateral": {"USDT": 1.05e1}, "account": "A"}', json.dumps(MARKET))
    one, other = records_of(tmp_path, "evaluate")
    assert one["input_hash"] == other["input_hash"]
    assert one["decision"] != other["decision"]


def test_decision__ids_are_uuids_of_version_7(tmp_path: Path) -> None:
    """The first 48 bits are the milliseconds of the time: 1796198400250 for 2026-12-02T08:00:00.25Z."""
    first, second = new_decision(NOW), new_decision(NOW)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first)
    assert int(first.replace("-", "")[:12], 16) == int(NOW.timestamp() * 1000) == 1796198400250
    assert first != second


def test_log__a_refused_document_is_no_decision(tmp_path: Path) -> None:
    """What is malformed is refused as ever, and leaves no record."""
    with log_at(tmp_path / "log") as log:
        with pytest.raises(DocumentError, match="KEY_MISSING"):
            LoggedEngine(engine_of(), log).evaluate({}, MARKET)
        assert log.logged == 0


def test_log__the_market_stands_there_once_a_file(tmp_path: Path) -> None:
    """Decisions refer to it by its hash."""
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).at(MARKET).evaluate_all([ACCOUNT] * 5)
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    assert len(records_of(tmp_path, "market")) == 1
    assert {record["market_hash"] for record in records_of(tmp_path, "evaluate", "market")} == {
        records_of(tmp_path, "market")[0]["market_hash"]
    }


def test_log__keeps_no_more_than_it_is_told_to(tmp_path: Path) -> None:
    """Hashes, status and reasons are always there; inputs and answers where wanted."""
    with log_at(tmp_path / "log", keep_inputs=False, keep_answers=False) as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    header, record = lines_of(tmp_path / "log.000001.jsonl")
    assert header["keeps"] == {"inputs": False, "answers": False}
    assert "inputs" not in record and "answer" not in record
    assert record["answer_hash"].startswith("sha256:")


def test_log__files_follow_each_other(tmp_path: Path) -> None:
    """A full file is followed by the next, whose header carries the chain on; each holds the market it needs."""
    with log_at(tmp_path / "log", file_size=2_000) as log:
        logged = LoggedEngine(engine_of(), log)
        for _ in range(10):
            logged.evaluate(ACCOUNT, MARKET)
        head = log.head
    files = sorted(tmp_path.glob("*.jsonl"))
    assert [file.name for file in files[:2]] == ["log.000001.jsonl", "log.000002.jsonl"]
    assert all([record["kind"] for record in lines_of(file)][:2] == ["header", "market"] for file in files)
    lines = list(read_log(tmp_path / "log.jsonl"))
    assert [line.record["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[-1].record["sequence"], lines[-1].hash) == head
    assert not any(line.problems for line in lines)


def test_log__goes_on_where_it_ended(tmp_path: Path) -> None:
    """Opened again, a log has one chain, and says how it was opened."""
    for keep_inputs in (True, False, True):
        with log_at(tmp_path / "log", keep_inputs=keep_inputs) as log:
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    assert not any(line.problems for line in read_log(tmp_path / "log"))
    assert len(records_of(tmp_path, "evaluate")) == 3
    assert [record["keeps"]["inputs"] for record in records_of(tmp_path, "header", "opened")] == [True, False, True]


@pytest.mark.parametrize("torn", [1, 7, 400])
def test_log__cuts_off_what_was_torn_and_says_so(tmp_path: Path, torn: int) -> None:
    """A line without its end was never acknowledged: it goes, with a warning and a record of how many bytes it had."""
    file = tmp_path / "log.000001.jsonl"
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
        head = log.head
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines()[-1][:torn])
    assert [problem.code for line in read_log(tmp_path / "log") for problem in line.problems] == ["LOG_TORN"]
    with pytest.warns(TornLogWarning, match=f"the last {torn} bytes"):
        log = log_at(tmp_path / "log")
    with log:
        assert log.torn == torn
        assert log.head[0] == head[0] + 1
    assert file.read_bytes().startswith(whole)
    assert lines_of(file)[-1] | {"torn": torn, "kind": "opened", "previous": head[1]} == lines_of(file)[-1]


def test_log__a_file_torn_in_its_header_begins_anew(tmp_path: Path) -> None:
    """A kill right after a new file was made loses nothing."""
    with log_at(tmp_path / "log", file_size=1_000) as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    (tmp_path / "log.000002.jsonl").write_bytes(b'{"sequence":4,"prev')
    with pytest.warns(TornLogWarning):
        log = log_at(tmp_path / "log")
    with log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    assert not any(line.problems for line in read_log(tmp_path / "log"))
    assert len(records_of(tmp_path, "evaluate")) == 2


def test_log__refuses_a_log_that_is_damaged(tmp_path: Path) -> None:
    """Only an unfinished last line is cut off; anything else is left for people to judge."""
    file = tmp_path / "log.000001.jsonl"
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    text = file.read_text()
    file.write_text(text.replace('"kind":"market"', '"kind":"marked"'))
    with pytest.raises(DecisionLogError) as caught:
        log_at(tmp_path / "log")
    assert [problem.code for problem in caught.value.problems] == ["LOG_CHAIN_BROKEN", "LOG_DAMAGED"]
    assert caught.value.problems[0].mark is not None and caught.value.problems[0].mark.line == 3
    file.write_text(text)
    log_at(tmp_path / "log").close()


def test_log__is_open_once(tmp_path: Path) -> None:
    """Two writers would break the chain."""
    with log_at(tmp_path / "log"), pytest.raises(DecisionLogError, match="LOG_IN_USE"):
        log_at(tmp_path / "log.jsonl")
    log_at(tmp_path / "log").close()


def test_clock__without_a_zone_is_refused(tmp_path: Path) -> None:
    """A time that could mean any instant is not written down."""
    with pytest.raises(DecisionLogError, match="TIME_WITHOUT_ZONE"):
        DecisionLog.open(tmp_path / "log", clock=lambda: NOW.replace(tzinfo=None))


def test_strict__gives_no_answer_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the answer is refused and half a line is taken back; with room again the log goes on."""
    write = os.write
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(engine_of(), log)
        logged.evaluate(ACCOUNT, MARKET, decision="before")

        def full(descriptor: int, data: bytes) -> int:
            if len(data) > 100:
                return write(descriptor, bytes(data[:100]))
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(decision_files.os, "write", full)
        with pytest.raises(DecisionLogError, match="No space left on device"):
            logged.evaluate(ACCOUNT, MARKET, decision="lost")
        monkeypatch.undo()
        logged.evaluate(ACCOUNT, MARKET, decision="after")
        assert log.logged == 2
    assert not any(line.problems for line in read_log(tmp_path / "log"))
    assert [record["decision"] for record in records_of(tmp_path, "evaluate")] == ["before", "after"]


def test_strict__trusts_no_disk_whose_sync_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what such a disk holds: nothing is answered until the log has been opened again."""
    with log_at(tmp_path / "log") as log:
        logged = LoggedEngine(engine_of(), log)

        def failing(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(decision_files.os, "fsync", failing)
        with pytest.raises(DecisionLogError, match="Input/output error"):
            logged.evaluate(ACCOUNT, MARKET)
        monkeypatch.undo()
        with pytest.raises(DecisionLogError, match="an earlier write failed"):
            logged.evaluate(ACCOUNT, MARKET)
    with log_at(tmp_path / "log") as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)


def test_strict__threads_share_a_log_and_its_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads of 25 decisions: all there, in one chain, with fewer syncs than decisions."""
    syncs = []
    sync = os.fsync

    def counted(descriptor: int) -> None:
        syncs.append(descriptor)
        time.sleep(0.002)
        sync(descriptor)

    with log_at(tmp_path / "log") as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        start = threading.Barrier(8)

        def decide(thread: int) -> None:
            start.wait()
            for number in range(25):
                market.evaluate(ACCOUNT, f"{thread}-{number}")

        monkeypatch.setattr(decision_files.os, "fsync", counted)
        threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log.logged == 200
    found = [record["decision"] for record in records_of(tmp_path, "evaluate")]
    assert sorted(found) == sorted(f"{thread}-{number}" for thread in range(8) for number in range(25))
    assert not any(line.problems for line in read_log(tmp_path / "log"))
    assert len(syncs) < 200


def test_log__that_cannot_be_begun_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is not there, and on a full disk, where it can be begun later."""
    with pytest.raises(DecisionLogError, match="LOG_UNWRITABLE the log cannot be opened: No such file or directory"):
        log_at(tmp_path / "nowhere" / "log")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(decision_files.os, "write", full)
    with pytest.raises(DecisionLogError, match=r"log: LOG_UNWRITABLE the log cannot be opened: No space left"):
        log_at(tmp_path / "log")
    monkeypatch.undo()
    log_at(tmp_path / "log").close()
    assert not any(line.problems for line in read_log(tmp_path / "log"))
