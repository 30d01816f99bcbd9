"""`rules-engine schema`: the JSON Schema of policies, with the parameters of what is installed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.plugins import file_option, quiet_registry

EXAMPLES = """\b
Examples:
  rules-engine schema > policy.schema.json
  rules-engine schema --plugin my_modes.py > policy.schema.json"""


@click.command(epilog=EXAMPLES)
@file_option
@click.pass_context
def schema(context: click.Context, files: Sequence[str]) -> None:
    """Print the JSON Schema of policies, for editors.

    It knows the modes, buffers, payoffs and close-out plans that are installed, with their parameters. Exits with 1
    where a plugin is quarantined, whose components are not in it.
    """
    import msgspec

    from rules_engine.policy.schema import policy_schema

    registry = quiet_registry(files)
    text = msgspec.json.Encoder(decimal_format="number").encode(policy_schema(registry))
    for line in msgspec.json.format(text, indent=2).decode().split("\n"):
        output.line(line)
    for plugin in registry.quarantined:
        output.message(str(plugin))
    context.exit(FOUND if registry.quarantined else 0)
