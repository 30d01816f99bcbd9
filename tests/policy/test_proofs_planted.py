"""Policies wrong in one subtle way: each is found at its place, with a counterexample that `evaluate` confirms."""

from __future__ import annotations

import json
import re

import pytest

from rules_engine.cli.output import entry
from rules_engine.policy.counterexamples import Disproof
from rules_engine.policy.findings import shown
from tests.policy.planted_faults import FALLS, PLANTED, TIERS, VOLATILITY, Planted, bands
from tests.policy.policy_examples import check, place
from tests.policy.proof_examples import SHOWN, Confirmed, compiled_anyway
from tests.policy.test_proofs_page import PAGE


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
    assert SHOWN[planted.code](Confirmed(compiled_anyway(planted.text()), problem))


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.why)
def test_planted_fault__tells_programs_its_position_and_both_figures(planted: Planted) -> None:
    """As `check --json` gives it; and the text says the size and the readings."""
    (problem,) = disproofs(planted)
    told = json.loads(json.dumps(entry(problem)))["counterexample"]
    assert None not in (told["size"], told["quantity"], told["price"], told["have"], told["need"])
    assert f"of {shown(problem.counterexample.size)} " in problem.message
    if "where " in problem.message:
        assert all(str(reading) in problem.message for reading in problem.counterexample.readings)


def test_tier__under_a_buffer_that_never_rests_is_told_without_readings() -> None:
    """By the table's own rates, which a position never has."""
    always = ("volatility", bands(VOLATILITY, "0, multiply: 1.1"))
    (found,) = disproofs(Planted("", FALLS, "", tiers=TIERS.replace("0.005", "0.0039"), buffers=(always,)))
    assert found.counterexample.readings == ()
    assert (found.counterexample.have, found.counterexample.need) == (590, 600)


def test_planted_faults__are_of_every_code_that_the_page_names() -> None:
    """A warning that no table need heed has no counterexample: a cliff is the jump that it names."""
    laws = PAGE[PAGE.index("| law |") : PAGE.index("## A counterexample")]
    assert set(re.findall(r"`([A-Z_]+)`", laws)) - {"CLIFF"} == {planted.code for planted in PLANTED} == set(SHOWN)
