"""`rules-engine check`: every problem of every policy at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE, sentence
from rules_engine.cli.inputs import json_option, policies_option
from rules_engine.errors import PolicyError, Problem

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

CASES = ".cases.yaml"
"""How worked cases of a policy end, which stand beside it."""

EXAMPLES = """\b
Examples:
  rules-engine check policies/usdt-perpetuals/1.2.0.yaml
  rules-engine check --strict policies/*/*.yaml
  rules-engine check --json usdt-perpetuals@1.2.0"""


@click.command(epilog=EXAMPLES)
@click.argument("paths", metavar="POLICY...", nargs=-1, required=True, type=click.Path())
@policies_option
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@json_option
@click.pass_context
def check(context: click.Context, paths: Sequence[str], policies: str | None, strict: bool, as_json: bool) -> None:
    """Print every problem of every policy at once.

    Problems are printed as file:line:column: CODE message (hint), in the order of the text, at most 100 of each file
    and then a count; warnings say so. A POLICY is a file, or NAME@VERSION of a packaged one. Exits with 0 where
    nothing but warnings was found, 1 where there are problems, 2 where a file could not be read.
    """
    from rules_engine.extension.registry import load_registry

    registry = load_registry()
    found: list[Problem] = []
    unread = 0
    policy_paths = [path for path in paths if not path.endswith(CASES)]
    if len(policy_paths) < len(paths):
        output.message(
            f"passing over {output.counted(len(paths) - len(policy_paths), 'file')} of worked cases (*{CASES})"
        )
    for path in policy_paths:
        try:
            problems = _problems_of(path, policies, registry)
        except OSError as error:
            unread += 1
            output.message(f"Error: {sentence(error)}")
            continue
        found += problems
        if not as_json:
            output.problems(problems)
    if as_json:
        output.document([_entry(problem) for problem in found])
    output.message(_summary(len(policy_paths), found, unread))
    at_fault = strict or any(problem.severity == "error" for problem in found)
    context.exit(IMPOSSIBLE if unread else FOUND if found and at_fault else 0)


def _problems_of(path: str, policies: str | None, registry: Registry) -> tuple[Problem, ...]:
    from rules_engine.policy.load import load_policy

    try:
        return load_policy(path, policies=policies, registry=registry).warnings
    except PolicyError as error:
        return error.problems


def _summary(policies: int, found: Sequence[Problem], unread: int) -> str:
    warnings = sum(problem.severity == "warning" for problem in found)
    parts = [output.counted(policies, "policy"), output.counted(len(found), "problem")]
    parts += [f"of which {output.counted(warnings, 'warning')}"] if warnings else []
    parts += [f"{unread} could not be read"] if unread else []
    return ", ".join(parts)


def _entry(problem: Problem) -> dict[str, Any]:
    mark = problem.mark
    place = {"file": mark.file, "line": mark.line, "column": mark.column} if mark else {}
    return {
        **place,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "path": problem.path,
    }
