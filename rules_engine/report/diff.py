"""The difference between two policies, for programs and for people. rich loads inside."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from rules_engine.life.impact.diff import LargestChange, PolicyDiff, is_looser_anywhere, largest_relative_change
from rules_engine.life.impact.diff_changes import Change, Direction
from rules_engine.life.impact.diff_functions import RateChange
from rules_engine.numbers.text import plain
from rules_engine.report.grids import SOURCE, grid
from rules_engine.report.values import line_of

STYLES: Final[dict[Direction, str]] = {
    "tightened": "yellow",
    "loosened": "bold red",
    "unclear": "magenta",
    "neutral": "dim",
}
"""Loosening stands out: it is what other people's money pays for."""
DIGITS: Final = Decimal("1e-8")
SHOWN: Final = 4
"""Instruments that are named beside a change; the rest are counted."""


def number(value: Fraction) -> str:
    """A number for people: plain digits, at most eight after the point."""
    return plain(round(value / Fraction(DIGITS)) * DIGITS)


def exact(value: Fraction | None) -> str | None:
    """A number for programs, exactly: plain digits, or a fraction such as `1/75` where they never end."""
    if value is None:
        return None
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    return plain(Decimal(f"{(value * 10**places).numerator}e-{places}"))


def percent(value: Fraction) -> str:
    """A part of one in percent, with its sign, at most two digits after the point: `+40%`."""
    rounded = Decimal(f"{round(value * 10_000)}e-2")
    return f"{'+' if value > 0 else ''}{plain(rounded)}%"


def signed(value: Fraction) -> str:
    """A number with its sign."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def diff_document(diff: PolicyDiff) -> dict[str, Any]:
    """The difference for programs; every number exact."""
    return {
        "before": diff.before.to_dict(),
        "after": diff.after.to_dict(),
        "different": bool(diff.changes),
        "looser_anywhere": is_looser_anywhere(diff),
        "largest_relative_change": _largest(largest_relative_change(diff)),
        "changes": [_entry(change) for change in diff.changes],
    }


def _largest(found: LargestChange | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"place": found.change.place, "relative": exact(found.relative), **_rate(found.rate)}


def _rate(rate: RateChange) -> dict[str, Any]:
    return {
        "before": exact(rate.before),
        "after": exact(rate.after),
        "from": exact(rate.start),
        "to": exact(rate.stop),
    }


def _entry(change: Change) -> dict[str, Any]:
    return {
        "section": change.section,
        "name": change.name,
        "what": change.what,
        "kind": change.kind,
        "direction": change.direction,
        "before": change.before,
        "after": change.after,
        "absolute": exact(change.absolute),
        "growth": exact(change.growth),
        "relative": exact(change.relative),
        "unit": change.unit or None,
        "from": exact(change.start),
        "to": exact(change.stop),
        "rate": None if change.rate is None else _rate(change.rate),
        "affects": list(change.affects),
        "note": change.note,
        "before_source": line_of(change.before_mark),
        "after_source": line_of(change.after_mark),
    }


def diff_tables(diff: PolicyDiff) -> Iterator[Any]:
    """The difference for people: rich renderables."""
    from rich.text import Text

    yield Text(
        f"{diff.before.name} {diff.before.version}  ->  {diff.after.name} {diff.after.version}\n"
        f"{diff.before.digest}\n{diff.after.digest}",
        style="bold",
    )
    if not diff.changes:
        yield Text("no difference: whatever is margined under the one is margined alike under the other")
        return
    columns = ("what", "direction", "before", "after", "by at most", "where", "affects", SOURCE)
    table = grid("changes", *columns)
    for change in diff.changes:
        style = STYLES[change.direction]
        words = (place_of(change), word_of(change), *values_of(change), size_of(change), where_of(change, diff))
        rest = (affected(change), line_of(change.after_mark) or line_of(change.before_mark))
        table.add_row(*(Text(each, style=style if at == 1 else "") for at, each in enumerate((*words, *rest))))
    yield table
    yield Text("\n".join(sums(diff)))


def sums(diff: PolicyDiff) -> Iterator[str]:
    """How many changes there are of each direction, and what guards look at: a line each."""
    counts = {word: sum(change.direction == word for change in diff.changes) for word in STYLES}
    yield ", ".join(f"{count} {word}" for word, count in counts.items())
    found = largest_relative_change(diff)
    if found is not None:
        by = "from nothing" if found.rate.relative is None else percent(found.rate.relative)
        rates = f"{number(found.rate.before)} to {number(found.rate.after)}"
        yield f"largest change of a rate: {by}, {rates}, {found.change.place}"
    yield "looser somewhere" if is_looser_anywhere(diff) else "nowhere looser"


def place_of(change: Change) -> str:
    """What changed, in a risk officer's words."""
    return change.place if not change.note else f"{change.place} ({change.note})"


def word_of(change: Change) -> str:
    """How it changed: its direction, and whether it is new or gone."""
    return change.direction if change.kind == "changed" else f"{change.kind}, {change.direction}"


def values_of(change: Change) -> tuple[str, str]:
    """Before and after: as written, or the rates between which a function moved."""
    if change.before is None and change.after is None and change.rate is not None:
        return f"rate {number(change.rate.before)}", f"rate {number(change.rate.after)}"
    return change.before or "-", change.after or "-"


def size_of(change: Change) -> str:
    """By how much at most, absolute and relative."""
    words = [] if change.absolute is None else [signed(change.absolute)]
    if change.growth is not None:
        words.append(f"{signed(change.growth)} of what is beyond")
    if change.relative is not None:
        words.append(f"({percent(change.relative)})")
    elif words:
        words.append("(from nothing)")
    return " ".join(words) or "-"


def where_of(change: Change, diff: PolicyDiff) -> str:
    """Between which sizes or readings."""
    if change.start is None:
        return "everywhere"
    unit = f"notional {diff.currency}" if change.unit == "notional" else change.unit
    to = "on" if change.stop is None else f"to {number(change.stop)}"
    return f"{unit} from {number(change.start)} {to}"


def affected(change: Change) -> str:
    """Whom it concerns; many names are counted."""
    names = change.affects
    if len(names) <= SHOWN:
        return ", ".join(names) or "nobody"
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
