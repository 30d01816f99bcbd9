"""Guards where versions are for new positions alone, where a version ends, and where a report hides what they ask."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules_engine.life.store.changes import rollback, submit
from rules_engine.life.store.figures import figures_of
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.statements import Submit
from rules_engine.life.store.store import Store
from tests.life.people import REGISTRY, at, by, founded, guards, put_in_force, texts
from tests.life.test_guards import HEALTHY, LIQUIDATED, policies, report

NEW = "effective_from: 2026-12-01T09:00:00Z\napplies_to: new_positions\n"


def figures(store: Store) -> Any:
    """What the last submission says."""
    statement = store.ledger().steps[-1].statement
    assert isinstance(statement, Submit)
    return statement.figures


def lines(folder: Path) -> Store:
    """1 % for all, from nine o'clock on 3 % for new positions."""
    store = founded(str(folder / "store.db"), guards(rate_change=[{"above": "3", "ask": "forbid"}]))
    put_in_force(store, texts(folder, "1.0.0", "0.01"))
    put_in_force(store, texts(folder, "2.0.0", "0.03", NEW), effective=at(1))
    return store


def test_rate__for_all_after_one_for_new_positions_is_taken_from_each_that_governs(tmp_path: Path) -> None:
    """3 % for all changes nothing for new positions and triples the rate of old ones; 4 % is a third and threefold."""
    store = lines(tmp_path)
    submit(store, texts(tmp_path, "3.0.0", "0.03"), REGISTRY, by("sam", 2))
    assert (figures(store).rate_change, figures(store).looser) == (2, False)
    submit(store, texts(tmp_path, "3.0.1", "0.04"), REGISTRY, by("sam", 2))
    assert figures(store).rate_change == 3
    submit(store, texts(tmp_path, "3.0.2", "0.02"), REGISTRY, by("sam", 2))
    assert (figures(store).rate_change, figures(store).looser) == (1, True)
    with pytest.raises(StoreError, match="GUARD_FORBIDS"):
        submit(store, texts(tmp_path, "3.0.3", "0.05"), REGISTRY, by("sam", 2))


def test_rate__for_new_positions_again_is_taken_from_the_parent(tmp_path: Path) -> None:
    """Nothing changes for older positions."""
    store = lines(tmp_path)
    later = NEW.replace("T09", "T12")
    submit(store, texts(tmp_path, "3.0.0", "0.06", later), REGISTRY, by("sam", 2))
    assert figures(store).rate_change == 1


def test_rate__does_not_count_a_version_that_was_undone(tmp_path: Path) -> None:
    """3 % for new positions was undone, so 4 % for all quadruples and no less."""
    store = lines(tmp_path)
    rollback(store, "usdt-perpetuals@2.0.0", REGISTRY, by("otto", 2))
    submit(store, texts(tmp_path, "3.0.0", "0.015"), REGISTRY, by("sam", 3))
    assert figures(store).rate_change == Decimal("0.5")
    put_in_force(store, texts(tmp_path, "3.0.1", "0.02"), 3)
    assert store.load("usdt-perpetuals", REGISTRY, now=at(4)).version == "3.0.1"


def test_version__that_ends_is_looser_than_one_that_does_not(tmp_path: Path) -> None:
    """After its end nobody is asked for anything; one that ends no sooner than its parent is as strict."""
    year, month = ("effective_until: 2027-12-01T00:00:00Z\n", "effective_until: 2027-01-01T00:00:00Z\n")
    plain, yearly, monthly = (
        texts(tmp_path, version, "0.01", extra).policy
        for version, extra in (("1.0.0", ""), ("1.1.0", year), ("1.2.0", month))
    )
    found = {
        (one.version, other.version): figures_of(one, other).looser
        for one, other in ((plain, yearly), (yearly, monthly), (monthly, yearly), (yearly, plain))
    }
    assert list(found.values()) == [True, True, False, False]


@pytest.mark.parametrize(
    "fields",
    [
        {"share": "0", "told": ()},
        {"rows_at_fault": 1},
        {"unpriced_positions": 1},
        {"told": (HEALTHY, LIQUIDATED, ("undetermined", "undetermined", 1, "0"))},
    ],
)
def test_report__that_hides_what_a_guard_asks_for_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    """An empty book, one at fault, and one that neither policy can decide have no share."""
    before, after = policies(tmp_path)
    with pytest.raises(StoreError, match=r"REPORT_INCOMPLETE.*impact"):
        figures_of(before, after, report(before, after, **fields))


@pytest.mark.parametrize(
    "fields",
    [{"positions": -1}, {"positions": "100"}, {"rows_at_fault": None}, {"rows_at_fault": True}, {"transitions": [1]}],
)
def test_report__without_counts_is_none(tmp_path: Path, fields: dict[str, Any]) -> None:
    """What is not counted as reports count is not believed."""
    before, after = policies(tmp_path)
    with pytest.raises(StoreError, match="REPORT_INVALID"):
        figures_of(before, after, report(before, after, **fields))


@pytest.mark.parametrize(
    ("healthy", "stated", "share"),
    [
        ("74.00", "0.01", Decimal("0.26005")),  # 0.01 of the report, and 25 and half a cent of 100
        ("0", "1/26", Decimal(1)),  # no more than all of it
    ],
)
def test_report__of_what_could_not_be_decided_and_is_to_be_liquidated(
    tmp_path: Path, healthy: str, stated: str, share: Decimal
) -> None:
    """It may have been healthy: it counts as newly liquidatable."""
    before, after = policies(tmp_path)
    told = (("healthy", "healthy", 1, healthy), LIQUIDATED, ("undetermined", "liquidate", 3, "25.00"))
    assert figures_of(before, after, report(before, after, stated, "0", told)).newly_liquidatable == share
