"""What is told on stderr before a version is signed: what changes, what guards ask, and who stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rules_engine.cli import output

if TYPE_CHECKING:
    from rules_engine.life.impact.diff_changes import Change
    from rules_engine.life.store.changes import Review
    from rules_engine.terms.policy import Policy

MOST: Final = 10
"""Changes that are told; the rest is counted, and `diff` tells all of them."""
FIRST: Final = ("loosened", "unclear", "tightened")
"""What is told first; neutral changes are only counted."""


def tell(review: Review, now: datetime) -> None:
    """Tells what is about to be signed."""
    tell_end(review.policy)
    for said in (_version(review), *_follows(review, now), *_changes(review), *_guards(review)):
        output.message(said)


def tell_end(policy: Policy) -> None:
    """Tells of a version that ends by its own text."""
    from rules_engine.terms.rendering import instant

    if policy.effective_until is not None:
        said = f"{policy.name}@{policy.version} ends at {instant(policy.effective_until)}"
        output.message(f"WARNING {said}: from then on no version is in force, unless another one was activated")


def _version(review: Review) -> str:
    from rules_engine.terms.rendering import instant

    said, by = f"{review.pin} {review.policy.digest}", ""
    if review.submission is not None:
        statement = review.submission.statement
        note = f": {statement.note}" if statement.note else ""
        by = f", submitted by {review.ledger.keys[statement.signer].name} at {instant(statement.time)}{note}"
    effective = review.fields["effective"]
    return f"{said}{by}" if effective is None else f"{said}{by}, to take effect at {instant(effective)}"


def _follows(review: Review, now: datetime) -> Iterator[str]:
    from rules_engine.life.store.finding import standing

    last = review.ledger.line(review.policy.name).last
    if last is None:
        there = f", and `rules-engine show {review.pin}` prints all of it" if review.submission else ""
        yield f"to follow nothing: it is the first version{there}"
    else:
        there = standing(review.ledger, last.submission, now)
        yield f"to follow {last.submission.pin} {last.submission.statement.digest}, {there}"


def _changes(review: Review) -> Iterator[str]:
    """What changes, in the words of `diff`: what loosens first."""
    from rules_engine.life.impact.diff import diff_of
    from rules_engine.report.diff import affected, place_of, size_of, sums, values_of, where_of, word_of

    if review.before is None:
        return
    found = diff_of(review.before, review.policy, review.elders)
    told = sorted((each for each in found.changes if each.direction in FIRST), key=_rank)
    for each in told[:MOST]:
        before, after = values_of(each)
        moved = f"{before} to {after}, {size_of(each)}, {where_of(each, found)}, for {affected(each)}"
        yield f"  {word_of(each)}: {place_of(each)}, {moved}"
    if len(told) > MOST:
        yield f"  and {output.counted(len(told) - MOST, 'change')} more, which `rules-engine diff` tells"
    yield from sums(found)


def _rank(change: Change) -> int:
    return FIRST.index(change.direction)


def _guards(review: Review) -> Iterator[str]:
    asked = review.demand
    if review.report is not None:
        positions = output.counted(review.report.positions, "position")
        faults = output.counted(review.report.faults, "row")
        share = f"{float(review.report.share):.6%} of the notional newly liquidatable, or undecided"
        yield f"impact report {review.fields['report']}: {positions}, {faults} at fault, {share}"
    for reason in asked.reasons:
        yield f"guard: {reason}"
    if review.submission is None:
        for one in review.ledger.line(review.policy.name).waiting:
            if one.pin == review.pin:
                there = f"{one.pin} waits already and {review.ledger.progress(one)}"
                yield f"WARNING {there}: this takes its place, and approvals of it fall away"
        return
    names = [review.ledger.keys[key].name for key in review.ledger.approvers_of(review.submission)]
    by = f", by {', '.join(names)}" if names else ""
    yield f"so far it {review.ledger.progress(review.submission)}{by}"
