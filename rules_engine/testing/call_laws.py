"""Laws of a margin mode's answers to single calls: amounts, shares, mirror, size, and that it asks nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from rules_engine.engine.calls import gap, in_words
from rules_engine.numbers.exact import EXACT
from rules_engine.terms.components import MIRROR, SIZE
from rules_engine.terms.exposure import Exposure, PoolRequirement, Requirement
from rules_engine.testing.asking import alone, changed, just_opened, positions_of
from rules_engine.testing.judging import NotJudged
from rules_engine.testing.mode_subject import ModeSubject
from rules_engine.testing.numbers import is_amount, is_number
from rules_engine.testing.outside import outside_calls

GROWTH: Final = tuple(map(Decimal, ("0.01", "0.1", "0.5", "1", "1.001", "2", "5", "10", "100")))
"""Of a position's size, rising."""
MARGINS: Final = ("initial", "maintenance")


def amounts(subject: ModeSubject) -> Iterator[str]:
    """Looks at every answer with exact numbers."""
    wanted = PoolRequirement if subject.pooled else Requirement
    for call in subject.calls:
        answer = call.answer
        if call.withheld:
            continue
        if call.fault:
            yield subject.shown(call.fault, call.asked)
        elif not isinstance(answer, wanted):
            yield subject.shown(f"returned {type(answer).__name__}, wanted a {wanted.__name__}", call.asked)
        else:
            yield from (
                subject.shown(text, call.asked) for text in _wrong_figures(answer, subject.traits.reserves_orders)
            )


def _wrong_figures(answer: Requirement | PoolRequirement, reserves: bool) -> Iterator[str]:
    for name in MARGINS:
        if not is_amount(getattr(answer, name)):
            yield f"{name} is {in_words(getattr(answer, name))}, wanted an exact finite number, not below zero"
    if reserves != is_amount(answer.orders) or (not reserves and answer.orders is not None):
        yield f"orders is {in_words(answer.orders)}, while reserves_orders is {reserves}"
    for name, figure in answer.figures.items():
        if not is_number(figure):
            yield f"the figure {name!r} is {in_words(figure)}, wanted an exact finite number"


def attribution(subject: ModeSubject) -> Iterator[str]:
    """Adds the shares up."""
    if not subject.pooled:
        raise NotJudged("the mode sees one position at a time")
    for call in subject.sound:
        shares, ids = call.answer.attribution, {exposure.id for exposure in positions_of(call.asked)}
        if set(shares) != ids:
            yield subject.shown(f"attributes to {sorted(shares)}, the pool holds {sorted(ids)}", call.asked)
            continue
        for name in MARGINS:
            parts = [getattr(share, name) for share in shares.values()]
            if not all(map(is_number, parts)):
                yield subject.shown(
                    f"attributes {name} {', '.join(map(in_words, parts))}, wanted exact finite numbers", call.asked
                )
            elif parts and (off := gap(getattr(call.answer, name), parts)):
                yield subject.shown(f"{name}: {off}", call.asked)


def mirror(subject: ModeSubject) -> Iterator[str]:
    """Asks about each pool or position as just opened, and about the same on the other side."""
    subject.claims(MIRROR)
    compared = 0
    for call in subject.sound:
        if any(exposure.value < 0 or exposure.quantity == 0 for exposure in positions_of(call.asked)):
            continue
        opened = changed(EXACT, call.asked, just_opened)
        answer, other = subject.ask(EXACT, opened), subject.ask(EXACT, changed(EXACT, opened, _other_side))
        compared += 1
        for name in MARGINS:
            here, there = getattr(answer, name), getattr(other, name)
            if here != there:
                yield subject.shown(
                    f"{name} is {in_words(here)}, and {in_words(there)} with every side changed", opened
                )
    if not compared:
        raise NotJudged("no position is in a contract whose value is that of a linear one")


def _other_side(exposure: Exposure) -> Exposure:
    return replace(exposure, quantity=-exposure.quantity, side=-exposure.side)


def size(subject: ModeSubject) -> Iterator[str]:
    """Asks about each position by itself, at growing sizes."""
    subject.claims(SIZE)
    for call in subject.sound:
        for exposure, asked in alone(call.asked):
            yield from _falls(subject, exposure, asked)


def _falls(subject: ModeSubject, exposure: Exposure, asked: Any) -> Iterator[str]:
    before: dict[str, Any] = {}
    for factor in GROWTH if exposure.quantity != 0 else ():
        quantity = exposure.quantity * factor
        grown = changed(EXACT, asked, lambda one, quantity=quantity: replace(one, quantity=quantity, orders=()))  # type: ignore[misc]
        answer = subject.ask(EXACT, grown)
        for name in MARGINS:
            now = getattr(answer, name)
            if name in before and now < before[name][1]:
                smaller, more = before[name]
                yield subject.shown(
                    f"{name} of {smaller} is {in_words(more)}, of {quantity} it is {in_words(now)}", grown
                )
            before[name] = quantity, now


def repeatable(subject: ModeSubject) -> Iterator[str]:
    """Asks everything once more, in the opposite order, and compares what was asked with what it was."""
    for call in reversed(subject.sound):
        before = repr((call.asked, subject.parameters))
        again = subject.ask(EXACT, call.asked)
        for name in (*MARGINS, "orders"):
            first, second = getattr(call.answer, name), getattr(again, name)
            if first != second:
                yield subject.shown(
                    f"{name} was {in_words(first)}, and is {in_words(second)} when asked again", call.asked
                )
        if repr((call.asked, subject.parameters)) != before:
            yield subject.shown("the call changed what it was given (shown as it is now)", call.asked)


def outside(subject: ModeSubject) -> Iterator[str]:
    """Listens for calls of clocks, of random numbers and of files."""
    for call in subject.sound:
        for name in outside_calls(lambda call=call: _whole_answer(subject, call.asked)):  # type: ignore[misc]
            yield subject.shown(f"calls {name}", call.asked)


def _whole_answer(subject: ModeSubject, asked: Any) -> None:
    for exposure in positions_of(asked):
        if hasattr(subject.mode, "prepare"):
            subject.mode.prepare(EXACT, exposure.market, exposure.as_of, subject.parameters)
    subject.ask(EXACT, asked)
