"""`rules-engine test`: the cases of policies, run as production would run them, and what they leave untouched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from errno import ENOENT
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from rules_engine.cli import output
from rules_engine.cli.check import CASES
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, plugin_option, policies_option, read, registry_with, unusable_file
from rules_engine.errors import DocumentError, Problem

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry
    from rules_engine.life.cases.judging import Judgement

EXAMPLES: Final = """\b
Examples:
  rules-engine test policies/usdt-perpetuals/1.2.0.yaml
  rules-engine test --coverage-required usdt-perpetuals@1.2.0
  rules-engine test --json policies"""


class Asked(NamedTuple):
    """A policy to be tested: its path or pin, the file of its cases, and what reads it, None where there is none."""

    policy: str
    cases_file: str
    read_cases: Callable[[], bytes] | None


@click.command(epilog=EXAMPLES)
@click.argument("paths", metavar="POLICY...", nargs=-1, required=True, type=click.Path())
@policies_option
@plugin_option
@click.option(
    "--coverage-required", is_flag=True, help="Exit with 1 for what no case touches, too, and say where it is."
)
@json_option
@click.pass_context
def test(
    context: click.Context,
    paths: Sequence[str],
    policies: str | None,
    plugins: Sequence[str],
    coverage_required: bool,
    as_json: bool,
) -> None:
    """Run the cases beside policies.

    Prints a line for each figure that is not the expected one, a counterexample for each law that is broken, and which
    tiers, bands, modes and instruments the cases touch. A POLICY is a file, a folder (all policies in it) or
    NAME@VERSION; its cases are in VERSION.cases.yaml beside it. Exits with 0 where all hold, 1 where a case fails or a
    law is broken, and 2 where a document cannot be used. A policy without cases is told, and is no fault unless
    --coverage-required.
    """
    registry = registry_with(plugins)
    found: list[Judgement] = []
    unread: list[Problem] = []
    bare = 0
    for asked in [one for path in paths for one in _asked(path, policies)]:
        try:
            judgement = _judged(asked, policies, registry)
        except DocumentError as error:
            unread += error.problems
        except OSError as error:
            unread.append(unusable_file(error))
        else:
            if judgement is None:
                output.message(f"{asked.policy}: no cases stand beside it ({asked.cases_file})")
                bare += 1
                continue
            found.append(judgement)
            if not as_json:
                _print(judgement, asked.policy, coverage_required)
    _tell(found, unread, as_json)
    context.exit(IMPOSSIBLE if unread else FOUND if _at_fault(found, bare, coverage_required) else 0)


def _at_fault(found: Sequence[Judgement], bare: int, coverage_required: bool) -> bool:
    from rules_engine.life.cases.coverage import untouched

    missing = bool(bare) or any(untouched(judgement.coverage) for judgement in found)
    return not all(judgement.held for judgement in found) or (coverage_required and missing)


def _asked(path: str, policies: str | None) -> list[Asked]:
    """The policy that a path or pin names, with its cases; of a folder all that are in it, at any depth."""
    from rules_engine.cli.check import _files
    from rules_engine.policy.load import policy_finder
    from rules_engine.policy.pins import names_no_file, parse_pin

    if not Path(path).exists() and names_no_file(path) and (pin := parse_pin(path)):
        found = policy_finder(policies)(pin[0], f"{pin[1]}{CASES.removesuffix('.yaml')}")
        if found is None:
            return [Asked(path, f"{pin[1]}{CASES}", None)]
        data, file = found
        return [Asked(path, file, lambda: data)]
    return list({asked.policy: asked for asked in map(_in_file, _files(path))}.values())


def _in_file(file: str) -> Asked:
    """A policy's file, or the one beside which a file of cases stands."""
    policy = f"{file.removesuffix(CASES)}.yaml" if file.endswith(CASES) else file
    cases = str(Path(policy).with_suffix("")) + CASES
    return Asked(policy, cases, partial(read, cases) if Path(cases).is_file() else None)


def _judged(asked: Asked, policies: str | None, registry: Registry) -> Judgement | None:
    """What its cases say of a policy; None where there are none."""
    from rules_engine.life.cases.case_documents import read_cases
    from rules_engine.life.cases.judging import judge
    from rules_engine.policy.load import load_policy

    policy = load_policy(asked.policy, policies=policies, registry=registry)
    if asked.read_cases is None:
        return None
    return judge(policy, read_cases(asked.read_cases(), asked.cases_file, partial(_beside, asked.cases_file)))


def _beside(cases_file: str, name: str) -> bytes:
    """A file that cases name, whose path is taken from where they stand; packaged cases stand nowhere."""
    if not Path(cases_file).is_file():
        raise FileNotFoundError(ENOENT, "packaged cases hold their documents themselves", name)
    return read(str(Path(cases_file).parent / name))


def _print(judgement: Judgement, policy: str, coverage_required: bool) -> None:
    from rules_engine.report.cases import coverage_tables, failure_lines, untouched_lines

    for line in failure_lines(judgement):
        output.line(line)
    if coverage_required:
        lines = list(untouched_lines(judgement.coverage, policy))
        for line in lines[: output.PROBLEMS_PER_FILE]:
            output.line(line)
        if len(lines) > output.PROBLEMS_PER_FILE:
            output.line(f"{policy}: and {len(lines) - output.PROBLEMS_PER_FILE} parts more that no case touches")
    output.tables(coverage_tables(judgement))


def _tell(found: Sequence[Judgement], unread: Sequence[Problem], as_json: bool) -> None:
    """The document for programs, or what could not be read; and a line for each policy."""
    from rules_engine.report.cases import judgement_document, summary_text

    if as_json:
        document: dict[str, Any] = {"policies": [judgement_document(judgement) for judgement in found]}
        output.document({**document, **({"problems": [output.entry(one) for one in unread]} if unread else {})})
    else:
        output.problems(unread, error=True)
    for judgement in found:
        output.message(summary_text(judgement))
