"""An instrument's contract and market data as policy and market state them, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.errors import Doubt
from rules_engine.numbers.exact import ONE
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.market import InstrumentMarket, Measure
from rules_engine.terms.policy import InstrumentRule, MarketLimits
from rules_engine.terms.rendering import instant

_NONE: Final[frozenset[str]] = frozenset()
_NO_NUMBERS: Final[Mapping[str, Decimal]] = MappingProxyType({})

REFERENCE_FIELDS: Final = ("contract_size", "conversion", "price_tick", "quantity_step")


class Doubts:
    """Collects doubts about one instrument."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.found: list[Doubt] = []

    def add(self, code: str, message: str) -> None:
        """Takes down one doubt."""
        self.found.append(Doubt(code=code, message=f"{self.instrument}: {message}", instrument=self.instrument))

    @contextmanager
    def of_plugins(self) -> Iterator[None]:
        """Takes down the fault of a component that is called inside."""
        try:
            yield
        except PluginFault as fault:
            self.found.append(fault.doubt)


def _either(policy_says: Any, market_says: Any, name: str, doubts: Doubts) -> Any:
    """What is stated; a doubt where both speak and disagree."""
    silent = msgspec.UNSET if name == "expires_at" else None
    if market_says is silent:
        return policy_says
    if policy_says is not silent and policy_says != market_says:
        doubts.add("REFERENCE_CONFLICT", f"the policy says {name} {policy_says}, the market {market_says}")
    return market_says


def _reference(
    rule: InstrumentRule, data: InstrumentMarket, terms: Mapping[str, Decimal], doubts: Doubts
) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    for name in rule.payoff.required:
        if name not in REFERENCE_FIELDS and name not in terms:
            doubts.add("REFERENCE_MISSING", f"neither the policy nor the market states {name}")
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


def check_mark(data: InstrumentMarket, as_of: datetime, limits: MarketLimits, doubts: Doubts) -> None:
    """Takes down what is doubtful about a mark: its absence, age, divergence from the index and confidence."""
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


def _check_divergence(mark: Decimal, index: Decimal | None, limit: Decimal, doubts: Doubts) -> None:
    if index is None:
        doubts.add("INDEX_MISSING", "the market has no index price to hold the mark against")
    elif index <= 0 or abs(mark - index) > limit * index:
        doubts.add("MARK_DIVERGES", f"the mark {mark} is more than {limit} away from the index {index}")


def instrument_view(
    rule: InstrumentRule,
    data: InstrumentMarket,
    instrument: str,
    as_of: datetime,
    limits: MarketLimits,
    doubts: Doubts,
) -> InstrumentView:
    """The contract by policy and market, which may not disagree, and the measures that are fresh."""
    terms: Mapping[str, Decimal] = _NO_NUMBERS
    if rule.terms or data.terms:
        names = {**rule.terms, **data.terms}
        terms = {name: _either(rule.terms.get(name), data.terms.get(name), name, doubts) for name in names}
    reference = _reference(rule, data, terms, doubts)
    expires_at = _either(rule.expires_at, data.expires_at, "expires_at", doubts)
    usable = fresh(data.measures, as_of, limits.stale_after)
    return InstrumentView(
        name=instrument,
        payoff=rule.payoff.name,
        underlying=_either(rule.underlying, data.underlying, "underlying", doubts),
        contract_size=reference["contract_size"] or ONE,
        conversion=reference["conversion"] or ONE,
        price_tick=reference["price_tick"],
        quantity_step=reference["quantity_step"],
        index_price=data.index_price,
        expires_at=expires_at,
        measures=_NO_NUMBERS if not usable else MappingProxyType({k: measure.value for k, measure in usable.items()}),
        stale=_NONE if usable is data.measures else frozenset(data.measures).difference(usable),
        terms=MappingProxyType(terms),
    )


def fresh(measures: Mapping[str, Measure], as_of: datetime, stale_after: timedelta | None) -> Mapping[str, Measure]:
    """The measures without those whose own time is stale or in the future."""
    if not measures or all(measure.time is None for measure in measures.values()):
        return measures
    return {
        name: measure
        for name, measure in measures.items()
        if measure.time is None or time_doubt(measure.time, as_of, stale_after) is None
    }
