"""`rules-engine submit`, `approve`, `activate`, `rollback`: a version on its way, each step signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import plugin_option, policies_option, read, registry_with
from rules_engine.cli.store import opened, signer, signing, step
from rules_engine.cli.versions import instant_of

if TYPE_CHECKING:
    from rules_engine.life.store.ledger import Ledger
    from rules_engine.life.store.lines import Submission

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
@click.pass_context
def submit(
    context: click.Context,
    path: str,
    report_file: str | None,
    at: datetime | None,
    policies: str | None,
    plugins: Sequence[str],
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Propose a version of a policy to the store.

    It is to follow the newest one of its line. The texts, what guards look at and the digest of the impact report are
    signed. Exits with 1 where a guard forbids the change, 2 where it cannot be submitted.
    """
    from rules_engine.life.store import changes
    from rules_engine.life.store.texts import read_texts

    registry = registry_with(plugins)
    texts = read_texts(path, registry, policies)
    report = None if report_file is None else read(report_file)
    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Any, str]:
        entry = changes.submit(store, texts, registry, by, effective=at, report=report)
        ledger = store.ledger()
        asked = ledger.demand_on(changes.submission_of(ledger, texts.pin)[1])
        why = "".join(f" ({reason})" for reason in asked.reasons)
        return entry, f"{texts.pin} is submitted and needs {output.counted(asked.approvals, 'approval')}{why}"

    step(context, as_json, take)


@click.command(epilog=APPROVE_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@impact_option
@plugin_option
@signing
@click.pass_context
def approve(
    context: click.Context,
    pin: str,
    report_file: str | None,
    plugins: Sequence[str],
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Stand behind a version that somebody else submitted.

    Its texts are compiled and compared with its parent anew, and must have the figures that were submitted. Where it
    was submitted with an impact report, that report is asked for. What is approved is printed on stderr.
    """
    from rules_engine.life.store import changes

    registry = registry_with(plugins)
    report = None if report_file is None else read(report_file)
    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Any, str]:
        ledger = store.ledger()
        _tell(ledger, changes.submission_of(ledger, pin)[1])
        entry = changes.approve(store, pin, registry, by, report=report)
        ledger = store.ledger()
        submission = changes.submission_of(ledger, pin)[1]
        count, asked = len(ledger.approvers_of(submission)), ledger.demand_on(submission).approvals
        return entry, f"{pin} has {count} of {output.counted(asked, 'approval')}"

    step(context, as_json, take)


def _tell(ledger: Ledger, submission: Submission) -> None:
    """What is about to be signed."""
    said = submission.statement
    output.message(f"{submission.pin} {said.digest}, submitted by {ledger.keys[said.signer].name}: {said.note}")
    output.message(f"to follow {said.parent or 'nothing: it is the first version'}")
    for reason in ledger.demand_on(submission).reasons:
        output.message(reason)


@click.command(epilog=ACTIVATE_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@_at_option("When it takes effect. [default: as submitted, else now, or its `effective_from`]")
@plugin_option
@signing
@click.pass_context
def activate(
    context: click.Context,
    pin: str,
    at: datetime | None,
    plugins: Sequence[str],
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Put an approved version in force, now or later.

    Guards say how many people must have approved it. Exits with 1 where guards forbid it or approvals are missing, 2
    where it cannot be activated.
    """
    from rules_engine.life.store import changes
    from rules_engine.terms.rendering import instant

    registry = registry_with(plugins)
    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Any, str]:
        entry = changes.activate(store, pin, registry, by, at=at)
        last = store.ledger().line(pin.partition("@")[0]).last
        assert last is not None
        return entry, f"{pin} is in force from {instant(last.effective)} on"

    step(context, as_json, take)


@click.command(epilog=ROLLBACK_EXAMPLES)
@click.argument("pin", metavar="NAME@VERSION")
@plugin_option
@signing
@click.pass_context
def rollback(
    context: click.Context,
    pin: str,
    plugins: Sequence[str],
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Undo a version at once.

    Where it is in force, the one before it comes back; where it is scheduled, it never comes. Whatever was scheduled
    after it falls away too. To put it in force again it is submitted and approved again.
    """
    from rules_engine.life.store import changes

    registry = registry_with(plugins)
    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Any, str]:
        entry = changes.rollback(store, pin, registry, by)
        turn = store.ledger().line(pin.partition("@")[0]).at(by.now)
        return entry, f"{pin} is undone; {turn.submission.pin if turn else 'nothing'} is in force"

    step(context, as_json, take)
