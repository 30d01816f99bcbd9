"""Laws of one position at every size: what it requires, on either side, and where it is liquidated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.life.cases.law_subjects import NotTried, Trial, document_of
from rules_engine.numbers.text import plain
from rules_engine.terms.account import Account
from rules_engine.terms.market import Market

SIDES: Final = (1, -1)
MARGINS: Final = ("initial_margin", "maintenance_margin")


class Counterexample(msgspec.Struct, frozen=True):
    """What breaks a law: the finding, and the documents that show it again."""

    finding: str
    account: Any
    market: Any


def counterexample(finding: str, account: Account, market: Market) -> Counterexample:
    """A counterexample of records; the market is left with the instruments that the account holds."""
    held = {position.instrument for position in account.positions}
    instruments = {name: data for name, data in market.instruments.items() if name in held}
    prices = {name: price for name, price in market.prices.items() if name in account.collateral}
    needed = msgspec.structs.replace(market, instruments=instruments, prices=prices)
    return Counterexample(finding, document_of(account), document_of(needed))


def never_falls(figure: str) -> Callable[[Trial], Iterator[Counterexample | None]]:
    """The law that a margin never falls as the position grows."""

    def law(trial: Trial) -> Iterator[Counterexample | None]:
        for side in SIDES:
            before: tuple[Decimal, Decimal] | None = None
            for size in trial.sizes():
                account = trial.account(side * size, trial.notional(size))
                now = getattr(trial.figures(account), figure)
                if before is not None and now < before[1]:
                    smaller, more = before
                    text = f"{figure} is {plain(more)} for {plain(side * smaller)} contracts of {trial}, and"
                    yield counterexample(f"{text} {plain(now)} for {plain(side * size)}", account, trial.market)
                else:
                    yield None
                before = size, now

    return law


def mirrors(trial: Trial) -> Iterator[Counterexample | None]:
    """The law that a short requires what a long of its size does."""
    if trial.quote.value < 0:
        raise NotTried("its payoff is not linear")
    for size in trial.sizes():
        long, short = (trial.account(side * size, trial.notional(size)) for side in SIDES)
        one, other = trial.figures(long), trial.figures(short)
        name = next((name for name in MARGINS if getattr(one, name) != getattr(other, name)), None)
        if name is None:
            yield None
            continue
        figures = f"{plain(getattr(one, name))} for a long, and {plain(getattr(other, name))} for a short"
        yield counterexample(f"{name} of {plain(size)} contracts of {trial} is {figures}", short, trial.market)


def liquidated_first(trial: Trial) -> Iterator[Counterexample | None]:
    """The law that a position opened with its initial margin is liquidated before its collateral is gone."""
    for side in SIDES:
        for size in trial.sizes():
            quantity = side * size
            backed = trial.figures(trial.account(quantity, trial.notional(size)))
            assert backed.initial_margin is not None
            account = trial.account(quantity, backed.initial_margin)
            figures = trial.figures(account)
            liquidation, bankruptcy = figures.liquidation_price, figures.bankruptcy_price
            if liquidation is None or bankruptcy is None or (liquidation - bankruptcy) * side >= 0:
                yield None
                continue
            text = f"{plain(quantity)} contracts of {trial} are liquidated at {plain(liquidation)},"
            yield counterexample(f"{text} bankrupt at {plain(bankruptcy)} already", account, trial.market)
