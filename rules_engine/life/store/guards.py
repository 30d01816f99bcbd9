"""Guards: how many people must approve a change, and which changes nobody may make.

They are set for a policy line by an administrator's statement, and stand outside the policies: whoever submits a
version cannot loosen what decides about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from rules_engine.errors import Problem
from rules_engine.numbers.text import plain, within_limits

MOST_APPROVALS: Final = 20
"""More people than this never stand behind one change; a guard that asks for more is a mistake."""

Approvals: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MOST_APPROVALS)]
Outcome: TypeAlias = Approvals | Literal["forbid"]
"""What a guard asks for: so many approvals, or that the change is not made."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for where a figure is above this."""

    above: Decimal
    ask: Outcome

    def __post_init__(self) -> None:
        _check(self.above)


class Guards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The guards of a policy line. `approvals` is what every change needs; the strictest guard that applies decides.

    `rate_change`: the largest relative change of a rate, 0.5 for half as much again. `newly_liquidatable`: the part of
    the book's notional that the change would make liquidatable, by the impact report. `looser`: whether anything at
    all is looser than in the parent.
    """

    approvals: Approvals = 1
    rate_change: tuple[Step, ...] = ()
    newly_liquidatable: tuple[Step, ...] = ()
    looser: Outcome | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What guards look at, of a version against its parent. None is what nobody worked out.

    `rate_from_zero`: some rate was 0 and is not any more, which is beyond every limit. A first version has nothing to
    be compared with (`compared` is False), and the guards that compare do not apply.
    """

    compared: bool
    rate_change: Decimal | None = None
    rate_from_zero: bool = False
    looser: bool | None = None
    newly_liquidatable: Decimal | None = None

    def __post_init__(self) -> None:
        _check(self.rate_change, self.newly_liquidatable)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards ask for: the approvals, why so many, and what is forbidden outright."""

    approvals: int
    reasons: tuple[str, ...] = ()
    forbidden: tuple[Problem, ...] = ()


def _check(*figures: Decimal | None) -> None:
    """Raises ValueError for what is no number of ours, or below zero."""
    for figure in figures:
        if figure is not None and within_limits(figure) < 0:
            raise ValueError(f"{plain(figure)} is below zero")


def demand(guards: Guards, figures: Figures) -> Demand:
    """What these guards ask of a change with these figures. A figure that a guard needs and is not there forbids."""
    approvals, reasons, forbidden = guards.approvals, [], []
    for reason, outcome in _said(guards, figures):
        if outcome == "forbid":
            hint = "make a smaller change, or let an administrator set other guards"
            forbidden.append(Problem(code="GUARD_FORBIDS", message=reason, hint=hint))
        elif isinstance(outcome, Problem):
            forbidden.append(outcome)
        else:
            reasons.append(f"{reason}: {outcome} to approve")
            approvals = max(approvals, outcome)
    return Demand(approvals=approvals, reasons=tuple(reasons), forbidden=tuple(forbidden))


def _said(guards: Guards, figures: Figures) -> Iterator[tuple[str, Outcome | Problem]]:
    if not figures.compared:
        return
    if figures.rate_from_zero:
        yield from (("a rate was 0 and is not any more", step.ask) for step in guards.rate_change)
    yield from _judged(guards.rate_change, figures.rate_change, "the largest relative change of a rate")
    yield from _judged(guards.newly_liquidatable, figures.newly_liquidatable, "the part of notional newly liquidatable")
    if guards.looser is not None and figures.looser is not False:
        yield "it is looser than its parent", guards.looser


def _judged(steps: tuple[Step, ...], figure: Decimal | None, name: str) -> Iterator[tuple[str, Outcome | Problem]]:
    if figure is None:
        if steps:
            hint = (
                "submit it with --impact FILE, which"
                " `rules-engine impact BEFORE AFTER --book BOOK --market MARKET --json > FILE` writes"
            )
            said = f"a guard asks for {name}, and no impact report says it"
            yield name, Problem(code="GUARD_FIGURE_MISSING", message=said, hint=hint)
        return
    for step in steps:
        if figure > step.above:
            yield f"{name} is {plain(figure)}, above {plain(step.above)}", step.ask
