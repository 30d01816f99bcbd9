"""Instruments compared by the rule that each name resolves to: a glob's, or its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from rules_engine.engine.quote import rule_for
from rules_engine.life.impact import diff_buffers, diff_tables
from rules_engine.life.impact.diff_changes import Change, Direction, Two, by_steps, keys_of, number_change
from rules_engine.numbers.text import plain
from rules_engine.policy.globs import common_name, matches, may_overlap
from rules_engine.terms.policy import Buffer, InstrumentRule

PRINTED: Final = "changes the liquidation and bankruptcy prices that are printed, and no decision"
NEUTRAL: Final = {"price_tick": PRINTED, "venue_symbol": ""}
"""What is fixed about an instrument and decides nothing, with what it does do."""
STEP: Final = "changes what a close-out takes"
DECISIVE: Final = ("underlying", "contract_size", "conversion", "expires_at", "terms")
"""What decides with no side that is the stricter one: it makes positions larger and smaller, or pools others."""
Pair: TypeAlias = tuple[str, InstrumentRule | None, InstrumentRule | None]
"""Names, as a key or in words, and the rule that each policy has for them."""


def instrument_changes(two: Two) -> Iterator[Change]:
    """Every instrument whose rule is not the same: exact names first, then names that globs stand for."""
    for name, before, after in (*_exact(two), *_globs(two)):
        places = [None if rule is None else rule.mark for rule in (before, after)]
        change = Change(section="instrument", name=name, what="instrument", affects=(name,))
        change = msgspec.structs.replace(change, before_mark=places[0], after_mark=places[1])
        if before is None or after is None:
            yield _one_sided(change, before, after)
        else:
            yield from _compared(change, before, after, diff_tables.goes_by_tiers(two))


def _exact(two: Two) -> Iterator[Pair]:
    for name in keys_of(two.before.instruments, two.after.instruments):
        yield name, rule_for(two.before, name), rule_for(two.after, name)


def _globs(two: Two) -> Iterator[Pair]:
    """Globs that have names in common, and those that have some that no glob of the other policy has."""
    before, after = two.before.patterns, two.after.patterns
    for rule in before:
        for other in after:
            one, another = rule.pattern, other.pattern
            if one == another:
                yield one, rule, other
            elif may_overlap(one, another) and common_name(one, another) is not None:
                yield f"{one} and {another}", rule, other
    yield from ((rule.pattern, rule, None) for rule in before if not _covered(rule.pattern, after))
    yield from ((rule.pattern, None, rule) for rule in after if not _covered(rule.pattern, before))


def _covered(glob: str, rules: Sequence[InstrumentRule]) -> bool:
    """Whether one of the globs matches whatever this one matches, in as far as a short and a long name tell."""
    length = max((len(rule.pattern) for rule in rules), default=0) + 1
    names = [glob.replace("*", filling).replace("?", "\ue000") for filling in ("", "\ue001" * length)]
    return any(all(matches(rule.pattern, name) for name in names) for rule in rules)


def _one_sided(change: Change, before: InstrumentRule | None, after: InstrumentRule | None) -> Change:
    if after is None:
        assert before is not None
        note = "no rule any more: positions in names that no other rule covers become undetermined"
        return msgspec.structs.replace(change, kind="removed", direction="unclear", before=before.table.name, note=note)
    return msgspec.structs.replace(
        change, kind="added", after=after.table.name, note="names that no other rule covered are margined now"
    )


def _compared(change: Change, before: InstrumentRule, after: InstrumentRule, by_tiers: bool) -> Iterator[Change]:
    if before.pattern != after.pattern:
        yield msgspec.structs.replace(change, what="rule", before=before.pattern, after=after.pattern)
    yield from _labelled(change, "payoff", before.payoff.name, after.payoff.name, "unclear")
    for name in DECISIVE:
        yield from _labelled(change, name, getattr(before, name), getattr(after, name), "unclear")
    for name, note in NEUTRAL.items():
        told = msgspec.structs.replace(change, note=note)
        yield from _labelled(told, name, getattr(before, name), getattr(after, name), "neutral")
    yield from _stepped(change, before.quantity_step, after.quantity_step)
    if before.table.name != after.table.name:
        yield msgspec.structs.replace(change, what="table", before=before.table.name, after=after.table.name)
        yield from diff_tables.compared(change, before.table, after.table, by_tiers)
    yield from _buffers(change, before, after)


def _labelled(change: Change, what: str, before: Any, after: Any, direction: Any) -> Iterator[Change]:
    told: Direction = direction
    if before != after:
        yield msgspec.structs.replace(change, what=what, direction=told, before=written(before), after=written(after))


def _stepped(change: Change, before: Decimal | None, after: Decimal | None) -> Iterator[Change]:
    """Close-outs are rounded up to a step and the largest order down: a coarser one closes more and permits less.

    A step that is not stated is the market's, or the quantum.
    """
    told = msgspec.structs.replace(change, note=STEP)
    if before is None or after is None:
        yield from _labelled(told, "quantity_step", before, after, "unclear")
        return
    more = "more" if after > before else "less"
    told = msgspec.structs.replace(change, what="quantity_step", note=f"{STEP}: up to a step, so {more} at once")
    told = msgspec.structs.replace(told, before=written(before), after=written(after))
    yield from (by_steps(each, before, after) for each in number_change(told, before, after, "more"))


def _buffers(change: Change, before: InstrumentRule, after: InstrumentRule) -> Iterator[Change]:
    """Buffers that act on the instrument in one policy alone; one that only has another name does not count."""
    tables = [before.table, after.table]
    gone = [one for one in before.buffers if not _held(one, after.buffers)]
    new = [one for one in after.buffers if not _held(one, before.buffers)]
    for buffer in gone:
        told = msgspec.structs.replace(change, kind="removed", before=buffer.name, note=f"buffer {buffer.name} is gone")
        yield from diff_buffers.compared(told, buffer, None, tables)
    for buffer in new:
        told = msgspec.structs.replace(change, kind="added", after=buffer.name, note=f"buffer {buffer.name} is new")
        yield from diff_buffers.compared(told, None, buffer, tables)


def _held(buffer: Buffer, others: Sequence[Buffer]) -> bool:
    return any(one.name == buffer.name or diff_buffers.same(one, buffer) for one in others)


def written(value: Any) -> str:
    """A value of a rule in words."""
    if value is None or value is msgspec.UNSET:
        return "not stated"
    if hasattr(value, "items"):
        return ", ".join(f"{key} {written(each)}" for key, each in value.items()) or "none"
    return plain(value) if hasattr(value, "as_tuple") else str(value)
