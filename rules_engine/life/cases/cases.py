"""Cases at work: each is answered by the very calls that production makes, and its figures are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.errors import DocumentError, Mark
from rules_engine.life.cases.case_documents import Case
from rules_engine.numbers.exact import exactly
from rules_engine.numbers.text import NumberError, parse_number
from rules_engine.policy.findings import nearest
from rules_engine.terms.evaluation import Evaluation

ABSENT: Final = object()
"""What is found where the answer has no such member."""


class Difference(msgspec.Struct, frozen=True):
    """A figure that is not what a case expects: `pools.A-17/cross.status`; `found` may be `ABSENT`.

    The hint says what may be meant, or what was doubtful.
    """

    figure: str
    expected: Any
    found: Any
    mark: Mark
    hint: str = ""


class CaseResult(msgspec.Struct, frozen=True):
    """A case that was run: what the engine said, how many figures were compared, and which of them differ."""

    case: Case
    evaluation: Evaluation
    differences: tuple[Difference, ...]

    @property
    def held(self) -> bool:
        """Whether every figure came out."""
        return not self.differences


def run_case(engine: Engine, case: Case) -> CaseResult:
    """Evaluates the case's account, or decides on its order. Raises `DocumentError` where it has no answer."""
    if case.order is None:
        evaluation = engine.evaluate(case.account, case.market)
        answer = _by_name(evaluation)
    else:
        try:
            decision = engine.check_order(case.account, case.market, case.order)
        except DocumentError as error:
            raise DocumentError([msgspec.structs.replace(one, mark=case.mark) for one in error.problems]) from error
        evaluation = decision.evaluation
        answer = {**_by_name(evaluation), "order": decision.to_dict()}
    with exactly():
        return CaseResult(case, evaluation, tuple(_differences(case, answer, evaluation)))


def _by_name(evaluation: Evaluation) -> dict[str, Any]:
    """The document of an evaluation, positions and pools by their names."""
    document = evaluation.to_dict()
    return {
        "positions": {position["id"]: position for position in document["positions"]},
        "pools": {pool["pool"]: pool for pool in document["pools"]},
    }


def _differences(case: Case, answer: Mapping[str, Any], evaluation: Evaluation) -> Iterator[Difference]:
    for expectation in case.expectations:
        place = expectation.place
        found, hint = _at(answer, place)
        if not agrees(found, expectation.value, case.tolerance):
            why = hint if found is ABSENT else "; ".join(_doubts(evaluation, *place[:2]))
            yield Difference(".".join(place), expectation.value, found, expectation.mark, why)


def _doubts(evaluation: Evaluation, kind: str, name: str) -> Iterator[str]:
    """What was doubtful of a position or pool: what its answer rests on, and for a position its notes."""
    position = next((one for one in evaluation.positions if kind == "positions" and one.id == name), None)
    named = name if kind == "pools" else position.pool if position else None
    pools = [pool for pool in evaluation.pools if pool.pool == named]
    evidence = [*evaluation.evidence, *(doubt for pool in pools for doubt in pool.evidence)]
    yield from dict.fromkeys(map(str, evidence))
    if position and position.notes and not evidence:
        yield f"noted: {', '.join(position.notes)}"


def _at(answer: Mapping[str, Any], place: tuple[str, ...]) -> tuple[Any, str]:
    """What stands at a place of the answer; where nothing does, what may be meant."""
    found: Any = answer
    for step in place:
        if not isinstance(found, Mapping) or step not in found:
            return ABSENT, nearest(step, found) if isinstance(found, Mapping) else ""
        found = found[step]
    return found, ""


def agrees(found: Any, expected: Any, tolerance: Decimal) -> bool:
    """Whether a figure is the expected one: numbers by value, lists by their members, of maps what is expected."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            agrees(found.get(key, ABSENT), value, tolerance) for key, value in expected.items()
        )
    if isinstance(expected, list):
        same_length = isinstance(found, list) and len(found) == len(expected)
        return same_length and all(agrees(*pair, tolerance) for pair in zip(found, expected, strict=True))
    off = off_by(found, expected)
    return found == expected if off is None else abs(off) <= tolerance


def off_by(found: Any, expected: Any) -> Decimal | None:
    """How much more was found than expected; None where either is no number."""
    numbers = [_number(found), _number(expected)]
    if numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0] - numbers[1]


def _number(value: Any) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return parse_number(str(value))
    except NumberError:
        return None
