"""The cases beside shipped policies: every one has them, every figure comes out, every law holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules_engine import load_policy
from rules_engine.errors import PolicyError
from rules_engine.life.cases.case_documents import CaseFile, read_cases
from rules_engine.life.cases.coverage import untouched
from rules_engine.life.cases.judging import Judgement, judge
from rules_engine.policy.load import policy_finder
from rules_engine.report.cases import failure_lines

POLICIES = Path(__file__).parents[2] / "policies"
SUFFIX = ".cases.yaml"
SHIPPED = sorted(file for file in POLICIES.glob("*/*.yaml") if not file.name.endswith(SUFFIX))
MANY = ("binance-usdm-usdc", "binance-usdm-usdt")
"""Policies of so many like tables that cases do not touch every tier."""


def cases_of(policy: Path) -> CaseFile:
    """The cases beside a policy."""
    file = policy.with_name(policy.stem + SUFFIX)
    return read_cases(file.read_bytes(), str(file), lambda name: (file.parent / name).read_bytes())


def judged(policy: Path) -> Judgement:
    """What the cases beside a policy say of it."""
    return judge(load_policy(policy), cases_of(policy))


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.parent.name)
def test_shipped_policy__agrees_with_its_cases(policy: Path) -> None:
    judgement = judged(policy)
    assert list(failure_lines(judgement)) == []
    assert judgement.held and judgement.cases and judgement.laws


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.parent.name)
def test_shipped_policy__says_where_each_figure_comes_from(policy: Path) -> None:
    assert [case.name for case in cases_of(policy).cases if not case.source] == []


@pytest.mark.parametrize(
    "policy", [file for file in SHIPPED if file.parent.name not in MANY], ids=lambda policy: policy.parent.name
)
def test_shipped_policy__has_no_part_that_its_cases_leave_untouched(policy: Path) -> None:
    assert untouched(judged(policy).coverage) == []


@pytest.mark.parametrize("name", MANY)
def test_shipped_policy__of_many_tables_has_its_largest_ones_touched(name: str) -> None:
    """Every tier of the first table, both modes, an order and a close-out."""
    coverage = judged(POLICIES / name / "1.0.0.yaml").coverage
    first = coverage[0].thing.name
    wanted = [one for one in coverage if one.thing.name == first or one.thing.kind in ("mode", "orders", "close-out")]
    assert [one for one in wanted if not one.touched] == []


def test_shipped_policy__in_usdc_has_every_table_touched() -> None:
    """In its last tier at least, in whose figures all below have their part."""
    tiers = [one for one in judged(POLICIES / "binance-usdm-usdc" / "1.0.0.yaml").coverage if one.thing.kind == "tier"]
    assert {one.thing.name for one in tiers} == {one.thing.name for one in tiers if one.touched}


def test_shipped_cases__are_no_version_of_a_policy() -> None:
    """No pin reaches a file of cases: `1.2.0.cases` is no version."""
    for file in SHIPPED:
        with pytest.raises(PolicyError, match="POLICY_UNKNOWN"):
            load_policy(f"{file.parent.name}@{file.stem}.cases", policies=POLICIES)
        assert policy_finder(POLICIES)(file.parent.name, f"{file.stem}.cases.0") is None
