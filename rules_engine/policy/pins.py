"""Pins: `NAME@VERSION`, how one policy names another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from rules_engine.errors import Problem

FindParent: TypeAlias = Callable[[str, str], tuple[bytes, str] | None]
"""Answers name and version with a policy's text and its file name, or None where there is no such policy."""

_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_VERSION: Final = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]{{1,64}})?(?:\+[0-9A-Za-z.-]{{1,64}})?"
_PIN: Final = re.compile(rf"([a-z0-9-]{{1,64}})@({_VERSION})", re.ASCII)


def parse_pin(text: object) -> tuple[str, str] | None:
    """Name and version of `NAME@VERSION`; None where the text is no such pin."""
    match = _PIN.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None


def names_no_file(text: str) -> bool:
    """Whether a text is meant for a policy's name, with or without a version: no folder, no ending of a file."""
    return not re.search(r"[/\\]|\.ya?ml$", text)


def order_of(version: str) -> tuple[list[int], bool, str]:
    """What sorts versions: their numbers, and what is released after what is not."""
    numbers, _, rest = version.partition("-")
    return [int(number) for number in re.findall(r"\d+", numbers.partition("+")[0])], not rest, version


def unknown_policy(text: str, pins: Sequence[str]) -> Problem:
    """The problem with a text that names neither a file nor one of the policies there are."""
    name, _, version = text.partition("@")
    versions = [pin for pin in pins if pin.partition("@")[0] == name]
    close = difflib.get_close_matches(name, {pin.partition("@")[0] for pin in pins}, n=1)
    near = [pin for pin in pins if pin.partition("@")[0] in close]
    if versions and not version:
        message = f"{text} says no version; a policy that is no file is NAME@VERSION"
    elif versions:
        message = f"there is no version {version} of {name}"
    else:
        message = f"there is no file and no policy {text}; a policy is a file, or NAME@VERSION"
    hint = f"there is {', '.join(versions or near)}" if versions or near else "`rules-engine show --list` names them"
    return Problem(code="POLICY_UNKNOWN", message=message, hint=hint)
