"""Warnings: what a risk officer should know of a policy that can be used."""

from __future__ import annotations

import pytest

from tests.policy.policy_examples import changed, check, said

TIER_1 = "{up_to: 50000, maintenance_rate: 0.004, max_leverage: 125}"
TIER_2 = "{up_to: 250000, maintenance_rate: 0.005, max_leverage: 75}"
TIER_3 = "{up_to: unlimited, maintenance_rate: 0.025, max_leverage: 20}"
FEE = "{rate: 0.0005, counts_in: [trigger]}"


def test_warning__cliffs_of_a_whole_table() -> None:
    compiled, problems = check(changed(("form: marginal", "form: whole"), ("0.025", "0.005"), ("0.0005", "0.0001")))
    assert compiled is not None
    assert [(problem.code, problem.severity) for problem in problems] == [("CLIFF", "warning")]
    assert "at notional 50000 maintenance jumps by 50, from 200 to 250" in problems[0].message


def test_warning__cliffs_of_a_table_in_contracts() -> None:
    text = changed(("form: marginal", "form: whole"), ("unit: notional", "unit: quantity"), ("0.0005", "0"))
    _, problems = check(text)
    assert "at 250000 contracts maintenance jumps by 0.02 of the notional" in problems[1].message


def test_warning__splitting_a_position() -> None:
    # At 250,000: 0.005 * 250,000 - 50 = 1,200 whole, 0.004 * 250,000 = 1,000 in pieces of the lowest tier.
    text = changed(("isolated: {}", "isolated: {split_positions: true}"))
    compiled, problems = check(text)
    assert [problem.code for problem in problems] == ["SPLIT_POSITIONS"]
    assert problems[0].message == "250000 in table majors, split in 6, requires 1000 instead of 1200"
    assert compiled is not None
    assert compiled.modes["isolated"].split_positions


def test_warning__splitting_where_no_table_has_tiers() -> None:
    text = changed(
        ("isolated: {}", "isolated: {split_positions: true}"), (f"      - {TIER_2}\n", ""), (f"      - {TIER_3}\n", "")
    )
    assert [line.split()[0] for line in said(text)] == ["SPLIT_POSITIONS"]


@pytest.mark.parametrize(("restore_to", "codes"), [("1.5", ["CLOSING_DOES_NOT_RESTORE"]), ("1.51", [])])
def test_warning__closing_that_costs_what_it_releases(restore_to: str, codes: list[str]) -> None:
    text = changed(
        (FEE, "{rate: 0.006, counts_in: [trigger]}"),
        ("restore_to: 1.5", f"restore_to: {restore_to}"),
        ("max_leverage: 125", "max_leverage: 90"),
    )
    assert [line.split()[0] for line in said(text)] == codes


def test_warning__tables_and_buffers_that_nothing_names() -> None:
    text = changed(("buffers: [volatility], ", ""), ("tables:\n", f"tables:\n  spare: {{tiers: [{TIER_1}]}}\n"))
    assert [line.split()[0] for line in said(text)] == ["UNUSED", "UNUSED"]
