"""What guards look at, worked out: the difference of two policies, and what an impact report says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from rules_engine.life.impact.diff import diff_of, identity_of, is_looser_anywhere, largest_relative_change
from rules_engine.life.store.guards import Figures
from rules_engine.life.store.refusals import refusal
from rules_engine.numbers.text import parse_number, plain
from rules_engine.terms.evaluation import PolicyIdentity
from rules_engine.terms.policy import Policy

PLACES: Final = 12
"""Decimals to which a fraction is stated, rounded up: a figure never passes a guard by rounding."""
SHARES: Final = ("newly_liquidatable_share", "newly_undetermined_share")
"""What guards go by in a report: what cannot be decided any more might be liquidatable, so it counts as if it were."""
WRITES: Final = "`rules-engine impact BEFORE AFTER --book BOOK --market MARKET --json > FILE` writes one"
UNDETERMINED: Final = "undetermined"
FALLEN: Final = ("liquidate", "bankrupt")
KNOWN: Final = ("healthy", "margin_call")
"""From where positions come that are newly to be liquidated."""
HALF_A_CENT: Final = Fraction(1, 200)
_SHARE: Final = re.compile(r"[0-9]{1,2000}(?:\.[0-9]{1,2000}|/[0-9]{1,2000})?").fullmatch


def figures_of(
    parent: Policy | None, candidate: Policy, report: bytes | None = None, elders: Sequence[Policy] = ()
) -> Figures:
    """The figures of a version against its parent, and what the impact report of the two says.

    `elders` are other versions that still govern positions and would not any more: of the changes from each, the
    largest counts. To end, where the version before does not end or ends later, is looser than anything.

    Raises `StoreError`: `REPORT_INVALID` where the report is none, or is about other policies, `REPORT_INCOMPLETE`
    where it hides a part of the book, or is of no book at all.
    """
    if parent is None:
        if report is not None:
            raise refusal("REPORT_INVALID", "a first version has no impact: there is nothing to compare it with")
        return Figures(compared=False)
    found = [diff_of(parent, candidate, elders), *(diff_of(each, candidate) for each in elders)]
    changes = [worst.relative for each in found if (worst := largest_relative_change(each)) is not None]
    return Figures(
        compared=True,
        rate_change=_rounded_up(max(filter(None, changes), default=Fraction(0))),
        rate_from_zero=None in changes,
        looser=any(map(is_looser_anywhere, found)) or _ends_sooner(parent, candidate),
        newly_liquidatable=None if report is None else _share_of(read_report(report), parent, candidate),
    )


def _ends_sooner(parent: Policy, candidate: Policy) -> bool:
    """Whether nothing would be in force from some instant on at which the parent still would be."""
    until = candidate.effective_until
    return until is not None and (parent.effective_until is None or until < parent.effective_until)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What guards and people who sign go by in an impact report.

    `share` is the part of the book's notional that is newly liquidatable, or might be: what cannot be decided any more,
    and what is to be liquidated and could not be decided before. `hidden` are rows of which the report cannot say
    whether they are: those at fault, those without a price, and those that are undetermined under both policies.
    """

    before: PolicyIdentity
    after: PolicyIdentity
    positions: int
    faults: int
    hidden: int
    share: Fraction


def read_report(data: bytes) -> Report:
    """What an impact report says. Raises `StoreError` (`REPORT_INVALID`)."""
    try:
        document: Any = msgspec.json.decode(data)
        _agrees(document)
        faults, moves = _count(document["rows_at_fault"]), document["transitions"]
        undecided = sum(_count(each["positions"]) for each in moves if each["before"] == each["after"] == UNDETERMINED)
        report = Report(
            before=msgspec.convert(document["before"], PolicyIdentity),
            after=msgspec.convert(document["after"], PolicyIdentity),
            positions=_count(document["positions"]),
            faults=faults,
            hidden=max(faults, _count(document["unpriced_positions"]), undecided),
            share=sum((_fraction(document[name]) for name in SHARES), Fraction()),
        )
        undecided_before = _undecided_before(document)
    except (ValueError, KeyError, TypeError, RecursionError, ZeroDivisionError) as error:
        raise refusal("REPORT_INVALID", f"this is no impact report: {_why(error)}", WRITES) from error
    if report.share > 1:
        raise refusal("REPORT_INVALID", "the shares of the report are more than the whole")
    return msgspec.structs.replace(report, share=min(report.share + undecided_before, Fraction(1)))


