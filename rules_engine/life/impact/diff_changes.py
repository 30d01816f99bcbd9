"""What a difference between two policies is made of: one change each, with its direction, its size and its places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

import msgspec

from rules_engine.errors import Mark
from rules_engine.life.impact.diff_functions import RateChange, Stretch, fraction
from rules_engine.numbers.exact import Exact
from rules_engine.policy.document import Path
from rules_engine.terms.policy import InstrumentRule, Policy

Direction: TypeAlias = Literal["tightened", "loosened", "neutral", "unclear"]
"""`neutral` changes no requirement and no decision; of what is `unclear` nothing says which side is the stricter."""
Kind: TypeAlias = Literal["changed", "added", "removed"]
Tightens: TypeAlias = Literal["more", "less"]
"""Which way of a number is the stricter one."""

LOOSENING: Final = ("loosened", "unclear")
"""The directions of a change that is not known to be no looser."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `before` and `after` are as written; None where there was nothing.

    `absolute` and `relative` say by how much at most, signed: None where no number says it, or the change is from 0
    (`relative`) or grows with the size without end (`absolute`; then `growth` says how fast). `start` and `stop` bound
    the sizes or readings, in units of `unit`, where it holds. `rate` is the largest change of a rate in it. `affects`
    are keys of instruments, `before_mark` and `after_mark` the places in the two texts.
    """

    section: str
    name: str
    what: str
    kind: Kind = "changed"
    direction: Direction = "neutral"
    before: str | None = None
    after: str | None = None
    absolute: Fraction | None = None
    growth: Fraction | None = None
    relative: Fraction | None = None
    unit: str = ""
    start: Fraction | None = None
    stop: Fraction | None = None
    rate: RateChange | None = None
    affects: tuple[str, ...] = ()
    note: str = ""
    before_mark: Mark | None = None
    after_mark: Mark | None = None

    @property
    def place(self) -> str:
        """What changed, in one line: `table majors: maintenance margin`."""
        return f"{' '.join(filter(None, (self.section, self.name)))}: {self.what}"


class Two(msgspec.Struct, frozen=True):
    """The two policies that are compared."""

    before: Policy
    after: Policy

    @property
    def both(self) -> tuple[Policy, Policy]:
        return self.before, self.after

    def marks(self, *path: str | int) -> dict[str, Any]:
        """Where a value stands in each text, as the members of a change."""
        one, other = (mark_of(policy, path) for policy in self.both)
        return {"before_mark": one, "after_mark": other}

    def users(self, chosen: Any) -> tuple[str, ...]:
        """The keys of the instruments, of either policy, whose rule is chosen."""
        return tuple(sorted({rule.pattern for policy in self.both for rule in rules_of(policy) if chosen(rule)}))


def rules_of(policy: Policy) -> tuple[InstrumentRule, ...]:
    """The rules of every instrument, globs last."""
    return (*policy.instruments.values(), *policy.patterns)


def mark_of(policy: Policy, path: Path) -> Mark | None:
    """Where the value at a path stands, if it or its section is in the text."""
    while path:
        if (mark := policy.marks.get(path)) is not None:
            return mark
        path = path[:-1]
    return None


def unsure(change: Change, note: str) -> Change:
    """A change that tightens by its number, and by something else may let somebody go; a looser one stays looser."""
    if change.direction != "tightened":
        return change
    return msgspec.structs.replace(change, direction="unclear", note="; ".join(filter(None, (change.note, note))))


def by_steps(change: Change, before: Exact, after: Exact) -> Change:
    """A change of what amounts are rounded to, which is coarser for certain where it is a multiple of what it was.

    From 2 to 3, an amount of 3.5, which was rounded up to 4, becomes 6, and one of 2.5 becomes 3.
    """
    was, now = fraction(before), fraction(after)
    return change if (now / was).denominator == 1 else unsure(change, "the one is no multiple of the other")


def by_sign(sign: int, tightens: Tightens = "more") -> Direction:
    """The direction of a number that rose (1) or fell (-1)."""
    return "tightened" if (sign > 0) is (tightens == "more") else "loosened"


def number_change(
    change: Change, before: Exact | None, after: Exact | None, tightens: Tightens, *, rate: bool = False
) -> Iterable[Change]:
    """A number that changed: none where it is the same. None is no limit at all, beyond every number."""
    if before is None and after is None:
        return ()
    if before is None or after is None:
        sign = 1 if after is None else -1
        return (msgspec.structs.replace(change, direction=by_sign(sign, tightens)),)
    was, now = fraction(before), fraction(after)
    if was == now:
        return ()
    moved = RateChange(was, now)
    return (
        msgspec.structs.replace(
            change,
            direction=by_sign(1 if now > was else -1, tightens),
            absolute=now - was,
            relative=moved.relative,
            rate=moved if rate else None,
        ),
    )


def stretch_change(change: Change, stretch: Stretch, *, of_value: bool = False) -> Change:
    """A change over some sizes or readings. The rates are the function's slopes, or with `of_value` its values."""
    return msgspec.structs.replace(
        change,
        direction=by_sign(stretch.sign),
        absolute=stretch.absolute,
        growth=stretch.growth,
        relative=stretch.relative,
        start=stretch.start,
        stop=stretch.stop,
        rate=stretch.value if of_value else stretch.slope,
    )


def keys_of(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names that either has, in the order of the one and then the other."""
    return list(dict.fromkeys([*one, *other]))
