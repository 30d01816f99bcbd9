"""Beginnings, ends and whom a version is for, compared: and what positions opened before it come from."""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path

import pytest

from rules_engine.life.impact.diff import diff_of, is_looser_anywhere, largest_relative_change
from rules_engine.life.impact.diff_changes import Change
from rules_engine.life.impact.diff_versions import elders_beside
from rules_engine.policy.load import load_policy
from rules_engine.terms.policy import Policy
from tests.builders import SECTIONS, policy_of

RATE = "{steps: {tiers: [{up_to: unlimited, maintenance_rate: %s, max_leverage: 10}]}}"
ONE = "{BTCUSDT: {payoff: linear, table: steps}}"
EARLY = "positions opened before 2026-12-03T00:00:00Z"


def version(number: int, rate: str, applies_to: str, **more: str) -> Policy:
    """Version N.0.0, in force from the Nth of December, at one maintenance rate."""
    return policy_of(**sections(number, rate, applies_to), **more)


def sections(number: int, rate: str, applies_to: str) -> dict[str, str]:
    begins = f"2026-12-{number:02}T00:00:00Z"
    mine = {"version": f"{number}.0.0", "effective_from": begins, "applies_to": applies_to}
    return {"tables": RATE % rate, "instruments": ONE, **mine}


FIRST = version(1, "0.01", "all_positions")
SECOND = version(2, "0.03", "new_positions")
THIRD = version(3, "0.03", "all_positions")


def named(changes: tuple[Change, ...], place: str) -> Change:
    (found,) = [change for change in changes if change.place == place]
    return found


def test_applies_to__that_takes_in_old_positions_tells_by_how_much_they_are_tightened() -> None:
    """0.01 governed them, 0.03 will: three times as much, though the two versions ask for the same."""
    diff = diff_of(SECOND, THIRD, elders=(FIRST,))
    handed = named(diff.changes, "version: applies_to")
    assert (handed.direction, handed.note) == (
        "tightened",
        f"{EARLY} move from what governed them until now to this version",
    )
    margin = named(diff.changes, "table steps: maintenance margin")
    assert (margin.direction, margin.relative, margin.note) == ("tightened", 2, f"{EARLY}, from 1.0.0")
    assert not is_looser_anywhere(diff)
    worst = largest_relative_change(diff)
    assert worst is not None
    assert worst.relative == 2


@pytest.mark.parametrize(("elder", "direction"), [("0.05", "loosened"), ("0.03", "neutral"), ("0.01", "tightened")])
def test_applies_to__goes_by_what_governed_them_before(elder: str, direction: str) -> None:
    diff = diff_of(SECOND, THIRD, elders=(version(1, elder, "all_positions"),))
    assert named(diff.changes, "version: applies_to").direction == direction


def test_applies_to__of_elders_that_differ_both_ways_is_unclear() -> None:
    """Some had 0.05 and some 0.01: for these it is stricter, for those looser, by two fifths."""
    elders = (version(2, "0.05", "new_positions"), version(1, "0.01", "all_positions"))
    diff = diff_of(SECOND, THIRD, elders=elders)
    assert named(diff.changes, "version: applies_to").direction == "unclear"
    assert [change.relative for change in diff.changes if change.section == "table"] == [F(-2, 5), 2]


@pytest.mark.parametrize("elders", [(), (version(1, "0.01", "new_positions"),)], ids=["none", "not all"])
def test_applies_to__without_all_elders_is_unclear(elders: tuple[Policy, ...]) -> None:
    """So that whoever asks whether anything is looser hears that it may be."""
    diff = diff_of(SECOND, THIRD, elders=elders)
    assert named(diff.changes, "version: applies_to").direction == "unclear"
    assert is_looser_anywhere(diff)


def test_applies_to__new_positions_leaves_old_ones_alone() -> None:
    one, other = version(2, "0.03", "all_positions"), version(3, "0.03", "new_positions")
    handed = named(diff_of(one, other).changes, "version: applies_to")
    note = "keep the rules that they have until now; those of which that is not known become undetermined"
    assert (handed.direction, handed.note) == ("unclear", f"{EARLY} {note}")


def test_applies_to__of_a_version_without_a_beginning_says_so() -> None:
    one = policy_of(applies_to="new_positions")
    handed = named(diff_of(one, policy_of()).changes, "version: applies_to")
    assert handed.note.startswith("positions opened before it begins move")


ENDS = "2027-01-01T00:00:00Z"
LATER = "2027-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("before", "after", "direction", "note"),
    [
        (None, ENDS, "unclear", f"ends at {ENDS}: from then on no version of its own text answers"),
        (LATER, ENDS, "unclear", f"ends at {ENDS}: from then on no version of its own text answers"),
        (ENDS, LATER, "neutral", f"ends at {LATER}: from then on no version of its own text answers"),
        (ENDS, None, "neutral", f"no longer ends at {ENDS}"),
    ],
)
def test_effective_until__is_told_and_may_be_looser_where_it_ends_sooner(
    before: str | None, after: str | None, direction: str, note: str
) -> None:
    one, other = ({} if each is None else {"effective_until": each} for each in (before, after))
    (found,) = diff_of(policy_of(**one), policy_of(**other)).changes
    assert (found.what, found.direction, found.note) == ("effective_until", direction, note)


@pytest.mark.parametrize(
    ("before", "after", "direction", "note"),
    [
        ("0.001", "100", "tightened", "changes what a close-out takes: up to a step, so more at once"),
        ("100", "0.001", "loosened", "changes what a close-out takes: up to a step, so less at once"),
        (None, "100", "unclear", "changes what a close-out takes"),
    ],
)
def test_quantity_step__coarser_closes_more_at_once(before: str | None, after: str, direction: str, note: str) -> None:
    """One that is not stated is the market's, which nobody knows here."""
    rules = ["" if each is None else f", quantity_step: {each}" for each in (before, after)]
    one, other = (policy_of(instruments=f"{{BTCUSDT: {{payoff: linear, table: steps{rule}}}}}") for rule in rules)
    (found,) = diff_of(one, other).changes
    assert (found.what, found.direction, found.note) == ("quantity_step", direction, note)


def test_elders__are_the_versions_beside_it_down_to_one_for_all_positions(tmp_path: Path) -> None:
    """0.9.0 is older still: nothing goes by it any more."""
    for number, applies_to in ((1, "all_positions"), (2, "all_positions"), (3, "new_positions"), (4, "new_positions")):
        written = {**SECTIONS, **sections(number, "0.03", applies_to), "collateral": "{}"}
        file = tmp_path / "example" / f"{number}.0.0.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{name}: {text}\n" for name, text in written.items()))
    newest = load_policy("example@4.0.0", policies=tmp_path)
    assert [each.version for each in elders_beside(newest, policies=tmp_path)] == ["3.0.0", "2.0.0"]
    assert elders_beside(THIRD, policies=tmp_path) == ()
    assert elders_beside(SECOND, policies=tmp_path / "none") == ()
