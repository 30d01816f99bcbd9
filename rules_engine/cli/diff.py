"""`rules-engine diff`: what changes from one policy to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, plugin_option, policies_option, registry_with
from rules_engine.cli.store_options import StoreAt
from rules_engine.cli.store_versions import Versions, from_store, source

EXAMPLES = """\b
Examples:
  rules-engine diff policies/usdt-perpetuals/1.2.0.yaml policies/usdt-perpetuals/1.3.0.yaml
  rules-engine diff usdt-perpetuals@1.2.0 candidate.yaml --json
  rules-engine diff usdt-perpetuals usdt-perpetuals@1.3.0 --store risk.db"""


@click.command(epilog=EXAMPLES)
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@policies_option
@from_store
@plugin_option
@json_option
@click.pass_context
def diff(
    context: click.Context,
    before: str,
    after: str,
    policies: str | None,
    store: StoreAt | None,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Say what changes from policy A to policy B.

    Both are resolved first. Each change is tightened, loosened, neutral, or unclear where nothing says which side is
    the stricter; with by how much at most, at which sizes, and whom it concerns. Tables are compared as functions of
    size: one that is only cut differently is no change. A and B are files, NAME@VERSION, or a NAME, which means the
    version in force; with a store both are those of the store. Exits with 0 where nothing differs, 1 where something
    does, 2 where a policy cannot be used.
    """
    from rules_engine.life.impact.diff import diff_of
    from rules_engine.report.diff import diff_document, diff_tables

    store = source(store, policies, [before, after])
    versions, now = Versions(registry_with(plugins), policies, store), datetime.now(UTC)
    old, new = versions.all_of([before, after], now)
    found = diff_of(old, new, versions.elders(before, old, now))
    if as_json:
        output.document(diff_document(found))
    else:
        output.tables(diff_tables(found))
    context.exit(FOUND if found.changes else 0)
