"""What cannot be understood with certainty is refused, with its reason; the other markets are imported."""

from __future__ import annotations

from typing import Any

import pytest

from rules_engine.errors import DocumentError, Problem
from rules_engine.policy.importing import import_ccxt_tiers
from rules_engine.policy.importing.source import LARGEST_SOURCE
from tests.policy.tier_examples import of, tier, two_tiers


def refusals(symbol: str, rows: Any) -> list[tuple[str, str]]:
    """Codes and places of what is refused, with a good market beside it that is imported all the same."""
    good = two_tiers("GOOD/USDT:USDT")
    result = of({symbol: rows, "GOOD/USDT:USDT": good})
    assert result.summary.contracts == 1
    assert "GOODUSDT:" in result.policies["binance-usdm-usdt/1.0.0.yaml"]
    return [(problem.code, problem.path) for problem in result.summary.refused]


def fault(data: bytes, **options: str) -> Problem:
    with pytest.raises(DocumentError) as caught:
        import_ccxt_tiers(data, file="tiers.json", **options)
    (problem,) = caught.value.problems
    return problem


# Units that the shape does not tell.


def test_unit__a_gap_between_tiers_counts_contracts() -> None:
    """OKX and Kraken: 0-2000, 2001-4000."""
    rows = [tier(1, "0", "2000", "0.004", "100"), tier(2, "2001", "4000", "0.005", "75")]
    assert refusals("BTC/USDT:USDT", rows) == [("TIERS_GAP", "BTC/USDT:USDT[1]")]


@pytest.mark.parametrize(
    "record",
    [
        {"minSz": "0", "maxSz": "2000", "imr": "0.01", "mmr": "0.004", "maxLever": "100"},
        {"qtyFloor": 0, "qtyCap": 5, "cum": 0},
        {"contracts": "0", "initialMargin": "0.02", "maintenanceMargin": "0.01"},
        {"numNonContractUnits": "0", "initialMargin": "0.02", "maintenanceMargin": "0.01"},
    ],
    ids=["okx", "binance-coin-m", "kraken-inverse", "kraken-linear"],
)
def test_unit__a_record_that_counts_quantity_is_refused_even_with_one_tier(record: dict[str, Any]) -> None:
    rows = [tier(1, "0", "2000", "0.004", "100", info=record)]
    assert refusals("BTC/USDT:USDT", rows) == [("TIERS_COUNT_QUANTITY", "BTC/USDT:USDT")]


def test_unit__a_last_tier_without_an_end_does_not_hide_that_contracts_are_counted() -> None:
    rows = [tier(1, "0", "499999", "0.01", "50", maxNotional=None, info={"contracts": "0"})]
    assert refusals("BTC/USD:USD", rows) == [("TIERS_COUNT_QUANTITY", "BTC/USD:USD")]


def test_unit__an_inverse_contract_counts_its_base() -> None:
    rows = [tier(1, "0", "5", "0.004", "125", symbol="BTC/USD:BTC", currency="BTC")]
    assert refusals("BTC/USD:BTC", rows) == [("TIERS_INVERSE", "BTC/USD:BTC")]


def test_unit__a_quanto_contract_is_refused() -> None:
    rows = [tier(1, "0", "5", "0.004", "125", symbol="ETH/USD:BTC", currency="BTC")]
    assert refusals("ETH/USD:BTC", rows) == [("TIERS_QUANTO", "ETH/USD:BTC")]


def test_unit__a_tier_in_another_currency_is_refused() -> None:
    assert refusals("BTC/USDT:USDT", two_tiers(currency="BTC")) == [("TIERS_CURRENCY", "BTC/USDT:USDT[0]")]


@pytest.mark.parametrize("record", [None, {}, {"notionalFloor": "0"}])
def test_unit__a_record_that_says_nothing_is_not_guessed(record: dict[str, Any] | None) -> None:
    rows = [tier(1, "0", "2000", "0.004", "100", info=record)]
    assert refusals("BTC/USDT:USDT", rows) == [("TIERS_UNIT_UNKNOWN", "BTC/USDT:USDT[0].info")]


def test_unit__every_refusal_says_what_to_do() -> None:
    rows = [tier(1, "0", "2000", "0.004", "100"), tier(2, "2001", "4000", "0.005", "75")]
    (problem,) = of({"BTC/USDT:USDT": rows}).summary.refused
    assert "2000" in problem.message and "2001" in problem.message and "unit: quantity" in problem.hint


