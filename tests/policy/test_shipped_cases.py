"""The worked examples beside shipped policies: every expected figure comes out of the policy that they stand beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rules_engine import Engine, load_policy
from rules_engine.errors import PolicyError
from rules_engine.policy.load import policy_finder
from rules_engine.policy.reader import read_document

POLICIES = Path(__file__).parents[2] / "policies"
SUFFIX = ".cases.yaml"
SCHEMA = "rules-engine/cases/1"


class Case(NamedTuple):
    """One worked example and the policy that it holds for."""

    policy: Path
    content: Mapping[str, Any]


def documents() -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every file of worked examples, read as strictly as policies are: numbers are exact, nothing is ambiguous."""
    for file in sorted(POLICIES.glob(f"*/*{SUFFIX}")):
        yield file, read_document(file.read_bytes(), str(file)).value


def policy_of(file: Path) -> Path:
    """The policy beside which a file of worked examples stands."""
    return file.with_name(file.name.removesuffix(SUFFIX) + ".yaml")


DOCUMENTS = dict(documents())
CASES = [Case(policy_of(file), content) for file, document in DOCUMENTS.items() for content in document["cases"]]
ENGINES = {policy: Engine(load_policy(policy)) for policy in {case.policy for case in CASES}}


def differences(found: Any, expected: Any, place: str) -> Iterator[str]:
    """Where what was found differs from what is expected; members that are not expected are not looked at."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from differences(found.get(key, "nothing"), value, f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        for index, (one, wanted) in enumerate(zip(found, expected, strict=True)):
            yield from differences(one, wanted, f"{place}[{index}]")
    elif isinstance(expected, Decimal) and isinstance(found, str | int):
        if Decimal(found) != expected:
            yield f"{place}: found {found}, expected {expected}"
    elif found != expected:
        yield f"{place}: found {found}, expected {expected}"


@pytest.mark.parametrize("case", CASES, ids=[f"{case.policy.parent.name}: {case.content['name']}" for case in CASES])
def test_shipped_case__agrees_with_its_expected_figures(case: Case) -> None:
    answer = ENGINES[case.policy].evaluate(case.content["account"], case.content["market"]).to_dict()
    found = {
        "positions": {position["id"]: position for position in answer["positions"]},
        "pools": {pool["pool"]: pool for pool in answer["pools"]},
    }
    assert list(differences(found, case.content["expect"], "")) == []


def test_shipped_cases__stand_beside_an_existing_version() -> None:
    assert DOCUMENTS
    for file, document in DOCUMENTS.items():
        assert policy_of(file).is_file(), file
        assert document["schema"] == SCHEMA


def test_shipped_cases__say_what_they_expect_and_where_it_comes_from() -> None:
    for case in CASES:
        assert case.content.keys() == {"name", "source", "account", "market", "expect"}, case.content["name"]
        assert case.content["source"] and any(case.content["expect"].values())


def test_shipped_cases__are_no_version_of_a_policy() -> None:
    """No pin reaches a file of worked examples: `1.2.0.cases` is no version."""
    for file in DOCUMENTS:
        with pytest.raises(PolicyError, match="POLICY_UNKNOWN"):
            load_policy(f"{file.parent.name}@{file.stem}", policies=POLICIES)
        assert policy_finder(POLICIES)(file.parent.name, "1.2.0.cases.0") is None
