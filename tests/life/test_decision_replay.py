"""Replay: a logged decision evaluated again gives the same answer, and what does not is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from rules_engine import Account, Order, Position
from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.errors import Doubt
from rules_engine.life.decisions.decision_documents import (
    account_document,
    account_of,
    hash_of,
    market_document,
    market_of,
    order_document,
    order_of,
)
from rules_engine.life.decisions.decision_replay import Replay, replay
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.terms.account import ZERO
from tests.builders import engine_of
from tests.life.decisions import ACCOUNT, MARKET, ORDER, edited, engines, lines_of, log_at
from tests.properties.accounts import documents_with_order
from tests.properties.documents import Documents
from tests.properties.laws import examples


def logged(folder: Path, **options: Any) -> Path:
    """A log of two evaluations and an order."""
    with log_at(folder / "log", **options) as log:
        market = LoggedEngine(engine_of(), log).at(MARKET)
        market.evaluate(ACCOUNT, "d1")
        market.check_order(ACCOUNT, ORDER, "d2")
        market.evaluate(ACCOUNT | {"collateral": {"USDT": "-9"}}, "d3")
    return folder / "log.000001.jsonl"


def told(found: Replay) -> list[tuple[str, str | None]]:
    """The codes and decisions of what a replay found."""
    return [(problem.code, problem.decision) for problem in found.problems]


def test_replay__every_answer_is_the_same(tmp_path: Path) -> None:
    """Nothing is found in a log that nobody touched."""
    found = replay(logged(tmp_path), engines())
    assert found.problems == ()
    assert found.clean
    assert (found.records, found.equal, found.different, found.unkept) == (5, 3, 0, 0)
    assert found.decisions == {"evaluate": 2, "order": 1}


@examples(30)
@given(documents_with_order(doubts=True))
def test_inputs__come_back_as_they_were(drawn: tuple[Documents, Any]) -> None:
    """Any account, market and order, written and read again, is the same record."""
    documents, order = drawn
    account, market, ordered = (
        decode_account(documents.account),
        decode_market(documents.market),
        decode_order(order),
    )
    assert account_of(account_document(account)) == account
    assert market_of(market_document(market)) == market
    assert order_of(order_document(ordered)) == ordered


def test_inputs__of_a_book_come_back_with_their_faults() -> None:
    """Rows at fault and doubts about collateral are no part of documents, but of what was decided."""
    row = {"instrument": "BTCUSDT", "mode": "cross"}
    account = Account(
        account="A",
        positions=(
            Position(id="p1", quantity=ZERO, entry_price=ZERO, fault="book.csv:8: no number", **row),  # type: ignore[arg-type]
            Position(id="p2", quantity=ZERO, entry_price=ZERO, **row),  # type: ignore[arg-type]
        ),
        orders=(Order(id="o1", quantity=ZERO, fault="orders.csv:2: no number", **row),),  # type: ignore[arg-type]
        collateral_doubts={
            None: Doubt(code="COLLATERAL_MISSING", message="no table"),
            "SOL": Doubt(code="ROW_INVALID", message="c.csv:3"),
        },
    )
    assert account_of(account_document(account)) == account


def test_inputs__of_many_digits_come_back_exactly() -> None:
    """Forty digits below 1e-20 would be sixty in plain writing, more than the grammar reads."""
    number = "1.234567890123456789012345678901234567890e-20"
    account = decode_account({"account": "A", "collateral": {"USDT": number, "BTC": "-1e30", "ETH": "1e-30"}})
    assert account_of(account_document(account)) == account


def test_replay__finds_an_edited_record(tmp_path: Path) -> None:
    """A changed input breaks the chain and the record's own hash; of the answer nothing is left to say."""
    file = logged(tmp_path)

    def enrich(record: dict[str, Any]) -> None:
        record["inputs"]["account"]["collateral"]["USDT"] = "5000"

    edited(file, 2, enrich)
    found = replay(file, engines())
    assert told(found) == [("LOG_RECORD_EDITED", "d1"), ("LOG_ANSWER_DIFFERS", "d1"), ("LOG_CHAIN_BROKEN", "d2")]
    assert [problem.mark.line for problem in found.problems if problem.mark] == [3, 3, 4]
    assert not found.clean


