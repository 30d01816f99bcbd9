"""Collects what is wrong with one resolved policy document, each finding with its place in the text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rules_engine.errors import Mark, Problem
from rules_engine.numbers.exact import Exact, rounded
from rules_engine.numbers.text import plain
from rules_engine.policy.document import Document, Path

_FINEST: Final = Decimal("1e-8")


class Findings:
    """The problems of one document, in the order in which they were found."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def error(self, code: str, path: Path, message: str, hint: str = "") -> None:
        """Something that keeps the policy from being used, at the value of a path."""
        mark = self.document.mark(path)
        self.problems.append(Problem(code=code, message=message, hint=hint, mark=mark, path=path_text(path)))

    def key_error(self, code: str, path: Path, message: str, hint: str = "") -> None:
        """The same, at the key that a path ends in."""
        mark = self.document.key_mark(path)
        self.problems.append(Problem(code=code, message=message, hint=hint, mark=mark, path=path_text(path)))

    def warning(self, code: str, path: Path, message: str, hint: str = "") -> None:
        """Something that a risk officer should know; the policy can be used."""
        mark = self.document.key_mark(path)
        self.problems.append(
            Problem(code=code, message=message, hint=hint, mark=mark, path=path_text(path), severity="warning")
        )


def path_text(path: Path) -> str:
    """A path as people write it: `tables.majors.tiers[0].up_to`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint that names the nearest of the names that exist, or all of them where they are few."""
    known = sorted(names)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"did you mean {close[0]}?"
    return f"there is {', '.join(known[:8])}" if known else "there are none"


def shown(number: Exact) -> str:
    """A number for a message: plain digits, at most eight after the point."""
    return plain(rounded(number, _FINEST, "half_up"))


def in_text_order(problems: Iterable[Problem], files: Iterable[str]) -> list[Problem]:
    """Problems sorted by file, in the order of the given files, then by line and column; equal ones once."""
    rank = {file: index for index, file in enumerate(files)}

    def place(problem: Problem) -> tuple[int, str, int, int]:
        mark = problem.mark or Mark("", 0, 0)
        return (rank.get(mark.file, len(rank)), mark.file, mark.line, mark.column)

    return sorted(dict.fromkeys(problems), key=place)
