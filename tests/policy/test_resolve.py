"""`extends`: what a policy inherits, what it does not, and what can go wrong on the way."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine.errors import Mark
from rules_engine.policy.digest import canonical, digest_of
from rules_engine.policy.resolve import DEEPEST
from tests.policy.policy_examples import EXAMPLE, changed, check, policy, said

PARENT = {"example@1.0.0": EXAMPLE}
CHILD = """\
schema: rules-engine/policy/1
policy: child
version: 2.0.0
extends: example@1.0.0
"""


def test_child__inherits_what_it_does_not_say() -> None:
    child = policy(CHILD, parents=PARENT)
    assert (child.name, child.version) == ("child", "2.0.0")
    assert child.quantum == Decimal("0.01")
    assert len(child.tables["majors"].tiers) == 3


def test_child__maps_merge_key_by_key() -> None:
    child = policy(CHILD + "liquidation: {closing_fee: {rate: 0.001}}\n", parents=PARENT)
    assert child.liquidation.closing_fee.rate == Decimal("0.001")
    assert child.liquidation.closing_fee.counts_in == {"trigger"}
    assert child.liquidation.restore_to == Decimal("1.5")


def test_child__lists_are_replaced_whole() -> None:
    tiers = "tables: {majors: {tiers: [{up_to: 9000, maintenance_rate: 0.1, initial_rate: 0.2}]}}\n"
    child = policy(CHILD + tiers, parents=PARENT)
    assert [tier.up_to for tier in child.tables["majors"].tiers] == [Decimal(9000)]


def test_child__inherits_no_effective_times() -> None:
    assert policy(CHILD, parents=PARENT).effective_from is None


def test_child__inherits_no_remarks() -> None:
    parent = changed(("settlement:", "change: {ticket: RISK-1}\nsettlement:"))
    assert "change" not in policy(CHILD, parents={"example@1.0.0": parent}).document


def test_child__marks_point_into_the_file_that_a_value_comes_from() -> None:
    child = policy(CHILD + "liquidation: {margin_call: 2}\n", parents=PARENT)
    assert child.marks["liquidation", "margin_call"] == Mark("policy.yaml", 5, 28)
    assert child.marks["settlement", "currency"] == Mark("example@1.0.0.yaml", 5, 24)
    assert child.tables["majors"].tiers[0].mark == Mark("example@1.0.0.yaml", 11, 9)


def test_child__problems_of_inherited_text_come_after_its_own() -> None:
    parent = changed(("margin_call: 1.25", "margin_call: 0.5"))
    _, problems = check(CHILD + "collateral: {USDT: {haircut: 0.5}}\n", {"example@1.0.0": parent})
    assert [(problem.code, problem.mark and problem.mark.file) for problem in problems] == [
        ("SETTLEMENT_HAIRCUT", "policy.yaml"),
        ("MARGIN_CALL_BELOW_ONE", "example@1.0.0.yaml"),
    ]


def test_child__digest_rests_on_the_parents() -> None:
    child = policy(CHILD, parents=PARENT)
    assert child.digest == digest_of(child.document, policy(EXAMPLE).digest)
    assert b'"parent"' not in canonical(child.document)


def test_child__unused_tables_of_the_parent_are_no_news() -> None:
    extra = changed(
        ("tables:\n", "tables:\n  spare: {tiers: [{up_to: 1, maintenance_rate: 0.1, initial_rate: 0.2}]}\n")
    )
    assert said(CHILD, parents={"example@1.0.0": extra}) == []
    assert said(extra) == ["UNUSED 7:3"]


def test_grandchild__inherits_through_its_parent() -> None:
    grandchild = changed(("child", "grandchild"), ("example@1.0.0", "child@2.0.0"), text=CHILD)
    assert policy(grandchild, parents={**PARENT, "child@2.0.0": CHILD}).settlement_currency == "USDT"


def test_extends__a_parent_that_is_not_there() -> None:
    assert said(CHILD) == ["EXTENDS_MISSING 4:10"]


def test_extends__names_that_a_missing_parent_may_give_are_not_called_unknown() -> None:
    instruments = "instruments: {A: {payoff: linear, table: majors, buffers: [volatility]}}\n"
    assert said(CHILD + instruments + "liquidation: {margin_call: 0.5}\n") == [
        "EXTENDS_MISSING 4:10",
        "MARGIN_CALL_BELOW_ONE 6:28",
    ]


@pytest.mark.parametrize(
    "part", ["tables: {a: {form: whole}}", "buffers: {a: {measure: m}}", "instruments: {A: {table: majors}}"]
)
def test_extends__what_a_missing_parent_may_give_is_not_called_missing(part: str) -> None:
    assert said(CHILD + part + "\n") == ["EXTENDS_MISSING 4:10"]


@pytest.mark.parametrize("pin", ["example", "example@1", "Example@1.0.0", "../x@1.0.0", "example@1.0.0/..", "a@01.0.0"])
def test_extends__only_a_pinned_name_will_do(pin: str) -> None:
    assert said(changed(("example@1.0.0", pin), text=CHILD)) == ["EXTENDS_FORM 4:10"]


def test_extends__a_number_is_no_pin() -> None:
    assert said(changed(("example@1.0.0", "1"), text=CHILD)) == ["EXTENDS_FORM 4:10"]


def test_extends__a_parent_of_another_name_or_version() -> None:
    assert said(CHILD, parents={"example@1.0.0": changed(("1.0.0", "1.0.1"))}) == ["EXTENDS_IDENTITY 4:10"]


def test_extends__a_parent_that_cannot_be_read() -> None:
    _, problems = check(CHILD, {"example@1.0.0": "a: *x\n"})
    assert {problem.mark.file for problem in problems if problem.mark} == {"example@1.0.0.yaml"}


def test_extends__itself() -> None:
    itself = changed(("example@1.0.0", "child@2.0.0"), text=CHILD)
    assert said(itself, parents={"child@2.0.0": itself}) == ["EXTENDS_CYCLE 4:10"]


def test_extends__in_a_circle() -> None:
    parents = {"example@1.0.0": changed(("settlement", "extends: child@2.0.0\nsettlement")), "child@2.0.0": CHILD}
    _, problems = check(CHILD, parents)
    assert [str(problem.mark) for problem in problems if problem.code == "EXTENDS_CYCLE"] == ["example@1.0.0.yaml:5:10"]


def line_of_policies(length: int) -> dict[str, str]:
    """Policies p1, p2, ... of which each extends the next; the last extends the example."""
    texts = {
        f"p{n}@1.0.0": f"schema: rules-engine/policy/1\npolicy: p{n}\nversion: 1.0.0\nextends: p{n + 1}@1.0.0\n"
        for n in range(1, length)
    }
    last = length - 1
    texts[f"p{last}@1.0.0"] = texts[f"p{last}@1.0.0"].replace(f"p{length}@", "example@")
    return texts | PARENT


def test_extends__as_deep_as_allowed() -> None:
    texts = line_of_policies(DEEPEST)
    assert policy(texts["p1@1.0.0"], parents=texts).quantum == Decimal("0.01")


def test_extends__deeper_than_allowed() -> None:
    texts = line_of_policies(DEEPEST + 1)
    _, problems = check(texts["p1@1.0.0"], texts)
    assert [problem.code for problem in problems] == ["EXTENDS_DEPTH"]
