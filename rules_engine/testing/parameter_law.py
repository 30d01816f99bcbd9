"""The law of parameters: what a component's schema does not allow is refused, at its place in the policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from rules_engine.errors import Problem
from rules_engine.extension.registry import Registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.components import ParameterSchema
from rules_engine.testing.documents import flow, line_of, policy_text, with_member
from rules_engine.testing.judging import NotJudged, evidence

UNKNOWN: Final = "no_such_parameter"
VALUES: Final = ("no such thing", Decimal(-7), True, ["no such thing"], {"no_such_key": Decimal(1)})
"""Values of every type: what means something refuses some of them."""


def misfits(
    document: Mapping[str, Any], registry: Registry, place: tuple[str, str], schema: ParameterSchema
) -> Iterator[str]:
    """Policies that should have been refused, and are not, or not at the place where the component stands."""
    section, member = place
    stated = document[section][member]
    if _errors(document, registry):
        raise NotJudged("the policy, written anew, does not compile")
    yield from _accepted(document, registry, place, {**stated, UNKNOWN: Decimal(1)}, f"{UNKNOWN} is accepted")
    for name, rules in schema.items():
        if rules.get("required") and "default" not in rules and name in stated:
            without = {key: value for key, value in stated.items() if key != name}
            yield from _accepted(document, registry, place, without, f"{name} is required, and may be left out")
        others = [{**stated, name: value} for value in VALUES]
        if not any(_errors(with_member(document, section, member, other), registry) for other in others):
            yield evidence(f"{name} may be anything: {', '.join(map(flow, VALUES))}", rules=dict(rules))
        for other in others:
            yield from _misplaced(document, registry, place, other)


def _accepted(
    document: Mapping[str, Any], registry: Registry, place: tuple[str, str], stated: Any, finding: str
) -> Iterator[str]:
    changed = with_member(document, *place, stated)
    if not _errors(changed, registry):
        yield evidence(finding, policy=f"\n{policy_text(changed)}")
    yield from _misplaced(document, registry, place, stated)


def _misplaced(document: Mapping[str, Any], registry: Registry, place: tuple[str, str], stated: Any) -> Iterator[str]:
    """Refusals without any error on the line of the component's section."""
    changed = with_member(document, *place, stated)
    errors = _errors(changed, registry)
    line = line_of(policy_text(changed), *place)
    if errors and not any(error.mark is not None and error.mark.line == line for error in errors):
        yield evidence(f"refused elsewhere: {'; '.join(map(str, errors))}", policy=f"\n{policy_text(changed)}")


def _errors(document: Mapping[str, Any], registry: Registry) -> list[Problem]:
    _, problems = check_policy(policy_text(document).encode(), "policy.yaml", registry, policy_finder(None))
    return [problem for problem in problems if problem.severity == "error"]
