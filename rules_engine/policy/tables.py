"""Leverage-tier tables, and the schedules that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.formulas.tiers import tier_lines
from rules_engine.numbers.exact import ONE, ZERO, Exact, divide
from rules_engine.numbers.text import plain
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings
from rules_engine.policy.proofs_rates import broken_tiers, place_of
from rules_engine.terms.exposure import Schedule
from rules_engine.terms.policy import Table, Tier

UNLIMITED = "unlimited"


class _Row(msgspec.Struct):
    """A tier as written, with the exact initial rate that follows from it."""

    floor: Decimal
    up_to: Decimal | None
    maintenance_rate: Decimal
    initial_rate: Exact
    max_leverage: Decimal | None


def compile_table(findings: Findings, name: str, raw: Mapping[str, Any]) -> Table | None:
    """The table of a well-formed section `tables.NAME`; None where its tiers are no table, which is then found.

    The laws of its rates are judged where instruments are known. Of what is no table they are told in words alone.
    """
    path: Path = ("tables", name)
    before = len(findings.problems)
    rows = _rows(findings, (*path, "tiers"), raw["tiers"])
    form = raw.get("form", "marginal")
    table = _table(findings, path, name, raw.get("unit", "notional"), form, rows)
    if len(findings.problems) > before:
        for broken in broken_tiers(table):
            findings.error(broken.code, place_of(name, broken), broken.message, broken.hint)
        return None
    if form == "whole":
        _warn_of_cliffs(findings, path, table)
    return table


def _table(findings: Findings, path: Path, name: str, unit: Any, form: Any, rows: Sequence[_Row]) -> Table:
    mark = findings.document.mark
    floors = tuple([row.floor for row in rows])
    initial_rates = tuple([row.initial_rate for row in rows])
    lines = tier_lines(floors, [row.maintenance_rate for row in rows])
    schedule = Schedule(
        unit=unit,
        form=form,
        floors=floors,
        lines=lines,
        initial_rates=initial_rates,
        leverage_rates=initial_rates,
        cap=rows[-1].up_to,
    )
    tiers = tuple(
        [
            Tier(
                floor=row.floor,
                up_to=row.up_to,
                maintenance_rate=row.maintenance_rate,
                initial_rate=row.initial_rate,
                max_leverage=row.max_leverage,
                deduction=deduction,
                mark=mark((*path, "tiers", index)),
            )
            for index, (row, (_, deduction)) in enumerate(zip(rows, lines, strict=True))
        ]
    )
    return Table(name=name, unit=unit, form=form, tiers=tiers, schedule=schedule, mark=mark(path))


def _rows(findings: Findings, path: Path, raw_tiers: Sequence[Mapping[str, Any]]) -> list[_Row]:
    """The tiers in order, each of which must have a rate and end above its beginning."""
    rows: list[_Row] = []
    floor = ZERO
    for index, raw in enumerate(raw_tiers):
        here = (*path, index)
        up_to = _up_to(findings, here, raw["up_to"], floor, last=index == len(raw_tiers) - 1)
        rate = raw["maintenance_rate"]
        initial = _initial_rate(findings, here, raw, rows[-1].initial_rate if rows else ZERO)
        rows.append(_Row(floor, up_to, rate, initial, raw.get("max_leverage")))
        floor = up_to if up_to is not None else floor
    return rows


def _up_to(findings: Findings, tier: Path, raw: Any, floor: Decimal, *, last: bool) -> Decimal | None:
    if raw == UNLIMITED:
        if not last:
            message = "only the last tier may be unlimited"
            findings.error("TIER_FLOORS", (*tier, "up_to"), message, "no size would reach the tiers after it")
        return None
    if raw <= floor:
        found = f"a tier that begins at {plain(floor)} cannot end at {plain(raw)}"
        findings.error("TIER_FLOORS", (*tier, "up_to"), found, "up_to must rise from tier to tier")
    return raw  # type: ignore[no-any-return]


def _initial_rate(findings: Findings, tier: Path, raw: Mapping[str, Any], below: Exact) -> Exact:
    """The initial rate, exact; where there is none, that of the tier below, against which nothing can be said."""
    if "max_leverage" in raw:
        if "initial_rate" in raw:
            found = "a tier states max_leverage or initial_rate, not both"
            findings.error("TIER_BOTH_RATES", (*tier, "initial_rate"), found, "remove one of them")
        return divide(ONE, raw["max_leverage"])
    if "initial_rate" not in raw:
        findings.error("TIER_NO_RATE", tier, "a tier states max_leverage or initial_rate; this one neither")
        return below
    return raw["initial_rate"]  # type: ignore[no-any-return]


def _warn_of_cliffs(findings: Findings, path: Path, table: Table) -> None:
    for index, (below, tier) in enumerate(zip(table.tiers, table.tiers[1:], strict=False), start=1):
        if tier.maintenance_rate > below.maintenance_rate:
            findings.warning(
                "CLIFF", (*path, "tiers", index), _cliff(table, below, tier), "form marginal has no cliffs"
            )


def _cliff(table: Table, below: Tier, tier: Tier) -> str:
    size, rise = plain(tier.floor), tier.maintenance_rate - below.maintenance_rate
    if table.unit == "quantity":
        return f"at {size} contracts maintenance jumps by {plain(rise)} of the notional"
    before, after = tier.floor * below.maintenance_rate, tier.floor * tier.maintenance_rate
    jump = f"from {plain(before)} to {plain(after)}"
    return f"at notional {size} maintenance jumps by {plain(after - before)}, {jump}"
