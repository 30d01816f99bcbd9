"""Market documents with terms of contracts, and with measures of collateral assets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.engine.documents import decode_market
from rules_engine.terms.market import AssetPrice, Measure
from tests.engine.document_examples import AS_OF, MIDNIGHT, found, problems_of


def market_with_terms(terms: Any) -> dict[str, Any]:
    """A market in which one option has these terms."""
    return {"as_of": AS_OF, "instruments": {"AAPL-C-280": {"terms": terms}}}


def market_with_measures(measures: Any) -> dict[str, Any]:
    """A market in which one collateral asset has these measures."""
    return {"as_of": AS_OF, "prices": {"BTC": {"price": "61005", "measures": measures}}}


def test_terms__are_exact_numbers_by_name() -> None:
    """Text, ints and Decimals are numbers here as anywhere, and may have any sign."""
    market = decode_market(market_with_terms({"strike": "280.50", "barrier": 300, "Spread, %": Decimal("-0.1")}))
    wanted = {"strike": Decimal("280.5"), "barrier": Decimal(300), "Spread, %": Decimal("-0.1")}
    assert market.instruments["AAPL-C-280"].terms == wanted


def test_terms__of_json_text_keep_every_digit() -> None:
    """A JSON number is the decimal that it spells: 0.1 is a tenth."""
    text = json.dumps(market_with_terms({"strike": 0.1}))
    assert decode_market(text).instruments["AAPL-C-280"].terms == {"strike": Decimal("0.1")}


def test_terms__may_be_left_out() -> None:
    """An instrument that states none, or an empty object, has none."""
    markets = [{"as_of": AS_OF, "instruments": {"AAPL-C-280": {}}}, market_with_terms({})]
    assert [decode_market(market).instruments["AAPL-C-280"].terms for market in markets] == [{}, {}]


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"strike": 280.5}, "NUMBER_IS_FLOAT", ".strike"),
        ({"strike": "NaN"}, "NUMBER_INVALID", ".strike"),
        ({"strike": "1e31"}, "NUMBER_RANGE", ".strike"),
        ({"strike": None}, "TYPE_WRONG", ".strike"),
        ({"strike": {"value": "280"}}, "TYPE_WRONG", ".strike"),
        (None, "TYPE_WRONG", ""),
        ([], "TYPE_WRONG", ""),
    ],
)
def test_terms__what_is_no_number_is_refused_at_its_place(terms: Any, code: str, path: str) -> None:
    """A term has no long form, unlike a measure, and is never null."""
    market = market_with_terms(terms)
    assert found(decode_market, market) == [(code, f"instruments.AAPL-C-280.terms{path}")]


def test_terms__name_is_text() -> None:
    """A name that nobody can see is none."""
    (problem,) = problems_of(decode_market, market_with_terms({" ": "280"}))
    assert problem.code == "TEXT_EMPTY"


def test_price__measures_are_read_as_those_of_instruments() -> None:
    """The short form is the value alone; the full one may have a time."""
    full = {"value": "0.2", "time": AS_OF}
    market = decode_market(market_with_measures({"realized_24h": "0.7", "depth_1pct": full}))
    measures = {
        "realized_24h": Measure(value=Decimal("0.7")),
        "depth_1pct": Measure(value=Decimal("0.2"), time=MIDNIGHT),
    }
    assert market.prices["BTC"] == AssetPrice(price=Decimal(61005), measures=measures)


@pytest.mark.parametrize(
    ("measures", "code", "path"),
    [
        ({"depth": "deep"}, "NUMBER_INVALID", ".depth"),
        ({"depth": {"time": AS_OF}}, "KEY_MISSING", ".depth.value"),
        ({"depth": {"value": "1", "at": AS_OF}}, "KEY_UNKNOWN", ".depth.at"),
        ("deep", "TYPE_WRONG", ""),
    ],
)
def test_price__fault_in_measures_is_found_at_its_place(measures: Any, code: str, path: str) -> None:
    """As in the measures of an instrument."""
    assert found(decode_market, market_with_measures(measures)) == [(code, f"prices.BTC.measures{path}")]
