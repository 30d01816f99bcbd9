"""The impact of a change of policy on a book, for programs, for people and as CSV tables. rich loads inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.life.impact.impact_accounts import NEWLY
from rules_engine.life.impact.impact_counts import Counted, Distribution, Impact, Share, counted, move
from rules_engine.life.impact.impact_pools import PRICE_BINS, RATIO_BINS
from rules_engine.life.impact.impact_tallies import Margins, Moved, Tier
from rules_engine.numbers.text import plain
from rules_engine.report.diff import exact, percent
from rules_engine.report.grids import grid
from rules_engine.report.tables import STATUS_STYLES
from rules_engine.terms.rendering import instant

SHOWN: Final = 20
"""Instruments and tiers that people are shown: those whose maintenance margin changes most."""
MARGINS: Final = ("initial_before", "initial_after", "maintenance_before", "maintenance_after")
HEADINGS: Final = ("newly_called", "newly_liquidated", "newly_bankrupt", "newly_undetermined", "freed", "undecided")
"""What a risk officer asks first, as attributes of an impact."""
NOTE: Final = (
    "Statuses and counts are exact. Notional is of quantities as doubles, added exactly. Margins are sums of doubles, "
    "of rows that both policies can value. A row within rounding of a tier's floor, or a pool within rounding of the "
    "edge of a bin, may be counted on either side of it."
)


def money(amount: Fraction | float | None) -> str | None:
    """An amount to the cent, half to even; None where it is not known."""
    if amount is None or amount != amount:
        return None
    return plain(Decimal(f"{round(Fraction(amount) * 100)}e-2"))


def share_text(share: Share) -> str:
    """A part of the book in percent, with eight digits after the point."""
    return f"{plain(Decimal(f'{round(share.value * 10**10)}e-8'))}%"


def impact_document(impact: Impact) -> dict[str, Any]:
    """The impact for programs. Shares are not rounded: plain digits, or a fraction such as `1/3`."""
    return {
        "before": impact.before.to_dict(),
        "after": impact.after.to_dict(),
        "currency": impact.currency,
        "as_of": instant(impact.as_of),
        "positions": impact.positions,
        "accounts": impact.accounts,
        **{name: _counted(getattr(impact, name)) for name in HEADINGS},
        "newly_liquidatable_share": exact(impact.newly_liquidatable_share.value),
        "newly_liquidatable_notional": _parts(impact.newly_liquidatable_share),
        "newly_undetermined_share": exact(impact.newly_undetermined_share.value),
        "transitions": list(transitions(impact)),
        "instruments": {name: _group(rows) for name, rows in impact.by_instrument().items()},
        "modes": {name: _group(rows) for name, rows in impact.by_mode().items()},
        "tiers": [dict(zip(TIER_COLUMNS, row, strict=True)) for row in tier_rows(impact)],
        "largest_accounts": [dict(zip(ACCOUNT_COLUMNS, row, strict=True)) for row in account_rows(impact)],
        "margin_ratios": _distribution(RATIO_BINS, impact.ratios),
        "distances": None if impact.distances is None else _distribution(PRICE_BINS, impact.distances),
        "decided_exactly": {"before": impact.exactly[0], "after": impact.exactly[1]},
        "unpriced_positions": impact.moved.unpriced,
        "rows_at_fault": impact.faults,
        "note": NOTE,
    }


def _parts(share: Share) -> dict[str, str | None]:
    return {"numerator": exact(share.numerator), "denominator": exact(share.denominator)}


def _counted(found: Counted) -> dict[str, Any]:
    return {"positions": found.positions, "notional": money(found.notional)}


def _group(rows: Moved) -> dict[str, Any]:
    return {
        "positions": sum(rows.positions),
        "newly_liquidated": _counted(counted(rows, NEWLY)),
        "newly_called": _counted(counted(rows, [move("healthy", "margin_call")])),
        **_margins(rows.margins),
    }


def _margins(sums: Margins) -> dict[str, Any]:
    return {**{name: money(getattr(sums, name)) for name in MARGINS}, "positions_not_known": sums.unknown}


def _distribution(bins: Sequence[str], found: Distribution) -> list[dict[str, Any]]:
    each = zip(bins, found.before, found.after, strict=True)
    return [{"bin": name, "before": before, "after": after} for name, before, after in each]


def transitions(impact: Impact) -> Iterator[dict[str, Any]]:
    """Every move from a status to a status that something made: positions, accounts, notional."""
    rows = impact.moved
    for before in STATUSES:
        for after in STATUSES:
            at = move(before, after)
            if rows.positions[at] or impact.accounts_moved[at]:
                yield {
                    "before": before,
                    "after": after,
                    "positions": rows.positions[at],
                    "accounts": impact.accounts_moved[at],
                    "notional": money(rows.notional.get(at, Fraction())),
                }


TRANSITION_COLUMNS: Final = ("before", "after", "positions", "accounts", "notional")
INSTRUMENT_COLUMNS: Final = (
    *("instrument", "positions", "newly_called", "newly_liquidated", "newly_liquidated_notional"),
    *(*MARGINS, "positions_not_known"),
)
TIER_COLUMNS: Final = ("instrument", "mode", "table", "tier", "positions", *MARGINS, "positions_not_known")
ACCOUNT_COLUMNS: Final = ("account", "positions", "before", "after", "newly_liquidated_notional", *MARGINS)


def instrument_rows(impact: Impact) -> Iterator[Sequence[Any]]:
    """A row for each instrument, in `INSTRUMENT_COLUMNS`."""
    for name, rows in impact.by_instrument().items():
        newly, called = counted(rows, NEWLY), counted(rows, [move("healthy", "margin_call")])
        told = (name, sum(rows.positions), called.positions, newly.positions, money(newly.notional))
        yield (*told, *_margins(rows.margins).values())


def tier_rows(impact: Impact) -> Iterator[Sequence[Any]]:
    """A row for each instrument, mode and tier, in `TIER_COLUMNS`; a tier that is not known is None."""
    for (instrument, mode), rows in impact.groups.items():
        for (table, tier), sums in rows.tiers.items():
            yield (instrument, mode, table, tier or None, sums.positions, *_margins(sums).values())


def account_rows(impact: Impact) -> Iterator[Sequence[Any]]:
    """A row for each of the largest accounts, in `ACCOUNT_COLUMNS`."""
    for one in impact.largest:
        sums = [money(getattr(one, name)) for name in MARGINS]
        yield (one.account, one.positions, one.before, one.after, money(one.newly_liquidated), *sums)


def csv_tables(impact: Impact) -> Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]:
    """The tables that are written as CSV, by the name of their file: columns, then rows."""
    bins = [("margin_ratio", RATIO_BINS, impact.ratios)]
    bins += [] if impact.distances is None else [("liquidation_price", PRICE_BINS, impact.distances)]
    return {
        "transitions": (TRANSITION_COLUMNS, (tuple(row.values()) for row in transitions(impact))),
        "instruments": (INSTRUMENT_COLUMNS, instrument_rows(impact)),
        "tiers": (TIER_COLUMNS, tier_rows(impact)),
        "accounts": (ACCOUNT_COLUMNS, account_rows(impact)),
        "distances": (
            ("measure", "bin", "before", "after"),
            ((what, *row) for what, names, each in bins for row in zip(names, each.before, each.after, strict=True)),
        ),
    }


def largest_tiers(impact: Impact) -> list[tuple[Tier, Margins]]:
    """Tiers over all instruments and modes, those first whose maintenance margin changes most."""
    found: dict[Tier, Margins] = {}
    for rows in impact.groups.values():
        for tier, sums in rows.tiers.items():
            found[tier] = found.get(tier, Margins()) + sums
    return sorted(found.items(), key=lambda item: (-_change(item[1]), item[0]))


def largest_instruments(impact: Impact) -> list[tuple[str, Moved]]:
    """Instruments, those first whose maintenance margin changes most."""
    return sorted(impact.by_instrument().items(), key=lambda item: (-_change(item[1].margins), item[0]))


def _change(sums: Margins) -> float:
    return abs(sums.maintenance_after - sums.maintenance_before)


def change_text(before: float, after: float) -> str:
    """A change of a sum, absolute and relative."""
    change = money(after - before)
    if change is None or not before:
        return change or "-"
    return f"{'+' if after > before else ''}{change} ({percent(Fraction(after - before) / Fraction(before))})"


def impact_tables(impact: Impact) -> Iterator[Any]:
    """The impact for people: rich renderables."""
    from rich.text import Text

    yield Text(
        f"{impact.positions} positions of {impact.accounts} accounts at {instant(impact.as_of)}\n"
        f"{impact.before.name} {impact.before.version}  ->  {impact.after.name} {impact.after.version}",
        style="bold",
    )
    heads = grid("in short", "what", "positions", f"notional {impact.currency}", right=("positions", "notional"))
    for name in HEADINGS:
        found = getattr(impact, name)
        heads.add_row(name.replace("_", " "), str(found.positions), money(found.notional))
    yield heads
    if impact.undecided.positions:
        said = f"{impact.undecided.positions} of {impact.positions} positions are undetermined under both policies"
        yield Text(f"{said}: what the change does to them is not known, and counts nowhere", style="yellow")
    yield Text(f"{share_text(impact.newly_liquidatable_share)} of the notional is newly to be liquidated")
    yield _matrix("positions, before (down) and after", [str(each) for each in impact.moved.positions])
    yield _matrix("accounts, by their worst pool", [str(each) for each in impact.accounts_moved])
    cells = [money(impact.moved.notional.get(at, Fraction())) or "-" for at in range(len(impact.accounts_moved))]
    yield _matrix(f"notional {impact.currency}", cells)
    yield from _sums(impact)
    yield _accounts(impact)
    yield _bins("pools by maintenance margin over equity", RATIO_BINS, impact.ratios)
    if impact.distances is not None:
        yield _bins("positions by the move of the mark to liquidation", PRICE_BINS, impact.distances)
    yield Text(NOTE, style="dim")


def _matrix(title: str, cells: Sequence[str]) -> Any:
    from rich.text import Text

    words = [status.replace("_", " ") for status in STATUSES]
    table = grid(title, "before", *words, right=tuple(words))
    for at, (status, word) in enumerate(zip(STATUSES, words, strict=True)):
        row = cells[at * len(STATUSES) : (at + 1) * len(STATUSES)]
        table.add_row(Text(word, style=STATUS_STYLES[status]), *row)  # type: ignore[index]
    return table


def _sums(impact: Impact) -> Iterator[Any]:
    from rich.text import Text

    instruments, tiers = largest_instruments(impact), largest_tiers(impact)
    named = (
        ("instruments", "instrument", [(name, rows.margins) for name, rows in instruments]),
        ("modes", "mode", [(name, rows.margins) for name, rows in impact.by_mode().items()]),
        ("tiers", "tier", [(tier_name(tier), sums) for tier, sums in tiers]),
    )
    columns = ("positions", "initial", "change of initial", "maintenance", "change of maintenance")
    for title, noun, rows in named:
        table = grid(title, noun, *columns, right=columns)
        for name, each in rows[:SHOWN]:
            one = (money(each.initial_before), change_text(each.initial_before, each.initial_after))
            other = (money(each.maintenance_before), change_text(each.maintenance_before, each.maintenance_after))
            table.add_row(Text(name or "?"), str(each.positions), *(word or "-" for word in (*one, *other)))
        yield table
        if len(rows) > SHOWN:
            yield Text(f"and {len(rows) - SHOWN} {title} more, whose maintenance changes less; --json lists all")


def tier_name(tier: Tier) -> str:
    """A tier of a table in words."""
    table, number = tier
    return f"{table or '?'} {number or '?'}"


def _accounts(impact: Impact) -> Any:
    from rich.text import Text

    columns = ("positions", "newly liquidated", "maintenance", "change of maintenance")
    table = grid("largest accounts", "account", "before", "after", *columns, right=columns)
    for one in impact.largest:
        statuses = [Text(each.replace("_", " "), style=STATUS_STYLES[each]) for each in (one.before, one.after)]  # type: ignore[index]
        change = change_text(one.maintenance_before, one.maintenance_after)
        figures = (money(one.newly_liquidated), money(one.maintenance_before), change)
        table.add_row(Text(one.account), *statuses, str(one.positions), *(each or "-" for each in figures))
    return table


def _bins(title: str, bins: Sequence[str], found: Distribution) -> Any:
    table = grid(title, "bin", "before", "after", right=("before", "after"))
    for name, before, after in zip(bins, found.before, found.after, strict=True):
        if before or after:
            table.add_row(name, str(before), str(after))
    return table
