"""Documents become records, strictly; whatever is wrong with one is said at once, by path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.errors import Mark
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.market import AssetPrice, InstrumentMarket, Market, Measure
from tests.builders import flat_engine
from tests.engine.document_examples import (
    ACCOUNT_TEXT,
    AS_OF,
    MARKET_TEXT,
    MIDNIGHT,
    ORDER,
    POSITION,
    account_with,
    found,
    problems_of,
)

# What is accepted


def test_account__published_example_becomes_records() -> None:
    account = decode_account(ACCOUNT_TEXT)
    assert account.collateral == {"USDT": Decimal(12000), "BTC": Decimal("0.25")}
    assert account.group_margins == {"SOL": Decimal(2500)}
    assert account.positions[0] == Position(
        id="p1",
        instrument="BTCUSDT",
        mode="isolated",
        quantity=Decimal("0.5"),
        entry_price=Decimal(60000),
        margin=Decimal(3000),
        leverage=Decimal(10),
        accrued=Decimal("-1.25"),
        opened_at=datetime(2026, 11, 30, 12, tzinfo=UTC),
    )
    assert [position.quantity for position in account.positions] == [Decimal("0.5"), Decimal(-4), Decimal(100)]
    assert account.orders[0].price == Decimal(59000)
    assert account.orders[0].reduce_only is False
    assert account.fee_rate is None


def test_market__published_example_becomes_records() -> None:
    instrument = InstrumentMarket(
        mark_price=Decimal(61000),
        index_price=Decimal(61010),
        time=MIDNIGHT,
        measures={"realized_24h": Measure(value=Decimal("0.7")), "depth_1pct": Measure(value=Decimal(9000000))},
        expires_at=None,
    )
    prices = {"BTC": AssetPrice(price=Decimal(61005), time=MIDNIGHT)}
    assert decode_market(MARKET_TEXT) == Market(as_of=MIDNIGHT, instruments={"BTCUSDT": instrument}, prices=prices)


@pytest.mark.parametrize("text", [ACCOUNT_TEXT, MARKET_TEXT])
def test_document__text_bytes_and_dict_are_one(text: str) -> None:
    decode: Any = decode_account if text is ACCOUNT_TEXT else decode_market
    assert decode(text) == decode(text.encode()) == decode(json.loads(text))


def test_document__records_pass_through() -> None:
    account, market = Account(account="A"), Market(as_of=MIDNIGHT)
    order = Order(id="o", instrument="X", mode="cross", quantity=Decimal(1))
    assert decode_account(account) is account
    assert decode_market(market) is market
    assert decode_order(order) is order


def test_document__any_mapping_and_tuples_will_do() -> None:
    account = decode_account(MappingProxyType({"account": "A", "positions": (MappingProxyType(POSITION),)}))
    assert account.positions[0].id == "p1"


def test_order__absent_and_null_price_are_market_orders() -> None:
    assert decode_order(ORDER).price is None
    assert decode_order({**ORDER, "price": None}) == decode_order(ORDER)


def test_measure__carries_its_own_time_in_the_long_form() -> None:
    market = decode_market({"as_of": AS_OF, "instruments": {"X": {"measures": {"m": {"value": "1", "time": AS_OF}}}}})
    assert market.instruments["X"].measures["m"] == Measure(value=Decimal(1), time=MIDNIGHT)


def test_expires_at__absent_is_unset_and_null_is_never() -> None:
    market = decode_market({"as_of": AS_OF, "instruments": {"X": {}, "Y": {"expires_at": None}}})
    assert market.instruments["X"].expires_at is msgspec.UNSET
    assert market.instruments["Y"].expires_at is None


@pytest.mark.parametrize("mark", ["0", "-5", None])
def test_mark_price__zero_negative_or_null_is_no_fault_of_the_document(mark: str | None) -> None:
    market = decode_market({"as_of": AS_OF, "instruments": {"X": {"mark_price": mark}}})
    assert market.instruments["X"].mark_price == (mark if mark is None else Decimal(mark))


# Ranges


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "0"), ("entry_price", "0"), ("entry_price", "-1"), ("leverage", "-2"), ("margin", "-0.01")],
)
def test_position__figures_of_any_size_are_no_fault_of_the_document(field: str, value: str) -> None:
    assert getattr(decode_account(account_with(**{field: value})).positions[0], field) == Decimal(value)


@pytest.mark.parametrize(("field", "value"), [("quantity", "0"), ("price", "0"), ("price", "-1"), ("leverage", "0")])
def test_order__field_out_of_range(field: str, value: str) -> None:
    assert found(decode_order, {**ORDER, field: value}) == [("VALUE_RANGE", field)]


def test_order__negative_quantity_sells() -> None:
    assert decode_order({**ORDER, "quantity": "-0.1"}).quantity == Decimal("-0.1")


def test_account__collateral_and_group_margin_may_be_owed() -> None:
    document = {"account": "A", "collateral": {"USDT": "-5"}, "group_margins": {"SOL": "-6"}}
    account = decode_account(document)
    assert (account.collateral["USDT"], account.group_margins["SOL"]) == (-5, -6)


@pytest.mark.parametrize(("rate", "accepted"), [("0", True), ("0.9999", True), ("1", False), ("-0.0001", False)])
def test_fee_rate__is_a_fraction_below_one(rate: str, accepted: bool) -> None:
    document = {"account": "A", "fee_rate": rate}
    if accepted:
        assert decode_account(document).fee_rate == Decimal(rate)
    else:
        assert found(decode_account, document) == [("VALUE_RANGE", "fee_rate")]


@pytest.mark.parametrize("field", ["contract_size", "conversion", "price_tick", "quantity_step"])
def test_reference_data__of_any_size_is_no_fault_of_the_document(field: str) -> None:
    document = {"as_of": AS_OF, "instruments": {"BTC/USDT:USDT": {field: "0"}}}
    assert getattr(decode_market(document).instruments["BTC/USDT:USDT"], field) == 0


# Keys and shapes


def test_key__unknown_one_comes_with_the_nearest() -> None:
    (problem,) = problems_of(decode_account, account_with(leverag="5"))
    assert (problem.code, problem.path, problem.hint) == (
        "KEY_UNKNOWN",
        "positions[0].leverag",
        "did you mean `leverage`?",
    )


def test_key__unknown_one_without_a_neighbour_comes_with_all() -> None:
    (problem,) = problems_of(decode_market, {"as_of": AS_OF, "zzz": 1})
    assert problem.hint == "known: as_of, instruments, prices"


def test_key__missing_ones_are_all_named() -> None:
    paths = [f"positions[0].{name}" for name in ("id", "instrument", "mode", "quantity", "entry_price")]
    assert found(decode_account, {"positions": [{}]}) == [("KEY_MISSING", path) for path in ["account", *paths]]


def test_key__misspelled_is_not_missing_as_well() -> None:
    position = {**POSITION, "quantty": "1"}
    del position["quantity"]
    (problem,) = problems_of(decode_account, {"account": "A", "positions": [position]})
    assert (problem.code, problem.hint) == ("KEY_UNKNOWN", "did you mean `quantity`?")


def test_key__that_is_not_text_is_refused() -> None:
    assert found(decode_account, {"account": "A", 5: 1}) == [("KEY_UNKNOWN", "5")]
    assert found(decode_account, {"account": "A", "collateral": {5: "1"}}) == [("TYPE_WRONG", "collateral.5")]


def test_key__asset_names_are_text() -> None:
    assert found(decode_account, {"account": "A", "collateral": {"": "1"}}) == [("TEXT_EMPTY", 'collateral[""]')]


def test_key__duplicate_is_refused_at_its_second_place() -> None:
    text = '{"account": "A",\n "collateral": {"USDT": 1, "US\\u0044T": 2}}'
    assert [(p.code, p.path, p.mark) for p in problems_of(decode_account, text, "a.json")] == [
        ("KEY_DUPLICATE", "collateral.USDT", Mark("a.json", 2, 28))
    ]


def test_key__duplicate_hides_nothing_else() -> None:
    text = '{"account": "A", "account": "", "positions": []}'
    assert found(decode_account, text) == [("KEY_DUPLICATE", "account"), ("TEXT_EMPTY", "account")]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "$"),
        (None, "$"),
        (Market(as_of=MIDNIGHT), "$"),
        ({"account": "A", "positions": None}, "positions"),
        ({"account": "A", "positions": {}}, "positions"),
        ({"account": "A", "positions": ["p1"]}, "positions[0]"),
        ({"account": "A", "collateral": []}, "collateral"),
        ({"account": "A", "orders": [None]}, "orders[0]"),
    ],
)
def test_shape__wrong_ones_are_named(document: Any, path: str) -> None:
    codes = found(decode_account, document)
    assert codes[0] == ("TYPE_WRONG", path)


def test_shape__root_that_is_no_object_is_one_problem() -> None:
    assert found(decode_account, []) == [("TYPE_WRONG", "$")]


def test_id__of_two_positions_is_refused_at_the_second() -> None:
    document = {"account": "A", "positions": [POSITION, {**POSITION, "id": "p2"}, POSITION]}
    (problem,) = problems_of(decode_account, document)
    assert (problem.code, problem.path) == ("ID_DUPLICATE", "positions[2].id")
    assert "positions[0]" in problem.message


def test_id__of_a_position_and_an_order_may_be_one() -> None:
    account = decode_account({**account_with(), "orders": [{**ORDER, "id": "p1"}]})
    assert account.orders[0].id == account.positions[0].id


# Who is at fault


def test_problem__of_a_document_without_text_names_the_document() -> None:
    (problem,) = problems_of(decode_order, {**ORDER, "quantity": 0.1})
    assert str(problem).startswith("order: quantity: NUMBER_IS_FLOAT 0.1 is a binary float")
    (problem,) = problems_of(decode_market, [])
    assert str(problem) == "market: TYPE_WRONG found a list, wanted an object"


def test_problem__of_a_text_keeps_its_place_in_the_text() -> None:
    (problem,) = problems_of(decode_order, "[]")
    assert str(problem) == "order:1:1: TYPE_WRONG found a list, wanted an object"


def test_path__instead_of_a_document_is_told_to_be_read() -> None:
    (problem,) = problems_of(decode_market, Path("market.json"))
    assert (
        str(problem) == "market: TYPE_WRONG found the path 'market.json', wanted a document (pass what is in the file)"
    )


@pytest.mark.parametrize("text", ["market.json", "data/market.json ", "./market", "/srv/market", "~/m", "C:\\market"])
def test_text__that_names_a_file_is_told_so(text: str) -> None:
    (problem,) = problems_of(decode_market, text)
    assert (problem.code, problem.hint) == ("JSON_SYNTAX", "this looks like the name of a file: pass what is in it")


def test_text__that_is_broken_json_is_taken_for_no_file() -> None:
    (problem,) = problems_of(decode_market, '{"as_of": "market.json"')
    assert (problem.code, problem.hint) == ("JSON_SYNTAX", "")


def test_engine__reports_the_problems_of_all_documents_at_once() -> None:
    engine = flat_engine()
    asked = ("account: account: TYPE_WRONG", "market: as_of: TIME_INVALID", "order:1:2: JSON_SYNTAX")
    documents: tuple[Any, ...] = ({"account": 5}, {"as_of": "soon"}, "{")
    for ask, count in ((engine.evaluate, 2), (engine.explain, 2), (engine.check_order, 3)):
        problems = problems_of(ask, *documents[:count])
        assert [str(problem).startswith(start) for problem, start in zip(problems, asked, strict=False)] == [
            True
        ] * count


def test_engine__names_the_order_whose_id_is_taken() -> None:
    account = {"account": "A", "orders": [ORDER]}
    (problem,) = problems_of(flat_engine().check_order, account, {"as_of": AS_OF}, ORDER)
    assert str(problem).startswith("order: id: ID_DUPLICATE")
