"""`extends`: a policy on top of the one that it is pinned to. Maps merge key by key, lists are replaced whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.policy.digest import digest_of
from rules_engine.policy.document import Document, Path
from rules_engine.policy.pins import FindParent, parse_pin

OWN: Final = frozenset(
    {"schema", "policy", "version", "change", "extends", "effective_from", "effective_until", "applies_to"}
)
"""Members that a policy never inherits."""

DEEPEST: Final = 8
"""How many policies may stand in one line of inheritance."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A document with all that it inherits. `complete` is False where a parent could not be had; `problems` say why."""

    document: Document
    digest: str
    files: tuple[str, ...]
    complete: bool
    problems: tuple[Problem, ...]


def resolve(document: Document, find_parent: FindParent) -> Resolved:
    """A document merged over its parents, with marks into whichever file a value comes from."""
    line, problems = _line_of(document, find_parent)
    merged = line[-1]
    digest = digest_of(merged.value)
    for child in reversed(line[:-1]):
        merged = _merge(merged, child)
        digest = digest_of(merged.value, digest)
    return Resolved(
        document=merged,
        digest=digest,
        files=tuple(member.file for member in line),
        complete=not problems,
        problems=tuple(problems),
    )


def _line_of(document: Document, find_parent: FindParent) -> tuple[list[Document], list[Problem]]:
    """The document and its parents, nearest first, as far as they can be had, and what stopped the search."""
    line = [document]
    seen = [(document.value.get("policy"), document.value.get("version"))]  # of any type yet: the schema judges later
    while "extends" in line[-1].value:
        if len(line) == DEEPEST:
            return line, [_problem(line[-1], "EXTENDS_DEPTH", f"more than {DEEPEST} policies extend one another")]
        parent = _parent_of(line[-1], find_parent)
        if not isinstance(parent, Document):
            return line, parent
        pin = (parent.value["policy"], parent.value["version"])
        if pin in seen:
            return line, [_problem(line[-1], "EXTENDS_CYCLE", f"{pin[0]}@{pin[1]} extends itself")]
        seen.append(pin)
        line.append(parent)
    return line, []


def _parent_of(child: Document, find_parent: FindParent) -> Document | list[Problem]:
    pin = parse_pin(child.value["extends"])
    if pin is None:
        return [_problem(child, "EXTENDS_FORM", "a policy extends NAME@VERSION", "for example house-base@1.0.0")]
    found = find_parent(*pin)
    if found is None:
        hint = f"put it at {pin[0]}/{pin[1]}.yaml in the policies folder"
        return [_problem(child, "EXTENDS_MISSING", f"there is no policy {pin[0]}@{pin[1]}", hint)]
    from rules_engine.policy.reader import read_document

    try:
        parent = read_document(*found)
    except PolicyError as error:
        return list(error.problems)
    named = (parent.value.get("policy"), parent.value.get("version"))
    if named != pin:
        found_there = f"{found[1]} is {named[0]}@{named[1]}, not {pin[0]}@{pin[1]}"
        return [_problem(child, "EXTENDS_IDENTITY", found_there, "file and folder must carry version and name")]
    return parent


def _problem(document: Document, code: str, message: str, hint: str = "") -> Problem:
    return Problem(code=code, message=message, hint=hint, mark=document.mark(("extends",)), path="extends")


def _merge(parent: Document, child: Document) -> Document:
    inherited = {key: value for key, value in parent.value.items() if key not in OWN}
    value = _merged(inherited, child.value)
    marks, key_marks = {}, {}
    for path in _paths(value):
        marks[path] = child.marks[path] if path in child.marks else parent.marks[path]
        if path in child.key_marks:
            key_marks[path] = child.key_marks[path]
        elif path in parent.key_marks:
            key_marks[path] = parent.key_marks[path]
    return Document(file=child.file, value=value, marks=marks, key_marks=key_marks)


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(parent)
    for key, value in child.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of a value and of everything in it."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield from _paths(member, (*path, step))
