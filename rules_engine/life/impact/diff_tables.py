"""Tier tables compared as functions of size: where a margin is higher or lower, from which size to which, by how much.

How a function is cut into tiers plays no part: a tier that is split in two of the same rates changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from rules_engine.formulas.close_out import Full, Smallest
from rules_engine.life.impact.diff_changes import Change, Two, keys_of, number_change, stretch_change
from rules_engine.life.impact.diff_functions import NOUGHT, Function, Piece, fraction, stretches
from rules_engine.numbers.text import plain
from rules_engine.terms.policy import Table

UNITS: Final = {"notional": "notional", "quantity": "contracts"}
"""What sizes of a table count, in words."""

INITIAL: Final = "initial margin"


def table_changes(two: Two) -> Iterator[Change]:
    """Every table of a name that both have, those that are new and those that are gone.

    What a new one means is told of the instruments that use it.
    """
    before, after = two.before.tables, two.after.tables
    for name in keys_of(before, after):
        users = two.users(lambda rule, name=name: rule.table.name == name)
        note = "" if users else "no instrument uses it"
        change = Change(section="table", name=name, what="", affects=users, note=note, **two.marks("tables", name))
        if name not in after:
            yield msgspec.structs.replace(change, what="table", kind="removed", before=name)
        elif name not in before:
            yield msgspec.structs.replace(change, what="table", kind="added", after=name)
        else:
            yield from compared(change, before[name], after[name], goes_by_tiers(two))


def goes_by_tiers(two: Two) -> bool:
    """Whether a close-out may go from tier to tier, so that floors decide by themselves."""
    return not all(isinstance(policy.liquidation.close_out.plan, Full | Smallest) for policy in two.both)


def compared(change: Change, before: Table, after: Table, by_tiers: bool) -> Iterator[Change]:
    """What differs between two tables, told in the words of this change."""
    if before.unit != after.unit:
        yield msgspec.structs.replace(
            change,
            what="unit",
            direction="unclear",
            before=before.unit,
            after=after.unit,
            note="tiers by notional and tiers by contracts compare at a price alone",
        )
        return
    change = msgspec.structs.replace(change, unit=UNITS[before.unit])
    for what, function in (("maintenance margin", maintenance), (INITIAL, initial)):
        told = msgspec.structs.replace(change, what=what)
        for stretch in stretches(function(before), function(after)):
            yield stretch_change(told, stretch)
    floors = [[tier.floor for tier in table.tiers] for table in (before, after)]
    if by_tiers and floors[0] != floors[1]:
        counts = [f"{len(each)} tiers" for each in floors]
        note = "a close-out goes from floor to floor, and these are others"
        told = msgspec.structs.replace(change, what="floors", direction="unclear", note=note)
        yield msgspec.structs.replace(told, before=counts[0], after=counts[1])
    cap, new_cap = before.schedule.cap, after.schedule.cap
    told = msgspec.structs.replace(change, what="largest position", before=_limit(cap), after=_limit(new_cap))
    yield from number_change(told, cap, new_cap, "less")


def maintenance(table: Table) -> Function:
    """What a table requires to keep a position, by size; of contracts, in values of one contract."""
    marginal = table.form == "marginal"
    return tuple(
        Piece(fraction(tier.floor), fraction(tier.maintenance_rate), -fraction(tier.deduction) if marginal else NOUGHT)
        for tier in table.tiers
    )


def initial(table: Table) -> Function:
    """What it requires to open one at the largest leverage."""
    return tuple(Piece(fraction(tier.floor), fraction(tier.initial_rate), NOUGHT) for tier in table.tiers)


def _limit(cap: Decimal | None) -> str:
    return "unlimited" if cap is None else plain(cap)
