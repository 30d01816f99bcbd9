"""`rules-engine plugins check`: the conformance kit, run on what a plugin supplies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, read, refuse_missing, sources_named
from rules_engine.errors import DocumentError, PluginError, Problem

if TYPE_CHECKING:
    from rules_engine.extension.loading import Candidate, Supply
    from rules_engine.testing import Examples, Report

EXAMPLES = """\b
Examples:
  rules-engine plugins check standard_modes
  rules-engine plugins check --plugin my_modes.py
  rules-engine plugins check my_modes --policy P.yaml --account A.json --market M.json"""

NOTHING: Final = (
    "supplies nothing: a hook is a function such as rules_engine_margin_modes, marked @hookimpl, that returns a list"
)


@click.command(name="check", epilog=EXAMPLES)
@click.argument("name", required=False)
@click.option(
    "--plugin", "--file", "file", metavar="FILE", type=click.Path(), help="Check the plugin in a Python file."
)
@click.option("--policy", metavar="P", type=click.Path(), help="Policy in which the plugin's modes are at work.")
@click.option("--account", "accounts", multiple=True, metavar="A", type=click.Path(), help="Account that holds them.")
@click.option("--market", "markets", multiple=True, metavar="M", type=click.Path(), help="Market that they read.")
@click.option("--seed", default=0, show_default=True, help="Other cases from another seed.")
@click.option("--cases", default=50, show_default=True, type=click.IntRange(1), help="How many cases to try.")
@json_option
@click.pass_context
def check_command(
    context: click.Context,
    name: str | None,
    file: str | None,
    policy: str | None,
    accounts: Sequence[str],
    markets: Sequence[str],
    seed: int,
    cases: int,
    as_json: bool,
) -> None:
    """Check that a plugin keeps the laws of the conformance kit.

    Prints every law of each of its components, with a counterexample where one is broken. NAME is the plugin's, or that
    of its distribution. Without --policy, --account and --market built-in examples are used, and parameters guessed
    from their schemas. Exits with 0 where all laws are kept, 1 where one is broken, and 2 where a component could not
    be exercised, or there is none.
    """
    from rules_engine.testing import check_plugin

    if (name is None) == (file is None):
        raise click.UsageError("name an installed plugin, or give --plugin FILE")
    examples = _examples(policy, accounts, markets)
    supplies = [_supply(candidate) for candidate in _candidates(name, file)]
    reports = [
        report for supply in supplies for report in check_plugin(supply, examples=examples, seed=seed, cases=cases)
    ]
    if as_json:
        output.document([report.to_dict() for report in reports])
    else:
        output.tables(_tables(reports))
        _print_evidence(reports)
    if not reports:
        unknown = ", ".join(word for supply in supplies for word in supply.words)
        output.message(f"the conformance kit has no laws for what it supplies ({unknown})")
    if any(report.broken for report in reports):
        context.exit(FOUND)
    context.exit(IMPOSSIBLE if any(report.obstacle for report in reports) else 0)


def _candidates(name: str | None, file: str | None) -> list[Candidate]:
    """The installed plugins of a name, or the one in a file. Raises `DocumentError` where there is no such file."""
    from rules_engine.extension.loading import candidates

    if file is not None:
        refuse_missing([file])
        return list(candidates([file]))[-1:]
    known = {candidate.source: candidate for candidate in candidates([])}
    return [known[source] for source in sources_named(str(name), list(known))]


def _supply(candidate: Candidate) -> Supply:
    """What a plugin supplies. Raises `PluginError` or `DocumentError` where that is nothing that can be exercised."""
    from rules_engine.extension.loading import admitted
    from rules_engine.policy.components import schema_faults

    supply = admitted(candidate, None, ())
    if isinstance(supply, str):
        raise PluginError(f"the plugin {candidate.source.name} is not let in: {supply}")
    if not supply.words:
        raise PluginError(f"the plugin {candidate.source.name} {NOTHING}")
    if faults := list(schema_faults(supply.shelves)):
        raise DocumentError([Problem(code="PLUGIN_BROKEN", message=fault) for fault in faults])
    return supply


def _examples(policy: str | None, accounts: Sequence[str], markets: Sequence[str]) -> Examples | None:
    from rules_engine.testing import Examples

    if not policy and not accounts and not markets:
        return None
    if not (policy and accounts and markets):
        raise click.UsageError("--policy, --account and --market go together")
    return Examples(policy=Path(policy), accounts=list(map(read, accounts)), markets=list(map(read, markets)))


def _tables(reports: Sequence[Report]) -> Iterator[Any]:
    """A table of laws for each component."""
    from rules_engine.report.grids import grid

    for report in reports:
        table = grid(report.component, "law", "verdict", "states that")
        for law in report.laws:
            table.add_row(law.name, law.verdict, law.statement)
        if report.obstacle:
            table.add_row("-", "not exercised", report.obstacle)
        yield table


def _print_evidence(reports: Sequence[Report]) -> None:
    """Why laws were skipped, and what broke them."""
    for report in reports:
        for law in report.laws:
            if law.skipped or law.evidence:
                output.line("")
                output.line(f"{report.component}: {law.name} {law.verdict}")
                for line in (law.skipped or law.evidence).splitlines():
                    output.line(f"  {line}")