# Contradictions and broken laws.


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"symbol": "ETH/USDT:USDT"}, ("TIERS_CONTRADICTORY", "BTC/USDT:USDT[0].symbol")),
        ({"tier": "2"}, ("TIERS_CONTRADICTORY", "BTC/USDT:USDT[0].tier")),
        ({"currency": ["USDT"]}, ("TYPE_WRONG", "BTC/USDT:USDT[0].currency")),
        ({"maintenanceMarginRate": "0.003"}, ("TIERS_CONTRADICTORY", "BTC/USDT:USDT[0].info.maintMarginRatio")),
        ({"maxLeverage": "124"}, ("TIERS_CONTRADICTORY", "BTC/USDT:USDT[0].info.initialLeverage")),
        ({"maxNotional": "60000"}, ("TIERS_CONTRADICTORY", "BTC/USDT:USDT[0].info.notionalCap")),
    ],
)
def test_market__one_that_contradicts_itself_is_refused(changes: dict[str, Any], found: tuple[str, str]) -> None:
    assert refusals("BTC/USDT:USDT", [tier(1, "0", "50000", "0.004", "125", **changes)]) == [found]


@pytest.mark.parametrize(
    ("first", "second", "code", "place"),
    [
        (("1", "50000", "0.004", "125"), ("50000", "90000", "0.005", "100"), "TIER_FLOORS", 0),
        (("0", "0", "0.004", "125"), ("0", "90000", "0.005", "100"), "TIER_FLOORS", 0),
        (("0", "50000", "0.004", "125"), ("40000", "90000", "0.005", "100"), "TIER_FLOORS", 1),
        (("0", "50000", "0.004", "125"), ("50000", "90000", "0.0039", "100"), "TIER_RATE_FALLS", 1),
        (("0", "50000", "0.004", "100"), ("50000", "90000", "0.005", "101"), "TIER_LEVERAGE_RISES", 1),
        (("0", "50000", "0.004", "125"), ("50000", "90000", "0.01", "100"), "INITIAL_NOT_ABOVE_MAINTENANCE", 1),
        (("0", "50000", "0", "125"), ("50000", "90000", "0.005", "100"), "RATE_RANGE", 0),
        (("0", "50000", "0.004", "125"), ("50000", "90000", "1", "1"), "RATE_RANGE", 1),
        (("0", "50000", "0.004", "125"), ("50000", "90000", "0.005", "0.5"), "LEVERAGE_RANGE", 1),
    ],
)
def test_law__a_broken_one_refuses_the_market(
    first: tuple[str, str, str, str], second: tuple[str, str, str, str], code: str, place: int
) -> None:
    found = refusals("BTC/USDT:USDT", [tier(1, *first), tier(2, *second)])
    assert (code, f"BTC/USDT:USDT[{place}]") in found


def test_law__initial_just_above_maintenance_is_allowed() -> None:
    """1/75 is 0.01333...: a rate of 0.0133 lies below it, 0.0134 above."""
    assert of({"BTC/USDT:USDT": [tier(1, "0", "5", "0.0133", "75")]}).summary.refused == ()
    assert refusals("BTC/USDT:USDT", [tier(1, "0", "5", "0.0134", "75")]) == [
        ("INITIAL_NOT_ABOVE_MAINTENANCE", "BTC/USDT:USDT[0]")
    ]


def test_law__all_that_are_broken_are_said_at_once() -> None:
    rows = [tier(1, "1", "50000", "0.004", "100"), tier(2, "50000", "90000", "0.003", "125")]
    assert [code for code, _ in refusals("BTC/USDT:USDT", rows)] == [
        "TIER_FLOORS", "TIER_RATE_FALLS", "TIER_LEVERAGE_RISES",
    ]  # fmt: skip


# Fields.


@pytest.mark.parametrize(
    "field", ["tier", "symbol", "currency", "minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage"]
)
def test_field__a_missing_one_is_named(field: str) -> None:
    rows = [tier(1, "0", "50000", "0.004", "125", **{field: None})]
    assert refusals("BTC/USDT:USDT", rows) == [("KEY_MISSING", f"BTC/USDT:USDT[0].{field}")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "NUMBER_INVALID"),
        (float("inf"), "NUMBER_INVALID"),
        ("NaN", "NUMBER_INVALID"),
        ("1_000", "NUMBER_INVALID"),
        (" 1", "NUMBER_INVALID"),
        ("٤٢", "NUMBER_INVALID"),
        ("9" * 5000, "NUMBER_INVALID"),
        ("1e-99999999", "NUMBER_INVALID"),
        (True, "NUMBER_INVALID"),
        ([], "NUMBER_INVALID"),
        ("9" * 41, "NUMBER_RANGE"),
        ("1e31", "NUMBER_RANGE"),
        ("1e-31", "NUMBER_RANGE"),
    ],
)
def test_field__what_is_no_number_is_refused(value: Any, code: str) -> None:
    rows = [tier(1, "0", "50000", "0.004", "125", maintenanceMarginRate=value)]
    assert refusals("BTC/USDT:USDT", rows) == [(code, "BTC/USDT:USDT[0].maintenanceMarginRate")]


