"""What a risk officer should know of a policy that can be used: the warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rules_engine.formulas.requirement import table_maintenance
from rules_engine.numbers.exact import EXACT, ONE
from rules_engine.numbers.text import plain
from rules_engine.policy.findings import Findings
from rules_engine.policy.openings import just_opened
from rules_engine.policy.sections import Sections
from rules_engine.terms.exposure import ClosingFee
from rules_engine.terms.policy import AllowedMode, Liquidation, Table


def warn_of_fees(findings: Findings, tables: Iterable[Table], liquidation: Liquidation) -> None:
    """Where closing costs as much as it releases, a close-out never restores a pool."""
    fee = liquidation.closing_fee.rate
    for table in tables:
        rate = table.tiers[0].maintenance_rate
        if fee > 0 and liquidation.restore_to * rate <= fee:
            message = (
                f"closing in the lowest tier of {table.name} releases {plain(liquidation.restore_to * rate)} "
                f"of the notional and costs {plain(fee)}: it restores nothing"
            )
            path = ("tables", table.name, "tiers", 0, "maintenance_rate")
            findings.warning("CLOSING_DOES_NOT_RESTORE", path, message, "raise restore_to or the rate")


def warn_of_splitting(findings: Findings, tables: Mapping[str, Table], modes: Iterable[AllowedMode]) -> None:
    """A position split in pieces pays the lowest tier's rate on all of them."""
    split = [mode for mode in modes if mode.split_positions]
    if not split:
        return
    example = next((_splitting(table) for table in tables.values() if len(table.tiers) > 1), "tiers no longer bind")
    for mode in split:
        findings.warning("SPLIT_POSITIONS", ("modes", mode.name, "split_positions"), example, "allow one a side")


def _splitting(table: Table) -> str:
    """What splitting saves at the floor of the last tier."""
    last = table.tiers[-1].floor
    first = table.tiers[0]
    assert first.up_to is not None
    pieces = last // first.up_to + 1
    whole, split = _maintenance(table, last), last * first.maintenance_rate
    size = f"{plain(last)} in table {table.name}"
    return f"{size}, split in {plain(pieces)}, requires {plain(split)} instead of {plain(whole)}"


def _maintenance(table: Table, size: Decimal) -> Decimal:
    exposure = just_opened(size, ONE, table.schedule, ClosingFee())
    return table_maintenance(EXACT, exposure)  # type: ignore[no-any-return]


def warn_of_no_instruments(findings: Findings, sections: Sections) -> None:
    """A policy that covers nothing answers `undetermined` for every position; a base for others may well be so."""
    if findings.document.value.get("instruments") == {} and sections.complete:
        message = "no instrument is named: by itself the policy margins nothing, and serves others to extend"
        hint = 'name an instrument, or a glob such as "*USDT"'
        findings.warning("INSTRUMENTS_NONE", ("instruments",), message, hint)


def warn_of_unused(findings: Findings, sections: Sections) -> None:
    """Tables and buffers of this very file that no instrument names; what a parent offers may stay unused."""
    named = sections.named_by_instruments()
    if not named:
        return
    for section, noun in (("tables", "table"), ("buffers", "buffer")):
        for name in sections.names(section):
            own = findings.document.key_mark((section, name)).file == findings.document.file
            if own and (section, name) not in named:
                findings.warning("UNUSED", (section, name), f"no instrument names the {noun} {name}")
