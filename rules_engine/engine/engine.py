"""The engine: the one object that a back-end holds. Immutable once built, and safe to share between threads."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from rules_engine.engine.calls import raised
from rules_engine.engine.documents import Source, decode_account, decode_market, decode_three, decode_two
from rules_engine.engine.evaluate import solve
from rules_engine.engine.figures import written
from rules_engine.engine.order_check import check_order
from rules_engine.engine.quote import Quotes
from rules_engine.engine.schedules import Schedules
from rules_engine.errors import DocumentError, Problem
from rules_engine.numbers.exact import exactly
from rules_engine.terms.account import Account, Order
from rules_engine.terms.checks import Observer
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.explanation import Explanation
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.sweep import Sweep
    from rules_engine.engine.what_if import Outcome, Scenario


class ObserverWarning(UserWarning):
    """An observer failed when it was told of a batch. Every answer stands."""


class Engine:
    """Evaluates accounts under one policy. To change the policy, build another engine.

    `observers` (of a registry, or your own) are told of evaluations, once a batch. Where the policy is for new
    positions alone, `elders` are the versions that are still for those opened before it, the newest first.
    """

    __slots__ = ("_elders", "_observers", "_policy", "_schedules")

    def __init__(self, policy: Policy, observers: Iterable[Observer] = (), elders: Iterable[Policy] = ()) -> None:
        if not isinstance(policy, Policy):
            raise TypeError(f"Engine takes a Policy (from load_policy), not {type(policy).__name__}")
        self._policy = policy
        self._observers = tuple(observers)
        self._elders = tuple(elders)
        self._schedules = Schedules()

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._policy

    def at(self, market: Market | Source) -> MarketEngine:
        """The engine in one market, for many accounts: what depends on the market alone is worked out once.

        Raises `DocumentError` where the market's document is not well formed.
        """
        return self._at(decode_market(market))

    def _at(self, market: Market) -> MarketEngine:
        return MarketEngine(self._policy, market, self._observers, self._quotes(market))

    def _quotes(self, market: Market) -> Quotes:
        return Quotes(self._policy, market, self._schedules, self._elders)

    def evaluate(self, account: Account | Source, market: Market | Source) -> Evaluation:
        """Every position's and pool's figures, prices, status and close-out.

        Documents come as dicts, JSON text or records. Raises one `DocumentError` with every problem of all documents
        that are not well formed; what is doubtful inside a well-formed one ends as `undetermined` pools.
        """
        account, market = decode_two(account, market)
        return self._at(market).evaluate(account)

    def sweep(
        self,
        book: Book,
        market: Market | Source,
        into: Sweep | None = None,
        *,
        prices: bool = False,
        workers: int = 1,
    ) -> Sweep:
        """Every row of a book decided, on columns where those suffice and exactly where they do not.

        `into` is an earlier sweep of a book of this size whose arrays may be overwritten, which spares making new ones.
        `prices` asks for liquidation prices too, which cost several times the rest. The answer is the same, bit for
        bit, for any number of `workers`, which are forks of this process. Raises `DocumentError` where the market's
        document is not well formed.
        """
        return self.at(market).sweep(book, into, prices=prices, workers=workers)

    def what_if(
        self,
        book: Book,
        market: Market | Source,
        scenarios: Iterable[Scenario],
        instruments: Sequence[str] = ("*",),
        assets: Sequence[str] = (),
        *,
        workers: int = 1,
    ) -> Iterator[Outcome]:
        """A book under moves of the market: the outcome of the market as it stands, then of each scenario, in order.

        `instruments` and `assets` are globs that choose what moves. Raises as `sweep` does.
        """
        from rules_engine.engine.what_if import what_if

        def sweep(moved: Market, into: Sweep | None) -> Sweep:
            return self.sweep(book, moved, into, workers=workers)

        return what_if(self._policy, sweep, decode_market(market), scenarios, instruments, assets)

    def explain(self, account: Account | Source, market: Market | Source) -> Explanation:
        """How each figure of an evaluation came about, by replaying its formulas. Raises as `evaluate` does."""
        from rules_engine.engine.explain import explain

        account, market = decode_two(account, market)
        with exactly():
            solution = solve(self._policy, account, market, self._quotes(market))
            return explain(self._policy, market, solution, written(self._policy, market.as_of, solution))

    def check_order(
        self,
        account: Account | Source,
        market: Market | Source,
        order: Order | Source,
    ) -> OrderDecision:
        """Whether an order may be accepted, what it requires, and how large it could be. Raises as `evaluate` does."""
        account, market, order = _with_order(account, market, order)
        return self._at(market).check_order(account, order)

    def explain_order(
        self,
        account: Account | Source,
        market: Market | Source,
        order: Order | Source,
    ) -> Explanation:
        """How a decision on an order came about, and each figure with the order in it. Raises as `evaluate` does."""
        from rules_engine.engine.explain_order import explain_order

        account, market, order = _with_order(account, market, order)
        with exactly():
            return explain_order(self._policy, account, market, order, self._quotes(market))


class MarketEngine:
    """An engine in one market (`Engine.at`). Safe to share between threads.

    Each instrument's terms, rates and what modes prepare of its market are worked out when first needed, and kept in
    `quotes`.
    """

    __slots__ = ("_market", "_observers", "_policy", "quotes")

    def __init__(self, policy: Policy, market: Market, observers: tuple[Observer, ...], quotes: Quotes) -> None:
        self._policy, self._market, self._observers, self.quotes = policy, market, observers, quotes

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._policy

    @property
    def versions(self) -> tuple[Policy, ...]:
        """The policy that answers, and those that are still for positions opened before it, the newest first."""
        return self._policy, *self.quotes.elders

    def evaluate(self, account: Account | Source) -> Evaluation:
        """As `Engine.evaluate`, in this market."""
        return self.evaluate_all([account])[0]

    def evaluate_all(self, accounts: Iterable[Account | Source]) -> list[Evaluation]:
        """Evaluates a batch of accounts, in their order; observers are told once, of all.

        Raises `DocumentError` at the first account whose document is not well formed.
        """
        evaluations = []
        for document in accounts:
            account = decode_account(document)
            with exactly():
                solution = solve(self._policy, account, self._market, self.quotes)
                evaluations.append(written(self._policy, self._market.as_of, solution))
        tell(self._observers, evaluations)
        return evaluations

    def sweep(self, book: Book, into: Sweep | None = None, *, prices: bool = False, workers: int = 1) -> Sweep:
        """As `Engine.sweep`, in this market."""
        import numpy as np

        from rules_engine.engine.sweep import sweep

        policy = unrounded(self._policy)

        def evaluate(account: Account) -> Evaluation:
            return written(policy, self._market.as_of, solve(policy, account, self._market, self.quotes))

        with exactly(), np.errstate(all="ignore"):
            return sweep(self._policy, book, self._market, self.quotes, evaluate, into, prices, workers)

    def check_order(self, account: Account | Source, order: Order | Source) -> OrderDecision:
        """As `Engine.check_order`, in this market."""
        account, market, order = _with_order(account, self._market, order)
        with exactly():
            return check_order(self._policy, account, market, order, self.quotes)


def unrounded(policy: Policy) -> Policy:
    """The policy, but for liquidation prices that are not rounded to the tick: columns cannot tell the side of one."""
    conventions = msgspec.structs.replace(policy.conventions, liquidation_price_rounding="none")
    return msgspec.structs.replace(policy, conventions=conventions)


def tell(observers: Iterable[Observer], evaluations: Sequence[Evaluation]) -> None:
    """Shows a batch to every observer. One that fails is reported and changes nothing."""
    for observer in observers:
        try:
            observer.evaluated(tuple(evaluations))
        except (Exception, SystemExit) as error:
            text = f"observer {observer.name} of {type(observer).__module__} {raised(error)}"
            warnings.warn(text, ObserverWarning, stacklevel=3)


def _with_order(
    account: Account | Source,
    market: Market | Source,
    order: Order | Source,
) -> tuple[Account, Market, Order]:
    """The three documents as records, of which the order is a new one."""
    account, market, order = decode_three(account, market, order)
    if any(resting.id == order.id for resting in account.orders):
        text = f"the account already has an order {order.id!r}"
        hint = "give the new order an id of its own"
        raise DocumentError([Problem(code="ID_DUPLICATE", message=text, hint=hint, path="id", document="order")])
    return account, market, order