@pytest.mark.parametrize("rows", [[], {}, "tiers", None, 5])
def test_field__a_market_without_a_list_of_tiers_is_refused(rows: Any) -> None:
    assert refusals("BTC/USDT:USDT", rows) == [("TYPE_WRONG", "BTC/USDT:USDT")]


def test_field__a_tier_that_is_no_object_is_refused() -> None:
    assert ("TYPE_WRONG", "BTC/USDT:USDT[0]") in refusals("BTC/USDT:USDT", ["tier"])


# Symbols.


@pytest.mark.parametrize(
    ("symbol", "code"),
    [
        ("BTC/USDT", "SYMBOL_UNREADABLE"),
        ("BTCUSDT", "SYMBOL_UNREADABLE"),
        ("BTC/USDT:USDT-261225-100000-C", "SYMBOL_UNREADABLE"),
        ("BTC/usdt:usdt", "SYMBOL_UNREADABLE"),
        ("B" * 101 + "/USDT:USDT", "SYMBOL_UNREADABLE"),
        ("BTC/USDT:USDT-261301", "SYMBOL_DATE"),
        ("*/USDT:USDT", "SYMBOL_GLOB"),
        ("B?C/USDT:USDT", "SYMBOL_GLOB"),
    ],
)
def test_symbol__one_that_names_no_known_contract_is_refused(symbol: str, code: str) -> None:
    assert refusals(symbol, two_tiers(symbol)) == [(code, symbol)]


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u202e", " ", "\u00a0", "\t", "\x00", "\u3164", "\ufe0f", "\ud800", "\ue000"]
)
def test_symbol__characters_that_cannot_be_seen_are_refused_and_shown_escaped(hidden: str) -> None:
    ((code, path),) = refusals(f"BT{hidden}C/USDT:USDT", two_tiers())
    assert code == "SYMBOL_INVISIBLE"
    assert path.isprintable() and path != "BTC/USDT:USDT"


@pytest.mark.parametrize("pair", [("e\u0301/USDT:USDT", "\u00e9/USDT:USDT"), ("1/0USDT:0USDT", "10/USDT:USDT")])
def test_symbol__two_that_would_get_one_name_are_both_refused(pair: tuple[str, str]) -> None:
    result = of({symbol: two_tiers(symbol, symbol.rsplit(":")[1]) for symbol in pair})
    assert [problem.code for problem in result.summary.refused] == ["NAME_COLLISION", "NAME_COLLISION"]
    assert result.policies == {}


# Files that are no use as a whole.


def test_file__repeated_keys_are_all_named() -> None:
    tiers = b'[{"tier": 1, "tier": 2, "info": {"cum": 0, "cum": 1}}]'
    data = b'{"A/USDT:USDT": ' + tiers + b', "B/USDT:USDT": [], "B/USDT:USDT": []}'
    with pytest.raises(DocumentError) as caught:
        import_ccxt_tiers(data, file="tiers.json")
    assert [(problem.code, problem.path) for problem in caught.value.problems] == [
        ("KEY_DUPLICATE", "B/USDT:USDT"),
        ("KEY_DUPLICATE", "A/USDT:USDT[0].tier"),
        ("KEY_DUPLICATE", "A/USDT:USDT[0].info.cum"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "JSON_SYNTAX"),
        (b"\xef\xbb\xbf{}", "JSON_SYNTAX"),
        (b"[" * 100_000, "JSON_DEPTH"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "JSON_DEPTH"),
        (b"{}", "TYPE_WRONG"),
        (b"[]", "TYPE_WRONG"),
        (b'"text"', "TYPE_WRONG"),
        (b" " * (LARGEST_SOURCE + 1), "JSON_SIZE"),
    ],
    ids=["empty", "byte-order-mark", "bottomless", "deep", "no-markets", "list", "text", "oversize"],
)
def test_file__one_that_is_no_object_of_markets_is_refused(data: bytes, code: str) -> None:
    assert fault(data).code == code


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b'{\n "a": tru}', "JSON_SYNTAX", "tiers.json:2:7"),
        (b'{\n"\xff"}', "JSON_ENCODING", "tiers.json:2:2"),
        (b"\x1f\x8b\x08", "JSON_ENCODING", "tiers.json:1:2"),
    ],
)
def test_file__a_fault_in_the_text_has_its_place(data: bytes, code: str, place: str) -> None:
    problem = fault(data)
    assert (problem.code, str(problem.mark)) == (code, place)


@pytest.mark.parametrize("name", ["", "Binance", "a_b", "../x", "a--b", "-a"])
def test_identity__a_name_that_is_no_policy_name_is_refused(name: str) -> None:
    assert fault(b"{}", name=name).code == "NAME_INVALID"


@pytest.mark.parametrize("version", ["1", "1.0", "01.0.0", "1.0.0\n", "latest", "../1.0.0"])
def test_identity__a_version_that_is_not_semantic_is_refused(version: str) -> None:
    assert fault(b"{}", version=version).code == "VERSION_INVALID"
