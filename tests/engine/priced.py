"""Liquidation prices of books on columns, beside those of exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from rules_engine import Engine
from rules_engine.engine.book import Book, Group
from rules_engine.engine.book_rows import book_of
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.evaluate import Solution, Solved, solve
from rules_engine.engine.figures import moving_in
from rules_engine.engine.prices import prices_of
from rules_engine.engine.quote import Quotes
from rules_engine.engine.sums import terms_of
from rules_engine.engine.sweep_prices import exposure_at, in_rows, liquidation_prices, turning_values
from rules_engine.engine.sweep_rows import GroupTerms
from rules_engine.numbers.bounded_rows import Rows
from rules_engine.numbers.columns import NotColumns
from rules_engine.numbers.exact import exactly
from rules_engine.terms.account import Account
from rules_engine.terms.pool import Backing
from tests.numbers.strategies import fraction


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A row's price on columns (None: none) and whether it is in doubt; `value` is that at the price, with its bound.

    `exact` and `exact_value` are what exact numbers say, None where there is no price.
    """

    id: str
    form: str
    price: float | None
    doubtful: bool
    value: tuple[float, float] | None
    exact: Fraction | None
    exact_value: Fraction | None


def prices(
    engine: Engine,
    market: Any,
    accounts: Sequence[Account | dict[str, Any]],
    terms: Callable[[GroupTerms], GroupTerms] = lambda common: common,
    known: Callable[[Any], Any] = lambda standing: standing,
) -> list[Priced]:
    """Every row of accounts, by group; `terms` may change what a group is priced under, `known` what it stands at."""
    held = [decode_account(account) for account in accounts]
    policy, book = engine.policy, book_of(held)
    at = decode_market(market)
    quotes = Quotes(policy, at)
    with exactly(), np.errstate(all="ignore"):
        solutions = {one.account: solve(policy, one, at, quotes) for one in held}
        found: list[Priced] = []
        for group in book.groups:
            quote = quotes(group.instrument)
            assert quote.severe is not None
            common = terms(
                GroupTerms(
                    quote=quote,
                    allowed=policy.modes[group.mode],
                    schedule=quote.severe,
                    terms=terms_of(policy, None),
                )
            )
            found += _of_group(engine, group, common, list(_solved(book, group, solutions)), known)
    return found


def _solved(book: Book, group: Group, solutions: dict[str, Solution]) -> Iterator[tuple[str, Solved, Solution]]:
    """Each row's position and pool."""
    for index in range(group.size):
        solution = solutions[str(book.names[int(group.accounts[index])])]
        id = book.position(group, index).id
        pools = solution.solved.values()
        yield id, next(one for one in pools if any(held.position.id == id for held in one.pool.holdings)), solution


def _of_group(
    engine: Engine,
    group: Group,
    common: GroupTerms,
    solved: Sequence[tuple[str, Solved, Solution]],
    known: Callable[[Any], Any],
) -> Iterator[Priced]:
    """A group's rows. `standing` are the doubles nearest to what exact numbers say."""
    sums = [(one.equity, one.sums) for _, one, _ in solved]
    true = [fraction(equity - each.maintenance - each.fee) for equity, each in sums if each is not None]
    standing = np.array([float(x) for x in true])
    error = 2.0**-52 * float(np.abs(standing).max()) + 2.0**-1070
    ringfenced = solved[0][1].pool.label.backing is Backing.POSITION
    standing = known(standing)
    for span in group.spans:
        part = standing[span.start : span.stop]
        found, doubtful = liquidation_prices(
            group, span, common, ringfenced=ringfenced, standing=part, standing_error=error
        )
        try:
            exposure = exposure_at(group, span, in_rows(common), ringfenced)
            turning = turning_values(exposure, in_rows(common), Rows(part, error))
            values: list[tuple[float, float] | None] = list(
                zip(turning.values.tolist(), turning.error.tolist(), strict=True)
            )
        except NotColumns:
            values = [None] * len(part)
        for row, (id, one, solution) in enumerate(solved[span.start : span.stop]):
            turned = prices_of(moving_in(one, solution.terms, group.instrument), engine.policy).liquidation
            yield Priced(
                id=id,
                form=common.quote.severe.form,  # type: ignore[union-attr]
                price=None if np.isnan(found[row]) else float(found[row]),
                doubtful=bool(doubtful[row]),
                value=values[row],
                exact=None if turned is None else fraction(turned.price),
                exact_value=None if turned is None else fraction(common.quote.value_at(turned.price)),
            )
