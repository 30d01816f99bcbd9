"""A policy judged by its cases: figures that differ, laws that are broken, and what no case touches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.errors import DocumentError, PolicyError, Problem
from rules_engine.life.cases.case_documents import CaseFile
from rules_engine.life.cases.case_laws import LawResult, try_law
from rules_engine.life.cases.cases import CaseResult, run_case
from rules_engine.life.cases.coverage import Coverage, coverage_of
from rules_engine.terms.evaluation import PolicyIdentity
from rules_engine.terms.policy import Policy


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the cases of one document say of a policy."""

    policy: PolicyIdentity
    file: str
    cases: tuple[CaseResult, ...]
    laws: tuple[LawResult, ...]
    coverage: Coverage

    @property
    def held(self) -> bool:
        """Whether every figure came out and every law held."""
        return all(case.held for case in self.cases) and all(law.held for law in self.laws)


def judge(
    policy: Policy, cases: CaseFile, *, only: str = "", tell: Callable[[str], None] = lambda text: None
) -> Judgement:
    """Runs every case and tries every law. Raises `DocumentError` where the document is no test of this policy.

    With `only`, none but the cases and laws that have this text in their name, in capitals or not. `tell` hears
    of each, and of all that a law is tried on, before it is run.
    """
    pin = f"{policy.name}@{policy.version}"
    if cases.policy is not None and cases.policy != pin:
        text, hint = f"the cases are for {cases.policy}, the policy beside them is {pin}", f"write `policy: {pin}`"
        mark = cases.policy_mark
        raise PolicyError([Problem(code="CASES_POLICY", message=text, hint=hint, mark=mark, path="policy")])
    engine = Engine(policy)
    chosen = [case for case in cases.cases if only.casefold() in case.name.casefold()]
    laws = [law for law in cases.laws if only.casefold() in law.law]
    count = len(chosen) + len(laws)
    problems: list[Problem] = []
    results: list[CaseResult] = []
    for number, case in enumerate(chosen, start=1):
        tell(f"{pin}: {number} of {count}: {case.name}")
        try:
            results.append(run_case(engine, case))
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    tried: list[LawResult] = []
    for number, law in enumerate(laws, start=len(chosen) + 1):
        begun = f"{pin}: {number} of {count}: {law.law}"
        tried.append(try_law(engine, law, cases.cases, partial(_tell_more, tell, begun)))
    return Judgement(
        policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
        file=cases.file,
        cases=tuple(results),
        laws=tuple(tried),
        coverage=coverage_of(policy, results),
    )


def _tell_more(tell: Callable[[str], None], begun: str, name: str) -> None:
    tell(f"{begun}: {name}")