def test_replay__finds_a_forged_answer(tmp_path: Path) -> None:
    """Whoever changes an answer and makes every hash right again is found by the answer itself, to the figure."""
    file = logged(tmp_path)

    def forge(record: dict[str, Any]) -> None:
        record["status"]["Alice & Sons/cross"] = "healthy"
        record["answer"]["pools"][1]["status"] = "healthy"
        record["answer_hash"] = hash_of(record["answer"])

    assert lines_of(file)[4]["status"]["Alice & Sons/cross"] == "bankrupt"
    edited(file, 4, forge, rechained=True)
    found = replay(file, engines())
    assert told(found) == [("LOG_ANSWER_DIFFERS", "d3")]
    assert found.problems[0].message == 'pools[1].status: logged "healthy", now "bankrupt"'


@pytest.mark.parametrize("member", ["status", "account", "reasons"])
def test_replay__finds_a_summary_that_is_not_of_its_answer(tmp_path: Path, member: str) -> None:
    """What people read first in a record has to be what it says further on."""
    file = logged(tmp_path)
    edited(file, 2, lambda record: record.update({member: {"x": "y"}}), rechained=True)
    assert ("LOG_RECORD_EDITED", "d1") in told(replay(file, engines()))


def test_replay__finds_an_answer_that_has_changed_without_kept_answers(tmp_path: Path) -> None:
    """Where answers are not kept, the status says what differs, or that a figure does."""
    file = logged(tmp_path, keep_answers=False)
    assert replay(file, engines()).clean
    engine = engine_of(collateral="{BTC: {haircut: 0.9}}")  # a debt of 24.5 counts 46.55: 500 - 46.55
    stricter = msgspec.structs.replace(engine.policy, digest=engine_of().policy.digest)
    found = replay(file, engines(type(engine)(stricter)))
    assert told(found) == [("LOG_ANSWER_DIFFERS", "d1"), ("LOG_ANSWER_DIFFERS", "d2")]
    assert found.problems[0].message == "in a figure; the log does not keep answers"


def test_replay__names_a_policy_that_is_not_there(tmp_path: Path) -> None:
    """Whether none is found, or one with another digest."""
    file = logged(tmp_path)
    other = engine_of(liquidation="{trigger: below, margin_call: 1.25}")
    for engine_for in (lambda identity: None, lambda identity: other):
        found = replay(file, engine_for)
        assert told(found) == [("LOG_POLICY_UNKNOWN", each) for each in ("d1", "d2", "d3")]
        assert engine_of().policy.digest in found.problems[0].message


def test_replay__finds_a_line_that_was_removed(tmp_path: Path) -> None:
    """A line taken out of the middle shows at the next one."""
    file = logged(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:3] + lines[4:]))
    found = replay(file, engines())
    assert told(found) == [("LOG_CHAIN_BROKEN", "d3")]
    assert found.problems[0].message == "found line 5 of the log, wanted 4"


def test_replay__finds_lines_cut_off_at_the_end_where_it_knows_the_head(tmp_path: Path) -> None:
    """A chain alone cannot tell that its end is missing; the hash of the last line, kept elsewhere, can."""
    file = logged(tmp_path)
    head = replay(file, engines()).head
    assert head[0] == 5
    assert replay(file, engines(), head=head[1]).clean
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert replay(file, engines()).clean
    assert told(replay(file, engines(), head=head[1])) == [("LOG_CUT", "d2")]


def test_replay__of_a_torn_log_names_its_last_whole_line(tmp_path: Path) -> None:
    """What was never finished is no line, and has no number; the head is the one before it."""
    file = logged(tmp_path)
    head = replay(file, engines()).head
    file.write_bytes(file.read_bytes() + b'{"sequence":6,"prev')
    found = replay(file, engines(), head=head[1])
    assert (found.head, found.records, found.clean) == (head, 5, True)
    assert told(found) == [("LOG_TORN", None)]
    assert told(replay(file, engines(), head="0" * 64)) == [("LOG_TORN", None), ("LOG_CUT", "d3")]


