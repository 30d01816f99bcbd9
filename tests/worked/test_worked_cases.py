"""The engine against figures that venues and other engines published."""

from __future__ import annotations

import re

import pytest

from tests.worked.case_arithmetic import agrees, as_printed, decimal_text, evaluated
from tests.worked.venue_cases import FOLDER, Case, cases

CASES = list(cases())
ROW = re.compile(r"^\| `(?P<id>[^`]+)` \| (?P<how>[^|]+) \|", re.MULTILINE)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_worked_case__agrees_with_its_source(case: Case) -> None:
    """Every published figure of a case comes out of the engine within the tolerance that its case states."""
    names = case.inputs() | case.figures()
    for name, published in case.case["expected"].items():
        found = evaluated(case.part["read"][name], names)
        how = (case.part.get("printed", {}) | case.case.get("printed", {})).get(name)
        printed = as_printed(found, how) if how and found is not None else found
        shown = None if found is None else decimal_text(found)
        message = f"{name}: {shown}, published {published}\n{names}"
        assert agrees(printed, published, case.case["tolerance"][name]), message


def test_worked_case__names_its_source_and_its_tolerances() -> None:
    """No figure is expected without a source and a tolerance."""
    for case in CASES:
        assert case.case["source"], case.name
        assert set(case.case["expected"]) == set(case.case["tolerance"]), case.name


def test_readme__tells_of_every_case() -> None:
    """The table of the README says of each case file's ids that they are expressed, and of no others."""
    rows = {row["id"]: row["how"] for row in ROW.finditer((FOLDER / "README.md").read_text())}
    told = {identity for identity, how in rows.items() if not how.startswith("not expressed")}
    assert told == {case.case["id"] for case in CASES}
