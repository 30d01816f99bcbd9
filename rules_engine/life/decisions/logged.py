"""An engine whose answers are given when they have been written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rules_engine.engine.documents import Source, decode_account, decode_market, decode_order, decode_three, decode_two
from rules_engine.life.answering import Answering, AnsweringInMarket, Before
from rules_engine.life.decisions.decision_log import DecisionLog
from rules_engine.life.decisions.decision_masks import named_by_id
from rules_engine.life.decisions.decision_records import (
    Manner,
    Stamp,
    evaluation_entry,
    logged_market,
    new_decision,
    order_entry,
    sweep_entry,
)
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.sweep import Sweep


class LoggedEngine(Before):
    """An engine, or what stands before one, with a decision log. It has the methods of `Engine`.

    A decision has the id that the caller gives it, such as that of a request, or a new one (`new_decision`). A document
    that is refused is no decision and is not logged.
    """

    __slots__ = ("_log",)

    def __init__(self, engine: Answering, log: DecisionLog) -> None:
        super().__init__(engine)
        self._log = log

    def at(self, market: Market | Source) -> LoggedMarketEngine:
        """As `Engine.at`."""
        market = decode_market(market)
        engine, manner = self._engine.at(market), self._log.manner
        if any(version.applies_to == "new_positions" for version in engine.versions):
            manner = msgspec.structs.replace(manner, versions=engine.versions)
        if "id" in manner.mask.fields:
            manner = msgspec.structs.replace(manner, by_position=named_by_id(engine.policy))
        return LoggedMarketEngine(engine, market, self._log, manner)

    def evaluate(self, account: Account | Source, market: Market | Source, decision: str | None = None) -> Evaluation:
        """As `Engine.evaluate`."""
        account, market = decode_two(account, market)
        return self.at(market).evaluate(account, decision)

    def check_order(
        self,
        account: Account | Source,
        market: Market | Source,
        order: Order | Source,
        decision: str | None = None,
    ) -> OrderDecision:
        """As `Engine.check_order`."""
        account, market, order = decode_three(account, market, order)
        return self.at(market).check_order(account, order, decision)

    def sweep(
        self,
        book: Book,
        market: Market | Source,
        into: Sweep | None = None,
        *,
        prices: bool = False,
        workers: int = 1,
        decision: str | None = None,
    ) -> Sweep:
        """As `Engine.sweep`."""
        return self.at(market).sweep(book, into, prices=prices, workers=workers, decision=decision)


class LoggedMarketEngine:
    """A logged engine in one market, which is written into the log once a file. Safe to share between threads."""

    __slots__ = ("_engine", "_log", "_manner", "_market")

    def __init__(self, engine: AnsweringInMarket, market: Market, log: DecisionLog, manner: Manner) -> None:
        self._engine, self._log, self._manner = engine, log, manner
        self._market = logged_market(market)

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._engine.policy

    @property
    def versions(self) -> tuple[Policy, ...]:
        """As `MarketEngine.versions`."""
        return self._engine.versions

    def evaluate(self, account: Account | Source, decision: str | None = None) -> Evaluation:
        """As `MarketEngine.evaluate`."""
        return self.evaluate_all([account], None if decision is None else [decision])[0]

    def evaluate_all(
        self, accounts: Iterable[Account | Source], decisions: Sequence[str] | None = None
    ) -> list[Evaluation]:
        """As `MarketEngine.evaluate_all`; the batch is written at once. `decisions` are the ids, one an account."""
        decoded = [decode_account(account) for account in accounts]
        answers = self._engine.evaluate_all(decoded)
        stamps = self._stamps(len(answers), decisions)
        self._log.record(
            [
                partial(evaluation_entry, stamp, account, self._market, answer, self._manner)
                for stamp, account, answer in zip(stamps, decoded, answers, strict=True)
            ]
        )
        return answers

    def check_order(
        self, account: Account | Source, order: Order | Source, decision: str | None = None
    ) -> OrderDecision:
        """As `MarketEngine.check_order`."""
        account, order = decode_account(account), decode_order(order)
        answer = self._engine.check_order(account, order)
        (stamp,) = self._stamps(1, None if decision is None else [decision])
        self._log.record([partial(order_entry, stamp, account, self._market, order, answer, self._manner)])
        return answer

    def sweep(
        self,
        book: Book,
        into: Sweep | None = None,
        *,
        prices: bool = False,
        workers: int = 1,
        decision: str | None = None,
    ) -> Sweep:
        """As `MarketEngine.sweep`: one record, with counts and the hashes of the book and of the statuses."""
        answer = self._engine.sweep(book, into, prices=prices, workers=workers)
        (stamp,) = self._stamps(1, None if decision is None else [decision])
        entry = sweep_entry(stamp, book, self._market, answer, self._manner)  # now: the next sweep may reuse its arrays
        self._log.record([lambda: entry])
        return answer

    def _stamps(self, count: int, decisions: Sequence[str] | None) -> list[Stamp]:
        now = self._log.now()
        ids = [new_decision(now) for _ in range(count)] if decisions is None else decisions
        if len(ids) != count:
            raise ValueError(f"{len(ids)} ids for {count} decisions")
        return [Stamp(id, now) for id in ids]
