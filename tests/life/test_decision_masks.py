"""Masking: no name stands in the log, records still join, and replay gives the same answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.book import book_from_columns
from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.life.decisions.decision_documents import account_of, answer_document, order_of
from rules_engine.life.decisions.decision_masks import Mask, named_by_id
from rules_engine.life.decisions.decision_records import Manner, Stamp, evaluation_entry, logged_market, order_entry
from rules_engine.life.decisions.decision_replay import replay
from rules_engine.life.decisions.logged import LoggedEngine
from tests.builders import engine_of, position
from tests.life.decisions import ACCOUNT, KEY, MARKET, MASK, NAMES, NOW, ORDER, engines, log_at, records_of
from tests.properties.accounts import documents_with_order
from tests.properties.documents import Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of as engine_under


def test_masked_log__names_nobody_and_replays(tmp_path: Path) -> None:
    """Accounts, positions and orders are tokens; every answer evaluated again is the same."""
    with log_at(tmp_path / "log", mask=MASK) as log:
        logged = LoggedEngine(engine_of(), log)
        logged.evaluate(ACCOUNT, MARKET)
        logged.check_order(ACCOUNT, MARKET, ORDER)
        logged.check_order(ACCOUNT, MARKET, ORDER | {"position": "alices-none"})
        logged.evaluate(ACCOUNT | {"positions": [position("1", id="alices-naked")]}, MARKET)  # a doubt names it
    text = (tmp_path / "log.000001.jsonl").read_text(encoding="utf-8")
    assert [name for name in NAMES if name in text] == []
    assert KEY.hex() not in text
    found = replay(tmp_path / "log", engines())
    assert (found.problems, found.equal) == ((), 4)


def test_token__is_the_hmac_of_the_name(tmp_path: Path) -> None:
    """Anyone with the key can find an account's records, and nobody without it."""
    with log_at(tmp_path / "log", mask=Mask(["account"], KEY)) as log:
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
        LoggedEngine(engine_of(), log).evaluate(ACCOUNT, MARKET)
    token = hmac.new(KEY, b"account\0Alice & Sons", hashlib.sha256).hexdigest()[:32]
    assert [record["account"] for record in records_of(tmp_path, "evaluate")] == [token, token]
    record = records_of(tmp_path, "evaluate")[0]
    assert list(record["status"]) == [f"{token}/isolated/alices-long", f"{token}/cross"]
    assert records_of(tmp_path, "header")[0]["mask"]["fields"] == ["account"]


def test_tokens__of_ids_keep_their_order(tmp_path: Path) -> None:
    """Ties in a close-out go by id, so a token begins with the id's place."""
    ids = ("b", "a", "c")
    names = MASK.names({"account": "A", "positions": [{"id": id} for id in ids]}, {"id": "o", "position": "b"})
    tokens = [str(names.row({"id": id})["id"]) for id in ids]
    assert [token[:2] for token in tokens] == ["1-", "0-", "2-"]
    assert names.row({"id": "o", "position": "b"})["position"] == tokens[0]


@examples(30)
@given(documents_with_order(doubts=True), st.sampled_from([("account",), ("id",), ("account", "id")]))
def test_masked_records__have_the_answers_of_the_masked_inputs(
    drawn: tuple[Documents, Any], fields: tuple[str, ...]
) -> None:
    """Under any policy, what is logged is what the engine says of the account under its tokens."""
    documents, ordered = drawn
    engine = engine_under(documents.policy)
    account, market, order = (
        decode_account(documents.account),
        decode_market(documents.market),
        decode_order(ordered),
    )
    manner = Manner(Mask(fields, KEY), by_position=named_by_id(engine.policy))
    stamp, at = Stamp("d", NOW), logged_market(market)
    entry = evaluation_entry(stamp, account, at, engine.evaluate(account, market), manner)
    record = read(entry.record)
    assert answer_document(engine.evaluate(account_of(record["inputs"]["account"]), market)) == record["answer"]
    entry = order_entry(stamp, account, at, order, engine.check_order(account, market, order), manner)
    record = read(entry.record)
    inputs = record["inputs"]
    again = engine.check_order(account_of(inputs["account"]), market, order_of(inputs["order"]))
    assert answer_document(again) == record["answer"]


def read(record: bytes) -> dict[str, Any]:
    """A record as it comes out of the log."""
    value: dict[str, Any] = json.loads(record)
    return value


def test_sweep__its_record_has_counts_and_the_hash_of_the_book(tmp_path: Path) -> None:
    """Two rows, healthy and bankrupt (15 lost of 10): equal books have equal hashes, another name or number another."""
    columns: dict[str, Any] = {
        "account": ["A", "B"],
        "id": ["p", "p"],
        "instrument": ["BTCUSDT", "BTCUSDT"],
        "mode": ["isolated", "isolated"],
        "quantity": ["1", "7.5"],
        "entry_price": ["100", "100"],
        "margin": ["50", "10"],
    }
    engine = engine_of()
    books = [columns, dict(columns), columns | {"account": ["A", "C"]}, columns | {"margin": ["50", "10.1"]}]
    with log_at(tmp_path / "log") as log:
        for book in books:
            sweep = LoggedEngine(engine, log).sweep(book_from_columns(book), MARKET)
            assert len(sweep.book) == 2
    records = records_of(tmp_path, "sweep")
    assert {name: count for name, count in records[0]["status"].items() if count} == {"healthy": 1, "bankrupt": 1}
    assert (records[0]["positions"], records[0]["accounts"]) == (2, 2)
    hashes = [record["book_hash"] for record in records]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert replay(tmp_path / "log", engines()).unmatched == 4


def test_sweep__under_a_mask_its_hash_is_keyed(tmp_path: Path) -> None:
    """The hash of a small book could be guessed from its names."""
    book = book_from_columns(
        {name: [value] for name, value in position("1", margin="50").items()} | {"account": ["Alice"]}
    )
    for name, mask in (("plain", Mask()), ("masked", MASK)):
        with log_at(tmp_path / name, mask=mask) as log:
            LoggedEngine(engine_of(), log).sweep(book, MARKET)
    masked, plain = records_of(tmp_path, "sweep")
    assert masked["book_hash"] == MASK.token("hash", plain["book_hash"])


@pytest.mark.parametrize(("fields", "key"), [(["group"], KEY), (["account"], b""), (["account"], KEY[:15])])
def test_mask__refuses_what_would_not_mask(fields: list[str], key: bytes) -> None:
    """A field that nobody knows, or a key that could be found by trying."""
    with pytest.raises(ValueError, match=r"cannot mask|the key has"):
        Mask(fields, key)
