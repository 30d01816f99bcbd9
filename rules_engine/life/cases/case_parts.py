"""Parts of a case put together from a text: rows filled in, markets merged, each value with the place it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from rules_engine.engine.documents import OBJECTS
from rules_engine.engine.shapes import Fault
from rules_engine.engine.values import Refusal
from rules_engine.errors import Mark, Problem
from rules_engine.numbers.text import plain
from rules_engine.policy.document import Document, Path
from rules_engine.policy.findings import path_text

_COLUMN: Final = re.compile(r"\$\{([^{}]*)\}")
_WORDS: Final = {None: "null", True: "true", False: "false"}

Kind = Literal["Account", "Market", "Order"]
"""The documents of which a case is made."""


class Part(NamedTuple):
    """A value that is no longer as the text has it.

    `origins` says by the path in the value where in the text that and what lies below it comes from.
    """

    value: Any
    origins: Mapping[Path, Path]

    def origin(self, path: Path) -> Path:
        """The path in the text of what stands at a path of the value."""
        length = max(length for length in range(len(path) + 1) if path[:length] in self.origins)
        return (*self.origins[path[:length]], *path[length:])


def as_written(document: Document, *path: str | int) -> Part:
    """The part of a document at a path."""
    value: Any = document.value
    for step in path:
        value = value[step]
    return Part(value, {(): path})


class Row:
    """A row of a table: its values, where it stands, which of its columns were used, and which were asked for in vain.

    `unknown` are names of columns that it lacks, each with the path of the text that asks for it.
    """

    def __init__(self, document: Document, path: Path) -> None:
        self.path = path
        self.values: Mapping[str, Any] = as_written(document, *path).value
        self.used: set[str] = set()
        self.unknown: dict[tuple[str, Path], None] = {}

    def filled(self, part: Part) -> Part:
        """The part with every `${column}` replaced: by the value itself where nothing stands beside it."""
        origins = dict(part.origins)
        return Part(self._filled(part.value, (), part, origins), origins)

    def _filled(self, value: Any, path: Path, part: Part, origins: dict[Path, Path]) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner, (*path, key), part, origins) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, (*path, index), part, origins) for index, inner in enumerate(value)]
        if not isinstance(value, str) or not (named := _COLUMN.findall(value)):
            return value
        unknown = [name for name in named if name not in self.values]
        if unknown:
            self.unknown |= {(name, part.origin(path)): None for name in unknown}
            return value
        self.used.update(named)
        origins[path] = (*self.path, named[0])
        if _COLUMN.fullmatch(value):
            return self.values[named[0]]
        return _COLUMN.sub(lambda match: _text_of(self.values[match[1]]), value)


def _text_of(value: Any) -> str:
    """A value inside a text."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return plain(value) if isinstance(value, Decimal) else str(value)


def merged(below: Part, above: Part) -> Part:
    """One market over another: maps merge key by key, everything else is replaced.

    Null takes away an instrument, an asset or a measure; as the value of a field it means what it means there.
    """
    origins = dict(below.origins)
    return Part(_merged(below.value, above.value, (), above, origins), origins)


def _merged(below: Any, above: Any, path: Path, part: Part, origins: dict[Path, Path]) -> Any:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        for old in [old for old in origins if old[: len(path)] == path]:
            del origins[old]
        origins[path] = part.origin(path)
        inside = {at: origin for at, origin in part.origins.items() if at[: len(path)] == path}
        origins.update(inside)
        return above
    both = dict(below)
    for key, value in above.items():
        if value is None and len(path) % 2:  # fields and names take turns: `instruments`, a name, `measures`, a name
            both.pop(key, None)
        else:
            both[key] = _merged(below.get(key), value, (*path, key), part, origins)
    return both


def decoded(part: Part, kind: Kind, document: Document, problems: list[Problem]) -> Any:
    """The record that a part describes; None where it cannot be used, with every problem taken down at its place."""
    try:
        return OBJECTS[kind].decode(part.value)
    except Refusal:
        faults = list(OBJECTS[kind].faults(part.value, ()))
    assert faults, f"the {kind} was refused without a reason"
    problems += [_problem(fault, part, document) for fault in faults]
    return None


def _problem(fault: Fault, part: Part, document: Document) -> Problem:
    refusal, path = fault.refusal, part.origin(fault.path)
    return Problem(
        code=refusal.code,
        message=refusal.message,
        hint=refusal.hint,
        mark=_mark(fault, path, document),
        path=path_text(path),
    )


def _mark(fault: Fault, path: Path, document: Document) -> Mark:
    return document.key_mark(path) if fault.place == "key" else document.mark(path)
