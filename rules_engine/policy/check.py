"""From a policy's text to a compiled policy, or to everything that is wrong with it. Touches no file."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rules_engine.errors import PluginError, PolicyError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.policy.compile import compile_policy
from rules_engine.policy.document import Document
from rules_engine.policy.findings import in_text_order, path_text
from rules_engine.policy.pins import FindParent
from rules_engine.policy.reader import read_document
from rules_engine.policy.resolve import Resolved, resolve
from rules_engine.policy.schema import schema_problems
from rules_engine.terms.checks import PolicyCheck, PolicyFinding
from rules_engine.terms.policy import Policy


def check_policy(
    data: bytes, file: str, registry: Registry, find_parent: FindParent
) -> tuple[Policy | None, list[Problem]]:
    """The compiled policy of a text, None where there are errors, and every problem, warnings included.

    Problems stand in the order of the text, those of inherited text after the file's own. What installed checks say
    of a policy that compiles counts as ours does; a check that breaks down refuses the policy.
    """
    try:
        document = read_document(data, file)
    except PolicyError as error:
        return None, list(error.problems)
    resolved = resolve(document, find_parent)
    shape = [_naming_modes(problem, registry) for problem in _shape_problems(resolved)]
    policy, found = compile_policy(resolved, registry, shape)
    if policy is not None:
        found += _said_by_checks(policy, resolved.document, registry)
    problems = in_text_order([*resolved.problems, *shape, *found], resolved.files)
    if policy is None or any(problem.severity == "error" for problem in problems):
        return None, problems
    return msgspec.structs.replace(policy, warnings=tuple(problems)), problems


def _naming_modes(problem: Problem, registry: Registry) -> Problem:
    """The modes that exist are no part of the schema: plugins supply them."""
    if problem.path != "modes":
        return problem
    hint = f"name the modes that are allowed, of {', '.join(sorted(registry.modes))}, each as `NAME: {{}}`"
    return msgspec.structs.replace(problem, hint=hint)


def _shape_problems(resolved: Resolved) -> list[Problem]:
    """What the schema says of the resolved document. What is missing may be inherited, so the parents come first."""
    document = resolved.document
    if resolved.complete:
        value = {key: member for key, member in document.value.items() if key != "extends"}
        document = msgspec.structs.replace(document, value=value)
    said = {problem.mark for problem in resolved.problems}
    return [problem for problem in schema_problems(document) if problem.mark not in said]


def _said_by_checks(policy: Policy, document: Document, registry: Registry) -> Iterator[Problem]:
    """What each installed check finds, at its place, or that the check broke down."""
    for name, check in registry.checks.items():
        try:
            findings = _findings_of(check, policy)
        except (Exception, SystemExit) as error:
            supplier = registry.supplier("checks", name) or type(check).__module__
            what = str(error) if isinstance(error, PluginError) else f"raised {type(error).__name__}: {error}"
            text = f"policy check {name} of {supplier} {what}"
            hint = "ask the author of the plugin, or remove it"
            yield Problem(code="PLUGIN_FAULT", message=text, hint=hint, mark=document.mark(()))
            continue
        for finding in findings:
            yield Problem(
                code=finding.code,
                message=finding.message,
                hint=finding.hint,
                mark=document.mark(finding.path),
                path=path_text(finding.path),
                severity=finding.severity,
            )


def _findings_of(check: PolicyCheck, policy: Policy) -> list[PolicyFinding]:
    """A check's findings. Raises `PluginError` where they are none."""
    findings = list(check.findings(policy))
    for finding in findings:
        if not isinstance(finding, PolicyFinding):
            raise PluginError(f"returned {type(finding).__name__}, wanted findings")
        try:  # nothing judges a record when it is made
            msgspec.convert(msgspec.to_builtins(finding), PolicyFinding)
        except (msgspec.ValidationError, TypeError) as error:
            raise PluginError(f"returned a finding that is none: {error}") from error
    return findings
