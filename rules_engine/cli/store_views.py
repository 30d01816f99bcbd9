"""`rules-engine status` and `history`: what a store holds, verified before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, plugin_option, registry_with
from rules_engine.cli.store_options import StoreAt, on_store
from rules_engine.cli.versions import instant_of

if TYPE_CHECKING:
    from rules_engine.life.store.audit import Audit

ABSENT = ("STORE_MISSING", "STORE_UNUSABLE")
"""Codes of a store that could not be read at all."""
UNSEEN = "whether entries were cut off at the end cannot be seen: state a head that was noted before (--head)"

STATUS_EXAMPLES = """\b
Examples:
  rules-engine status --store risk.db --trust sha256:...
  rules-engine status --at 2026-12-01T08:00:00Z --json"""
HISTORY_EXAMPLES = """\b
Examples:
  rules-engine history --store risk.db --trust sha256:...
  rules-engine history --verify --head sha256:... --store risk.db --trust sha256:..."""


@click.command(epilog=STATUS_EXAMPLES)
@click.option("--at", metavar="TIME", callback=instant_of, help="As of an instant. [default: now]")
@on_store
@json_option
def status(at: datetime | None, store: StoreAt, as_json: bool) -> None:
    """Show what is in force, scheduled and waiting.

    For each line of policies, with the approvals that are there and those that are missing; and who holds which key.
    With --at in the past it is what stood in the log then: steps that were taken later are left out, and stderr says
    how many. With --at to come it is what will be in force if no further step is taken. Exits with 2 where the store
    cannot be read, or its log is refused.
    """
    from rules_engine.life.store.replay import known_at
    from rules_engine.report.store import status_document, status_tables
    from rules_engine.terms.rendering import instant

    now = at or datetime.now(UTC)
    read = store.opened()
    whole = read.ledger()
    ledger = whole if at is None else known_at(whole, at)
    later, ends = len(whole.steps) - len(ledger.steps), read.ends(ledger)
    if later:
        output.message(f"as the log stood at {instant(now)}; {output.counted(later, 'later step')} left out")
    elif at is not None and at > datetime.now(UTC):
        output.message(f"as it will be at {instant(now)} if no further step is taken")
    if as_json:
        output.document(status_document(ledger, now, ends) | {"later_entries": later})
    else:
        output.tables(status_tables(ledger, now, ends))


@click.command(epilog=HISTORY_EXAMPLES)
@click.option("--verify", is_flag=True, help="Look at the texts and at the figures of guards too.")
@on_store
@plugin_option
@json_option
@click.pass_context
def history(
    context: click.Context,
    verify: bool,
    store: StoreAt,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Show every step that was taken, verified.

    The log is verified before it is shown: nobody changed, removed or moved a step. With --verify everything else is
    too, and what is found is printed with its code: exits with 0 where all is well, 1 where something was found, 2
    where there is no store that could be read.
    """
    from rules_engine.life.store.audit import Audit, audited
    from rules_engine.report.store import history_document, history_table

    read = store.opened()
    audit = audited(read, registry_with(plugins)) if verify else Audit(read.ledger(), ())
    if as_json:
        document = {
            "head": audit.ledger.head if audit.ledger else None,
            "cut_tail": "unseen" if store.head is None else "none" if audit.ledger else "unknown",
            "problems": [output.entry(problem) for problem in audit.problems],
            "entries": history_document(audit.ledger) if audit.ledger else [],
        }
        output.document(document)
    elif audit.ledger:
        output.tables([history_table(audit.ledger)])
    if not as_json:
        _say(audit, verify, store.head)
    context.exit(_exit_code(audit))


def _exit_code(audit: Audit) -> int:
    """2 where there is no store to be looked at, 1 where something was found in it."""
    if any(problem.code in ABSENT for problem in audit.problems):
        return IMPOSSIBLE
    return FOUND if audit.errors else 0


def _say(audit: Audit, verify: bool, head: str | None) -> None:
    output.problems(audit.problems)
    if audit.ledger is not None:
        looked = "verified, with all texts and figures" if verify else "verified"
        if audit.errors:
            looked = f"verified; NOT all texts and figures: {output.counted(audit.errors, 'problem')}, see above"
        output.line(f"{output.counted(len(audit.ledger.steps), 'entry')} {looked}; head {audit.ledger.head}")
    if head is None:
        output.line(UNSEEN)
