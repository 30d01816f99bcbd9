"""The door for policies: files in, compiled policies out. Everything behind it is free of files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.policy.pins import FindParent, names_no_file, order_of, parse_pin, unknown_policy
from rules_engine.terms.policy import Policy

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from rules_engine.extension.registry import Registry

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
    packaged policies. Raises `PolicyError` with every problem at once (`POLICY_UNKNOWN` where there is no such
    policy), and `OSError` where the file cannot be read; warnings are in `Policy.warnings`.
    """
    # What reads and checks policies is imported when it is first needed: many a process only evaluates.
    from rules_engine.extension.registry import load_registry
    from rules_engine.policy.check import check_policy

    data, file, root = _open(path, policies)
    policy, problems = check_policy(data, file, registry or load_registry(), policy_finder(root))
    if policy is None:
        raise PolicyError(problems)
    pin = None if Path(path).exists() else parse_pin(str(path))
    if pin is not None and (problem := _another(policy, pin, file)):
        raise PolicyError([problem])
    return policy


def misplaced(file: str | os.PathLike[str], policy: Policy) -> Problem | None:
    """That a file which stands as `NAME/VERSION.yaml` holds another version than it is looked up as: a warning."""
    place = Path(file).absolute()
    pin = parse_pin(f"{place.parent.name}@{place.name.removesuffix('.yaml')}")
    found = None if pin is None or place.parent.name != policy.name else _another(policy, pin, str(file))
    return found and msgspec.structs.replace(found, severity="warning")


def _another(policy: Policy, pin: tuple[str, str], file: str) -> Problem | None:
    if pin == (policy.name, policy.version):
        return None
    said = f"it holds {policy.name}@{policy.version}, and is looked up as {'@'.join(pin)}"
    mark = policy.marks.get(("version",))
    return Problem(
        code="POLICY_IDENTITY",
        message=said,
        hint="file and folder must carry version and name",
        mark=mark,
        document=file,
    )


def policy_finder(root: str | os.PathLike[str] | None) -> FindParent:
    """Finds `NAME/VERSION.yaml` in a folder of policies, then among the packaged ones, called by their pin."""

    def find(name: str, version: str) -> tuple[bytes, str] | None:
        for folder in _folders(root):
            file = folder / name / f"{version}.yaml"
            if file.is_file():
                own = root is not None and folder == Path(root)
                return file.read_bytes(), str(file) if own else f"{name}@{version}"
        return None

    return find


def policy_pins(root: str | os.PathLike[str] | None = None) -> list[str]:
    """`NAME@VERSION` of every policy in a folder of policies and among the packaged ones, by name and version."""
    pins = set()
    for folder in _folders(root):
        for name in folder.iterdir() if folder.is_dir() else ():
            for file in name.iterdir() if name.is_dir() else ():
                pin = parse_pin(f"{name.name}@{file.name.removesuffix('.yaml')}")
                if pin is not None and file.name.endswith(".yaml"):
                    pins.add(pin)
    return [f"{name}@{version}" for name, version in sorted(pins, key=lambda pin: (pin[0], order_of(pin[1])))]


def _folders(root: str | os.PathLike[str] | None) -> Sequence[Traversable]:
    from importlib import resources

    folders: list[Traversable] = [] if root is None else [Path(root)]
    with contextlib.suppress(ModuleNotFoundError):
        folders.append(resources.files(PACKAGED))
    return folders


def _open(
    path: str | os.PathLike[str], policies: str | os.PathLike[str] | None
) -> tuple[bytes, str, str | os.PathLike[str] | None]:
    """A policy's text, its file name, and the folder in which its parents stand."""
    file = Path(path)
    if not file.exists() and names_no_file(str(path)):
        pin = parse_pin(str(path))
        found = pin and policy_finder(policies)(*pin)
        if not found:
            raise PolicyError([unknown_policy(str(path), policy_pins(policies))])
        return *found, policies
    return file.read_bytes(), str(path), policies if policies is not None else file.absolute().parent.parent