def test_replay__names_a_count_of_drops_that_is_none(tmp_path: Path) -> None:
    """A count that somebody made a text is told, and the rest is read."""
    with log_at(tmp_path / "log", mode="lossy") as log:
        log.record([lambda: (_ for _ in ()).throw(ValueError("never made"))])
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    file = tmp_path / "log.000001.jsonl"
    line = next(number for number, record in enumerate(lines_of(file)) if record["kind"] == "dropped")
    edited(file, line, lambda record: record.update(count="many"), rechained=True)
    found = replay(file, engines())
    assert (told(found), found.equal, found.dropped) == ([("LOG_LINE_INVALID", None)], 1, 0)


def test_replay__of_two_decisions_of_one_id(tmp_path: Path) -> None:
    """An id is the caller's: who asks twice under one has two decisions, and both are replayed."""
    with log_at(tmp_path / "log") as log:
        for _ in range(2):
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET, "request-7")
    found = replay(tmp_path / "log", engines())
    assert (found.problems, found.equal, found.decisions) == ((), 2, {"evaluate": 2})


def test_replay__finds_a_file_that_is_missing(tmp_path: Path) -> None:
    """One between two others is an error; before the first, which may have been archived, a warning."""
    with log_at(tmp_path / "log", file_size=2_000) as log:
        for _ in range(4):
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) == 4
    files[0].unlink()
    found = replay(tmp_path / "log", engines())
    assert found.clean
    assert [problem.severity for problem in found.problems] == ["warning"]
    files[2].unlink()
    found = replay(tmp_path / "log", engines())
    assert [problem.code for problem in found.problems] == ["LOG_FILE_MISSING", "LOG_CHAIN_BROKEN", "LOG_FILE_MISSING"]


def test_replay__finds_a_line_that_is_no_record(tmp_path: Path) -> None:
    """Neither JSON of another kind nor bytes that are none stop the rest."""
    file = logged(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], b"[1]\n", b"\xff\n", *lines[2:]]))
    found = replay(file, engines())
    assert [problem.code for problem in found.problems] == ["LOG_LINE_INVALID", "LOG_LINE_INVALID", "LOG_CHAIN_BROKEN"]
    assert found.equal == 3


@pytest.mark.parametrize("inputs", [{}, {"account": []}, {"account": {"account": 7}}, {"account": {}}, 7, None])
def test_replay__survives_inputs_of_any_shape(tmp_path: Path, inputs: Any) -> None:
    """What cannot be evaluated is told, and the rest goes on."""
    file = logged(tmp_path)
    edited(file, 2, lambda record: record.update(inputs=inputs), rechained=True)
    found = replay(file, engines())
    assert ("LOG_INPUT_UNUSABLE", "d1") in told(found)
    assert (found.equal, found.different) == (2, 1)


def test_replay__counts_what_was_not_kept(tmp_path: Path) -> None:
    """Without inputs there is nothing to evaluate; the chain is judged all the same."""
    found = replay(logged(tmp_path, keep_inputs=False), engines())
    assert (found.equal, found.unkept, found.clean) == (0, 3, True)


def test_replay__finds_what_was_changed_beside_its_hash(tmp_path: Path) -> None:
    """An answer, and a market, which decisions then lack."""
    file = logged(tmp_path)
    edited(file, 2, lambda record: record["answer"]["pools"][0].update(top_up="1"), rechained=True)
    assert told(replay(file, engines())) == [("LOG_RECORD_EDITED", "d1")]
    edited(file, 1, lambda record: record["market"]["prices"]["BTC"].update(price="1"), rechained=True)
    codes = [problem.code for problem in replay(file, engines()).problems]
    assert codes == ["LOG_RECORD_EDITED", "LOG_RECORD_EDITED", *["LOG_INPUT_UNUSABLE"] * 3]


def test_replay__of_many_markets(tmp_path: Path) -> None:
    """More than are kept at a time, in turns; and the count of what was dropped."""
    marks = [MARKET | {"prices": {"BTC": {"price": str(price), "time": MARKET["as_of"]}}} for price in range(90, 110)]
    with log_at(tmp_path / "log", mode="lossy", waiting=40) as log:
        for market in marks * 2:
            LoggedEngine(engine_of(), log).evaluate(ACCOUNT, market)
        log.flush()
        log.record([lambda: (_ for _ in ()).throw(ValueError("never made"))])
    found = replay(tmp_path / "log", engines(), candidate=engine_of())
    assert found.trial is not None
    assert (found.equal, found.dropped, found.problems, found.trial.compared) == (40, 1, (), 40)
