"""One instrument in one market under one policy: its contract, its value, its rates, and what is doubtful about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.errors import Doubt
from rules_engine.formulas.tiers import adjusted, combined, greatest, least
from rules_engine.numbers.exact import EXACT, ONE
from rules_engine.numbers.system import Number
from rules_engine.policy.globs import matches
from rules_engine.terms.exposure import Adjustment, Schedule
from rules_engine.terms.market import InstrumentMarket, Market
from rules_engine.terms.policy import Buffer, InstrumentRule, MarketLimits, Policy
from rules_engine.terms.rendering import instant

REFERENCE_FIELDS = ("contract_size", "conversion", "price_tick", "quantity_step")


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


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as evaluation uses it.

    `doubts` make the pools that hold it undetermined; `missing` are measures that are not known, where `severe` and
    `least` differ. `value` is that of one contract at the mark, None where there is no usable mark.
    """

    instrument: str
    rule: InstrumentRule | None = None
    underlying: str | None = None
    contract_size: Decimal = ONE
    conversion: Decimal = ONE
    price_tick: Decimal | None = None
    quantity_step: Decimal | None = None
    mark_price: Decimal | None = None
    value: Number = None
    severe: Schedule | None = None
    least: Schedule | None = None
    buffers: tuple[AppliedBuffer, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    missing: tuple[Doubt, ...] = ()

    def value_at(self, price: Number) -> Number:
        """Value of one contract at a price."""
        assert self.rule is not None
        return self.rule.payoff.value(EXACT, price, self.contract_size, self.conversion)

    def price_at(self, value: Number) -> Number:
        """The price at which a contract has this value."""
        assert self.rule is not None
        return self.rule.payoff.price(EXACT, value, self.contract_size, self.conversion)


def rule_for(policy: Policy, instrument: str) -> InstrumentRule | None:
    """The rule of an instrument: its exact name's, else that of the one glob that matches."""
    if (exact := policy.instruments.get(instrument)) is not None:
        return exact
    return next((rule for rule in policy.patterns if matches(rule.pattern, instrument)), None)


def quote(policy: Policy, rule: InstrumentRule | None, instrument: str, market: Market) -> Quote:
    """What the policy and the market say of an instrument."""
    if rule is None:
        doubt = Doubt(
            code="INSTRUMENT_UNKNOWN", message=f"the policy has no rule for {instrument}", instrument=instrument
        )
        return Quote(instrument=instrument, doubts=(doubt,))
    data = market.instruments.get(instrument, InstrumentMarket())
    doubts = _Doubts(instrument)
    reference = _reference(rule, data, doubts)
    expires_at = _either(rule.expires_at, data.expires_at, "expires_at", doubts)
    _check_mark(data, market.as_of, policy.market_limits, doubts)
    if isinstance(expires_at, datetime) and expires_at <= market.as_of:
        doubts.add("EXPIRED", f"expired at {instant(expires_at)} and not settled yet")
    missing = _Doubts(instrument)
    known = msgspec.structs.replace(data, expires_at=expires_at)
    applied = _apply(rule, known, market.as_of, policy.market_limits.stale_after, missing)
    usable = not doubts.found
    value = (
        rule.payoff.value(EXACT, data.mark_price, *(reference[k] or ONE for k in REFERENCE_FIELDS[:2]))
        if usable
        else None
    )
    return Quote(
        instrument=instrument,
        rule=rule,
        underlying=_either(rule.underlying, data.underlying, "underlying", doubts),
        contract_size=reference["contract_size"] or ONE,
        conversion=reference["conversion"] or ONE,
        price_tick=reference["price_tick"],
        quantity_step=reference["quantity_step"],
        mark_price=data.mark_price,
        value=value,
        severe=_schedule(rule, [(one.buffer, one.severe) for one in applied]),
        least=_schedule(rule, [(one.buffer, one.least) for one in applied]) if missing.found else None,
        buffers=applied,
        doubts=tuple(doubts.found),
        missing=tuple(missing.found),
    )


class _Doubts:
    """Collects doubts about one instrument."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.found: list[Doubt] = []

    def add(self, code: str, message: str) -> None:
        self.found.append(Doubt(code=code, message=f"{self.instrument}: {message}", instrument=self.instrument))


def _either(policy_says: Any, market_says: Any, name: str, doubts: _Doubts) -> Any:
    """What is stated; a doubt where both speak and disagree."""
    silent = msgspec.UNSET if name == "expires_at" else None
    if market_says is silent:
        return policy_says
    if policy_says is not silent and policy_says != market_says:
        doubts.add("REFERENCE_CONFLICT", f"the policy says {name} {policy_says}, the market {market_says}")
    return market_says


def _reference(rule: InstrumentRule, data: InstrumentMarket, doubts: _Doubts) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    for name in REFERENCE_FIELDS:
        stated = _either(getattr(rule, name), getattr(data, name), name, doubts)
        if stated is not None and stated <= 0:
            doubts.add("REFERENCE_INVALID", f"{name} is {stated}; it must be above 0")
        elif stated is None and name in rule.payoff.required:
            doubts.add("REFERENCE_MISSING", f"neither the policy nor the market states {name}")
        found[name] = stated
    return found


def time_doubt(time: datetime | None, as_of: datetime, stale_after: timedelta | None) -> tuple[str, str] | None:
    """What is wrong with the age of a price, as (code suffix, sentence); None if nothing is."""
    if time is None:
        return ("TIME_MISSING", "has no time, and its age matters") if stale_after is not None else None
    if time > as_of:
        return "IN_FUTURE", f"is of {instant(time)}, later than {instant(as_of)}"
    if stale_after is not None and as_of - time > stale_after:
        return "STALE", f"is {(as_of - time).total_seconds():.0f} s old, more than {stale_after.total_seconds():.0f} s"
    return None


def _check_mark(data: InstrumentMarket, as_of: datetime, limits: MarketLimits, doubts: _Doubts) -> None:
    mark = data.mark_price
    if mark is None:
        doubts.add("MARK_MISSING", "the market has no mark price")
        return
    if mark <= 0:
        doubts.add("MARK_NOT_POSITIVE", f"the mark price is {mark}")
        return
    if (aged := time_doubt(data.time, as_of, limits.stale_after)) is not None:
        doubts.add(f"MARK_{aged[0]}", f"the mark {aged[1]}")
    if limits.max_divergence is not None:
        _check_divergence(mark, data.index_price, limits.max_divergence, doubts)
    if (
        limits.max_confidence is not None
        and data.confidence is not None
        and not 0 <= data.confidence <= limits.max_confidence * mark
    ):
        doubts.add(
            "MARK_UNCERTAIN", f"the mark's confidence is {data.confidence}, not within {limits.max_confidence} of it"
        )


def _check_divergence(mark: Decimal, index: Decimal | None, limit: Decimal, doubts: _Doubts) -> None:
    if index is None:
        doubts.add("INDEX_MISSING", "the market has no index price to hold the mark against")
    elif index <= 0 or abs(mark - index) > limit * index:
        doubts.add("MARK_DIVERGES", f"the mark {mark} is more than {limit} away from the index {index}")


def _fresh(data: InstrumentMarket, as_of: datetime, stale_after: timedelta | None) -> InstrumentMarket:
    """The market data without measures whose own time is stale or in the future."""
    if all(measure.time is None for measure in data.measures.values()):
        return data
    good = {
        name: measure
        for name, measure in data.measures.items()
        if measure.time is None or time_doubt(measure.time, as_of, stale_after) is None
    }
    return msgspec.structs.replace(data, measures=good)


def _apply(
    rule: InstrumentRule, data: InstrumentMarket, as_of: datetime, stale_after: timedelta | None, missing: _Doubts
) -> tuple[AppliedBuffer, ...]:
    if not rule.buffers:
        return ()
    fresh = _fresh(data, as_of, stale_after)
    applied = []
    for buffer in rule.buffers:
        reading = buffer.kind.reading(fresh, as_of, buffer.parameters)
        now = None if reading is None else buffer.kind.adjustment(EXACT, reading, buffer.parameters)
        if now is not None:
            applied.append(AppliedBuffer(buffer, now, now, reading))
            continue
        text = f"buffer {buffer.name} has nothing usable to read; its most severe band stands in"
        missing.add("MEASURE_MISSING", text)
        reachable = buffer.kind.extremes(buffer.parameters)
        applied.append(AppliedBuffer(buffer, greatest(reachable), least(reachable), reading))
    return tuple(applied)


def _schedule(rule: InstrumentRule, buffers: list[tuple[Buffer, Adjustment]]) -> Schedule:
    if not buffers:
        return rule.table.schedule
    initial = combined(adjustment for buffer, adjustment in buffers if "initial" in buffer.requirements)
    maintenance = combined(adjustment for buffer, adjustment in buffers if "maintenance" in buffer.requirements)
    return adjusted(rule.table.schedule, initial, maintenance)
