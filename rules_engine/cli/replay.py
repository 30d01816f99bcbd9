"""`rules-engine replay`: every decision of a log evaluated again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, plugin_option, registry_with

if TYPE_CHECKING:
    from rules_engine.engine.engine import Engine
    from rules_engine.extension.registry import Registry
    from rules_engine.terms.evaluation import PolicyIdentity

EXAMPLES = """\b
Examples:
  rules-engine replay decisions.jsonl --policies policies
  rules-engine replay decisions.jsonl --policies policies --json
  rules-engine replay decisions.jsonl --policies policies --head 3f1c0f9e..."""


@click.command(epilog=EXAMPLES)
@click.argument("log", metavar="LOG", type=click.Path())
@click.option(
    "--policies",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where the policies that answered are, as DIR/NAME/VERSION.yaml, before the packaged ones.",
)
@click.option("--head", metavar="HASH", help="The hash of a line that must be in the log, as you kept it elsewhere.")
@plugin_option
@json_option
@click.pass_context
def replay(
    context: click.Context, log: str, policies: str | None, head: str | None, plugins: Sequence[str], as_json: bool
) -> None:
    """Evaluate every decision of a log again.

    Prints each line that was changed, moved or removed, and each decision whose answer is another today or whose
    policy is not there, then counts. Without --head it cannot be seen that lines were cut off at the end. Exits with 0
    where all is as it was, 1 where something was found, and 2 where the log cannot be read.
    """
    from rules_engine.life.decisions.decision_replay import replay as replayed
    from rules_engine.report.replay import replay_document, replay_tables

    found = replayed(log, _engines(policies, registry_with(plugins)), head=head)
    if as_json:
        problems = [{**output.entry(problem), "decision": problem.decision} for problem in found.problems]
        output.document({**replay_document(found), "problems": problems})
    else:
        output.problems(found.problems)
        output.tables(replay_tables(found))
    if head is None:
        output.message("without --head it cannot be seen whether lines were cut off at the end")
    context.exit(0 if found.clean else FOUND)


def _engines(policies: str | None, registry: Registry) -> Callable[[PolicyIdentity], Engine | None]:
    """Finds the engine of a policy by name and version; what is wrong with a policy is told on stderr."""
    from rules_engine.engine.engine import Engine
    from rules_engine.errors import PolicyError
    from rules_engine.policy.load import load_policy

    def engine(identity: PolicyIdentity) -> Engine | None:
        try:
            return Engine(load_policy(f"{identity.name}@{identity.version}", policies=policies, registry=registry))
        except PolicyError as error:
            output.problems(error.problems, error=True)
            return None

    return engine
