"""Shadow: a candidate evaluated beside the engine in force, its differences counted, and no answer affected by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from queue import Full, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from rules_engine.engine.documents import Source, decode_account, decode_market, decode_order
from rules_engine.life.answering import Answering, AnsweringInMarket, Before
from rules_engine.life.decisions.logged import LoggedEngine
from rules_engine.life.decisions.shadow_differences import (
    Differences,
    Seen,
    evaluations_differ,
    orders_differ,
    sweeps_differ,
)
from rules_engine.terms.account import Account, Order
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.sweep import Sweep

WAITING: Final = 1_000
"""Answers that may wait for the candidate: ours."""
EXAMPLES: Final = 3
"""Differences of each kind that are kept whole: ours."""

Work: TypeAlias = Callable[[], Iterable[Seen]]
"""What the candidate says beside an answer: how it differs."""


class ShadowedEngine(Before):
    """An engine that answers, and a candidate that is evaluated beside it. It has the methods of `Engine`.

    Answers are always those of the engine in force, and are given before the candidate is asked. The candidate runs in
    a thread of its own, for which at most `waiting` answers wait; what finds no room is counted and not compared. With
    `waiting` 0 it is asked in the caller's thread, which then waits for it. One answer in `every` is compared. Whatever
    the candidate raises is counted. Safe to share between threads. A log stands before a shadow, so that each answer
    has its id: `LoggedEngine(ShadowedEngine(engine, candidate), log)`; the other way round is a `ValueError`.
    """

    __slots__ = ("_comparing",)

    def __init__(
        self,
        engine: Answering,
        candidate: Answering,
        *,
        every: int = 1,
        waiting: int = WAITING,
        examples: int = EXAMPLES,
    ) -> None:
        if isinstance(engine, LoggedEngine) or isinstance(candidate, LoggedEngine):
            raise ValueError("a log stands before a shadow: LoggedEngine(ShadowedEngine(engine, candidate), log)")
        super().__init__(engine)
        self._comparing = Comparing(candidate, every, waiting, examples)

    def at(self, market: Market | Source) -> ShadowedMarketEngine:
        """As `Engine.at`."""
        market = decode_market(market)
        return ShadowedMarketEngine(self._engine.at(market), market, self._comparing)

    @property
    def differences(self) -> Differences:
        """What differed until now."""
        return self._comparing.differences()

    def wait(self) -> None:
        """Waits until the candidate has been asked about every answer that waits for it."""
        self._comparing.wait()

    def close(self) -> None:
        """Ends the comparison when what waits is done; answers go on."""
        self._comparing.close()

    def __enter__(self) -> ShadowedEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ShadowedMarketEngine:
    """A shadowed engine in one market."""

    __slots__ = ("_candidate", "_comparing", "_engine", "_market")

    def __init__(self, engine: AnsweringInMarket, market: Market, comparing: Comparing) -> None:
        self._engine, self._market, self._comparing = engine, market, comparing
        self._candidate: AnsweringInMarket | None = None

    @property
    def policy(self) -> Policy:
        """The policy that answers."""
        return self._engine.policy

    @property
    def versions(self) -> tuple[Policy, ...]:
        """As `MarketEngine.versions`."""
        return self._engine.versions

    def evaluate(self, account: Account | Source) -> Evaluation:
        """As `MarketEngine.evaluate`."""
        return self.evaluate_all([account])[0]

    def evaluate_all(self, accounts: Iterable[Account | Source]) -> list[Evaluation]:
        """As `MarketEngine.evaluate_all`."""
        decoded = [decode_account(account) for account in accounts]
        answers = self._engine.evaluate_all(decoded)
        self._comparing.take([partial(self._evaluated, *each) for each in zip(decoded, answers, strict=True)])
        return answers

    def check_order(self, account: Account | Source, order: Order | Source) -> OrderDecision:
        """As `MarketEngine.check_order`."""
        account, order = decode_account(account), decode_order(order)
        answer = self._engine.check_order(account, order)
        self._comparing.take([partial(self._ordered, account, order, answer)])
        return answer

    def sweep(self, book: Book, into: Sweep | None = None, *, prices: bool = False, workers: int = 1) -> Sweep:
        """As `MarketEngine.sweep`; the statuses of rows are compared."""
        from rules_engine.life.decisions.decision_books import row_statuses

        answer = self._engine.sweep(book, into, prices=prices, workers=workers)
        statuses = row_statuses(answer)  # a copy: the next sweep may reuse its arrays
        self._comparing.take([lambda: sweeps_differ(statuses, self._other().sweep(book))])
        return answer

    def _other(self) -> AnsweringInMarket:
        """The candidate in this market, made when it is first asked: what it costs must not delay an answer."""
        if self._candidate is None:
            self._candidate = self._comparing.candidate.at(self._market)
        return self._candidate

    def _evaluated(self, account: Account, answer: Evaluation) -> Iterable[Seen]:
        return evaluations_differ(answer, self._other().evaluate_all([account])[0])

    def _ordered(self, account: Account, order: Order, answer: OrderDecision) -> Iterable[Seen]:
        return orders_differ(answer, self._other().check_order(account, order))


class Comparing:
    """Asks the candidate, in a thread of its own or at once, and counts."""

    def __init__(self, candidate: Answering, every: int, waiting: int, examples: int) -> None:
        if every < 1 or waiting < 0:
            raise ValueError(f"every is {every} and waiting {waiting}; wanted 1 or more and 0 or more")
        self.candidate = candidate
        self._every, self._examples = every, examples
        self._lock = Lock()
        self._answers = 0
        self._found = Differences()
        self._queue: Queue[Work | None] | None = Queue(waiting) if waiting else None
        self._closed = False
        if self._queue is not None:
            Thread(target=self._run, args=(self._queue,), name="shadow", daemon=True).start()

    def take(self, works: Sequence[Work]) -> None:
        """Takes what is to be compared: one in `every`, as far as there is room. It never raises."""
        at_once: list[Work] = []
        with self._lock:
            for work in works:
                self._answers += 1
                if self._closed or (self._answers - 1) % self._every:
                    self._found.skipped += 1
                elif self._queue is None:
                    at_once.append(work)
                else:
                    self._put(self._queue, work)
        for work in at_once:
            self._compare(work)

    def _put(self, queue: Queue[Work | None], work: Work) -> None:
        try:
            queue.put_nowait(work)
        except Full:
            self._found.dropped += 1

    def _run(self, queue: Queue[Work | None]) -> None:
        while True:
            work = queue.get()
            if work is not None:
                self._compare(work)
            queue.task_done()
            if work is None:
                return

    def _compare(self, work: Work) -> None:
        """Whatever the candidate does is its own matter."""
        try:
            seen = tuple(work())
        except (Exception, SystemExit) as error:
            failure = f"{type(error).__name__}: {error}"
            with self._lock:
                self._found.fail(failure)
        else:
            with self._lock:
                self._found.count(seen, self._examples)

    def differences(self) -> Differences:
        """A copy of the counts."""
        with self._lock:
            return self._found.copy()

    def wait(self) -> None:
        """Until the queue is empty and compared."""
        if self._queue is not None:
            self._queue.join()

    def close(self) -> None:
        """Takes nothing more; what waits is compared first."""
        with self._lock:
            closed, self._closed = self._closed, True
        if self._queue is not None and not closed:
            self._queue.put(None)
        self.wait()
