"""`rules-engine check`: every problem of every policy at once."""

from __future__ import annotations

from collections.abc import Sequence
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, plugin_option, policies_option, registry_with, unusable_file
from rules_engine.errors import DocumentError, PolicyError, Problem

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

CASES = ".cases.yaml"
"""How worked cases of a policy end, which stand beside it."""

MISNAMED = ".cases.yml"
"""What nobody looks for."""

UNREAD = ("FILE_UNUSABLE", "POLICY_UNKNOWN")
"""Codes of what could not be checked at all."""

EXAMPLES = """\b
Examples:
  rules-engine check policies/usdt-perpetuals/1.2.0.yaml
  rules-engine check --strict policies
  rules-engine check --json usdt-perpetuals@1.2.0
  rules-engine check --plugin my_modes.py policies"""


@click.command(epilog=EXAMPLES)
@click.argument("paths", metavar="POLICY...", nargs=-1, required=True, type=click.Path())
@policies_option
@plugin_option
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@json_option
@click.pass_context
def check(
    context: click.Context,
    paths: Sequence[str],
    policies: str | None,
    plugins: Sequence[str],
    strict: bool,
    as_json: bool,
) -> None:
    """Print every problem of every policy at once.

    Problems are printed as file:line:column: CODE message (hint), in the order of the text, at most 100 of each file
    and then a count; warnings say so. A POLICY is a file, a folder (all policies in it) or NAME@VERSION of a packaged
    one. Exits with 0 where nothing but warnings was found, 1 where there are problems, 2 where a file could not be
    read.
    """
    registry = registry_with(plugins)
    found: list[Problem] = []
    unread: list[Problem] = []
    files = [file for path in paths for file in policy_files(path)]
    policy_paths = [file for file in files if not file.endswith(CASES)]
    if not policy_paths:
        raise click.UsageError(f"{', '.join(paths)} holds no policy, only worked cases: `rules-engine test` runs them")
    if len(policy_paths) < len(files):
        output.message(
            f"passing over {output.counted(len(files) - len(policy_paths), 'file')} of worked cases (*{CASES})"
        )
    for path in policy_paths:
        try:
            problems = _problems_of(path, policies, registry)
        except OSError as error:
            problems = (unusable_file(error),)
        if any(problem.code in UNREAD for problem in problems):
            unread += problems
            continue
        found += problems
        if not as_json:
            output.problems(problems)
    if as_json:
        output.document([output.entry(problem) for problem in (*found, *unread)])
    else:
        output.problems(unread, error=True)
    output.message(_summary(len(policy_paths), found, len(unread)))
    at_fault = strict or any(problem.severity == "error" for problem in found)
    context.exit(IMPOSSIBLE if unread else FOUND if found and at_fault else 0)


def policy_files(path: str) -> list[str]:
    """The path itself; of a folder all YAML files in it, at any depth. Raises where cases are misnamed."""
    files = _files_in(path) if path and Path(path).is_dir() else [path]
    misnamed = [file for file in files if file.endswith(MISNAMED)]
    if misnamed:
        said = f"worked cases are looked for in files that end in {CASES}"
        raise DocumentError(
            [Problem(code="FILE_UNUSABLE", message=said, hint="rename it", document=file) for file in misnamed]
        )
    return files


def _files_in(path: str) -> list[str]:
    files = sorted(str(file) for pattern in ("*.yaml", "*.yml") for file in Path(path).rglob(pattern))
    if not files:
        raise FileNotFoundError(ENOENT, "no policies (*.yaml) in this folder", path)
    return files


def _problems_of(path: str, policies: str | None, registry: Registry) -> tuple[Problem, ...]:
    from rules_engine.policy.load import load_policy, misplaced

    try:
        policy = load_policy(path, policies=policies, registry=registry)
        problem = misplaced(path, policy) if Path(path).exists() else None
        return (*([problem] if problem else []), *policy.warnings)
    except PolicyError as error:
        return error.problems


def _summary(policies: int, found: Sequence[Problem], unread: int) -> str:
    warnings = sum(problem.severity == "warning" for problem in found)
    parts = [output.counted(policies, "policy"), output.counted(len(found), "problem")]
    parts += [f"of which {output.counted(warnings, 'warning')}"] if warnings else []
    parts += [f"{unread} could not be read"] if unread else []
    return ", ".join(parts)
