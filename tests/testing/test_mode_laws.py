"""The laws of margin modes: each is broken by a silly mode and found by name; good modes keep them all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import rules_engine_standard_modes

from rules_engine.testing import Report, check_mode, check_plugin
from tests.testing import bad_modes as bad
from tests.testing import good_modes as good

ONLY = {
    bad.Negative: "amounts",
    bad.Floating: "amounts",
    bad.Raising: "amounts",
    bad.Unordered: "amounts",
    bad.Misattributing: "attribution",
    bad.Forgetting: "attribution",
    bad.Branching: "opaque",
    bad.Dividing: "opaque",
    bad.Swallowing: "opaque",
    bad.TracedApart: "traced",
    bad.MarkApart: "mark",
    bad.QuantityApart: "quantity",
    bad.Unlike: "units",
    bad.Contracts: "units",
    bad.FirstOnly: "order",
    bad.Sided: "mirror",
    bad.Greedy: "collateral",
    bad.Shrinking: "size",
    bad.Scribbling: "repeatable",
    bad.Timed: "outside",
    bad.Dated: "outside",
    bad.Dicing: "outside",
    bad.Filing: "outside",
}
"""Modes that break one law and keep all others."""


def broken(report: Report) -> list[str]:
    """The names of the laws that were broken."""
    assert not report.obstacle, report.obstacle
    return [law.name for law in report.broken]


@pytest.mark.parametrize("mode", ONLY, ids=lambda mode: mode.__name__)
def test_mode__that_breaks_one_law_is_found_by_its_name(mode: Any) -> None:
    """That law and no other; the counterexample holds what the mode was asked, or the account."""
    report = check_mode(mode())
    assert broken(report) == [ONLY[mode]], str(report)
    evidence = report.law(ONLY[mode]).evidence
    assert "Exposure(" in evidence or '"positions":' in evidence


def test_mode__that_remembers_is_found_in_every_way() -> None:
    """What it was asked before reaches the next answer: other pools matter, and asking again does."""
    assert {"isolation", "repeatable"} <= set(broken(check_mode(bad.Gossip())))


def test_mode__that_takes_anything_for_a_parameter_is_found() -> None:
    """No value of any type is refused."""
    report = check_mode(bad.Untyped(), {"rate": Decimal(1)})
    assert broken(report) == ["parameters"]
    assert report.law("parameters").evidence.startswith("rate may be anything: ")


@pytest.mark.parametrize(
    ("mode", "parameters"),
    [
        (good.Tiered(), {}),
        (good.Rated(), {"rate": Decimal("0.1")}),
        (good.Impact(), {"impact": Decimal("0.01")}),
        (good.Volatile(), {}),
        (good.Net(), {}),
        (good.WholeTiered(), {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_mode__that_is_good_keeps_every_law(mode: Any, parameters: Any) -> None:
    """One that is linear, rounds, takes roots, reads measures, looks at orders, or sees whole pools."""
    assert broken(check_mode(mode, parameters)) == []


@pytest.mark.parametrize("seed", range(5))
def test_standard_modes__keep_every_law(seed: int) -> None:
    """From other seeds, too; parameters that a mode requires are guessed from its schema."""
    reports = check_plugin(rules_engine_standard_modes, seed=seed)
    assert [report.component.split()[0] for report in reports] == ["margin"] * 3
    assert [broken(report) for report in reports] == [[], [], []]


def test_check__is_the_same_from_the_same_seed() -> None:
    """Cases are drawn, and none by chance."""
    assert check_mode(bad.Unlike(), seed=7) == check_mode(bad.Unlike(), seed=7)


@pytest.mark.parametrize(
    ("mode", "law", "words"),
    [
        (
            bad.Branching,
            "opaque",
            "a number is used with > (tests/testing/bad_modes.py:81); write num.maximum, num.minimum or num.step",
        ),
        (bad.Dividing, "opaque", "a number is used with / (tests/testing/bad_modes.py:88); write num.quotient"),
        (bad.Swallowing, "opaque", "a number is used with == (tests/testing/bad_modes.py:96); write num.step"),
        (bad.Unlike, "units", "+ of currency and contract"),
        (bad.Contracts, "units", "maintenance, wanted the sum of contract and currency"),
        (bad.Dated, "outside", "calls datetime.now()"),
        (
            bad.Raising,
            "amounts",
            "raised TypeError: unsupported operand type(s) for *: 'decimal.Decimal' and 'NoneType'"
            " (tests/testing/bad_modes.py:67)",
        ),
    ],
)
def test_evidence__begins_with_what_was_found(mode: Any, law: str, words: str) -> None:
    """In one line; the inputs follow."""
    assert check_mode(mode()).law(law).evidence.splitlines()[0] == words


def test_skipped__says_why() -> None:
    """Where a trait does not claim a law, or no straight lines follow from an unknown."""

    class Modest(good.Impact):
        keeps: frozenset[str] = frozenset()

    report = check_mode(Modest(), {"impact": Decimal("0.01")})
    assert report.law("mirror").skipped == "the mode does not state 'mirror' in `keeps`"
    assert report.law("quantity").skipped.startswith("NotLinear: ")
    assert report.law("attribution").skipped == "the mode sees one position at a time"
