"""`rules-engine plugins check`: the conformance kit, run on what a plugin supplies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, read

if TYPE_CHECKING:
    from rules_engine.extension.loading import Supply
    from rules_engine.testing import Examples, Report

EXAMPLES = """\b
Examples:
  rules-engine plugins check standard_modes
  rules-engine plugins check --file my_modes.py
  rules-engine plugins check my_modes --policy P.yaml --account A.json --market M.json"""


@click.command(name="check", epilog=EXAMPLES)
@click.argument("name", required=False)
@click.option("--file", metavar="FILE", type=click.Path(), help="Check the plugin in a Python file.")
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

    Prints every law of each of its components, with a counterexample where one is broken. Without --policy, --account
    and --market built-in examples are used, and parameters guessed from their schemas. Exits with 0 where all laws are
    kept, 1 where one is broken, and 2 where a component could not be exercised.
    """
    from rules_engine.testing import check_plugin

    if (name is None) == (file is None):
        raise click.UsageError("name an installed plugin, or give --file")
    supply = _supply(name, file)
    if isinstance(supply, str):
        output.message(supply)
        context.exit(IMPOSSIBLE)
    reports = check_plugin(supply, examples=_examples(policy, accounts, markets), seed=seed, cases=cases)
    if as_json:
        output.document([report.to_dict() for report in reports])
    else:
        output.tables(_tables(reports))
        _print_evidence(reports)
    if any(report.broken for report in reports):
        context.exit(FOUND)
    context.exit(IMPOSSIBLE if any(report.obstacle for report in reports) else 0)


def _supply(name: str | None, file: str | None) -> Supply | str:
    """What the plugin supplies, or why there is none."""
    from rules_engine.extension.loading import admitted, candidates

    if file is not None and not Path(file).is_file():
        return f"there is no file {file}"
    known = list(candidates([file] if file is not None else []))
    wanted = known[-1:] if file is not None else [one for one in known if one.source.name == name]
    if not wanted:
        return f"there is no plugin {name}; there is {', '.join(one.source.name for one in known)}"
    supply = admitted(wanted[0], None, ())
    return f"the plugin {wanted[0].source.name} is not let in: {supply}" if isinstance(supply, str) else supply


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
