"""`rules-engine submit`, `approve`, `activate`, `rollback`: a version on its way, each step signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import plugin_option, policies_option, read, registry_with
from rules_engine.cli.store_options import Signing, signing
from rules_engine.cli.store_review import tell, tell_end
from rules_engine.cli.store_words import activated, undone
from rules_engine.cli.versions import instant_of

SUBMIT_EXAMPLES = """\b
Examples:
  rules-engine submit policies/usdt-perpetuals/1.3.0.yaml --store risk.db --key sam.key --note RISK-2301
  rules-engine submit candidate.yaml --impact impact.json --at 2026-12-01T08:00:00Z --store risk.db --key sam.key"""
APPROVE_EXAMPLES = """\b
Examples:
  rules-engine approve usdt-perpetuals@1.3.0 --impact impact.json --store risk.db --key mira.key"""
ACTIVATE_EXAMPLES = """\b
Examples:
  rules-engine activate usdt-perpetuals@1.3.0 --store risk.db --key otto.key
  rules-engine activate usdt-perpetuals@1.3.0 --at 2026-12-01T08:00:00Z --store risk.db --key otto.key"""
ROLLBACK_EXAMPLES = """\b
Examples:
  rules-engine rollback usdt-perpetuals@1.3.0 --store risk.db --key otto.key --note "wrong table" """


def _report(file: str | None) -> bytes | None:
    """An impact report in a file, which must be one."""
    from rules_engine.life.store.figures import read_report
    from rules_engine.life.store.refusals import StoreError

    if file is None:
        return None
    data = read(file)
    try:
        read_report(data)
    except StoreError as error:
        raise error.of(file) from error
    return data


impact_option = click.option(
    "--impact", "report_file", metavar="FILE", type=click.Path(), help="The impact report (impact --json)."
)


def _at_option(said: str) -> Callable[..., Any]:
    return click.option("--at", metavar="TIME", callback=instant_of, help=said)


@click.command(epilog=SUBMIT_EXAMPLES)
@click.argument("path", metavar="POLICY", type=click.Path())
@impact_option
@_at_option("When it is to take effect: then nobody can activate it for another instant.")
@policies_option
@plugin_option
@signing
def submit(
    path: str, report_file: str | None, at: datetime | None, policies: str | None, plugins: Sequence[str], step: Signing
) -> None:
    """Propose a version of a policy to the store.

    It is to follow the newest one of its line. The texts, what guards look at and the digest of the impact report are
    signed. What changes and what guards ask is told on stderr before the key is read. Exits with 1 where a guard
    forbids the change, 2 where it cannot be submitted.
    """
    from rules_engine.life.store.changes import to_submit
    from rules_engine.life.store.texts import read_texts

    registry = registry_with(plugins)
    texts = read_texts(path, registry, policies)
    report = _report(report_file)
    store = step.store

    def take() -> tuple[Any, str]:
        review = to_submit(store, texts, registry, effective=at, report=report)
        tell(review, datetime.now(UTC))
        entry = review.submit(store, step.signer())
        return entry, f"{texts.pin} is submitted and needs {output.counted(review.demand.approvals, 'approval')}"

    step.take(take)


@click.command(epilog=APPROVE_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@impact_option
@plugin_option
@signing
def approve(pin: str, report_file: str | None, plugins: Sequence[str], step: Signing) -> None:
    """Stand behind a version that somebody else submitted.

    Its texts are compiled and compared with its parent anew, and must have the figures that were submitted. Where it
    was submitted with an impact report, that report is asked for. What changes, what guards ask and who approved
    already is told on stderr before the key is read. `show NAME@VERSION` prints the version, `diff NAME NAME@VERSION`
    the whole of what changes. Exits with 1 where a guard forbids the change, or you submitted or approved it already, 2
    where it cannot be approved.
    """
    from rules_engine.life.store.changes import to_approve

    registry = registry_with(plugins)
    report = _report(report_file)
    store = step.store

    def take() -> tuple[Any, str]:
        review = to_approve(store, pin, registry, report=report)
        tell(review, datetime.now(UTC))
        entry = review.approve(store, step.signer())
        ledger = store.ledger()
        approved = ledger.line(review.policy.name).submissions[review.fields["submission"]]
        return entry, f"{pin} {ledger.progress(approved)}"

    step.take(take)


@click.command(epilog=ACTIVATE_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@_at_option("When it takes effect. [default: as submitted, else now, or its `effective_from`]")
@plugin_option
@signing
def activate(pin: str, at: datetime | None, plugins: Sequence[str], step: Signing) -> None:
    """Put an approved version in force, now or later.

    Guards say how many people must have approved it. Exits with 1 where guards forbid it or approvals are missing, 2
    where it cannot be activated.
    """
    from rules_engine.life.store import changes
    from rules_engine.life.store.finding import waiting

    registry = registry_with(plugins)
    store = step.store

    def take() -> tuple[Any, str]:
        tell_end(store.policy_of(waiting(store.ledger(), pin)[1], registry))
        entry = changes.activate(store, pin, registry, step.signer(), at=at)
        return entry, activated(store.ledger(), entry)

    step.take(take)


@click.command(epilog=ROLLBACK_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@plugin_option
@signing
def rollback(pin: str, plugins: Sequence[str], step: Signing) -> None:
    """Undo a version at once.

    Where it is in force, the one before it comes back; where it is scheduled, it never comes. Whatever was scheduled
    after it falls away too. To put it in force again it is submitted and approved again. Exits with 2 where there is
    nothing to undo.
    """
    from rules_engine.life.store import changes

    registry = registry_with(plugins)
    store, by = step.store, step.signer()

    def take() -> tuple[Any, str]:
        entry = changes.rollback(store, pin, registry, by)
        return entry, undone(store.ledger(), entry)

    step.take(take)
