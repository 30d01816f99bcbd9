"""What changes from one policy to another, in a risk officer's words, and what guards ask of that: exact figures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from rules_engine.life.impact.diff_buffers import buffer_changes
from rules_engine.life.impact.diff_changes import LOOSENING, Change, Two, unsure
from rules_engine.life.impact.diff_functions import RateChange, largest
from rules_engine.life.impact.diff_instruments import instrument_changes
from rules_engine.life.impact.diff_settings import setting_changes
from rules_engine.life.impact.diff_tables import INITIAL, table_changes
from rules_engine.life.impact.diff_versions import version_changes
from rules_engine.numbers.exact import exactly
from rules_engine.terms.evaluation import PolicyIdentity
from rules_engine.terms.policy import Policy

BACKED: Final = "the closing fee, valued at bankruptcy, is smaller where more margin stands behind a position"


class PolicyDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two policies and every change from the one to the other; none where they do the same to everybody."""

    before: PolicyIdentity
    after: PolicyIdentity
    currency: str
    changes: tuple[Change, ...]


class LargestChange(msgspec.Struct, frozen=True):
    """The largest change of a rate and where it is."""

    rate: RateChange
    change: Change

    @property
    def relative(self) -> Fraction | None:
        """As a part of the rate before, without sign; None where that was 0: beyond every limit."""
        return None if self.rate.relative is None else abs(self.rate.relative)

    def exceeds(self, limit: Fraction) -> bool:
        """Whether it is larger than a limit; a rate from nothing always is."""
        return self.relative is None or self.relative > limit


def identity_of(policy: Policy) -> PolicyIdentity:
    """The name, version and digest of a policy."""
    return PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest)


def diff_of(before: Policy, after: Policy, elders: Sequence[Policy] = ()) -> PolicyDiff:
    """Every change from one compiled policy to another.

    Where `before` is for new positions alone, `elders` are the versions of those opened before it, newest first, down
    to one for all positions: what changes for them, if `after` is for all, can then be told.
    """
    two = Two(before, after)
    with exactly():
        every = (table_changes, buffer_changes, instrument_changes, setting_changes)
        changes = [change for changes_of in every for change in changes_of(two)]
        changes += version_changes(two, elders)
        if any(map(_backed_fees, two.both)):
            changes = [unsure(each, BACKED) if each.what == INITIAL else each for each in changes]
    return PolicyDiff(
        before=identity_of(before), after=identity_of(after), currency=after.settlement_currency, changes=tuple(changes)
    )


def _backed_fees(policy: Policy) -> bool:
    """Whether a larger initial margin makes a fee smaller that counts in maintenance, or where liquidation begins."""
    fee = policy.liquidation.closing_fee
    return bool(fee.rate) and fee.valued_at == "bankruptcy" and bool({"maintenance", "trigger"} & set(fee.counts_in))


def largest_relative_change(diff: PolicyDiff) -> LargestChange | None:
    """The largest relative change of a rate, up or down; None where no rate changes.

    Rates are maintenance and initial rates at every size, rates under a buffer at every reading, haircuts, fee rates
    and what groups may draw. Each change counts by itself: a table's and a buffer's are not multiplied.
    """
    worst = largest(change.rate for change in diff.changes)
    if worst is None:
        return None
    return LargestChange(worst, next(change for change in diff.changes if change.rate is worst))


def looser(diff: PolicyDiff) -> tuple[Change, ...]:
    """The changes that loosen something at some size, and those of which nothing proves that they do not."""
    return tuple(change for change in diff.changes if change.direction in LOOSENING)


def is_looser_anywhere(diff: PolicyDiff) -> bool:
    """Whether any change is not certain to be neutral or to tighten."""
    return bool(looser(diff))
