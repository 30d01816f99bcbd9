"""What is told on stderr of a version before a step is signed that it could bring about unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.cli import output

if TYPE_CHECKING:
    from rules_engine.terms.policy import Policy


def tell_end(policy: Policy) -> None:
    """Tells of a version that ends by its own text."""
    from rules_engine.terms.rendering import instant

    if policy.effective_until is not None:
        said = f"{policy.name}@{policy.version} ends at {instant(policy.effective_until)}"
        output.message(f"WARNING {said}: from then on no version is in force, unless another one was activated")


def tell_report(report: bytes | None) -> None:
    """Tells what an impact report is of, and the share that guards go by. Raises `StoreError`."""
    from rules_engine.life.store.figures import read_report

    if report is not None:
        found = read_report(report)
        positions, faults = output.counted(found.positions, "position"), output.counted(found.faults, "row")
        share = f"{float(found.share):.6%} of the notional newly liquidatable, or undecided"
        output.message(f"impact report: {positions}, {faults} at fault, {share}")
