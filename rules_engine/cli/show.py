"""`rules-engine show`: a policy resolved, with where each value comes from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, plugin_option, policies_option, registry_with
from rules_engine.cli.store_options import StoreAt
from rules_engine.cli.store_versions import Versions, from_store, is_file, source
from rules_engine.cli.versions import instant_of

if TYPE_CHECKING:
    from rules_engine.terms.policy import Policy

EXAMPLES = """\b
Examples:
  rules-engine show --list
  rules-engine show policies/usdt-perpetuals/1.2.0.yaml
  rules-engine show usdt-perpetuals@1.2.0 --instrument ETHUSDT
  rules-engine show usdt-perpetuals --at 2026-12-02T00:00:00Z --store risk.db
  rules-engine show usdt-perpetuals@1.3.0 --text --store risk.db"""


@click.command(epilog=EXAMPLES)
@click.argument("policy", metavar="[POLICY]", required=False, type=click.Path())
@click.option("--list", "listed", is_flag=True, help="Only the names of the policies there are, as NAME@VERSION.")
@click.option("--instrument", metavar="NAME", help="Only what this instrument resolves to.")
@click.option("--text", is_flag=True, help="The text itself, byte for byte; with --json those that it extends too.")
@click.option(
    "--at", metavar="TIME", callback=instant_of, help="The version in force then; POLICY is a name. [default: now]"
)
@policies_option
@from_store
@plugin_option
@json_option
@click.pass_context
def show(
    context: click.Context,
    policy: str | None,
    listed: bool,
    instrument: str | None,
    text: bool,
    at: datetime | None,
    policies: str | None,
    store: StoreAt | None,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Print a policy resolved, with where each value comes from.

    Every value stands beside the file and line it comes from (the policy's own or a parent's), tiers with their
    derived deductions. POLICY is a file, NAME@VERSION, or a NAME, which means the version in force. With a store both
    are those of the store, and stderr says what has become of the version there. A value that the text leaves out is
    shown with its default. Exits with 1 where --instrument names an instrument that the policy does not cover, 2 where
    the policy cannot be used.
    """
    from rules_engine.report.policy import policy_document, policy_tables

    store = source(store, policies, [] if policy is None or listed else [policy])
    versions = Versions(registry_with(plugins), policies, store)
    if listed:
        _list(versions.pins(), as_json)
        return
    if policy is None:
        raise click.UsageError("name a policy, or ask for the names of those there are with --list", context)
    if at is not None and ("@" in policy or is_file(policy)):
        raise click.UsageError(f"--at asks which version is in force: give a policy's name, not {policy}", context)
    if text and instrument is not None:
        raise click.UsageError("--text is the whole of a text, --instrument a part of what it means; give one", context)
    now = at or datetime.now(UTC)
    if text:
        _show_text(versions, policy, now, as_json)
    else:
        compiled = versions.policy(policy, now)
        if instrument is not None:
            _show_instrument(context, compiled, instrument, as_json)
        elif as_json:
            output.document(policy_document(compiled))
        else:
            output.tables(policy_tables(compiled))
    versions.tell(policy, now)


def _show_text(versions: Versions, policy: str, now: datetime, as_json: bool) -> None:
    pin, documents = versions.texts(policy, now)
    if as_json:
        output.document({each: data.decode("utf-8") for each, data in documents.items()})
    elif sys.stdout.isatty():
        for line in documents[pin].decode("utf-8").splitlines():
            output.line(line)  # what a terminal would obey is escaped
    else:
        click.echo(documents[pin], nl=False)


def _list(pins: list[str], as_json: bool) -> None:
    if as_json:
        output.document(pins)
        return
    for pin in pins:
        output.line(pin)


def _show_instrument(context: click.Context, policy: Policy, name: str, as_json: bool) -> None:
    from rules_engine.engine.quote import rule_for
    from rules_engine.report.policy import instrument_document, instrument_tables

    rule = rule_for(policy, name)
    if rule is None:
        output.message(f"{policy.name} {policy.version} covers no instrument {name}")
        if as_json:
            output.document({"instrument": name, "rule": None})
        context.exit(FOUND)
    if as_json:
        output.document(instrument_document(policy, name, rule))
    else:
        output.tables(instrument_tables(policy, name, rule))
