"""The schema judges the shape of a policy, and says in a risk officer's words what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rules_engine.errors import Problem
from rules_engine.policy.document import Document
from rules_engine.policy.reader import read_document
from rules_engine.policy.schema import policy_schema, schema_problems

POLICY = """\
schema: rules-engine/policy/1
policy: usdt-perpetuals
version: 1.2.0
effective_from: 2026-12-01T08:00:00Z
applies_to: all_positions
change: {ticket: RISK-2211}
settlement: {currency: USDT, quantum: 0.00000001}
tables:
  majors:
    unit: notional
    form: marginal
    tiers:
      - {up_to: 50000, maintenance_rate: 0.004, max_leverage: 125}
      - {up_to: unlimited, maintenance_rate: 0.025, initial_rate: 0.05}
buffers:
  volatility: {kind: volatility, measure: realized_24h, bands: [{from: 0, multiply: 1}], requirements: [initial]}
  strange: {kind: moon, bands: full, phase: [1]}
modes: {isolated: {}, hybrid: {group_by: underlying, shared_draw_cap: 0.25}, strange: {anything: [1]}}
collateral: {BTC: {haircut: 0.05, cap: 1000000}}
instruments:
  BTCUSDT: {payoff: linear, table: majors, buffers: [volatility, strange], underlying: BTC, contract_size: 1,
            price_tick: 0.1, quantity_step: 0.001, venue_symbol: "BTC/USDT:USDT", expires_at: null}
  "*": {payoff: quanto, table: majors, conversion: 0.01, expires_at: 2026-12-25T08:00:00.5+01:00}
liquidation:
  trigger: at_or_below
  margin_call: 1.25
  restore_to: 1.5
  closing_fee: {rate: 0.0005, counts_in: [trigger], valued_at: mark}
  close_out: {plan: auction, minutes: 5}
