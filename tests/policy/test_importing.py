"""Published tiers become policies without loss, and policies read well."""

from __future__ import annotations

import json
import lzma
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.policy.importing import DeductionDifference, Import, import_ccxt_tiers
from rules_engine.policy.load import load_policy
from rules_engine.terms.policy import Policy
from tests.policy.tier_examples import document, of, tier, two_tiers

ROOT = Path(__file__).parents[2]
USDT_POLICY = "binance-usdm-usdt/1.0.0.yaml"
SOURCE = ROOT / "tests" / "data" / "binance-usdm-leverage-tiers.json.xz"


@pytest.fixture(scope="module")
def published() -> bytes:
    return lzma.decompress(SOURCE.read_bytes())


@pytest.fixture(scope="module")
def imported(published: bytes) -> Import:
    return import_ccxt_tiers(published, file=SOURCE.name)


# The published list of 907 contracts. Its figures are counted apart, by its README and by json alone.


def test_import__every_published_deduction_is_the_derived_one(imported: Import) -> None:
    assert (imported.summary.deductions, imported.summary.differences) == (7276, ())


def test_import__counts_what_was_published(imported: Import) -> None:
    summary = imported.summary
    assert (summary.contracts, summary.tiers, summary.refused) == (907, 7276, ())
    assert [(each.currency, each.contracts, each.tiers, each.tables) for each in summary.currencies] == [
        ("BTC", 1, 10, 1), ("U", 2, 22, 1), ("USD1", 3, 31, 3), ("USDC", 39, 364, 27), ("USDT", 862, 6849, 196),
    ]  # fmt: skip
    assert [each.policy for each in summary.currencies] == list(imported.policies)


def test_import__shipped_policies_are_what_the_importer_writes(imported: Import) -> None:
    shipped = {path: (ROOT / "policies" / path).read_text(encoding="utf-8") for path in imported.policies}
    assert shipped == dict(imported.policies)


def test_import__policies_say_what_was_published_tier_by_tier(imported: Import, published: bytes) -> None:
    written = {}
    for text in imported.policies.values():
        policy = document(text)
        for rule in policy["instruments"].values():
            written[rule["venue_symbol"]] = [
                (row["up_to"], row["maintenance_rate"], row["max_leverage"])
                for row in policy["tables"][rule["table"]]["tiers"]
            ]
    source = json.loads(published, parse_float=Decimal, parse_int=Decimal)
    assert written == {
        symbol: [(row["maxNotional"], row["maintenanceMarginRate"], row["maxLeverage"]) for row in rows]
        for symbol, rows in source.items()
    }


@pytest.fixture(scope="module")
def shipped() -> dict[str, Policy]:
    paths = sorted(p for p in (ROOT / "policies").glob("*/*.yaml") if not p.name.endswith(".cases.yaml"))
    return {f"{path.parent.name}/{path.name}": load_policy(path) for path in paths}


def test_shipped__compiled_deductions_are_the_published_ones(shipped: dict[str, Policy], published: bytes) -> None:
    compiled = {
        rule.venue_symbol: [tier.deduction for tier in rule.table.tiers]
        for path, policy in shipped.items()
        if path.startswith("binance-usdm-")
        for rule in policy.instruments.values()
    }
    source = json.loads(published, parse_float=Decimal, parse_int=Decimal)
    assert compiled == {symbol: [row["info"]["cum"] for row in rows] for symbol, rows in source.items()}


def test_shipped__imported_policies_load_without_a_warning(shipped: dict[str, Policy], imported: Import) -> None:
    assert {path: shipped[path].warnings for path in imported.policies} == dict.fromkeys(imported.policies, ())


def test_shipped__a_child_states_its_own_and_inherits_the_rest(shipped: dict[str, Policy]) -> None:
    child, parent = shipped["usdt-perpetuals/1.2.0.yaml"], shipped["house-base/1.0.0.yaml"]
    assert (parent.collateral["BTC"].haircut, child.collateral["BTC"].haircut) == (Decimal("0.1"), Decimal("0.05"))
    assert child.document["conventions"] == parent.document["conventions"]


