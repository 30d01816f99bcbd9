"""When a version holds and for which positions, compared; and what positions opened before it come from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rules_engine.errors import PolicyError
from rules_engine.life.impact.diff_buffers import buffer_changes
from rules_engine.life.impact.diff_changes import Change, Direction, Two
from rules_engine.life.impact.diff_instruments import instrument_changes
from rules_engine.life.impact.diff_settings import EVERY, limit_changes
from rules_engine.life.impact.diff_tables import table_changes
from rules_engine.life.versions import begins, load_line
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

OWN: Final = (table_changes, buffer_changes, instrument_changes, limit_changes)
"""What a position has of its own version; everything else comes from the one in force, whenever it was opened."""


def elders_beside(
    policy: Policy, *, policies: str | os.PathLike[str] | None = None, registry: Registry | None = None
) -> tuple[Policy, ...]:
    """The versions that still answer for positions opened before this one, newest first, as far as they can be had.

    They are looked for where policies of its name are. None for a version that is for all positions.
    """
    if policy.applies_to == "all_positions":
        return ()
    try:
        line = load_line(policy.name, policies=policies, registry=registry)
    except PolicyError:
        return ()
    found: list[Policy] = []
    for each in reversed([one for one in line.versions if begins(one) < begins(policy)]):
        found.append(each)
        if each.applies_to == "all_positions":
            break
    return tuple(found)


def version_changes(two: Two, elders: Sequence[Policy] = ()) -> Iterator[Change]:
    """Beginning and end, and whether positions opened before change hands. `elders` governed them, newest first."""
    if two.before.applies_to != two.after.applies_to:
        yield from _handed_over(two, elders)
    start = [policy.effective_from for policy in two.both]
    if start[0] != start[1]:
        yield _version(two, "effective_from", *start)
    end = [policy.effective_until for policy in two.both]
    if end[0] != end[1]:
        yield _ended(two, *end)


def _ended(two: Two, before: Any, after: Any) -> Change:
    """A version that ends sooner switches itself off; one that ends later answers where nothing did."""
    change = _version(two, "effective_until", before, after)
    if after is None:
        return msgspec.structs.replace(change, note=f"no longer ends at {instant(before)}")
    note = f"ends at {instant(after)}: from then on no version of its own text answers"
    sooner = before is None or after < before
    return msgspec.structs.replace(change, note=note, direction="unclear" if sooner else "neutral")


def _handed_over(two: Two, elders: Sequence[Policy]) -> Iterator[Change]:
    change = _version(two, "applies_to", two.before.applies_to, two.after.applies_to)
    begun = two.after.effective_from
    early = "positions opened before it begins" if begun is None else f"positions opened before {instant(begun)}"
    if two.after.applies_to == "new_positions":
        note = f"{early} keep the rules that they have until now; those of which that is not known become undetermined"
        yield msgspec.structs.replace(change, direction="unclear", note=note)
        return
    note = f"{early} move from what governed them until now to this version"
    found = [
        msgspec.structs.replace(each, note="; ".join(filter(None, (f"{early}, from {elder.version}", each.note))))
        for elder in elders
        for changes_of in OWN
        for each in changes_of(Two(elder, two.after))
        if each.direction != "neutral"
    ]
    told: Direction = "unclear"
    if elders and elders[-1].applies_to == "all_positions":
        ways: set[Direction] = {each.direction for each in found} or {"neutral"}
        told = ways.pop() if len(ways) == 1 else "unclear"
    yield msgspec.structs.replace(change, direction=told, note=note)
    yield from found


def _version(two: Two, what: str, before: Any, after: Any) -> Change:
    texts = [
        "not stated" if each is None else each if isinstance(each, str) else instant(each) for each in (before, after)
    ]
    places = two.marks(what)
    return Change(section="version", name="", what=what, before=texts[0], after=texts[1], affects=EVERY, **places)
