"""Parameters judged and completed by the schema that a component gives, and the faults put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from rules_engine.errors import PluginError
from rules_engine.numbers.text import plain
from rules_engine.policy.bands import declared_bands, part
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, nearest, path_text
from rules_engine.policy.values import lacks_zone
from rules_engine.policy.wording import type_hint

_MISSING: Final = 0x02
_UNKNOWN: Final = 0x03
_CUSTOM: Final = 0x00
_COERCION: Final = 0x61
_LOGICAL: Final = 0x90


def frozen(value: Any) -> Any:
    """Plain values that nobody can change: a component is given the very parameters that every evaluation uses."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(member) for key, member in value.items()})
    if isinstance(value, list):
        return tuple([frozen(member) for member in value])
    return value


class Normaliser:
    """Judges mappings of one shape, each distinct one once. `schema` is a Cerberus schema.

    Raises `PluginError` where `owner` gives a schema that Cerberus does not understand, or asks for bands of no kind.
    """

    def __init__(self, owner: str, schema: Mapping[str, Any]) -> None:
        from rules_engine.policy.validator import PolicyValidator, SchemaError

        try:
            self._validator = PolicyValidator(dict(schema))
        except SchemaError as error:
            raise PluginError(f"{owner}: the schema of its parameters is not one of Cerberus: {error}") from error
        self._bands = declared_bands(owner, schema)
        self._known: dict[str, Mapping[str, Any]] = {}

    def normalise(self, findings: Findings, path: Path, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The value with defaults and conversions, immutable; None where it is at fault, which is found at its path."""
        # The text of plain values is cheap, and it tells 1 from true and a number from a text.
        key = repr(value)
        if key not in self._known:
            if not self._validator.validate(value):
                for error in _first_at_each_place(self._validator._errors):
                    _report(findings, path, error, self._validator.schema)
                return None
            document = self._validator.document
            before = len(findings.problems)
            for bands in self._bands:
                if document.get(bands.name) is not None:
                    bands.judge(findings, (*path, bands.name), document[bands.name])
            if len(findings.problems) > before:
                return None
            self._known[key] = frozen(document)
        return self._known[key]


def _first_at_each_place(errors: Any) -> Iterator[Any]:
    """One error a place: what failed to convert also has the wrong type, which says nothing more."""
    seen = set()
    for error in sorted(_flat(errors), key=lambda error: error.code != _COERCION):
        if error.document_path not in seen:
            seen.add(error.document_path)
            yield error


def _flat(errors: Any) -> Iterator[Any]:
    """The errors within groups; alternatives (`anyof` and the like) stay one error."""
    for error in errors:
        if error.is_group_error and not error.is_logic_error:
            yield from _flat(error.child_errors)
        else:
            yield error


def _report(findings: Findings, path: Path, error: Any, schema: Mapping[str, Any]) -> None:
    place = (*path, *error.document_path)
    name = path_text(error.document_path)
    if error.code == _MISSING:
        findings.error("PARAMETER_MISSING", place, f"{name} is missing")
    elif error.code == _UNKNOWN:
        known = _known_beside(error.document_path, schema)
        listed = known or len(error.document_path) == 1
        hint = nearest(error.document_path[-1], known) if listed else ""
        findings.key_error("PARAMETER_UNKNOWN", place, f"there is no parameter {name}", hint)
    elif lacks_zone(error.value):
        findings.error("TIME_WITHOUT_ZONE", place, f"the time {error.value} has no zone", "add Z for UTC")
    else:
        what = "an empty list" if error.rule == "minlength" and error.value == [] else _shown(error.value)
        findings.error("PARAMETER_VALUE", place, f"{name}: found {what}, {_wanted(error)}", _hint(error))


def _known_beside(path: Path, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields that the mapping may have in which a path ends; none where the schema does not list them."""
    rules: Mapping[str, Any] = {"schema": schema}
    for step in path[:-1]:
        rules = part(rules, "schema") if isinstance(step, int) else part(rules, "schema", step)
    return part(rules, "schema")


_OF_JSON: Final = {"integer": "number", "dict": "object", "list": "array"}
"""The types of JSON Schema, in which hints are worded, by those of Cerberus that have other names there."""


def _hint(error: Any) -> str:
    if error.rule not in ("type", "nullable"):
        return ""
    types = [error.constraint] if isinstance(error.constraint, str) else list(error.constraint or ())
    return type_hint(error.value, [_OF_JSON.get(name, name) for name in types], {})


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, str):
        return f"text {value!r}"
    if isinstance(value, bool):
        return str(value).lower()
    names = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return names.get(type(value), str(value))


_WORDS: Final = {
    "type": "wanted a value of type {0}",
    "min": "wanted at least {0}",
    "max": "wanted at most {0}",
    "allowed": "wanted one of {0}",
    "forbidden": "which is not allowed here",
    "regex": "wanted text of the form {0}",
    "nullable": "wanted a value",
    "empty": "wanted something",
    "minlength": "wanted at least {0} in it",
    "maxlength": "wanted at most {0} in it",
    "excludes": "which cannot stand beside {0}",
    "dependencies": "which needs {0} beside it",
    "schema": "wanted a mapping or list",
}


def _wanted(error: Any) -> str:
    if error.code in (_CUSTOM, _COERCION):
        return str(error.info[-1])
    constraint = error.constraint
    if isinstance(constraint, (list, tuple, set, frozenset)):
        constraint = ", ".join(str(member) for member in constraint)
    return _WORDS.get(error.rule, f"which breaks the rule {error.rule}").format(constraint)