def test_import__a_dated_contract_expires_at_delivery(imported: Import) -> None:
    rule = document(imported.policies[USDT_POLICY])["instruments"]["BTCUSDT-261225"]
    assert rule["expires_at"] == "2026-12-25T08:00:00Z"
    assert rule["underlying"] == "BTC"


def test_import__a_contract_settled_in_bitcoin_is_linear(imported: Import) -> None:
    policy = document(imported.policies["binance-usdm-btc/1.0.0.yaml"])
    assert policy["settlement"]["currency"] == "BTC"
    assert policy["instruments"]["ETHBTC"]["payoff"] == "linear"


def test_import__a_capped_table_keeps_its_cap(imported: Import) -> None:
    tables = document(imported.policies[USDT_POLICY])["tables"]
    assert tables["btcusdt-150x"]["tiers"][-1]["up_to"] == 1800000000


@pytest.mark.parametrize("instrument", ["哈基米USDT", "1000SHIBUSDT", "4USDT", "42USDT", "1INCHUSDT"])
def test_import__unusual_names_are_kept(imported: Import, instrument: str) -> None:
    rule = document(imported.policies[USDT_POLICY])["instruments"][instrument]
    assert rule["underlying"] + "USDT" == instrument


# Tables, names and text.


def test_table__equal_tiers_are_written_once_whatever_their_spelling() -> None:
    other = [tier(1, "0.0", "5e4", "0.0040", "125.0", symbol="ETH/USDT:USDT"), *two_tiers("ETH/USDT:USDT")[1:]]
    policy = document(of({"BTC/USDT:USDT": two_tiers(), "ETH/USDT:USDT": other}).policies[USDT_POLICY])
    assert policy["tables"] == {
        "btcusdt-125x": {
            "unit": "notional",
            "form": "marginal",
            "tiers": [
                {"up_to": Decimal(50000), "maintenance_rate": Decimal("0.004"), "max_leverage": Decimal(125)},
                {"up_to": Decimal(250000), "maintenance_rate": Decimal("0.005"), "max_leverage": Decimal(100)},
            ],
        }
    }


def test_table__is_named_after_the_base_with_most_listings() -> None:
    result = of({
        "AAA/USDT:USDT": two_tiers("AAA/USDT:USDT"),
        "SOL/USDT:USDT": two_tiers("SOL/USDT:USDT"),
        "SOL/USDC:USDC": two_tiers("SOL/USDC:USDC", "USDC"),
    })  # fmt: skip
    assert list(document(result.policies[USDT_POLICY])["tables"]) == ["solusdt-125x"]


def test_table__is_named_after_the_perpetual_that_may_be_largest_before_listings() -> None:
    dated = {f"{base}/USDT:USDT-261225": two_tiers(f"{base}/USDT:USDT-261225") for base in ("AAA", "BTC")}
    perpetual = two_tiers("BTC/USDT:USDT")
    perpetual[1] |= {"maxNotional": "300000", "info": {"notionalFloor": "50000", "notionalCap": "300000"}}
    aaa = two_tiers("AAA/USDT:USDT", "USDT")
    result = of(
        {**dated, "BTC/USDT:USDT": perpetual, "AAA/USDT:USDT": aaa, "AAA/USDC:USDC": two_tiers("AAA/USDC:USDC", "USDC")}
    )
    assert list(document(result.policies[USDT_POLICY])["tables"]) == ["btcusdt-125x", "aaausdt-125x"]


def test_table__of_dated_contracts_alone_is_named_without_a_date() -> None:
    result = of({"BTC/USDT:USDT-261225": two_tiers("BTC/USDT:USDT-261225")})
    assert list(document(result.policies[USDT_POLICY])["tables"]) == ["btcusdt-dated-125x"]


def test_table__names_that_differ_by_capitals_only_are_numbered() -> None:
    small = two_tiers("btc/USDT:USDT")
    small[1] |= {"maxNotional": "300000", "info": None}
    small[1]["info"] = {"notionalFloor": "50000", "notionalCap": "300000"}
    result = of({"BTC/USDT:USDT": two_tiers(), "btc/USDT:USDT": small})
    assert sorted(document(result.policies[USDT_POLICY])["tables"]) == ["btcusdt-125x", "btcusdt-125x-2"]


