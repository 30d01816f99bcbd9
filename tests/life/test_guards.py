"""Guards: what they ask of a change, and how a submitter fails to get around them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules_engine.life.impact.diff import identity_of
from rules_engine.life.store.changes import activate, approve, submit
from rules_engine.life.store.figures import figures_of
from rules_engine.life.store.guards import Figures, Guards, demand
from rules_engine.life.store.refusals import StoreError
from rules_engine.terms.policy import Policy
from tests.life.people import REGISTRY, by, founded, guards, put_in_force, texts

STEPS = [{"above": "0.2", "ask": 2}, {"above": "0.5", "ask": 3}, {"above": "1", "ask": "forbid"}]


@pytest.mark.parametrize(
    ("figure", "approvals", "forbidden"),
    [("0", 1, 0), ("0.2", 1, 0), ("0.200001", 2, 0), ("0.5", 2, 0), ("0.6", 3, 0), ("1", 3, 0), ("1.01", 3, 1)],
)
def test_steps__ask_for_more_above_each_line(figure: str, approvals: int, forbidden: int) -> None:
    """On the line the step does not apply yet; of several the strictest counts."""
    for name in ("rate_change", "newly_liquidatable"):
        settings: Any = {"compared": True, "rate_change": Decimal(0), "looser": False, name: Decimal(figure)}
        asked = demand(guards(**{name: STEPS}), Figures(**settings))
        assert (asked.approvals, len(asked.forbidden)) == (approvals, forbidden)


def test_looser__asks_for_approvals_or_forbids() -> None:
    """What is not known to be as strict counts as looser."""
    for looser, approvals in ((False, 1), (True, 2), (None, 2)):
        figures = Figures(compared=True, rate_change=Decimal(0), looser=looser)
        assert demand(Guards(looser=2), figures).approvals == approvals
    asked = demand(Guards(looser="forbid"), Figures(compared=True, rate_change=Decimal(0), looser=True))
    assert [problem.code for problem in asked.forbidden] == ["GUARD_FORBIDS"]


def test_figure__that_is_missing_forbids() -> None:
    """A guard on the impact report is not passed by leaving the report out."""
    asked = demand(guards(newly_liquidatable=STEPS), Figures(compared=True, rate_change=Decimal(0), looser=False))
    assert [problem.code for problem in asked.forbidden] == ["GUARD_FIGURE_MISSING"]


def test_rate_from_zero__is_beyond_every_step() -> None:
    """No fraction says how much that is."""
    figures = Figures(compared=True, rate_change=Decimal(0), rate_from_zero=True, looser=False)
    assert demand(guards(rate_change=STEPS[:2]), figures).approvals == 3
    assert demand(guards(rate_change=STEPS), figures).forbidden


def test_first_version__has_nothing_to_be_compared_with() -> None:
    """It needs what every change needs."""
    asked = demand(guards(approvals=2, rate_change=STEPS, looser="forbid"), Figures(compared=False))
    assert (asked.approvals, asked.forbidden) == (2, ())


def policies(folder: Path, before: str = "0.01", after: str = "0.015") -> tuple[Policy, Policy]:
    """Two versions of a policy."""
    return texts(folder, "1.0.0", before).policy, texts(folder, "1.1.0", after).policy


HEALTHY = ("healthy", "healthy", 99, "99.00")
LIQUIDATED = ("healthy", "liquidate", 1, "1.00")


def moves(*told: tuple[str, str, int, str]) -> list[dict[str, Any]]:
    """Transitions as a report has them."""
    names = ("before", "after", "positions", "notional")
    return [dict(zip(names, each, strict=True)) | {"accounts": 1} for each in told]


def report(
    before: Policy,
    after: Policy,
    share: Any = "0.01",
    undetermined: Any = "0",
    told: tuple[tuple[str, str, int, str], ...] = (HEALTHY, LIQUIDATED),
    **fields: Any,
) -> bytes:
    """An impact report, as far as guards read it; its sums are those of its transitions, but for what is stated."""
    newly = [each for each in told if each[0] in ("healthy", "margin_call") and each[1] in ("liquidate", "bankrupt")]
    whole = sum(Decimal(notional) for *_, notional in told)
    document = {
        "before": identity_of(before).to_dict(),
        "after": identity_of(after).to_dict(),
        "positions": sum(positions for _, _, positions, _ in told),
        "rows_at_fault": 0,
        "unpriced_positions": 0,
        "newly_liquidated": {"positions": sum(each[2] for each in newly), "notional": "1.00"},
        "newly_liquidatable_share": share,
        "newly_liquidatable_notional": {"numerator": "1", "denominator": str(whole)},
        "newly_undetermined_share": undetermined,
        "transitions": moves(*told),
        **fields,
    }
    return json.dumps(document).encode()


def test_figures__of_two_policies(tmp_path: Path) -> None:
    """From 1 % to 1.5 % is half as much again; back again a third less, which is rounded up."""
    before, after = policies(tmp_path)
    assert figures_of(before, after) == Figures(compared=True, rate_change=Decimal("0.5"), looser=False)
    back = figures_of(after, before)
    assert (back.rate_change, back.looser) == (Decimal("0.333333333334"), True)
    assert figures_of(None, after) == Figures(compared=False)


def test_report__counts_what_is_undetermined_too(tmp_path: Path) -> None:
    """A change that makes pools undetermined is not a way around the guard."""
    before, after = policies(tmp_path)
    told = (
        ("healthy", "healthy", 1, "41.67"),
        ("healthy", "liquidate", 1, "33.33"),
        ("healthy", "undetermined", 1, "25"),
    )
    found = figures_of(before, after, report(before, after, "1/3", "0.25", told))
    assert found.newly_liquidatable == Decimal("0.583333333334")  # 7 / 12


EDITED = [
    {"share": "0"},
    {"share": "0.0099"},
    {"share": "0.0101"},
    {"undetermined": "0.0001"},
    {"newly_liquidatable_notional": {"numerator": "1", "denominator": "100000"}},
    {"newly_liquidated": {"positions": 2, "notional": "1.00"}},
    {"positions": 101},
    {"transitions": moves(HEALTHY)},
    {"transitions": moves(HEALTHY, ("healthy", "liquidate", 1, "0"))},
]


@pytest.mark.parametrize("fields", EDITED)
def test_report__that_says_two_things_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    """One position, a hundredth of the notional, is newly to be liquidated: edited by hand, it says so in one place."""
    before, after = policies(tmp_path)
    assert figures_of(before, after, report(before, after)).newly_liquidatable == Decimal("0.01")
    with pytest.raises(StoreError, match=r"REPORT_INVALID.* where .* stated"):
        figures_of(before, after, report(before, after, **fields))


@pytest.mark.parametrize("share", ["2", "-1", "NaN", "1e-5", "1e999999999", "1/0", 0.5, None, "9" * 3000])
def test_report__that_says_no_share_is_refused(tmp_path: Path, share: Any) -> None:
    """Nor one about other policies, nor one of a first version."""
    before, after = policies(tmp_path)
    for data in (report(before, after, share), report(after, before), b"", b"[]", b"{}"):
        with pytest.raises(StoreError, match="REPORT_INVALID"):
            figures_of(before, after, data)
    with pytest.raises(StoreError, match="REPORT_INVALID"):
        figures_of(None, after, report(before, after))


def test_submission__that_a_guard_forbids_is_stopped(tmp_path: Path) -> None:
    """At once, with nothing in the log."""
    store = founded(str(tmp_path / "store.db"), guards(rate_change=STEPS))
    put_in_force(store, texts(tmp_path, "1.0.0", "0.01"))
    before = len(store.ledger().steps)
    with pytest.raises(StoreError, match="GUARD_FORBIDS"):
        submit(store, texts(tmp_path, "1.1.0", "0.03"), REGISTRY, by("sam"))
    assert len(store.ledger().steps) == before


def test_approval__says_that_the_report_was_seen(tmp_path: Path) -> None:
    """The one that was submitted, and no other."""
    store = founded(str(tmp_path / "store.db"), guards(newly_liquidatable=STEPS))
    first, second = texts(tmp_path, "1.0.0", "0.01"), texts(tmp_path, "1.1.0", "0.015")
    put_in_force(store, first)
    with pytest.raises(StoreError, match="GUARD_FIGURE_MISSING"):
        submit(store, second, REGISTRY, by("sam"))
    seen = report(first.policy, second.policy)
    submit(store, second, REGISTRY, by("sam"), report=seen)
    with pytest.raises(StoreError, match="STORE_REPORT"):
        approve(store, second.pin, REGISTRY, by("mira"))
    with pytest.raises(StoreError, match="STORE_REPORT"):
        approve(store, second.pin, REGISTRY, by("mira"), report=report(first.policy, second.policy, "0"))
    with pytest.raises(StoreError, match="STORE_REPORT"):
        approve(store, second.pin, REGISTRY, by("mira"), report=seen + b" ")
    approve(store, second.pin, REGISTRY, by("mira"), report=seen)
    activate(store, second.pin, REGISTRY, by("otto"))


def test_guards__that_are_set_later_decide_when_it_is_activated(tmp_path: Path) -> None:
    """What was approved under looser guards waits for those of now."""
    store = founded(str(tmp_path / "store.db"))
    first, second = texts(tmp_path, "1.0.0", "0.01"), texts(tmp_path, "1.1.0", "0.015")
    put_in_force(store, first)
    submit(store, second, REGISTRY, by("sam"))
    approve(store, second.pin, REGISTRY, by("mira"))
    store.set_guards(first.policy.name, guards(rate_change=STEPS), by("ada"))
    with pytest.raises(StoreError, match="STORE_APPROVALS"):
        activate(store, second.pin, REGISTRY, by("otto"))
    store.set_guards(first.policy.name, guards(rate_change=[{"above": "0.1", "ask": "forbid"}]), by("ada"))
    with pytest.raises(StoreError, match="GUARD_FORBIDS"):
        activate(store, second.pin, REGISTRY, by("otto"))


@pytest.mark.parametrize(
    "settings",
    [{"approvals": 0}, {"approvals": 21}, {"looser": "allow"}, {"rate_change": [{"above": "-1", "ask": 1}]}, {"x": 1}],
)
def test_guards__that_say_nothing_sensible_are_refused(settings: dict[str, Any]) -> None:
    """No approval at all is none of them."""
    with pytest.raises(msgspec.ValidationError):
        guards(**settings)
