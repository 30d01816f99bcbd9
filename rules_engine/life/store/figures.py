"""What guards look at, worked out: the difference of two policies, and what an impact report says."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from rules_engine.life.impact.diff import diff_of, identity_of, is_looser_anywhere, largest_relative_change
from rules_engine.life.store.guards import Figures
from rules_engine.life.store.refusals import refusal
from rules_engine.numbers.text import parse_number, plain
from rules_engine.terms.policy import Policy

PLACES: Final = 12
"""Decimals to which a fraction is stated, rounded up: a figure never passes a guard by rounding."""
SHARES: Final = ("newly_liquidatable_share", "newly_undetermined_share")
"""What guards go by in a report: what cannot be decided any more might be liquidatable, so it counts as if it were."""
WRITES: Final = "`rules-engine impact BEFORE AFTER --book BOOK --market MARKET --json > FILE` writes one"
_SHARE: Final = re.compile(r"[0-9]{1,2000}(?:\.[0-9]{1,2000}|/[0-9]{1,2000})?").fullmatch


def figures_of(parent: Policy | None, candidate: Policy, report: bytes | None = None) -> Figures:
    """The figures of a version against its parent, and what the impact report of the two says.

    Raises `StoreError` (`REPORT_INVALID`) where the report is none, or is about other policies.
    """
    if parent is None:
        if report is not None:
            raise refusal("REPORT_INVALID", "a first version has no impact: there is nothing to compare it with")
        return Figures(compared=False)
    found = diff_of(parent, candidate)
    worst = largest_relative_change(found)
    relative = Fraction(0) if worst is None else worst.relative
    return Figures(
        compared=True,
        rate_change=_rounded_up(relative or Fraction(0)),
        rate_from_zero=relative is None,
        looser=is_looser_anywhere(found),
        newly_liquidatable=None if report is None else _share_of(report, parent, candidate),
    )


def _share_of(report: bytes, parent: Policy, candidate: Policy) -> Decimal:
    """The part of the book's notional that a report says is newly liquidatable, or might be: newly undetermined."""
    try:
        document: Any = msgspec.json.decode(report)
        about = (document["before"]["digest"], document["after"]["digest"])
        share = sum((_fraction(document[name]) for name in SHARES), Fraction())
    except (ValueError, KeyError, TypeError, RecursionError, ZeroDivisionError) as error:
        raise refusal("REPORT_INVALID", f"this is no impact report: {error}", WRITES) from error
    if about != (parent.digest, candidate.digest):
        found = f"{_called(document['before'])} with {_called(document['after'])}"
        wanted = f"{_called(identity_of(parent).to_dict())} with {_called(identity_of(candidate).to_dict())}"
        raise refusal("REPORT_INVALID", f"the report compares {found}", f"wanted {wanted}: run impact again")
    if share > 1:
        raise refusal("REPORT_INVALID", "the shares of the report are more than the whole")
    return _rounded_up(share)


def _called(identity: Any) -> str:
    """The version that an identity in a report names, with its digest: a text may be edited and keep its version."""
    return f"{identity.get('name')!s:.80}@{identity.get('version')!s:.80} {identity['digest']!s:.80}"


def _fraction(text: object) -> Fraction:
    """A share as reports write it: plain digits, or a fraction such as `1/3`. Raises ValueError."""
    if not isinstance(text, str) or _SHARE(text) is None:
        raise ValueError(f"{text!r:.80} is no share")
    return Fraction(text)


def _rounded_up(value: Fraction) -> Decimal:
    scaled = -((-value.numerator * 10**PLACES) // value.denominator)
    return parse_number(plain(Decimal(scaled).scaleb(-PLACES)))
