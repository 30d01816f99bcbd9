"""The laws of close-out plans: each is broken by a silly one and found by name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from rules_engine.formulas.close_out import Full, Smallest
from rules_engine.plugin import ClosablePool, Closing, Leg, Parameters
from rules_engine.testing import Report, check_close_out_plan

ONE = Decimal(1)


def broken(report: Report) -> list[str]:
    """The names of the laws that were broken."""
    assert not report.obstacle, report.obstacle
    return [law.name for law in report.broken]


def changed(closing: Closing, quantity: Decimal) -> Closing:
    """The same step with another quantity."""
    return replace(closing, quantity=quantity)


class Plan(Smallest):
    """The standard plan, its steps changed."""

    name = "silly"

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        return self.twisted(pool, list(super().closings(pool, parameters)))

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        """What is wrong with it."""
        raise NotImplementedError


class TooMuch(Plan):
    """Closes more than there is."""

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        sizes = {leg.position: leg.size for leg in pool.legs}
        return [changed(step, sizes[step.position] + 1) for step in steps]


class Idle(Plan):
    """Begins with a step that closes nothing."""

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        return [changed(steps[0], Decimal(0)), *steps]


class Strange(Plan):
    """Closes what nobody holds."""

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        return [*steps, Closing(position="nobody", quantity=ONE, reason="")]


class Fine(Plan):
    """Closes in parts of a step: half of the first position and what is left of it, then everything else."""

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        def parts(leg: Leg) -> list[Closing]:
            some = leg.size * Decimal("0.0009765625")
            return [Closing(position=leg.position, quantity=part, reason="") for part in (some, leg.size - some)]

        return [part for leg in pool.legs for part in parts(leg)]


class Early(Plan):
    """Stops before the pool is restored."""

    def twisted(self, pool: ClosablePool, steps: list[Closing]) -> Sequence[Closing]:
        return steps[:-1]


class Fickle(Full):
    """Closes in another order every time."""

    name = "silly"
    times = 0

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        self.times += 1
        steps = list(super().closings(pool, parameters))
        return steps[::-1] if self.times % 2 else steps


class Tired(Full):
    """Closes a pool in another order when it sees it again."""

    name = "silly"

    def __init__(self) -> None:
        self.seen: list[ClosablePool] = []

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        again = any(one is pool for one in self.seen)
        self.seen.append(pool)
        steps = list(super().closings(pool, parameters))
        return steps[::-1] if again else steps


class Loose(Full):
    """Takes anything for a parameter."""

    name = "silly"
    parameters: Any = {"speed": {}}


class Ticking(Full):
    """Looks at the clock."""

    name = "silly"

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        time.time()
        return super().closings(pool, parameters)


@pytest.mark.parametrize(
    ("plan", "law"),
    [
        (TooMuch(), "steps"),
        (Idle(), "steps"),
        (Strange(), "steps"),
        (Fine(), "multiples"),
        (Early(), "restores"),
        (Loose(), "parameters"),
        (Tired(), "repeatable"),
        (Ticking(), "outside"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plan__that_breaks_one_law_is_found_by_its_name(plan: Any, law: str) -> None:
    assert broken(check_close_out_plan(plan)) == [law]


def test_plan__that_is_fickle_is_found() -> None:
    assert {"order", "repeatable"} <= set(broken(check_close_out_plan(Fickle())))
