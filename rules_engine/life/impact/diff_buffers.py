"""Buffers compared by what they do to rates: at which readings a rate is higher or lower, and by how much.

A buffer turns a rate of its table into `rate * multiply + add_rate`; both follow its reading. Of two rates between
which all others lie, the change of those between lies between too, absolute and as a part of what was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from rules_engine.formulas.buffers import ExpiryBuffer, MeasureBuffer
from rules_engine.life.impact.diff_changes import Change, Two, keys_of, rules_of, stretch_change
from rules_engine.life.impact.diff_functions import NOUGHT, Function, Piece, Stretch, fraction, level, stretches
from rules_engine.terms.policy import Buffer, Table

ONE: Final = Fraction(1)
REQUIREMENTS: Final = ("initial", "maintenance")


def buffer_changes(two: Two) -> Iterator[Change]:
    """Every buffer of a name that both have, those that are new and those that are gone.

    What a new one does is told of the instruments that it acts on.
    """
    before, after = two.before.buffers, two.after.buffers
    for name in keys_of(before, after):
        users = two.users(lambda rule, name=name: any(buffer.name == name for buffer in rule.buffers))
        note = "" if users else "no instrument uses it"
        change = Change(section="buffer", name=name, what="", affects=users, note=note, **two.marks("buffers", name))
        if name not in after:
            yield msgspec.structs.replace(change, what="buffer", kind="removed", before=name)
        elif name not in before:
            yield msgspec.structs.replace(change, what="buffer", kind="added", after=name)
        else:
            yield from compared(change, before[name], after[name], _tables_of(two, name))


def _tables_of(two: Two, buffer: str) -> list[Table]:
    """The tables whose rates a buffer adjusts; all there are where it adjusts none."""
    every = [rule for policy in two.both for rule in rules_of(policy)]
    used = [rule.table for rule in every if any(one.name == buffer for one in rule.buffers)]
    return used or [table for policy in two.both for table in policy.tables.values()]


def same(one: Buffer, other: Buffer) -> bool:
    """Whether two buffers do the same, whatever they are called."""
    alike = one.kind.name == other.kind.name and one.parameters == other.parameters
    return alike and one.requirements == other.requirements


def compared(change: Change, before: Buffer | None, after: Buffer | None, tables: Iterable[Table]) -> Iterator[Change]:
    """What differs between two buffers on rates of these tables; None is one that is not there."""
    if before is not None and after is not None and same(before, after):
        return
    measures = {_reading(each) for each in (before, after) if each is not None}
    functions = [made for each in (before, after) if (made := _factors(each)) is not None]
    if len(measures) > 1 or len(functions) < 2:
        texts = [None if each is None else f"{each.kind.name} of {_reading(each)}" for each in (before, after)]
        note = "what it reads or how it works has changed, so that no reading compares"
        yield msgspec.structs.replace(
            change, what="rates", direction="unclear", before=texts[0], after=texts[1], note=note
        )
        return
    tables = list(tables)
    found: dict[str, list[Stretch]] = {}
    for requirement in REQUIREMENTS:
        silent = [each is None or requirement not in each.requirements for each in (before, after)]
        acting = [_NONE if quiet else each for quiet, each in zip(silent, functions, strict=True)]
        found[f"{requirement} rates"] = _worst(acting[0], acting[1], _rates(tables, requirement))
    told = msgspec.structs.replace(change, unit=next(iter(measures)))
    yield from _told(told, found)


def _told(change: Change, found: dict[str, list[Stretch]]) -> Iterator[Change]:
    """What happens to initial and to maintenance rates, as one change where both go by the same part."""
    initial, maintenance = found.values()
    keys = [[(one.start, one.stop, one.relative) for one in each] for each in (initial, maintenance)]
    if keys[0] == keys[1]:
        found = {"initial and maintenance rates": initial}
    for what, each in found.items():
        for stretch in each:
            yield stretch_change(msgspec.structs.replace(change, what=what), stretch, of_value=True)


def _worst(before: Factors, after: Factors, rates: Sequence[Fraction]) -> list[Stretch]:
    """Where rates differ, and the largest change of any; both of the least and of the greatest rate."""
    found: dict[tuple[Fraction, int], Stretch] = {}
    for rate in rates:
        for stretch in stretches(before.on(rate), after.on(rate)):
            key = (stretch.start, stretch.sign)
            known = found.get(key)
            if known is None or _size(stretch) > _size(known):
                found[key] = stretch
    return [found[key] for key in sorted(found)]


def _size(stretch: Stretch) -> tuple[bool, Fraction, Fraction]:
    """How large a change is: as a part of what was, then by itself."""
    relative, absolute = stretch.relative, abs(stretch.absolute or NOUGHT)
    return relative is None, abs(relative or NOUGHT), absolute


class Factors(msgspec.Struct, frozen=True):
    """What a buffer multiplies rates by and adds to them, by its reading."""

    multiply: Function
    add_rate: Function

    def on(self, rate: Fraction) -> Function:
        """What becomes of a rate."""
        starts = sorted({piece.start for piece in (*self.multiply, *self.add_rate)})
        return tuple(self._piece(start, rate) for start in starts)

    def _piece(self, start: Fraction, rate: Fraction) -> Piece:
        by, plus = (
            max((piece for piece in each if piece.start <= start), key=lambda piece: piece.start)
            for each in (self.multiply, self.add_rate)
        )
        return Piece(start, rate * by.slope + plus.slope, rate * by.intercept + plus.intercept)


_NONE: Final = Factors(level(ONE), level(NOUGHT))


def _factors(buffer: Buffer | None) -> Factors | None:
    """A buffer's factors; None of a kind whose parameters only its own plugin understands."""
    if buffer is None:
        return _NONE
    if not isinstance(buffer.kind, MeasureBuffer | ExpiryBuffer):
        return None
    if "curve" in buffer.parameters:
        return Factors(_curve(*(fraction(buffer.parameters["curve"][name]) for name in _CURVE)), level(NOUGHT))
    bands = buffer.parameters["bands"]
    multiply, add_rate = (
        tuple(Piece(fraction(band["from"]), NOUGHT, fraction(band.get(name, silent))) for band in bands)
        for name, silent in (("multiply", 1), ("add_rate", 0))
    )
    return Factors(multiply, add_rate)


_CURVE: Final = ("reference", "slope", "cap")


def _curve(reference: Fraction, slope: Fraction, cap: Fraction) -> Function:
    """1 up to the reference, then rising to the cap."""
    rising = Piece(reference, slope / reference, 1 - slope)
    if not slope or cap == ONE:
        return level(ONE)
    return (*level(ONE), rising, Piece(reference * (1 + (cap - 1) / slope), NOUGHT, cap))


def _rates(tables: Sequence[Table], requirement: str) -> list[Fraction]:
    """The least and the greatest rate of a requirement."""
    rates = [fraction(getattr(tier, f"{requirement}_rate")) for table in tables for tier in table.tiers]
    return sorted({min(rates), max(rates)}) if rates else [ONE]


def _reading(buffer: Buffer) -> str:
    """What a buffer reads."""
    return str(buffer.parameters.get("measure", f"{buffer.kind.name} in seconds"))
