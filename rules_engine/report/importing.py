"""What an import of a venue's tiers brought, for people and for programs. rich is loaded inside."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from rules_engine.numbers.text import plain
from rules_engine.policy.importing import ImportSummary
from rules_engine.report.grids import grid
from rules_engine.report.values import plain_values


def summary_document(summary: ImportSummary) -> Any:
    """The summary as plain values; what was refused and what differs in full."""
    return plain_values(msgspec.to_builtins(summary, builtin_types=(Decimal,)))


def summary_tables(summary: ImportSummary) -> Iterator[Any]:
    """A row per policy, the deductions that differ from the published ones, and the counts: rich renderables."""
    from rich.text import Text

    counts = ("contracts", "tiers", "tables")
    policies = grid("policies", "policy", "currency", *counts, right=counts)
    for row in summary.currencies:
        policies.add_row(row.policy, row.currency, str(row.contracts), str(row.tiers), str(row.tables))
    yield policies
    if summary.differences:
        figures = ("tier", "derived", "published")
        differences = grid("deductions that differ", "symbol", *figures, right=figures)
        for found in summary.differences:
            differences.add_row(found.symbol, str(found.tier), plain(found.derived), plain(found.published))
        yield differences
    equal = summary.deductions - len(summary.differences)
    compared = f"{equal} of {summary.deductions} published deductions equal the derived ones"
    yield Text("\n".join([compared, f"{len(summary.refused)} refused", *summary.notes]))
