"""What laws are tried on: one position of an instrument in a margin mode, at sizes around every floor of its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.engine.pools import Unplaced, place
from rules_engine.engine.quote import Quote, Quotes
from rules_engine.errors import Doubt
from rules_engine.life.cases.case_documents import AskedLaw
from rules_engine.numbers.exact import ONE, ZERO, Exact, divide, rounded
from rules_engine.terms.account import Account, Position
from rules_engine.terms.evaluation import Evaluation, PositionFigures
from rules_engine.terms.market import Market
from rules_engine.terms.policy import AllowedMode, Policy, Table
from rules_engine.terms.pool import Backing

LARGEST: Final = 1000
"""Contracts up to which a law is tried where neither it nor the table says how far; ours."""

NO_MARKET: Final = "neither the law nor the document states a market"


class NotTried(Exception):
    """A law cannot be tried on something; the message says why."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A margin mode and an instrument on which a law is tried, in one market."""

    engine: Engine
    market: Market
    quote: Quote
    allowed: AllowedMode
    asked: AskedLaw

    def __str__(self) -> str:
        return f"{self.quote.instrument} {self.allowed.name}"

    def sizes(self) -> list[Decimal]:
        """Quantities, rising: around each floor of the table, and some between."""
        assert self.quote.rule is not None
        step = self.quote.quantity_step or self.engine.policy.quantum
        found = _sizes(self.quote.rule.table, abs(self.quote.value), step, self.asked)
        if not found:
            raise NotTried("no size lies between `from` and `to`")
        return found

    def account(self, quantity: Decimal, backing: Decimal) -> Account:
        """An account that opens one position at the mark, with so much behind it."""
        policy, quote = self.engine.policy, self.quote
        assert quote.mark_price is not None
        position = Position(
            id="p1",
            instrument=quote.instrument,
            mode=self.allowed.name,
            quantity=quantity,
            entry_price=quote.mark_price,
            leverage=self.asked.leverage,
            opened_at=policy.effective_from if policy.applies_to == "new_positions" else None,
        )
        try:
            _, label = place(policy, quote, position)
        except Unplaced as unplaced:
            raise NotTried(str(unplaced.doubt)) from None
        if label.backing is Backing.POSITION:
            position = msgspec.structs.replace(position, margin=backing)
        return Account(
            account="L",
            collateral={policy.settlement_currency: backing} if label.backing is Backing.ACCOUNT else {},
            group_margins={label.key or "": backing} if label.backing is Backing.GROUP else {},
            positions=(position,),
        )

    def notional(self, quantity: Decimal) -> Decimal:
        """What so many contracts are worth, rounded up."""
        return rounded(abs(quantity * self.quote.value), self.engine.policy.quantum, "up")

    def figures(self, account: Account) -> PositionFigures:
        """What the engine says of the account's one position. Raises `NotTried` where that is nothing."""
        evaluation = self.engine.evaluate(account, self.market)
        figures = evaluation.positions[0]
        if figures.maintenance_margin is None or figures.initial_margin is None:
            raise NotTried(_why(evaluation))
        return figures


def _why(evaluation: Evaluation) -> str:
    """Why an account has no figures."""
    doubts: list[Doubt] = [*evaluation.evidence, *(one for pool in evaluation.pools for one in pool.evidence)]
    return str(doubts[0]) if doubts else "its figures are not known"


class Subject(NamedTuple):
    """An instrument in a margin mode, by name; `reason` says why a law cannot be tried on it."""

    name: str
    trial: Trial | None
    reason: str = ""


def trials(engine: Engine, asked: AskedLaw, keeps: str | None) -> Iterator[Subject]:
    """Every instrument and mode on which a law is tried; by default the modes that promise to keep it."""
    policy, market = engine.policy, asked.market
    if market is None:
        yield Subject("anything", None, NO_MARKET)
        return
    quotes = Quotes(policy, market)
    promising = [name for name, one in policy.modes.items() if keeps is None or keeps in one.traits.keeps]
    for instrument in asked.instruments or _known(policy, market, quotes):
        quote = quotes(instrument)
        for name in asked.modes or promising:
            allowed = policy.modes.get(name)
            if allowed is None:
                yield Subject(f"{instrument} {name}", None, "the policy does not allow this margin mode")
            elif quote.doubts or quote.value is None:
                yield Subject(f"{instrument} {name}", None, "".join(str(doubt) for doubt in quote.doubts[:1]))
            else:
                trial = Trial(engine=engine, market=market, quote=quote, allowed=allowed, asked=asked)
                yield Subject(str(trial), trial)


def _known(policy: Policy, market: Market, quotes: Quotes) -> list[str]:
    return [instrument for instrument in market.instruments if quotes(instrument).rule is not None]


def _sizes(table: Table, unit_value: Exact, step: Decimal, asked: AskedLaw) -> list[Decimal]:
    """Quantities from the smallest size asked for to the largest: floors, a step beside them, and some between."""
    value = unit_value if table.unit == "notional" else ONE
    floors, cap = [tier.floor for tier in table.tiers], table.tiers[-1].up_to
    start = asked.smallest or ZERO
    end = asked.largest or cap or 2 * floors[-1] or LARGEST * value
    points: list[Exact] = [start, end]
    for low, high in pairwise([*floors, end]):
        points += [
            low + (high - low) * divide(Decimal(part), Decimal(asked.spaced + 1)) for part in range(1, asked.spaced + 1)
        ]
    quantities = {rounded(divide(point, value), step, "down") for point in points}
    for floor in floors:
        at = rounded(divide(floor, value), step, "down")
        quantities |= {at - step, at, at + step}
    inside = (quantity for quantity in quantities if quantity > 0 and start <= quantity * value <= end)
    return sorted(quantity for quantity in inside if cap is None or quantity * value < cap)


def document_of(record: Any) -> Any:
    """A record as the document that makes it again: what has its default is left out."""
    if isinstance(record, msgspec.Struct):
        stated = {field.name: (getattr(record, field.name), field.default) for field in msgspec.structs.fields(record)}
        return {name: document_of(value) for name, (value, default) in stated.items() if _is_stated(value, default)}
    if isinstance(record, Mapping):
        return {name: document_of(value) for name, value in record.items()}
    if isinstance(record, tuple):
        return [document_of(one) for one in record]
    return msgspec.to_builtins(record)


def _is_stated(value: Any, default: Any) -> bool:
    return value is not msgspec.UNSET and value != default and value not in ({}, ())
