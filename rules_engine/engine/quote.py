"""One instrument in one market under one policy: its contract, its value, its rates, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.engine.buffering import AppliedBuffer, applied_buffers
from rules_engine.engine.calls import payoff_price, payoff_value, prepared
from rules_engine.engine.market_data import Doubts, check_mark, instrument_view
from rules_engine.engine.schedules import Schedules
from rules_engine.errors import Doubt
from rules_engine.numbers.exact import EXACT, ONE
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.policy.globs import matches
from rules_engine.terms.account import Position
from rules_engine.terms.exposure import Schedule
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.market import InstrumentMarket, Market
from rules_engine.terms.policy import AllowedMode, InstrumentRule, Policy
from rules_engine.terms.rendering import instant


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as evaluation uses it.

    `doubts` make the pools that hold it undetermined; `missing` are measures that are not known, where `severe` and
    `least` differ. `value` is that of one contract at the mark, None where there is no usable mark. `view` is what
    modes may know of it; `prepared` holds, by mode, what they made of that, once one has been asked. `version` is that
    of the policy where it is not the one in force.
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
    view: InstrumentView = InstrumentView()
    as_of: datetime
    prepared: dict[str, Any]
    version: str | None = None

    def value_at(self, price: Number) -> Number:
        """Value of one contract at a price. Raises `PluginFault`."""
        return self.value_in(EXACT, price)

    def value_in(self, num: NumberSystem, price: Number) -> Number:
        """Value of one contract at a price in the numbers of a system. Raises `PluginFault`."""
        assert self.rule is not None
        return payoff_value(num, self.rule, price, self.contract_size, self.conversion)

    def price_at(self, value: Number) -> Number:
        """The price at which a contract has this value. Raises `PluginFault`."""
        assert self.rule is not None
        return payoff_price(self.rule, value, self.contract_size, self.conversion)

    def prepared_for(self, allowed: AllowedMode) -> Any:
        """What a mode makes of this instrument's market, worked out when it is first asked. Raises `PluginFault`."""
        if not allowed.prepares:
            return None
        if allowed.name not in self.prepared:
            self.prepared[allowed.name] = prepared(allowed, self.view, self.as_of)
        return self.prepared[allowed.name]


def rule_for(policy: Policy, instrument: str) -> InstrumentRule | None:
    """The rule of an instrument: its exact name's, else that of the one glob that matches."""
    if (exact := policy.instruments.get(instrument)) is not None:
        return exact
    return next((rule for rule in policy.patterns if matches(rule.pattern, instrument)), None)


def quote(policy: Policy, rule: InstrumentRule | None, instrument: str, market: Market, schedules: Schedules) -> Quote:
    """What the policy and the market say of an instrument."""
    if rule is None:
        text = f"the policy has no rule for {instrument}"
        doubt = Doubt(code="INSTRUMENT_UNKNOWN", message=text, instrument=instrument)
        return Quote(instrument=instrument, as_of=market.as_of, prepared={}, doubts=(doubt,))
    data = market.instruments.get(instrument, InstrumentMarket())
    doubts, missing = Doubts(instrument), Doubts(instrument)
    view = instrument_view(rule, data, instrument, market.as_of, policy.market_limits, doubts)
    check_mark(data, market.as_of, policy.market_limits, doubts)
    if isinstance(view.expires_at, datetime) and view.expires_at <= market.as_of:
        doubts.add("EXPIRED", f"expired at {instant(view.expires_at)} and not settled yet")
    applied = applied_buffers(rule, view, data, market.as_of, policy.market_limits, doubts, missing)
    value = None
    if not doubts.found:
        with doubts.of_plugins():
            value = payoff_value(EXACT, rule, data.mark_price, view.contract_size, view.conversion)
    return Quote(
        instrument=instrument,
        as_of=market.as_of,
        prepared={},
        rule=rule,
        underlying=view.underlying,
        contract_size=view.contract_size,
        conversion=view.conversion,
        price_tick=view.price_tick,
        quantity_step=view.quantity_step,
        mark_price=data.mark_price,
        value=value,
        severe=schedules.under(rule, [(one.buffer, one.severe) for one in applied]),
        least=schedules.under(rule, [(one.buffer, one.least) for one in applied]) if missing.found else None,
        buffers=applied,
        doubts=tuple(doubts.found),
        missing=tuple(missing.found),
        view=view,
    )


class Quotes:
    """Each instrument's quote in one market, made when it is first asked for.

    `elders` are older versions of a policy that is for new positions alone, the newest first: a position that was
    opened before a version began has the quote of the first older one that is for it, and a doubt from the end of that
    one on. `cutoffs` are those beginnings.
    """

    __slots__ = ("_elders", "_made", "_market", "_policy", "cutoffs", "elders", "schedules")

    def __init__(
        self, policy: Policy, market: Market, schedules: Schedules | None = None, elders: tuple[Policy, ...] = ()
    ) -> None:
        self._policy, self._market, self.elders = policy, market, elders
        self._elders = [Quotes(elder, market, schedules) for elder in elders]
        self.cutoffs = [each for one in (policy, *elders) if (each := _beginning(one)) is not None]
        self._made: dict[str, Quote] = {}
        self.schedules = Schedules() if schedules is None else schedules

    def __call__(self, instrument: str) -> Quote:
        """The quote of an instrument."""
        found = self._made.get(instrument)
        if found is None:
            rule = rule_for(self._policy, instrument)
            found = self._made[instrument] = quote(self._policy, rule, instrument, self._market, self.schedules)
        return found

    def at(self, market: Market) -> Quotes:
        """Those of the same versions in another market."""
        return Quotes(self._policy, market, self.schedules, self.elders)

    def held(self, position: Position) -> Quote:
        """The quote of a position: its instrument's, under the version that is for it."""
        if not self.cutoffs:
            return self(position.instrument)
        return self.of_cohort(position.instrument, cohort_of(position.opened_at, self.cutoffs))

    def of_cohort(self, instrument: str, cohort: int | None) -> Quote:
        """The quote for positions opened before so many of the cutoffs; None where it is not known when."""
        if cohort == 0:
            return self(instrument)
        if cohort is None:
            text = f"{instrument} is held since nobody knows when, and the policy is for new positions"
        elif cohort <= len(self._elders):
            elder = self._elders[cohort - 1]
            version, until = elder._policy.version, elder._policy.effective_until
            if until is None or self._market.as_of < until:
                return msgspec.structs.replace(elder(instrument), version=version)
            text = f"{instrument} is held under version {version} of the policy, which ended at {instant(until)}"
        else:
            text = f"{instrument} is held since before any version of the policy that is for it"
        doubt = Doubt(code="VERSION_UNKNOWN", message=text, instrument=instrument)
        return msgspec.structs.replace(self(instrument), doubts=(*self(instrument).doubts, doubt))


def _beginning(policy: Policy) -> datetime | None:
    """When a version began that is for new positions alone; None for one that is for all."""
    return policy.effective_from if policy.applies_to == "new_positions" else None


def cohort_of(opened_at: datetime | None, cutoffs: Sequence[datetime]) -> int | None:
    """How many of the cutoffs a position was opened before; None where it is not known when it was."""
    return None if opened_at is None else sum(opened_at < cutoff for cutoff in cutoffs)
