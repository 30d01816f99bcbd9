"""Sweeps in a log: whoever still has the book sweeps it again, and every row has the status that was logged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.book import Book, book_from_columns, book_from_rows
from rules_engine.engine.book_rows import book_of
from rules_engine.engine.documents import decode_account
from rules_engine.life.decisions.decision_books import book_hash, row_statuses, statuses_hash
from rules_engine.life.decisions.decision_masks import UNMASKED, Mask
from rules_engine.life.decisions.decision_replay import Replay, replay
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.decisions.shadow import ShadowedEngine
from rules_engine.life.versions import PolicyLine
from tests.builders import engine_of, position
from tests.life.decisions import KEY, MARKET, MASK, edited, engines, log_at, records_of
from tests.life.test_versions import APRIL, INSTANT, MARCH, MAY, V1, V2, V3, account, market
from tests.properties.accounts import documents
from tests.properties.documents import Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of as engine_under

COLUMNS: dict[str, Any] = {
    "account": ["Alice", "Bob", "Alice"],
    "id": ["alices-1", "bobs-1", "alices-2"],
    "instrument": ["BTCUSDT", "BTCUSDT", "ETHUSDT"],
    "mode": ["isolated", "isolated", "isolated"],
    "quantity": ["1", "7.5", "-2"],
    "entry_price": ["100", "100", "50"],
    "margin": ["50", "10", "20"],
}
"""Healthy; bankrupt, of 15 lost of 10; healthy."""


def book(**columns: Any) -> Book:
    """Three rows of two accounts, with some columns replaced."""
    return book_from_columns(COLUMNS | columns)


def logged(folder: Path, mask: Mask = UNMASKED, **options: Any) -> Path:
    """A log of one sweep."""
    folder.mkdir(exist_ok=True)
    with log_at(folder / "log", mask=mask, **options) as log:
        LoggedEngine(engine_of(), log).sweep(book(), MARKET, decision="s1")
    return folder / "log.000001.jsonl"


def replayed(file: Path, *books: Book, **options: Any) -> Replay:
    """What a replay with these books finds."""
    return replay(file, engines(), books=lambda _: books, **options)


def told(found: Replay) -> list[str]:
    """The codes of what was found."""
    return [problem.code for problem in found.problems]


def test_sweep__of_a_book_that_is_there_is_replayed(tmp_path: Path) -> None:
    """However the book was read again, and whatever other books are there."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    coded = pyarrow.array(COLUMNS["account"]).dictionary_encode()
    arrow = book(account=coded, id=pyarrow.array(COLUMNS["id"]), quantity=pyarrow.array([1.0, 7.5, -2.0]))
    for same in (book(), book_from_rows(rows), book(quantity=np.array([1.0, 7.5, -2.0])), arrow):
        found = replayed(logged(tmp_path / "log"), book(margin=["50", "11", "20"]), same)
        assert (found.equal, found.different, found.unkept, found.unmatched) == (1, 0, 0, 0)
        assert found.problems == ()
        (tmp_path / "log" / "log.000001.jsonl").unlink()


def test_sweep__without_its_book_is_told_with_what_to_give(tmp_path: Path) -> None:
    """A warning, with the hash by which the book is known and its size; many sweeps of one book are told once."""
    with log_at(tmp_path / "log") as log:
        for _ in range(3):
            LoggedEngine(engine_of(), log).sweep(book(), MARKET)
    found = replayed(tmp_path / "log.000001.jsonl", book(margin=["50", "11", "20"]))
    assert (found.equal, found.unmatched, found.clean) == (0, 3, True)
    (problem,) = found.problems
    assert problem.decision == records_of(tmp_path, "sweep")[0]["decision"]
    assert problem.message == (
        f"3 sweeps were not replayed, of the book {book_hash(book())} of 3 positions of 2 accounts"
    )
    assert "--book" in problem.hint
    assert replayed(tmp_path / "log.000001.jsonl", book()).equal == 3


