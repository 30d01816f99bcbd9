"""What cases say of a policy: a line for each figure that differs, a line for each law that breaks, and coverage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from rules_engine.errors import Mark
from rules_engine.life.cases.case_laws import LawResult
from rules_engine.life.cases.cases import ABSENT, CaseResult, Difference, off_by
from rules_engine.life.cases.coverage import Coverage, Covered, untouched
from rules_engine.life.cases.judging import Judgement
from rules_engine.numbers.exact import exactly
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid
from rules_engine.report.values import plain_values, written

SHOWN: Final = 10
"""Rows of one kind that nothing touches; beyond these people are told a number."""
NAMED: Final = 3
"""Instruments that are named as touching something; beyond these people are told a number."""
WORDS: Final = {"tier": "table", "band": "buffer"}
"""What parts are told together: the tiers of a table, the bands of a buffer."""
UNUSED: Final = "no instrument names it"
NO_INSTRUMENTS: Final = "the policy names no instrument"


def failure_lines(judgement: Judgement) -> Iterator[str]:
    """A line for each figure that differs and for each law that does not hold, with the documents that break it."""
    for result in judgement.cases:
        yield from (f"{one.mark}: {result.case.name}: {difference_text(one)}" for one in result.differences)
    for law in judgement.laws:
        if not law.held:
            yield from _broken(law)


def difference_text(one: Difference) -> str:
    """`pools.A-17/cross.equity: expected 120, found 119.5 (0.5 less)`."""
    if one.found is ABSENT:
        return f"{one.figure}: expected {written(one.expected)}, found nothing" + (f" ({one.hint})" if one.hint else "")
    return f"{one.figure}: expected {written(one.expected)}, found {written(one.found)}{_by_how_much(one)}"


def _by_how_much(one: Difference) -> str:
    with exactly():
        off = off_by(one.found, one.expected)
        return "" if off is None else f" ({plain(abs(off))} {'more' if off > 0 else 'less'})"


def _broken(law: LawResult) -> Iterator[str]:
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


def untouched_lines(coverage: Coverage, file: str) -> Iterator[str]:
    """A line for everything that no case touches and one could, at its place in the policy."""
    for one in untouched(coverage):
        yield f"{one.mark or Mark(file, 1, 1)}: no case touches {_thing_text(one)}"


def _thing_text(one: Covered) -> str:
    kind, name, part = one.thing
    if kind in WORDS and part:
        return f"{kind} {part} of {WORDS[kind]} {name} ({one.text})"
    return f"{WORDS.get(kind, kind)} {name}" if kind != "orders" else name


def coverage_tables(judgement: Judgement) -> Iterator[Any]:
    """What cases touch, as a table for people: rich renderables."""
    from rich.text import Text

    policy = judgement.policy
    columns = ("what", "name", "touched", "not touched", "by")
    table = grid(f"what the cases of {policy.name} {policy.version} touch", *columns)
    left_out: dict[str, int] = {}
    for kind, rows in groupby(judgement.coverage, lambda one: one.thing.kind):
        silent = 0
        for name, parts in groupby(rows, lambda one: one.thing.name):
            cells = _row(kind, name, list(parts))
            silent += cells[-1] == ""
            if cells[-1] == "" and silent > SHOWN:
                left_out[cells[0]] = silent - SHOWN
            else:
                table.add_row(*map(Text, cells))
    yield table
    for word, count in left_out.items():
        yield Text(f"and {count} more that no case touches: {word}; --json lists all")


def _row(kind: str, name: str, parts: Sequence[Covered]) -> tuple[str, ...]:
    """A row of the table: what is touched, what is not, and by which instruments or pools."""
    touched = [one for one in parts if one.touched]
    rest = [one for one in parts if not one.touched]
    by = list(dict.fromkeys(touch.by for one in touched for touch in one.touched))
    more = [f"and {len(by) - NAMED} more"] if len(by) > NAMED else []
    unused = "" if parts[0].reachable else UNUSED if kind in WORDS else NO_INSTRUMENTS
    return (
        WORDS.get(kind, kind),
        name,
        ", ".join(_part(one, "yes") for one in touched),
        unused or ", ".join(_part(one, "no") for one in rest),
        ", ".join([*by[:NAMED], *more]),
    )


def _part(one: Covered, whole: str) -> str:
    """A part of a table or buffer as it stands in a row: a tier's number, a band's beginning."""
    return str(one.thing.part) if one.thing.kind == "tier" else one.text or whole


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """The judgement for programs."""
    return {
        "policy": judgement.policy.to_dict(),
        "file": judgement.file,
        "held": judgement.held,
        "cases": [_case_entry(case) for case in judgement.cases],
        "laws": [_law_entry(law) for law in judgement.laws],
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


def summary_text(judgement: Judgement) -> str:
    """One line: how many cases, figures and laws there are, how many do not hold, and what no case touches."""
    cases, laws = judgement.cases, judgement.laws
    policy = judgement.policy
    reachable = [one for one in judgement.coverage if one.reachable]
    parts = [
        f"{_count(cases, 'case')} with {_count([e for one in cases for e in one.case.expectations], 'figure')}",
        *_failing(cases, "fails", "fail"),
        _count(laws, "law"),
        *_failing(laws, "does not hold", "do not hold"),
        f"{len(untouched(judgement.coverage))} of {len(reachable)} parts of the policy untouched",
    ]
    return f"{policy.name} {policy.version}: {', '.join(parts)}"


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _failing(results: Iterable[CaseResult] | Iterable[LawResult], one: str, several: str) -> list[str]:
    count = sum(not result.held for result in results)
    return [f"{count} {one if count == 1 else several}"] if count else []
