"""The door for policies: files in, compiled policies out. Everything behind it is free of files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.extension.registry import Registry, load_registry
from rules_engine.policy.compile import compile_policy
from rules_engine.policy.findings import in_text_order
from rules_engine.policy.reader import read_document
from rules_engine.policy.resolve import FindParent, Resolved, parse_pin, resolve
from rules_engine.policy.schema import schema_problems
from rules_engine.terms.policy import Policy

PACKAGED: Final = "rules_engine_policies"
"""The package that carries the policies shipped with us."""


def load_policy(
    path: str | os.PathLike[str],
    *,
    policies: str | os.PathLike[str] | None = None,
    registry: Registry | None = None,
) -> Policy:
    """The compiled policy of a file, or of `NAME@VERSION` where there is no file of that name.

    A parent `NAME@VERSION` is `NAME/VERSION.yaml` in `policies`, by default two levels above the file, then among the
    packaged policies. Raises `PolicyError` with every problem at once, and `OSError` where the file cannot be read;
    warnings are in `Policy.warnings`.
    """
    data, file, root = _open(path, policies)
    policy, problems = check_policy(data, file, registry or load_registry(), policy_finder(root))
    if policy is None:
        raise PolicyError(problems)
    return policy


def check_policy(
    data: bytes, file: str, registry: Registry, find_parent: FindParent
) -> tuple[Policy | None, list[Problem]]:
    """The compiled policy of a text, None where there are errors, and every problem, warnings included.

    Problems stand in the order of the text, those of inherited text after the file's own. Touches no file.
    """
    try:
        document = read_document(data, file)
    except PolicyError as error:
        return None, list(error.problems)
    resolved = resolve(document, find_parent)
    shape = _shape_problems(resolved)
    policy, found = compile_policy(resolved, registry, shape)
    problems = in_text_order([*resolved.problems, *shape, *found], resolved.files)
    if policy is None:
        return None, problems
    return msgspec.structs.replace(policy, warnings=tuple(problems)), problems


def policy_finder(root: str | os.PathLike[str] | None) -> FindParent:
    """Finds `NAME/VERSION.yaml` in a folder of policies, then among the packaged ones."""

    def find(name: str, version: str) -> tuple[bytes, str] | None:
        for folder in _folders(root):
            file = folder / name / f"{version}.yaml"
            if file.is_file():
                return file.read_bytes(), str(file)
        return None

    return find


def _shape_problems(resolved: Resolved) -> list[Problem]:
    """What the schema says of the resolved document. What is missing may be inherited, so the parents come first."""
    document = resolved.document
    if resolved.complete:
        value = {key: member for key, member in document.value.items() if key != "extends"}
        document = msgspec.structs.replace(document, value=value)
    said = {problem.mark for problem in resolved.problems}
    return [problem for problem in schema_problems(document) if problem.mark not in said]


def _folders(root: str | os.PathLike[str] | None) -> Sequence[Traversable]:
    folders: list[Traversable] = [] if root is None else [Path(root)]
    with contextlib.suppress(ModuleNotFoundError):
        folders.append(resources.files(PACKAGED))
    return folders


def _open(
    path: str | os.PathLike[str], policies: str | os.PathLike[str] | None
) -> tuple[bytes, str, str | os.PathLike[str] | None]:
    """A policy's text, its file name, and the folder in which its parents stand."""
    file = Path(path)
    pin = parse_pin(str(path))
    if pin is not None and not file.exists() and (found := policy_finder(policies)(*pin)) is not None:
        return *found, policies
    return file.read_bytes(), str(path), policies if policies is not None else file.absolute().parent.parent
