"""The sections of settings: settlement, collateral, liquidation, conventions, market data, orders, effective times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.numbers.exact import ONE, ZERO
from rules_engine.numbers.text import plain
from rules_engine.policy.components import Binder
from rules_engine.policy.findings import Findings
from rules_engine.policy.sections import Sections
from rules_engine.policy.values import time_of, timedelta_of
from rules_engine.policy.wording import FRACTION
from rules_engine.terms.exposure import ClosingFee
from rules_engine.terms.policy import CollateralRule, Conventions, Liquidation, MarketLimits


class Effect(msgspec.Struct, frozen=True):
    """When a policy is in force; None is without end on that side."""

    since: datetime | None
    until: datetime | None


class SettingsCompiler:
    """Compiles the sections that name no tables. What is at fault is found, and stands at its default."""

    def __init__(self, findings: Findings, sections: Sections) -> None:
        self.findings = findings
        self.sections = sections

    def collateral(self) -> dict[str, CollateralRule]:
        """What backs shared pools. The settlement currency always does, at no haircut, written or not."""
        rules = {name: self._collateral_rule(name, raw) for name, raw in self.sections.members("collateral")}
        settlement = self.sections.section("settlement").get("currency")
        if settlement is None:
            return rules
        rule = rules.setdefault(settlement, CollateralRule(haircut=ZERO))
        if rule.haircut != ZERO:
            path = ("collateral", settlement, "haircut")
            message = f"{settlement} settles everything and counts in full"
            self.findings.error("SETTLEMENT_HAIRCUT", path, message, "write haircut: 0")
        return rules

    def _collateral_rule(self, name: str, raw: Mapping[str, Any]) -> CollateralRule:
        haircut = raw.get("haircut", ZERO)
        if not ZERO <= haircut <= ONE:
            message = f"found {plain(haircut)}, wanted a haircut between 0 and 1"
            self.findings.error("HAIRCUT_RANGE", ("collateral", name, "haircut"), message, FRACTION)
        return CollateralRule(
            haircut=haircut, cap=raw.get("cap"), mark=self.findings.document.mark(("collateral", name))
        )

    def liquidation(self, binder: Binder) -> Liquidation | None:
        """When a pool is called and liquidated; None where its close-out plan cannot be had."""
        raw = self.sections.section("liquidation")
        margin_call = raw.get("margin_call", ONE)
        if margin_call < ONE:
            message = f"found {plain(margin_call)}; a call below 1 would come after liquidation"
            self.findings.error("MARGIN_CALL_BELOW_ONE", ("liquidation", "margin_call"), message)
        restore_to = raw.get("restore_to", margin_call)
        if "restore_to" in raw and restore_to <= ONE:
            message = f"found {plain(restore_to)}; a pool restored to its liquidation line is liquidated again"
            self.findings.error("RESTORE_BELOW_ONE", ("liquidation", "restore_to"), message, "restore to more than 1")
        close_out = binder.close_out(raw.get("close_out", {}))
        if close_out is None:
            return None
        return Liquidation(
            trigger=raw.get("trigger", "at_or_below"),
            margin_call=margin_call,
            restore_to=restore_to,
            closing_fee=closing_fee(raw),
            close_out=close_out,
        )

    def conventions(self) -> Conventions:
        """Where venues differ."""
        return Conventions(**self.sections.section("conventions"))

    def market_limits(self) -> MarketLimits:
        """When a mark is doubtful."""
        raw = self.sections.section("market_data")
        return MarketLimits(
            stale_after=self._duration("stale_after", raw),
            max_divergence=raw.get("max_divergence"),
            max_confidence=raw.get("max_confidence"),
        )

    def _duration(self, key: str, raw: Mapping[str, Any]) -> timedelta | None:
        if key not in raw:
            return None
        duration = timedelta_of(raw[key])
        if duration is None:
            message = f"found {raw[key]}, wanted a duration such as 10s, 5m, 8h or 7d, at most a thousand years"
            self.findings.error("DURATION", ("market_data", key), message)
        return duration

    def opening_fee_rate(self) -> Decimal:
        """What is charged on the notional of orders that open."""
        return self.sections.section("orders").get("opening_fee_rate", ZERO)  # type: ignore[no-any-return]

    def effect(self) -> Effect:
        """From when and until when the policy is in force."""
        since, until = (time_of(self.sections.text(key)) for key in ("effective_from", "effective_until"))
        if since is not None and until is not None and until <= since:
            self.findings.error("EFFECTIVE_ORDER", ("effective_until",), "the policy ends before it begins")
        return Effect(since, until)


def closing_fee(liquidation: Mapping[str, Any]) -> ClosingFee:
    """The closing fee of the section `liquidation`; none where it is absent."""
    raw = liquidation.get("closing_fee", {})
    return ClosingFee(
        rate=raw.get("rate", ZERO),
        counts_in=frozenset(raw.get("counts_in", ())),
        valued_at=raw.get("valued_at", "mark"),
    )
