"""Margins rise with size, and maintenance of a marginal table has no jumps: over all sizes, by our own formulas."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.formulas.requirement import table_maintenance, tiered_requirement
from rules_engine.formulas.tiers import adjusted
from rules_engine.numbers.exact import ONE, ZERO, exactly
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.policy.counterexamples import Disproof
from rules_engine.policy.openings import just_opened
from rules_engine.terms.exposure import Adjustment, ClosingFee
from tests.policy.planted_faults import TIERS, Planted
from tests.policy.policy_examples import check
from tests.policy.test_proofs_sound import policies
from tests.properties.laws import examples

FACTORS = st.sampled_from([Decimal(text) for text in ("0", "0.5", "1", "1.25", "3")])
ADDITIONS = st.sampled_from([Decimal(text) for text in ("0", "0.001", "0.05", "0.6")])
ADJUSTMENTS = st.builds(Adjustment, multiply=FACTORS, add_rate=ADDITIONS)


def jumps(figure: Any) -> list[Any]:
    """By how much a function of size jumps at each of its cuts; all of its pieces rise, or this fails."""
    shape = figure.shape
    pieces = [shape.pieces[index] for index in range(len(shape.cuts) + 1)]
    assert all(slope >= 0 for slope, _ in pieces)
    found = []
    for (point, _), (below, above) in zip(shape.cuts, pairwise(pieces), strict=True):
        found.append((above[0] * point + above[1]) - (below[0] * point + below[1]))
    return found


@examples(200)
@given(text=policies(), initial=ADJUSTMENTS, maintenance=ADJUSTMENTS, side=st.sampled_from((ONE, -ONE)))
def test_margins__of_a_policy_that_passes_rise_at_every_size(
    text: str, initial: Adjustment, maintenance: Adjustment, side: Decimal
) -> None:
    """Under any adjustment that leaves rates below 1, with the fee at the mark: at bankruptcy it may fall at floors."""
    policy, _ = check(text)
    if policy is None:
        return
    table, fee = policy.tables["t"], policy.liquidation.closing_fee
    with exactly():
        schedule = adjusted(table.schedule, initial, maintenance)
        if schedule.lines[-1][0] >= 1:
            return
        num = PiecewiseNumbers((ZERO, 1), None)
        at_mark = ClosingFee(rate=fee.rate, counts_in=fee.counts_in)
        exposure = just_opened(num.unknown, side, schedule, at_mark)
        steps = jumps(table_maintenance(num, exposure))
        requirement = tiered_requirement(num, exposure)
        assert all(step == 0 for step in steps) or table.form == "whole"
        assert all(step >= 0 for step in (*steps, *jumps(requirement.initial), *jumps(requirement.maintenance)))


@pytest.mark.parametrize(
    ("old", "new", "code", "size"),
    [
        (
            "maintenance_rate: 0.005",
            "maintenance_rate: 0.0039",
            "TIER_RATE_FALLS",
            "falls from 0.004 to 0.0039 at 50000",
        ),
        ("max_leverage: 75", "max_leverage: 126", "TIER_LEVERAGE_RISES", "rises from 125 to 126"),
        ("max_leverage: 20", "initial_rate: 0.0133", "TIER_LEVERAGE_RISES", "falls from 0.01333333 to 0.0133"),
    ],
)
def test_margins__that_would_fall_are_found_at_the_tier(old: str, new: str, code: str, size: str) -> None:
    (problem,) = check(Planted("", "", "", tiers=TIERS.replace(old, new)).text())[1]
    assert problem.code == code and size in problem.message


def test_tiers__that_are_no_table_are_told_what_else_is_wrong_in_words() -> None:
    """No position can be had of tiers whose ends do not rise; that a rate falls beside that is said all the same."""
    text = Planted("", "", "", tiers=TIERS.replace("250000", "50000").replace("0.005", "0.0039")).text()
    found = {problem.code: problem for problem in check(text)[1]}
    assert set(found) == {"TIER_FLOORS", "TIER_RATE_FALLS"}
    assert not isinstance(found["TIER_RATE_FALLS"], Disproof)
