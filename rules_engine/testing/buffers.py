"""The laws of kinds of buffer, and the check of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import in_words
from rules_engine.extension.registry import Registry
from rules_engine.formulas.tiers import greatest, least
from rules_engine.numbers.exact import EXACT, ONE, ZERO
from rules_engine.numbers.system import Number
from rules_engine.numbers.traced import Traced, TracedNumbers
from rules_engine.terms.components import Parameters
from rules_engine.terms.exposure import Adjustment
from rules_engine.terms.market import InstrumentMarket
from rules_engine.testing.documents import built_in
from rules_engine.testing.examples import STANDARD
from rules_engine.testing.judging import NotJudged, Statute, evidence, named, report_on
from rules_engine.testing.numbers import is_amount, is_number
from rules_engine.testing.outside import outside_calls
from rules_engine.testing.parameter_law import misfits
from rules_engine.testing.reports import Report
from rules_engine.testing.stage import PLAIN, admitted, compiled, registry_with

AS_OF: Final = datetime(2026, 1, 2, tzinfo=UTC)
MEMBER: Final = "examined"
"""The name of the buffer in the kit's policy."""


class BufferSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of buffer bound to parameters, and readings to try."""

    kind: Any
    parameters: Parameters
    registry: Registry
    document: Mapping[str, Any]
    readings: tuple[Decimal, ...]

    def adjustments(self) -> Iterator[tuple[Decimal, Adjustment | None]]:
        """What it does at each reading."""
        for reading in self.readings:
            yield reading, self.kind.adjustment(EXACT, reading, self.parameters)

    def shown(self, finding: str, **more: Any) -> str:
        """A counterexample with the parameters."""
        return evidence(finding, **more, parameters=dict(self.parameters))


def _subject(kind: Any, parameters: Mapping[str, Any], seed: int, cases: int) -> BufferSubject:
    admitted("buffers", kind)
    document = built_in(modes={PLAIN: {}}, buffers={MEMBER: {"kind": kind.name, **parameters}})
    registry = registry_with({"buffers": {kind.name: kind}})
    bound = compiled(STANDARD, document, registry).buffers[MEMBER].parameters
    return BufferSubject(
        kind=kind,
        parameters=bound,
        registry=registry,
        document=document,
        readings=tuple(_readings(bound, Random(seed), cases)),
    )


def _readings(parameters: Parameters, random: Random, cases: int) -> Iterator[Decimal]:
    """Zero, every number of the parameters and what lies beside and between them, and numbers of every size."""
    known = sorted({ZERO, *_numbers_in(parameters)})
    for low, high in zip(known, [*known[1:], known[-1] * 2 + 1], strict=True):
        yield from (low, low + (high - low) / 2, high - (high - low) / 1024)
    for _ in range(cases):
        yield Decimal(random.randrange(1, 10**6)).scaleb(random.randrange(-8, 6))


def _numbers_in(value: Any) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_in(item)


def amounts(subject: BufferSubject) -> Iterator[str]:
    """Looks at every adjustment, the extremes too."""
    reached = [(f"at {reading}", one) for reading, one in subject.adjustments() if one is not None]
    reached += [("among its extremes", one) for one in subject.kind.extremes(subject.parameters)]
    for place, one in reached:
        if not isinstance(one, Adjustment):
            yield subject.shown(f"{place}: {one!r}, wanted an Adjustment or None")
            continue
        if one.multiply is not None and not is_amount(one.multiply):
            yield subject.shown(f"{place}: multiply is {in_words(one.multiply)}, wanted a number not below zero")
        if one.add_rate is not None and not is_number(one.add_rate):
            yield subject.shown(f"{place}: add_rate is {in_words(one.add_rate)}, wanted a number")


def extremes(subject: BufferSubject) -> Iterator[str]:
    """Holds every adjustment against the extremes, each figure by itself."""
    reached = subject.kind.extremes(subject.parameters)
    if not reached:
        yield subject.shown("extremes are empty")
        return
    low, high = least(reached), greatest(reached)
    for reading, one in subject.adjustments():
        for name, silent in (("multiply", ONE), ("add_rate", ZERO)) if one is not None else ():
            figure, at_least, at_most = (_said(each, name, silent) for each in (one, low, high))
            if not at_least <= figure <= at_most:
                yield subject.shown(f"{name} is {figure} at {reading}, not between {at_least} and {at_most}")


def _said(adjustment: Any, name: str, silent: Number) -> Number:
    said = getattr(adjustment, name)
    return silent if said is None else said


def missing(subject: BufferSubject) -> Iterator[str]:
    """Reads a market in which nothing stands."""
    reading = subject.kind.reading(InstrumentMarket(), AS_OF, subject.parameters)
    if reading is not None:
        yield subject.shown(f"of a market in which nothing stands it reads {in_words(reading)}, wanted None")


def traced(subject: BufferSubject) -> Iterator[str]:
    """Runs each adjustment on traced numbers."""
    compared = 0
    for reading, one in subject.adjustments():
        again = subject.kind.adjustment(TracedNumbers(), reading, subject.parameters)
        for name in ("multiply", "add_rate") if one is not None else ():
            compared += 1
            found = getattr(again, name)
            value = found.value if isinstance(found, Traced) else found
            if value != getattr(one, name):
                yield subject.shown(f"{name} at {reading}: traced {value}, exact {getattr(one, name)}")
    if not compared:
        raise NotJudged("no reading made sense to it")


def repeatable(subject: BufferSubject) -> Iterator[str]:
    """Asks everything once more, in the opposite order."""
    before = repr(subject.parameters)
    for reading, one in reversed(list(subject.adjustments())):
        again = subject.kind.adjustment(EXACT, reading, subject.parameters)
        if again != one:
            yield subject.shown(f"at {reading} it was {one!r}, and is {again!r} when asked again")
    if repr(subject.parameters) != before:
        yield subject.shown(f"the call changed its parameters, which were {before}")


def outside(subject: BufferSubject) -> Iterator[str]:
    """Listens for calls of clocks, of random numbers and of files."""

    def answer() -> None:
        with contextlib.suppress(Exception):  # where it raises, that is another law's
            subject.kind.reading(InstrumentMarket(), AS_OF, subject.parameters)
        list(subject.adjustments())

    for name in outside_calls(answer):
        yield subject.shown(f"calls {name}")


def parameters(subject: BufferSubject) -> Iterator[str]:
    """Tries parameters that the schema should refuse."""
    return misfits(subject.document, subject.registry, ("buffers", MEMBER), subject.kind.parameters)


BUFFER_LAWS: Final = (
    Statute("amounts", "it multiplies by nothing below zero and adds exact numbers", amounts),
    Statute("extremes", "its extremes bound whatever it does", extremes),
    Statute("missing", "where there is nothing to read it says None and does not raise", missing),
    Statute("traced", "on traced numbers it comes to the same adjustment", traced),
    Statute("parameters", "what its schema does not allow is refused at its place in the policy", parameters),
    Statute("repeatable", "asked again it answers the same, and it changes nothing", repeatable),
    Statute("outside", "it asks no clock, no random number and no file", outside),
)
"""Every law of kinds of buffer, in the order in which they are reported."""


def check_buffer(kind: Any, parameters: Mapping[str, Any] = {}, *, seed: int = 0, cases: int = 50) -> Report:
    """How a kind of buffer stands to its laws, under the parameters that a policy would give it."""
    return report_on(f"buffer {named(kind)}", BUFFER_LAWS, lambda: _subject(kind, parameters, seed, cases))
