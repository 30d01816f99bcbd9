"""The guards of a YAML file; what is wrong with one is told by its line and column."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rules_engine.cli.inputs import read
from rules_engine.errors import DocumentError, Problem

if TYPE_CHECKING:
    from rules_engine.life.store.guards import Guards
    from rules_engine.policy.document import Document

_FAULT: Final = re.compile(r"(.*?)(?: - at `\$(.*)`)?", re.DOTALL).fullmatch
"""What msgspec says of a fault, and where in the document it is."""
_STEPS: Final = re.compile(r"\.(\w+)|\[(\d+)\]").findall
_UNKNOWN: Final = re.compile(r"unknown field `(.*)`").search


def guards_in(path: str) -> Guards:
    """The guards of a YAML file. Raises `DocumentError`."""
    import msgspec

    from rules_engine.life.store.guards import Guards
    from rules_engine.policy.reader import read_document

    document = read_document(read(path), path)
    try:
        return msgspec.convert(_plain(document.value), Guards)
    except msgspec.ValidationError as error:
        raise DocumentError([_problem(document, str(error))]) from error


def _problem(document: Document, text: str) -> Problem:
    from rules_engine.policy.findings import path_text

    found = _FAULT(text)
    said, place = found.groups() if found else (text, None)
    path = tuple(name or int(index) for name, index in _STEPS(place or ""))
    unknown = _UNKNOWN(said)
    mark = document.key_mark((*path, unknown[1])) if unknown else document.mark(path)
    message = f"{path_text(path)}: {said}" if path else said
    return Problem(code="GUARDS_INVALID", message=message, mark=mark, path=path_text(path))


def _plain(value: Any) -> Any:
    """The value with whole numbers as such: approvals are counted."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value
