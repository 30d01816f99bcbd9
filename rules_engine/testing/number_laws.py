"""Laws of a margin mode's formula: one function that runs on every number system and comes to the same figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from rules_engine.engine.calls import in_words, raised_at
from rules_engine.errors import MissingInput
from rules_engine.numbers.exact import EXACT, ZERO, Exact, divide, sign_of
from rules_engine.numbers.functions import Cut, NotLinear, Piecewise
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.numbers.traced import Traced, TracedNumbers
from rules_engine.terms.exposure import Exposure
from rules_engine.terms.policy import Conventions
from rules_engine.testing.asking import Asked, at_mark, changed, converted, positions_of
from rules_engine.testing.judging import Follows, NotJudged
from rules_engine.testing.mode_subject import ModeSubject
from rules_engine.testing.opaque import OpaqueNumbers

FIGURES: Final = ("initial", "maintenance", "orders")
"""The figures of an answer that are compared."""
FACTORS: Final = tuple(map(Decimal, ("0.01", "0.5", "0.9", "1", "1.1", "3", "40")))
"""Of the mark: where functions of it are read, beside the floors of tiers."""
PARTS: Final = tuple(map(Decimal, ("0", "0.001", "0.25", "0.5", "0.75", "0.999")))
"""Of a position: how much of it is closed where functions of that are read."""


class Unknown(NamedTuple):
    """A number taken for unknown: what the mode is asked, given that number, and the points at which it is read."""

    num: PiecewiseNumbers
    moved: Callable[[Number], Asked]
    points: list[Exact]
    label: str


def opaque(subject: ModeSubject) -> Iterator[str]:
    """Asks with numbers that cannot be looked at."""
    for call in subject.calls:
        num = OpaqueNumbers()
        try:
            subject.ask(num, converted(call.asked, num.number))
        except MissingInput:
            continue
        except Exception as error:
            if not num.ledger and not call.fault:
                yield subject.shown(raised_at(error), call.asked)
        if num.ledger:
            yield subject.shown("; ".join(dict.fromkeys(num.ledger)), call.asked)


def traced(subject: ModeSubject) -> Iterator[str]:
    """Asks with traced numbers."""
    compared, why = 0, ""
    for call in subject.sound:
        num = TracedNumbers()
        try:
            answer = subject.ask(num, converted(call.asked, lambda name, unit, value, num=num: num.given(name, value)))  # type: ignore[misc]
        except Exception as error:
            why = f"on traced numbers it {raised_at(error)}"
            continue
        compared += 1
        for name in FIGURES:
            found, wanted = getattr(answer, name), getattr(call.answer, name)
            value = found.value if isinstance(found, Traced) else found
            if value != wanted:
                yield subject.shown(f"{name}: traced {in_words(value)}, exact {in_words(wanted)}", call.asked)
    if not compared:
        raise _stuck(subject, why)


def piecewise_mark(subject: ModeSubject) -> Iterator[str]:
    """Asks with the mark of one instrument unknown."""
    yield from _read_off(subject, _marks)


def piecewise_quantity(subject: ModeSubject) -> Iterator[str]:
    """Asks with the number of contracts to close unknown."""
    yield from _read_off(subject, _closings)


def _read_off(subject: ModeSubject, unknowns: Callable[[ModeSubject, Asked], Iterator[Unknown]]) -> Iterator[str]:
    """Compares the function that follows from an unknown with exact figures, at each of its points."""
    compared, why, failed = 0, "no position has a mark", ""
    for call in subject.sound:
        for unknown in unknowns(subject, call.asked):
            try:
                answer = subject.ask(unknown.num, unknown.moved(unknown.num.unknown))
                read = [[_at(getattr(answer, name), point) for name in FIGURES] for point in unknown.points]
            except NotLinear as error:
                why = f"NotLinear: {error}"
                continue
            except Exception as error:
                failed = f"on functions of the unknown it {raised_at(error)}"
                continue
            compared += 1
            for point, found in zip(unknown.points, read, strict=True):
                yield from (subject.shown(text, call.asked) for text in _differences(subject, unknown, point, found))
    if not compared:
        raise _stuck(subject, failed) if failed else NotJudged(why)


def _stuck(subject: ModeSubject, why: str) -> NotJudged:
    """Why a formula runs on no other numbers: because of what `opaque` finds, or else what was raised."""
    return Follows("opaque") if next(opaque(subject), "") else NotJudged(why)


def _differences(subject: ModeSubject, unknown: Unknown, point: Exact, found: list[Any]) -> Iterator[str]:
    answer = subject.ask(EXACT, unknown.moved(point))
    for name, figure in zip(FIGURES, found, strict=True):
        exact = getattr(answer, name)
        if figure != exact:
            yield f"{name} at {unknown.label} {in_words(point)}: piecewise {in_words(figure)}, exact {in_words(exact)}"


def _at(function: Number, point: Exact) -> Any:
    return function.at(point) if isinstance(function, Piecewise) else function


def _marks(subject: ModeSubject, asked: Asked) -> Iterator[Unknown]:
    """Each instrument's mark as the unknown, by the value of one contract."""
    for exposure in {one.instrument: one for one in positions_of(asked)}.values():
        if exposure.value == 0:
            continue
        zero: Cut = (ZERO, 1 if exposure.value > 0 else 0)
        num = PiecewiseNumbers(zero, None) if exposure.value > 0 else PiecewiseNumbers(None, zero)
        moved = partial(_at_value, num, subject.conventions, asked, exposure.instrument)
        yield Unknown(num, moved, _values(exposure), f"{exposure.instrument} value")


def _at_value(num: NumberSystem, conventions: Conventions, asked: Asked, instrument: str, value: Number) -> Asked:
    def change(one: Exposure) -> Exposure:
        return at_mark(one, value, conventions) if one.instrument == instrument else one

    return changed(num, asked, change)


def _values(exposure: Exposure) -> list[Exact]:
    """Values of a contract around the mark, and those at which the position comes to a floor."""
    values = [exposure.value * factor for factor in FACTORS]
    if exposure.schedule.unit == "notional" and exposure.quantity != 0:
        per_value = exposure.quantity * sign_of(exposure.quantity) * sign_of(exposure.value)
        values += [divide(floor, per_value) for floor in exposure.schedule.floors if floor > 0]
    return values


def _closings(subject: ModeSubject, asked: Asked) -> Iterator[Unknown]:
    """The contracts closed of each position as the unknown."""
    for exposure in positions_of(asked):
        size = abs(exposure.quantity)
        if size == 0:
            continue
        num = PiecewiseNumbers((ZERO, 0), (size, 1))
        moved = partial(_less, num, asked, exposure)
        yield Unknown(num, moved, [size * part for part in PARTS], f"closing of {exposure.id}")


def _less(num: NumberSystem, asked: Asked, exposure: Exposure, closed: Number) -> Asked:
    left = exposure.quantity - sign_of(exposure.quantity) * closed

    def change(one: Exposure) -> Exposure:
        return replace(one, quantity=left) if one.id == exposure.id else one

    return changed(num, asked, change)
