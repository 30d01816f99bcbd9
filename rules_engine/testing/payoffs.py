"""The laws of payoffs, and the check of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import in_words, raised_at
from rules_engine.numbers.exact import EXACT, ZERO, Exact
from rules_engine.numbers.functions import NotLinear, Piecewise
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.traced import Traced, TracedNumbers
from rules_engine.testing.judging import Follows, NotJudged, Statute, evidence, named, report_on
from rules_engine.testing.numbers import is_number
from rules_engine.testing.opaque import OpaqueNumbers
from rules_engine.testing.outside import outside_calls
from rules_engine.testing.reports import Report
from rules_engine.testing.stage import admitted

PRICES: Final = tuple(map(Decimal, ("0.00000001", "0.01", "1", "99.99", "100", "61000.5", "1000000000")))
CONTRACTS: Final = tuple((Decimal(size), Decimal(rate)) for size, rate in (("1", "1"), ("0.001", "1"), ("100", "0.3")))
"""Contract sizes and conversions."""


class PayoffSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A payoff with contracts and rising prices to try."""

    payoff: Any
    prices: tuple[Decimal, ...]

    def values(self) -> Iterator[tuple[tuple[Decimal, Decimal], Decimal, Exact]]:
        """Each contract and price, with the value; not where it divides with an operator, which would take for ever."""
        num = OpaqueNumbers()
        with contextlib.suppress(Exception):
            self.payoff.value(num, num.number(), num.number(), num.number())
        if num.divided:
            raise Follows("opaque")
        for contract in CONTRACTS:
            for price in self.prices:
                yield contract, price, self.payoff.value(EXACT, price, *contract)


def _subject(payoff: Any, seed: int, cases: int) -> PayoffSubject:
    admitted("payoffs", payoff)
    random = Random(seed)
    drawn = (Decimal(random.randrange(1, 10**7)).scaleb(random.randrange(-8, 3)) for _ in range(cases))
    return PayoffSubject(payoff=payoff, prices=tuple(sorted({*PRICES, *drawn})))


def _shown(finding: str, contract: tuple[Decimal, Decimal], **more: Any) -> str:
    return evidence(finding, **more, contract_size=contract[0], conversion=contract[1])


def round_trip(subject: PayoffSubject) -> Iterator[str]:
    """Reads the price back from every value."""
    for contract, price, value in subject.values():
        back = subject.payoff.price(EXACT, value, *contract)
        if not is_number(value) or back != price:
            yield _shown(f"the value is {in_words(value)}, whose price is {in_words(back)}", contract, price=price)


def rising(subject: PayoffSubject) -> Iterator[str]:
    """Compares the values of neighbouring prices."""
    before: dict[tuple[Decimal, Decimal], tuple[Decimal, Exact]] = {}
    for contract, price, value in subject.values():
        lower = before.get(contract)
        if lower is not None and not value > lower[1]:
            text = f"the value at {price} is {in_words(value)}, at {lower[0]} it is {in_words(lower[1])}"
            yield _shown(text, contract)
        before[contract] = price, value


def value_range(subject: PayoffSubject) -> Iterator[str]:
    """Holds every value against the range."""
    low, high = subject.payoff.value_range
    for contract, price, value in subject.values():
        if (low is not None and value <= low) or (high is not None and value >= high):
            yield _shown(
                f"the value is {in_words(value)}, its range {in_words(low)} to {in_words(high)}", contract, price=price
            )


def opaque(subject: PayoffSubject) -> Iterator[str]:
    """Runs both directions on numbers that cannot be looked at."""
    for method in (subject.payoff.value, subject.payoff.price):
        num = OpaqueNumbers()
        try:
            method(num, num.number(), num.number(), num.number())
        except Exception as error:
            if not num.ledger:
                yield f"{method.__name__} {raised_at(error)}"
        if num.ledger:
            yield f"{method.__name__}: {'; '.join(dict.fromkeys(num.ledger))}"


def traced(subject: PayoffSubject) -> Iterator[str]:
    """Runs both directions on traced numbers."""
    for contract, price, value in subject.values():
        num = TracedNumbers()
        found = subject.payoff.value(num, num.given("price", price), *contract)
        priced = subject.payoff.price(EXACT, value, *contract)
        back = subject.payoff.price(num, num.given("value", value), *contract)
        for name, one, wanted in (("value", found, value), ("price", back, priced)):
            exact = one.value if isinstance(one, Traced) else one
            if exact != wanted:
                yield _shown(f"{name}: traced {in_words(exact)}, exact {in_words(wanted)}", contract, price=price)


def piecewise(subject: PayoffSubject) -> Iterator[str]:
    """Runs it with the price unknown and reads the function at every price."""
    num = PiecewiseNumbers((ZERO, 1), None)
    for contract in CONTRACTS:
        try:
            function = subject.payoff.value(num, num.unknown, *contract)
            read = [function.at(price) if isinstance(function, Piecewise) else function for price in subject.prices]
        except NotLinear as error:
            raise NotJudged(f"NotLinear: {error}") from error
        except Exception as error:
            raise NotJudged(f"on functions of the price it {raised_at(error)}") from error
        for price, found in zip(subject.prices, read, strict=True):
            wanted = subject.payoff.value(EXACT, price, *contract)
            if found != wanted:
                yield _shown(f"piecewise {in_words(found)}, exact {in_words(wanted)}", contract, price=price)


def required(subject: PayoffSubject) -> Iterator[str]:
    """Looks at the names of what must be stated."""
    names = subject.payoff.required
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        yield f"required is {names!r}, wanted a sequence of names"


def repeatable(subject: PayoffSubject) -> Iterator[str]:
    """Asks everything once more, in the opposite order."""
    for contract, price, value in reversed(list(subject.values())):
        again = subject.payoff.value(EXACT, price, *contract)
        if again != value:
            yield _shown(
                f"the value was {in_words(value)}, and is {in_words(again)} when asked again", contract, price=price
            )


def outside(subject: PayoffSubject) -> Iterator[str]:
    """Listens for calls of clocks, of random numbers and of files."""
    for name in outside_calls(lambda: [subject.payoff.price(EXACT, value, *one) for one, _, value in subject.values()]):
        yield f"calls {name}"


PAYOFF_LAWS: Final = (
    Statute("round_trip", "the price of the value of a price is that price, exactly", round_trip),
    Statute("rising", "the value rises with the price", rising),
    Statute("range", "values lie within its range", value_range),
    Statute("opaque", "it branches on no number and uses only what every number system has", opaque),
    Statute("traced", "on traced numbers it comes to the same", traced),
    Statute("piecewise", "with the price unknown it is the same function, wherever that is read", piecewise),
    Statute("required", "what it requires is named", required),
    Statute("repeatable", "asked again it answers the same", repeatable),
    Statute("outside", "it asks no clock, no random number and no file", outside),
)
"""Every law of payoffs, in the order in which they are reported."""


def check_payoff(payoff: Any, *, seed: int = 0, cases: int = 50) -> Report:
    """How a payoff stands to its laws."""
    return report_on(f"payoff {named(payoff)}", PAYOFF_LAWS, lambda: _subject(payoff, seed, cases))
