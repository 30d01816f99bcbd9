"""What answers: an engine, or something that stands before one and has its methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from rules_engine.engine.documents import Source, decode_three, decode_two
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.sweep import Sweep


class AnsweringInMarket(Protocol):
    """What answers in one market, as `MarketEngine` does."""

    @property
    def policy(self) -> Policy:
        """The policy that answers in this market."""

    @property
    def versions(self) -> tuple[Policy, ...]:
        """That policy, and those that are still for positions opened before it, the newest first."""

    def evaluate_all(self, accounts: Iterable[Account | Source]) -> list[Evaluation]:
        """A batch of accounts evaluated, in their order."""

    def check_order(self, account: Account | Source, order: Order | Source) -> OrderDecision:
        """Whether an order may be accepted."""

    def sweep(self, book: Book, into: Sweep | None = None, *, prices: bool = False, workers: int = 1) -> Sweep:
        """Every row of a book decided."""


class Answering(Protocol):
    """What answers under a policy, as `Engine` does."""

    @property
    def policy(self) -> Policy:
        """The policy that answers."""

    def at(self, market: Market | Source) -> AnsweringInMarket:
        """The same in one market."""


class ByMarket(ABC):
    """Whoever defines `at` has the methods of an `Engine` that answer in one market from here.

    Documents are refused as `Engine` refuses them: with every problem of all of them at once.
    """

    __slots__ = ()

    @abstractmethod
    def at(self, market: Market | Source) -> AnsweringInMarket:
        """As `Engine.at`."""

    def evaluate(self, account: Account | Source, market: Market | Source) -> Evaluation:
        """As `Engine.evaluate`."""
        account, market = decode_two(account, market)
        return self.at(market).evaluate_all([account])[0]

    def check_order(self, account: Account | Source, market: Market | Source, order: Order | Source) -> OrderDecision:
        """As `Engine.check_order`."""
        account, market, order = decode_three(account, market, order)
        return self.at(market).check_order(account, order)

    def sweep(
        self,
        book: Book,
        market: Market | Source,
        into: Sweep | None = None,
        *,
        prices: bool = False,
        workers: int = 1,
    ) -> Sweep:
        """As `Engine.sweep`."""
        return self.at(market).sweep(book, into, prices=prices, workers=workers)


class Before(ByMarket):
    """Stands before what answers."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Answering) -> None:
        self._engine = engine

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._engine.policy

    def at(self, market: Market | Source) -> AnsweringInMarket:
        """As `Engine.at`."""
        return self._engine.at(market)