def test_sweep__of_a_masked_log_is_replayed_with_its_key(tmp_path: Path) -> None:
    """The hash of its book is under the key: without that one, and under another, nobody can tell the book."""
    file = logged(tmp_path, MASK)
    assert replayed(file, book(), key=KEY).equal == 1
    for key, hint in ((b"", "the log is masked: "), (KEY[::-1], "the key given is not that"), (b"short", "the key")):
        found = replayed(file, book(), key=key)
        assert (found.equal, found.unmatched) == (0, 1)
        assert found.problems[0].hint.startswith(hint)
    assert replayed(logged(tmp_path / "plain"), book(), key=KEY).equal == 1


@pytest.mark.parametrize("mask", [7, {"fields": 7}, {"fields": ["name"]}, None])
def test_sweep__under_a_header_that_nobody_wrote(tmp_path: Path, mask: Any) -> None:
    """A mask of any shape is told of at most as one whose key was not given."""
    file = logged(tmp_path)
    edited(file, 0, lambda record: record.update(mask=mask), rechained=True)
    assert replayed(file, book(), key=KEY).equal == 1


def test_sweep__has_the_id_that_it_was_given(tmp_path: Path) -> None:
    """As any decision."""
    assert [line["decision"] for line in records_of(logged(tmp_path).parent, "sweep")] == ["s1"]


def test_sweep__that_was_changed_is_found(tmp_path: Path) -> None:
    """Forged statuses by the book; forged counts by the statuses; a forged book by the hash beside it."""
    file = logged(tmp_path)

    def counts(record: dict[str, Any]) -> None:
        record["status"] |= {"healthy": 3, "bankrupt": 0}

    edited(file, 2, counts, rechained=True)
    assert told(replayed(file)) == ["LOG_BOOK_MISSING"]
    found = replayed(file, book())
    assert told(found) == ["LOG_RECORD_EDITED"]
    assert found.problems[0].message == "its counts are not those of its statuses: status.healthy: logged 3, now 2"
    edited(file, 2, lambda record: record.update(answer_hash="sha256:00"), rechained=True)
    found = replayed(file, book())
    assert (told(found), found.different) == (["LOG_ANSWER_DIFFERS"], 1)
    assert found.problems[0].message == "status.healthy: logged 3, now 2; status.bankrupt: logged 0, now 1"
    edited(file, 2, lambda record: record.update(book_hash="sha256:00"), rechained=True)
    assert told(replayed(file, book())) == ["LOG_RECORD_EDITED"]
    edited(file, 2, lambda record: record.update(book_hash=["?"]), rechained=True)
    assert told(replayed(file, book())) == ["LOG_RECORD_EDITED"]


def test_sweep__whose_rows_changed_places_is_found(tmp_path: Path) -> None:
    """As many rows of each status are not the same rows."""
    file = logged(tmp_path)
    engine = engine_of()
    swept = engine.sweep(book(margin=["1", "7500", "20"]), MARKET)
    assert sorted(row_statuses(swept)) == sorted(row_statuses(engine.sweep(book(), MARKET)))
    edited(file, 2, lambda record: record.update(answer_hash=statuses_hash(swept)), rechained=True)
    found = replayed(file, book())
    assert told(found) == ["LOG_ANSWER_DIFFERS"]
    assert found.problems[0].message == "in the status of rows; as many have each"


def test_sweep__under_a_policy_that_is_not_there(tmp_path: Path) -> None:
    """It is told, and nothing is swept."""
    found = replay(logged(tmp_path), lambda _: None, books=lambda _: [book()])
    assert (told(found), found.different, found.unmatched) == (["LOG_POLICY_UNKNOWN"], 1, 0)


def test_sweep__whose_market_was_not_kept_cannot_be_replayed(tmp_path: Path) -> None:
    """Markets are inputs."""
    found = replayed(logged(tmp_path, keep_inputs=False), book())
    assert (found.equal, found.unkept, found.problems) == (0, 1, ())


def test_hash_of_a_book__is_not_of_the_file_it_came_from(tmp_path: Path) -> None:
    """What is said of a row at fault names its file; a row that is another, or not at fault, has another hash."""
    rows = [{"account": "A", **position("1", margin="50")}, {"account": "A", **position("x", margin="50", id="p2")}]
    hashes = [
        book_hash(book_from_rows([rows[0], rows[1] | fields])) for fields in ({}, {"quantity": "y"}, {"id": "p3"})
    ]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0] != book_hash(book_from_rows([rows[0], rows[1] | {"quantity": "0"}]))


