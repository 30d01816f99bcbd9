"""The parts of a resolved document that can be judged: those in which the schema found nothing wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rules_engine.errors import Problem
from rules_engine.policy.document import Document
from rules_engine.policy.findings import path_text


class Sections:
    """A document by section. A member with a problem of shape is skipped, but its name is known.

    `complete` is False where a parent could not be had, so that nothing can be said of names that are not found.
    """

    def __init__(self, document: Document, problems: Iterable[Problem] = (), complete: bool = True) -> None:
        self.document = document
        self.complete = complete
        self._broken = [problem.path for problem in problems if problem.severity == "error" and problem.path]

    def section(self, name: str) -> Mapping[str, Any]:
        """A section of settings; empty where it is absent or malformed."""
        value = self.document.value.get(name)
        return value if isinstance(value, dict) and not self._is_broken((name,)) else {}

    def text(self, name: str) -> str | None:
        """A text of the root; None where it is absent or malformed."""
        value = self.document.value.get(name)
        return value if isinstance(value, str) and not self._is_broken((name,)) else None

    def members(self, name: str, *required: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The sound members of a section of named things, those apart that still lack what a lost parent may give."""
        for key, value in self._mapping(name).items():
            if isinstance(value, dict) and not self._is_broken((name, key)) and value.keys() >= set(required):
                yield key, value

    def names(self, name: str) -> Mapping[str, Any]:
        """The names of all members of a section, sound or not."""
        return self._mapping(name)

    def named_by_instruments(self) -> set[tuple[str, str]]:
        """Every `(section, name)` of a table or buffer that an instrument names, whatever else is wrong with it."""
        named = set()
        for rule in self._mapping("instruments").values():
            if isinstance(rule, dict):
                buffers = rule.get("buffers")
                named |= {("buffers", str(name)) for name in (buffers if isinstance(buffers, list) else ())}
                named.add(("tables", str(rule.get("table"))))
        return named

    def _mapping(self, name: str) -> Mapping[str, Any]:
        value = self.document.value.get(name)
        return value if isinstance(value, dict) else {}

    def _is_broken(self, path: tuple[str, ...]) -> bool:
        if not self._broken:
            return False
        place = path_text(path)
        return any(broken == place or broken.startswith((f"{place}.", f"{place}[")) for broken in self._broken)
