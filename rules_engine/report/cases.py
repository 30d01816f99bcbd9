"""What cases say of a policy: a line for each figure that differs and each law that breaks, or all for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rules_engine.errors import Mark
from rules_engine.life.cases.case_laws import LawResult
from rules_engine.life.cases.cases import ABSENT, CaseResult, Difference, off_by
from rules_engine.life.cases.coverage import Covered, untouched
from rules_engine.life.cases.judging import Judgement
from rules_engine.numbers.exact import exactly
from rules_engine.numbers.text import plain
from rules_engine.report.case_coverage import touched_text
from rules_engine.report.values import plain_values, written


def failure_lines(judgement: Judgement) -> Iterator[str]:
    """A line for each figure that differs and for each law that does not hold, with the documents that break it."""
    for result in judgement.cases:
        yield from case_lines(result)
    for law in judgement.laws:
        yield from law_lines(law)


def case_lines(result: CaseResult) -> Iterator[str]:
    """A line for each figure of a case that differs."""
    yield from (f"{one.mark}: {result.case.name}: {difference_text(one)}" for one in result.differences)


def difference_text(one: Difference) -> str:
    """`pools.A-17/cross.equity: expected 120, found 119.5 (0.5 less)`; in brackets also what was doubtful, or meant."""
    found = "nothing" if one.found is ABSENT else written(one.found)
    asides = "; ".join(filter(None, (_by_how_much(one), one.hint)))
    return f"{one.figure}: expected {written(one.expected)}, found {found}" + (f" ({asides})" if asides else "")


def _by_how_much(one: Difference) -> str:
    with exactly():
        off = off_by(one.found, one.expected)
        return "" if off is None else f"{plain(abs(off))} {'more' if off > 0 else 'less'}"


def law_lines(law: LawResult) -> Iterator[str]:
    """How a law is broken, and where it was not tried though it names it; nothing where it holds."""
    for example in law.counterexamples:
        yield f"{law.mark}: {law.law}: {example.finding}"
        yield f"    account: {json.dumps(example.account, ensure_ascii=False)}"
        yield f"    market: {json.dumps(example.market, ensure_ascii=False)}"
    for name in law.missed:
        yield f"{law.mark}: {law.law}: was not tried on {name}{_reason(law.not_tried)}"
    if not law.tried and not law.missed:
        yield f"{law.mark}: {law.law}: was tried on nothing{_reason(law.not_tried)}"


def _reason(not_tried: Sequence[str]) -> str:
    return f" ({not_tried[0]})" if not_tried else ""


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """The judgement for programs."""
    reachable = sum(one.reachable for one in judgement.coverage)
    return {
        "policy": judgement.policy.to_dict(),
        "file": judgement.file,
        "held": judgement.held,
        "cases": [_case_entry(case) for case in judgement.cases],
        "laws": [_law_entry(law) for law in judgement.laws],
        "parts": {"reachable": reachable, "touched": reachable - len(untouched(judgement.coverage))},
        "coverage": [_covered_entry(one) for one in judgement.coverage],
    }


def _case_entry(result: CaseResult) -> dict[str, Any]:
    return {
        "name": result.case.name,
        **_place(result.case.mark),
        "held": result.held,
        "figures": len(result.case.expectations),
        "differences": [
            {
                "figure": one.figure,
                "expected": plain_values(one.expected),
                "found": None if one.found is ABSENT else plain_values(one.found),
                "absent": one.found is ABSENT,
                "hint": one.hint,
                **_place(one.mark),
            }
            for one in result.differences
        ],
    }


def _law_entry(law: LawResult) -> dict[str, Any]:
    return {
        "law": law.law,
        "statement": law.statement,
        **_place(law.mark),
        "held": law.held,
        "tried": list(law.tried),
        "comparisons": law.comparisons,
        "counterexamples": [
            {"finding": one.finding, "account": one.account, "market": one.market} for one in law.counterexamples
        ],
        "not_tried": list(law.not_tried),
        "missed": list(law.missed),
    }


def _covered_entry(one: Covered) -> dict[str, Any]:
    kind, name, part = one.thing
    return {
        "kind": kind,
        "name": name,
        **({"part": part, "text": one.text} if part else {}),
        **(_place(one.mark) if one.mark else {}),
        "reachable": one.reachable,
        "touched": [{"by": touch.by, "case": touch.case} for touch in one.touched],
    }


def _place(mark: Mark) -> dict[str, Any]:
    return {"file": mark.file, "line": mark.line, "column": mark.column}


def summary_text(judgement: Judgement, *, coverage: bool = True) -> str:
    """One line: how many cases, figures and laws there are, how many do not hold, and how much they touch."""
    cases, laws = judgement.cases, judgement.laws
    policy = judgement.policy
    parts = [
        f"{_count(cases, 'case')} with {_count([e for one in cases for e in one.case.expectations], 'figure')}",
        *_failing(cases, "fails", "fail"),
        _count(laws, "law"),
        *_failing(laws, "does not hold", "do not hold"),
        *([touched_text(judgement.coverage)] if coverage else []),
    ]
    return f"{policy.name} {policy.version}: {', '.join(parts)}"


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _failing(results: Iterable[CaseResult] | Iterable[LawResult], one: str, several: str) -> list[str]:
    count = sum(not result.held for result in results)
    return [f"{count} {one if count == 1 else several}"] if count else []
