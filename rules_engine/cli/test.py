"""`rules-engine test`: the cases of policies, run as production would run them, and what they leave untouched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from errno import ENOENT
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from rules_engine.cli import output
from rules_engine.cli.check import CASES, policy_files
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option, plugin_option, policies_option, read, registry_with, unusable_file
from rules_engine.errors import DocumentError

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry
    from rules_engine.life.cases.judging import Judgement
    from rules_engine.report.case_junit import Outcome

EXAMPLES: Final = """\b
Examples:
  rules-engine test policies/usdt-perpetuals/1.2.0.yaml
  rules-engine test --cover 80% --junit cases.xml policies
  rules-engine test --coverage full usdt-perpetuals@1.2.0
  rules-engine test -k floor policies/usdt-perpetuals
  rules-engine test --json policies"""


class Asked(NamedTuple):
    """A policy to be tested: its path or pin, the file of its cases, and what reads it, None where there is none."""

    policy: str
    cases_file: str
    read_cases: Callable[[], bytes] | None


def _percent(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Decimal | None:
    from rules_engine.numbers.text import NumberError, parse_number

    if text is None:
        return None
    try:
        percent = parse_number(text.removesuffix("%").rstrip())
    except NumberError:
        percent = None
    if percent is None or not 0 < percent <= 100:
        raise click.BadParameter(f"found {text!r}, wanted a percentage above 0 and up to 100, as 80%")
    return percent


@click.command(epilog=EXAMPLES)
@click.argument("paths", metavar="POLICY...", nargs=-1, required=True, type=click.Path())
@policies_option
@plugin_option
@click.option("-k", "only", metavar="TEXT", default="", help="Run only cases and laws with TEXT in their name.")
@click.option(
    "--coverage",
    type=click.Choice(["summary", "full"]),
    default="summary",
    show_default=True,
    help="Count what the cases touch, or list all of it.",
)
@click.option(
    "--cover",
    metavar="N",
    callback=_percent,
    help="Exit with 1, too, where cases touch less than N % of a policy, and say where the rest is.",
)
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False), help="Write results for CI systems to FILE.")
@json_option
@click.pass_context
def test(
    context: click.Context,
    paths: Sequence[str],
    policies: str | None,
    plugins: Sequence[str],
    only: str,
    coverage: str,
    cover: Decimal | None,
    junit: str | None,
    as_json: bool,
) -> None:
    """Run the cases beside policies.

    Prints a line for each figure that is not the expected one, a counterexample for each law that is broken, and how
    many tiers, bands, modes and instruments the cases touch. A POLICY is a file, a folder (all policies in it) or
    NAME@VERSION; its cases are in VERSION.cases.yaml beside it. Exits with 0 where all hold, 1 where a case fails or a
    law is broken, and 2 where a document cannot be used. A policy without cases is told, and is no fault unless
    --cover.
    """
    if only and cover is not None:
        raise click.UsageError("-k runs a part of the cases, and --cover asks for what all of them touch")
    registry = registry_with(plugins)
    tested: list[Outcome] = []
    for asked in [one for path in paths for one in _asked(path, policies)]:
        one = _tested(asked, policies, registry, only)
        output.progress("")
        tested.append(one)
        if one.judgement is None and not one.problems:
            output.message(f"{asked.policy}: no cases stand beside it ({asked.cases_file})")
        if one.judgement is not None and not as_json:
            _print(one.judgement, asked.policy, None if only else coverage, cover)
    _tell(tested, as_json, coverage=not only)
    if junit is not None:
        _write(junit, tested, cover)
    if only and not any(one.judgement and (one.judgement.cases or one.judgement.laws) for one in tested):
        output.message(f"no case or law has {only!r} in its name")
        context.exit(IMPOSSIBLE)
    context.exit(_exit_code(tested, cover))


def _exit_code(tested: Sequence[Outcome], cover: Decimal | None) -> int:
    from rules_engine.report.case_coverage import touches_enough

    if any(one.problems for one in tested):
        return IMPOSSIBLE
    judgements = [one.judgement for one in tested]
    held = all(judgement is None or judgement.held for judgement in judgements)
    enough = cover is None or all(
        judgement is not None and touches_enough(judgement.coverage, cover) for judgement in judgements
    )
    return 0 if held and enough else FOUND


def _asked(path: str, policies: str | None) -> list[Asked]:
    """The policy that a path or pin names, with its cases; of a folder all that are in it, at any depth."""
    from rules_engine.policy.load import policy_finder
    from rules_engine.policy.pins import names_no_file, parse_pin

    if not Path(path).exists() and names_no_file(path) and (pin := parse_pin(path)):
        found = policy_finder(policies)(pin[0], f"{pin[1]}{CASES.removesuffix('.yaml')}")
        if found is None:
            return [Asked(path, f"{pin[1]}{CASES}", None)]
        data, file = found
        return [Asked(path, file, lambda: data)]
    return list({asked.policy: asked for asked in map(_in_file, policy_files(path))}.values())


def _in_file(file: str) -> Asked:
    """A policy's file, or the one beside which a file of cases stands."""
    policy = f"{file.removesuffix(CASES)}.yaml" if file.endswith(CASES) else file
    cases = str(Path(policy).with_suffix("")) + CASES
    return Asked(policy, cases, partial(read, cases) if Path(cases).is_file() else None)


