"""A policy with every text that it is made of: its own and those that it extends."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from rules_engine.errors import PolicyError
from rules_engine.extension.registry import Registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder, policy_pins
from rules_engine.policy.pins import FindParent, names_no_file, parse_pin, unknown_policy
from rules_engine.terms.policy import Policy


class Texts(msgspec.Struct, frozen=True):
    """A compiled policy and the texts from which it was compiled, by `NAME@VERSION`."""

    policy: Policy
    documents: Mapping[str, bytes]

    @property
    def pin(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.policy.name}@{self.policy.version}"


def read_texts(path: str | os.PathLike[str], registry: Registry, policies: str | None = None) -> Texts:
    """A policy of a file or of `NAME@VERSION`, found as `load_policy` finds it. Raises PolicyError and OSError."""
    file = Path(path)
    if not file.exists() and names_no_file(str(path)):
        pin = parse_pin(str(path))
        found = pin and policy_finder(policies)(*pin)
        if not found:
            raise PolicyError([unknown_policy(str(path), policy_pins(policies))])
        return _compiled(*found, registry, policy_finder(policies))
    root = policies if policies is not None else file.absolute().parent.parent
    return _compiled(file.read_bytes(), str(path), registry, policy_finder(root))


def kept_texts(pin: str, find: Callable[[str], bytes | None], registry: Registry) -> Texts:
    """A policy of texts that are found by `NAME@VERSION`, and nowhere else. Raises PolicyError."""

    def find_parent(name: str, version: str) -> tuple[bytes, str] | None:
        data = find(f"{name}@{version}")
        return None if data is None else (data, f"{name}@{version}")

    own = find(pin)
    if own is None:
        raise PolicyError([unknown_policy(pin, [])])
    return _compiled(own, pin, registry, find_parent)


def _compiled(data: bytes, file: str, registry: Registry, find: FindParent) -> Texts:
    """The policy of a text, and what was looked up on the way to it."""
    documents: dict[str, bytes] = {}

    def find_parent(name: str, version: str) -> tuple[bytes, str] | None:
        found = find(name, version)
        if found is not None:
            documents[f"{name}@{version}"] = found[0]
        return found

    policy, problems = check_policy(data, file, registry, find_parent)
    if policy is None:
        raise PolicyError(problems)
    documents[f"{policy.name}@{policy.version}"] = data
    return Texts(policy, documents)
