"""Numbers, text and times of documents: what is read exactly, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.engine.documents import decode_account, decode_market, decode_order
from rules_engine.errors import Mark
from tests.engine.document_examples import (
    AS_OF,
    MIDNIGHT,
    ORDER,
    account_with,
    found,
    problems_of,
)


def quantity_of(value: Any) -> Decimal:
    return decode_account(account_with(quantity=value)).positions[0].quantity


def codes_of_quantity(value: Any) -> list[str]:
    return [code for code, _ in found(decode_account, account_with(quantity=value))]


@pytest.mark.parametrize(
    "written",
    ["0.005", "-4", "007", "1e30", "-1e-30", "1e+5", "25e-1", "1" * 30, "0." + "0" * 29 + "1", "1e0000000002"],
)
def test_number__is_read_as_it_is_spelt(written: str) -> None:
    assert quantity_of(written) == Decimal(written)


@pytest.mark.parametrize("written", ["0", "-0", "0.00", "0e-99999999", "0e" + "9" * 5000])
def test_number__zero_is_zero_whatever_its_exponent(written: str) -> None:
    assert quantity_of(written) == 0
    assert quantity_of(written) + Decimal("0.1") == Decimal("0.1")


def test_number__of_json_keeps_digits_that_a_float_would_lose() -> None:
    text = json.dumps(account_with()).replace('"0.5"', "0.1000000000000000055511151231257827")
    assert decode_account(text).positions[0].quantity == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize("value", [5, 10**30, Decimal("0.5"), Decimal("1E+30"), Decimal("0E-999")])
def test_number__of_a_dict_may_be_int_or_decimal(value: int | Decimal) -> None:
    assert quantity_of(value) == value


@pytest.mark.parametrize(
    "written",
    [
        "NaN",
        "Infinity",
        "-inf",
        "1_000",
        " 1",
        "1 ",
        "1\n",
        "",
        "+1",
        ".5",
        "5.",
        "1E5",
        "0x1F",
        "1,5",
        "１２",
        "٣",
        "--1",
    ],
)
def test_number__other_spellings_are_invalid(written: str) -> None:
    assert codes_of_quantity(written) == ["NUMBER_INVALID"]


@pytest.mark.parametrize(
    "value",
    [
        "1e31",
        "-1.1e30",
        "1e-31",
        "1e-99999999",
        "1e" + "9" * 5000,
        "9" * 5000,
        "0." + "0" * 40,
        "1." + "0" * 40,
        10**31,
        Decimal("1e31"),
        Decimal("1e-31"),
        Decimal("1." + "1" * 40),
    ],
)
def test_number__beyond_size_or_length_is_out_of_range(value: Any) -> None:
    assert codes_of_quantity(value) == ["NUMBER_RANGE"]


def test_number__int_too_long_to_print_is_out_of_range() -> None:
    assert codes_of_quantity(-(10**5000)) == ["NUMBER_RANGE"]


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")])
def test_number__decimal_that_is_not_finite_is_invalid(value: Decimal) -> None:
    assert codes_of_quantity(value) == ["NUMBER_INVALID"]


def test_number__float_is_refused_with_the_way_out() -> None:
    (problem,) = problems_of(decode_account, account_with(quantity=0.5))
    assert (problem.code, problem.hint) == ("NUMBER_IS_FLOAT", "pass text or a Decimal")


@pytest.mark.parametrize("value", [True, None, [], {}, b"1", object()])
def test_number__other_types_are_wrong(value: Any) -> None:
    assert codes_of_quantity(value) == ["TYPE_WRONG"]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_number__json_constants_are_refused_at_their_place(constant: str) -> None:
    text = json.dumps({"account": "A", "collateral": {"USDT": 1}}).replace("1}", constant + "}")
    assert [(p.code, p.path, p.mark) for p in problems_of(decode_account, text, "a.json")] == [
        ("NUMBER_INVALID", "collateral.USDT", Mark("a.json", 1, 41))
    ]


def test_number__long_evidence_is_cut() -> None:
    (problem,) = problems_of(decode_account, account_with(quantity="9" * 5000))
    assert len(str(problem)) < 200


@pytest.mark.parametrize("field", ["id", "instrument", "mode", "group"])
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "TEXT_EMPTY"),
        ("  ", "TEXT_EMPTY"),
        ("a\nb", "TEXT_INVALID"),
        ("a\ud800", "TEXT_INVALID"),
        (5, "TYPE_WRONG"),
    ],
)
def test_text__names_something_without_control_characters(field: str, value: Any, code: str) -> None:
    assert found(decode_account, account_with(**{field: value})) == [(code, f"positions[0].{field}")]


def test_text__of_any_script_and_of_subclasses_is_plain_text() -> None:
    class Name(str):
        pass

    position = decode_account(account_with(instrument="哈基米USDT", id=Name("p\u00a09"))).positions[0]
    assert (position.instrument, position.id, type(position.id)) == ("哈基米USDT", "p\u00a09", str)


def test_text__is_not_a_json_number() -> None:
    assert found(decode_account, '{"account": 17}') == [("TYPE_WRONG", "account")]


@pytest.mark.parametrize("value", ["true", 1, None])
def test_reduce_only__is_true_or_false(value: Any) -> None:
    assert found(decode_order, {**ORDER, "reduce_only": value}) == [("TYPE_WRONG", "reduce_only")]


@pytest.mark.parametrize(
    "value",
    [
        AS_OF,
        "2026-12-02t00:00:00z",
        "2026-12-02T00:00:00.000000000Z",
        "2026-12-02T01:00:00+01:00",
        datetime(2026, 12, 2, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_time__of_any_zone_is_one_instant_in_utc(value: Any) -> None:
    market = decode_market({"as_of": value})
    assert market.as_of == MIDNIGHT
    assert market.as_of.utcoffset() == timedelta(0)


def test_time__keeps_microseconds() -> None:
    assert decode_market({"as_of": "2026-12-02T00:00:00.000001Z"}).as_of.microsecond == 1


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-02",
        "20261202T000000Z",
        "2026-13-02T00:00:00Z",
        "2026-12-02T00:00:60Z",
        "2026-12-02T00:00:00.0000001Z",
        "0001-01-01T00:00:00+10:00",
        "1e9",
        "",
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_time__outside_rfc_3339_is_invalid(value: Any) -> None:
    assert found(decode_market, {"as_of": value}) == [("TIME_INVALID", "as_of")]


@pytest.mark.parametrize("document", [{"as_of": 1}, {"as_of": None}, '{"as_of": 1}'])
def test_time__is_neither_number_nor_null(document: Any) -> None:
    assert found(decode_market, document) == [("TYPE_WRONG", "as_of")]


@pytest.mark.parametrize("value", ["2026-12-02T00:00:00", "2026-12-02t00:00:00.5", datetime(2026, 12, 2)])
def test_time__without_a_zone_is_no_instant(value: Any) -> None:
    assert found(decode_market, {"as_of": value}) == [("TIME_WITHOUT_ZONE", "as_of")]