def test_text__does_not_depend_on_the_order_of_the_source() -> None:
    markets = {symbol: two_tiers(symbol) for symbol in ("BTC/USDT:USDT", "ETH/USDT:USDT", "ADA/USDT:USDT")}
    lines = of(markets).policies[USDT_POLICY].splitlines()
    turned = of(dict(reversed(markets.items()))).policies[USDT_POLICY].splitlines()
    assert [line for line in lines if "sha256" not in line] == [line for line in turned if "sha256" not in line]


def test_text__names_only_the_file_and_how_to_write_it_again() -> None:
    data = json.dumps({"BTC/USDT:USDT": two_tiers()}).encode()
    result = import_ccxt_tiers(data, file="/home/somebody/t.json.gz", name="venue", version="2.0.1")
    text = result.policies["venue-usdt/2.0.1.yaml"]
    assert "rules-engine import tiers --from ccxt t.json --out DIR --name venue --version 2.0.1\n" in text
    assert "somebody" not in text


def test_text__a_file_name_cannot_write_into_the_policy() -> None:
    data = json.dumps({"BTC/USDT:USDT": two_tiers()}).encode()
    text = import_ccxt_tiers(data, file="x\nmodes: {}\n").policies[USDT_POLICY]
    assert document(text)["modes"] == {"isolated": {}, "cross": {}}


@pytest.mark.parametrize(
    "base", ["ON", "1E5", "0X1F", "0B1", "a#b", "-", "{x}", "'", '"', "&a", "!a", "%", "x,", "\\n"]
)
def test_text__a_name_that_yaml_could_misread_is_quoted(base: str) -> None:
    symbol = f"{base}/USDT:USDT"
    rules = document(of({symbol: two_tiers(symbol)}).policies[USDT_POLICY])["instruments"]
    assert {name: (rule["underlying"], rule["venue_symbol"]) for name, rule in rules.items()} == {
        f"{base}USDT": (base, symbol)
    }


def test_text__columns_stand_under_each_other_for_wide_and_combining_characters() -> None:
    result = of({symbol: two_tiers(symbol) for symbol in ("哈/USDT:USDT", "q\u0307/USDT:USDT", "AB/USDT:USDT")})
    lines = result.policies[USDT_POLICY].split("instruments:\n")[1].splitlines()
    before = [line.split("{payoff")[0] for line in lines]
    assert before == ["  ABUSDT:  ", '  "q\u0307USDT": ', "  哈USDT:  "]


# Deductions.


def test_deduction__one_that_does_not_follow_is_reported_and_the_market_imported() -> None:
    rows = two_tiers()
    rows[0]["info"]["cum"] = "0.0"
    rows[1]["info"]["cum"] = 50.5
    result = of({"BTC/USDT:USDT": rows})
    difference = DeductionDifference(symbol="BTC/USDT:USDT", tier=2, derived=Decimal(50), published=Decimal("50.5"))
    assert (result.summary.differences, result.summary.contracts) == ((difference,), 1)


def test_deduction__is_compared_beyond_the_precision_of_floats() -> None:
    rows = two_tiers()
    rows[1]["info"]["cum"] = "50.000000000000000000001"
    assert len(of({"BTC/USDT:USDT": rows}).summary.differences) == 1


def test_deduction__unpublished_ones_are_counted_in_a_note() -> None:
    summary = of({"BTC/USDT:USDT": two_tiers()}).summary
    assert summary.deductions == 0
    assert any(note.startswith("2 tiers publish no deduction") for note in summary.notes)


# Figures and names as they are spelt.


def test_field__a_json_number_is_the_decimal_that_it_spells() -> None:
    spelt = "0.12345678901234567890123"
    data = json.dumps({"BTC/USDT:USDT": [tier(1, "0", "5", spelt, "2")]}).replace(f'"{spelt}"', spelt)
    text = import_ccxt_tiers(data.encode(), file="tiers.json").policies[USDT_POLICY]
    assert f"maintenance_rate: {spelt}," in text


def test_symbol__is_composed_before_it_becomes_a_name() -> None:
    symbol = "e\u0301/USDT:USDT"
    text = of({symbol: two_tiers(symbol)}).policies[USDT_POLICY]
    assert "\n  \u00e9USDT: {payoff: linear," in text
    assert f'venue_symbol: "{symbol}"' in text
