"""Policies wrong in one subtle way: each is found at its place, with a counterexample that `evaluate` confirms."""

from __future__ import annotations

import pytest

from rules_engine.policy.counterexamples import Disproof
from tests.policy.planted_faults import FEE, NOTHING, PLANTED, RATE, ROOM, Planted
from tests.policy.policy_examples import check, place
from tests.policy.proof_examples import Confirmed, compiled_anyway


def disproofs(planted: Planted) -> list[Disproof]:
    """What a check finds that comes with a counterexample."""
    policy, problems = check(planted.text())
    assert policy is None
    assert {problem.code for problem in problems if problem.severity == "error"} == {planted.code}, problems
    return [problem for problem in problems if isinstance(problem, Disproof)]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.why)
def test_planted_fault__is_found_at_its_place_and_confirmed_by_evaluate(planted: Planted) -> None:
    """Its code, its line and column, and a position that shows it."""
    (problem,) = disproofs(planted)
    assert str(problem.mark) == f"policy.yaml:{place(planted.text(), planted.at.removeprefix('- '))}"
    confirmed = Confirmed(compiled_anyway(planted.text()), problem)
    shows = {
        ROOM: confirmed.room,
        FEE: confirmed.cannot_pay,
        NOTHING: confirmed.is_kept_with_nothing,
        RATE: confirmed.gains_nothing,
    }
    assert shows[planted.code]()
