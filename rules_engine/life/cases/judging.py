"""A policy judged by its cases: figures that differ, laws that are broken, and what no case touches."""

from __future__ import annotations

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


def judge(policy: Policy, cases: CaseFile) -> Judgement:
    """Runs every case and tries every law. Raises `DocumentError` where the document is no test of this policy."""
    pin = f"{policy.name}@{policy.version}"
    if cases.policy is not None and cases.policy != pin:
        text, hint = f"the cases are for {cases.policy}, the policy beside them is {pin}", f"write `policy: {pin}`"
        mark = cases.policy_mark
        raise PolicyError([Problem(code="CASES_POLICY", message=text, hint=hint, mark=mark, path="policy")])
    engine = Engine(policy)
    problems: list[Problem] = []
    results: list[CaseResult] = []
    for case in cases.cases:
        try:
            results.append(run_case(engine, case))
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return Judgement(
        policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
        file=cases.file,
        cases=tuple(results),
        laws=tuple(try_law(engine, law, cases.cases) for law in cases.laws),
        coverage=coverage_of(policy, results),
    )
