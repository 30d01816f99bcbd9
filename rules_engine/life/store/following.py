"""An engine that follows a store: the versions in force there, swapped whole between batches.

What was read last stays in force until something newer was read and verified in full; a store that cannot be read, or
whose log is refused, changes nothing but what is told. Every batch is answered by what is in force when it begins.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from rules_engine.engine.documents import Source, decode_market, decode_three, decode_two
from rules_engine.engine.engine import Engine, MarketEngine
from rules_engine.life.answering import ByMarket
from rules_engine.life.store.finding import submitted, there
from rules_engine.life.store.refusals import StoreError, refusal
from rules_engine.life.store.store import Store, zoned
from rules_engine.life.versions import PolicyLine, begins
from rules_engine.terms.account import Account, Order
from rules_engine.terms.checks import Observer
from rules_engine.terms.evaluation import Evaluation
from rules_engine.terms.explanation import Explanation
from rules_engine.terms.market import Market
from rules_engine.terms.rendering import instant

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.what_if import Outcome, Scenario
    from rules_engine.extension.registry import Registry
    from rules_engine.terms.policy import Policy

BACKDATED: Final = "STORE_BACKDATED"
_Turn: TypeAlias = tuple[datetime, str, datetime | None]
KEPT: Final = "the last good versions stay in force: "


class StoreWarning(UserWarning):
    """A store that is followed was refused, cannot be read, or changed what was in force in the past."""


class Reading(msgspec.Struct, frozen=True):
    """What a store said: the head of its log, the line of the policy, and when it was last asked, by the clock."""

    head: str
    line: PolicyLine
    at: datetime


def told_as_warning(problem: Exception) -> None:
    """Tells of a store that was refused, or that changed the past, where the program sends its warnings."""
    backdated = isinstance(problem, StoreError) and problem.code == BACKDATED
    warnings.warn(f"{'' if backdated else KEPT}{problem}", StoreWarning, stacklevel=3)


class FollowingEngine(ByMarket):
    """Evaluates under the versions that a store says are in force at each market's instant.

    It has the methods of `Engine`. `refresh` reads the store; `follow` does so again and again, in a thread of its own.
    The store is for this engine alone, for it remembers the head of the log that was read last. Raises `StoreError` and
    `PolicyError` where it is refused at first, for there is no last good version then, and where nobody has submitted a
    version of that name; `tell` is told of later ones. `clock` gives aware times; no answer depends on it but `policy`.
    May be used by many threads.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Exception], None] = told_as_warning,
        observers: Iterable[Observer] = (),
    ) -> None:
        self.store, self.name, self.registry, self.clock, self.tell = store, name, registry, clock, tell
        self._observers = tuple(observers)
        self._checked = store.checked(registry)
        self._engines: dict[tuple[tuple[str, datetime], ...], Engine] = {}
        self._one_reader = threading.Lock()
        self._ends, self._thread = threading.Event(), threading.Thread()
        self._read_since, self._reading = monotonic(), self._read(None)
        if not self._known:
            said = f"no version of {name} was ever submitted"
            raise refusal("POLICY_UNKNOWN", said, there(store.ledger(), name), document=store.tables.name)

    @property
    def reading(self) -> Reading:
        """What is in force now: take it once for a batch of your own."""
        return self._reading

    @property
    def age(self) -> timedelta:
        """How long ago the store was last read and found good, whatever the clock was set to since: for alarms."""
        return timedelta(seconds=monotonic() - self._read_since)

    def refresh(self) -> bool:
        """Reads the store; whether other versions answer now. What is refused is told, and changes nothing.

        A step that changes what was in force before the reading before this one is believed, and told too
        (`STORE_BACKDATED`): what was answered since is not what these instants answer from now on.
        """
        with self._one_reader:
            began, last = monotonic(), self._reading
            try:
                reading = self._read(last)
            except Exception as problem:  # of a database, a plugin or a policy: nothing ends what is in force
                self.tell(problem)
                return False
            self._read_since, self._reading = began, reading
            since = differs_from(last.line, reading.line)
            if since is not None and since < last.at:
                said = f"{self.name} has other versions from {instant(since)} on; until {instant(last.at)} it had not"
                hint = "answers that were given since then are of the versions that they name"
                self.tell(refusal(BACKDATED, said, hint, document=self.store.tables.name))
            return since is not None

    def _read(self, last: Reading | None) -> Reading:
        """What the store says; the same line as before where nothing in it is new."""
        at = zoned(self.clock())
        ledger = self.store.trusted_ledger()
        written = ledger.line(self.name)
        self._known = bool(written.submissions)
        standing = (turn.submission for turn in written.turns if turn.undone is None or turn.undone > at)
        self.store.check_texts(standing)  # the same log may have other texts
        line = self._checked.line(written, at)
        if last is not None and differs_from(last.line, line) is None:
            line = last.line
        return Reading(ledger.head, line, at)

    def follow(self, every: timedelta) -> None:
        """Refreshes again and again, until `stop`."""
        if not isinstance(every, timedelta):
            raise TypeError(f"every is {type(every).__name__}; wanted a timedelta, as in timedelta(seconds=10)")
        if every <= timedelta(0):
            raise ValueError(f"every is {every}; wanted more than no time, as in timedelta(seconds=10)")
        if self._thread.is_alive():
            raise RuntimeError(f"{self.name} is followed already")

        def run() -> None:
            while not self._ends.wait(every.total_seconds()):
                try:
                    self.refresh()
                except Exception:  # of `tell`, whose failure must not end what it is to tell of
                    sys.excepthook(*sys.exc_info())

        self._ends.clear()
        self._thread = threading.Thread(target=run, name=f"follows {self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends `follow`, when what it reads now is read; answers go on."""
        self._ends.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def candidate(self, pin: str) -> Engine:
        """The engine of a version on its way, `NAME@VERSION` as it was submitted last, to be shadowed.

        Raises `StoreError` and `PolicyError`.
        """
        with self._one_reader:
            ledger = self.store.trusted_ledger()
            if pin.partition("@")[0] != self.name:
                said = f"{pin} is not of the line of {self.name}"
                raise refusal("STORE_NOT_SUBMITTED", said, there(ledger, self.name))
            return Engine(self._checked.submission(ledger.line(self.name), submitted(ledger, pin)[1]))

    @property
    def policy(self) -> Policy:
        """The policy in force by the clock. Raises `PolicyError` (`VERSION_NONE`)."""
        return self.engine(self.clock()).policy

    def engine(self, at: datetime) -> Engine:
        """The engine of an instant, the same one as long as the same versions answer.

        Raises `PolicyError` (`VERSION_NONE`, `TIME_NAIVE`).
        """
        governing = self._reading.line.governing(at)
        key = tuple((each.digest, begins(each)) for each in governing)
        found = self._engines.get(key)
        return found or self._engines.setdefault(key, Engine(governing[0], self._observers, governing[1:]))

    def at(self, market: Market | Source) -> MarketEngine:
        """One engine for a whole batch in one market, whatever the store says meanwhile. Raises as `engine` does."""
        market = decode_market(market)
        return self.engine(market.as_of).at(market)

    def evaluate_all(self, accounts: Iterable[Account | Source], market: Market | Source) -> list[Evaluation]:
        """A batch under the same versions from its first account to its last."""
        return self.at(market).evaluate_all(accounts)

    def explain(self, account: Account | Source, market: Market | Source) -> Explanation:
        """As `Engine.explain`. Raises as `engine` does too."""
        account, market = decode_two(account, market)
        return self.engine(market.as_of).explain(account, market)

    def explain_order(self, account: Account | Source, market: Market | Source, order: Order | Source) -> Explanation:
        """As `Engine.explain_order`. Raises as `engine` does too."""
        account, market, order = decode_three(account, market, order)
        return self.engine(market.as_of).explain_order(account, market, order)

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
        """As `Engine.what_if`: every scenario under the same versions. Raises as `engine` does too."""
        market = decode_market(market)
        return self.engine(market.as_of).what_if(book, market, scenarios, instruments, assets, workers=workers)


def differs_from(one: PolicyLine, other: PolicyLine) -> datetime | None:
    """The earliest instant at which two lines may answer by different versions; None where there is none."""
    turns = zip_longest(_turns_of(one), _turns_of(other))
    return min((since for was, now in turns if (since := _differ_from(was, now)) is not None), default=None)


def _turns_of(line: PolicyLine) -> list[_Turn]:
    """When each version began, its digest, and when it was undone; of one that cannot be read there is no digest."""
    known = [(begins(each), each.digest, undone) for each, undone in zip(line.versions, line.undone, strict=True)]
    return sorted([*known, *((gap.since, "", gap.until) for gap in line.unknown)], key=lambda turn: turn[0])


def _differ_from(*turns: _Turn | None) -> datetime | None:
    """The earliest instant at which two turns may differ, of which either may not be there."""
    there = [turn for turn in turns if turn is not None]
    if len({each[:2] for each in there}) > 1 or len(there) < len(turns):
        return min(begin for begin, _, _ in there)
    ends = {undone for _, _, undone in there}
    return min(filter(None, ends)) if len(ends) > 1 else None