def _why(error: Exception) -> str:
    """What is wrong with a report, in words."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if isinstance(error, ValueError):
        return f"{error}"[:200]
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a part of it has another form"


def _agrees(document: Any) -> None:
    """Whether what guards go by is what the transitions say. Raises ValueError where it is not.

    Transitions state their notional to the cent, half of which is left for each.
    """
    moves, whole = document["transitions"], _fraction(document["newly_liquidatable_notional"]["denominator"])
    liquidated, undetermined = (
        [each for each in moves if each["before"] in befores and each["after"] in afters]
        for befores, afters in ((KNOWN, FALLEN), ((*KNOWN, *FALLEN), (UNDETERMINED,)))
    )
    positions = ((moves, document["positions"]), (liquidated, document["newly_liquidated"]["positions"]))
    for each, stated in positions:
        found = sum(_count(one["positions"]) for one in each)
        if found != _count(stated):
            raise ValueError(f"its transitions have {found} positions where {stated} are stated")
    shares = (Fraction(1), *(_fraction(document[name]) for name in SHARES))
    for each, share in zip((moves, liquidated, undetermined), shares, strict=True):
        notional = sum((_fraction(one["notional"]) for one in each), Fraction())
        if abs(share * whole - notional) > HALF_A_CENT * len(each):
            raise ValueError(
                f"its transitions have a notional of {_plain(notional)} where {_plain(share * whole)} is stated"
            )


def _undecided_before(document: Any) -> Fraction:
    """The part of notional to be liquidated that could not be decided before: it might have been healthy.

    Transitions state it to the cent; half a cent is added for each, so that no rounding hides it.
    """
    found = [each for each in document["transitions"] if each["before"] == UNDETERMINED and each["after"] in FALLEN]
    notional = sum((_fraction(each["notional"]) + HALF_A_CENT for each in found if each["positions"]), Fraction())
    whole = _fraction(document["newly_liquidatable_notional"]["denominator"])
    return notional / whole if whole else Fraction(bool(notional))


def _plain(notional: Fraction) -> str:
    """An amount of money, to the cent."""
    return plain(Decimal(round(notional * 100)).scaleb(-2))


def _share_of(report: Report, parent: Policy, candidate: Policy) -> Decimal:
    """The part that a report on these two policies says, if it is of the whole of a book."""
    found, wanted = (report.before, report.after), (identity_of(parent), identity_of(candidate))
    if found != wanted:
        said, hint = (" with ".join(map(_called, each)) for each in (found, wanted))
        raise refusal("REPORT_INVALID", f"the report compares {said}", f"wanted {hint}: run impact again")
    if not report.positions:
        raise refusal("REPORT_INCOMPLETE", "the report is of a book without positions", WRITES)
    if report.hidden:
        said = f"of {report.positions} positions {report.hidden} cannot be decided, {report.faults} of them at fault"
        hint = "whether the change liquidates them is not known: mend these rows and the market's prices, or leave out"
        raise refusal("REPORT_INCOMPLETE", said, f"{hint} what the change does not concern, and run impact again")
    return _rounded_up(report.share)


def _count(value: object) -> int:
    """A count as reports write it. Raises ValueError."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.80} is no count")
    return value


def _called(identity: PolicyIdentity) -> str:
    """The version that a report is of, with its digest: a text may be edited and keep its version."""
    return f"{identity.name:.80}@{identity.version:.80} {identity.digest:.80}"


def _fraction(text: object) -> Fraction:
    """A share as reports write it: plain digits, or a fraction such as `1/3`. Raises ValueError."""
    if not isinstance(text, str) or _SHARE(text) is None:
        raise ValueError(f"{text!r:.80} is no share")
    return Fraction(text)


def _rounded_up(value: Fraction) -> Decimal:
    scaled = -((-value.numerator * 10**PLACES) // value.denominator)
    return parse_number(plain(Decimal(scaled).scaleb(-PLACES)))
