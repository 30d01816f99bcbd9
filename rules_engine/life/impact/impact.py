"""What a change of policy does to a book before it takes effect: the book swept under both, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, TypeAlias

import msgspec
import numpy as np

from rules_engine.engine.book import Book
from rules_engine.engine.documents import Source, decode_market
from rules_engine.engine.engine import Engine
from rules_engine.engine.quote import Quote
from rules_engine.engine.sweep import Sweep
from rules_engine.engine.sweep_state import Columns
from rules_engine.life.impact.diff import identity_of
from rules_engine.life.impact.impact_accounts import Accounts, largest_of
from rules_engine.life.impact.impact_counts import Distribution, Impact
from rules_engine.life.impact.impact_pools import Ratios, distances, layout_of
from rules_engine.life.impact.impact_rows import Tally, chunks, longest
from rules_engine.life.impact.impact_sums import Adder
from rules_engine.life.impact.impact_tallies import Moved, faulty, placed
from rules_engine.numbers.columns import Floats
from rules_engine.numbers.exact import exactly
from rules_engine.terms.market import Market

LARGEST: Final = 20
"""Accounts that are named, by each of two measures."""
Tell: TypeAlias = Callable[[str], None]


class Comparer:
    """Two engines in one market, and what they say of books. Raises `ValueError` where they settle in two currencies.

    The arrays of a sweep serve for the next part of a book. `tell` is told what is being done.
    """

    def __init__(
        self,
        before: Engine,
        after: Engine,
        market: Market | Source,
        *,
        workers: int = 1,
        prices: bool = False,
        most: int = LARGEST,
        tell: Tell = lambda _: None,
    ) -> None:
        one, other = before.policy, after.policy
        if one.settlement_currency != other.settlement_currency:
            raise ValueError(f"{one.settlement_currency} and {other.settlement_currency} do not compare")
        self.market = decode_market(market)
        self.engines, self.policies = [each.at(self.market) for each in (before, after)], (one, other)
        self.workers, self.prices, self.most, self.tell = workers, prices, most, tell
        self.quotes = [engine.quotes for engine in self.engines]
        self._last: list[Sweep | None] = [None, None]

    def __call__(self, book: Book) -> Impact:
        """The impact on a book, or on a part of one."""
        book = self._aligned(book)
        for at, (engine, policy) in enumerate(zip(self.engines, self.policies, strict=True)):
            self.tell(f"sweep {at + 1} of 2, under {policy.name} {policy.version}: {len(book):,} positions")
            self._last[at] = engine.sweep(book, self._last[at], prices=self.prices, workers=self.workers)
        before, after = self._last
        assert before is not None
        assert after is not None
        self.tell(f"counting {len(book):,} positions")
        with exactly(), np.errstate(all="ignore"):
            return self._impact(book, before, after)

    def _aligned(self, book: Book) -> Book:
        """The book parted as both policies part it, so that its rows stand in one order in both sweeps.

        A policy for new positions alone takes those apart that were opened before it began.
        """
        cutoffs = sorted({each for quotes in self.quotes for each in quotes.cutoffs}, reverse=True)
        if not cutoffs:
            return book
        contents = book.by_cohort(cutoffs).contents
        groups = tuple(msgspec.structs.replace(group, cohort=0) for group in contents.groups)
        return Book(msgspec.structs.replace(contents, groups=groups))

    def _impact(self, book: Book, before: Sweep, after: Sweep) -> Impact:
        columns, quotes = (before.columns, after.columns), list(self._quotes(before.book, after.book))
        sweeps = list(zip((before, after), self.policies, self.quotes, strict=True))
        layouts = [layout_of(policy, sweep.book, each.of_cohort) for sweep, policy, each in sweeps]
        room = [np.empty(longest(book)) for _ in range(3)]
        accounts, ratios = Accounts(book, *columns, self.most), Ratios(layouts, (before, after), room.pop())
        groups = self._groups(book, columns, quotes, accounts, ratios, room)
        prices = [_counts(distances(each.book, each.columns, quotes)) for each, _, _ in sweeps if self.prices]
        return Impact(
            before=identity_of(self.policies[0]),
            after=identity_of(self.policies[1]),
            currency=self.policies[1].settlement_currency,
            as_of=self.market.as_of,
            positions=len(book),
            accounts=len(book.names),
            groups=groups,
            accounts_moved=accounts.moves(),
            ratios=Distribution(*ratios.answer()),
            distances=Distribution(*prices) if prices else None,
            largest=largest_of(accounts.largest(), self.most),
            most=self.most,
            exactly=(before.rows_exact, after.rows_exact),
            faults=len(book.contents.faulty),
        )

    def _groups(
        self,
        book: Book,
        columns: tuple[Columns, Columns],
        quotes: Sequence[Quote],
        accounts: Accounts,
        ratios: Ratios,
        room: Sequence[Floats],
    ) -> dict[tuple[str, str], Moved]:
        """The rows by instrument and mode, in one pass over them in which accounts and ratios take theirs as well."""
        found: dict[tuple[str, str], Moved] = {}
        adder, known = Adder(len(room[0])), book.kept(("sums of sizes",), dict[int, int])

        def rows() -> Iterator[tuple[tuple[str, str], Moved]]:
            for (group, span), quote in zip(placed(book), quotes, strict=True):
                tally = Tally(group, quote, adder, known)
                for chunk in chunks(group, span, *columns, room):
                    tally.add(chunk)
                    accounts.add(chunk, tally.worth)
                    ratios.add(chunk, span.start)
                yield (group.instrument, group.mode), tally.answer()

        for key, each in chain(rows(), faulty(book, *(one.status for one in columns))):
            found[key] = found[key] + each if key in found else each
        return dict(sorted(found.items()))

    def _quotes(self, before: Book, after: Book) -> Iterator[Quote]:
        """By group, the quote by which its rows are valued and put into tiers.

        It is the later policy's; where that has none, the earlier one's.
        """
        for (one, _), (other, _) in zip(placed(before), placed(after), strict=True):
            was, now = (
                quotes.of_cohort(group.instrument, group.cohort)
                for quotes, group in zip(self.quotes, (one, other), strict=True)
            )
            yield was if now.value is None and was.value is not None else now


def _counts(bins: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(each) for each in bins)


def impact_of(
    before: Engine,
    after: Engine,
    book: Book,
    market: Market | Source,
    *,
    workers: int = 1,
    prices: bool = False,
    most: int = LARGEST,
) -> Impact:
    """What changing from one engine's policy to another's does to a book in a market.

    `prices` asks for the distances to liquidation by price too, which cost several times the rest. Raises `ValueError`
    where the policies settle in two currencies, and `DocumentError` where the market's document is not well formed.
    """
    return Comparer(before, after, market, workers=workers, prices=prices, most=most)(book)
