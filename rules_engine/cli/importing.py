"""`rules-engine import tiers`: policies from a venue's published leverage tiers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from errno import EEXIST
from pathlib import Path

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, name_of, read_compressed

EXAMPLES = """\b
Examples:
  rules-engine import tiers --from ccxt binance-leverage-tiers.json --out policies
  rules-engine import tiers --from ccxt tiers.json.gz --out policies --name binance-usdm --version 1.1.0"""


@click.group("import")
def import_group() -> None:
    """Write policies from what a venue publishes."""


@import_group.command(epilog=EXAMPLES)
@click.option(
    "--from", "source", required=True, type=click.Choice(["ccxt"]), help="Shape of FILE: ccxt's fetch_leverage_tiers."
)
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(file_okay=False), help="Policies root to write to."
)
@click.option("--name", default="binance-usdm", show_default=True, help="First part of the policies' names.")
@click.option("--version", default="1.0.0", show_default=True, help="Version of the policies.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@json_option
@click.pass_context
def tiers(
    context: click.Context, source: str, file: str, out: str, name: str, version: str, force: bool, as_json: bool
) -> None:
    """Write policies from leverage tiers.

    Each settlement currency becomes one policy, DIR/NAME-CURRENCY/VERSION.yaml. FILE may be compressed (.gz, .xz). A
    market whose tiers cannot be read without guessing is refused and the others are written. Exits with 1 where a
    market was refused or a derived deduction differs from the published one, 2 where nothing could be written.
    """
    from rules_engine.policy.importing import import_ccxt_tiers
    from rules_engine.report.importing import summary_document, summary_tables

    imported = import_ccxt_tiers(read_compressed(file), file=name_of(file), name=name, version=version)
    for path in _write(imported.policies, Path(out), force):
        output.message(f"wrote {path}")
    summary = imported.summary
    if as_json:
        output.document(summary_document(summary))
    else:
        output.problems(summary.refused)
        output.tables(summary_tables(summary))
    context.exit(FOUND if summary.refused or summary.differences else 0)


def _write(policies: Mapping[str, str], out: Path, force: bool) -> list[Path]:
    """Writes every policy or, where one is there already and `force` is not given, none."""
    targets = {out / path: text for path, text in policies.items()}
    there = [str(path) for path in targets if path.exists()]
    if there and not force:
        raise FileExistsError(EEXIST, "exists already; --force overwrites", ", ".join(there))
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    return list(targets)


def _replace(path: Path, text: str) -> None:
    """Writes beside the target and renames, so that nobody ever reads half a policy."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(text, encoding="utf-8", newline="\n")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