conventions: {maintenance_priced_at: mark, liquidation_price: solve, liquidation_price_rounding: none}
market_data: {stale_after: 10s, max_divergence: 0.1, max_confidence: 0.01}
orders: {opening_fee_rate: 0.0005}
"""
ROOT = "schema: rules-engine/policy/1\npolicy: a\nversion: 1.0.0\n"


def judged(text: str) -> list[Problem]:
    return schema_problems(read_document(text.encode(), "p.yaml"))


def test_schema__accepts_every_key_of_a_policy() -> None:
    assert judged(POLICY) == []


# What to replace in the policy, by what, and the problem without its file.
FAULTS = [
    ("policy/1", "policy/2", "1:9: SCHEMA_VALUE schema: found text 'rules-engine/policy/2', wanted rules-"),
    ("usdt-perp", "USDT perp", "2:9: SCHEMA_VALUE policy: found text 'USDT perpetuals', wanted name"),
    ("1.2.0", "1.2", "3:10: SCHEMA_TYPE version: found the number 1.2, wanted text such as 1.2.0"),
    ("1.2.0", '"1.2.0\\n"', "3:10: SCHEMA_VALUE version: found text '1.2.0\\n', wanted version such as 1.2.0"),
    ("00Z\n", "00\n", "4:17: TIME_WITHOUT_ZONE effective_from: the time 2026-12-01T08:00:00 has no zone (add Z"),
    ("-12-01T", "-13-01T", "4:17: TIME_INVALID effective_from: found text '2026-13-01T08:00:00Z', wanted a time"),
    ("2026-12-01T08:00:00Z", "2026", "4:17: SCHEMA_TYPE effective_from: found the number 2026, wanted a time"),
    ("2026-12-01T08:00:00Z", "20261201", "4:17: SCHEMA_TYPE effective_from: found the number 20261201, wanted a time"
        " such as 2026-12-01T08:00:00Z"),
    ("1.2.0", "1.0", "3:10: SCHEMA_TYPE version: found the number 1.0, wanted text such as 1.2.0"),
    ("all_positions", "all_position", "5:13: SCHEMA_VALUE applies_to: found text 'all_position', wanted one of"
        " all_positions, new_positions (did you mean all_positions?)"),
    ("all_positions", "1", "5:13: SCHEMA_VALUE applies_to: found the number 1, wanted one of all_positions"),
    ("RISK-2211", "2211", "6:18: SCHEMA_TYPE ticket: found the number 2211, wanted text (write it in quotes)"),
    ("settlement:", "settlment:", "7:1: SCHEMA_UNKNOWN_KEY there is no key 'settlment' at the top of the document"
        " (did you mean settlement?)"),
    ("currency: USDT", "currency: ''", "7:24: SCHEMA_VALUE currency: found empty text, wanted something in it"),
    ("currency: USDT, ", "", "7:1: SCHEMA_MISSING_KEY the key currency is missing in settlement (add `currency:`)"),
    ("0.00000001", "'0.01'", "7:39: SCHEMA_TYPE quantum: found text '0.01', wanted a number (remove the quotes)"),
    ("0.00000001", "''", "7:39: SCHEMA_TYPE quantum: found empty text, wanted a number"),
    ("0.00000001", "0", "7:39: SCHEMA_VALUE quantum: found the number 0, wanted more than 0"),
    ("0.00000001", "true", "7:39: SCHEMA_TYPE quantum: found true, wanted a number"),
    ("form:", "forn:", "11:5: SCHEMA_UNKNOWN_KEY there is no key 'forn' in majors (did you mean form?)"),
    ("0.004", "0,4 %", "13:44: SCHEMA_UNKNOWN_KEY there is no key '4 %' in tiers[0]"),
    ("0.004", "-0.004", "13:42: SCHEMA_VALUE maintenance_rate: found the number -0.004, wanted at least 0"),
    ("0.004", "0.4%", "13:42: SCHEMA_TYPE maintenance_rate: found text '0.4%', wanted a number"
        " (rates are fractions of one: 5 % is 0.05)"),
    ("0.004", "2026-01-01", "13:42: SCHEMA_TYPE maintenance_rate: found text '2026-01-01', wanted a number (digits"),
    ("0.004", '"1:30"', "13:42: SCHEMA_TYPE maintenance_rate: found text '1:30', wanted a number"),
    ("maintenance_rate: 0.004, ", "", "13:9: SCHEMA_MISSING_KEY the key maintenance_rate is missing in tiers[0]"),
    ("50000,", "infinite,", "13:17: SCHEMA_VALUE up_to: found text 'infinite', wanted a number or unlimited"
        " (did you mean unlimited?)"),
    ("50000,", "'50000',", "13:17: SCHEMA_VALUE up_to: found text '50000', wanted a number or unlimited (remove"),
    ("50000,", "null,", "13:17: SCHEMA_TYPE up_to: found nothing, wanted a number or text such as unlimited"
        " (write a value, or remove the key)"),
    ("kind: moon, ", "", "17:3: SCHEMA_MISSING_KEY the key kind is missing in strange"),
    ("[initial]", "[]", "16:104: SCHEMA_VALUE requirements: found an empty list, wanted something in it"),
    ("[initial]", "[initial, initial]", "16:104: SCHEMA_VALUE requirements: 'initial' stands here more than once"),
    ("[initial]", "initial", "16:104: SCHEMA_TYPE requirements: found text 'initial', wanted a list (write [initial])"),
    ("{up_to: 50000,", "{up_to:50000,", "13:10: SCHEMA_UNKNOWN_KEY there is no key 'up_to:50000' in tiers[0]"
        " (put a space after the colon)"),
    ("isolated: {}", "isolated: ", "18:19: SCHEMA_TYPE isolated: found nothing, wanted a mapping of keys to values"
        " (write {} where there is nothing to say)"),
    ("{anything: [1]}", "{split_positions: []}", "18:105: SCHEMA_TYPE split_positions: found a list, wanted true"),
    ("{haircut: 0.05,", "{", "19:14: SCHEMA_MISSING_KEY the key haircut is missing in BTC"),
    ("table: majors, buffers", "buffers", "21:3: SCHEMA_MISSING_KEY the key table is missing in BTCUSDT"),
    ("[volatility, strange]", "[volatility, 1]", "21:66: SCHEMA_TYPE buffers[1]: found the number 1, wanted text"),
    ("expires_at: null", "expires_at: {}", "22:95: SCHEMA_TYPE expires_at: found a mapping, wanted a time such as"
        " 2026-12-25T08:00:00Z or null"),
    ("rate: 0.0005, counts", "rate: 5, counts", "28:23: SCHEMA_VALUE rate: found the number 5, wanted at most 1"
        " (rates are fractions of one: 5 % is 0.05)"),
    ("plan: auction, ", "", "29:3: SCHEMA_MISSING_KEY the key plan is missing in close_out"),
    ("stale_after: 10s", "stale_after: 10", "31:28: SCHEMA_TYPE stale_after: found the number 10, wanted text such"),
    ("stale_after: 10s", "stale_after: 10w", "31:28: SCHEMA_VALUE stale_after: found text '10w', wanted stale after"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FAULTS)
def test_schema__says_what_was_found_and_wanted(old: str, new: str, said: str) -> None:
    assert old in POLICY
    problems = judged(POLICY.replace(old, new, 1))
    assert [str(problem) for problem in problems if str(problem).startswith(f"p.yaml:{said}")]


def test_schema__says_each_fault_once_in_the_order_of_the_text() -> None:
    text = POLICY.replace("1.2.0", "1.2").replace("tiers:", "tears:").replace("rate: 0.0005,", "rate: 7, rat: 1,")
    assert [(problem.code, problem.path) for problem in judged(text)] == [
        ("SCHEMA_TYPE", "version"),
        ("SCHEMA_UNKNOWN_KEY", "tables.majors.tears"),
        ("SCHEMA_VALUE", "liquidation.closing_fee.rate"),
        ("SCHEMA_UNKNOWN_KEY", "liquidation.closing_fee.rat"),
    ]


def test_schema__a_misspelled_key_is_not_missing_as_well() -> None:
    (problem,) = judged(POLICY.replace("maintenance_rate: 0.004", "maintenance_rat: 0.004"))
    assert (problem.code, problem.hint) == ("SCHEMA_UNKNOWN_KEY", "did you mean maintenance_rate?")


@pytest.mark.parametrize(
    ("path", "never"),
    [
        ("settlement", True),
        ("tables", True),
        ("modes", True),
        ("instruments", True),
        ("tables.majors", True),
        ("buffers.volatility", True),
        ("collateral.BTC", True),
        ("instruments.BTCUSDT", True),
        ("liquidation.closing_fee", True),
        ("liquidation.close_out", True),
        ("modes.isolated", False),
        ("liquidation", False),
        ("buffers", False),
    ],
)
def test_schema__suggests_an_empty_mapping_only_where_it_may_stand(path: str, never: bool) -> None:
    """Nothing where a mapping belongs: `{}` is advice only where the schema would take it."""
    document = read_document(POLICY.encode(), "p.yaml")
    *outer, last = path.split(".")
    for value, codes in ((None, {"SCHEMA_TYPE"}), ({}, {"SCHEMA_MISSING_KEY", "SCHEMA_VALUE"} if never else set())):
        changed = read_document(POLICY.encode(), "p.yaml").value
        inner: Any = changed
        for step in outer:
            inner = inner[step]
        inner[last] = value
        problems = schema_problems(Document("p.yaml", changed, document.marks, document.key_marks))
        if path in ("tables", "instruments"):
            codes -= {"SCHEMA_MISSING_KEY", "SCHEMA_VALUE"}  # a base for others to extend may leave these empty
        assert {problem.code for problem in problems} <= codes
        assert bool(problems) == bool(codes)
        if value is None:
            assert ("{}" in problems[0].hint) != never


def test_schema__asks_for_what_no_parent_can_give() -> None:
    missing = [problem.path for problem in judged("extends: house-base@1.0.0\n")]
    assert sorted(missing) == ["policy", "schema", "version"]


def test_schema__lets_a_policy_leave_out_what_its_parent_gives() -> None:
    changes = "settlement: {quantum: 0.01}\ntables: {majors: {form: whole}}\ninstruments: {BTCUSDT: {table: majors}}\n"
    assert judged(f"{ROOT}extends: house-base@1.0.0\n{changes}liquidation: {{closing_fee: {{counts_in: []}}}}\n") == []
    assert {problem.path for problem in judged(ROOT + changes)} == {
        "modes",
        "settlement.currency",
        "tables.majors.tiers",
        "instruments.BTCUSDT.payoff",
    }


def test_schema__calls_the_root_by_no_name() -> None:
    (problem,) = schema_problems(Document("p.yaml", [], {}, {}))  # type: ignore[arg-type]
    assert str(problem) == "p.yaml:1:1: SCHEMA_TYPE found a list, wanted a mapping of keys to values"


def test_schema__stops_at_a_thousand_problems() -> None:
    text = POLICY + "zones:\n" + "".join(f"zone-{number}: x\n" for number in range(1500))
    assert len(judged(text)) == 1000


def test_schema__counts_repeated_members_of_a_long_list_quickly() -> None:
    names = ", ".join(["{}"] * 20_000 + ["a", "b", "a"])
    problems = judged(POLICY.replace("[volatility, strange]", f"[{names}]"))
    assert any(problem.message == "buffers: 'a' stands here more than once" for problem in problems)


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    yield schema
    for member in schema.get("properties", {}).values():
        yield from subschemas(member)
    for keyword in ("items", "additionalProperties", "propertyNames", "then"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword])


def test_published_schema__is_a_schema_of_2020_12() -> None:
    schema = policy_schema()
    assert schema["$id"] == "urn:rules-engine:policy:1"
    Draft202012Validator.check_schema(schema)


def test_published_schema__explains_every_key() -> None:
    schema = policy_schema()
    del schema["then"]  # repeats keys only to say which are required
    described = [member for each in subschemas(schema) for member in each.get("properties", {}).items()]
    assert len(described) > 60
    assert [name for name, member in described if not (member.get("title") and member.get("description"))] == []


def test_published_schema__uses_only_keywords_that_have_words() -> None:
    annotations = {"$schema", "$id", "$comment", "title", "description", "default", "examples"}
    structure = {"properties", "items", "additionalProperties", "propertyNames", "required", "if", "then"}
    worded = {"type", "enum", "const", "pattern", "format", "minItems", "minLength", "uniqueItems"}
    worded |= {"minimum", "maximum", "exclusiveMinimum", "minProperties"}
    used = {keyword for schema in subschemas(policy_schema()) for keyword in schema}
    assert used <= annotations | structure | worded


def test_published_schema__gives_every_caller_its_own_copy() -> None:
    policy_schema().clear()
    assert policy_schema()["title"] == "Margin policy"


def test_schema__takes_whole_numbers_of_other_makers_of_documents() -> None:
    value = {**read_document(POLICY.encode(), "p.yaml").value, "settlement": {"currency": "USDT", "quantum": 1}}
    assert schema_problems(Document("p.yaml", value, {}, {})) == []
    value["settlement"] = {"currency": "USDT", "quantum": Decimal("0.5")}
    assert schema_problems(Document("p.yaml", value, {}, {})) == []


def test_import__leaves_the_validator_out_until_it_is_needed() -> None:
    code = "import sys, rules_engine.policy.schema; print('jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
