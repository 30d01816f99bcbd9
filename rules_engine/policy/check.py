"""From a policy's text to a compiled policy, or to everything that is wrong with it. Touches no file."""

from __future__ import annotations

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.policy.compile import compile_policy
from rules_engine.policy.findings import in_text_order
from rules_engine.policy.pins import FindParent
from rules_engine.policy.reader import read_document
from rules_engine.policy.resolve import Resolved, resolve
from rules_engine.policy.schema import schema_problems
from rules_engine.terms.policy import Policy


def check_policy(
    data: bytes, file: str, registry: Registry, find_parent: FindParent
) -> tuple[Policy | None, list[Problem]]:
    """The compiled policy of a text, None where there are errors, and every problem, warnings included.

    Problems stand in the order of the text, those of inherited text after the file's own.
    """
    try:
        document = read_document(data, file)
    except PolicyError as error:
        return None, list(error.problems)
    resolved = resolve(document, find_parent)
    shape = [_naming_modes(problem, registry) for problem in _shape_problems(resolved)]
    policy, found = compile_policy(resolved, registry, shape)
    problems = in_text_order([*resolved.problems, *shape, *found], resolved.files)
    if policy is None:
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
