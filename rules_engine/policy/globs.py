"""Instrument names and globs: `*` stands for any characters, `?` for one. Nothing else is special."""

from __future__ import annotations

import re
from functools import lru_cache


def is_glob(name: str) -> bool:
    """Whether an instrument key is a glob rather than an exact name."""
    return "*" in name or "?" in name


def matches(glob: str, name: str) -> bool:
    """Whether a glob matches a name."""
    return _expression(glob).fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _expression(glob: str) -> re.Pattern[str]:
    # A run of stars is one star: `.*.*.*` would backtrack without end.
    parts = re.split(r"(\*+|\?)", glob)
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild[part[0]] if part[:1] in wild else re.escape(part) for part in parts)
    return re.compile(pattern, re.DOTALL)


def may_overlap(one: str, other: str) -> bool:
    """Whether the beginnings and the ends of two globs agree: cheap, and False for nearly all that share no name."""
    return _compatible(_head(one), _head(other)) and _compatible(_head(one[::-1]), _head(other[::-1]))


def common_name(one: str, other: str) -> str | None:
    """A name that both globs match, None where there is none. Takes time by the product of their lengths."""
    seen = {(0, 0)}
    todo = [(0, 0, "")]
    while todo:
        i, j, name = todo.pop()
        if i == len(one) and j == len(other):
            return name or "X"
        for step in _steps(one, other, i, j, name):
            if step[:2] not in seen:
                seen.add(step[:2])
                todo.append(step)
    return None


def _steps(one: str, other: str, i: int, j: int, name: str) -> list[tuple[int, int, str]]:
    """Where two globs may go next while spelling one name."""
    a, b = one[i : i + 1], other[j : j + 1]
    steps = []
    if a == "*":
        steps.append((i + 1, j, name))
    if b == "*":
        steps.append((i, j + 1, name))
    if a and b and (a == b or a in "*?" or b in "*?"):
        letter = a if a not in "*?" else b if b not in "*?" else "X"
        steps.append((i + (a != "*"), j + (b != "*"), name + letter))
    return steps


def _head(glob: str) -> str:
    """What a glob begins with before its first wildcard."""
    return re.split(r"[*?]", glob, maxsplit=1)[0]


def _compatible(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