def _tested(asked: Asked, policies: str | None, registry: Registry, only: str) -> Outcome:
    """What its cases say of a policy, or why they cannot be run."""
    from rules_engine.life.cases.case_documents import read_cases
    from rules_engine.life.cases.judging import judge
    from rules_engine.policy.load import load_policy
    from rules_engine.report.case_junit import Outcome

    begun = perf_counter_ns()
    try:
        policy = load_policy(asked.policy, policies=policies, registry=registry)
        if asked.read_cases is None:
            return Outcome(asked.policy, asked.cases_file, None)
        cases = read_cases(asked.read_cases(), asked.cases_file, partial(_beside, asked.cases_file))
        judgement = judge(policy, cases, only=only, tell=output.progress)
    except DocumentError as error:
        return Outcome(asked.policy, asked.cases_file, None, error.problems)
    except OSError as error:
        return Outcome(asked.policy, asked.cases_file, None, [unusable_file(error)])
    return Outcome(asked.policy, asked.cases_file, judgement, nanoseconds=perf_counter_ns() - begun)


def _beside(cases_file: str, name: str) -> bytes:
    """A file that cases name, whose path is taken from where they stand; packaged cases stand nowhere."""
    if not Path(cases_file).is_file():
        raise FileNotFoundError(ENOENT, "packaged cases hold their documents themselves", name)
    return read(str(Path(cases_file).parent / name))


def _print(judgement: Judgement, policy: str, coverage: str | None, cover: Decimal | None) -> None:
    """What differs, what is broken, and of what is touched a summary or all."""
    from rules_engine.report.case_coverage import (
        full_table,
        summary_table,
        too_little_text,
        touches_enough,
        untouched_lines,
    )
    from rules_engine.report.cases import failure_lines

    for line in failure_lines(judgement):
        output.line(line)
    if cover is not None and not touches_enough(judgement.coverage, cover):
        lines = list(untouched_lines(judgement.coverage, policy))
        most = len(lines) if coverage == "full" else output.PROBLEMS_PER_FILE
        for line in lines[:most]:
            output.line(line)
        if len(lines) > most:
            output.line(f"{policy}: and {len(lines) - most} parts more that no case touches (--coverage full)")
        output.line(f"{policy}: {too_little_text(judgement.coverage, cover)}")
    if coverage is not None:
        output.tables([full_table(judgement) if coverage == "full" else summary_table(judgement, policy)])


def _tell(tested: Sequence[Outcome], as_json: bool, *, coverage: bool) -> None:
    """The document for programs, or what could not be read; and a line for each policy."""
    from rules_engine.report.cases import judgement_document, summary_text

    found = [one.judgement for one in tested if one.judgement is not None]
    unread = [problem for one in tested for problem in one.problems]
    if as_json:
        bare = [one.policy for one in tested if one.judgement is None and not one.problems]
        document: dict[str, Any] = {"policies": [judgement_document(one) for one in found], "without_cases": bare}
        output.document({**document, **({"problems": [output.entry(one) for one in unread]} if unread else {})})
    else:
        output.problems(unread, error=True)
    for judgement in found:
        output.message(summary_text(judgement, coverage=coverage))


def _write(file: str, tested: Sequence[Outcome], cover: Decimal | None) -> None:
    from rules_engine.report.case_junit import junit_document

    Path(file).write_bytes(junit_document(tested, cover))
    output.message(f"wrote {file}")