@examples(25)
@given(st.lists(documents(max_tiers=3, max_instruments=3, max_positions=3, max_orders=1, doubts=True), max_size=1))
def test_statuses__stand_in_the_order_of_the_rows(drawn: list[Documents]) -> None:
    """As `evaluate` says them, position by position, under any policy."""
    for each in drawn:
        engine, held = engine_under(each.policy), decode_account(each.account)
        sweep = engine.sweep(book_of([held]), each.market)
        answer = engine.evaluate(held, each.market)
        pools = {pool.pool: pool.status for pool in answer.pools}
        names = ("healthy", "margin_call", "liquidate", "bankrupt", "undetermined")
        expected = [pools.get(position.pool or "", "undetermined") for position in answer.positions]
        assert [names[code] for code in row_statuses(sweep)] == expected


def aged() -> Book:
    """An account of each age: opened under the first, second and third version."""
    held = [account("isolated", opened) | {"account": f"A{i}"} for i, opened in enumerate(AGES)]
    return book_of([decode_account(each) for each in held])


AGES = (MAY, MARCH - INSTANT, APRIL, MAY + INSTANT, MARCH)


def test_decisions__of_versions_for_new_positions_are_replayed_under_all_of_them(tmp_path: Path) -> None:
    """By when each was in force as a store says it, which no text does: here a week earlier than in the texts."""
    line = PolicyLine.of_turns([(each - timedelta(days=7), one) for each, one in ((MARCH, V1), (APRIL, V2), (MAY, V3))])
    texts = engines(*map(Engine, (V1, V2, V3)))
    with log_at(tmp_path / "log") as log:
        at = LoggedEngine(line.engine(MAY), log).at(market(MAY, "52"))
        for opened in AGES:
            at.evaluate(account("cross", opened, MAY - timedelta(days=2)))
        at.sweep(aged())
    found = replay(tmp_path / "log", texts, books=lambda _: [aged()])
    assert (found.problems, found.equal) == ((), len(AGES) + 1)
    versions = records_of(tmp_path, "sweep")[0]["versions"]
    assert [each["version"] for each in versions] == ["3.0.0", "2.0.0"]
    assert versions[0]["effective_from"] == "2026-04-24T00:00:00Z"
    missing = replay(tmp_path / "log", engines(Engine(V3)), books=lambda _: [aged()])
    assert {problem.code for problem in missing.problems} == {"LOG_POLICY_UNKNOWN"}
    assert V2.digest in missing.problems[0].message


def test_shadow__of_a_sweep_compares_the_same_rows() -> None:
    """A candidate for new positions alone takes those apart in its own columns; rows are compared as they stand.

    480 of 500 are lost: 20 are left for 10.4 of maintenance, or 20.8 for the two that the candidate is for.
    """
    at, held = market(MAY, "52"), [account("isolated", opened) | {"account": f"A{i}"} for i, opened in enumerate(AGES)]
    held[1]["positions"][0]["margin"] = "1"
    shadow = ShadowedEngine(Engine(V2), PolicyLine([V2, V3]).engine(MAY), waiting=0)
    shadow.sweep(book_of([decode_account(each) for each in held]), at)
    assert shadow.differences.kinds == {"row healthy -> liquidate": 2}


def test_sweeps__of_one_book_in_two_currencies(tmp_path: Path) -> None:
    """A table may leave out which asset it is in, so a book is read anew for policies of another currency."""
    dollars = engine_of(settlement="{currency: USDC, quantum: 0.01}", collateral="{}")
    with log_at(tmp_path / "log") as log:
        for engine in (engine_of(), dollars):
            LoggedEngine(engine, log).sweep(book(), MARKET)
    asked: list[str] = []

    def books(currency: str) -> list[Book]:
        asked.append(currency)
        return [book()]

    found = replay(tmp_path / "log", engines(engine_of(), dollars), books=books)
    assert (found.equal, found.problems, asked) == (2, (), ["USDC", "USDT"])
