"""Schedules of an engine: tables under adjustments, each worked out once for all the markets that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from rules_engine.engine.buffering import schedule_under
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import Adjustment, Schedule
from rules_engine.terms.policy import Buffer, InstrumentRule

MOST: Final = 10_000
"""Schedules that are kept; measures that never repeat would otherwise fill the memory."""


class Schedules:
    """Keeps schedules. Safe to share between threads: one that two of them make at once is the same twice."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[object, Schedule]] = {}

    def under(self, rule: InstrumentRule, buffers: Sequence[tuple[Buffer, Adjustment]]) -> Schedule:
        """The instrument's table under these adjustments."""
        if not buffers:
            return rule.table.schedule
        digits = [(_digits(each.multiply), _digits(each.add_rate)) for _, each in buffers]
        return self._once(("under", id(rule), *digits), rule, lambda: schedule_under(rule, buffers))

    def in_columns(self, schedule: Schedule) -> Schedule:
        """The same schedule in the numbers of columns."""
        return self._once(("columns", id(schedule)), schedule, lambda: _in_columns(schedule))

    def _once(self, key: Hashable, of: object, make: Callable[[], Schedule]) -> Schedule:
        """What was made of an object before; it is kept with it, so that no other can take its identity."""
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            found = self._kept[key] = of, make()
        return found[1]


def _in_columns(schedule: Schedule) -> Schedule:
    from rules_engine.numbers.bounded import constants, lines_of  # loads NumPy, which an evaluation does without

    return msgspec.structs.replace(
        schedule,
        floors=constants(schedule.floors),
        lines=lines_of(schedule.lines),
        initial_rates=constants(schedule.initial_rates),
        leverage_rates=constants(schedule.leverage_rates),
    )


def _digits(x: Number) -> Hashable:
    """A number to its digits: equal ones that are written differently give figures that are."""
    if isinstance(x, Ratio):
        return x.n.as_tuple(), x.d.as_tuple()
    return x.as_tuple() if isinstance(x, Decimal) else x
