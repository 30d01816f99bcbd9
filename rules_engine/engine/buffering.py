"""Buffers at work on one instrument: what each reads off the market, and the rates that follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from rules_engine.engine.calls import Caller, is_exact
from rules_engine.engine.market_data import Doubts, fresh
from rules_engine.formulas.tiers import adjusted, combined, greatest, least
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import Adjustment, Schedule
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.market import InstrumentMarket
from rules_engine.terms.policy import Buffer, InstrumentRule, MarketLimits


class AppliedBuffer(msgspec.Struct, frozen=True):
    """A buffer at work: the adjustments that hold under the most and the least severe reading of what is missing.

    `reading` is what it read, None where that is missing. One that is below every band is not usable either.
    """

    buffer: Buffer
    severe: Adjustment
    least: Adjustment
    reading: Number = None

    @property
    def usable(self) -> bool:
        """Whether the reading says what to do."""
        return self.severe is self.least


def applied_buffers(
    rule: InstrumentRule,
    view: InstrumentView,
    data: InstrumentMarket,
    as_of: datetime,
    limits: MarketLimits,
    doubts: Doubts,
    missing: Doubts,
) -> tuple[AppliedBuffer, ...]:
    """Every buffer of an instrument at work; `missing` are those that have nothing usable to read."""
    if not rule.buffers:
        return ()
    measures = MappingProxyType(dict(fresh(data.measures, as_of, limits.stale_after)))
    known = msgspec.structs.replace(data, expires_at=view.expires_at, measures=measures, terms=view.terms)
    applied = []
    for buffer in rule.buffers:
        with doubts.of_plugins():
            applied.append(one := _applied(buffer, known, view.name, as_of))
            if not one.usable:
                text = f"buffer {buffer.name} has nothing usable to read; its most severe band stands in"
                missing.add("MEASURE_MISSING", text)
    return tuple(applied)


def _applied(buffer: Buffer, known: InstrumentMarket, instrument: str, as_of: datetime) -> AppliedBuffer:
    """One buffer at work. Raises `PluginFault`."""
    call = Caller(buffer.kind, buffer.supplier, None, instrument, getattr(buffer.kind, "budget", None))
    reading = call(buffer.kind.reading, known, as_of, buffer.parameters)
    if reading is not None and not is_exact(reading):
        raise call.fault(f"reads {reading!r}, wanted an exact number or None")
    now = None if reading is None else call(buffer.kind.adjustment, EXACT, reading, buffer.parameters)
    if now is not None:
        _check(call, now)
        return AppliedBuffer(buffer, now, now, reading)
    reachable = call(buffer.kind.extremes, buffer.parameters)
    if not isinstance(reachable, Sequence) or not reachable:
        raise call.fault(f"gives {reachable!r} as its extremes, wanted adjustments")
    for adjustment in reachable:
        _check(call, adjustment)
    return AppliedBuffer(buffer, greatest(reachable), least(reachable), reading)


def _check(call: Caller, adjustment: object) -> None:
    """An adjustment multiplies by an exact number that is not negative, and adds an exact one."""
    if not isinstance(adjustment, Adjustment):
        raise call.fault(f"returned {type(adjustment).__name__}, wanted an Adjustment")
    multiply, add_rate = adjustment.multiply, adjustment.add_rate
    if multiply is not None and not (is_exact(multiply) and multiply >= 0):
        raise call.fault(f"multiplies rates by {multiply!r}")
    if add_rate is not None and not is_exact(add_rate):
        raise call.fault(f"adds {add_rate!r} to rates")


def schedule_under(rule: InstrumentRule, buffers: Sequence[tuple[Buffer, Adjustment]]) -> Schedule:
    """The instrument's table under these adjustments."""
    initial = combined(adjustment for buffer, adjustment in buffers if "initial" in buffer.requirements)
    maintenance = combined(adjustment for buffer, adjustment in buffers if "maintenance" in buffer.requirements)
    return adjusted(rule.table.schedule, initial, maintenance)
